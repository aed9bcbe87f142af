//! What a jitted function does when it is called again: nothing is recorded, planned or compiled, and no memory is taken from the
//! system. The counts are the process's, so the tests take turns.

use plywood::prelude::*;
use plywood_backend_cpu::kernel::cache::compiled;
use std::sync::{Mutex, MutexGuard};

type T = Tensor<Cpu>;

fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(|e| e.into_inner())
}

type Layers<B> = Vec<(Tensor<B>, Tensor<B>)>;

fn loss<B: Backend>(layers: Layers<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
    let last = layers.len() - 1;
    let logits = layers.iter().enumerate().fold(x, |x, (i, (w, b))| {
        let z = x.matmul(w) + b;
        if i < last { z.relu() } else { z }
    });
    -(y * logits.log_softmax(-1)).sum_axes(-1).mean()
}

fn step<B: Backend>(layers: Layers<B>, x: Tensor<B>, y: Tensor<B>, rate: f64) -> Layers<B> {
    let gradients = grad(loss)(layers.clone(), x, y);
    let update = |(p, g): (Tensor<B>, Tensor<B>)| p - rate * g;
    (layers.into_iter().zip(gradients)).map(|((w, b), (dw, db))| (update((w, dw)), update((b, db)))).collect()
}

fn network() -> (Layers<Cpu>, T, T) {
    let key = random::key::<Cpu>(0);
    let layers = [40, 64, 64, 10]
        .windows(2)
        .map(|n| (random::normal(&key, [n[0], n[1]], DType::F32) * 0.1, Tensor::zeros([n[1]], DType::F32)));
    let x = random::normal(&key, [32, 40], DType::F32);
    let y = (T::arange(32).cast(DType::I32) % 10).one_hot(10, DType::F32);
    (layers.collect(), x, y)
}

#[test]
fn a_new_number_plans_and_compiles_nothing() {
    let _turn = turn();
    let x = random::normal(&random::key::<Cpu>(1), [100], DType::F32);
    let update = |rate: f64| {
        let step = Jit::new().of(move |x: Tensor<_>| &x - rate * x.sin() * (1.0 - rate.powi(3)));
        let y = step.call((x.clone(),));
        assert_eq!(y, &x - rate * x.sin() * (1.0 - rate.powi(3)));
        step.stats().plans
    };
    assert_eq!(update(0.3), 1);
    let before = compiled();
    for rate in [0.7, 0.123, 1e-3] {
        assert_eq!((update(rate), compiled()), (0, before), "{rate}");
    }
    // As an argument it records again, and finds the plan; in the body of a loop it is the same.
    let (layers, x, y) = network();
    let train = Jit::new().of(step);
    train.call((layers.clone(), x.clone(), y.clone(), 0.3));
    let (before, plans) = (compiled(), train.stats().plans);
    for rate in [0.2, 0.15] {
        train.call((layers.clone(), x.clone(), y.clone(), rate));
    }
    let stats = train.stats();
    assert_eq!((stats.plans, compiled()), (plans, before));
    let rows = T::arange(12).cast(DType::F32).reshape([4, 3]);
    let decayed = |rate: f64| {
        let sum = move |k: Tensor<_>, x: Tensor<_>| {
            let k = k * rate + x;
            (k.clone(), k)
        };
        let all = Jit::new().of(move |x: Tensor<_>| scan(sum, Tensor::zeros([3], DType::F32), x).0);
        all.call((rows.clone(),));
        all.stats().plans
    };
    assert_eq!((decayed(0.9), decayed(0.8), decayed(0.7)), (1, 0, 0));
}

#[test]
fn a_number_that_a_simplification_uses_is_part_of_the_plan() {
    let _turn = turn();
    let x = T::from([0.5f32, -0.25, 3.0]);
    let f = |factor: f64| {
        let f = Jit::new().of(move |x: Tensor<_>| x * factor);
        assert_eq!(f.call((x.clone(),)), &x * factor);
        f.graph().expect("it was called").equations().len()
    };
    assert_eq!((f(1.0), f(3.0)), (0, 2));
}

#[test]
fn a_second_call_takes_nothing_from_the_system() {
    let _turn = turn();
    let (mut layers, x, y) = network();
    let train = Jit::new().of(step);
    let mut call = || {
        let given = std::mem::take(&mut layers);
        layers = train.call((given, x.clone(), y.clone(), 0.1));
    };
    for _ in 0..3 {
        call();
    }
    // A function without captures has one cache, which other tests use, too.
    let counts = || {
        let (stats, memory) = (train.stats(), Cpu::memory());
        (stats.recordings, stats.plans, compiled(), memory.misses, memory.in_use)
    };
    let before = counts();
    for _ in 0..20 {
        call();
    }
    assert_eq!(counts(), before);
}

/// A short branch or loop in a jitted function runs by a plan, once it has run a few times: its operations are one kernel.
#[test]
fn short_bodies_get_plans() {
    let _turn = turn();
    let x = T::from([0.5f32, -0.25, 3.0]);
    let branch = Jit::new().of(|x: Tensor<_>| {
        let (yes, no) = (|x: Tensor<_>| (x.sinh() * 0.37).exp2() - 0.11, |x: Tensor<_>| x);
        cond(x.sum().gt(0.0), yes, no, x)
    });
    let expected = (x.sinh() * 0.37).exp2() - 0.11;
    assert_eq!(branch.call((x.clone(),)), expected);
    let before = compiled();
    for _ in 0..40 {
        assert_eq!(branch.call((x.clone(),)), expected);
    }
    assert_eq!(compiled(), before + 1);
}

#[test]
fn what_is_moved_in_is_overwritten() {
    let _turn = turn();
    let update = Jit::new().of(|x: Tensor<_>, g: Tensor<_>| x * 0.9 - g.exp());
    let (mut x, g) = (T::zeros([1 << 16], DType::F32) + 1.0, T::zeros([1 << 16], DType::F32) + 0.5);
    let expected = &x * 0.9 - g.exp();
    for _ in 0..2 {
        x = update.call((x, g.clone()));
    }
    assert_eq!(x, &expected * 0.9 - g.exp());
    Cpu::reset_memory_peak();
    let before = Cpu::memory().in_use;
    for _ in 0..3 {
        x = update.call((x, g.clone()));
    }
    assert!(Cpu::memory().peak - before <= 64 << 10, "the result is where the argument was");
}

#[test]
fn fused_is_what_eager_is() {
    let _turn = turn();
    let (layers, x, y) = network();
    let eager = step(layers.clone(), x.clone(), y.clone(), 0.1);
    for _ in 0..2 {
        let jitted = jit(step)(layers.clone(), x.clone(), y.clone(), 0.1);
        for ((w, b), (v, c)) in jitted.iter().zip(&eager) {
            assert!((w - v).abs().max().item::<f32>() < 1e-6 && (b - c).abs().max().item::<f32>() < 1e-6);
        }
    }
    let x = random::normal(&random::key::<Cpu>(1), [33, 100], DType::F32);
    assert_eq!(jit(|x: Tensor<_>| x.softmax(-1))(x.clone()), x.softmax(-1));
    assert_eq!(jit(|x: Tensor<_>| x.softmax(0))(x.clone()), x.softmax(0));
    let half = x.cast(DType::BF16);
    assert_eq!(jit(|x: Tensor<_>| x.gelu())(half.clone()), half.gelu());
}

#[test]
fn updates_of_many_shapes_run_as_one() {
    let _turn = turn();
    let key = random::key::<Cpu>(2);
    // Large ones, which threads share, small ones, and an empty one.
    let shapes: [&[usize]; 5] = [&[700, 300], &[300], &[300, 500], &[0, 3], &[33, 1000]];
    let tensors = |seed: u32| -> Vec<T> {
        let key = random::fold_in(&key, seed);
        shapes.iter().map(|&shape| random::normal(&key, shape, DType::F32)).collect()
    };
    fn update<B: Backend>(p: Vec<Tensor<B>>, m: Vec<Tensor<B>>, g: Vec<Tensor<B>>) -> Vec<[Tensor<B>; 2]> {
        let one = |((p, m), g): ((Tensor<B>, Tensor<B>), Tensor<B>)| {
            let m = 0.9 * m + 0.1 * g.square();
            [p - 1e-2 * g / (m.sqrt() + 1e-8), m]
        };
        p.into_iter().zip(m).zip(g).map(one).collect()
    }
    let (p, m, g) = (tensors(0), tensors(1).iter().map(Tensor::abs).collect::<Vec<_>>(), tensors(2));
    let eager = update(p.clone(), m.clone(), g.clone());
    for _ in 0..2 {
        assert_eq!(jit(update)(p.clone(), m.clone(), g.clone()), eager);
    }
}

#[test]
fn products_go_on_tile_by_tile() {
    let _turn = turn();
    let key = random::key::<Cpu>(3);
    let normal = |n: u32, shape: &[usize]| random::normal(&random::fold_in(&key, n), shape, DType::F32);
    // Several blocks of the inner axis, tasks for threads, columns that fill no vector.
    let (x, w, b) = (normal(0, &[300, 700]), normal(1, &[700, 501]), normal(2, &[501]));
    let layer = |x: Tensor<_>, w: Tensor<_>, b: Tensor<_>| (x.matmul(&w) + b).relu();
    let jitted = Jit::new().of(layer);
    for _ in 0..2 {
        assert_eq!(jitted.call((x.clone(), w.clone(), b.clone())), (x.matmul(&w) + &b).relu());
    }
    assert!(jitted.explain().to_string().starts_with("1 kernel\n"), "{}", jitted.explain());
    // A parameter that is moved in is updated in place, a residual is read turned, and a mask is made of the sums.
    let (y, r) = (normal(3, &[300, 501]), normal(4, &[501, 700]));
    fn update<B: Backend>(w: Tensor<B>, x: Tensor<B>, y: Tensor<B>, r: Tensor<B>) -> (Tensor<B>, Tensor<B>) {
        let g = x.t().matmul(&y);
        (w - 0.3 * &g + r.t(), g.gt(0.0))
    }
    let eager = update(w.clone(), x.clone(), y.clone(), r.clone());
    for _ in 0..2 {
        let own = &w + 0.0;
        assert_eq!(jit(update)(own, x.clone(), y.clone(), r.clone()), eager);
    }
    let double = |x: &T| x.cast(DType::F64);
    let eager = layer_of(double(&x), double(&w), double(&b));
    assert_eq!(jit(layer_of)(double(&x), double(&w), double(&b)), eager);
}

/// softmax(x yᵀ / 8 + mask) z, whose scores are read once more: a chain, and what outlives it.
fn attention<B: Backend>(x: Tensor<B>, y: Tensor<B>, z: Tensor<B>, mask: Tensor<B>) -> Tensor<B> {
    ((x.matmul(&y.swapaxes(-1, -2)) * 0.125) + mask).softmax(-1).matmul(&z)
}

#[test]
fn attention_is_one_step_with_the_bits_of_many() {
    let _turn = turn();
    let key = random::key::<Cpu>(5);
    let normal = |n: u32, shape: &[usize], dtype| random::normal(&random::fold_in(&key, n), shape, dtype);
    type T4<B> = (Tensor<B>, Tensor<B>, Tensor<B>, Tensor<B>);
    fn back<B: Backend>((x, y, z, mask): T4<B>, ct: Tensor<B>) -> (Tensor<B>, T4<B>) {
        let (out, pull) = vjp(attention, (x, y, z, mask));
        (out, pull(ct))
    }
    // Batches that threads share evenly and not, rows and columns that fill no vector, one row, a deep inner axis.
    let sizes = [
        [2, 3, 33, 40, 16],
        [4, 4, 64, 32, 64],
        [8, 1, 37, 100, 300],
        [1, 7, 1, 1100, 24],
        [5, 1, 300, 8, 9],
    ];
    for (i, [b, h, rows, columns, inner]) in sizes.into_iter().enumerate() {
        let dtype = if i % 2 == 0 { DType::F32 } else { DType::F64 };
        let (x, y) = (normal(0, &[b, h, rows, inner], dtype), normal(1, &[b, h, columns, inner], dtype));
        // Heads that lie across, a mask that is one for all heads.
        let z = normal(2, &[b, columns, h, inner], dtype).transpose([0, 2, 1, 3]);
        let mask = normal(3, &[b, 1, rows, columns], dtype);
        let ct = normal(4, &[b, h, rows, inner], dtype);
        let eager = attention(x.clone(), y.clone(), z.clone(), mask.clone());
        let jitted = Jit::new().of(attention);
        for _ in 0..2 {
            assert_eq!(jitted.call((x.clone(), y.clone(), z.clone(), mask.clone())), eager);
        }
        let explained = jitted.explain().to_string();
        assert!(explained.starts_with("1 kernel\n") && explained.contains("dot_general x2"), "{explained}");
        let all = (x, y, z, mask);
        let eager = back(all.clone(), ct.clone());
        let jitted = Jit::new().of(back);
        for _ in 0..2 {
            let found = jitted.call((all.clone(), ct.clone()));
            let differ = |x: &T, y: &T| (x - y).abs().max().cast(DType::F64).item::<f64>();
            let bound = if dtype == DType::F32 { 1e-4 } else { 1e-12 };
            for (x, y) in tree_leaves(&found).iter().zip(&tree_leaves(&eager)) {
                assert!(differ(x, y) < bound, "{b} {h} {rows} {columns} {inner}: {}", differ(x, y));
            }
        }
        // On one thread, on more than there are batches, and where the steps are done one after another: the same bits.
        let two = jitted.call((all.clone(), ct.clone()));
        assert_eq!(two.0, eager.0);
        for threads in [1, 3, 16] {
            let other = Cpu::with_threads(threads, || jitted.call((all.clone(), ct.clone())));
            assert_eq!(tree_leaves(&other), tree_leaves(&two), "{threads} threads");
        }
        // What comes of the scores is a number of each row alone, or both.
        let (x, y, _, mask) = all;
        fn of_rows<B: Backend>(x: Tensor<B>, y: Tensor<B>, mask: Tensor<B>) -> (Tensor<B>, Tensor<B>) {
            let scores = x.matmul(&y.swapaxes(-1, -2)) + mask;
            (scores.sum_axes(-1), scores.exp())
        }
        let eager = of_rows(x.clone(), y.clone(), mask.clone());
        assert_eq!(jit(of_rows)(x.clone(), y.clone(), mask.clone()), eager);
        let sums = jit(|x: Tensor<_>, y: Tensor<_>, mask: Tensor<_>| of_rows(x, y, mask).0);
        assert_eq!(sums(x, y, mask), eager.0);
    }
}

fn layer_of<B: Backend>(x: Tensor<B>, w: Tensor<B>, b: Tensor<B>) -> Tensor<B> {
    (x.matmul(&w) + b).tanh()
}

#[test]
fn a_large_tensor_is_reduced_where_it_is_computed() {
    let _turn = turn();
    let key = random::key::<Cpu>(4);
    let normal = |n: u32, shape: &[usize]| random::normal(&random::fold_in(&key, n), shape, DType::F32);
    fn error<B: Backend>(x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
        (0.7 * (x - y).square()).mean().sqrt()
    }
    for shape in [&[300, 1000][..], &[2049], &[4096], &[3, 5, 7, 100]] {
        let (x, y) = (normal(0, shape), normal(1, shape));
        let jitted = Jit::new().of(error);
        assert_eq!(jitted.call((x.clone(), y.clone())), error(x, y), "{shape:?}");
    }
    let (x, y) = (normal(0, &[300, 1000]), normal(1, &[1000, 300]));
    // Elements and several results of one domain; an operand that lies otherwise, and one that is repeated.
    fn both<B: Backend>(x: Tensor<B>, y: Tensor<B>) -> (Tensor<B>, Tensor<B>, Tensor<B>, Tensor<B>) {
        let z = (&x - y.t()).exp() * y.get(..1).reshape([300, 1]);
        (z.max(), z.clone(), z.min(), z.sum() * 0.5)
    }
    assert_eq!(jit(both)(x.clone(), y.clone()), both(x.clone(), y.clone()));
    let whole = |x: &T| (x * 100.0).cast(DType::I32);
    let count = |x: Tensor<_>| (x & 7).eq(3).cast(DType::I32).sum();
    assert_eq!(jit(count)(whole(&x)), (whole(&x) & 7).eq(3).cast(DType::I32).sum());
}
