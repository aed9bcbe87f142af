//! Samples of the gamma distribution: Marsaglia and Tsang's rejection ("A simple method for generating gamma variables",
//! 2000), with the keys that `jax.random` gives to each draw.
//!
//! Element i has a key of its own, the i-th of the sample's key, so that it stands alone. Elements are drawn in blocks,
//! all that are not accepted yet in each round, so that bits and normal numbers come from the vector kernels.

use super::{Sample, draw, draw_from};
use crate::par;
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use plywood_core::DType;
use plywood_core::convert::{Convert, Wide, to_f64};

/// Elements that are drawn together.
const BLOCK: usize = 1024;

/// The arithmetic of a distribution's rejection: that of its type, and for 16-bit floats that of f32.
pub(super) trait Real: Copy + PartialOrd {
    fn of(x: f64) -> Self;
    fn wide(self) -> f64;
    fn add(self, y: Self) -> Self;
    fn sub(self, y: Self) -> Self;
    fn mul(self, y: Self) -> Self;
    fn div(self, y: Self) -> Self;
    fn sqrt(self) -> Self;
    fn ln(self) -> Self;
    fn ln_1p(self) -> Self;
    fn pow(self, y: Self) -> Self;
}

macro_rules! real {
    ($($T:ident)*) => { $(
        impl Real for $T {
            fn of(x: f64) -> Self { x as $T }
            fn wide(self) -> f64 { self.into() }
            fn add(self, y: Self) -> Self { self + y }
            fn sub(self, y: Self) -> Self { self - y }
            fn mul(self, y: Self) -> Self { self * y }
            fn div(self, y: Self) -> Self { self / y }
            fn sqrt(self) -> Self { $T::sqrt(self) }
            fn ln(self) -> Self { $T::ln(self) }
            fn ln_1p(self) -> Self { $T::ln_1p(self) }
            fn pow(self, y: Self) -> Self { self.powf(y) }
        }
    )* };
}
real!(f32 f64);

/// New keys, `each` of every key.
fn split(keys: &[u64], each: usize) -> Vec<u64> {
    let mut out = vec![0u64; keys.len() * each];
    draw(Sample::Keys, cast_slice(keys), each, cast_slice_mut(&mut out));
    out
}

/// A float of every key.
fn floats(sample: Sample, keys: &[u64]) -> Vec<f64> {
    crate::dispatch::floats!(sample.dtype(), T => {
        let mut out = vec![T::default(); keys.len()];
        draw(sample, cast_slice(keys), 1, cast_slice_mut(&mut out));
        out.into_iter().map(to_f64).collect()
    })
}

/// `each` elements from every key, with a parameter for each of them.
pub(super) fn draw_gamma<T: Pod + Convert + plywood_core::Element + Send + Sync>(
    keys: &[u8],
    each: usize,
    alpha: &[T],
    dtype: DType,
    log: bool,
    out: &mut [T],
) {
    // Blocks do not cross from one key to the next.
    for (k, row) in out.chunks_mut(each.max(1)).enumerate() {
        let key = &keys[8 * k..8 * k + 8];
        par::chunks(row, BLOCK, 200.0 * BLOCK as f64, |first, rows| {
            for (b, block) in rows.chunks_mut(BLOCK).enumerate() {
                let first = first * BLOCK + b * BLOCK;
                let mut own = vec![0u64; block.len()];
                draw_from(Sample::Keys, key, first as u64, block.len(), cast_slice_mut(&mut own));
                let at = k * each + first;
                let alpha: Vec<f64> = alpha[at..at + block.len()].iter().map(|&a| to_f64(a)).collect();
                let samples = match dtype {
                    DType::F64 => samples::<f64>(&own, &alpha, dtype, log),
                    _ => samples::<f32>(&own, &alpha, dtype, log),
                };
                for (out, x) in block.iter_mut().zip(samples) {
                    *out = T::narrow(Wide::Float(x));
                }
            }
        });
    }
}

/// An element of every key, by its parameter.
fn samples<F: Real>(keys: &[u64], alpha: &[f64], dtype: DType, log: bool) -> Vec<f64> {
    let (n, one) = (keys.len(), F::of(1.0));
    let alpha: Vec<F> = alpha.iter().map(|&a| F::of(a)).collect();
    // Below 1, a sample of alpha + 1 times a power of a uniform number.
    let boosted: Vec<bool> = alpha.iter().map(|&a| a >= one).map(|large| !large).collect();
    let third = F::of(1.0 / 3.0);
    let d: Vec<F> =
        (0..n).map(|i| if boosted[i] { alpha[i].add(one) } else { alpha[i] }.sub(third)).collect();
    let c: Vec<F> = d.iter().map(|&d| third.div(d.sqrt())).collect();
    let pairs = split(keys, 2);
    let mut keys: Vec<u64> = pairs.iter().step_by(2).copied().collect();
    let boost_keys: Vec<u64> = pairs.iter().skip(1).step_by(2).copied().collect();
    let mut v = vec![one; n];

    let mut open: Vec<usize> = (0..n).collect();
    while !open.is_empty() {
        let three = split(&open.iter().map(|&i| keys[i]).collect::<Vec<_>>(), 3);
        let uniform_keys: Vec<u64> = three.iter().skip(2).step_by(3).copied().collect();
        let u = floats(Sample::Uniform(dtype), &uniform_keys);
        let x = positive(&three.iter().skip(1).step_by(3).copied().collect::<Vec<_>>(), &open, &c, dtype);
        let mut left = Vec::new();
        for (k, &i) in open.iter().enumerate() {
            keys[i] = three[3 * k];
            let (x, u) = (x[k], F::of(u[k]));
            let root = one.add(x.mul(c[i]));
            v[i] = root.mul(root).mul(root);
            let square = x.mul(x);
            let unsure = u >= one.sub(F::of(0.0331).mul(square.mul(square)));
            let limit = square.mul(F::of(0.5)).add(d[i].mul(one.sub(v[i]).add(v[i].ln())));
            if unsure && u.ln() >= limit {
                left.push(i);
            }
        }
        open = left;
    }

    let u = floats(Sample::Uniform(dtype), &boost_keys);
    let sample = |i: usize| {
        let power = one.div(alpha[i]);
        if log {
            let log = F::of(0.0).sub(F::of(u[i])).ln_1p();
            let boost = if !boosted[i] || log == F::of(0.0) { F::of(0.0) } else { log.mul(power) };
            d[i].ln().add(v[i].ln()).add(boost)
        } else {
            let boost = if boosted[i] { one.sub(F::of(u[i])).pow(power) } else { one };
            d[i].mul(v[i]).mul(boost)
        }
    };
    (0..n).map(|i| sample(i).wide()).collect()
}

/// A normal number x of every key for which 1 + c x is above 0: the first of a chain of draws. Place `k` has the `c` of
/// element `open[k]`.
fn positive<F: Real>(keys: &[u64], open: &[usize], c: &[F], dtype: DType) -> Vec<F> {
    let (zero, one) = (F::of(0.0), F::of(1.0));
    let mut x = vec![zero; keys.len()];
    let mut places: Vec<usize> = (0..keys.len()).collect();
    let mut keys = keys.to_vec();
    while !places.is_empty() {
        let pairs = split(&keys, 2);
        let normal_keys: Vec<u64> = pairs.iter().skip(1).step_by(2).copied().collect();
        let normal = floats(Sample::Normal(dtype), &normal_keys);
        let (mut left, mut left_keys) = (Vec::new(), Vec::new());
        for (k, &place) in places.iter().enumerate() {
            x[place] = F::of(normal[k]);
            if one.add(x[place].mul(c[open[place]])) <= zero {
                left.push(place);
                left_keys.push(pairs[2 * k]);
            }
        }
        (places, keys) = (left, left_keys);
    }
    x
}
