//! Models, as far as it matters what is sent: the sizes of parameters, in the order in which the forward pass meets them.

use std::iter::once;

/// A model.
#[derive(Clone, Debug)]
pub struct Model {
    /// What a table calls it.
    pub name: &'static str,
    /// Its parts, in the order of the forward pass.
    pub parts: Vec<Part>,
    /// Examples, or tokens, of a device in a step.
    pub examples: f64,
}

/// A parameter, or work.
#[derive(Clone, Copy, Debug)]
pub struct Part {
    /// Elements of the parameter; 0 of one that was met before.
    pub elements: f64,
    /// Multiplications of an example with it, forward.
    pub products: f64,
}

/// Sizes of a transformer.
#[derive(Clone, Copy, Debug)]
pub struct Transformer {
    /// Layers.
    pub layers: usize,
    /// Features of a token.
    pub width: usize,
    /// Tokens of a sequence.
    pub sequence: usize,
    /// Heads of attention.
    pub heads: usize,
}

/// GPT-2's smallest.
pub const GPT2: Transformer = Transformer { layers: 12, width: 768, sequence: 1024, heads: 12 };
/// LLaMA's smallest.
pub const LLAMA: Transformer = Transformer { layers: 32, width: 4096, sequence: 2048, heads: 32 };

impl Transformer {
    /// Bytes of a token's activations that the backward pass reads, in 16-bit floats: of all layers without recomputation (34 bytes a
    /// feature, and 5 for each score of attention unless it is computed again), or of the layers' inputs alone.
    pub fn activations(&self, recompute: Recompute) -> f64 {
        let (layers, width) = (self.layers as f64, self.width as f64);
        let scores = 5.0 * self.heads as f64 * self.sequence as f64 / width;
        match recompute {
            Recompute::Nothing => layers * width * (34.0 + scores),
            Recompute::Scores => layers * width * 34.0,
            Recompute::Layers => layers * width * 2.0,
        }
    }
}

/// What the backward pass computes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recompute {
    /// Nothing.
    Nothing,
    /// The scores of attention, as fused attention does.
    Scores,
    /// Each layer, from its input.
    Layers,
}

/// A matrix, or a part that multiplies nothing.
fn matrix(elements: usize) -> Part {
    Part { elements: elements as f64, products: elements as f64 }
}

fn vector(elements: usize) -> Part {
    Part { elements: elements as f64, products: 0.0 }
}

impl Model {
    /// Layers of a perceptron, with biases.
    pub fn perceptron(name: &'static str, sizes: &[usize], examples: f64) -> Model {
        let parts = sizes.windows(2).flat_map(|s| [matrix(s[0] * s[1]), vector(s[1])]).collect();
        Model { name, parts, examples }
    }

    /// The perceptron of the example `digits`, on images of 8 x 8.
    pub fn digits() -> Model {
        Model::perceptron("digits 64-256-128-10", &[64, 256, 128, 10], 64.0)
    }

    /// A perceptron for MNIST.
    pub fn mnist() -> Model {
        Model::perceptron("MLP 784-512-512-10", &[784, 512, 512, 10], 128.0)
    }

    /// GPT-2 small: its head is the embedding, whose gradient is complete when that of the first layer is.
    pub fn gpt2() -> Model {
        let d = GPT2.width;
        let norm = [vector(d), vector(d)];
        let linear = |inputs: usize, outputs: usize| [matrix(inputs * outputs), vector(outputs)];
        let layer = || {
            let attention = linear(d, 3 * d).into_iter().chain(linear(d, d));
            let mlp = linear(d, 4 * d).into_iter().chain(linear(4 * d, d));
            norm.into_iter().chain(attention).chain(norm).chain(mlp)
        };
        let vocabulary = 50257 * d;
        let head = Part { elements: 0.0, products: vocabulary as f64 };
        let parts = [vector(vocabulary), vector(GPT2.sequence * d)].into_iter();
        let parts = parts.chain((0..GPT2.layers).flat_map(|_| layer())).chain(norm).chain(once(head));
        Model { name: "GPT-2 small", parts: parts.collect(), examples: 8192.0 }
    }

    /// LLaMA 7B.
    pub fn llama() -> Model {
        let (d, hidden, vocabulary) = (LLAMA.width, 11008, 32000 * LLAMA.width);
        let layer = || {
            let attention = [vector(d)].into_iter().chain([matrix(d * d); 4]);
            attention.chain([vector(d)]).chain([matrix(d * hidden); 3])
        };
        let parts = once(vector(vocabulary)).chain((0..LLAMA.layers).flat_map(|_| layer()));
        let parts = parts.chain([vector(d), matrix(vocabulary)]);
        Model { name: "LLaMA 7B", parts: parts.collect(), examples: 8192.0 }
    }

    /// Parameters.
    pub fn elements(&self) -> f64 {
        self.parts.iter().map(|part| part.elements).sum()
    }

    /// Tensors.
    pub fn tensors(&self) -> usize {
        self.parts.iter().filter(|part| part.elements > 0.0).count()
    }

    /// Multiplications of an example, forward.
    pub fn products(&self) -> f64 {
        self.parts.iter().map(|part| part.products).sum()
    }

    /// Floating-point operations of a step: two for each product forward, four backward.
    pub fn operations(&self) -> f64 {
        6.0 * self.products() * self.examples
    }
}
