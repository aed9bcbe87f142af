//! Operations on few numbers, where what is before the work counts.

use super::tensors::{Cases, gradients, job, one, tensor, two};
use candle_core::{Device, Result, Tensor, Var};
use plywood_benches::peers::protocol::Job;

/// The table.
pub const CASES: Cases = &[
    ("add of scalars", || two((), (), |x, y| x + y)),
    ("add of 16", || two(16, 16, |x, y| x + y)),
    ("jit x + 1 of 16", || one(16, (-3.0, 3.0), |x| x + 1.0)),
    ("jit while loop of 1000 steps", || repeated(1000, |x, _| x.affine(0.999, 0.001))),
    ("10000 additions of 16", || {
        let y = tensor(16, -1.0, 1.0)?;
        repeated(10_000, move |x, _| x + &y)
    }),
    ("jit chain of 10 operations", || repeated(10, alternating)),
    ("jit chain of 100 operations", || repeated(100, alternating)),
    ("jit chain of 1000 operations", || repeated(1000, alternating)),
    ("jit chain of 10000 operations", || repeated(10_000, alternating)),
    ("jit grad of tanh", || {
        job(|| {
            let x = Var::new(2f32, &Device::Cpu)?;
            gradients(&x.tanh()?, [&*x])
        })
    }),
];

fn repeated(times: usize, step: impl Fn(Tensor, usize) -> Result<Tensor> + 'static) -> Result<Job> {
    one(16, (-1.0, 1.0), move |x| (0..times).try_fold(x.clone(), &step))
}

fn alternating(x: Tensor, i: usize) -> Result<Tensor> {
    if i.is_multiple_of(2) { x * 0.999 } else { x + 0.001 }
}
