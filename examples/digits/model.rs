//! The model: a multilayer perceptron as plain structs, and its loss as a plain function.

use plywood::prelude::*;

/// y = x W + b.
#[derive(Clone, Tree)]
pub struct Linear<B: Backend> {
    /// `[inputs, outputs]`.
    w: Tensor<B>,
    /// `[outputs]`.
    b: Tensor<B>,
}

impl<B: Backend> Linear<B> {
    /// Weights that keep the variance through a ReLU (He et al., 2015), and zeros.
    fn new(key: &Tensor<B>, inputs: usize, outputs: usize) -> Self {
        let scale = (2.0 / inputs as f64).sqrt();
        Linear {
            w: scale * random::normal(key, [inputs, outputs], DType::F32),
            b: Tensor::zeros([outputs], DType::F32),
        }
    }

    fn apply(&self, x: &Tensor<B>) -> Tensor<B> {
        x.matmul(&self.w) + &self.b
    }
}

/// Linear layers with a ReLU between each two.
#[derive(Clone, Tree)]
pub struct Mlp<B: Backend> {
    hidden: Vec<Linear<B>>,
    output: Linear<B>,
}

impl<B: Backend> Mlp<B> {
    /// A model that has not learned anything; `sizes` go from the number of pixels to that of classes.
    pub fn new(key: &Tensor<B>, sizes: &[usize]) -> Self {
        let mut layers: Vec<_> = (sizes.windows(2).enumerate())
            .map(|(i, size)| Linear::new(&random::fold_in(key, i), size[0], size[1]))
            .collect();
        let output = layers.pop().expect("at least two sizes");
        Mlp { hidden: layers, output }
    }

    /// The logits of the classes `[n, classes]` for images `[n, pixels]`.
    pub fn predict(&self, x: &Tensor<B>) -> Tensor<B> {
        let x = self.hidden.iter().fold(x.clone(), |x, layer| layer.apply(&x).relu());
        self.output.apply(&x)
    }
}

/// The mean cross-entropy of the labels `[n]` given the images `[n, pixels]`.
pub fn loss<B: Backend>(params: Mlp<B>, images: Tensor<B>, labels: Tensor<B>) -> Tensor<B> {
    let log_p = params.predict(&images).log_softmax(-1);
    let correct = labels.one_hot(log_p.size(-1), DType::F32);
    -(correct * log_p).sum_axes(-1).mean()
}
