//! Random numbers from keys: threefry2x32 with the counters of `jax.random`, one pass each.
//!
//! Element i of a key's sample is made of the two words that the block function gives for the counter i, whatever the
//! shape; so every element stands alone, loops vectorise, threads take any part, and a batch of keys gives what each
//! gives alone. Bits, uniform floats and keys equal JAX's to the bit; normal floats do but for the logarithm's last bit.

#[cfg(test)]
mod tables;

use super::simd::{Loop, vectorized};
use crate::data::{View, overwritten};
use crate::float::Real;
use crate::par;
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use half::{bf16, f16};
use plywood_core::op::Random;
use plywood_core::{DType, TensorType, Value, Values};
use std::marker::PhantomData;
#[cfg(test)]
use tests::Kind;

/// The counter's two words enciphered with the key: 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1,
/// 2, 3", 2011).
#[inline(always)]
fn threefry([k0, k1]: [u32; 2], [c0, c1]: [u32; 2]) -> [u32; 2] {
    let k2 = k0 ^ k1 ^ 0x1BD1_1BDA;
    let (mut x0, mut x1) = (c0.wrapping_add(k0), c1.wrapping_add(k1));
    // Written out, so that loops over counters have no loop inside and vectorise.
    macro_rules! rounds {
        ($($r:literal)*, $a:ident $b:ident $i:literal) => {
            $( x0 = x0.wrapping_add(x1); x1 = x1.rotate_left($r) ^ x0; )*
            x0 = x0.wrapping_add($a);
            x1 = x1.wrapping_add($b).wrapping_add($i);
        };
    }
    rounds!(13 15 26 6, k1 k2 1);
    rounds!(17 29 16 24, k2 k0 2);
    rounds!(13 15 26 6, k0 k1 3);
    rounds!(17 29 16 24, k1 k2 4);
    rounds!(13 15 26 6, k2 k0 5);
    [x0, x1]
}

/// How an element is made of a block's two words.
trait Sample<T: Pod> {
    /// The element.
    fn of(words: [u32; 2]) -> T;
}

/// Uniform bits.
struct Bits;
/// Both words: a key.
struct Keys;
/// Floats in [0, 1): as many bits as the mantissa holds, below a one that is subtracted again.
struct Uniform;
/// Floats in [0, 1) of 10 bits, as f32 exactly: f16's.
struct Uniform10;
/// Floats in [0, 1) of 7 of 8 bits, as f32 exactly: bf16's.
struct Uniform7;

macro_rules! samples { ($($Kind:ident $T:ty: $a:ident $b:ident => $value:expr;)*) => { $( impl Sample<$T> for $Kind {
    #[inline(always)]
    fn of([$a, $b]: [u32; 2]) -> $T { $value }
} )* } }
samples! {
    Bits u8: a b => (a ^ b) as u8;
    Bits u16: a b => (a ^ b) as u16;
    Bits u32: a b => a ^ b;
    Bits u64: a b => (a as u64) << 32 | b as u64;
    Keys [u32; 2]: a b => [a, b];
    Uniform f32: a b => f32::from_bits((a ^ b) >> 9 | 1f32.to_bits()) - 1.0;
    Uniform f64: a b => f64::from_bits(((a as u64) << 32 | b as u64) >> 12 | 1f64.to_bits()) - 1.0;
    Uniform10 f32: a b => (((a ^ b) & 0xffff) >> 6) as f32 * (1.0 / 1024.0);
    Uniform7 f32: a b => (((a ^ b) & 0xff) >> 1) as f32 * (1.0 / 128.0);
    // These are exact: 10 bits fit f16, 7 fit bf16, and neither meets its subnormals.
    Uniform f16: a b => {
        let bits = <Uniform10 as Sample<f32>>::of([a, b]).to_bits() >> 13;
        f16::from_bits(if bits == 0 { 0 } else { (bits - (112 << 10)) as u16 })
    };
    Uniform bf16: a b => bf16::from_bits((<Uniform7 as Sample<f32>>::of([a, b]).to_bits() >> 16) as u16);
}

/// Elements of one key from counter `first` on.
struct Draw<'a, T, S> {
    key: [u32; 2],
    first: u64,
    out: &'a mut [T],
    sample: PhantomData<S>,
}

impl<T: Pod, S: Sample<T>> Loop for Draw<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Draw { key, first, mut out, sample: _ } = self;
        let [mut high, mut low] = [(first >> 32) as u32, first as u32];
        // The high word is the same for all of a run.
        while !out.is_empty() {
            let run = out.len().min((u32::MAX - low) as usize + 1);
            let (now, rest) = out.split_at_mut(run);
            for (i, out) in now.iter_mut().enumerate() {
                *out = S::of(threefry(key, [high, low.wrapping_add(i as u32)]));
            }
            (out, high, low) = (rest, high.wrapping_add(1), 0);
        }
    }
}

/// Elements of a tile: what is drawn before it is transformed.
const TILE: usize = 256;
/// Nanoseconds of an element that is only drawn, and of one that is transformed.
const DRAW: f64 = 1.0;
const TRANSFORM: f64 = 15.0;

/// Calls `draw(key, first counter, elements)` until all of `out` is drawn, `each` elements from every key.
fn fill<T: Pod + Send>(
    keys: &[[u32; 2]],
    each: usize,
    out: &mut [T],
    work: f64,
    draw: impl Fn([u32; 2], u64, &mut [T]) + Sync,
) {
    par::chunks(out, 1, work, |first, mut out| {
        let (mut key, mut at) = (first / each, first % each);
        while !out.is_empty() {
            let (now, rest) = out.split_at_mut(out.len().min(each - at));
            draw(keys[key], at as u64, now);
            (out, key, at) = (rest, key + 1, 0);
        }
    });
}

/// What is drawn as it is.
fn drawn<T: Pod + Send, S: Sample<T>>(keys: &[[u32; 2]], each: usize, out: &mut [T], _sample: S) {
    fill(keys, each, out, DRAW, |key, first, out| {
        vectorized(Draw { key, first, out, sample: PhantomData::<S> });
    });
}

/// What is drawn, and goes through `f`.
fn transformed<T: Pod, U: Pod + Send, S: Sample<T>>(
    keys: &[[u32; 2]],
    each: usize,
    out: &mut [U],
    _sample: S,
    f: impl Fn(T) -> U + Sync,
) {
    fill(keys, each, out, TRANSFORM, |key, first, out| {
        let mut tile = [T::zeroed(); TILE];
        for (i, out) in out.chunks_mut(TILE).enumerate() {
            let tile = &mut tile[..out.len()];
            vectorized(Draw { key, first: first + (i * TILE) as u64, out: tile, sample: PhantomData::<S> });
            out.iter_mut().zip(tile).for_each(|(out, x)| *out = f(*x));
        }
    });
}

/// A float in [low, 1) of one in [0, 1), where `low` is the first float above -1.
fn centred<T: Real>(x: T, low: T) -> T {
    let x = x.add(x).add(low);
    if x < low { low } else { x }
}

/// sqrt(2) erf_inv(u), in f32 until the two roundings that JAX makes.
fn normal_half<T: crate::float::Float<Wide = f32>>(u: f32) -> T {
    let root = T::narrow(std::f32::consts::SQRT_2);
    T::narrow(T::narrow(Real::erf_inv(u)).wide() * root.wide())
}

/// Inputs: keys, and for `FoldIn` the data.
pub fn random(ty: TensorType, x: Values, random: &Random) -> Value {
    let keys = View::<u32>::of(&x[0]).to_contiguous();
    let keys: &[[u32; 2]] = cast_slice(&keys);
    match random {
        Random::Bits { shape, dtype } => {
            let each = shape.elements();
            match dtype {
                DType::U8 => overwritten::<u8>(ty, |out| drawn(keys, each, out, Bits)),
                DType::U16 => overwritten::<u16>(ty, |out| drawn(keys, each, out, Bits)),
                DType::U32 => overwritten::<u32>(ty, |out| drawn(keys, each, out, Bits)),
                _ => overwritten::<u64>(ty, |out| drawn(keys, each, out, Bits)),
            }
        }
        Random::Uniform { shape, dtype } => {
            let each = shape.elements();
            match dtype {
                DType::F16 => overwritten::<f16>(ty, |out| drawn(keys, each, out, Uniform)),
                DType::BF16 => overwritten::<bf16>(ty, |out| drawn(keys, each, out, Uniform)),
                DType::F32 => overwritten::<f32>(ty, |out| drawn(keys, each, out, Uniform)),
                _ => overwritten::<f64>(ty, |out| drawn(keys, each, out, Uniform)),
            }
        }
        Random::Normal { shape, dtype } => {
            let each = shape.elements();
            match dtype {
                DType::F16 => overwritten::<f16>(ty, |out| {
                    let low = f16::NEG_ONE.to_f32() + 2f32.powi(-11);
                    transformed(keys, each, out, Uniform10, |x: f32| normal_half(centred(x, low)));
                }),
                DType::BF16 => overwritten::<bf16>(ty, |out| {
                    let low = bf16::NEG_ONE.to_f32() + 2f32.powi(-8);
                    transformed(keys, each, out, Uniform7, |x: f32| normal_half(centred(x, low)));
                }),
                DType::F32 => overwritten::<f32>(ty, |out| {
                    let low = f32::EPSILON / 2.0 - 1.0;
                    let normal = |x| std::f32::consts::SQRT_2 * Real::erf_inv(centred(x, low));
                    transformed(keys, each, out, Uniform, normal);
                }),
                _ => overwritten::<f64>(ty, |out| {
                    let low = f64::EPSILON / 2.0 - 1.0;
                    let normal = |x| std::f64::consts::SQRT_2 * Real::erf_inv(centred(x, low));
                    transformed(keys, each, out, Uniform, normal);
                }),
            }
        }
        Random::Split { shape } => {
            overwritten::<u32>(ty, |out| drawn(keys, shape.elements(), cast_slice_mut(out), Keys))
        }
        Random::FoldIn => {
            let data = View::<u32>::of(&x[1]).to_contiguous();
            overwritten::<u32>(ty, |out| {
                par::chunks(cast_slice_mut::<u32, [u32; 2]>(out), 1, 10.0, |first, out| {
                    for (i, out) in out.iter_mut().enumerate() {
                        *out = threefry(keys[first + i], [0, data[first + i]]);
                    }
                });
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::tables::{DRAWN, KEYS, N, SHOWN};
    use super::*;
    use crate::kernels::testing::{execute1, tensor};
    use plywood_core::{Op, Shape};

    /// What the tables hold.
    #[derive(Clone, Copy, Debug, PartialEq)]
    pub(super) enum Kind {
        Bits,
        Uniform,
        Normal,
    }

    fn op(kind: Kind, shape: impl Into<Shape>, dtype: DType) -> Op {
        let shape = shape.into();
        Op::Random(match kind {
            Kind::Bits => Random::Bits { shape, dtype },
            Kind::Uniform => Random::Uniform { shape, dtype },
            Kind::Normal => Random::Normal { shape, dtype },
        })
    }

    fn keys(words: &[[u32; 2]], shape: &[usize]) -> Value {
        let all: Vec<f64> = words.iter().flatten().map(|&w| w as f64).collect();
        tensor(&all, &[shape, &[2]].concat(), DType::U32)
    }

    /// The elements' bits.
    #[allow(clippy::useless_conversion)] // of one of the types
    fn raw(x: &Value) -> Vec<u64> {
        crate::dispatch::by_size!(x.dtype().size(), T => {
            View::<T>::of(x).to_contiguous().iter().map(|&bits| u64::from(bits)).collect()
        })
    }

    fn checksum(bits: &[u64]) -> u64 {
        let terms = bits.iter().enumerate().map(|(i, &b)| b.wrapping_mul(2 * i as u64 + 1));
        terms.fold(0, u64::wrapping_add)
    }

    #[test]
    fn the_block_function_gives_random123s_vectors() {
        let ones = [u32::MAX; 2];
        assert_eq!(threefry([0, 0], [0, 0]), [0x6b200159, 0x99ba4efe]);
        assert_eq!(threefry(ones, ones), [0x1cb996fc, 0xbb002be7]);
        let pi = threefry([0x13198a2e, 0x03707344], [0x243f6a88, 0x85a308d3]);
        assert_eq!(pi, [0xc4923a9c, 0x483df7a0]);
    }

    #[test]
    fn draws_are_jaxs() {
        for &(kind, dtype, key, check, shown) in DRAWN {
            let got = raw(&execute1(&op(kind, [50, N / 50], dtype), vec![keys(&[key], &[])]));
            let got_shown: Vec<u64> = SHOWN.iter().map(|&i| got[i]).collect();
            if kind != Kind::Normal {
                assert_eq!(got_shown, shown, "{kind:?} {dtype} {key:?}");
                assert_eq!(checksum(&got), check, "{kind:?} {dtype} {key:?}");
                continue;
            }
            // Floats of one sign are as far apart as their bits. JAX's logarithm is another one, in f64 a less exact
            // one: where 120 bits were asked, it was off by 23 units in the last place, ours by 1.
            let most = match dtype.size() {
                2 => 1,
                4 => 4,
                _ => 32,
            };
            for (i, (&got, &want)) in got_shown.iter().zip(shown).enumerate() {
                let apart = got.abs_diff(want);
                assert!(apart <= most, "{dtype} {key:?} at {}: {got:#x}, not {want:#x}", SHOWN[i]);
            }
        }
    }

    #[test]
    fn keys_are_jaxs() {
        for &(key, split, folded) in KEYS {
            let got = execute1(&Op::Random(Random::Split { shape: [5].into() }), vec![keys(&[key], &[])]);
            assert_eq!(got.shape()[..], [5, 2]);
            assert_eq!(raw(&got), split.as_flattened().iter().map(|&w| w as u64).collect::<Vec<_>>());
            let data = tensor(&[0.0, 1.0, 7.0, u32::MAX as f64], &[4], DType::U32);
            let got = execute1(&Op::Random(Random::FoldIn), vec![keys(&[key; 4], &[4]), data]);
            assert_eq!(raw(&got), folded.as_flattened().iter().map(|&w| w as u64).collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_batch_of_keys_gives_what_each_gives_alone() {
        let words: Vec<[u32; 2]> = (0..6).map(|i| [i, 77 * i]).collect();
        for kind in [Kind::Bits, Kind::Uniform, Kind::Normal] {
            for each in [0, 1, 3, 700] {
                let dtype = if kind == Kind::Bits { DType::U16 } else { DType::F32 };
                let all = execute1(&op(kind, [each], dtype), vec![keys(&words, &[2, 3])]);
                assert_eq!(all.shape()[..], [2, 3, each]);
                let one = |&key| raw(&execute1(&op(kind, [each], dtype), vec![keys(&[key], &[])]));
                assert_eq!(raw(&all), words.iter().flat_map(one).collect::<Vec<_>>(), "{kind:?} {each}");
            }
        }
    }

    #[test]
    fn counters_go_on_over_32_bits() {
        let mut out = [0u32; 40];
        let first = (7 << 32) - 20;
        vectorized(Draw { key: [1, 2], first, out: &mut out, sample: PhantomData::<Bits> });
        for (i, &got) in out.iter().enumerate() {
            let c = first + i as u64;
            let [a, b] = threefry([1, 2], [(c >> 32) as u32, c as u32]);
            assert_eq!(got, a ^ b, "{i}");
        }
    }
}
