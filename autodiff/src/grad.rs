//! `grad`, `value_and_grad` and `vjp`: the calls that own a tape.
//!
//! What is generic here only takes trees apart and puts them together; a [`Call`] does the work on values.

use crate::engine::{self, Autodiff};
use crate::tape::Tape;
use crate::vjp::T;
use plywood_core::at::At;
use plywood_core::tree::{leaves, rebuild};
use plywood_core::{
    Backend, Dyn, Engine, Function, Nth, Number, Path, Plain, SelfTree, Tensor, Tree, Value, Visitor,
};
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// One running differentiation.
struct Call {
    engine: &'static dyn Engine,
    tape: Arc<Tape>,
    variables: usize,
}

impl Call {
    fn new(engine: &'static dyn Engine) -> Self {
        Call { engine, tape: Arc::new(Tape::new()), variables: 0 }
    }

    /// An argument that is differentiated; one that has no tangent is a constant.
    fn variable(&mut self, value: Value) -> Value {
        let slot = self.tape.variable();
        self.variables += 1;
        match value.dtype().is_float() {
            true => engine::tracked(self.engine, value, self.tape.clone(), slot),
            false => engine::constant(self.engine, value),
        }
    }

    fn constant(&self, value: Value) -> Value {
        engine::constant(self.engine, value)
    }

    /// The gradient of a scalar, for each variable; where nothing arrives, zero.
    fn gradient(self, name: &str, made: At, output: Value, variables: &[Value]) -> (Value, Vec<Value>) {
        let ty = output.ty();
        assert!(
            ty.rank() == 0,
            "{name}: the function returned {ty}; only a scalar has a gradient: take its sum() or mean(), or use vjp \
             (in the {name} made at {made})"
        );
        assert!(
            ty.dtype.is_float(),
            "{name}: the function returned {ty}; only a float has a derivative: cast it before the loss is computed \
             (in the {name} made at {made})"
        );
        let slot = engine::slot_on(&output, &self.tape);
        let value = engine::into_primal(output);
        let seeds = slot.map(|slot| (slot, T::of(value.full_like(Number::Int(1)))));
        let cotangents = self.tape.backward(seeds.into_iter().collect(), self.variables);
        (value, filled(cotangents, variables))
    }
}

/// What is absent is zero.
fn filled(cotangents: Vec<Option<T>>, variables: &[Value]) -> Vec<Value> {
    let zero = |x: &Value| x.full_like(Number::Int(0));
    cotangents.into_iter().zip(variables).map(|(ct, x)| ct.map_or_else(|| zero(x), T::into_value)).collect()
}

/// Panics where a leaf of the differentiated argument has no derivative.
struct OnlyFloats<'a> {
    name: &'a str,
    made: At,
}
impl Visitor for OnlyFloats<'_> {
    fn tensor(&mut self, path: Path<'_>, value: &Value) {
        let (name, made, ty) = (self.name, self.made, value.ty());
        assert!(
            ty.dtype.is_float(),
            "{name}: {path} is {ty}; derivatives are taken by floats: cast it, pass it as another argument, or choose \
             with argnum which argument is differentiated (in the {name} made at {made})"
        );
    }
    fn plain(&mut self, _: Path<'_>, _: &dyn Plain) {}
}

/// Runs a function of `Args` on the layer and differentiates the scalar that `scalar` finds in what it returns.
pub(crate) fn differentiate<const N: usize, B, Args, Out, F, Rest>(
    name: &str,
    made: At,
    f: &F,
    args: Args,
    scalar: impl FnOnce(Out) -> (Tensor<Autodiff<B>>, Rest),
) -> (Tensor<B>, Rest, Args::Arg)
where
    B: Backend,
    Args: Nth<N, B>,
    F: Function<Autodiff<B>, Args, Out>,
{
    args.nth().visit(Path::argument(N), &mut OnlyFloats { name, made });
    let template = args.nth().clone();
    let variables = leaves(&template);
    let mut call = Call::new(Autodiff::<B>::ENGINE);
    let (output, rest) = Dyn::scoped::<B, _>(variables.first().map(Value::engine), || {
        scalar(f.call(args, &mut |i, x| if i == N { call.variable(x) } else { call.constant(x) }))
    });
    let (value, gradients) = call.gradient(name, made, output.into_value(), &variables);
    (Tensor::of(value), rest, rebuild::<B, B, _>(&template, gradients))
}

/// A result that is not differentiated, on the backend below.
fn lowered<B: Backend, Aux: Tree<Autodiff<B>>>(aux: Aux) -> Aux::On<B> {
    aux.map(&mut |t| Tensor::of(engine::into_primal(t.into_value())))
}

/// The function that computes the gradient of `f` with respect to its first argument.
///
/// `f` takes up to eight trees and returns a float scalar. What the gradient does not reach is zero. Panics where a
/// tensor of the first argument is not of floats, or the result is not a float scalar.
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::scalar(1.0f32);
/// assert_eq!(grad(math::tanh)(x.clone()).item::<f32>(), 0.41997434);
/// let third = grad(grad(grad(math::tanh)))(x).item::<f32>();
/// assert!((third - 0.6216269).abs() < 1e-5);
/// ```
#[track_caller]
pub fn grad<B: Backend, Args: Nth<0, B> + 'static, F>(f: F) -> F::Boxed<Args::Arg>
where
    F: Function<Autodiff<B>, Args, Tensor<Autodiff<B>>> + Send + Sync + 'static,
{
    Grad::new().of(f)
}

/// The function that computes `f` and its gradient with respect to the first argument: `(value, gradient)`.
///
/// ```
/// use plywood::prelude::*;
/// fn loss<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
///     (w * x).square().sum()
/// }
/// let (w, x) = (Tensor::<Cpu>::from([1.0, 2.0]), Tensor::from([3.0, 1.0]));
/// let (value, gradient) = value_and_grad(loss)(w, x);
/// assert_eq!(value.item::<f64>(), 13.0);
/// assert_eq!(gradient.to_vec::<f64>(), [18.0, 4.0]);
/// ```
#[track_caller]
pub fn value_and_grad<B: Backend, Args: Nth<0, B> + 'static, F>(f: F) -> F::Boxed<(Tensor<B>, Args::Arg)>
where
    F: Function<Autodiff<B>, Args, Tensor<Autodiff<B>>> + Send + Sync + 'static,
{
    ValueAndGrad::new().of(f)
}

/// The function returns the scalar alone.
#[derive(Clone, Copy, Debug)]
pub struct WithoutAux;
/// The function returns the scalar and a tree that is handed through.
#[derive(Clone, Copy, Debug)]
pub struct WithAux;

/// [`grad`] with options: `Grad::new().argnum::<1>().has_aux().of(f)`.
#[derive(Clone, Copy, Debug)]
pub struct Grad<const N: usize = 0, Aux = WithoutAux>(PhantomData<Aux>);

/// [`value_and_grad`] with options: `ValueAndGrad::new().argnum::<1>().has_aux().of(f)`.
#[derive(Clone, Copy, Debug)]
pub struct ValueAndGrad<const N: usize = 0, Aux = WithoutAux>(PhantomData<Aux>);

macro_rules! options {
    ($Builder:ident) => {
        impl $Builder {
            /// With respect to the first argument, of a function that returns the scalar alone.
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                $Builder(PhantomData)
            }
        }
        impl<const N: usize, Aux> $Builder<N, Aux> {
            /// With respect to another argument; they count from 0.
            pub fn argnum<const M: usize>(self) -> $Builder<M, Aux> {
                $Builder(PhantomData)
            }
        }
        impl<const N: usize> $Builder<N, WithoutAux> {
            /// Of a function that returns `(scalar, aux)`; the tree `aux` is handed through.
            pub fn has_aux(self) -> $Builder<N, WithAux> {
                $Builder(PhantomData)
            }
        }
    };
}
options!(Grad);
options!(ValueAndGrad);

impl<const N: usize> Grad<N, WithoutAux> {
    /// The function that computes the gradient.
    #[track_caller]
    pub fn of<B: Backend, Args: Nth<N, B> + 'static, F>(self, f: F) -> F::Boxed<Args::Arg>
    where
        F: Function<Autodiff<B>, Args, Tensor<Autodiff<B>>> + Send + Sync + 'static,
    {
        let made = Location::caller();
        F::boxed(move |args| differentiate::<N, B, _, _, _, _>("grad", made, &f, args, |y| (y, ())).2)
    }
}

impl<const N: usize> Grad<N, WithAux> {
    /// The function that computes `(gradient, aux)`.
    #[track_caller]
    pub fn of<B: Backend, Args: Nth<N, B> + 'static, Aux, F>(self, f: F) -> F::Boxed<(Args::Arg, Aux::On<B>)>
    where
        Aux: Tree<Autodiff<B>>,
        F: Function<Autodiff<B>, Args, (Tensor<Autodiff<B>>, Aux)> + Send + Sync + 'static,
    {
        let made = Location::caller();
        F::boxed(move |args| {
            let (_, aux, gradient) = differentiate::<N, B, _, _, _, _>("grad", made, &f, args, |out| out);
            (gradient, lowered::<B, Aux>(aux))
        })
    }
}

impl<const N: usize> ValueAndGrad<N, WithoutAux> {
    /// The function that computes `(value, gradient)`.
    #[track_caller]
    pub fn of<B: Backend, Args: Nth<N, B> + 'static, F>(self, f: F) -> F::Boxed<(Tensor<B>, Args::Arg)>
    where
        F: Function<Autodiff<B>, Args, Tensor<Autodiff<B>>> + Send + Sync + 'static,
    {
        let made = Location::caller();
        F::boxed(move |args| {
            let (value, (), gradient) =
                differentiate::<N, B, _, _, _, _>("value_and_grad", made, &f, args, |y| (y, ()));
            (value, gradient)
        })
    }
}

impl<const N: usize> ValueAndGrad<N, WithAux> {
    /// The function that computes `(value, aux, gradient)`.
    #[track_caller]
    pub fn of<B: Backend, Args: Nth<N, B> + 'static, Aux, F>(
        self,
        f: F,
    ) -> F::Boxed<(Tensor<B>, Aux::On<B>, Args::Arg)>
    where
        Aux: Tree<Autodiff<B>>,
        F: Function<Autodiff<B>, Args, (Tensor<Autodiff<B>>, Aux)> + Send + Sync + 'static,
    {
        let made = Location::caller();
        F::boxed(move |args| {
            let (value, aux, gradient) =
                differentiate::<N, B, _, _, _, _>("value_and_grad", made, &f, args, |out| out);
            (value, lowered::<B, Aux>(aux), gradient)
        })
    }
}

/// What [`vjp`] returns besides the value: cotangents of the result to cotangents of the arguments.
pub type Pullback<Out, Args> = Box<dyn Fn(Out) -> Args + Send + Sync>;

/// Computes `f` at some arguments, and the pullback there: from cotangents of the result to those of the arguments.
///
/// The pullback can be called any number of times. The cotangent of a tensor that has no tangent (of integers or
/// bool) is zero, of its own dtype. Panics where the cotangents' types are not those of the result.
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([1.0, 2.0]);
/// let (y, pullback) = vjp(|x: Tensor<_>| x.square(), (x,));
/// assert_eq!(y.to_vec::<f64>(), [1.0, 4.0]);
/// let (dx,) = pullback(Tensor::from([1.0, 10.0]));
/// assert_eq!(dx.to_vec::<f64>(), [2.0, 40.0]);
/// ```
#[track_caller]
pub fn vjp<B: Backend, Args, Out, F>(f: F, args: Args) -> (Out::On<B>, Pullback<Out::On<B>, Args>)
where
    Args: SelfTree<B>,
    Out: Tree<Autodiff<B>>,
    F: Function<Autodiff<B>, Args, Out>,
{
    let made = Location::caller();
    let template = args.clone();
    let variables = leaves(&template);
    let mut call = Call::new(Autodiff::<B>::ENGINE);
    let out = Dyn::scoped::<B, _>(variables.first().map(Value::engine), || {
        f.call(args, &mut |_, x| call.variable(x))
    });
    call.tape.close();
    let slots: Vec<Option<u32>> = leaves(&out).iter().map(|y| engine::slot_on(y, &call.tape)).collect();
    let out = lowered::<B, Out>(out);
    let types = leaves(&out).iter().map(|y| y.ty().clone()).collect::<Vec<_>>();
    let pullback = move |cotangents: Out::On<B>| {
        let cotangents = leaves(&cotangents);
        let found: Vec<_> = cotangents.iter().map(|ct| ct.ty().clone()).collect();
        assert!(
            found == types,
            "pullback: the cotangents are {found:?}, the result is {types:?} (of the vjp made at {made})"
        );
        let seeds =
            slots.iter().zip(cotangents).filter_map(|(slot, ct)| Some(((*slot)?, T::of(ct)))).collect();
        let cotangents = call.tape.backward_again(seeds, call.variables);
        rebuild::<B, B, _>(&template, filled(cotangents, &variables))
    };
    (out, Box::new(pullback))
}
