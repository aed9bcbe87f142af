//! `jit`: what is recorded, how often, and that nothing else changes; its compositions with the other transformations.

mod counting;

use counting::{Counting, counting};
use plywood::prelude::*;
use plywood::{Flops, StepKind};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};

type T = Tensor<Cpu>;

fn selu<B: Backend>(x: Tensor<B>, alpha: f64, lambda: f64) -> Tensor<B> {
    lambda * x.gt(0.0).select(&x, alpha * x.exp() - alpha)
}

fn loss<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
    x.matmul(&w).tanh().square().sum()
}

fn w() -> T {
    T::arange(12).cast(DType::F64).reshape([4, 3]) * 0.1
}

fn x() -> T {
    T::arange(20).cast(DType::F64).reshape([5, 4]) * 0.05
}

#[test]
fn a_function_runs_once_for_a_signature() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    fn f<B: Backend>(x: Tensor<B>, scale: f64) -> Tensor<B> {
        RUNS.fetch_add(1, Ordering::Relaxed);
        x.sin() * scale
    }
    let runs = || RUNS.load(Ordering::Relaxed);
    for i in 0..5 {
        // Wherever it stands: a function without captures is one function.
        let y = jit(f)(T::from([i as f64, 1.0]), 2.0);
        assert_eq!(y, T::from([i as f64, 1.0]).sin() * 2.0);
    }
    assert_eq!(runs(), 1);
    jit(f)(T::from([1.0]), 2.0);
    assert_eq!(runs(), 2, "another shape");
    jit(f)(T::from([1.0f32]), 2.0);
    assert_eq!(runs(), 3, "another dtype");
    jit(f)(T::from([1.0]), 3.0);
    assert_eq!(runs(), 4, "another number in the arguments");
    jit(f)(T::from([7.0]), 2.0);
    assert_eq!(runs(), 4);
}

#[test]
fn recordings_are_counted_and_bounded() {
    let scale = 2.0;
    let f = Jit::new().of(move |x: Tensor<_>| x * scale);
    assert!(f.graph().is_none());
    for n in 1..=100usize {
        for _ in 0..2 {
            f.call((T::ones([n], DType::F32),));
        }
    }
    let stats = f.stats();
    assert_eq!((stats.calls, stats.recordings, stats.kept), (200, 100, 64));
    assert_eq!(f.graph().unwrap().input_types().next().unwrap().shape, [100]);
}

#[test]
fn with_derivatives_and_lanes_in_any_order() {
    let expected = grad(loss)(w(), x());
    let near = |a: &T| (a - &expected).abs().max().item::<f64>() < 1e-14;
    assert!(near(&jit(grad(loss))(w(), x())));
    assert!(near(&grad(|w: Tensor<_>, x: Tensor<_>| jit(loss)(w, x))(w(), x())));
    assert!(near(&jit(|w, x| grad(loss)(w, x))(w(), x())));
    assert!(near(&jit(jit(grad(loss)))(w(), x())));
    let (_, dy) = jvp(jit(loss), (w(), x()), (w(), x().zeros_like()));
    assert!((dy.item::<f64>() - (&expected * w()).sum().item::<f64>()).abs() < 1e-13);

    let each = Vmap::new().in_axes((None, 0)).of(grad(loss))(w(), x());
    let lanes = |a: T| (a - &each).abs().max().item::<f64>() < 1e-14;
    assert!(lanes(jit(Vmap::new().in_axes((None, 0)).of(grad(loss)))(w(), x())));
    assert!(lanes(Vmap::new().in_axes((None, 0)).of(jit(grad(loss)))(w(), x())));
    assert!(lanes(Vmap::new().in_axes((None, 0)).of(grad(|w: Tensor<_>, x: Tensor<_>| jit(loss)(w, x)))(
        w(),
        x()
    )));

    fn rnn<B: Backend>(w: Tensor<B>, xs: Tensor<B>) -> Tensor<B> {
        let step = |h: Tensor<_>, x: Tensor<_>| {
            (jit(|h: Tensor<_>, x: Tensor<_>| (h + x).sin())(h, x.matmul(&w.lift())), ())
        };
        scan(step, xs.get(0).matmul(&w) * 0.0, xs).0.sum()
    }
    let plain = grad(rnn)(w(), x());
    assert!((jit(grad(rnn))(w(), x()) - plain).abs().max().item::<f64>() < 1e-14);
}

#[test]
fn what_reaches_the_device_is_one_call() {
    type C = Tensor<Counting>;
    let (w, x) = (C::ones([4, 3], DType::F64), C::ones([5, 4], DType::F64));
    // Of the layers above nothing is left: a call, and what is inside it.
    let f = jit(Vmap::new().in_axes((None, 0)).of(grad(loss)));
    let (_, first, _) = counting(|| f(w.clone(), x.clone()));
    let (_, again, _) = counting(|| f(w.clone(), x.clone()));
    assert_eq!((first["call"], again["call"]), (1, 1));
    assert_eq!(first, again);
    // What two parts of a function compute is computed once; calls in calls are no calls.
    let twice = |x: Tensor<_>| jit(|x: Tensor<_>| x.exp() + 1.0)(x.clone()) * x.exp();
    let (y, counts, _) = counting(|| jit(twice)(C::from([0.0, 1.0])));
    assert_eq!((counts["call"], counts["exp"]), (1, 1));
    assert_eq!(y.get(0).item::<f64>(), 2.0);
}

#[test]
fn captured_tensors_are_inputs() {
    let big = T::arange(1000).cast(DType::F64);
    let scale = big.clone();
    let f = Jit::new().of(move |x: Tensor<_>| x * scale.lift());
    let y = f.call((T::ones([1000], DType::F64),));
    assert_eq!(y, big);
    let graph = f.graph().unwrap();
    assert_eq!((graph.captured(), graph.inputs().len()), (1, 2));
    // Under a gradient, what it captured is differentiated.
    fn outer<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        jit(move |x: Tensor<_>| (x * w.lift()).sum())(x)
    }
    assert_eq!(grad(outer)(T::from([1.0, 2.0]), T::from([3.0, 4.0])).to_vec::<f64>(), [3.0, 4.0]);
}

#[test]
fn trees_go_in_and_out() {
    let f = |(a, n): (Tensor<_>, usize), b: Vec<Tensor<_>>| {
        (vec![a + n, b[0].clone()], "kept".to_string(), b[1].exp())
    };
    let (list, text, y) = jit(f)((T::from([1.0]), 2usize), vec![T::from([3]), T::from([0.0])]);
    assert_eq!(list[0].to_vec::<f64>(), [3.0]);
    assert_eq!(list[1].to_vec::<i32>(), [3]);
    assert_eq!((text.as_str(), y.item::<f64>()), ("kept", 1.0));
    // A function of nothing, and a result that no argument reaches.
    let five = jit(|x: Tensor<_>| (Tensor::scalar(5.0), x.ones_like()));
    assert_eq!(five(T::from([1.0, 2.0])).0.item::<f64>(), 5.0);
}

#[test]
fn the_axes_in_scope_belong_to_the_signature() {
    fn share<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        jit(|x: Tensor<_>| x * axis_size("i") + axis_index("i"))(x)
    }
    for n in [2usize, 3] {
        let y = Vmap::new().axis_name("i").of(share)(T::zeros([n], DType::F64) + 1.0);
        let expected: Vec<f64> = (0..n).map(|i| (n + i) as f64).collect();
        assert_eq!(y.to_vec::<f64>(), expected);
    }
}

#[test]
fn a_value_cannot_be_read_while_it_is_recorded() {
    let f = jit(|x: Tensor<_>| if x.sum().item::<f64>() > 0.0 { x } else { -x });
    let panic = catch_unwind(AssertUnwindSafe(|| f(T::from([1.0])))).unwrap_err();
    let text = panic.downcast_ref::<String>().unwrap();
    assert!(text.contains("item") && text.contains("recorded"), "{text}");
    // It is as before: nothing was kept of the failed recording.
    assert_eq!(jit(selu)(T::from([0.0, 1.0]), 1.67, 1.05), selu(T::from([0.0, 1.0]), 1.67, 1.05));
}

#[test]
fn threads_share_recordings() {
    static RUNS: AtomicUsize = AtomicUsize::new(0);
    let f = std::sync::Arc::new(jit(|x: Tensor<_>| {
        RUNS.fetch_add(1, Ordering::Relaxed);
        x.cos()
    }));
    f(T::from([0.0]));
    let threads: Vec<_> = (0..4)
        .map(|i| {
            let f = f.clone();
            std::thread::spawn(move || f(T::from([i as f64])).item::<f64>())
        })
        .collect();
    for (i, thread) in threads.into_iter().enumerate() {
        assert_eq!(thread.join().unwrap(), (i as f64).cos());
    }
    assert_eq!(RUNS.load(Ordering::Relaxed), 1);
}

#[test]
fn an_explanation_says_what_is_fused() {
    let f = Jit::new().of(|x: Tensor<_>| selu(x, 1.67, 1.05));
    assert_eq!(f.explain().to_string().lines().next(), Some("no plan: it was not called yet"));
    f.call((T::ones([1000], DType::F64),));
    let plan = f.explain();
    assert_eq!(plan.to_string().lines().next(), Some("1 kernel"), "{plan}");
    let [step] = &plan.steps[..] else { panic!("{plan}") };
    assert_eq!((step.kind, &step.shape[..]), (StepKind::Kernel, &[1000][..]));
    // The two numbers are read, too: scalars.
    assert_eq!((step.read, step.written), (8016, 8000));
    // An exponential, two products and a difference; the comparison and the choice are no arithmetic.
    assert_eq!(step.flops, Flops::Total(4000));
    assert!(step.seconds.is_some_and(|s| s > 0.0));
    let exp = step.operations.iter().find(|op| op.name == "exp").expect("it is fused");
    let text = plan.to_string();
    assert!(
        text.contains(&format!("{}:{}", exp.at.file(), exp.at.line())) && text.contains("8.0 kB"),
        "{text}"
    );
    assert!(exp.at.file().ends_with("jit.rs"));

    let softmax = Jit::new().of(|x: Tensor<_>| x.softmax(-1));
    softmax.call((T::ones([8, 100], DType::F32),));
    assert_eq!(softmax.explain().to_string().lines().next(), Some("1 kernel"), "{}", softmax.explain());

    let layer = Jit::new().of(|x: Tensor<_>, w: Tensor<_>, b: Tensor<_>| (x.matmul(&w) + b).relu());
    layer.call((T::ones([8, 4], DType::F32), T::ones([4, 16], DType::F32), T::ones([16], DType::F32)));
    let plan = layer.explain();
    assert_eq!(plan.to_string().lines().next(), Some("1 kernel"), "{plan}");
    let [step] = &plan.steps[..] else { panic!("{plan}") };
    assert_eq!((step.kind, step.operations[0].name), (StepKind::Contraction, "dot_general"));
    assert!(step.operations.len() > 1);
    // The product and the bias; a ReLU compares and chooses.
    assert_eq!(plan.flops(), Flops::Total(2 * 8 * 4 * 16 + 8 * 16));
    assert_eq!((step.read, step.written), (4 * (8 * 4 + 4 * 16 + 16), 4 * 8 * 16));
}

#[test]
fn an_explanation_goes_into_loops() {
    let f = Jit::new().of(|xs: Tensor<_>| {
        let step = |h: Tensor<_>, x: Tensor<_>| ((h.cumsum(0) * 0.5 + x).sin().exp(), ());
        scan(step, xs.get(0) * 0.0, xs).0
    });
    f.call((T::ones([50, 3], DType::F64),));
    let plan = f.explain();
    let text = plan.to_string();
    assert!(text.lines().next().unwrap().ends_with(", 1 loop"), "{text}");
    let step = plan.steps.iter().find(|s| s.kind == StepKind::Loop).expect("a loop");
    assert_eq!((step.length, step.flops), (Some(50), Flops::Total(50 * 5 * 3)), "{text}");
    let inside = step.inside.as_ref().expect("its body is planned");
    assert_eq!((inside.kernels(), inside.flops()), (2, Flops::Total(5 * 3)), "{text}");
    assert!(text.contains("50 steps"), "{text}");
    // A loop of small steps that are element by element is one kernel, whose rows are the steps.
    let f = Jit::new().of(|xs: Tensor<_>| {
        let step = |h: Tensor<_>, x: Tensor<_>| ((h * 0.5 + x).sin().exp(), ());
        scan(step, Tensor::zeros([3], DType::F64), xs).0
    });
    f.call((T::ones([50, 3], DType::F64),));
    let text = f.explain().to_string();
    assert_eq!(text.lines().next(), Some("1 kernel"), "{text}");
    assert!(text.contains("scan, full, mul, add, sin, exp, 50 steps"), "{text}");
}

#[test]
fn the_peak_is_what_lives_at_a_time() {
    // Four products of 128 bytes each, of which two live at a time.
    let f = Jit::new().of(|x: Tensor<_>| x.matmul(&x).matmul(&x).matmul(&x).matmul(&x));
    f.call((T::ones([4, 4], DType::F64),));
    assert_eq!(f.explain().peak, 256, "{}", f.explain());
    // A view holds what it is a view of.
    let f = Jit::new().of(|x: Tensor<_>| {
        let y = x.matmul(&x);
        (y.transpose([1, 0]).matmul(&x).matmul(&x), y)
    });
    f.call((T::ones([4, 4], DType::F64),));
    assert_eq!(f.explain().peak, 3 * 128, "{}", f.explain());
}

#[test]
fn an_explanation_says_why_it_was_recorded_again() {
    let f = Jit::new().of(|x: Tensor<_>, scale: f64| x.tan() * scale);
    f.call((T::ones([3], DType::F64), 3.5));
    assert_eq!(f.explain().notes.len(), 1);
    f.call((T::ones([4], DType::F64), 3.5));
    f.call((T::ones([4], DType::F64), 4.5));
    f.call((T::ones([4], DType::F64), 4.5));
    let notes = f.explain().notes;
    // The number is an input of the graph: no new plan for it.
    assert_eq!(
        notes,
        ["4 calls, 3 recordings (3 kept), 2 plans", "recorded again: args[1] is 4.5, it was 3.5"]
    );
    // A layer derives the graph; what it gives has a plan, not this one.
    fn outer<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let f = Jit::new().of(|x: Tensor<_>| x.tan().sum());
        let y = f.call((x,));
        let text = f.explain().to_string();
        assert!(text.starts_with("no plan here: Autodiff<Cpu> derives the graph"), "{text}");
        y
    }
    grad(outer)(T::from([1.0, 2.0]));
}

#[test]
fn passes_can_be_looked_at() {
    let f = Jit::new().of(|x: Tensor<_>| (&x * 1.0).exp() + x.exp());
    assert!(f.passes().is_empty());
    f.call((T::ones([3], DType::F64),));
    let passes = f.passes();
    assert_eq!(passes[0].0, "recorded");
    assert_eq!(passes[0].1.equations().len(), 5);
    assert!(passes.iter().any(|(name, _)| *name == "common"));
    assert_eq!(passes.last().unwrap().1.to_string(), f.graph().unwrap().to_string());
}

/// A recording that a layer's first call made serves its later ones, which have other tapes and lanes: numbers belong to none.
#[test]
fn numbers_belong_to_no_tape_and_no_lanes() {
    fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        (0.3 * x.sin() + 1.7).exp() * 2.5
    }
    let x = T::from([0.5, -0.25, 1.5]);
    let expected = f(x.clone());
    let mapped = vmap(|x: Tensor<_>| jit(f)(x));
    let slope = grad(|x: Tensor<_>| jit(f)(x).sum());
    let twice = grad(move |x: Tensor<_>| grad(|x: Tensor<_>| jit(f)(x).sum())(x).sum());
    let of_lanes = vmap(|x: Tensor<_>| grad(|x: Tensor<_>| jit(f)(x))(x));
    let lanes_twice = vmap(|x: Tensor<_>| vmap(|x: Tensor<_>| jit(f)(x))(x));
    let near = |a: &T, b: &T| (a - b).abs().max().item::<f64>() < 1e-12;
    let by_hand = grad(|x: Tensor<_>| f(x).sum())(x.clone());
    let second = grad(|x: Tensor<_>| grad(|x: Tensor<_>| f(x).sum())(x).sum())(x.clone());
    let square = x.reshape([3, 1]).broadcast_to([3, 2]);
    for _ in 0..3 {
        assert!(near(&mapped(x.clone()), &expected));
        assert!(near(&slope(x.clone()), &by_hand) && near(&of_lanes(x.clone()), &by_hand));
        assert!(near(&twice(x.clone()), &second));
        assert!(near(&lanes_twice(square.clone()), &f(square.clone())));
        let (y, dy) = jvp(|x: Tensor<_>| jit(f)(x), (x.clone(),), (x.ones_like(),));
        assert!(near(&y, &expected) && near(&dy, &by_hand));
    }
}
