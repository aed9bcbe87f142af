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
use crate::kernel::Kernel;
use crate::kernel::cache::{Key, eager};
use crate::kernel::formulas::random::{Sample, fold_in};
use crate::kernel::launch::{Operand, launch};
use crate::layout::Layout;
use crate::storage::Storage;
use bytemuck::{cast_slice, cast_slice_mut};
use plywood_core::op::Random;
use plywood_core::{TensorType, Value, Values};

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

fn key(number: u64, dtype: u64) -> Key {
    Key(number | dtype << 8 | (Family::Random as u64) << 40)
}

/// The code that draws such samples.
fn kernel(sample: Sample) -> &'static Kernel {
    let number = match sample {
        Sample::Keys => 2,
        Sample::Bits(_) => 3,
        Sample::Uniform(_) => 4,
        Sample::Normal(_) => 5,
    };
    eager(key(number, sample.dtype() as u64), || sample.program())
}

/// Draws `each` elements from every key.
fn draw(sample: Sample, keys: &[u8], each: usize, out: &mut [u8]) {
    draw_from(sample, keys, 0, each, out);
}

/// Draws `each` elements from every key, from counter `first` on.
fn draw_from(sample: Sample, keys: &[u8], first: u64, each: usize, out: &mut [u8]) {
    let (kernel, count, size) = (kernel(sample), keys.len() / 8, sample.dtype().size());
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
