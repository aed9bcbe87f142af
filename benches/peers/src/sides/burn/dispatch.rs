//! Operations on few numbers, where what is before the work counts.

use super::tensors::{Cases, job, one, tensor, tracked, two};
use burn::tensor::{Device, Tensor};
use plywood_benches::peers::protocol::Job;

/// The table.
pub const CASES: Cases = &[
    // There are no tensors of rank 0.
    ("add of scalars", || two([1], [1], |x, y| x + y)),
    ("add of 16", || two([16], [16], |x, y| x + y)),
    ("jit x + 1 of 16", || one([16], (-3.0, 3.0), |x| x + 1.0)),
    ("jit while loop of 1000 steps", || repeated(1000, |x| x * 0.999 + 0.001)),
    ("10000 additions of 16", || {
        let y = tensor([16], -1.0, 1.0);
        repeated(10_000, move |x| x + y.clone())
    }),
    ("jit chain of 10 operations", || chain(10)),
    ("jit chain of 100 operations", || chain(100)),
    ("jit chain of 1000 operations", || chain(1000)),
    ("jit chain of 10000 operations", || chain(10_000)),
    ("jit grad of tanh", || {
        job(|| {
            let x: Tensor<1> = tracked(Tensor::from_floats([2.0], &Device::flex()));
            x.grad(&x.clone().tanh().backward()).expect("it is tracked")
        })
    }),
];

fn repeated(times: usize, step: impl Fn(Tensor<1>) -> Tensor<1> + 'static) -> Job {
    one([16], (-1.0, 1.0), move |x| (0..times).fold(x, |x, _| step(x)))
}

fn chain(operations: usize) -> Job {
    let step = |x: Tensor<1>, i| if i % 2 == 0 { x * 0.999 } else { x + 0.001 };
    one([16], (-1.0, 1.0), move |x| (0..operations).fold(x, step))
}
