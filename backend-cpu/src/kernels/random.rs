//! Random numbers from keys: threefry2x32 with the counters of `jax.random`, one pass each.
//!
//! Element i of a key's sample is made of the two words that the block function gives for the counter i, whatever the
//! shape; so every element stands alone, threads take any part, and a batch of keys gives what each gives alone: keys
//! are the rows of a program, counters its columns. Bits, uniform floats and keys equal JAX's to the bit; normal floats
//! do but for the logarithm's last bit.

mod gamma;
mod poisson;
#[cfg(test)]
mod tables;
#[cfg(test)]
mod tests;

use crate::data::{self, View};
use crate::dispatch::{floats, integers};
use crate::elementwise::Family;
use crate::kernel::cache::{Key, eager};
use crate::kernel::launch::{Operand, launch};
use crate::kernel::threefry::{self, Words, block, centred, join, unit};
use crate::kernel::{Builder, Kernel, Program, V, Width, math};
use crate::layout::Layout;
use crate::storage::Storage;
use bytemuck::{cast_slice, cast_slice_mut};
use plywood_core::op::Random;
use plywood_core::{DType, TensorType, Value, Values};

/// Inputs: keys; for `FoldIn` the data, for the distributions with a parameter that.
pub fn random(ty: TensorType, x: Values, random: &Random) -> Value {
    let keys = View::<u32>::of(&x[0]).to_contiguous();
    let keys: &[u8] = cast_slice(&keys);
    let mut storage = Storage::overwritten(ty.bytes());
    let out = &mut storage.as_mut_slice::<u8>().expect("it is new")[..ty.bytes()];
    let count = keys.len() / 8;
    match random {
        Random::Bits { shape, dtype } => draw(Sample::Bits(*dtype), keys, shape.elements(), out),
        Random::Uniform { shape, dtype } => draw(Sample::Uniform(*dtype), keys, shape.elements(), out),
        Random::Normal { shape, dtype } => draw(Sample::Normal(*dtype), keys, shape.elements(), out),
        Random::Split { shape } => draw(Sample::Keys, keys, shape.elements(), out),
        Random::Gamma { shape, dtype, log } => floats!(*dtype, T => {
            let alpha = View::<T>::of(&x[1]).to_contiguous();
            gamma::draw_gamma(keys, shape.elements(), &alpha, *dtype, *log, cast_slice_mut::<u8, T>(out))
        }),
        Random::Poisson { shape, dtype } => {
            let rate = View::<f32>::of(&x[1]).to_contiguous();
            integers!(*dtype, T => {
                poisson::draw_poisson(keys, shape.elements(), &rate, cast_slice_mut::<u8, T>(out))
            })
        }
        Random::FoldIn => {
            let folded = View::<u32>::of(&x[1]).to_contiguous();
            let operands = [
                Operand::read(keys, 0, &[count], &[8], 8),
                Operand::read(cast_slice(&folded), 0, &[count], &[4], 4),
                Operand::write(out, 0, &[count], &[8], 8),
            ];
            launch(eager(key(1, 0), fold_in), &[count], &operands, 0, 1);
        }
    }
    let layout = Layout::row_major(&ty.shape);
    data::value(ty, layout, storage)
}

/// What is made of a block's two words.
#[derive(Clone, Copy, Debug)]
enum Sample {
    /// Uniform bits of an unsigned type.
    Bits(DType),
    /// Floats in [0, 1).
    Uniform(DType),
    /// Standard normal floats.
    Normal(DType),
    /// Both words: a key.
    Keys,
}

fn key(number: u64, dtype: u64) -> Key {
    Key(number | dtype << 8 | (Family::Random as u64) << 40)
}

impl Sample {
    fn dtype(self) -> DType {
        match self {
            Sample::Bits(dtype) | Sample::Uniform(dtype) | Sample::Normal(dtype) => dtype,
            Sample::Keys => DType::U64,
        }
    }

    fn kernel(self) -> &'static Kernel {
        let number = match self {
            Sample::Keys => 2,
            Sample::Bits(_) => 3,
            Sample::Uniform(_) => 4,
            Sample::Normal(_) => 5,
        };
        eager(key(number, self.dtype() as u64), || self.program())
    }

    /// Arguments: the key's two words and the counter's high word for each row, the output.
    fn program(self) -> Program {
        let b = Builder::new(Width::of(self.dtype()));
        let key = [b.splat(DType::U32), b.splat(DType::U32)];
        let high = b.splat(DType::U32);
        let low = match b.width() {
            Width::W32 => b.column(),
            Width::W64 => b.column() & b.uint(u32::MAX as u64),
        };
        let sample = self.of(block(key, [high, low]));
        crate::kernel::cast::output(&b, self.dtype(), sample);
        b.finish()
    }

    fn of<'b>(self, words: Words<'b>) -> V<'b> {
        let [first, second] = words;
        match self {
            // The machine's order: the first word lies first in memory.
            Sample::Keys => second.shl(32) | first,
            Sample::Bits(DType::U64) => join(words),
            Sample::Bits(_) => first ^ second,
            Sample::Uniform(dtype) => uniform(words, dtype),
            Sample::Normal(dtype) => normal(uniform(words, dtype), dtype),
        }
    }
}

/// A float in [0, 1), in lanes that hold it exactly.
fn uniform<'b>(words: Words<'b>, dtype: DType) -> V<'b> {
    let b = words[0].builder();
    let bits = |mask: u64| (words[0] ^ words[1]) & b.uint(mask);
    match dtype {
        DType::F64 => unit(join(words), 64, 52),
        DType::F16 => unit(bits(0xffff), 16, 10),
        DType::BF16 => unit(bits(0xff), 8, 7),
        _ => unit(words[0] ^ words[1], 32, 23),
    }
}

/// sqrt(2) erf_inv(u) of a float in [0, 1). 16-bit floats are rounded where JAX rounds them: after the inverse, and
/// after the product with the rounded root.
fn normal<'b>(x: V<'b>, dtype: DType) -> V<'b> {
    let mantissa = match dtype {
        DType::F64 => 52,
        DType::F16 => 10,
        DType::BF16 => 7,
        _ => 23,
    };
    let u = centred(x, 2f64.powi(-1 - mantissa) - 1.0);
    let inverse = math::erf_inv_giles(u);
    match dtype {
        DType::F16 => narrow(inverse, 13) * half::f16::from_f64(std::f64::consts::SQRT_2).to_f64(),
        DType::BF16 => narrow(inverse, 16) * half::bf16::from_f64(std::f64::consts::SQRT_2).to_f64(),
        _ => inverse * std::f64::consts::SQRT_2,
    }
}

/// An f32 rounded to one with so many mantissa bits fewer, halves to even; it is far from overflow and subnormals.
fn narrow<'b>(x: V<'b>, fewer: u8) -> V<'b> {
    let b = x.builder();
    let bits = x.bits(crate::kernel::Type::U32);
    let odd = bits.shr(fewer) & b.uint(1);
    let rounded = bits + (odd + b.uint((1 << (fewer - 1)) - 1));
    (rounded & b.uint(u32::MAX as u64 & !((1 << fewer) - 1))).bits(threefry::float(x))
}

/// Draws `each` elements from every key.
fn draw(sample: Sample, keys: &[u8], each: usize, out: &mut [u8]) {
    draw_from(sample, keys, 0, each, out);
}

/// Draws `each` elements from every key, from counter `first` on.
fn draw_from(sample: Sample, keys: &[u8], first: u64, each: usize, out: &mut [u8]) {
    let (kernel, count, size) = (sample.kernel(), keys.len() / 8, sample.dtype().size());
    let mut done = 0;
    while done < each {
        // The counter's high word is the same for all of a launch.
        let counter = first + done as u64;
        let run = (each - done).min(((1u64 << 32) - (counter & u32::MAX as u64)) as usize);
        let high = ((counter >> 32) as u32).to_ne_bytes();
        let sizes = [count, run];
        let operands = [
            Operand::read(keys, 0, &sizes, &[8, 0], 4),
            Operand::read(keys, 4, &sizes, &[8, 0], 4),
            Operand::read(&high, 0, &sizes, &[0, 0], 4),
            Operand::write(out, done * size, &sizes, &[(each * size) as isize, size as isize], size),
        ];
        launch(kernel, &sizes, &operands, (counter & u32::MAX as u64) as usize, 1);
        done += run;
    }
}

/// Keys and data for each of them; a key is two words side by side.
fn fold_in() -> Program {
    let b = Builder::new(Width::W64);
    let (key, data) = (b.input(DType::U64), b.input(DType::U32));
    let key = [key & b.uint(u32::MAX as u64), key.shr(32)];
    let [first, second] = block(key, [b.uint(0), data]);
    b.output(DType::U64, second.shl(32) | first);
    b.finish()
}
