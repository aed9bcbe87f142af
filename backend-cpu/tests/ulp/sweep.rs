//! Functions tried over all floats, or a stride of them, on all cores.

use super::table::{Binary, Exact, Function, Unary};
use super::{Ready, ulp};
use plywood_backend_cpu::Cpu;
use plywood_backend_cpu::kernel::target::Target;
use plywood_core::DType;
use rayon::prelude::*;

/// The worst of what was tried.
#[derive(Clone, Copy, Debug)]
pub struct Worst {
    /// How many inputs.
    pub tried: u64,
    /// The error of the worst, in units of the last place.
    pub ulp: f64,
    /// It.
    pub input: [f32; 2],
    /// Its result.
    pub got: f32,
    /// And the exact value.
    pub exact: f64,
    /// An input of an odd function whose result is not that of its negative with the other sign.
    pub not_odd: Option<f32>,
}

impl Worst {
    const NOTHING: Worst =
        Worst { tried: 0, ulp: -1.0, input: [0.0; 2], got: 0.0, exact: 0.0, not_odd: None };

    fn or(self, other: Worst) -> Worst {
        let worst = if other.ulp > self.ulp { other } else { self };
        Worst { tried: self.tried + other.tried, not_odd: self.not_odd.or(other.not_odd), ..worst }
    }

    /// Whether none of these errors is more than the worst; it may say no where that is so.
    fn covers(&self, got: &[f32], exact: &[f64]) -> bool {
        let beyond = |(&got, &exact): (&f32, &f64)| {
            let exponent = ((exact as f32).to_bits() >> 23 & 255).max(1) as u64;
            let per_unit = f64::from_bits((1023 + 127 + 23 - exponent) << 52);
            let signs = (got as f64).to_bits() ^ exact.to_bits();
            // False where one is NaN.
            let near = (got as f64 - exact).abs() * per_unit <= self.ulp;
            !near | (signs >> 63 != 0)
        };
        !got.iter().zip(exact).fold(false, |any, pair| any | beyond(pair))
    }

    fn see_all(&mut self, x: &[f32], got: &[f32], exact: &[f64]) {
        match self.covers(got, exact) {
            true => self.tried += got.len() as u64,
            false => (0..got.len()).for_each(|i| self.see([x[i]; 2], got[i], exact[i])),
        }
    }

    fn see(&mut self, input: [f32; 2], got: f32, exact: f64) {
        let ulp = ulp(got, exact);
        self.tried += 1;
        if ulp > self.ulp {
            *self = Worst { ulp, input, got, exact, ..*self };
        }
    }
}

/// Inputs at once: they stay in the nearest cache, and on one thread.
const BLOCK: usize = 2048;

/// Every `stride`-th magnitude from 0 to NaN, with either sign.
pub fn sweep(function: &Unary, stride: u64, target: Target) -> Worst {
    let ready = Ready::new(Function::One(function.function), DType::F32, target);
    // Of all floats, every sixteenth: among them 0, infinity, and all with few digits.
    let exact = Exact::new(function, if stride == 1 { 16 } else { 1 });
    let count = (1u64 << 31).div_ceil(stride);
    let block = |mut worst: Worst, first: u64| {
        let n = (count - first).min(BLOCK as u64) as usize;
        let (mut x, mut y, mut wide) = ([[0f32; BLOCK]; 2], [[0f32; BLOCK]; 2], [[0f64; BLOCK]; 2]);
        for sign in 0..2 {
            let (x, y) = (&mut x[sign][..n], &mut y[sign][..n]);
            for (i, x) in x.iter_mut().enumerate() {
                *x = f32::from_bits(((first + i as u64) * stride) as u32 | (sign as u32) << 31);
            }
            ready.write(&[&*x], y);
            let [inputs, right] = &mut wide;
            inputs.iter_mut().zip(&*x).for_each(|(wide, &x)| *wide = x as f64);
            exact.write(&inputs[..n], &mut right[..n]);
            worst.see_all(x, y, &right[..n]);
        }
        if function.odd {
            let odd = |i: &usize| y[0][*i].to_bits() ^ y[1][*i].to_bits() == 1 << 31 || y[0][*i].is_nan();
            worst.not_odd = worst.not_odd.or((0..n).find(|i| !odd(i)).map(|i| x[0][i]));
        }
        worst
    };
    let starts = (0..count.div_ceil(BLOCK as u64)).into_par_iter().map(|i| i * BLOCK as u64);
    starts.fold(|| Worst::NOTHING, block).reduce(|| Worst::NOTHING, Worst::or)
}

/// A good hash of a number (splitmix64: Steele, Lea and Flood, 2014).
fn mix(i: u64) -> u64 {
    let z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// Values at which functions of two operands are special, and neighbours of them.
fn corners() -> Vec<f32> {
    let around = |x: f32| [x.next_down(), x, x.next_up()];
    let edges = [0.0, f32::MIN_POSITIVE, 0.5, 1.0, 2.0, 3.0, 1e-20, 16777216.0, 33554432.0, f32::MAX];
    let all =
        edges.into_iter().flat_map(around).chain([f32::INFINITY, f32::NAN, f32::from_bits(2), 7.5, 1e30]);
    all.flat_map(|x| [x, -x]).collect()
}

/// About `count` pairs of floats: pairs of corners; any bits; any first operand and a second one that suits it; a first
/// operand near 1 and one that suits it; two operands near 1.
pub fn pairs(function: &Binary, count: u64, target: Target) -> Worst {
    let ready = Ready::new(Function::Two(function.function), DType::F32, target);
    let edges = corners();
    let corner_pairs: Vec<[f32; 2]> =
        edges.iter().flat_map(|&x| edges.iter().map(move |&y| [x, y])).collect();
    let random = |i: u64| {
        let (a, b) = (mix(2 * i), mix(2 * i + 1));
        let any = f32::from_bits(a as u32);
        let near = |bits: u64| 0.75 + (bits >> 40) as f32 / 2f32.powi(25);
        let unit = (b >> 11) as f64 / 2f64.powi(53);
        let suits = |x: f32| [x, (function.suits)(x as f64, unit) as f32];
        match (a >> 32) % 8 {
            0 => [any, f32::from_bits(b as u32)],
            1..4 => suits(any),
            4..7 => suits(near(a)),
            _ => [near(a), near(b)],
        }
    };
    let try_all = |inputs: &dyn Fn(usize) -> [f32; 2], n: usize| {
        let mut worst = Worst::NOTHING;
        let (mut x, mut y) = (vec![0f32; n], vec![0f32; n]);
        (0..n).for_each(|i| [x[i], y[i]] = inputs(i));
        let got = ready.run(&[&x, &y]);
        (0..n).for_each(|i| worst.see([x[i], y[i]], got[i], (function.right)(x[i] as f64, y[i] as f64)));
        worst
    };
    let corners = try_all(&|i| corner_pairs[i], corner_pairs.len());
    let blocks = (0..count.div_ceil(BLOCK as u64)).into_par_iter();
    let block = |k: u64| try_all(&|i| random(k * BLOCK as u64 + i as u64), BLOCK);
    blocks.map(block).reduce(|| Worst::NOTHING, Worst::or).or(corners)
}

/// Calls `f` with no other threads for kernels.
pub fn alone<R>(f: impl FnOnce() -> R) -> R {
    Cpu::with_threads(1, f)
}
