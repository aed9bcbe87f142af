//! The lazy backend gives the CPU's bits, whatever is read, dropped and held in whatever order; it plans a loop once, and keeps
//! nothing that nobody holds. (Counts and memory are the whole process's, so each test here is alone.)

mod counting;
#[path = "lazy/programs.rs"]
mod programs;
#[path = "lazy/random.rs"]
mod random_programs;
#[path = "lazy/threads.rs"]
mod threads;

use counting::{Counting, counting};
use plywood::FusionStats;
use plywood::prelude::*;
use std::sync::{Mutex, MutexGuard};

type Lazy = Fusion<Cpu>;
type L = Tensor<Lazy>;

/// The right to count.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(|e| e.into_inner())
}

fn stats() -> FusionStats {
    Lazy::stats()
}

fn loss<B: Backend>((w, b): (Tensor<B>, Tensor<B>), x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let hidden = (x.matmul(&w) + &b).tanh();
    (hidden.sum_axes(-1) - y).square().mean()
}

fn problem<B: Backend>() -> ((Tensor<B>, Tensor<B>), Tensor<B>, Tensor<B>) {
    let [k, l] = random::split(&random::key::<B>(3));
    let x = random::normal(&k, [16, 4], DType::F32);
    let y = x.sum_axes(-1).sin();
    ((random::normal(&l, [4, 8], DType::F32), Tensor::zeros([8], DType::F32)), x, y)
}

fn descend<B: Backend>(steps: usize, each: impl Fn(&Tensor<B>, &(Tensor<B>, Tensor<B>))) -> Vec<f32> {
    let (mut params, x, y) = problem::<B>();
    for _ in 0..steps {
        let (l, g) = value_and_grad(loss)(params.clone(), x.clone(), y.clone());
        params = tree_map([params, g], |[p, g]| p - 0.1 * g);
        each(&l, &params);
    }
    [params.0.to_vec::<f32>(), params.1.to_vec::<f32>()].concat()
}

#[test]
fn a_training_loop_is_planned_once() {
    let _alone = alone();
    let eager = descend::<Cpu>(10, |_, _| {});
    // The state, once a step: the first step computes the data, too.
    let before = stats();
    assert_eq!(descend::<Lazy>(10, |l, params| eval(&(l.clone(), params.clone()))), eager);
    let after = stats();
    assert_eq!((after.runs - before.runs, after.plans - before.plans), (10, 2), "{after:?}");
    // The loss alone: a step's update runs with the next step's loss, and the last one when it is read.
    let before = stats();
    assert_eq!(descend::<Lazy>(10, |l, _| assert!(l.item::<f32>().is_finite())), eager);
    let after = stats();
    assert!(after.runs - before.runs <= 12 && after.plans - before.plans <= 4, "{before:?} {after:?}");
    // Again: nothing is planned.
    let before = stats();
    assert_eq!(descend::<Lazy>(10, |l, params| eval(&(l.clone(), params.clone()))), eager);
    assert_eq!(stats().plans, before.plans);
    // Nothing is read: everything is one run for each leaf that is read at last.
    let before = stats();
    assert_eq!(descend::<Lazy>(10, |_, _| {}), eager);
    assert!(stats().runs - before.runs <= 2);
}

#[test]
fn a_loop_that_reads_nothing_is_cut_at_one_line() {
    let _alone = alone();
    let eager = descend::<Cpu>(2000, |_, _| {});
    let before = stats();
    assert_eq!(descend::<Lazy>(2000, |_, params| assert!(stats().pending < 3 * 4096, "{params:?}")), eager);
    let after = stats();
    let (runs, plans) = (after.runs - before.runs, after.plans - before.plans);
    assert!(runs >= 15 && plans <= 6, "{runs} runs, {plans} plans");
}

#[test]
fn eager_loops_with_graphs_are_found_by_structure() {
    let _alone = alone();
    // A scan's body and a jitted function are recorded anew each time.
    let mut x = L::from([0.1f64, 0.2]);
    let mut plans = Vec::new();
    for _ in 0..4 {
        let before = stats().plans;
        x = fori_loop(0, 5, |_, s: Tensor<_>| s.sin() * 2.0, x);
        x = grad(|x: Tensor<_>| {
            cond(x.sum().gt(0.0), |x: Tensor<_>| x.cos(), |x: Tensor<_>| x.exp(), x).sum()
        })(x);
        eval(&x);
        plans.push(stats().plans - before);
    }
    assert_eq!(plans, [1, 0, 0, 0]);
}

#[test]
fn values_are_read_in_the_middle_and_held() {
    let _alone = alone();
    let x = L::from([1.0f64, 2.0, 3.0]);
    let a = &x * 2.0;
    let held = a.clone();
    let b = a.exp() + &x;
    assert_eq!(a.to_vec::<f64>(), [2.0, 4.0, 6.0]);
    let c = &b - &held;
    drop(a);
    let want: Vec<f64> = [1.0f64, 2.0, 3.0].iter().map(|x| (2.0 * x).exp() + x - 2.0 * x).collect();
    assert_eq!(c.to_vec::<f64>(), want);
    // Twice, and each of those before it.
    let runs = stats().runs;
    assert_eq!(c.to_vec::<f64>(), want);
    b.to_vec::<f64>();
    assert_eq!(held.to_vec::<f64>(), [2.0, 4.0, 6.0]);
    assert_eq!(stats().runs, runs, "b was held when c was read");
    let (u, v) = (c.sin(), c.cos());
    eval(&(u.clone(), vec![v.clone()]));
    let runs = stats().runs;
    u.to_vec::<f64>();
    v.to_vec::<f64>();
    assert_eq!(stats().runs, runs);
    assert_eq!(format!("{:?}", u), "Tensor<Fusion<Cpu>> f64[3] on cpu:0");
    assert_eq!(u.to::<Cpu>().to_device(&Device::cpu(0)), u.to_device(&Device::cpu(0)).to::<Cpu>());
}

#[test]
fn what_nobody_holds_is_not_kept() {
    let _alone = alone();
    type F = Tensor<Fusion<Counting>>;
    let x = F::zeros([1000], DType::F64) + 1.0;
    eval(&x);
    let (_, counts, bytes) = counting(|| {
        let (a, unread) = (x.sin(), x.cos());
        drop(unread);
        let b = (0..20).fold(a, |a, _| a.tanh());
        let sum = b.sum();
        drop(b);
        sum.to_array()
    });
    assert_eq!((counts["sin"], counts["tanh"], counts.get("cos")), (1, 20, None));
    assert!(bytes < 3 * 8000, "{bytes} bytes at a time");
    // One output of several, before it is computed and after.
    let x = L::arange(1 << 17).cast(DType::F64);
    eval(&x);
    let bytes = 8 << 17;
    let in_use = Cpu::memory().in_use;
    let sorted = |keep: bool| {
        let mut pair = plywood::sort_together(&[x.clone(), x.sin()], 0, 1);
        let second = keep.then(|| pair.pop());
        pair.truncate(1);
        eval(&pair);
        drop(second);
        (Cpu::memory().in_use - in_use, pair)
    };
    for keep in [false, true] {
        let (more, _first) = sorted(keep);
        assert!(more < bytes * 3 / 2, "{more} bytes are kept for a result of {bytes}");
    }
}

#[test]
fn what_nobody_else_holds_is_overwritten() {
    let _alone = alone();
    let bytes = 8 << 20;
    let taken = |keep: bool| {
        let x = L::arange(1 << 20).cast(DType::F64);
        eval(&x);
        let kept = keep.then(|| x.clone());
        Cpu::reset_memory_peak();
        let before = Cpu::memory().in_use;
        let y = math::exp((x + 1.0) * 2.0);
        eval(&y);
        drop(kept);
        Cpu::memory().peak - before
    };
    let (given, held) = (taken(false), taken(true));
    assert!(given < bytes / 2 && held >= bytes, "{given} and {held} bytes");
}

#[test]
fn a_million_operations_are_normal() {
    let _alone = alone();
    let before = stats();
    let chain = |n: usize| (0..n).fold(L::from([0.5f64, 2.0]), |x, _| -x);
    assert_eq!(chain(1_000_000).to_vec::<f64>(), [0.5, 2.0]);
    // At most so many are put off, and they are planned once: the first ones, those before each bound, and the last.
    assert!(stats().plans - before.plans <= 3);
    drop(chain(1_000_000));
    // Many that share what is before them count once.
    let runs = stats().runs;
    let x = (0..1000).fold(L::from([1.0f64]), |x, _| &x + &x);
    assert_eq!(stats().runs, runs, "a thousand operations are not 2^1000");
    assert!(x.item::<f64>().is_finite());
    drop(x);
    // What is dropped without being read.
    let all: Vec<L> = (0..300).map(|i| chain(i * 10)).collect();
    drop(all);
    assert_eq!(stats().pending, before.pending);
    assert_eq!(stats().values, before.values);
}

#[test]
fn nothing_leaks() {
    let _alone = alone();
    let run = || {
        descend::<Lazy>(5, |l, params| eval(&(l.clone(), params.clone())));
        descend::<Lazy>(3, |_, _| {});
        let x = L::from(vec![1.0f32; 5000]);
        let ys: Vec<L> = (0..50).map(|i| (&x * i).sin()).collect();
        ys[7].to_vec::<f32>();
        drop(x);
        ys[8].sum().item::<f32>();
    };
    // Graphs that are kept hold small constants.
    run();
    let (before, bytes) = (stats(), Cpu::memory().in_use);
    (0..20).for_each(|_| run());
    let after = stats();
    assert_eq!((after.pending, after.values, after.kept), (before.pending, before.values, before.kept));
    assert!(Cpu::memory().in_use <= bytes + 4096, "{} bytes, {bytes} before", Cpu::memory().in_use);
}

#[test]
fn layers_stand_on_it() {
    let _alone = alone();
    fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        (x.sin() * &x).exp().sum()
    }
    fn all<B: Backend>() -> Vec<Vec<f64>> {
        let x = Tensor::<B>::from([0.3, 0.7, -1.1]);
        let rows = Tensor::<B>::from([[0.1, 0.2], [0.3, 0.4]]);
        let (y, linear) = linearize(f, (x.clone(),));
        vec![
            grad(f)(x.clone()).to_vec(),
            grad(|x: Tensor<_>| grad(f)(x).square().sum())(x.clone()).to_vec(),
            vmap(grad(f))(rows.clone()).to_vec(),
            grad(|x: Tensor<_>| vmap(f)(x).sum())(rows.clone()).to_vec(),
            jit(f)(x.clone()).to_vec(),
            jit(grad(f))(x.clone()).to_vec(),
            vmap(jit(f))(rows.clone()).to_vec(),
            hessian(f)(x.clone()).to_vec(),
            jvp(f, (x.clone(),), (x.ones_like(),)).1.to_vec(),
            y.to_vec(),
            linear((x.ones_like(),)).to_vec(),
            checkpoint(f)(x.clone()).to_vec(),
            grad(checkpoint(f))(x).to_vec(),
        ]
    }
    assert_eq!(all::<Lazy>(), all::<Cpu>());
    // Lazy over lazy is lazy.
    assert_eq!(all::<Fusion<Lazy>>(), all::<Cpu>());
}

#[test]
fn a_captured_value_is_lifted() {
    let _alone = alone();
    let w = L::from([2.0, 3.0]).exp();
    let c = w.clone();
    let g = grad(move |x: Tensor<_>| (x * c.lift()).sum())(L::from([1.0, 1.0]));
    assert_eq!(g, w);
    // A value of the CPU in the lazy backend.
    let x = Tensor::<Cpu>::from([1.0, 2.0]);
    assert_eq!((x.lift::<Lazy>() * 2.0).to::<Cpu>(), x * 2.0);
}
