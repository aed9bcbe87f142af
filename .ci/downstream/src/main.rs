//! What a user writes: a struct of their own, a loss, a loop.

use plywood::prelude::*;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Activation {
    Tanh,
}

#[derive(Clone, Debug, Tree)]
struct Net<B: Backend> {
    hidden: (Tensor<B>, Tensor<B>),
    out: Tensor<B>,
    #[tree(static)]
    activation: Activation,
}

fn predict<B: Backend>(net: &Net<B>, x: Tensor<B>) -> Tensor<B> {
    let y = x.matmul(&net.hidden.0) + &net.hidden.1;
    match net.activation {
        Activation::Tanh => y.tanh().matmul(&net.out),
    }
}

fn loss<B: Backend>(net: Net<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    (predict(&net, x) - y).square().mean()
}

fn main() {
    let [k1, k2] = random::split(&random::key::<Cpu>(0));
    let mut net = Net {
        hidden: (random::normal(&k1, [2, 8], DType::F32), Tensor::zeros([8], DType::F32)),
        out: random::normal(&k2, [8, 1], DType::F32),
        activation: Activation::Tanh,
    };
    let x = Tensor::from([[0.0f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]);
    let y = Tensor::from([[0.0f32], [1.0], [1.0], [0.0]]);
    let step = value_and_grad(loss);
    let mut last = f32::INFINITY;
    for _ in 0..1000 {
        let (l, g) = step(net.clone(), x.clone(), y.clone());
        net = tree_map([net, g], |[p, g]| p - 0.2 * g);
        last = l.item();
    }
    assert!(last < 0.01, "it did not learn: {last}");
    println!("loss {last:.6}");
}
