//! Control flow against the same thing in Rust: values, gradients, tangents, second order, nested.

use plywood::prelude::*;

type C = Tensor<Cpu>;

fn close(a: &C, b: &C) {
    assert_eq!(a.ty(), b.ty());
    let (x, y) = (a.to_vec::<f64>(), b.to_vec::<f64>());
    let near = x.iter().zip(&y).all(|(x, y)| (x - y).abs() <= 1e-12 * (1.0 + y.abs()));
    assert!(near, "{a}\nis not\n{b}");
}

/// The same results and derivatives of both, along every mode.
fn same(
    f: fn(Tensor<Autodiff<Cpu>>) -> Tensor<Autodiff<Cpu>>,
    g: fn(Tensor<Autodiff<Cpu>>) -> Tensor<Autodiff<Cpu>>,
    x: &C,
) {
    let ((y, back), (want, want_back)) = (vjp(f, (x.clone(),)), vjp(g, (x.clone(),)));
    close(&y, &want);
    let ct = (C::arange(y.len()).cast(DType::F64) + 1.0).reshape(y.shape());
    close(&back(ct.clone()).0, &want_back(ct).0);
}

macro_rules! modes {
    ($name:ident, $f:ident, $g:ident, $x:expr) => {
        #[test]
        fn $name() {
            let x: C = $x;
            same($f, $g, &x);
            let v = (C::arange(x.len()).cast(DType::F64) * 0.5 - 1.0).reshape(x.shape());
            let (f, g) = (jvp($f, (x.clone(),), (v.clone(),)), jvp($g, (x.clone(),), (v.clone(),)));
            close(&f.0, &g.0);
            close(&f.1, &g.1);
            // Forward over reverse, reverse over reverse.
            close(
                &hvp(|x: Tensor<_>| $f(x).sum(), x.clone(), v.clone()),
                &hvp(|x: Tensor<_>| $g(x).sum(), x.clone(), v.clone()),
            );
            let twice = |x: Tensor<Autodiff<Cpu>>| grad(|x: Tensor<_>| $f(x).sum())(x).square().sum();
            let want = |x: Tensor<Autodiff<Cpu>>| grad(|x: Tensor<_>| $g(x).sum())(x).square().sum();
            close(&grad(twice)(x.clone()), &grad(want)(x.clone()));
            // Recorded once, applied: forward mode over partial evaluation.
            let (y, df) = linearize($f, (x.clone(),));
            close(&y, &f.0);
            close(&df((v,)), &f.1);
        }
    };
}

/// A recurrence with a captured matrix, a state that is a tree, and results.
fn rnn<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let w = &x.get((0..3, ..)) * 0.5;
    let init = (x.get(0), Tensor::scalar(0.0));
    let ((h, n), ys) = scan(
        |(h, n): (Tensor<_>, Tensor<_>), v: Tensor<_>| {
            let h = (h.matmul(&w.lift()) + v).tanh();
            ((h.clone(), n + h.sum()), h.square())
        },
        init,
        x.clone(),
    );
    (ys.sum_axes(1) * n).sum() + h.prod()
}

fn rnn_unrolled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let w = &x.get((0..3, ..)) * 0.5;
    let (mut h, mut n) = (x.get(0), Tensor::scalar(0.0));
    let mut ys = vec![];
    for i in 0..5 {
        h = (h.matmul(&w) + x.get(i)).tanh();
        n += h.sum();
        ys.push(h.square());
    }
    (stack(&ys, 0).sum_axes(1) * n).sum() + h.prod()
}

fn matrix() -> C {
    (C::arange(15).cast(DType::F64) * 0.37).sin().reshape([5, 3])
}

modes!(a_scan_is_its_unrolled_loop, rnn, rnn_unrolled, matrix());

fn backwards<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let run = Scan::new().reverse().unroll(2).of(|s: Tensor<_>, v: Tensor<_>| {
        let s = (&s * 0.5 + v).sin();
        (s.clone(), s.exp())
    });
    let (s, ys) = run(x.get(0), x);
    ys.sum_axes(0) * s
}

fn backwards_unrolled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let mut s = x.get(0);
    let mut sum = s.zeros_like();
    for i in (0..5).rev() {
        s = (&s * 0.5 + x.get(i)).sin();
        sum += s.exp();
    }
    sum * s
}

modes!(a_reversed_and_unrolled_scan, backwards, backwards_unrolled, matrix());

/// A scan in a scan.
fn nested<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    scan(
        |s: Tensor<_>, row: Tensor<_>| {
            let (t, _) = scan(|t: Tensor<_>, v: Tensor<_>| ((t * v).sin(), ()), s.clone(), row);
            (s + &t, t)
        },
        Tensor::scalar(0.5),
        x,
    )
    .1
}

fn nested_unrolled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let mut s = Tensor::scalar(0.5);
    let mut ys = vec![];
    for i in 0..5 {
        let mut t = s.clone();
        for j in 0..3 {
            t = (t * x.get((i, j))).sin();
        }
        s += &t;
        ys.push(t);
    }
    stack(&ys, 0)
}

modes!(a_scan_in_a_scan, nested, nested_unrolled, matrix());

fn bounded<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let run = WhileLoop::new().max_steps(1000).of(
        |(i, _): &(Tensor<_>, Tensor<_>)| i.lt(37),
        |(i, s): (Tensor<_>, Tensor<_>)| (i + 1, (s * 1.01).sin() + 0.1),
    );
    run((Tensor::scalar(0), x)).1
}

fn bounded_unrolled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    (0..37).fold(x, |s, _| (s * 1.01).sin() + 0.1)
}

modes!(a_bounded_while_has_every_mode, bounded, bounded_unrolled, matrix());

#[test]
fn a_bounded_while_ends_at_its_bound() {
    for bound in [0, 1, 15, 16, 17, 100, 256, 300] {
        let run = WhileLoop::new().max_steps(bound).of(|x: &Tensor<_>| x.ge(0), |x: Tensor<_>| x + 1);
        assert_eq!(run(C::scalar(0)).item::<i32>(), bound as i32);
    }
}

fn chosen<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let scale = x.sum();
    let up = cond(
        x.get((0, 1)).gt(0.0),
        |(x, s): (Tensor<_>, Tensor<_>)| x.exp() * s + scale.lift(),
        |(x, s): (Tensor<_>, Tensor<_>)| x.sin() - s,
        (x.clone(), x.get((1, 1))),
    );
    switch(2, (|x: Tensor<_>| x.cos(), |x: Tensor<_>| x.clone(), |x: Tensor<_>| x.powi(3)), up)
}

fn chosen_unrolled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    (x.exp() * x.get((1, 1)) + x.sum()).powi(3)
}

modes!(a_branch_is_what_was_chosen, chosen, chosen_unrolled, matrix());

fn checkpointed<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let block = Checkpoint::new().policy(plywood::op::Policy::Dots).of(|x: Tensor<Traced<B>>| {
        let y = x.matmul(&x.t()).sin();
        checkpoint_name(&y, "y").exp() * x.sum()
    });
    block(checkpoint(|x: Tensor<Traced<B>>| x.sin() * 2.0)(x))
}

fn plain<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let x = x.sin() * 2.0;
    x.matmul(&x.t()).sin().exp() * x.sum()
}

modes!(a_checkpoint_changes_nothing, checkpointed, plain, matrix());

/// Numbers count, a branch in each step, and what the body captured.
fn counted<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let w = x.get((0, ..)).exp();
    let body = |i: Tensor<_>, s: Tensor<_>| {
        let even = i.remainder(2).eq(0);
        cond(even, |s: Tensor<_>| (s * w.lift().lift()).sin(), |s: Tensor<_>| s.square() - 0.5, s)
    };
    fori_loop(2, 7, body, x.clone())
}

fn counted_unrolled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let w = x.get((0, ..)).exp();
    (2..7).fold(x, |s, i| if i % 2 == 0 { (s * &w).sin() } else { s.square() - 0.5 })
}

modes!(a_branch_in_a_counted_loop, counted, counted_unrolled, matrix());

/// A scan in a bounded loop, in a checkpoint, of which a branch is taken.
fn deep<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    fn rows<B: Backend>(s: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        let (s, ys) = scan(|s: Tensor<_>, x: Tensor<_>| ((&s * x).cos(), s.square()), s, x);
        s + ys.sum() * 0.1
    }
    fn looped<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let run = WhileLoop::new().max_steps(20).of(
            |(i, _, _): &(Tensor<_>, Tensor<_>, Tensor<_>)| i.lt(3),
            |(i, s, x): (Tensor<_>, Tensor<_>, Tensor<_>)| (i + 1, rows(s, x.clone()), x * 0.9),
        );
        run((Tensor::scalar(0), x.get(0), x)).1
    }
    cond(true, |x: Tensor<_>| checkpoint(looped)(x), |x: Tensor<_>| x.get(0), x)
}

fn deep_unrolled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let (mut s, mut x) = (x.get(0), x);
    for _ in 0..3 {
        let mut sum = Tensor::scalar(0.0);
        for i in 0..5 {
            sum += s.square().sum();
            s = (s * x.get(i)).cos();
        }
        (s, x) = (s + sum * 0.1, x * 0.9);
    }
    s
}

modes!(a_scan_in_a_loop_in_a_checkpoint_in_a_branch, deep, deep_unrolled, matrix());

fn prefixes<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let f = |(a, b): (Tensor<B>, Tensor<B>), (c, d): (Tensor<B>, Tensor<B>)| (&a * &c, b * c + d);
    let (a, b) = associative_scan(f, (x.clone(), x.sin()), 0);
    a * b
}

fn prefixes_unrolled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let (mut a, mut b) = (x.get(0), x.get(0).sin());
    let mut all = vec![&a * &b];
    for i in 1..5 {
        let (c, d) = (x.get(i), x.get(i).sin());
        (a, b) = (&a * &c, b * c + d);
        all.push(&a * &b);
    }
    stack(&all, 0)
}

modes!(a_linear_recurrence_by_its_prefixes, prefixes, prefixes_unrolled, matrix());

/// Custom rules inside a loop.
fn ruled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let body = |s: Tensor<_>, x: Tensor<_>| {
        let backward = |x: Tensor<_>, ct: Tensor<_>| (ct * x.cos(),);
        let s = custom_vjp(|x: Tensor<_>| x.sin(), |x: Tensor<_>| (x.sin(), x), backward)(s + x);
        let rule = |(x,): (Tensor<_>,), (dx,): (Tensor<_>,)| (x.exp(), dx * x.exp());
        (s.clone(), custom_jvp(|x: Tensor<_>| x.exp(), rule)(s))
    };
    scan(body, x.get(0), x).1
}

fn ruled_unrolled<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let mut s = x.get(0);
    let mut all = vec![];
    for i in 0..5 {
        s = (s + x.get(i)).sin();
        all.push(s.exp());
    }
    stack(&all, 0)
}

modes!(custom_rules_in_a_loop, ruled, ruled_unrolled, matrix());

#[test]
fn a_while_has_forward_mode() {
    let f = |x: Tensor<Forward<Cpu>>| while_loop(|x: &Tensor<_>| x.lt(100.0), |x: Tensor<_>| x.square(), x);
    let (y, dy) = jvp(f, (C::scalar(2.0),), (C::scalar(1.0),));
    assert_eq!((y.item::<f64>(), dy.item::<f64>()), (256.0, 8.0 * 128.0));
}

#[test]
#[should_panic(expected = "WhileLoop::new().max_steps(n)")]
fn a_while_of_unknown_length_has_no_reverse_mode() {
    grad(|x: Tensor<_>| while_loop(|x: &Tensor<_>| x.lt(100.0), |x: Tensor<_>| x.square(), x))(C::scalar(
        2.0,
    ));
}

#[test]
fn custom_rules_hold_in_both_modes() {
    fn reverse<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let backward = |x: Tensor<_>, ct: Tensor<_>| (10.0 * ct * x.cos(),);
        custom_vjp(|x: Tensor<_>| x.sin(), |x: Tensor<_>| (x.sin(), x), backward)(x)
    }
    fn forward<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let rule = |(x,): (Tensor<_>,), (dx,): (Tensor<_>,)| (x.sin(), 10.0 * dx * x.cos());
        custom_jvp(|x: Tensor<_>| x.sin(), rule)(x)
    }
    let x = C::from([0.3, 1.2]);
    let (d, dd) = (10.0 * x.cos(), -10.0 * x.sin());
    let ones = x.ones_like();
    close(&grad(|x: Tensor<_>| reverse(x).sum())(x.clone()), &d);
    close(&grad(|x: Tensor<_>| forward(x).sum())(x.clone()), &d);
    close(&jvp(reverse, (x.clone(),), (ones.clone(),)).1, &d);
    close(&jvp(forward, (x.clone(),), (ones.clone(),)).1, &d);
    close(&hvp(|x: Tensor<_>| reverse(x).sum(), x.clone(), ones.clone()), &dd);
    close(&hvp(|x: Tensor<_>| forward(x).sum(), x.clone(), ones), &dd);
}

#[test]
fn an_associative_scan_is_all_prefixes() {
    for n in 0..20 {
        let x = C::arange(n).cast(DType::F64) + 1.0;
        let y = associative_scan(|a: Tensor<_>, b: Tensor<_>| a + b, x.clone(), 0);
        let want: Vec<f64> = (1..=n).map(|i| (i * (i + 1) / 2) as f64).collect();
        assert_eq!(y.to_vec::<f64>(), want);
    }
}

fn message(f: impl FnOnce()) -> String {
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(f)).expect_err("it panics");
    panic.downcast_ref::<String>().expect("a message").clone()
}

#[test]
fn a_mistake_names_what_was_called_and_where_it_was_made() {
    let x = || C::from([1.0, 2.0]);
    let narrow = |x: Tensor<_>| x.cast(DType::F32);
    let state = "the state goes into the body as f64[2] and comes out as f32[2]; cast or reshape it there";
    assert_eq!(
        message(|| drop(fori_loop(0, 3, |_, x: Tensor<_>| narrow(x), x()))),
        format!("fori_loop: {state}")
    );

    let run = Scan::new().length(3).of(|x: Tensor<_>, (): ()| (narrow(x), ()));
    let said = message(|| drop(run(x(), ())));
    assert!(said.starts_with(&format!("scan: {state} (in the scan made at tests/control.rs:")), "{said}");
    let run = Scan::new().of(|x: Tensor<_>, (): ()| (x, ()));
    let said = message(|| drop(run(x(), ())));
    assert!(
        said.contains("how many steps") && said.contains("(in the scan made at tests/control.rs:"),
        "{said}"
    );

    let run = WhileLoop::new().max_steps(3).of(|x: &Tensor<_>| x.sum().lt(9.0), narrow);
    let said = message(|| drop(run(x())));
    assert!(
        said.starts_with(&format!("while_loop: {state} (in the while_loop made at tests/control.rs:")),
        "{said}"
    );

    let said = message(|| drop(hvp(|x: Tensor<_>| x.sum(), x(), C::scalar(1.0))));
    assert!(said.starts_with("hvp: the tangents are f64[], the arguments f64[2]"), "{said}");
}

#[test]
fn a_loop_made_with_options_stands_on_the_line_where_it_was_made() {
    let line = line!() + 1;
    let f = |x: Tensor<_>| Scan::new().length(3).of(|x: Tensor<_>, (): ()| (x.sin(), ()))(x, ()).0;
    let graph = trace(f)(C::scalar(1.0));
    let at = graph.equations().last().expect("the loop").at;
    assert_eq!((at.file(), at.line()), ("tests/control.rs", line));
}
