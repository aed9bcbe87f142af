//! Cases on two devices: the machine's cores, divided.

use super::{Bound, Case, Check, carried, jitted};
use crate::jitted::{BATCH, RATE, STEP};
use crate::mapped::{self, Layers};
use crate::peers::protocol::Job;
use plywood::prelude::*;

/// A step of gradient descent, of a part of the examples: gradients of what all devices have are sums over them.
fn descend<B: Backend>(layers: Layers<B>, x: Tensor<B>, labels: Tensor<B>) -> (Layers<B>, Tensor<B>) {
    let loss = |layers: Layers<_>, x: Tensor<_>, labels: Tensor<_>| {
        let examples = x.shape()[0] as f64;
        mapped::loss(layers, x, labels) / examples
    };
    let (value, gradients) = value_and_grad(loss)(layers.clone(), x, labels);
    let rate = RATE / axis_size("data") as f64;
    (tree_map([layers, gradients], |[p, g]| p - rate * g), pmean(value, "data"))
}

fn step() -> Job {
    let (layers, x, labels) = mapped::batch(BATCH);
    let mesh = Mesh::new([("data", 2)]);
    let step = shard_map(descend, &mesh, (spec(()), spec("data"), spec("data")), spec(()));
    let loss = Tensor::scalar(0f32);
    carried((layers, loss), move |(layers, _)| step(layers, x.clone(), labels.clone()))
}

fn draw<B: Backend>(key: Tensor<B>) -> Tensor<B> {
    random::normal(&key, [1_000_000], DType::F32)
}

fn numbers() -> Job {
    let keys = random::split_n(&random::key::<Cpu>(0), 2);
    let f = pmap(draw);
    jitted(move || f(keys.clone()))
}

/// The lines of the table.
pub fn cases() -> Vec<Case> {
    let case = Case::new;
    vec![
        case("SGD step of an MLP on two devices", Bound::Flops(STEP), step),
        case("normal 2x1e6 on two devices", Bound::Numbers(2_000_000), numbers)
            .checked(Check::Statistics(0.01)),
    ]
}
