//! What JAX's answers do not cover in the NumPy-like functions: derivatives that JAX loses, empty tensors, many classes.

use plywood::prelude::*;

type C = Tensor<Cpu>;

#[test]
fn what_is_selected_by_reading_data_has_derivatives() {
    let x = C::from([3.0, 1.0, 3.0, -2.0]);
    let weights = C::from([1.0, 10.0, 100.0]);
    let w = weights.clone();
    let g = grad(move |x: Tensor<_>| (x.unique() * w.lift()).sum())(x.clone());
    assert_eq!(g.to_vec::<f64>(), [100.0, 10.0, 0.0, 1.0]);
    let g = grad(|x: Tensor<_>| x.get(&x.gt(0)).square().sum())(x.clone());
    assert_eq!(g.to_vec::<f64>(), [6.0, 2.0, 6.0, 0.0]);
    let other = C::from([1.0, 7.0]);
    let g = grad(move |x: Tensor<_>| x.setdiff1d(&other.lift()).sum())(x.clone());
    assert_eq!(g.to_vec::<f64>(), [1.0, 0.0, 0.0, 1.0]);
}

#[test]
fn derivatives_of_second_order() {
    let zero = C::scalar(0.0);
    let third = -std::f64::consts::PI * std::f64::consts::PI / 3.0;
    let sinc = grad(|x: Tensor<_>| grad(|y: Tensor<_>| y.sinc())(x))(zero);
    assert!((sinc.item::<f64>() - third).abs() < 1e-14);
    // The Hessian of the variance is (2 / n)(1 - 1 / n) on the diagonal, -2 / n² beside it.
    let x = C::from([1.0, 4.0]);
    let h = grad(|x: Tensor<_>| grad(|y: Tensor<_>| y.var())(x).get(0))(x);
    assert_eq!(h.to_vec::<f64>(), [0.5, -0.5]);
}

#[test]
fn empty_tensors() {
    let none = C::zeros([0, 3], DType::F32);
    let no_places = C::from(Vec::<i32>::new());
    let shapes = [
        (none.tile([2, 2]), vec![0, 6]),
        (none.repeat(3, 0), vec![0, 3]),
        (none.roll(1, 0), vec![0, 3]),
        (none.tril(0), vec![0, 3]),
        (none.diagonal(0), vec![0]),
        (none.t().diagonal(-1), vec![0]),
        (C::zeros([0], DType::F32).diag(2), vec![2, 2]),
        (none.take(&no_places, 0), vec![0, 3]),
        (none.get(&no_places), vec![0, 3]),
        (none.get(&C::zeros([0, 3], DType::Bool)), vec![0]),
        (none.at(&no_places).add(1), vec![0, 3]),
        (none.take_along_axis(&C::zeros([0, 2], DType::I32), 1), vec![0, 2]),
        (none.unique(), vec![0]),
        (none.argwhere(), vec![0, 2]),
        (none.gt(0).flatnonzero(), vec![0]),
        (no_places.bincount(), vec![0]),
        (no_places.bincount_to(2), vec![2]),
        (none.segment_sum(&no_places, 2), vec![2, 3]),
        (none.isin(&none), vec![0, 3]),
        (none.histogram((2, (0.0, 1.0))).0, vec![2]),
        (none.pad_mode([(0, 0), (1, 0)], PadMode::Edge), vec![0, 4]),
        (none.var_axes(0), vec![3]),
    ];
    for (i, (x, want)) in shapes.into_iter().enumerate() {
        assert_eq!(*x.shape(), want, "case {i}");
        x.to_array();
    }
    assert!(none.array_equal(&none).item::<bool>());
    assert!(none.var().item::<f32>().is_nan());
}

#[test]
fn classes_are_counted_beyond_the_indices_dtype() {
    let x = C::from([1u8, 255]);
    let hot = x.one_hot(300, DType::I32);
    assert_eq!(hot.sum().item::<i32>(), 2);
    assert_eq!(hot.argmax(1).to_vec::<i32>(), [1, 255]);
}
