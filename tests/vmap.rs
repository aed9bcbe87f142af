//! `vmap`: axes, names, sizes, chunks, mistakes; and its compositions with the other transformations.

mod counting;

use counting::{Counting, counting};
use plywood::prelude::*;

type T = Tensor<Cpu>;

fn predict<B: Backend>((w, b): (Tensor<B>, Tensor<B>), x: Tensor<B>) -> Tensor<B> {
    (x.matmul(&w) + b).tanh()
}

fn matrix() -> T {
    T::arange(6).cast(DType::F64).reshape([2, 3]) * 0.3 - 0.5
}

#[test]
fn one_product_for_a_batch_with_shared_weights() {
    let w = Tensor::<Counting>::arange(12).cast(DType::F64).reshape([4, 3]);
    let b = Tensor::<Counting>::arange(3).cast(DType::F64);
    let x = Tensor::<Counting>::arange(40).cast(DType::F64).reshape([10, 4]);
    let f = Vmap::new().in_axes((None, 0)).of(predict);
    let (y, counts, _) = counting(|| f((w, b), x));
    assert_eq!(y.shape(), &[10, 3]);
    assert_eq!(counts.get("dot_general"), Some(&1));
    assert_eq!(counts.get("tanh"), Some(&1));
}

#[test]
fn a_shared_matrix_by_each_vector_comes_out_in_order() {
    let w = Tensor::<Counting>::arange(12).cast(DType::F64).reshape([3, 4]);
    let x = Tensor::<Counting>::arange(40).cast(DType::F64).reshape([10, 4]);
    let f = Vmap::new().in_axes((None, 0)).of(|w: Tensor<_>, x: Tensor<_>| w.matmul(&x));
    let (y, counts, _) = counting(|| f(w.clone(), x.clone()));
    assert_eq!(y, x.matmul(&w.t()));
    assert_eq!(counts.get("dot_general"), Some(&1));
    assert_eq!(counts.get("transpose"), None);
}

#[test]
fn axes_by_argument_part_and_path() {
    let x = matrix();
    let f = |x: Tensor<_>| x.sum();
    assert_eq!(vmap(f)(x.clone()), x.sum_axes([1]));
    assert_eq!(Vmap::new().in_axes(1).of(f)(x.clone()), x.sum_axes([0]));
    assert_eq!(Vmap::new().in_axes(-1).of(f)(x.clone()), x.sum_axes([0]));
    assert_eq!(Vmap::new().in_axes((-1,)).out_axes(-1).of(|x: Tensor<_>| x * 2.0)(x.clone()), &x * 2.0);
    let pair = |(a, b): (Tensor<_>, Tensor<_>)| (&a + &b, b);
    let (sum, b) = Vmap::new().in_axes(((0, None),)).out_axes((0, None)).of(pair)((x.clone(), x.get(0)));
    assert_eq!(sum, &x + x.get(0));
    assert_eq!(b, x.get(0));
    let by_path = Vmap::new().in_axis("args[0][1]", None).out_axis("result[1]", None);
    let (sum, b) = by_path.of(pair)((x.clone(), x.get(0)));
    assert_eq!(sum, &x + x.get(0));
    assert_eq!(b, x.get(0));
}

#[test]
fn chunks_give_what_the_whole_gives() {
    let x = T::arange(84).cast(DType::F64).reshape([7, 3, 4]) * 0.1 - 4.0;
    let f = |x: Tensor<_>| (x.square(), x.gt(0), x.sum());
    let whole = vmap(f)(x.clone());
    for lanes in [1, 2, 3, 6, 7, 100] {
        let chunks = Vmap::new().chunk(lanes).of(f)(x.clone());
        assert_eq!((&chunks.0, &chunks.2), (&whole.0, &whole.2), "{lanes} at a time");
        assert_eq!(chunks.1.to_vec::<bool>(), whole.1.to_vec::<bool>(), "{lanes} at a time");
        // Along other axes.
        let turned = Vmap::new().in_axes(2).out_axes((-1, 0, 0)).chunk(lanes).of(f)(x.moveaxis(0, -1));
        assert_eq!((turned.0, &turned.2), (whole.0.moveaxis(0, -1), &whole.2), "{lanes} at a time");
        assert_eq!(turned.1.to_vec::<bool>(), whole.1.to_vec::<bool>(), "{lanes} at a time");
    }
}

#[test]
fn compositions() {
    let (w, b) = (T::arange(12).cast(DType::F64).reshape([4, 3]) * 0.1, T::arange(3).cast(DType::F64) * 0.1);
    let x = T::arange(40).cast(DType::F64).reshape([10, 4]) * 0.05;
    fn loss<B: Backend>(p: (Tensor<B>, Tensor<B>), x: Tensor<B>) -> Tensor<B> {
        predict(p, x).square().sum()
    }
    let each = Vmap::new().in_axes((None, 0)).of(grad(loss))((w.clone(), b.clone()), x.clone());
    for i in 0..10 {
        let (dw, db) = grad(loss)((w.clone(), b.clone()), x.get(i));
        assert!((each.0.get(i) - dw).abs().max().item::<f64>() < 1e-14);
        assert!((each.1.get(i) - db).abs().max().item::<f64>() < 1e-14);
    }
    fn total<B: Backend>(p: (Tensor<B>, Tensor<B>), x: Tensor<B>) -> Tensor<B> {
        Vmap::new().in_axes((None, 0)).of(loss)(p, x).sum()
    }
    let whole = grad(total)((w.clone(), b.clone()), x.clone());
    assert!((each.0.sum_axes([0]) - whole.0).abs().max().item::<f64>() < 1e-13);
    let (y, dy) = jvp(vmap(|x: Tensor<_>| x.sin()), (x.clone(),), (x.clone(),));
    assert_eq!(y, x.sin());
    assert_eq!(dy, &x * x.cos());
    let twice = vmap(vmap(|x: Tensor<_>| x.square()));
    assert_eq!(twice(x.clone()), x.square());
    fn rnn<B: Backend>(w: Tensor<B>, xs: Tensor<B>) -> Tensor<B> {
        let step = |h: Tensor<_>, x: Tensor<_>| ((h.matmul(&w.lift()) + x).tanh(), ());
        scan(step, xs.get(0) * 0.0, xs).0.sum()
    }
    let w = T::arange(9).cast(DType::F64).reshape([3, 3]) * 0.1;
    let xs = T::arange(60).cast(DType::F64).reshape([4, 5, 3]) * 0.02;
    let each = Vmap::new().in_axes((None, 0)).of(grad(rnn))(w.clone(), xs.clone());
    for i in 0..4 {
        let one = grad(rnn)(w.clone(), xs.get(i));
        assert!((each.get(i) - one).abs().max().item::<f64>() < 1e-13);
    }
}

/// How often each operation is executed does not depend on the number of lanes, and what all lanes share is computed once.
#[test]
fn the_number_of_operations_does_not_depend_on_the_lanes() {
    type C = Tensor<Counting>;
    fn f<B: Backend>(w: Tensor<B>, image: Tensor<B>, i: Tensor<B>) -> Tensor<B> {
        let w = w.exp();
        let convolved = nn::conv(&image, &w.reshape([4, 2, 3, 3]), [1, 1], nn::Padding::Valid);
        let row = w.reshape([12, 6]).get((&i, ..)).matmul(&w.reshape([6, 12]));
        let sorted = row.sort(-1);
        let (sum, _) = scan(|s: Tensor<_>, x: Tensor<_>| (s * 0.5 + x, ()), sorted.get(0) * 0.0, sorted);
        sum + convolved.cumsum(-1).sum()
    }
    let run = |lanes: usize| {
        let w = C::arange(72).cast(DType::F64).reshape([72]) * 0.01;
        let images = C::arange(lanes * 2 * 25).cast(DType::F64).reshape([lanes as isize, 1, 2, 5, 5]) * 0.01;
        let f = Vmap::new().in_axes((None, 0, 0)).of(grad(f));
        let (y, counts, _) = counting(|| f(w, images, C::arange(lanes) % 12));
        assert_eq!(y.shape(), &[lanes, 72]);
        counts
    };
    let (few, many) = (run(2), run(9));
    assert_eq!(few, many);
    assert_eq!(few["exp"], 1, "{few:?}");
}

#[test]
fn what_lanes_share_stays_as_it_is() {
    type C = Tensor<Counting>;
    let (w, x) = (C::ones([1000], DType::F64), C::arange(3).cast(DType::F64));
    // In bytes: exp(w) is there once; only sums have lanes.
    let f = |w: Tensor<_>, x: Tensor<_>| w.exp().sin().sum() * x;
    let (_, _, peak) = counting(|| Vmap::new().in_axes((None, 0)).of(f)(w, x));
    assert!(peak < 2 * 8100, "{peak}");
}

#[test]
fn a_scan_stays_one_and_its_products_are_shared() {
    type C = Tensor<Counting>;
    fn rnn<B: Backend>(w: Tensor<B>, xs: Tensor<B>) -> Tensor<B> {
        scan(|h: Tensor<_>, x: Tensor<_>| ((h.matmul(&w.lift()) + x).tanh(), ()), xs.get(0) * 0.0, xs).0
    }
    let (w, xs) = (C::ones([3, 3], DType::F64), C::ones([7, 5, 3], DType::F64));
    let (y, counts, _) = counting(|| Vmap::new().in_axes((None, 0)).of(rnn)(w, xs));
    assert_eq!(y.shape(), &[7, 3]);
    assert_eq!((counts["scan"], counts["dot_general"]), (1, 5));
}

#[test]
fn chunks_give_the_same_and_bound_the_memory() {
    fn norm<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        let g = grad(|w: Tensor<_>, x: Tensor<_>| x.matmul(&w).sin().sum())(w, x);
        (&g * &g).sum()
    }
    let w = T::arange(12).cast(DType::F64).reshape([4, 3]) * 0.1;
    let x = T::arange(40).cast(DType::F64).reshape([10, 4]) * 0.05;
    let whole = Vmap::new().in_axes((None, 0)).of(norm)(w.clone(), x.clone());
    for chunk in [1, 3, 5, 9, 10, 64] {
        let f = Vmap::new().in_axes((None, 0)).chunk(chunk).of(norm);
        assert!((f(w.clone(), x.clone()) - &whole).abs().max().item::<f64>() < 1e-14, "{chunk}");
        let wide =
            Vmap::new().in_axes((None, 1)).out_axes(-1).chunk(chunk).of(|w: Tensor<_>, x: Tensor<_>| x * w);
        let scaled = wide(T::scalar(2.0), x.t());
        assert_eq!(scaled, x.t() * 2.0, "{chunk}");
    }
    let none = Vmap::new().chunk(4).of(|x: Tensor<_>| x.sum());
    assert_eq!(none(T::zeros([0, 3], DType::F64)).shape(), &[0]);

    type C = Tensor<Counting>;
    let peak = |chunk: usize| {
        let (w, x) = (C::ones([64, 64], DType::F64), C::ones([40, 64], DType::F64));
        counting(|| Vmap::new().in_axes((None, 0)).chunk(chunk).of(norm)(w, x)).2
    };
    assert!(peak(4) * 8 < peak(40), "{} {}", peak(4), peak(40));
}

#[test]
fn custom_rules_and_checkpoints_go_through() {
    // The identity, whose cotangent is doubled.
    fn doubled<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        let forward = |w: Tensor<_>, x: Tensor<_>| (&w * &x, (w, x));
        let backward = |(w, x): (Tensor<_>, Tensor<_>), ct: Tensor<_>| (2.0 * &x * &ct, 2.0 * w * ct);
        custom_vjp(|w: Tensor<_>, x: Tensor<_>| w * x, forward, backward)(w, x)
    }
    fn total<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        Vmap::new().in_axes((None, 0)).of(doubled)(w, x).sum()
    }
    let (w, x) = (T::scalar(3.0), T::from([1.0, 10.0, 100.0]));
    assert_eq!(grad(total)(w.clone(), x.clone()).item::<f64>(), 222.0, "summed over the lanes");
    assert_eq!(Grad::new().argnum::<1>().of(total)(w.clone(), x.clone()).to_vec::<f64>(), [6.0; 3]);
    let each = Vmap::new().in_axes((None, 0)).of(grad(doubled))(w.clone(), x.clone());
    assert_eq!(each.to_vec::<f64>(), [2.0, 20.0, 200.0]);
    let (_, dy) = jvp(total, (w.clone(), x.clone()), (T::scalar(1.0), x.zeros_like()));
    assert_eq!(dy.item::<f64>(), 222.0);

    fn steep<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        let rule = |(x,): (Tensor<_>,), (dx,): (Tensor<_>,)| (x.square(), 7.0 * dx);
        custom_jvp(|x: Tensor<_>| x.square(), rule)(x)
    }
    assert_eq!(vmap(grad(steep))(x.clone()).to_vec::<f64>(), [7.0; 3]);
    let (y, dy) = jvp(vmap(steep), (x.clone(),), (x.clone(),));
    assert_eq!((y, dy), (x.square(), 7.0 * &x));
    assert_eq!(grad(|x: Tensor<_>| vmap(steep)(x).sum())(x.clone()).to_vec::<f64>(), [7.0; 3]);

    fn inside<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        checkpoint(|x: Tensor<_>| x.sin().exp())(x)
    }
    assert_eq!(vmap(grad(inside))(x.clone()), x.cos() * x.sin().exp());
    assert_eq!(grad(|x: Tensor<_>| vmap(inside)(x).sum())(x.clone()), vmap(grad(inside))(x));
}

#[test]
fn branches_that_lanes_choose() {
    fn root<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        cond(x.gt(0.0), |x: Tensor<_>| x.sqrt(), |x: Tensor<_>| x * 0.0, x)
    }
    let x = T::from([4.0, 0.0, -9.0, 16.0]);
    assert_eq!(vmap(root)(x.clone()).to_vec::<f64>(), [2.0, 0.0, -0.0, 4.0]);
    // The slope of the root at 0 is infinite, and at -9 there is none: neither lane takes it.
    assert_eq!(vmap(grad(root))(x.clone()).to_vec::<f64>(), [0.25, 0.0, 0.0, 0.125]);
    assert_eq!(grad(|x: Tensor<_>| vmap(root)(x).sum())(x.clone()).to_vec::<f64>(), [0.25, 0.0, 0.0, 0.125]);

    // With shared operands, in branches of which some take long.
    fn power<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        // Ends for positive numbers alone.
        let long = |(w, x): (Tensor<_>, Tensor<_>)| {
            let roots = while_loop(
                |x: &Tensor<_>| x.gt(1.5).logical_or(&x.lt(0.0)),
                |x: Tensor<_>| x.abs().sqrt() * x.sign(),
                x,
            );
            w * roots
        };
        cond(x.gt(0.0), long, |(w, x): (Tensor<_>, Tensor<_>)| w + x, (w, x))
    }
    let w = T::scalar(3.0);
    let f = Vmap::new().in_axes((None, 0)).of(power);
    let y = f(w.clone(), x.clone()).to_vec::<f64>();
    let roots = |mut x: f64| {
        while x > 1.5 {
            x = x.sqrt()
        }
        x
    };
    let expected = [3.0 * roots(4.0), 3.0, -6.0, 3.0 * roots(16.0)];
    assert!(y.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-15), "{y:?} {expected:?}");
    // No lane takes the loop: it does not run, where it would never end.
    assert_eq!(f(w, T::from([-1.0, -2.0])).to_vec::<f64>(), [2.0, 1.0]);

    // A product in a branch is one product with the shared matrix.
    type C = Tensor<Counting>;
    fn layer<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
        let yes = |(w, x): (Tensor<_>, Tensor<_>)| x.matmul(&w);
        cond(x.sum().gt(0.0), yes, |(_, x): (Tensor<_>, Tensor<_>)| x, (w, x))
    }
    let (w, x) = (C::ones([3, 3], DType::F64), C::arange(12).cast(DType::F64).reshape([4, 3]) - 3.0);
    let (y, counts, _) = counting(|| Vmap::new().in_axes((None, 0)).of(layer)(w, x));
    assert_eq!(counts["dot_general"], 1);
    assert_eq!(y.get(0).to_vec::<f64>(), [-3.0, -2.0, -1.0]);
    assert_eq!(y.get(3).to_vec::<f64>(), [21.0; 3]);

    let by_number = |i: Tensor<_>, x: Tensor<_>| {
        switch(i, (|x: Tensor<_>| x, |x: Tensor<_>| x * 10.0, |x: Tensor<_>| -x), x)
    };
    let y = vmap(by_number)(T::from([0, 1, 2, 9, -4]), T::from([1.0, 2.0, 3.0, 4.0, 5.0]));
    assert_eq!(y.to_vec::<f64>(), [1.0, 20.0, -3.0, -4.0, 5.0]);
}

#[test]
fn loops_that_lanes_end_when_they_do() {
    fn steps<B: Backend>(x: Tensor<B>) -> (Tensor<B>, Tensor<B>) {
        let zero = Tensor::<B>::scalar(0);
        while_loop(|(x, _): &(Tensor<_>, Tensor<_>)| x.gt(1.0), |(x, n)| (x * 0.5, n + 1), (x, zero))
    }
    let (x, n) = vmap(steps)(T::from([0.5, 8.0, 3.0, 1.0]));
    assert_eq!(x.to_vec::<f64>(), [0.5, 1.0, 0.75, 1.0]);
    assert_eq!(n.to_vec::<i32>(), [0, 3, 2, 0]);
    let slope = |x: Tensor<_>| jvp(|x: Tensor<_>| steps(x).0, (x,), (Tensor::scalar(1.0),)).1;
    assert_eq!(vmap(slope)(T::from([0.5, 8.0, 3.0, 1.0])).to_vec::<f64>(), [1.0, 0.125, 0.25, 1.0]);

    // With a bound there is reverse mode.
    fn bounded<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        WhileLoop::new().max_steps(40).of(|x: &Tensor<_>| x.gt(1.0), |x: Tensor<_>| x * 0.5)(x)
    }
    assert_eq!(vmap(grad(bounded))(T::from([0.5, 8.0, 3.0, 1.0])).to_vec::<f64>(), [1.0, 0.125, 0.25, 1.0]);
}

#[test]
fn random_numbers_of_keys_are_each_keys_own() {
    let keys = random::split_n(&random::key::<Cpu>(3), 4);
    let draw = |key: Tensor<_>| {
        let [a, b] = random::split(&key);
        (
            random::normal(&a, [3, 2], DType::F32),
            random::permutation(&b, 5),
            random::bits(&key, [2], DType::U32),
        )
    };
    let (normal, permutation, bits) = vmap(draw)(keys.clone());
    for i in 0..4 {
        let key = keys.get(i);
        let [a, b] = random::split(&key);
        assert_eq!(normal.get(i), random::normal(&a, [3, 2], DType::F32));
        assert_eq!(permutation.get(i), random::permutation(&b, 5));
        assert_eq!(bits.get(i), random::bits(&key, [2], DType::U32));
    }
    // One key for all lanes gives each the same.
    let shared = |x: Tensor<_>, key: Tensor<_>| x + random::uniform(&key, [2], DType::F32);
    let y = Vmap::new().in_axes((0, None)).of(shared)(T::zeros([3, 2], DType::F32), keys.get(0));
    assert_eq!(y.get(0), y.get(2));
}

#[test]
fn slices_of_a_loop_by_map() {
    let x = T::arange(14).cast(DType::F64).reshape([7, 2]);
    let f = |x: Tensor<_>| (x.sum() * 2.0, x.t());
    let (sums, same) = map(f, x.clone());
    assert_eq!(sums, x.sum_axes([1]) * 2.0);
    assert_eq!(same, x);
    for batch in [1, 2, 3, 7, 20] {
        let (sums, same) = Map::new().batch_size(batch).of(|x: Tensor<_>| (x.sum() * 2.0, x))(x.clone());
        assert_eq!(sums, x.sum_axes([1]) * 2.0, "{batch}");
        assert_eq!(same, x);
    }
    fn total<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        Map::new().batch_size(3).of(|x: Tensor<_>| x.square().sum())(x).sum()
    }
    assert_eq!(grad(total)(x.clone()), &x * 2.0);
}

#[test]
fn in_threads_and_on_a_backend_chosen_at_run_time() {
    let f = std::sync::Arc::new(vmap(|x: Tensor<_>| x.square().sum()));
    let x = matrix();
    let expected = x.square().sum_axes([1]);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let (f, x) = (f.clone(), x.clone());
            std::thread::spawn(move || f(x))
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().unwrap(), expected);
    }
    Dyn::set_default("cpu").unwrap();
    let x = Tensor::<Dyn>::from([[1.0, 2.0], [3.0, 4.0]]);
    let y = vmap(grad(|x: Tensor<_>| (x * Tensor::from([2.0, 3.0])).sum()))(x);
    assert_eq!(y.to_vec::<f64>(), [2.0, 3.0, 2.0, 3.0]);
}
