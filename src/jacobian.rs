//! Jacobians and Hessians: derivatives along all directions at once, which are the lanes of `vmap`.
//!
//! The function runs once, on a derivative's layer over [`Batched`]: its argument is the same for all lanes, so what it
//! computes is too; only tangents, or cotangents, differ, one unit vector a lane.

use plywood_autodiff::{Autodiff, Forward, jvp, vjp};
use plywood_batching::{Batched, Frame};
use plywood_core::at::{self, At};
use plywood_core::shape::Axes;
use plywood_core::tree::{leaves, rebuild};
use plywood_core::{Backend, DType, Dyn, Layer, Number, Op, Shape, Tensor, TensorType, Tree, Value, Values};
use std::panic::Location;
use std::sync::Arc;

/// A function of one tensor.
pub type OfTensor<B> = Box<dyn Fn(Tensor<B>) -> Tensor<B> + Send + Sync>;

/// The function that computes the Jacobian of `f`, of one tensor, by forward mode: `[y.., x..]`, the derivative of each
/// element of `y = f(x)` by each of `x`. It costs a product with a tangent for each element of `x`, all at once; where `y` is
/// the smaller of the two, [`jacrev`] costs less.
///
/// Panics where `x` or `f(x)` is not of floats. For trees: [`ravel`].
///
/// ```
/// use plywood::prelude::*;
/// let j = jacfwd(|x: Tensor<_>| x.square())(Tensor::<Cpu>::from([1.0, 2.0]));
/// assert_eq!(j.to_vec::<f64>(), [2.0, 0.0, 0.0, 4.0]);
/// ```
#[track_caller]
pub fn jacfwd<B: Backend, F>(f: F) -> OfTensor<B>
where
    F: Fn(Tensor<Forward<Batched<B>>>) -> Tensor<Forward<Batched<B>>> + Send + Sync + 'static,
{
    let made = Location::caller();
    Box::new(move |x| {
        let x = x.into_value();
        only_floats("jacfwd", "argument", &x, made);
        Dyn::scoped::<B, _>(Some(x.engine()), || {
            let lanes = Frame::new(x.ty().elements(), None);
            let basis = Tensor::of(lanes.enter::<B>(at::within(made, || basis(&x))));
            let primal = Tensor::of(Batched::<B>::lift(x.clone()));
            let (_, dy) = lanes.run::<B, _>(|| jvp(&f, (primal,), (basis,)));
            only_floats("jacfwd", "result", dy.value(), made);
            let rank = dy.rank();
            let columns = all_lanes(&lanes, dy);
            // [x, y..] becomes [y.., x..].
            let order: Axes = (1..=rank).chain([0]).collect();
            let shape = joined(&columns.shape()[1..], x.shape());
            Tensor::of(at::within(made, || columns.permute(order).reshape_to(shape)))
        })
    })
}

/// The function that computes the Jacobian of `f`, of one tensor, by reverse mode: `[y.., x..]`, as [`jacfwd`]. It costs a
/// product with a cotangent for each element of `y`, all at once.
///
/// ```
/// use plywood::prelude::*;
/// let j = jacrev(|x: Tensor<_>| x.sum())(Tensor::<Cpu>::from([1.0, 2.0]));
/// assert_eq!(j.to_vec::<f64>(), [1.0, 1.0]);
/// ```
#[track_caller]
pub fn jacrev<B: Backend, F>(f: F) -> OfTensor<B>
where
    F: Fn(Tensor<Autodiff<Batched<B>>>) -> Tensor<Autodiff<Batched<B>>> + Send + Sync + 'static,
{
    let made = Location::caller();
    Box::new(move |x| {
        let x = x.into_value();
        only_floats("jacrev", "argument", &x, made);
        Dyn::scoped::<B, _>(Some(x.engine()), || {
            let primal = Tensor::of(Batched::<B>::lift(x.clone()));
            let (y, pullback) = vjp(&f, (primal,));
            only_floats("jacrev", "result", y.value(), made);
            let y = y.into_value();
            let shape = joined(y.shape(), x.shape());
            if y.rank() == 0 {
                let (dx,) = pullback(Tensor::of(y.full_like(Number::Int(1))));
                return Tensor::of(Frame::new(1, None).leave(dx.into_value()).0);
            }
            let ty = y.ty().clone();
            let lanes = Frame::new(ty.elements(), None);
            let basis = at::within(made, || basis_of(&x, &ty));
            let (dx,) = lanes.run::<B, _>(|| pullback(Tensor::of(lanes.enter::<B>(basis))));
            Tensor::of(at::within(made, || all_lanes(&lanes, dx).reshape_to(shape)))
        })
    })
}

/// The function that computes the Hessian of `f`, of one tensor: `[y.., x.., x..]`, the second derivatives of `y = f(x)`;
/// of a scalar function `[x.., x..]`. Forward over reverse mode. Its product with a vector alone: [`hvp`](crate::hvp).
///
/// ```
/// use plywood::prelude::*;
/// let h = hessian(|x: Tensor<_>| x.powi(3).sum())(Tensor::<Cpu>::from([1.0, 2.0]));
/// assert_eq!(h.to_vec::<f64>(), [6.0, 0.0, 0.0, 12.0]);
/// ```
#[track_caller]
pub fn hessian<B: Backend, F>(f: F) -> OfTensor<B>
where
    F: Fn(Tensor<Autodiff<Batched<Forward<Batched<B>>>>>) -> Tensor<Autodiff<Batched<Forward<Batched<B>>>>>
        + Send
        + Sync
        + 'static,
{
    jacfwd(jacrev(f))
}

fn only_floats(name: &str, what: &str, x: &Value, made: At) {
    assert!(
        x.dtype().is_float(),
        "{name}: the {what} is {}; derivatives are of floats: cast it (in the {name} made at {made})",
        x.ty()
    );
}

fn joined(y: &[usize], x: &[usize]) -> Shape {
    y.iter().chain(x).copied().collect()
}

/// The unit vectors of a value's type: `[elements, shape..]`.
fn basis(x: &Value) -> Value {
    basis_of(x, x.ty())
}

/// The unit vectors of a type, on the engine of an example.
fn basis_of(like: &Value, ty: &TensorType) -> Value {
    let n = ty.elements();
    let square = TensorType::new([n, n], DType::I32);
    let (row, column) = (like.iota(square.clone(), 0), like.iota(square, 1));
    let same = row.compare(plywood_core::op::Compare::Eq, plywood_core::Term::Value(column));
    same.cast(ty.dtype).reshape_to(joined(&[n], &ty.shape))
}

/// The values of all lanes.
fn all_lanes<B: Backend>(lanes: &Arc<Frame>, y: Tensor<Batched<B>>) -> Value {
    let (value, batched) = lanes.leave(y.into_value());
    lanes.close();
    if batched {
        return value;
    }
    let shape = value.shape().insert(0, lanes.size());
    let axes = (1..shape.rank()).collect();
    value.broadcast_in(shape, axes)
}

/// A tree's tensors as one vector, and the function that makes the tree of such a vector, on any one backend: what makes
/// [`jacfwd`], [`jacrev`] and [`hessian`] serve functions of trees.
///
/// The vector has the promoted dtype of all; the tree gets its own back. Panics where the vector has another length.
///
/// ```
/// use plywood::prelude::*;
/// fn loss<B: Backend>((w, b): (Tensor<B>, Tensor<B>)) -> Tensor<B> {
///     (w.square().sum() * b.square()).sum()
/// }
/// let params = (Tensor::<Cpu>::from([1.0, 2.0]), Tensor::from([3.0]));
/// let (vector, unravel) = ravel(&params);
/// assert_eq!(vector.to_vec::<f64>(), [1.0, 2.0, 3.0]);
/// let h = hessian(move |v: Tensor<_>| loss(unravel(v)))(vector);
/// assert_eq!(h.to_vec::<f64>(), [18.0, 0.0, 12.0, 0.0, 18.0, 24.0, 12.0, 24.0, 10.0]);
/// ```
#[track_caller]
pub fn ravel<B: Backend, C: Backend, T: Tree<B>>(tree: &T) -> (Tensor<B>, Unravel<C, T::On<C>>) {
    let values = leaves(tree);
    let types: Vec<TensorType> = values.iter().map(|x| x.ty().clone()).collect();
    let dtype = types.iter().map(|ty| ty.dtype).reduce(DType::promote).unwrap_or(DType::F32);
    let flat = |x: &Value| x.clone().cast(dtype).reshape_to([x.ty().elements()].into());
    let parts: Values = values.iter().map(flat).collect();
    let vector = match parts.len() {
        0 => Value::create(B::ENGINE, Op::Full { number: Number::Int(0), ty: TensorType::new([0], dtype) }),
        _ => Value::concatenate(parts, 0),
    };
    let n = vector.ty().elements();
    let like = tree.clone();
    let unravel = move |vector: Tensor<C>| -> T::On<C> {
        assert!(
            *vector.shape() == [n],
            "unravel: the tree has {n} elements, not {} (shape {})",
            vector.len(),
            vector.shape()
        );
        let vector = vector.into_value();
        let mut start = 0;
        let parts = types.iter().map(|ty| {
            let end = start + ty.elements();
            let part = vector.clone().slice_axis(0, start, end).reshape_to(ty.shape.clone()).cast(ty.dtype);
            start = end;
            part
        });
        let parts: Vec<Value> = parts.collect();
        rebuild::<B, C, T>(&like, parts)
    };
    (Tensor::of(vector), Box::new(unravel))
}

/// From a vector to the tree that it was made of.
pub type Unravel<C, T> = Box<dyn Fn(Tensor<C>) -> T + Send + Sync>;
