//! What `shard_map` says of mistakes: paths, types and names as the user sees them, and what would be right.

use plywood::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

type T = Tensor<Cpu>;

/// What a function says when it panics.
fn says<R>(f: impl FnOnce() -> R) -> String {
    let Err(panic) = catch_unwind(AssertUnwindSafe(f)) else {
        return "nothing: it did not panic".to_string();
    };
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text.to_string(),
        (_, Some(text)) => text.clone(),
        _ => String::new(),
    }
}

fn x(shape: impl Into<Shape>) -> T {
    T::zeros(shape.into(), DType::F32)
}

#[derive(Clone, Tree)]
struct Layer<B: Backend> {
    weight: Tensor<B>,
    bias: Tensor<B>,
}

/// What a function of a vector by "data", whose result is to be the same on all devices, says.
macro_rules! replicated {
    ($f:expr) => {
        says(|| shard_map($f, &Mesh::new([("data", 2)]), spec("data"), spec(()))(x([4])))
    };
}

#[test]
fn mistakes_name_paths_and_what_would_fit() {
    let mesh = || Mesh::new([("data", 2), ("model", 4)]);
    let same = |x: Tensor<_>| x;
    let layer = |l: Layer<_>| l.weight;
    let both = |a: Tensor<_>, _: Tensor<_>| a;
    let of = || Layer { weight: x([8, 6]), bias: x([8]) };
    let table: Vec<(String, &[&str])> = vec![
        (
            says(|| shard_map(same, &mesh(), spec("model"), spec("model"))(x([6]))),
            &[
                "shard_map: args[0] is f32[6], of which axis 0 is not cut into 4 equal blocks by (model)",
                "tests/shard_map_errors.rs",
            ],
        ),
        (
            says(|| shard_map(layer, &mesh(), (spec((None, "model")),), spec(()))(of())),
            &["in_specs says (None, \"model\") of args[0].bias, which is f32[8] and has 1 axes"],
        ),
        (
            says(|| {
                shard_map(layer, &mesh(), spec((["model", "data"],)), spec(()))(Layer {
                    bias: x([12]),
                    ..of()
                })
            }),
            &["args[0].bias is f32[12], of which axis 0 is not cut into 8 equal blocks by (model+data)"],
        ),
        (
            says(|| shard_map(layer, &mesh(), ((spec(()), spec(())),), spec(()))(of())),
            &["in_specs has a tuple where args[0].weight is in a struct or a map"],
        ),
        (
            says(|| shard_map(both, &mesh(), (spec("data"),), spec("data"))(x([2]), x([2]))),
            &["in_specs has 1 entries, and args[1] is in element 1"],
        ),
        (
            says(|| shard_map(same, &mesh(), spec("rows"), spec(()))(x([2]))),
            &["in_specs says \"rows\" of args[0]; the mesh has data: 2, model: 4"],
        ),
        (
            says(|| shard_map(same, &mesh(), spec(("data", "data")), spec(()))(x([2, 2]))),
            &["in_specs cuts args[0] by \"data\" twice"],
        ),
        (
            says(|| shard_map(same, &mesh(), spec("data"), spec("batch"))(x([2]))),
            &["out_specs says \"batch\" of result; the mesh has data: 2, model: 4"],
        ),
        (says(|| Mesh::new([("data", 2), ("data", 2)])), &["Mesh: there are two axes \"data\""]),
        (says(|| Mesh::new([("data", 0)])), &["Mesh: axis \"data\" has no devices"]),
        (
            says(|| shard_map(|x: Tensor<_>| psum(x, "rows"), &mesh(), spec("data"), spec(()))(x([2]))),
            &["psum: there is no axis \"rows\" here (in scope: \"data\", \"model\")"],
        ),
    ];
    for (said, parts) in table {
        parts.iter().for_each(|part| assert!(said.contains(part), "{said:?}\nhas not\n{part:?}"));
    }
}

#[test]
fn what_claims_to_be_the_same_everywhere_is() {
    let differs = &[
        "result is f32[2]{data}, which differs between devices over \"data\"",
        "psum, pmean, pmax and pmin give what is",
        "tests/shard_map_errors.rs",
    ];
    fn gathered<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        all_gather(x, "data").sum_axes([0])
    }
    let table: Vec<(String, &[&str])> = vec![
        (replicated!(|x: Tensor<_>| x * 2.0), differs),
        (replicated!(gathered), differs),
        (replicated!(|x: Tensor<_>| psum(x.sum(), "data") + x), differs),
        (
            replicated!(|x: Tensor<_>| scan(
                |c: Tensor<_>, x: Tensor<_>| (c + x, ()),
                x.zeros_like(),
                stack([&x], 0)
            )
            .0),
            differs,
        ),
        (
            replicated!(|x: Tensor<_>| {
                let (a, b) = (psum(x.clone(), "data"), psum(x.square(), "data"));
                cond(
                    x.sum().gt(0.0),
                    |(a, _): (Tensor<_>, Tensor<_>)| a,
                    |(_, b): (Tensor<_>, Tensor<_>)| b,
                    (a, b),
                )
            }),
            differs,
        ),
        (
            replicated!(|x: Tensor<_>| {
                let own = while_loop(
                    |(i, _): &(Tensor<_>, Tensor<_>)| i.lt(1.0),
                    |(i, y)| (i + 1.0, y),
                    (x.sum(), psum(x, "data")),
                );
                own.1
            }),
            differs,
        ),
        (
            says(|| {
                let both = |x: Tensor<_>| (psum(x.clone(), "data"), vec![x]);
                shard_map(both, &Mesh::new([("data", 2)]), spec("data"), spec(()))(x([4]))
            }),
            &["result[1][0] is f32[2]{data}, which differs between devices"],
        ),
    ];
    for (said, parts) in table {
        parts.iter().for_each(|part| assert!(said.contains(part), "{said:?}\nhas not\n{part:?}"));
    }
}

#[test]
fn devices_that_do_not_meet_are_told() {
    // Each device decides for itself whether it speaks to the other.
    fn apart<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let first = axis_index::<B>("data").eq(0);
        cond(first, |x: Tensor<_>| psum(x, "data"), |x: Tensor<_>| x, x)
    }
    let said = says(|| shard_map(apart, &Mesh::new([("data", 2)]), spec("data"), spec("data"))(x([4])));
    for part in ["on cpu:0: psum over \"data\", at ", "is not reached by all devices: cpu:1 has ended"] {
        assert!(said.contains(part), "{said:?}\nhas not\n{part:?}");
    }
}
