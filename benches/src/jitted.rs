//! What `jit` is measured with: element-wise chains, rows, training steps, gradients; each a function of any backend.
//!
//! A case calls the jitted function again and again (what the first call costs is in [`first`]). What changes from
//! step to step is moved in, so that its memory is used again, and what comes out goes in next time. The tests hold each
//! function to its own eager run, and to JAX's numbers.

pub mod first;

use crate::families::tensor;
use crate::mapped::{self, Layers};
use crate::peers::protocol::Job;
use crate::peers::{Bound, Case, carried, jitted as job};
use plywood::prelude::*;

/// `1.05 * (x if x > 0 else 1.67 exp(x) - 1.67)`.
pub fn selu<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    1.05 * x.gt(0.0).select(&x, 1.67 * x.exp() - 1.67)
}

/// By tanh.
pub fn gelu<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.gelu()
}

/// Eight operations, a root and a division among them.
pub fn chain<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let y = (x.square() + 1.0).sqrt() / (x + 4.0);
    ((y - 0.3) * 3.0).maximum(0.0)
}

/// Over the last axis.
pub fn softmax<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.softmax(-1)
}

/// Over the last axis.
pub fn log_softmax<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.log_softmax(-1)
}

/// Each row less its mean, over the root of its variance and 1e-5; scaled and shifted.
pub fn layer_norm<B: Backend>(x: Tensor<B>, scale: Tensor<B>, shift: Tensor<B>) -> Tensor<B> {
    x.standardize(-1, 1e-5) * scale + shift
}

/// Parameters in training, with Adam's running means.
#[derive(Clone, Debug, Tree)]
pub struct Adam<B: Backend> {
    /// The parameters.
    pub params: Vec<Tensor<B>>,
    mean: Vec<Tensor<B>>,
    square: Vec<Tensor<B>>,
    /// How many there were.
    steps: Tensor<B>,
}

impl<B: Backend> Adam<B> {
    /// Before the first step.
    pub fn new(params: Vec<Tensor<B>>) -> Self {
        let zeros: Vec<_> = params.iter().map(|p| p.zeros_like()).collect();
        Adam { params, mean: zeros.clone(), square: zeros, steps: Tensor::scalar(0f32) }
    }
}

/// A step of Adam's.
pub fn adam<B: Backend>(state: Adam<B>, gradients: Vec<Tensor<B>>, rate: Tensor<B>) -> Adam<B> {
    let mean = tree_map([state.mean, gradients.clone()], |[m, g]| 0.9 * m + 0.1 * g);
    let square = tree_map([state.square, gradients], |[v, g]| 0.999 * v + 0.001 * g.square());
    let steps = state.steps + 1.0;
    // Both means start at zero, and are too small by 1 - β^steps.
    let missing = |beta: f64| 1.0 - (beta.ln() * &steps).exp();
    let (rate, scale) = (rate / missing(0.9), missing(0.999).rsqrt());
    let params = tree_map([state.params, mean.clone(), square.clone()], |[p, m, v]| {
        p - &rate * m / (v.sqrt() * &scale + 1e-8)
    });
    Adam { params, mean, square, steps }
}

/// The mean cross-entropy of a batch; `hidden` stands between layers.
pub fn cross_entropy<B: Backend>(
    layers: Layers<B>,
    x: Tensor<B>,
    labels: Tensor<B>,
    hidden: impl Fn(Tensor<B>) -> Tensor<B>,
) -> Tensor<B> {
    let log_p = mapped::network(layers, x, hidden).log_softmax(-1);
    -(labels.one_hot(10, DType::F32) * log_p).sum_axes(-1).mean()
}

/// A step of gradient descent of a classifier: its parameters, and the loss before.
pub fn sgd<B: Backend>(layers: Layers<B>, x: Tensor<B>, labels: Tensor<B>) -> (Layers<B>, Tensor<B>) {
    fn loss<B: Backend>(layers: Layers<B>, x: Tensor<B>, labels: Tensor<B>) -> Tensor<B> {
        cross_entropy(layers, x, labels, |x| x.relu())
    }
    let (value, gradients) = value_and_grad(loss)(layers.clone(), x, labels);
    (tree_map([layers, gradients], |[p, g]| p - RATE * g), value)
}

/// The mean square of a network's errors.
pub fn squares<B: Backend>(
    layers: Layers<B>,
    x: Tensor<B>,
    y: Tensor<B>,
    hidden: impl Fn(Tensor<B>) -> Tensor<B>,
) -> Tensor<B> {
    (mapped::network(layers, x, hidden) - y).square().mean()
}

/// The same, with tanh between layers.
pub fn tiny<B: Backend>(layers: Layers<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    squares(layers, x, y, |x| x.tanh())
}

/// The sum of the squares of 200 states h = tanh(h w + x), of 32 rows of 128. (Of the last one alone the gradient would
/// fade into subnormal numbers, which processors are slow at and JAX takes for zero.)
pub fn rnn<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
    let step = |h: Tensor<_>, x: Tensor<_>| {
        let h = (h.matmul(&w.lift()) + x).tanh();
        (h.clone(), h)
    };
    scan(step, Tensor::zeros([32, 128], DType::F32), x).1.square().sum()
}

/// Examples of a batch in training.
pub const BATCH: usize = 128;
/// The rate of gradient descent.
pub const RATE: f64 = 0.001;
/// Floating-point operations of a training step: each layer's product, the gradient of its weights, and of its input where
/// it is a layer's.
pub const STEP: usize = 2 * BATCH * (3 * (784 * 512 + 512 * 512 + 512 * 10) - 784 * 512);
const M: usize = 1_000_000;

/// The arguments of [`tiny`]: 4-16-1, eight examples.
pub fn tiny_arguments() -> (Layers<Cpu>, Tensor<Cpu>, Tensor<Cpu>) {
    (mapped::layers(&[4, 16, 1]), tensor(&[8, 4], -1.0, 1.0), tensor(&[8, 1], -1.0, 1.0))
}

/// The weights and biases of the classifier, one after another.
fn parameters() -> Vec<Tensor<Cpu>> {
    mapped::layers(&mapped::LAYERS).into_iter().flat_map(|(w, b)| [w, b]).collect()
}

type OnTraced = Tensor<Traced<Cpu>>;

/// Of one tensor.
fn one(shape: &[usize], f: impl Fn(OnTraced) -> OnTraced + Send + Sync + 'static) -> Job {
    let (x, f) = (tensor(shape, -3.0, 3.0), jit(f));
    job(move || f(x.clone()))
}

fn training(params: Vec<Tensor<Cpu>>) -> Job {
    let gradients: Vec<_> = params.iter().map(|p| tensor(p.shape(), -1.0, 1.0)).collect();
    let (step, rate) = (jit(adam), Tensor::scalar(1e-3f32));
    carried(Adam::new(params), move |state| step(state, gradients.clone(), rate.clone()))
}

fn vector(n: usize) -> Job {
    training(vec![tensor(&[n], -1.0, 1.0)])
}

/// The gradient of [`rnn`].
pub fn rnn_gradient() -> Job {
    let (w, x) = (tensor(&[128, 128], -0.1, 0.1), tensor(&[200, 32, 128], -1.0, 1.0));
    let gradient = jit(grad(rnn));
    job(move || gradient(w.clone(), x.clone()))
}

/// The gradients of a network for each example of a batch.
pub fn per_example() -> Job {
    let (layers, x, labels) = mapped::examples();
    let gradients = jit(mapped::over_examples(None).of(grad(mapped::loss)));
    job(move || gradients(layers.clone(), x.clone(), labels.clone()))
}

/// The second derivatives of a small network by its 64 inputs.
pub fn second_derivatives() -> Job {
    let (w, x) = ([0, 1].map(|_| tensor(&[64, 64], -0.2, 0.2)), tensor(&[64], -1.0, 1.0));
    let f = jit(hessian(move |x: Tensor<_>| {
        mapped::scalar(w.clone().map(|w| w.lift().lift().lift().lift().lift()), x)
    }));
    job(move || f(x.clone()))
}

/// The lines of the table of [`crate::peers`] that have no eager line beside them.
pub fn cases() -> Vec<Case> {
    use Bound::{Bytes, Dispatch, Flops};
    let case = Case::new;
    let all = 4096 * 1024;
    // Adam reads four numbers and writes three.
    vec![
        case("jit selu 1e3", Dispatch, || one(&[1000], selu)),
        case("jit selu 1e6", Bytes(8 * M), || one(&[M], selu)),
        case("jit selu 1e7", Bytes(80 * M), || one(&[10 * M], selu)),
        case("jit gelu 1e3", Dispatch, || one(&[1000], gelu)),
        case("jit gelu 1e6", Bytes(8 * M), || one(&[M], gelu)),
        case("jit gelu 1e7", Bytes(80 * M), || one(&[10 * M], gelu)),
        case("jit chain of 8 1e3", Dispatch, || one(&[1000], chain)),
        case("jit chain of 8 1e6", Bytes(8 * M), || one(&[M], chain)),
        case("jit chain of 8 1e7", Bytes(80 * M), || one(&[10 * M], chain)),
        case("jit adam 1e3", Dispatch, || vector(1000)),
        case("jit adam 1e6", Bytes(28 * M), || vector(M)),
        case("jit adam 1e7", Bytes(280 * M), || vector(10 * M)),
        case("jit adam of an MLP", Bytes(28 * mapped::PARAMETERS), || training(parameters())),
        case("jit softmax 4096x1024", Bytes(8 * all), || one(&[4096, 1024], softmax)),
        case("jit log_softmax 4096x1024", Bytes(8 * all), || one(&[4096, 1024], log_softmax)),
        case("jit layer norm 4096x1024", Bytes(8 * all), || {
            let x = tensor(&[4096, 1024], -3.0, 3.0);
            let (scale, shift) = (tensor(&[1024], 0.5, 1.5), tensor(&[1024], -1.0, 1.0));
            let f = jit(layer_norm);
            job(move || f(x.clone(), scale.clone(), shift.clone()))
        }),
        case("jit SGD step of an MLP", Flops(STEP), || {
            let (layers, x, labels) = mapped::batch(BATCH);
            let (step, loss) = (jit(sgd), Tensor::scalar(0f32));
            carried((layers, loss), move |(layers, _)| step(layers, x.clone(), labels.clone()))
        }),
        case("jit gradient of a tiny MLP", Dispatch, || {
            let (layers, x, y) = tiny_arguments();
            let gradient = jit(grad(tiny));
            job(move || gradient(layers.clone(), x.clone(), y.clone()))
        }),
        case("jit x + 1 of 16", Dispatch, || one(&[16], |x| x + 1.0)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(got: &Tensor<Cpu>, want: &Tensor<Cpu>, tolerance: f32) {
        assert_eq!(got.shape(), want.shape());
        let error = (got - want).abs().max().item::<f32>();
        assert!(error <= tolerance * want.abs().max().item::<f32>(), "{error}: {got}, {want}");
    }

    #[track_caller]
    fn all_near(got: &impl Tree<Cpu>, want: &impl Tree<Cpu>) {
        let (got, want) = (tree_leaves(got), tree_leaves(want));
        assert_eq!(got.len(), want.len());
        got.iter().zip(&want).for_each(|(got, want)| near(got, want, 2e-6));
    }

    #[track_caller]
    fn holds<const N: usize>(got: &Tensor<Cpu>, want: [f32; N]) {
        near(got, &Tensor::from_slice(&want, [N]), 2e-6);
    }

    /// `n` steps of a training, each with the same rest.
    fn steps<S>(start: S, n: usize, step: impl Fn(S) -> S) -> S {
        (0..n).fold(start, |state, _| step(state))
    }

    #[test]
    fn recorded_functions_give_what_eager_ones_give() {
        type F<B> = fn(Tensor<B>) -> Tensor<B>;
        let functions: [(F<Traced<Cpu>>, F<Cpu>); 5] =
            [(selu, selu), (gelu, gelu), (chain, chain), (softmax, softmax), (log_softmax, log_softmax)];
        let x = tensor(&[7, 1000], -3.0, 3.0);
        for (recorded, eager) in functions {
            near(&jit(recorded)(x.clone()), &eager(x.clone()), 2e-6);
        }
        let (scale, shift) = (tensor(&[1000], 0.5, 1.5), tensor(&[1000], -1.0, 1.0));
        let recorded = jit(layer_norm)(x.clone(), scale.clone(), shift.clone());
        near(&recorded, &layer_norm(x, scale, shift), 2e-6);
    }

    #[test]
    fn recorded_training_gives_what_eager_training_gives() {
        let params = || vec![tensor(&[1000], -1.0, 1.0), tensor(&[3, 5], -1.0, 1.0)];
        let (rate, recorded) = (Tensor::scalar(1e-3f32), jit(adam));
        all_near(
            &steps(Adam::new(params()), 3, |state| recorded(state, params(), rate.clone())),
            &steps(Adam::new(params()), 3, |state| adam(state, params(), rate.clone())),
        );
        let (layers, x, labels) = mapped::batch(8);
        let start = || (layers.clone(), Tensor::scalar(0f32));
        let recorded = jit(sgd);
        all_near(
            &steps(start(), 2, |(layers, _)| recorded(layers, x.clone(), labels.clone())),
            &steps(start(), 2, |(layers, _)| sgd(layers, x.clone(), labels.clone())),
        );
    }

    #[test]
    fn recorded_derivatives_are_what_eager_ones_are() {
        let (layers, x, y) = tiny_arguments();
        all_near(&jit(grad(tiny))(layers.clone(), x.clone(), y.clone()), &grad(tiny)(layers, x, y));
        let (w, x) = (tensor(&[128, 128], -0.1, 0.1), tensor(&[200, 32, 128], -1.0, 1.0));
        near(&jit(grad(rnn))(w.clone(), x.clone()), &grad(rnn)(w, x), 2e-6);
    }

    #[test]
    fn they_are_jaxs_numbers() {
        let x = tensor(&[4], -3.0, 3.0);
        holds(&jit(selu)(x.clone()), [-1.503_333_2, 1.045_942_4, 1.273_973_7, 1.486_733_7]);
        holds(&jit(gelu)(x.clone()), [-0.050_094_66, 0.837_009, 1.076_587_3, 1.304_700_5]);
        holds(&jit(chain)(x.clone()), [2.299_119_7, 0.0, 0.004_778_623_6, 0.060_198_426]);
        holds(&jit(softmax)(x.clone()), [0.013_803_719, 0.261_992_37, 0.325_540_87, 0.398_663_04]);
        holds(&jit(log_softmax)(x.clone()), [-4.282_817_4, -1.339_439_9, -1.122_267_2, -0.919_638_7]);
        let norm = jit(layer_norm)(x, tensor(&[4], 0.5, 1.5), tensor(&[4], -1.0, 1.0));
        holds(&norm, [-1.812_164_4, 0.821_189_05, 1.098_715_3, 1.367_970_3]);

        let (g, step) = (vec![tensor(&[4], -1.0, 1.0)], jit(adam));
        let state = steps(Adam::new(g.clone()), 3, |s| step(s, g.clone(), Tensor::scalar(1e-3f32)));
        holds(&state.params[0], [-0.646_080_55, 0.329_045_24, 0.401_436_15, 0.468_979_06]);

        let (layers, x, y) = tiny_arguments();
        let gradient = jit(grad(tiny))(layers, x, y);
        let sizes = gradient.iter().flat_map(|(w, b)| [w.abs().sum(), b.abs().sum()]);
        for (size, want) in sizes.zip([4.766_510_5, 0.933_350_56, 7.119_308, 0.047_666_267]) {
            near(&size, &Tensor::scalar(want as f32), 2e-6);
        }

        let (layers, x, labels) = mapped::batch(BATCH);
        let (step, start) = (jit(sgd), (layers, Tensor::scalar(0f32)));
        let (_, loss) = steps(start, 3, |(layers, _)| step(layers, x.clone(), labels.clone()));
        near(&loss, &Tensor::scalar(2.505_782_8f32), 1e-5);
    }
}
