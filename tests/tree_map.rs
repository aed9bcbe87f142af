//! `tree_map` pairs the leaves of equal structures, in place where it can, and names where structures differ.

use plywood::prelude::*;
use std::collections::BTreeMap;

type C = Tensor<Cpu>;

#[derive(Clone, Tree)]
struct Layer<B: Backend> {
    w: Tensor<B>,
    #[tree(static)]
    name: &'static str,
}

#[derive(Clone, Tree)]
struct Model<B: Backend> {
    layers: Vec<Layer<B>>,
    scale: Option<Tensor<B>>,
    table: BTreeMap<String, Tensor<B>>,
}

fn model(names: &[&'static str], scale: bool, keys: &[&str]) -> Model<Cpu> {
    let one = C::ones([3], DType::F32);
    Model {
        layers: names.iter().map(|&name| Layer { w: one.zeros_like(), name }).collect(),
        scale: scale.then(|| one.full_like(2.0)),
        table: keys.iter().map(|&k| (k.to_string(), one.full_like(k.len()))).collect(),
    }
}

#[test]
fn leaves_of_the_same_place_meet() {
    let trees = [0, 1, 2].map(|_| model(&["a", "b"], true, &["k", "long"]));
    let mut calls = 0;
    let sum = tree_map(trees, |[x, y, z]| {
        calls += 1;
        x + 10.0 * y + 100.0 * z
    });
    assert_eq!(calls, 5);
    let first = |x: &C| x.get(0).item::<f32>();
    assert_eq!(sum.layers.iter().map(|l| first(&l.w)).collect::<Vec<_>>(), [0.0, 0.0]);
    assert_eq!(sum.layers[1].name, "b");
    assert_eq!(first(sum.scale.as_ref().unwrap()), 222.0);
    assert_eq!(
        sum.table.iter().map(|(k, x)| (k.as_str(), first(x))).collect::<Vec<_>>(),
        [("k", 111.0), ("long", 444.0)]
    );
}

#[test]
fn a_difference_is_named_with_its_path() {
    let good = || model(&["a", "b"], true, &["k"]);
    let cases = [
        (model(&["a"], true, &["k"]), "structures differ at .layers: 1 in tree 1, 2 in tree 0"),
        (model(&["a", "c"], true, &["k"]), "at .layers[1].name: \"c\" in tree 1, \"b\" in tree 0"),
        (model(&["a", "b"], false, &["k"]), "at .scale: false in tree 1, true in tree 0"),
        (model(&["a", "b"], true, &["l"]), "at .table[\"l\"]"),
        (model(&["a", "b"], true, &[]), "at .table: 0 in tree 1, 1 in tree 0"),
    ];
    for (bad, want) in cases {
        let wrong = std::panic::AssertUnwindSafe(|| tree_map([good(), bad], |[x, _]| x));
        let panic = std::panic::catch_unwind(wrong).err().expect(want);
        let message = panic.downcast_ref::<String>().expect("a message");
        assert!(message.contains(want), "{message}");
    }
}
