//! Mistakes panic at the line that makes them, and say which operation, which shapes, and what would fit.

use plywood::prelude::*;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, MutexGuard};

type C = Tensor<Cpu>;

static LAST: Mutex<Option<(String, String)>> = Mutex::new(None);

/// One at a time: the panic hook is global.
fn hook() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(|e| e.into_inner());
    panic::set_hook(Box::new(|info| {
        let message = info.payload().downcast_ref::<String>().cloned();
        let message = message.or(info.payload().downcast_ref::<&str>().map(|s| s.to_string()));
        let file = info.location().map(|l| l.file().to_string());
        *LAST.lock().unwrap() = Some((message.unwrap_or_default(), file.unwrap_or_default()));
    }));
    guard
}

/// The message with which `f` panics, and the file in which.
fn fails(f: impl FnOnce()) -> (String, String) {
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    assert!(result.is_err(), "it did not fail");
    LAST.lock().unwrap().take().expect("the hook has seen it")
}

#[test]
fn mistakes_are_told_where_they_are_made() {
    let _hook = hook();
    let a = C::zeros([2, 3], DType::F32);
    let b = C::zeros([4], DType::F32);
    let i = C::arange(3);
    let cases: Vec<(Box<dyn Fn() + '_>, &str)> = vec![
        (
            Box::new(|| drop(&a + &b)),
            "add: shapes [2, 3] and [4] do not broadcast: counted from the end, sizes are equal or one of them is 1",
        ),
        (
            Box::new(|| drop(a.matmul(&b))),
            "matmul: shapes [2, 3] and [4]: the last axis of the first has size 3, it meets 4",
        ),
        (
            Box::new(|| drop(a.sum_axes([2]))),
            "reduce_sum: axis 2 of a tensor of shape [2, 3]; axes go from -2 to 1",
        ),
        (
            Box::new(|| drop(a.sum_axes([0, -2]))),
            "reduce_sum: axis -2 is named twice in [0, -2] (shape [2, 3])",
        ),
        (Box::new(|| drop(a.reshape([4, -1]))), "reshape: shape [2, 3] of 6 elements does not fill [4, -1]"),
        (
            Box::new(|| drop(a.transpose([0, 0]))),
            "transpose: [0, 0] is not a permutation of the 2 axes of shape [2, 3]",
        ),
        (
            Box::new(|| drop(a.broadcast_to([3, 3]))),
            "broadcast_to: shape [2, 3] does not broadcast to [3, 3]",
        ),
        (Box::new(|| drop(a.to_vec::<f64>())), "to_vec::<f64>() of f32[2,3]: read it as f32, or cast it"),
        (
            Box::new(|| _ = a.item::<f32>()),
            "item() of f32[2,3]: it has 6 elements, not one; to_vec() reads them all",
        ),
        (Box::new(|| drop(a.get((2, 0)))), "get: index 2 is out of bounds for axis 0 of shape [2, 3]"),
        (
            Box::new(|| drop(a.get((&C::from([0i32, -3]), 0)))),
            "get: index -3 is out of bounds for axis 0 of shape [2, 3]",
        ),
        (Box::new(|| drop(a.get((0, 0, 0)))), "get: 3 indices into a tensor of shape [2, 3]"),
        (
            Box::new(|| drop(a.get(&C::from([true, false, true])))),
            "get: a mask of shape [3] for axes of sizes [2], of shape [2, 3]",
        ),
        (
            Box::new(|| drop(a.at((.., 5)).set(1.0))),
            "at: index 5 is out of bounds for axis 1 of shape [2, 3]",
        ),
        (
            Box::new(|| drop(concatenate([&a, &b.reshape([2, 2])], 0))),
            "concatenate: shapes [2, 3] and [2, 2] differ outside axis 0",
        ),
        (Box::new(|| drop(C::from_slice(&[1.0f32], [2]))), "1 elements do not fill shape [2], which has 2"),
        (Box::new(|| drop(a.argmax(2))), "argmax: axis 2 of a tensor of shape [2, 3]; axes go from -2 to 1"),
        (
            Box::new(|| drop(C::zeros([0], DType::F32).max())),
            "reduce_max: no elements along axes [0] of shape [0]",
        ),
        (Box::new(|| drop(&i << 0.5)), "shift_left: takes integers, not f32"),
        (Box::new(|| drop(i.squeeze([0]))), "squeeze: axis 0 of shape [3] has not size 1"),
        (
            Box::new(|| drop(a.to_device(&Device::cpu(7)))),
            "to_device: there is no device cpu:7; there are: cpu:0",
        ),
    ];
    for (f, want) in cases {
        let (message, file) = fails(f);
        assert_eq!(message, want);
        assert!(file.ends_with("tests/errors.rs"), "{want}: told at {file}");
    }
}

#[test]
fn mistakes_in_products_name_labels_and_shapes() {
    let _hook = hook();
    let (a, b) = (C::zeros([2, 3], DType::F32), C::zeros([4, 5], DType::F32));
    let q = C::zeros([1, 4, 6, 8], DType::F32);
    let k = C::zeros([1, 4, 4, 8], DType::F32);
    let cases: Vec<(Box<dyn Fn() + '_>, &str)> = vec![
        (
            Box::new(|| drop(einsum("ij,jk->ik", [&a, &b]))),
            "einsum: \"ij,jk->ik\": label j has sizes 3 and 4 (shapes [2, 3] and [4, 5])",
        ),
        (
            Box::new(|| drop(einsum("ij,jk->ik", [&a]))),
            "einsum: \"ij,jk->ik\" names 2 operands, there are 1 (shapes [2, 3])",
        ),
        (
            Box::new(|| drop(einsum("ijk->k", [&a]))),
            "einsum: \"ijk->k\": \"ijk\" labels 3 axes, the tensor's shape is [2, 3]",
        ),
        (
            Box::new(|| drop(einsum("ij->ik", [&a]))),
            "einsum: \"ij->ik\": no operand has the output's label k",
        ),
        (Box::new(|| drop(einsum("ij->ii", [&a]))), "einsum: \"ij->ii\": the output has label i twice"),
        (
            Box::new(|| drop(einsum("i1->i", [&a]))),
            "einsum: \"i1->i\": '1' is not a label; labels are letters",
        ),
        (
            Box::new(|| drop(a.tensordot(&b, ([1], [0])))),
            "tensordot: axis 1 of shape [2, 3] has size 3, axis 0 of shape [4, 5] has size 4",
        ),
        (Box::new(|| drop(a.tensordot(&b, 3))), "tensordot: 3 axes of tensors of shapes [2, 3] and [4, 5]"),
        (
            Box::new(|| drop(a.dot(&b))),
            "dot: shapes [2, 3] and [4, 5]: the last axis of the first has size 3, it meets 4",
        ),
        (Box::new(|| drop(a.vdot(&b))), "vdot: shapes [2, 3] and [4, 5] have 6 and 20 elements"),
        (Box::new(|| drop(a.inner(&b))), "inner: shapes [2, 3] and [4, 5]: the last axes have sizes 3 and 5"),
        (Box::new(|| drop(a.glu(-1))), "glu: axis -1 of shape [2, 3] has no two halves"),
        (
            Box::new(|| drop(nn::dot_product_attention(&q, &k, &k))),
            "dot_product_attention: query f32[1,4,6,8], key f32[1,4,4,8], value f32[1,4,4,8]: the query's heads are a \
             multiple of the key's",
        ),
        (
            Box::new(|| drop(nn::DotProductAttention::new().mask(&a).call(&k, &k, &k))),
            "dot_product_attention: a mask is bool, not f32[2,3]",
        ),
    ];
    for (f, want) in cases {
        let (message, file) = fails(f);
        assert_eq!(message, want);
        assert!(file.ends_with("tests/errors.rs"), "{want}: told at {file}");
    }
}

fn sum<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.sum()
}

#[derive(Clone, Tree)]
struct Counted<B: Backend> {
    w: Tensor<B>,
    layers: Vec<Tensor<B>>,
}

#[test]
fn transformations_say_where_they_were_made() {
    let _hook = hook();
    let x = C::from([1.0f32, 2.0]);
    let here = |message: &str, name: &str| {
        assert!(message.contains(&format!("(in the {name} made at tests/errors.rs:")), "{message}");
    };
    let (message, _) = fails(|| drop(grad(math::sin)(x.clone())));
    assert!(
        message.starts_with("grad: the function returned f32[2]; only a scalar has a gradient"),
        "{message}"
    );
    here(&message, "grad");
    let (message, _) = fails(|| drop(grad(sum)(C::arange(3))));
    assert!(message.starts_with("grad: args[0] is i32[3]; derivatives are taken by floats"), "{message}");
    here(&message, "grad");
    let params = Counted { w: x.clone(), layers: vec![x.clone(), C::arange(2)] };
    let f = |p: Counted<Autodiff<Cpu>>, _: Tensor<_>| p.w.sum();
    let (message, _) = fails(|| drop(value_and_grad(f)(params.clone(), x.clone())));
    assert!(message.starts_with("value_and_grad: args[0].layers[1] is i32[2]"), "{message}");
    let f = |_: Tensor<_>, p: Counted<Autodiff<Cpu>>| p.w.sum();
    let (message, _) = fails(|| drop(Grad::new().argnum::<1>().of(f)(x.clone(), params.clone())));
    assert!(message.starts_with("grad: args[1].layers[1] is i32[2]"), "{message}");
    let (message, _) = fails(|| drop(grad(|x: Tensor<_>| x.sum().cast(DType::I32))(x.clone())));
    assert!(
        message.starts_with("grad: the function returned i32[]; only a float has a derivative"),
        "{message}"
    );
    let (_, pullback) = vjp(|x: Tensor<_>| x.sin(), (x.clone(),));
    let (message, _) = fails(|| drop(pullback(C::zeros([3], DType::F32))));
    assert!(
        message.starts_with("pullback: the cotangents are [f32[3]], the result is [f32[2]]"),
        "{message}"
    );
}

#[test]
fn gradient_calls_that_meet_are_found() {
    let _hook = hook();
    let x = C::scalar(2.0);
    // The inner call captures a value of the outer one: both are on Autodiff<Cpu>, so the types do not tell.
    let captured = |x: Tensor<Autodiff<Cpu>>| {
        let c = x.clone();
        let inner = grad(move |y: Tensor<Autodiff<Cpu>>| y * c.clone())(C::scalar(3.0));
        x * inner.lift()
    };
    let (message, _) = fails(|| drop(grad(captured)(x.clone())));
    assert!(message.contains("tensors of two gradient calls on the same level met"), "{message}");
    // A value outlives its call.
    static KEPT: Mutex<Option<Tensor<Autodiff<Cpu>>>> = Mutex::new(None);
    grad(|x: Tensor<Autodiff<Cpu>>| {
        *KEPT.lock().unwrap() = Some(x.clone());
        x.sin()
    })(x.clone());
    let kept = KEPT.lock().unwrap().take().unwrap();
    let (message, _) = fails(|| drop(kept.exp()));
    assert!(message.contains("a tensor outlived the gradient call it belongs to"), "{message}");
    assert!(message.contains("tests/errors.rs"), "{message}");
}

#[test]
fn a_recorded_value_cannot_be_read() {
    let _hook = hook();
    let (message, file) = fails(|| {
        trace(|x: Tensor<Traced<Cpu>>| {
            x.item::<f32>();
            x
        })(C::scalar(1.0f32));
    });
    assert!(
        message.starts_with("item: this value has no data: the function it is in is being recorded"),
        "{message}"
    );
    assert!(file.ends_with("tests/errors.rs"), "{file}");
}
