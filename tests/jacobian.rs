//! Jacobians and Hessians: against closed forms, and both modes against each other.

use plywood::prelude::*;

type T = Tensor<Cpu>;

fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    let rows = x.reshape([2, 2]);
    stack(&[rows.prod(), (x.get(0) * x.get(3)).sin(), x.square().sum()], 0)
}

fn near(a: &T, b: &T) {
    assert_eq!(a.shape(), b.shape());
    assert!((a - b).abs().max().item::<f64>() < 1e-12, "{a} {b}");
}

#[test]
fn both_modes_give_the_jacobian() {
    let x = T::from([1.0, 2.0, 3.0, 0.5]);
    let (forward, reverse) = (jacfwd(f)(x.clone()), jacrev(f)(x.clone()));
    near(&forward, &reverse);
    let p = 3.0f64;
    let c = 0.5f64.cos();
    let expected = [p / 1.0, p / 2.0, p / 3.0, p / 0.5, 0.5 * c, 0.0, 0.0, c, 2.0, 4.0, 6.0, 1.0];
    near(&forward, &T::from_slice(&expected, [3, 4]));
}

#[test]
fn shapes_are_those_of_the_result_then_of_the_argument() {
    let x = T::arange(6).cast(DType::F64).reshape([2, 3]) * 0.1;
    fn g<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        x.t().sin()
    }
    let (forward, reverse) = (jacfwd(g)(x.clone()), jacrev(g)(x.clone()));
    assert_eq!(forward.shape(), &[3, 2, 2, 3]);
    near(&forward, &reverse);
    assert_eq!(forward.get((1, 0, 0, 1)).item::<f64>(), x.get((0, 1)).cos().item::<f64>());
    let scalar = T::scalar(2.0);
    assert_eq!(jacfwd(|x: Tensor<_>| x.square())(scalar.clone()).item::<f64>(), 4.0);
    assert_eq!(jacrev(|x: Tensor<_>| x.square())(scalar.clone()).item::<f64>(), 4.0);
    assert_eq!(hessian(|x: Tensor<_>| x.powi(3))(scalar).item::<f64>(), 12.0);
    // What does not depend on the argument, and what has no elements.
    assert_eq!(jacfwd(|x: Tensor<_>| x.zeros_like())(T::from([1.0, 2.0])).to_vec::<f64>(), [0.0; 4]);
    assert_eq!(jacrev(|x: Tensor<_>| x.zeros_like())(T::from([1.0, 2.0])).to_vec::<f64>(), [0.0; 4]);
    assert_eq!(jacfwd(|x: Tensor<_>| x.exp())(T::zeros([0], DType::F64)).shape(), &[0, 0]);
    assert_eq!(jacrev(|x: Tensor<_>| x.exp())(T::zeros([0], DType::F64)).shape(), &[0, 0]);
}

#[test]
fn hessians() {
    let a = T::from([[2.0, 1.0], [1.0, 4.0]]);
    let quadratic = move |x: Tensor<_>| 0.5 * x.matmul(&a.lift().lift().lift().lift()).matmul(&x);
    near(&hessian(quadratic)(T::from([0.3, -1.0])), &T::from([[2.0, 1.0], [1.0, 4.0]]));
    let h = hessian(f)(T::from([1.0, 2.0, 3.0, 0.5]));
    assert_eq!(h.shape(), &[3, 4, 4]);
    near(&h, &h.transpose([0, 2, 1]));
    assert_eq!(h.get((0, 0, 1)).item::<f64>(), 1.5);
    near(&h.get(2), &(2.0 * T::eye(4, DType::F64)));
}

#[test]
fn under_vmap_and_in_gradients() {
    let x = T::arange(8).cast(DType::F64).reshape([2, 4]) * 0.3 + 0.1;
    let all = vmap(hessian(f))(x.clone());
    for i in 0..2 {
        near(&all.get(i), &hessian(f)(x.get(i)));
    }
    // The gradient of the trace of a Hessian.
    fn laplacian<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        hessian(|x: Tensor<_>| x.powi(4).sum())(x).trace(0)
    }
    near(&grad(laplacian)(T::from([1.0, 2.0])), &T::from([24.0, 48.0]));
}

#[test]
fn a_tree_as_a_vector_and_back() {
    let tree = (T::from([[1.0f32, 2.0]]), vec![T::from([3, 4]), T::scalar(5.0)]);
    let (vector, unravel) = ravel(&tree);
    assert_eq!(vector.dtype(), DType::F64);
    assert_eq!(vector.to_vec::<f64>(), [1.0, 2.0, 3.0, 4.0, 5.0]);
    let back: (T, Vec<T>) = unravel(vector * 2.0);
    assert_eq!(back.0.to_vec::<f32>(), [2.0, 4.0]);
    assert_eq!(back.1[0].to_vec::<i32>(), [6, 8]);
    assert_eq!(back.1[1].item::<f64>(), 10.0);
}
