//! What vmap and its relatives say of mistakes: the paths, sizes and types as the user sees them, and what would fit.

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

#[test]
fn mistakes_name_paths_and_what_would_fit() {
    let two = |a: Tensor<_>, b: Tensor<_>| a + b;
    let struct_of = || Layer { weight: x([3, 2]), bias: x([4]) };
    let layer = |l: Layer<_>| l.weight + l.bias.sum();
    let table: Vec<(String, &[&str])> = vec![
        (
            says(|| vmap(two)(x([3, 2]), x([4, 2]))),
            &[
                "vmap: the sizes of the mapped axes differ: args[0] has 3 (axis 0 of f32[3,2]), args[1] has 4 (axis 0 of f32[4,2])",
                "tests/vmap_errors.rs",
            ],
        ),
        (
            says(|| vmap(layer)(struct_of())),
            &["args[0].weight has 3 (axis 0 of f32[3,2]), args[0].bias has 4 (axis 0 of f32[4])"],
        ),
        (says(|| vmap(|x: Tensor<_>| x)(x([]))), &["args[0] is f32[], which has no axis 0; None in in_axes"]),
        (
            says(|| Vmap::new().in_axes(2).of(|x: Tensor<_>| x)(x([3, 2]))),
            &["args[0] is f32[3,2], which has no axis 2"],
        ),
        (
            says(|| Vmap::new().in_axes((0,)).of(two)(x([3]), x([3]))),
            &["in_axes has 1 entries, and args an element 1"],
        ),
        (
            says(|| Vmap::new().in_axes((0, 0, 0)).of(two)(x([3]), x([3]))),
            &["in_axes is (0, 0, 0), with 3 entries, and args has 2"],
        ),
        (
            says(|| Vmap::new().in_axes(((0, 0),)).of(layer)(struct_of())),
            &[
                "in_axes has a tuple where args[0].weight is in a struct or a map",
                "in_axis(\"args[0].weight\", 0)",
            ],
        ),
        (
            says(|| Vmap::new().in_axis("args[0].wieght", 0).of(layer)(struct_of())),
            &["there is nothing at args[0].wieght; there are args[0].weight, args[0].bias"],
        ),
        (
            says(|| Vmap::new().in_axes((None,)).of(|x: Tensor<_>| x)(x([3]))),
            &["no argument is mapped, so nothing says how many lanes there are; axis_size(n) does"],
        ),
        (
            says(|| Vmap::new().axis_size(5).of(|x: Tensor<_>| x)(x([3]))),
            &["args[0] has 3 (axis 0 of f32[3]), axis_size says 5"],
        ),
        (
            says(|| Vmap::new().out_axes(None).of(|x: Tensor<_>| x)(x([3]))),
            &["result differs between lanes, and out_axes says None"],
        ),
        (
            says(|| Vmap::new().out_axes(2).of(|x: Tensor<_>| x)(x([3]))),
            &["result is f32[] for each lane, and has no place for an axis 2"],
        ),
        (
            says(|| Vmap::new().axis_name("i").chunk(2).of(|x: Tensor<_>| x)(x([3]))),
            &["an axis with a name is not cut into chunks"],
        ),
        // Shapes inside are those of one example.
        (
            says(|| vmap(|x: Tensor<_>| x.matmul(&Tensor::zeros([4, 2], DType::F32)))(x([5, 7, 3]))),
            &["matmul", "[7, 3]", "[4, 2]"],
        ),
        (
            says(|| vmap(|x: Tensor<_>| x.get(0).item::<f32>())(x([2, 3]))),
            &["under vmap this value is one of 2 lanes' values", "return it from the function"],
        ),
        (
            says(|| psum(x([3]), "i")),
            &["psum: there is no axis \"i\" here (none is in scope)", "axis_name(\"i\")"],
        ),
        (
            says(|| Vmap::new().axis_name("j").of(|x: Tensor<_>| psum(x, "i"))(x([3]))),
            &["psum: there is no axis \"i\" here (in scope: \"j\")"],
        ),
        (
            says(|| {
                Vmap::new().axis_name("i").of(|x: Tensor<_>| ppermute(x, "i", &[(0, 1), (0, 2)]))(x([3]))
            }),
            &["ppermute: pairs (from, to) of the 3 lanes", "at most once"],
        ),
        (
            says(|| Vmap::new().axis_name("i").of(|x: Tensor<_>| psum_scatter(x, "i"))(x([3, 2]))),
            &["psum_scatter: axis 0 of shape [2] has one element for each of the 3 lanes"],
        ),
        (
            says(|| {
                let f = |x: Tensor<_>| cond(x.gt(0.0), |x: Tensor<_>| psum(x, "i"), |x: Tensor<_>| x, x);
                Vmap::new().axis_name("i").of(f)(x([3]))
            }),
            &["cond: lanes take different branches, and there is a collective over \"i\" inside"],
        ),
        (says(|| jacfwd(|x: Tensor<_>| x)(T::from([1, 2]))), &["jacfwd: the argument is i32[2]", "cast it"]),
        (
            says(|| jacrev(|x: Tensor<_>| x.cast(DType::I32))(x([2]))),
            &["jacrev: the result is i32[2]", "cast it"],
        ),
        (
            says(|| {
                let (_, unravel) = ravel::<Cpu, Cpu, _>(&(x([2]), x([3])));
                unravel(x([4]))
            }),
            &["unravel: the tree has 5 elements, not 4"],
        ),
    ];
    for (text, parts) in table {
        for part in parts {
            assert!(text.contains(part), "{text:?} does not say {part:?}");
        }
    }
}

#[test]
fn values_of_other_calls_are_refused() {
    use std::sync::Mutex;
    static KEPT: Mutex<Option<Tensor<plywood::Batched<Cpu>>>> = Mutex::new(None);
    let keep = |x: Tensor<plywood::Batched<Cpu>>| {
        *KEPT.lock().unwrap() = Some(x.clone());
        x
    };
    vmap(keep)(x([3]));
    let kept = KEPT.lock().unwrap().clone().unwrap();
    let text = says(|| kept.exp());
    assert!(text.contains("exp, at") && text.contains("outlived the vmap call"), "{text}");
    let other = kept.clone();
    let text = says(|| vmap(move |x: Tensor<_>| x + &other)(x([3])));
    assert!(text.contains("tensors of two vmap calls on the same level met"), "{text}");
}
