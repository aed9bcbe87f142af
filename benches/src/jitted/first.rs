//! First calls of jitted functions: each sample makes its function anew, with recordings of its own.
//!
//! Kernels are kept by program for the whole process. Where a function was seen before, its kernels are there, and what is
//! left is the recording, the passes and the plan. For one that was never seen, four cheap operations that differ from sample
//! to sample are put in; so it has a little more to compile than the function alone.

use super::{BATCH, RATE, cross_entropy, squares, tiny_arguments};
use crate::families::tensor;
use crate::mapped;
use crate::measure::{Work, keep};
use plywood::prelude::*;
use plywood_backend_cpu::kernel::cache::compiled;
use std::time::Instant;

/// Which operations `varied` puts in; none where a function is to be seen again.
pub type Variant = Option<u32>;

/// As many as four operations of two kinds can tell apart.
pub const VARIANTS: u32 = 16;

/// About the same number, by other operations for each variant.
fn varied<B: Backend>(x: Tensor<B>, variant: Variant) -> Tensor<B> {
    let Some(bits) = variant else { return x };
    (0..4).fold(x, |x, i| if bits >> i & 1 == 1 { x * 0.999 } else { x / 1.001 })
}

/// A new jitted function, with its arguments.
pub type Make = Box<dyn Fn(Variant) -> Work>;

/// What first calls are measured of.
pub fn functions() -> Vec<(&'static str, Make)> {
    let vector = tensor(&[1000], -3.0, 3.0);
    let rows = tensor(&[64, 1024], -3.0, 3.0);
    let (scale, shift) = (tensor(&[1024], 0.5, 1.5), tensor(&[1024], -1.0, 1.0));
    let small = tiny_arguments();
    let batch = mapped::batch(BATCH);

    let x = vector.clone();
    let selu: Make = Box::new(move |v| {
        let (x, f) = (x.clone(), jit(move |x: Tensor<_>| super::selu(varied(x, v))));
        keep(move || f(x.clone()))
    });
    let gelu: Make = Box::new(move |v| {
        let (x, f) = (vector.clone(), jit(move |x: Tensor<_>| super::gelu(varied(x, v))));
        keep(move || f(x.clone()))
    });
    let x = rows.clone();
    let softmax: Make = Box::new(move |v| {
        let (x, f) = (x.clone(), jit(move |x: Tensor<_>| super::softmax(varied(x, v))));
        keep(move || f(x.clone()))
    });
    let layer_norm: Make = Box::new(move |v| {
        let (x, scale, shift) = (rows.clone(), scale.clone(), shift.clone());
        let f = jit(move |x: Tensor<_>, scale, shift| super::layer_norm(varied(x, v), scale, shift));
        keep(move || f(x.clone(), scale.clone(), shift.clone()))
    });
    let tiny: Make = Box::new(move |v| {
        let (layers, x, y) = small.clone();
        let f = jit(grad(move |layers, x, y| varied(squares(layers, x, y, |x| varied(x.tanh(), v)), v)));
        keep(move || f(layers.clone(), x.clone(), y.clone()))
    });
    let step: Make = Box::new(move |v| {
        let (layers, x, labels) = batch.clone();
        let f = jit(move |layers: mapped::Layers<_>, x, labels| {
            let loss =
                move |layers, x, labels| cross_entropy(layers, varied(x, v), labels, |x| varied(x.relu(), v));
            let (value, gradients) = value_and_grad(loss)(layers.clone(), x, labels);
            (tree_map([layers, gradients], |[p, g]| p - RATE * varied(g, v)), value)
        });
        keep(move || f(layers.clone(), x.clone(), labels.clone()))
    });
    vec![
        ("selu of 1000", selu),
        ("gelu of 1000", gelu),
        ("softmax 64x1024", softmax),
        ("layer norm 64x1024", layer_norm),
        ("gradient of a tiny MLP", tiny),
        ("SGD step of an MLP, 128 images", step),
    ]
}

/// What a first call took.
#[derive(Clone, Copy, Debug)]
pub struct First {
    /// Nanoseconds beyond a warm call.
    pub beyond: f64,
    /// Nanoseconds of a warm one.
    pub warm: f64,
    /// Kernels that it made.
    pub kernels: usize,
}

/// Makes a function, calls it, and calls it again.
pub fn first(make: impl FnOnce() -> Work) -> First {
    let before = compiled();
    let start = Instant::now();
    let mut work = make();
    work();
    let whole = nanoseconds(start);
    let kernels = compiled() - before;
    let warm = (0..10).map(|_| {
        let start = Instant::now();
        work();
        nanoseconds(start)
    });
    let warm = warm.fold(f64::INFINITY, f64::min);
    First { beyond: (whole - warm).max(0.0), warm, kernels }
}

fn nanoseconds(start: Instant) -> f64 {
    start.elapsed().as_nanos() as f64
}

/// A number that tells one graph from another, and its bits what they do.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
    *state >> 40
}

/// A new jitted chain of so many operations without an order, on 16 numbers.
pub fn chain(operations: usize, seed: u64) -> Work {
    let x = tensor(&[16], -1.0, 1.0);
    let f = jit(move |x: Tensor<_>| elementwise(x, operations, seed));
    keep(move || f(x.clone()))
}

fn elementwise<B: Backend>(x: Tensor<B>, operations: usize, mut seed: u64) -> Tensor<B> {
    (0..operations).fold(x, |x, _| match next(&mut seed) % 4 {
        0 => x * 0.999,
        1 => x / 1.001,
        2 => x + 0.001,
        _ => x.maximum(-9.0),
    })
}

/// New jitted layers, a product and three operations after it each, of 4x4 numbers.
pub fn layers(operations: usize, seed: u64) -> Work {
    let x = tensor(&[4, 4], -1.0, 1.0);
    let f = jit(move |x: Tensor<_>, w| layered(x, w, operations, seed));
    keep(move || f(x.clone(), x.clone()))
}

fn layered<B: Backend>(x: Tensor<B>, w: Tensor<B>, operations: usize, mut seed: u64) -> Tensor<B> {
    (0..operations / 4).fold(x, |x, _| {
        let y = x.matmul(&w) + 0.1;
        let y = if next(&mut seed) & 1 == 0 { y * 0.999 } else { y / 1.001 };
        y.tanh()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_runs_in_every_variant() {
        for (name, make) in functions() {
            for variant in [None, Some(0), Some(VARIANTS - 1)] {
                let first = first(|| make(variant));
                assert!(first.warm > 0.0 && first.beyond >= 0.0, "{name}: {first:?}");
            }
        }
    }

    #[test]
    fn long_graphs_give_what_eager_operations_give() {
        let (n, seed) = (20_000, 7);
        let (x, y) = (tensor(&[16], -1.0, 1.0), tensor(&[4, 4], -1.0, 1.0));
        let near = |got: Tensor<Cpu>, want: Tensor<Cpu>| {
            assert!((&got - &want).abs().max().item::<f32>() < 1e-5, "{got}, {want}")
        };
        let f = jit(move |x: Tensor<_>| elementwise(x, n, seed));
        near(f(x.clone()), elementwise(x, n, seed));
        let f = jit(move |x: Tensor<_>, w| layered(x, w, n, seed));
        near(f(y.clone(), y.clone()), layered(y.clone(), y, n, seed));
    }
}
