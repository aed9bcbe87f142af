//! Samples of the Poisson distribution: for rates below 10 Knuth's product of uniform numbers (The Art of Computer
//! Programming, volume 2, 3.4.1), from there on Hörmann's transformed rejection ("The transformed rejection method for
//! generating Poisson random variables", 1993), with the keys and the f32 arithmetic of `jax.random`.
//!
//! All elements of a key's sample draw in rounds: a round has a key, and of it element i takes the i-th number. By
//! Hörmann's method there are as many rounds as it takes until every element has had a number accepted, and an element
//! keeps its last one, as in JAX; elements of small rates count, with a rate of 1e5. So the rounds are counted first, and
//! then gone through from the last one.

use super::{Sample, draw, draw_from};
use crate::kernels::special::lgamma;
use crate::par;
use bytemuck::{Pod, cast_slice_mut};
use plywood_core::convert::{Convert, Wide};
use plywood_core::{DType, Element};

/// Elements that are drawn together.
const BLOCK: usize = 2048;
/// From this rate on Hörmann's method.
const LARGE: f32 = 10.0;

/// `each` elements from every key, with a rate for each of them; -1 where it is negative or NaN.
pub(super) fn draw_poisson<T: Pod + Element + Convert>(
    keys: &[u8],
    each: usize,
    rate: &[f32],
    out: &mut [T],
) {
    // Of a type of few bits as many rounds as it has numbers.
    let most = T::DTYPE.bits() as u32 - u32::from(T::DTYPE.is_signed_integer());
    let rounds = if most >= 32 { u32::MAX } else { (1 << most) - 1 };
    for (k, row) in out.chunks_mut(each.max(1)).enumerate() {
        let key = &keys[8 * k..8 * k + 8];
        let rate = &rate[k * each..k * each + row.len()];
        let pairs = round_keys(key, rate, rounds);
        par::chunks(row, BLOCK, 200.0 * BLOCK as f64, |first, rows| {
            for (b, block) in rows.chunks_mut(BLOCK).enumerate() {
                let first = first * BLOCK + b * BLOCK;
                let rate = &rate[first..first + block.len()];
                let mut counts = vec![0.0; block.len()];
                knuth(key, first, rate, rounds, &mut counts);
                rejection(&pairs, first, rate, &mut counts);
                for (out, count) in block.iter_mut().zip(counts) {
                    // -1 of an unsigned type is its largest number, as everywhere.
                    let wide = if count < 0.0 { Wide::Int(count as i128) } else { Wide::Float(count) };
                    *out = T::narrow(wide);
                }
            }
        });
    }
}

/// The key of the next round and `N - 1` keys of this one.
fn split<const N: usize>(key: &[u8]) -> [[u8; 8]; N] {
    let mut out = [[0; 8]; N];
    draw(Sample::Keys, key, N, cast_slice_mut(&mut out));
    out
}

/// Uniform numbers for a block of elements.
fn uniform(key: &[u8], first: usize, out: &mut [f32]) {
    draw_from(Sample::Uniform(DType::F32), key, first as u64, out.len(), cast_slice_mut(out));
}

/// Whether a product of this logarithm is above e^-rate.
fn is_open(log: f32, rate: f32) -> bool {
    log > -rate
}

/// How many uniform numbers have a product above e^-rate.
fn knuth(key: &[u8], first: usize, rate: &[f32], rounds: u32, counts: &mut [f64]) {
    let mut key: [u8; 8] = key.try_into().expect("a key has 8 bytes");
    let (mut u, mut log) = (vec![0f32; rate.len()], vec![0f32; rate.len()]);
    let small = |rate: f32| rate.is_nan() || rate < LARGE;
    let mut left = rate.iter().filter(|&&rate| small(rate)).count();
    for (i, count) in counts.iter_mut().enumerate().filter(|(i, _)| small(rate[*i])) {
        // The number of draws less 1; of a rate of 0 none.
        *count = if rate[i] == 0.0 { 0.0 } else { -1.0 };
        left -= usize::from(!is_open(0.0, rate[i]));
    }
    for _ in 0..rounds {
        if left == 0 {
            return;
        }
        let [next, sub] = split(&key);
        key = next;
        uniform(&sub, first, &mut u);
        for i in (0..rate.len()).filter(|&i| small(rate[i])) {
            if is_open(log[i], rate[i]) {
                counts[i] += 1.0;
                log[i] += u[i].ln();
                left -= usize::from(!is_open(log[i], rate[i]));
            }
        }
    }
}

/// The two keys of every round of Hörmann's method; none where no rate is large.
fn round_keys(key: &[u8], rate: &[f32], rounds: u32) -> Vec<[[u8; 8]; 2]> {
    let mut pairs: Vec<[[u8; 8]; 2]> = Vec::new();
    if !rate.iter().any(|&rate| rate >= LARGE) {
        return pairs;
    }
    let mut key: [u8; 8] = key.try_into().expect("a key has 8 bytes");
    // Elements that have none accepted yet, block by block.
    let mut open: Vec<Vec<usize>> = rate.chunks(BLOCK).map(|rate| (0..rate.len()).collect()).collect();
    while (pairs.len() as u64) < u64::from(rounds) && open.iter().any(|open| !open.is_empty()) {
        let [next, first_key, second_key] = split(&key);
        (key, open) = (next, {
            par::map(open.len(), 30.0 * BLOCK as f64, |b| {
                let first = b * BLOCK;
                let rate = &rate[first..rate.len().min(first + BLOCK)];
                let mut open = open[b].clone();
                if !open.is_empty() {
                    let (u, v) = numbers(&[first_key, second_key], first, rate.len());
                    let rate = |i: usize| if rate[i] >= LARGE { rate[i] } else { 1e5 };
                    open.retain(|&i| try_one(rate(i), u[i] - 0.5, v[i]).is_none());
                }
                open
            })
        });
        pairs.push([first_key, second_key]);
    }
    pairs
}

/// A round's numbers for a block of elements.
fn numbers([first_key, second_key]: &[[u8; 8]; 2], first: usize, n: usize) -> (Vec<f32>, Vec<f32>) {
    let (mut u, mut v) = (vec![0f32; n], vec![0f32; n]);
    uniform(first_key, first, &mut u);
    uniform(second_key, first, &mut v);
    (u, v)
}

/// Hörmann's PTRS: what the last of the rounds in which it is accepted gives.
fn rejection(pairs: &[[[u8; 8]; 2]], first: usize, rate: &[f32], counts: &mut [f64]) {
    let mut open: Vec<usize> = (0..rate.len()).filter(|&i| rate[i] >= LARGE).collect();
    open.iter().for_each(|&i| counts[i] = -1.0);
    for pair in pairs.iter().rev() {
        if open.is_empty() {
            return;
        }
        let (u, v) = numbers(pair, first, rate.len());
        open.retain(|&i| {
            let count = try_one(rate[i], u[i] - 0.5, v[i]);
            counts[i] = count.map_or(counts[i], f64::from);
            count.is_none()
        });
    }
}

/// What two uniform numbers give, where it is accepted.
fn try_one(rate: f32, u: f32, v: f32) -> Option<f32> {
    let b = 0.931 + 2.53 * rate.sqrt();
    let a = -0.059 + 0.02483 * b;
    let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
    let limit = 0.9277 - 3.6224 / (b - 2.0);
    let shifted = 0.5 - u.abs();
    let k = ((2.0 * a / shifted + b) * u + rate + 0.43).floor();
    if shifted >= 0.07 && v <= limit {
        return Some(k);
    }
    if k < 0.0 || (shifted < 0.013 && v > shifted) {
        return None;
    }
    let s = (v * inverse_alpha / (a / (shifted * shifted) + b)).ln();
    let t = -rate + k * rate.ln() - lgamma(f64::from(k) + 1.0) as f32;
    (s <= t).then_some(k)
}
