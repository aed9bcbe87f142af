//! Adam (Kingma and Ba, "Adam: a method for stochastic optimization", 2015), for the model's parameters.

use crate::model::Mlp;
use plywood::prelude::*;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// Running means of the gradients and of their squares.
#[derive(Clone, Tree)]
pub struct Adam<B: Backend> {
    mean: Mlp<B>,
    square: Mlp<B>,
    steps: Tensor<B>,
    lr: Tensor<B>,
}

impl<B: Backend> Adam<B> {
    pub fn new(params: &Mlp<B>, lr: f64) -> Self {
        let zeros = tree_map([params.clone()], |[p]| p.zeros_like());
        Adam {
            mean: zeros.clone(),
            square: zeros,
            steps: Tensor::scalar(0.0f32),
            lr: Tensor::scalar(lr as f32),
        }
    }

    /// The parameters after one step, and the state for the next.
    pub fn update(self, params: Mlp<B>, grads: Mlp<B>) -> (Mlp<B>, Self) {
        let mean = tree_map([self.mean, grads.clone()], |[m, g]| BETA1 * m + (1.0 - BETA1) * g);
        let square = tree_map([self.square, grads], |[v, g]| BETA2 * v + (1.0 - BETA2) * g.square());
        let steps = self.steps + 1.0;
        // Both means start at zero, and are too small by 1 - β^steps.
        let missing = |beta: f64| 1.0 - (beta.ln() * &steps).exp();
        let rate = &self.lr * missing(BETA2).sqrt() / missing(BETA1);
        let params = tree_map([params, mean.clone(), square.clone()], |[p, m, v]| {
            p - &rate * m / (v.sqrt() + EPSILON)
        });
        (params, Adam { mean, square, steps, lr: self.lr })
    }
}
