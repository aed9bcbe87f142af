//! Random numbers from keys, in lanes: what is made of a block's two words, and the programs that draw.
//!
//! What always holds: element i of a key's sample is made of the two words that [`threefry`] gives for the counter i, so
//! every element stands alone; keys are the rows of a program, counters its columns.

use crate::threefry::{self, Words, block, centred, join, unit};
use crate::{Builder, Program, Type, V, Width, cast, math};
use plywood_core::DType;

/// What is made of a block's two words.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Sample {
    /// Uniform bits of an unsigned type.
    Bits(DType),
    /// Floats in [0, 1).
    Uniform(DType),
    /// Standard normal floats.
    Normal(DType),
    /// Both words: a key.
    Keys,
}

impl Sample {
    /// The type of an element; a key is one of 64 bits.
    pub fn dtype(self) -> DType {
        match self {
            Sample::Bits(dtype) | Sample::Uniform(dtype) | Sample::Normal(dtype) => dtype,
            Sample::Keys => DType::U64,
        }
    }

    /// The program that draws. Arguments: the key's two words and the counter's high word for each row, the output; the
    /// column is the counter's low word.
    pub fn program(self) -> Program {
        let b = Builder::new(Width::of(self.dtype()));
        let key = [b.splat(DType::U32), b.splat(DType::U32)];
        let high = b.splat(DType::U32);
        let low = match b.width() {
            Width::W32 => b.column(),
            Width::W64 => b.column() & b.uint(u32::MAX as u64),
        };
        let sample = self.of(block(key, [high, low]));
        cast::output(&b, self.dtype(), sample);
        b.finish()
    }

    /// The sample that a block's two words make.
    pub fn of<'b>(self, words: Words<'b>) -> V<'b> {
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
pub fn uniform<'b>(words: Words<'b>, dtype: DType) -> V<'b> {
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
pub fn normal<'b>(x: V<'b>, dtype: DType) -> V<'b> {
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
pub fn narrow<'b>(x: V<'b>, fewer: u8) -> V<'b> {
    let b = x.builder();
    let bits = x.bits(Type::U32);
    let odd = bits.shr(fewer) & b.uint(1);
    let rounded = bits + (odd + b.uint((1 << (fewer - 1)) - 1));
    (rounded & b.uint(u32::MAX as u64 & !((1 << fewer) - 1))).bits(threefry::float(x))
}

/// The program of new keys from keys and data for each of them; a key is two words side by side. Arguments: keys, data,
/// the output.
pub fn fold_in() -> Program {
    let b = Builder::new(Width::W64);
    let (key, data) = (b.input(DType::U64), b.input(DType::U32));
    let key = [key & b.uint(u32::MAX as u64), key.shr(32)];
    let [first, second] = block(key, [b.uint(0), data]);
    b.output(DType::U64, second.shl(32) | first);
    b.finish()
}
