//! Cases of the small and of what grows: batches, depth, nesting, loops.

use super::{Bound, Case, Check, eager, jitted};
use crate::families::tensor;
use crate::jitted::{layer_norm, softmax};
use crate::mapped;
use crate::peers::protocol::Job;
use plywood::prelude::*;

const M: usize = 1_000_000;

/// Operations without a kernel's worth of work, one after another.
fn chain(operations: usize) -> Job {
    let x = tensor(&[16], -1.0, 1.0);
    let f = jit(move |x: Tensor<_>| {
        (0..operations).fold(x, |x, i| if i % 2 == 0 { x * 0.999 } else { x + 0.001 })
    });
    jitted(move || f(x.clone()))
}

/// The prediction of one example, for each of a batch.
fn forward(batch: usize) -> Job {
    let (layers, x) = (mapped::layers(&mapped::LAYERS), tensor(&[batch, mapped::LAYERS[0]], 0.0, 1.0));
    fn predict<B: Backend>(layers: mapped::Layers<B>, x: Tensor<B>) -> Tensor<B> {
        mapped::network(layers, x, |x| x.relu())
    }
    let f = jit(Vmap::new().in_axes((None, 0)).of(predict));
    jitted(move || f(layers.clone(), x.clone()))
}

fn normal(n: usize) -> Job {
    let key = random::key::<Cpu>(0);
    let f = jit(move |key: Tensor<_>| random::normal(&key, [n], DType::F32));
    jitted(move || f(key.clone()))
}

fn additions() -> Job {
    let y = tensor(&[16], -1.0, 1.0);
    eager(move || (0..10_000).fold(y.clone(), |x, _| x + &y))
}

fn loop_of_steps() -> Job {
    let x = tensor(&[16], -1.0, 1.0);
    let f = jit(|x: Tensor<_>| {
        let start = (Tensor::scalar(0i32), x);
        while_loop(|(i, _)| i.lt(1000), |(i, x): (Tensor<_>, Tensor<_>)| (i + 1, x * 0.999 + 0.001), start).1
    });
    jitted(move || f(x.clone()))
}

fn second_derivatives_along() -> Job {
    let w = [0, 1].map(|_| tensor(&[512, 512], -0.05, 0.05));
    let (x, t) = (tensor(&[512], -1.0, 1.0), tensor(&[512], -0.5, 0.5));
    let f = jit(|w: [Tensor<_>; 2], x: Tensor<_>, t: Tensor<_>| {
        hvp(move |x: Tensor<_>| mapped::scalar(w.clone().map(|w| w.lift().lift()), x), x, t)
    });
    jitted(move || f(w.clone(), x.clone(), t.clone()))
}

/// Of a scalar.
fn nested(f: impl Fn(Tensor<Cpu>) -> Tensor<Cpu> + 'static) -> Job {
    let x = Tensor::scalar(2f32);
    jitted(move || f(x.clone()))
}

fn rows(shape: [usize; 2], with_norm: bool) -> Job {
    let x = tensor(&shape, -3.0, 3.0);
    if !with_norm {
        let f = jit(softmax);
        return jitted(move || f(x.clone()));
    }
    let (scale, shift) = (tensor(&shape[1..], 0.5, 1.5), tensor(&shape[1..], -1.0, 1.0));
    let f = jit(layer_norm);
    jitted(move || f(x.clone(), scale.clone(), shift.clone()))
}

/// The lines of the table.
pub fn cases() -> Vec<Case> {
    use Bound::{Bytes, Dispatch, Flops, Numbers};
    let case = Case::new;
    let forward_flops = |batch: usize| Flops(2 * batch * (784 * 512 + 512 * 512 + 512 * 10));
    vec![
        case("jit softmax 8x32", Dispatch, || rows([8, 32], false)),
        case("jit layer norm 8x32", Dispatch, || rows([8, 32], true)),
        case("jit sum of columns 4096x1024", Bytes(4 * 4096 * 1024), || {
            let (x, f) = (tensor(&[4096, 1024], -3.0, 3.0), jit(|x: Tensor<_>| x.sum_axes(0)));
            jitted(move || f(x.clone()))
        }),
        case("jit mean and variance of rows 4096x1024", Bytes(4 * 4096 * 1024), || {
            let x = tensor(&[4096, 1024], -3.0, 3.0);
            let f = jit(|x: Tensor<_>| {
                let mean = x.mean_axes(-1);
                let variance = (x - mean.reshape([-1, 1])).square().mean_axes(-1);
                (mean, variance)
            });
            jitted(move || f(x.clone()))
        }),
        case("transpose of heads 8x256x8x64", Bytes(8 * 8 * 256 * 8 * 64), || {
            let x = tensor(&[8, 256, 8, 64], -1.0, 1.0);
            eager(move || x.transpose([0, 2, 1, 3]).flatten())
        }),
        case("matmul 16", Dispatch, || {
            let (x, y) = (tensor(&[16, 16], -1.0, 1.0), tensor(&[16, 16], -1.0, 1.0));
            eager(move || x.matmul(&y))
        }),
        case("jit normal 1e3", Numbers(1000), || normal(1000)).checked(Check::Statistics(0.1)),
        case("jit normal 1e6", Numbers(M), || normal(M)).checked(Check::Statistics(0.01)),
        case("jit MLP forward, batch 1", forward_flops(1), || forward(1)),
        case("jit MLP forward, batch 16", forward_flops(16), || forward(16)),
        case("jit MLP forward, batch 256", forward_flops(256), || forward(256)),
        case("jit hvp of 512 inputs", Flops(2 * 4 * 2 * 512 * 512), second_derivatives_along),
        case("jit grad of tanh", Dispatch, || nested(jit(grad(|x: Tensor<_>| x.tanh())))),
        case("jit grad of grad of tanh", Dispatch, || nested(jit(grad(grad(|x: Tensor<_>| x.tanh()))))),
        case("jit grad of grad of grad of tanh", Dispatch, || {
            nested(jit(grad(grad(grad(|x: Tensor<_>| x.tanh())))))
        }),
        case("jit while loop of 1000 steps", Dispatch, loop_of_steps),
        case("10000 additions of 16", Dispatch, additions),
        case("jit chain of 10 operations", Dispatch, || chain(10)),
        case("jit chain of 100 operations", Dispatch, || chain(100)),
        case("jit chain of 1000 operations", Dispatch, || chain(1000)),
        case("jit chain of 10000 operations", Dispatch, || chain(10_000)),
    ]
}
