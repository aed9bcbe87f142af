//! Forward mode, custom rules and differentiated graphs: what they do with integers, what they refuse, and runtime orders.

use plywood::prelude::*;
use std::panic::{AssertUnwindSafe, catch_unwind};

type C = Tensor<Cpu>;

fn message(f: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(f)).expect_err("it must panic");
    match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
        (Some(text), _) => text.clone(),
        (_, Some(text)) => text.to_string(),
        _ => panic!("no message"),
    }
}

/// x by an integer and a mask, and what becomes of the integer.
fn mixed<B: Backend>(x: Tensor<B>, (n, mask): (Tensor<B>, Tensor<B>)) -> (Tensor<B>, Tensor<B>) {
    (mask.select(&x * &n, x), n + 1)
}

#[test]
fn integers_have_no_tangent_and_a_zero_cotangent() {
    let args = || (C::from([1.0, 2.0]), (C::from([3, 4]), C::from([true, false])));
    let tangents = (C::from([10.0, 100.0]), (C::from([5, 5]), C::from([true, true])));
    let ((y, n), (dy, dn)) = jvp(mixed, args(), tangents.clone());
    assert_eq!((y.to_vec::<f64>(), n.to_vec::<i32>()), (vec![3.0, 2.0], vec![4, 5]));
    assert_eq!(dy.to_vec::<f64>(), [30.0, 100.0], "the tangent of an integer is ignored");
    assert_eq!(dn, C::from([0, 0]), "and that of an integer result is zero");
    let (_, df) = linearize(mixed, args());
    let (dy, dn) = df(tangents);
    assert_eq!((dy.to_vec::<f64>(), dn.to_vec::<i32>()), (vec![30.0, 100.0], vec![0, 0]));
    let (_, pullback) = vjp(mixed, args());
    let (dx, (dn, dmask)) = pullback((C::from([1.0, 1.0]), C::from([7, 7])));
    assert_eq!(dx.to_vec::<f64>(), [3.0, 1.0]);
    assert_eq!((dn, dmask), (C::from([0, 0]), C::from([false, false])), "zero, of their own dtypes");
    let said = message(|| drop(grad(|n: Tensor<_>| n.sum())(C::from([1, 2]))));
    assert!(said.starts_with("grad: args[0] is i32[2]; derivatives are taken by floats"), "{said}");
    let said = message(|| drop(hvp(|n: Tensor<_>| n.sum(), C::from([1, 2]), C::from([1, 2]))));
    assert!(said.starts_with("hvp: args[0] is i32[2]; derivatives are taken by floats"), "{said}");
}

#[test]
fn forward_mode_says_what_does_not_fit() {
    let x = || C::from([1.0, 2.0]);
    let said = message(|| drop(jvp(|x: Tensor<_>| x.sin(), (x(),), (C::from([1.0f32, 2.0]),))));
    assert!(
        said.starts_with(
            "jvp: the tangents are f32[2], the arguments f64[2] (in the jvp made at tests/modes.rs"
        ),
        "{said}"
    );
    let (_, df) = linearize(|x: Tensor<_>| x.sin(), (x(),));
    let said = message(|| drop(df((C::scalar(1.0),))));
    assert!(said.starts_with("linearize: the tangents are [f64[]], the arguments [f64[2]]"), "{said}");
    let met = |x: Tensor<Forward<Cpu>>| {
        let c = x.clone();
        let inner = jvp(move |y: Tensor<Forward<Cpu>>| y * c.clone(), (C::scalar(3.0),), (C::scalar(1.0),)).1;
        x * inner.lift()
    };
    let said = message(|| drop(jvp(met, (C::scalar(1.0),), (C::scalar(1.0),))));
    assert!(said.contains("tensors of two jvp calls on the same level met"), "{said}");
}

#[test]
fn custom_rules_say_what_does_not_fit() {
    let x = || C::from([1.0, 2.0]);
    let wrong =
        custom_vjp(|x: Tensor<_>| x.sin(), |x: Tensor<_>| (x.sum(), x), |x: Tensor<_>, _: Tensor<_>| (x,));
    let said = message(|| drop(wrong(x())));
    assert!(
        said.starts_with("custom_vjp: the function returns [f64[2]], its forward rule [f64[]]"),
        "{said}"
    );
    let wrong = custom_vjp(
        |x: Tensor<_>| x.sin(),
        |x: Tensor<_>| (x.sin(), x),
        |x: Tensor<_>, _: Tensor<_>| (x.sum(),),
    );
    let said = message(|| drop(wrong(x())));
    assert!(
        said.starts_with("custom_vjp: the backward rule returns [f64[]], the arguments are [f64[2]]"),
        "{said}"
    );
    // A captured value that is differentiated has no place in the rule.
    let captured = |w: Tensor<Autodiff<Cpu>>| {
        let v = w.clone();
        let f = move |x: Tensor<Traced<_>>| (x * v.lift()).sum();
        let g = w.clone();
        let forward = move |x: Tensor<Traced<_>>| ((&x * g.lift()).sum(), x);
        custom_vjp(f, forward, |x: Tensor<_>, ct: Tensor<_>| (x * ct,))(w)
    };
    let said = message(|| drop(grad(captured)(x())));
    assert!(said.contains("the function captured a value that is differentiated"), "{said}");
}

#[test]
fn loops_say_what_does_not_fit() {
    let said = message(|| {
        drop(scan(|s: Tensor<_>, x: Tensor<_>| (s + x.cast(DType::F64), ()), C::scalar(1), C::arange(3)))
    });
    assert!(said.starts_with("scan: the state goes into the body as i32[] and comes out as f64[]"), "{said}");
    let said = message(|| drop(scan(|s: Tensor<_>, (): ()| (s, ()), C::scalar(1), ())));
    assert!(said.starts_with("scan: nothing says how many steps"), "{said}");
    let body = |s: Tensor<_>, (x, _): (Tensor<_>, Tensor<_>)| (s + x, ());
    let said = message(|| drop(scan(body, C::scalar(0), (C::arange(3), C::arange(4)))));
    assert!(said.starts_with("scan: i32[4] has 4 slices, others 3"), "{said}");
    let said = message(|| drop(while_loop(|x: &Tensor<_>| x.sin(), |x: Tensor<_>| x, C::scalar(1.0))));
    assert!(said.starts_with("while_loop: the condition gives f64[], not bool[]"), "{said}");
    let said = message(|| drop(cond(true, |x: Tensor<_>| x.sum(), |x: Tensor<_>| x, C::arange(2))));
    assert!(said.starts_with("cond: branch 0 gives i32[2] and branch 1 i32[]"), "{said}");
    let said = message(|| {
        drop(scan(|s: Tensor<_>, x: Tensor<_>| (x.item::<i32>() * s, ()), C::scalar(0), C::arange(3)))
    });
    assert!(
        said.starts_with("item: this value has no data: the function it is in is being recorded"),
        "{said}"
    );
    let said = message(|| {
        drop(associative_scan(
            |(a, b): (C, C), (c, d): (C, C)| (a + c, b + d),
            (C::arange(3), C::arange(4)),
            0,
        ))
    });
    assert!(said.starts_with("associative_scan: sizes [3, 4] along axis 0 differ"), "{said}");
}

#[test]
fn the_order_of_a_derivative_may_be_a_number() {
    let x = C::scalar(0.7);
    let f = |x: Tensor<_>| (x.sin() * 0.5).exp();
    let mut graph = trace(f)(x.clone());
    let mut orders = vec![];
    for _ in 0..6 {
        orders.push(graph.call(std::slice::from_ref(&x))[0].item::<f64>());
        graph = graph.grad();
    }
    // f' = g f with g = cos x / 2: f'' = (g' + g²) f, f''' = (g'' + 3 g g' + g³) f.
    let (s, c) = (0.7f64.sin(), 0.7f64.cos());
    let (f, g, g1, g2, g3) = ((0.5 * s).exp(), 0.5 * c, -0.5 * s, -0.5 * c, 0.5 * s);
    let want = [f, g * f, (g1 + g * g) * f, (g2 + 3.0 * g * g1 + g.powi(3)) * f];
    for (got, want) in orders.iter().zip(want) {
        assert!((got - want).abs() < 1e-14, "{orders:?} {want}");
    }
    let fourth = (g3 + 4.0 * g * g2 + 3.0 * g1 * g1 + 6.0 * g * g * g1 + g.powi(4)) * f;
    assert!((orders[4] - fourth).abs() < 1e-13);
}

#[test]
fn a_graph_has_its_products() {
    let w = C::from([[1.0, 2.0], [3.0, 4.0]]);
    let captured = w.clone();
    let f = move |x: Tensor<Traced<Cpu>>, n: Tensor<Traced<Cpu>>| (captured.lift().matmul(&x).sin(), n);
    let (x, n) = (C::from([0.1, 0.2]), C::scalar(3));
    let graph = trace(f)(x.clone(), n.clone());
    assert_eq!((graph.captured(), graph.inputs().len()), (1, 3));
    let (dw, dx) = (w.zeros_like(), C::from([1.0, 0.0]));
    let pushed = graph.jvp();
    assert_eq!((pushed.captured(), pushed.inputs().len(), pushed.outputs().len()), (1, 5, 3));
    let results = pushed.call(&[w.clone(), x.clone(), n.clone(), dw, dx.clone()]);
    let plain = |x: Tensor<Forward<Cpu>>| C::from([[1.0, 2.0], [3.0, 4.0]]).lift().matmul(&x).sin();
    let (y, dy) = jvp(plain, (x.clone(),), (dx,));
    assert_eq!((&results[0], &results[1], &results[2]), (&y, &n, &dy));
    let pulled = graph.vjp();
    assert_eq!((pulled.captured(), pulled.inputs().len(), pulled.outputs().len()), (1, 4, 4));
    let ct = C::from([1.0, 1.0]);
    let results = pulled.call(&[w.clone(), x.clone(), n, ct]);
    let both = |w: Tensor<_>, x: Tensor<_>| w.matmul(&x).sin().sum();
    assert_eq!(results[2], grad(both)(w.clone(), x.clone()));
    assert_eq!(results[3], Grad::new().argnum::<1>().of(both)(w, x.clone()));
    let said = message(|| drop(graph.grad()));
    assert!(said.starts_with("grad: the graph gives"), "{said}");
}

#[test]
fn stop_gradient_stops_both_modes() {
    let f = |x: Tensor<Forward<Cpu>>| x.square() * x.stop_gradient();
    assert_eq!(jvp(f, (C::scalar(3.0),), (C::scalar(1.0),)).1.item::<f64>(), 18.0);
    let f = |x: Tensor<Autodiff<Cpu>>| x.square() * x.stop_gradient();
    assert_eq!(grad(f)(C::scalar(3.0)).item::<f64>(), 18.0);
    let (_, df) = linearize(|x: Tensor<_>| x.square() * x.stop_gradient(), (C::scalar(3.0),));
    assert_eq!(df((C::scalar(1.0),)).item::<f64>(), 18.0);
}
