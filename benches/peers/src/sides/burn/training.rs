//! Adam, as its users would write it: tensors are moved, so that their memory is used again.

use super::networks::{MLP, layers};
use super::tensors::{Cases, Leaves, M, carried, tensor};
use burn::tensor::Tensor;
use plywood_benches::peers::protocol::Job;

/// The table.
pub const CASES: Cases = &[
    ("jit adam 1e3", || adam(vec![tensor([1000], -1.0, 1.0)])),
    ("jit adam 1e6", || adam(vec![tensor([M], -1.0, 1.0)])),
    ("jit adam 1e7", || adam(vec![tensor([10 * M], -1.0, 1.0)])),
    ("jit adam of an MLP", || {
        // Their shapes do not matter.
        let flat = |(w, b): (Tensor<2>, Tensor<1>)| [w.flatten(0, 1), b];
        adam(layers(&MLP).into_iter().flat_map(flat).collect())
    }),
];

/// Parameters in training, with Adam's running means.
struct Adam {
    params: Vec<Tensor<1>>,
    mean: Vec<Tensor<1>>,
    square: Vec<Tensor<1>>,
    steps: i32,
}

impl Leaves for Adam {
    fn tell(&self, all: &mut Vec<f64>) {
        [&self.params, &self.mean, &self.square].iter().for_each(|x| x.tell(all));
        all.push(self.steps.into());
    }
}

/// Both means start at zero, and are too small by 1 - β^steps.
fn step(state: Adam, gradients: &[Tensor<1>]) -> Adam {
    let steps = state.steps + 1;
    let (rate, scale) = (1e-3 / (1.0 - 0.9_f64.powi(steps)), (1.0 - 0.999_f64.powi(steps)).sqrt().recip());
    let mut next = Adam { params: Vec::new(), mean: Vec::new(), square: Vec::new(), steps };
    let old = state.params.into_iter().zip(state.mean).zip(state.square);
    for (((p, m), v), g) in old.zip(gradients) {
        let m = m * 0.9 + g.clone() * 0.1;
        let v = v * 0.999 + g.clone().square() * 0.001;
        next.params.push(p - m.clone() * rate / (v.clone().sqrt() * scale + 1e-8));
        next.mean.push(m);
        next.square.push(v);
    }
    next
}

fn adam(params: Vec<Tensor<1>>) -> Job {
    let gradients: Vec<_> = params.iter().map(|p| tensor(p.dims(), -1.0, 1.0)).collect();
    let zeros: Vec<_> = params.iter().map(Tensor::zeros_like).collect();
    let start = Adam { params, mean: zeros.clone(), square: zeros, steps: 0 };
    carried(start, move |state| step(state, &gradients))
}
