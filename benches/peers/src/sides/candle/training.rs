//! Adam, as its users would write it.

use super::networks::{MLP, layers};
use super::tensors::{Cases, Leaves, M, carried, tensor};
use candle_core::{Result, Tensor, Var};
use plywood_benches::peers::protocol::Job;

/// The table.
pub const CASES: Cases = &[
    ("jit adam 1e3", || adam(vec![tensor(1000, -1.0, 1.0)?])),
    ("jit adam 1e6", || adam(vec![tensor(M, -1.0, 1.0)?])),
    ("jit adam 1e7", || adam(vec![tensor(10 * M, -1.0, 1.0)?])),
    ("jit adam of an MLP", || adam(layers(&MLP)?.iter().map(Var::as_detached_tensor).collect())),
];

/// Parameters in training, with Adam's running means.
struct Adam {
    params: Vec<Tensor>,
    mean: Vec<Tensor>,
    square: Vec<Tensor>,
    steps: i32,
}

impl Leaves for Adam {
    fn tell(&self, all: &mut Vec<f64>) -> Result<()> {
        [&self.params, &self.mean, &self.square].iter().try_for_each(|x| x.tell(all))?;
        all.push(self.steps.into());
        Ok(())
    }
}

/// Both means start at zero, and are too small by 1 - β^steps.
fn step(state: Adam, gradients: &[Tensor]) -> Result<Adam> {
    let steps = state.steps + 1;
    let (rate, scale) = (1e-3 / (1.0 - 0.9_f64.powi(steps)), (1.0 - 0.999_f64.powi(steps)).sqrt().recip());
    let mut next = Adam { params: Vec::new(), mean: Vec::new(), square: Vec::new(), steps };
    let old = state.params.into_iter().zip(state.mean).zip(state.square);
    for (((p, m), v), g) in old.zip(gradients) {
        let m = ((m * 0.9)? + (g * 0.1)?)?;
        let v = ((v * 0.999)? + (g.sqr()? * 0.001)?)?;
        next.params.push((p - ((&m * rate)? / v.sqrt()?.affine(scale, 1e-8)?)?)?);
        next.mean.push(m);
        next.square.push(v);
    }
    Ok(next)
}

fn adam(params: Vec<Tensor>) -> Result<Job> {
    let gradients = params.iter().map(|p| tensor(p.shape(), -1.0, 1.0)).collect::<Result<Vec<_>>>()?;
    let zeros = params.iter().map(Tensor::zeros_like).collect::<Result<Vec<_>>>()?;
    let start = Adam { params, mean: zeros.clone(), square: zeros, steps: 0 };
    carried(start, move |state| step(state, &gradients))
}
