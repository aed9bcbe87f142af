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
