//! [`Tree`]: a value made of tensors and plain data (JAX's pytree).
//!
//! Tuples, `Vec`, arrays, `Option`, `BTreeMap` and `Box` of trees are trees; so are structs and enums that derive
//! `Tree`. Tensors are the leaves that transformations see; numbers, `bool`, strings and `()` are plain data, part of
//! the structure. A tree knows itself on every other backend (`On<C>`), which is how a transformation hands a user's
//! function its arguments one layer up.

mod impls;
mod map;
mod path;

pub use map::tree_map;
pub use path::{Path, PathStep};

use crate::{Backend, Layer, Tensor, Value};
use std::any::Any;
use std::fmt::Debug;

/// A value made of tensors of `B` and plain data.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a tree of tensors on `{B}`",
    note = "trees are tensors, numbers, strings, and tuples, Vec, arrays, Option, BTreeMap of trees",
    note = "a struct becomes one with #[derive(Clone, Tree)]; a field of plain data is marked #[tree(static)]",
    note = "if it holds tensors of another backend, a `.lift()` is missing (or one too many)"
)]
pub trait Tree<B: Backend>: Clone + Send + Sync + 'static {
    /// The same tree on another backend.
    type On<C: Backend>: Tree<C>;

    /// The tree with each tensor replaced; by value, so that a tensor nobody else holds may be overwritten.
    fn map<C: Backend>(self, f: &mut dyn FnMut(Tensor<B>) -> Tensor<C>) -> Self::On<C>;

    /// Gives up the tensors, in the order of `map`.
    fn give_up(self, f: &mut dyn FnMut(Tensor<B>)) {
        let nothing = crate::record::nothing();
        self.map::<crate::Trace>(&mut |x| {
            f(x);
            Tensor::of(nothing.clone())
        });
    }

    /// The same structure around other tensors, in the order of `map`.
    fn like<C: Backend>(&self, f: &mut dyn FnMut() -> Tensor<C>) -> Self::On<C> {
        self.clone().map(&mut |_| f())
    }

    /// Shows every leaf with its key path, in the order of `map`.
    fn visit(&self, path: Path<'_>, visitor: &mut dyn Visitor);
}

/// What looks at a tree.
pub trait Visitor {
    /// A tensor.
    fn tensor(&mut self, path: Path<'_>, value: &Value);
    /// Plain data, a length, a variant: part of the structure.
    fn plain(&mut self, path: Path<'_>, data: &dyn Plain);
}

/// Plain data inside a tree: whatever is `Clone + Debug + PartialEq + Send + Sync + 'static`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be plain data in a tree",
    note = "a #[tree(static)] field's type derives Clone, Debug and PartialEq"
)]
pub trait Plain: Debug + Send + Sync {
    /// The data, to be looked at by their type.
    fn as_any(&self) -> &dyn Any;
}
impl<T: Clone + Debug + PartialEq + Send + Sync + 'static> Plain for T {
    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// A tree that on its own backend is itself. Every tree is; the compiler has to be told.
pub trait SelfTree<B: Backend>: Tree<B, On<B> = Self> {}
impl<B: Backend, T: Tree<B, On<B> = T>> SelfTree<B> for T {}

/// The tensors of a tree, in the order of `map`.
pub fn leaves<B: Backend, T: Tree<B>>(tree: &T) -> Vec<Value> {
    struct Leaves(Vec<Value>);
    impl Visitor for Leaves {
        fn tensor(&mut self, _: Path<'_>, value: &Value) {
            self.0.push(value.clone())
        }
        fn plain(&mut self, _: Path<'_>, _: &dyn Plain) {}
    }
    let mut leaves = Leaves(Vec::new());
    tree.visit(Path::root(), &mut leaves);
    leaves.0
}

/// The tensors of a tree, in the order of its fields.
///
/// ```
/// # use plywood::prelude::*;
/// let tree = (Tensor::<Cpu>::from([3.0]), vec![Tensor::scalar(4.0)]);
/// let squares = tree_leaves(&tree).iter().map(|x| x.square().sum().item::<f64>()).sum::<f64>();
/// assert_eq!(squares, 25.0);
/// ```
pub fn tree_leaves<B: Backend, T: Tree<B>>(tree: &T) -> Vec<Tensor<B>> {
    leaves(tree).into_iter().map(Tensor::of).collect()
}

/// Computes all tensors of a tree that were put off, together: what a program on a lazy backend (`Fusion<Cpu>`) does with its
/// state once in each step. On a backend that computes at once, and inside a transformed function, it does nothing.
///
/// ```
/// use plywood::prelude::*;
/// fn descend<B: Backend>(mut x: Tensor<B>, steps: usize) -> Tensor<B> {
///     for _ in 0..steps {
///         x = &x - 0.5 * &x;
///         eval(&x);
///     }
///     x
/// }
/// assert_eq!(descend(Tensor::<Cpu>::from([8.0]), 3), Tensor::from([1.0]));
/// assert_eq!(descend(Tensor::<Fusion<Cpu>>::from([8.0]), 3), Tensor::from([1.0]));
/// ```
#[track_caller]
pub fn eval<B: Backend, T: Tree<B>>(tree: &T) {
    let mut values = leaves(tree);
    // Those of `Dyn` may be of several engines.
    while let Some(engine) = values.first().map(Value::engine) {
        let (these, others) = values.into_iter().partition(|x| x.engine().id() == engine.id());
        let these: Vec<Value> = these;
        if let Err(e) = engine.eval(&these) {
            panic!("eval: {e}")
        }
        values = others;
    }
}

/// The tree's structure around other tensors, which are given in the order of `map`.
pub fn rebuild<B: Backend, C: Backend, T: Tree<B>>(
    tree: &T,
    values: impl IntoIterator<Item = Value>,
) -> T::On<C> {
    let mut values = values.into_iter();
    tree.like(&mut || Tensor::of(values.next().expect("as many values as the tree has tensors")))
}

/// A tree of the backend below, as constants of this layer: what a function under a transformation does with what it
/// captured.
///
/// ```
/// # use plywood::prelude::*;
/// fn predict<B: Backend>((w, scale): (Tensor<B>, f64), x: Tensor<B>) -> Tensor<B> {
///     (x * w).sum() * scale
/// }
/// let params = (Tensor::<Cpu>::from([1.0, 2.0]), 0.5);
/// let by_x = grad(move |x: Tensor<_>| predict(lift(&params), x));
/// assert_eq!(by_x(Tensor::from([3.0, 4.0])).to_vec::<f64>(), [0.5, 1.0]);
/// ```
pub fn lift<B, L, T, U>(tree: &T) -> U
where
    B: Backend,
    L: Layer<Inner = B>,
    T: Tree<B, On<L> = U>,
    U: Tree<L>,
{
    tree.clone().map::<L>(&mut |t: Tensor<B>| Tensor::of(L::lift(t.into_value())))
}
