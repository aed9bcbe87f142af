//! What `vmap` is measured with: the gradients of a network for each example, a Hessian, and many small problems.

use crate::families::tensor;
use plywood::prelude::*;

/// The sizes of the network's layers.
pub const LAYERS: [usize; 4] = [784, 512, 512, 10];
/// How many weights and biases it has.
pub const PARAMETERS: usize = 784 * 512 + 512 + 512 * 512 + 512 + 512 * 10 + 10;
/// Examples of a batch.
pub const BATCH: usize = 32;
/// Examples of a chunk.
pub const CHUNK: usize = 8;

/// The weights and biases of each layer.
pub type Layers<B> = Vec<(Tensor<B>, Tensor<B>)>;
/// Layers, and examples with their labels.
pub type Examples<B> = (Layers<B>, Tensor<B>, Tensor<B>);

/// Layers of these sizes, which keep the variance.
pub fn layers(sizes: &[usize]) -> Layers<Cpu> {
    let layer = |sizes: &[usize]| {
        let scale = (6.0 / sizes[0] as f32).sqrt();
        (tensor(sizes, -scale, scale), tensor(&sizes[1..], -0.1, 0.1))
    };
    sizes.windows(2).map(layer).collect()
}

/// The arguments of [`loss`], of a batch of so many.
pub fn batch(n: usize) -> Examples<Cpu> {
    (layers(&LAYERS), tensor(&[n, LAYERS[0]], 0.0, 1.0), Tensor::arange(n).cast(DType::I32) % 10)
}

/// The arguments of [`loss`], of a batch.
pub fn examples() -> Examples<Cpu> {
    batch(BATCH)
}

/// What the layers make of an input; `hidden` stands between two.
pub fn network<B: Backend>(
    layers: Layers<B>,
    x: Tensor<B>,
    hidden: impl Fn(Tensor<B>) -> Tensor<B>,
) -> Tensor<B> {
    let last = layers.len() - 1;
    layers.into_iter().enumerate().fold(x, |x, (i, (w, b))| {
        let y = x.matmul(&w) + b;
        if i < last { hidden(y) } else { y }
    })
}

/// The cross-entropy of one example.
pub fn loss<B: Backend>(layers: Layers<B>, x: Tensor<B>, label: Tensor<B>) -> Tensor<B> {
    let logits = network(layers, x, |x| x.relu());
    -(label.one_hot(10, DType::F32) * logits.log_softmax(-1)).sum()
}

/// The norm of one example's gradient.
pub fn norm<B: Backend>(layers: Layers<B>, x: Tensor<B>, label: Tensor<B>) -> Tensor<B> {
    let gradient = grad(loss)(layers, x, label).into_iter().flat_map(|(w, b)| [w, b]);
    gradient.map(|g| g.square().sum()).reduce(|a, b| a + b).expect("there are layers").sqrt()
}

/// Over examples, with the same layers for all; so many at a time, or all at once.
pub fn over_examples(chunk: Option<usize>) -> Vmap {
    let map = Vmap::new().in_axes((None, 0, 0));
    match chunk {
        Some(lanes) => map.chunk(lanes),
        None => map,
    }
}

/// A small network with one result.
pub fn scalar<B: Backend>([v, w]: [Tensor<B>; 2], x: Tensor<B>) -> Tensor<B> {
    w.matmul(&v.matmul(&x).tanh()).tanh().square().sum()
}

/// The coefficients of a regression with a penalty, of one small problem.
pub fn ridge<B: Backend>(x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let n = x.shape()[1];
    linalg::solve(&(x.t().matmul(&x) + Tensor::eye(n, DType::F32)), &x.t().matmul(&y))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_give_what_the_whole_gives() {
        let (layers, x, labels) = examples();
        let run = |chunk| {
            let gradients = over_examples(chunk).of(grad(loss));
            gradients(layers.clone(), x.clone(), labels.clone())
        };
        let (whole, chunks) = (run(None), run(Some(CHUNK)));
        let norms = over_examples(Some(CHUNK)).of(norm)(layers.clone(), x.clone(), labels.clone());
        let mut squares = Tensor::<Cpu>::zeros([BATCH], DType::F32);
        let mut parameters = 0;
        for ((w, b), (in_chunks, _)) in whole.iter().zip(&chunks) {
            assert!((w - in_chunks).abs().max().item::<f32>() < 1e-5);
            squares = squares + w.square().sum_axes([1, 2]) + b.square().sum_axes([1]);
            parameters += (w.len() + b.len()) / BATCH;
        }
        assert_eq!(parameters, PARAMETERS);
        assert!((squares.sqrt() / norms - 1.0).abs().max().item::<f32>() < 1e-4);
    }
}
