//! Collectives: what the lanes of a named axis do together. The axis is one that `Vmap::new().axis_name("i")` made; the
//! function speaks of one lane's values.
//!
//! All but `axis_index` are differentiable. A gradient is that of the sum of all lanes' results: each lane has its own
//! copy of everything, so `psum` is its own transpose, and the gradient of `psum(x)` with respect to `x` is the number of
//! lanes. Take gradients first, and then their `psum` or `pmean`.

use crate::axis;
use crate::op::{Collective, CollectiveKind};
use crate::shape::normalize_axis;
use crate::{Backend, Op, SelfTree, Tensor, Value};
use std::sync::Arc;

#[track_caller]
fn collective(name: &str, operation: &str, kind: CollectiveKind) -> Op {
    let (size, tracked) = axis::size(operation, name);
    Op::Collective(Arc::new(Collective { axis: name.into(), size, kind, tracked }))
}

/// Each tensor of a tree through one collective.
#[track_caller]
fn each<B: Backend, T: SelfTree<B>>(x: T, op: Op) -> T {
    // A closure would hide the caller's line; the tree's tensors are taken out and put back.
    let mut values: Vec<Value> = Vec::new();
    for v in crate::tree::leaves(&x) {
        values.push(Value::apply1(op.clone(), v));
    }
    crate::tree::rebuild::<B, B, T>(&x, values)
}

/// The sum of all lanes' values along the axis `name`, for each lane; of a tensor or a tree.
///
/// ```
/// use plywood::prelude::*;
/// let share = |x: Tensor<_>| &x / psum(x.clone(), "i");
/// let shares = Vmap::new().axis_name("i").of(share)(Tensor::<Cpu>::from([1.0, 3.0]));
/// assert_eq!(shares.to_vec::<f64>(), [0.25, 0.75]);
/// ```
#[track_caller]
pub fn psum<B: Backend, T: SelfTree<B>>(x: T, name: &str) -> T {
    each::<B, T>(x, collective(name, "psum", CollectiveKind::Sum))
}

/// The mean of all lanes' values along the axis `name`, for each lane; of a tensor or a tree. Of integers it is f32.
///
/// ```
/// use plywood::prelude::*;
/// let centred = |x: Tensor<_>| &x - pmean(x.clone(), "i");
/// let y = Vmap::new().axis_name("i").of(centred)(Tensor::<Cpu>::from([1.0, 3.0]));
/// assert_eq!(y.to_vec::<f64>(), [-1.0, 1.0]);
/// ```
#[track_caller]
pub fn pmean<B: Backend, T: SelfTree<B>>(x: T, name: &str) -> T {
    let size = axis::size("pmean", name).0 as f64;
    let sums = psum::<B, T>(x, name);
    let mut means: Vec<Value> = Vec::new();
    for sum in crate::tree::leaves(&sums) {
        means.push((Tensor::<crate::Dyn>::of(sum) / size).into_value());
    }
    crate::tree::rebuild::<B, B, T>(&sums, means)
}

/// The largest of all lanes' values along the axis `name`, element by element, for each lane; of a tensor or a tree.
/// Lanes that tie share the gradient.
#[track_caller]
pub fn pmax<B: Backend, T: SelfTree<B>>(x: T, name: &str) -> T {
    each::<B, T>(x, collective(name, "pmax", CollectiveKind::Max))
}

/// The smallest of all lanes' values along the axis `name`, element by element, for each lane; of a tensor or a tree.
/// Lanes that tie share the gradient.
#[track_caller]
pub fn pmin<B: Backend, T: SelfTree<B>>(x: T, name: &str) -> T {
    each::<B, T>(x, collective(name, "pmin", CollectiveKind::Min))
}

/// All lanes' values along the axis `name`, stacked along a new first axis, for each lane; of a tensor or a tree. Along
/// other axes: [`AllGather`].
///
/// ```
/// use plywood::prelude::*;
/// let all = |x: Tensor<_>| all_gather(x, "i");
/// let y = Vmap::new().axis_name("i").of(all)(Tensor::<Cpu>::from([1.0, 3.0]));
/// assert_eq!(y.to_vec::<f64>(), [1.0, 3.0, 1.0, 3.0]);
/// ```
#[track_caller]
pub fn all_gather<B: Backend, T: SelfTree<B>>(x: T, name: &str) -> T {
    each::<B, T>(x, collective(name, "all_gather", CollectiveKind::AllGather { axis: 0 }))
}

/// The sum of all lanes' values along the axis `name`, of which lane k gets element k of the first axis; that axis has as
/// many elements as there are lanes, and goes away. Of a tensor or a tree. The transpose of [`all_gather`]. Other axes:
/// [`PsumScatter`].
///
/// ```
/// use plywood::prelude::*;
/// let part = |x: Tensor<_>| psum_scatter(x, "i");
/// let y = Vmap::new().axis_name("i").of(part)(Tensor::<Cpu>::from([[1.0, 2.0], [10.0, 20.0]]));
/// assert_eq!(y.to_vec::<f64>(), [11.0, 22.0]);
/// ```
#[track_caller]
pub fn psum_scatter<B: Backend, T: SelfTree<B>>(x: T, name: &str) -> T {
    each::<B, T>(x, collective(name, "psum_scatter", CollectiveKind::SumScatter { axis: 0 }))
}

/// Exchanges parts between lanes along the axis `name`: lane l's element k along `split` becomes lane k's element l along
/// `concat`. The axis `split` has as many elements as there are lanes; it goes away, and `concat` is a new axis of the rest.
/// With `split` equal to `concat` it is a transposition of lanes and that axis.
///
/// ```
/// use plywood::prelude::*;
/// let exchange = |x: Tensor<_>| all_to_all(x, "i", 0, 0);
/// let y = Vmap::new().axis_name("i").of(exchange)(Tensor::<Cpu>::from([[1.0, 2.0], [3.0, 4.0]]));
/// assert_eq!(y.to_vec::<f64>(), [1.0, 3.0, 2.0, 4.0]);
/// ```
#[track_caller]
pub fn all_to_all<B: Backend>(x: Tensor<B>, name: &str, split: isize, concat: isize) -> Tensor<B> {
    let split = normalize_axis("all_to_all", split, x.shape());
    let concat = normalize_axis("all_to_all", concat, x.shape());
    let op = collective(name, "all_to_all", CollectiveKind::AllToAll { split, concat });
    Tensor::of(Value::apply1(op, x.into_value()))
}

/// Lane `to` gets the value of lane `from`, for each pair `(from, to)` of lanes along the axis `name`; a lane that no pair
/// names gets zeros. Of a tensor or a tree.
///
/// Panics where a lane sends twice or gets two.
///
/// ```
/// use plywood::prelude::*;
/// let next = |x: Tensor<_>| ppermute(x, "i", &[(0, 1), (1, 2), (2, 0)]);
/// let y = Vmap::new().axis_name("i").of(next)(Tensor::<Cpu>::from([1.0, 2.0, 3.0]));
/// assert_eq!(y.to_vec::<f64>(), [3.0, 1.0, 2.0]);
/// ```
#[track_caller]
pub fn ppermute<B: Backend, T: SelfTree<B>>(x: T, name: &str, pairs: &[(usize, usize)]) -> T {
    each::<B, T>(x, collective(name, "ppermute", CollectiveKind::Permute { pairs: pairs.to_vec() }))
}

/// Which lane of the axis `name` this is, an i32 scalar.
///
/// ```
/// use plywood::prelude::*;
/// fn weighted<B: Backend>(x: Tensor<B>) -> Tensor<B> {
///     x * axis_index::<B>("i")
/// }
/// let y = Vmap::new().axis_name("i").of(weighted)(Tensor::<Cpu>::from([1.0, 1.0, 1.0]));
/// assert_eq!(y.to_vec::<f64>(), [0.0, 1.0, 2.0]);
/// ```
#[track_caller]
pub fn axis_index<B: Backend>(name: &str) -> Tensor<B> {
    Tensor::of(Value::create(B::ENGINE, collective(name, "axis_index", CollectiveKind::Index)))
}

/// How many lanes the axis `name` has.
#[track_caller]
pub fn axis_size(name: &str) -> usize {
    axis::size("axis_size", name).0
}

/// [`all_gather`] along another axis: `AllGather::new().axis(1).tiled().of(x, "i")`.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllGather {
    axis: isize,
    tiled: bool,
}

impl AllGather {
    /// Along a new first axis.
    pub fn new() -> Self {
        Self::default()
    }

    /// Along this axis of the result.
    pub fn axis(self, axis: isize) -> Self {
        AllGather { axis, ..self }
    }

    /// Lanes' values one after another along an axis that is there, instead of a new one.
    pub fn tiled(self) -> Self {
        AllGather { tiled: true, ..self }
    }

    /// All lanes' values, for each lane.
    #[track_caller]
    pub fn of<B: Backend>(self, x: Tensor<B>, name: &str) -> Tensor<B> {
        let (n, _) = axis::size("all_gather", name);
        let result = if self.tiled { x.shape().clone() } else { x.shape().insert(0, n) };
        let axis = normalize_axis("all_gather", self.axis, &result);
        let op = collective(name, "all_gather", CollectiveKind::AllGather { axis });
        let stacked = Value::apply1(op, x.into_value());
        if !self.tiled {
            return Tensor::of(stacked);
        }
        let mut shape = result;
        shape[axis] *= n;
        Tensor::of(stacked.reshape_to(shape))
    }
}

/// [`psum_scatter`] along another axis: `PsumScatter::new().axis(1).tiled().of(x, "i")`.
#[derive(Clone, Copy, Debug, Default)]
pub struct PsumScatter {
    axis: isize,
    tiled: bool,
}

impl PsumScatter {
    /// Along the first axis.
    pub fn new() -> Self {
        Self::default()
    }

    /// Along this axis.
    pub fn axis(self, axis: isize) -> Self {
        PsumScatter { axis, ..self }
    }

    /// Each lane gets a block of an axis whose size is a multiple of the number of lanes, instead of one element of it.
    pub fn tiled(self) -> Self {
        PsumScatter { tiled: true, ..self }
    }

    /// Each lane's part of the sum.
    #[track_caller]
    pub fn of<B: Backend>(self, x: Tensor<B>, name: &str) -> Tensor<B> {
        let (n, _) = axis::size("psum_scatter", name);
        let axis = normalize_axis("psum_scatter", self.axis, x.shape());
        let op = collective(name, "psum_scatter", CollectiveKind::SumScatter { axis });
        if !self.tiled {
            return Tensor::of(Value::apply1(op, x.into_value()));
        }
        let size = x.shape()[axis];
        assert!(
            n > 0 && size.is_multiple_of(n),
            "psum_scatter: axis {axis} of shape {} does not divide into blocks for {n} lanes",
            x.shape()
        );
        let mut shape = x.shape().insert(axis, n);
        shape[axis + 1] = size / n;
        Tensor::of(Value::apply1(op, x.into_value().reshape_to(shape)))
    }
}
