//! `jvp` and `hvp`: the calls that run a function on dual numbers.

use crate::Autodiff;
use crate::forward::{self, Call, Forward};
use crate::grad::differentiate;
use plywood_core::at::At;
use plywood_core::tree::{leaves, rebuild};
use plywood_core::{Backend, Dyn, Function, Number, SelfTree, Tensor, Tree, Value};
use std::panic::Location;

/// Computes `f` at some arguments, and its derivative along the tangents: `(y, dy)`.
///
/// Arguments and tangents are tuples of the same trees; the tangents of tensors that are not of floats are ignored. `dy`
/// has the types of `y`, zero where nothing arrives (and for what is not of floats). Panics where the tangents do not
/// have the arguments' shapes and dtypes.
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([1.0, 2.0]);
/// let (y, dy) = jvp(|x: Tensor<_>| x.square(), (x,), (Tensor::from([1.0, 10.0]),));
/// assert_eq!(y.to_vec::<f64>(), [1.0, 4.0]);
/// assert_eq!(dy.to_vec::<f64>(), [2.0, 40.0]);
/// ```
#[track_caller]
pub fn jvp<B: Backend, Args, Out, F>(f: F, args: Args, tangents: Args) -> (Out::On<B>, Out::On<B>)
where
    Args: SelfTree<B>,
    Out: Tree<Forward<B>>,
    F: Function<Forward<B>, Args, Out>,
{
    push("jvp", &f, args, leaves(&tangents), Location::caller())
}

#[track_caller]
fn push<B: Backend, Args, Out, F>(
    name: &str,
    f: &F,
    args: Args,
    tangents: Vec<Value>,
    made: At,
) -> (Out::On<B>, Out::On<B>)
where
    Args: SelfTree<B>,
    Out: Tree<Forward<B>>,
    F: Function<Forward<B>, Args, Out>,
{
    let primals = leaves(&args);
    let fits =
        primals.len() == tangents.len() && primals.iter().zip(&tangents).all(|(x, t)| x.ty() == t.ty());
    let types = |values: &[Value]| values.iter().map(|v| v.ty().to_string()).collect::<Vec<_>>().join(", ");
    assert!(
        fits,
        "{name}: the tangents are {}, the arguments {} (in the {name} made at {made})",
        types(&tangents),
        types(&primals)
    );
    let (engine, call) = (Forward::<B>::ENGINE, Call::new());
    let mut tangents = tangents.into_iter();
    let out = Dyn::scoped::<B, _>(primals.first().map(Value::engine), || {
        f.call(args, &mut |_, x| {
            let t = tangents.next().expect("as many as arguments");
            if x.dtype().is_float() { call.dual(engine, x, t) } else { forward::constant(engine, x) }
        })
    });
    let tangents: Vec<Option<Value>> = leaves(&out).iter().map(|y| call.tangent(y)).collect();
    let zero = |y: &Value| y.full_like(Number::Int(0));
    let lowered = |value: Value| Tensor::<B>::of(forward::into_primal(value));
    let filled: Vec<Value> = (leaves(&out).into_iter().zip(tangents))
        .map(|(y, t)| t.unwrap_or_else(|| zero(lowered(y).value())))
        .collect();
    let dy = rebuild::<Forward<B>, B, _>(&out, filled);
    (out.map(&mut |t| lowered(t.into_value())), dy)
}

/// The product of the Hessian of `f` at `x` with `v`: the derivative of the gradient along `v`, forward over reverse.
///
/// `f` takes one tree of floats and returns a float scalar. It costs a few evaluations of `f`, whatever the number of
/// elements.
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([1.0, 2.0]);
/// let hv = hvp(|x: Tensor<_>| x.powi(3).sum(), x, Tensor::from([1.0, 10.0]));
/// assert_eq!(hv.to_vec::<f64>(), [6.0, 120.0]);
/// ```
#[track_caller]
pub fn hvp<B: Backend, X, XF, F>(f: F, x: X, v: X) -> X
where
    X: SelfTree<B> + Tree<B, On<Forward<B>> = XF>,
    XF: SelfTree<Forward<B>> + Tree<Forward<B>, On<B> = X>,
    F: Function<Autodiff<Forward<B>>, (XF,), Tensor<Autodiff<Forward<B>>>>,
{
    let made = Location::caller();
    let gradient =
        move |x: XF| differentiate::<0, Forward<B>, _, _, _, _>("hvp", made, &f, (x,), |y| (y, ())).2;
    push::<B, (X,), XF, _>("hvp", &gradient, (x,), leaves(&v), made).1
}
