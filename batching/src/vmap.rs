//! `vmap`: a function of one example as a function of many.
//!
//! What is generic here takes trees apart and puts them together; [`Plan`] does the work on values.

use crate::axes::{Assigned, Axes, InAxes, Leaf};
use crate::engine::{Batched, same_for_all};
use crate::frame::{Frame, repeated};
use plywood_core::at::{self, At};
use plywood_core::op::Padding;
use plywood_core::tree::rebuild;
use plywood_core::{Backend, DType, Dyn, Engine, Function, Number, Path, SelfTree, TensorType, Tree, Value};
use std::panic::Location;
use std::sync::Arc;

/// The function that computes `f` for every element along the first axis of its arguments' tensors: `f` speaks of one
/// example, the result of many. Results have the new axis in front. For other axes, and more: [`Vmap`].
///
/// Nothing loops: each operation of `f` is executed once, for all lanes. What does not depend on the mapped arguments is
/// computed once, and a product of a batch with shared weights is one product.
///
/// Panics where sizes of the mapped axes differ, with the paths.
///
/// ```
/// use plywood::prelude::*;
/// fn energy<B: Backend>(x: Tensor<B>) -> Tensor<B> {
///     x.square().sum()
/// }
/// let x = Tensor::<Cpu>::from([[3.0, 4.0], [6.0, 8.0]]);
/// assert_eq!(vmap(energy)(x.clone()).to_vec::<f64>(), [25.0, 100.0]);
/// // The gradient for each example.
/// assert_eq!(vmap(grad(energy))(x).to_vec::<f64>(), [6.0, 8.0, 12.0, 16.0]);
/// ```
#[track_caller]
pub fn vmap<B: Backend, Args: SelfTree<B>, Out: Tree<Batched<B>>, F>(f: F) -> F::Boxed<Out::On<B>>
where
    F: Function<Batched<B>, Args, Out> + Send + Sync + 'static,
{
    Vmap::new().of(f)
}

/// [`vmap`] with options: `Vmap::new().in_axes((None, 0)).out_axes(-1).axis_name("batch").of(f)`.
///
/// ```
/// use plywood::prelude::*;
/// fn predict<B: Backend>(w: Tensor<B>, x: Tensor<B>) -> Tensor<B> {
///     x.matmul(&w)
/// }
/// let w = Tensor::<Cpu>::from([[1.0, 2.0], [3.0, 4.0]]);
/// let x = Tensor::from([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
/// let y = Vmap::new().in_axes((None, 0)).of(predict)(w, x);
/// assert_eq!(y.to_vec::<f64>(), [1.0, 2.0, 3.0, 4.0, 4.0, 6.0]);
/// ```
#[derive(Clone, Debug)]
pub struct Vmap {
    in_axes: Axes,
    out_axes: Axes,
    in_exceptions: Vec<(String, Option<isize>)>,
    out_exceptions: Vec<(String, Option<isize>)>,
    name: Option<Arc<str>>,
    size: Option<usize>,
    chunk: Option<usize>,
}

impl Default for Vmap {
    fn default() -> Self {
        Self::new()
    }
}

impl Vmap {
    /// Over the first axis of all arguments and of the result.
    pub fn new() -> Self {
        Vmap {
            in_axes: Axes::All(Some(0)),
            out_axes: Axes::All(Some(0)),
            in_exceptions: Vec::new(),
            out_exceptions: Vec::new(),
            name: None,
            size: None,
            chunk: None,
        }
    }

    /// Over which axis of the arguments: one for all, or a tuple with an entry for each argument, which may be a tuple with
    /// an entry for each of its parts. `None`: the same for all lanes. Plain data (numbers, strings) are that in any case.
    pub fn in_axes(self, axes: impl InAxes) -> Self {
        Vmap { in_axes: axes.axes(), ..self }
    }

    /// The axis of one part of an argument, by its path, as `"args[0].layers[1].weight"`; it goes before what
    /// [`in_axes`](Vmap::in_axes) says.
    ///
    /// ```
    /// use plywood::prelude::*;
    /// #[derive(Clone, Tree)]
    /// struct Line<B: Backend> { slope: Tensor<B>, offset: Tensor<B> }
    /// fn at<B: Backend>(line: Line<B>, x: Tensor<B>) -> Tensor<B> { line.slope * x + line.offset }
    /// let line = Line { slope: Tensor::<Cpu>::scalar(2.0), offset: Tensor::from([10.0, 20.0]) };
    /// let y = Vmap::new().in_axes((None, 0)).in_axis("args[0].offset", 0).of(at)(line, Tensor::from([1.0, 2.0]));
    /// assert_eq!(y.to_vec::<f64>(), [12.0, 24.0]);
    /// ```
    pub fn in_axis(mut self, path: &str, axis: impl Into<Option<i32>>) -> Self {
        self.in_exceptions.push((path.to_string(), axis.into().map(|axis| axis as isize)));
        self
    }

    /// Where the new axis of the result is: one for all of its tensors, or a tuple with an entry for each part. `None`: the
    /// result is the same for all lanes, and gets none; panics where it is not.
    pub fn out_axes(self, axes: impl InAxes) -> Self {
        Vmap { out_axes: axes.axes(), ..self }
    }

    /// The axis of one part of the result, by its path, as `"result[1].loss"`.
    pub fn out_axis(mut self, path: &str, axis: impl Into<Option<i32>>) -> Self {
        self.out_exceptions.push((path.to_string(), axis.into().map(|axis| axis as isize)));
        self
    }

    /// The name by which collectives (`psum(x, "batch")`) speak over the lanes.
    pub fn axis_name(self, name: &str) -> Self {
        Vmap { name: Some(name.into()), ..self }
    }

    /// How many lanes; needed where no argument is mapped, and checked otherwise.
    pub fn axis_size(self, size: usize) -> Self {
        Vmap { size: Some(size), ..self }
    }

    /// At most so many lanes at a time, which bounds the memory: the function runs once for each chunk, and once for what
    /// is left. (In a function that is recorded, each chunk is; [`Map`](crate::Map) with a batch size stays one loop.)
    ///
    /// Panics where the axis has a name: a collective would speak over a chunk alone.
    #[track_caller]
    pub fn chunk(self, lanes: usize) -> Self {
        assert!(lanes > 0, "vmap: chunks have at least one lane");
        Vmap { chunk: Some(lanes), ..self }
    }

    /// The mapped function.
    #[track_caller]
    pub fn of<B: Backend, Args: SelfTree<B>, Out: Tree<Batched<B>>, F>(self, f: F) -> F::Boxed<Out::On<B>>
    where
        F: Function<Batched<B>, Args, Out> + Send + Sync + 'static,
    {
        let made = Location::caller();
        assert!(
            self.name.is_none() || self.chunk.is_none(),
            "vmap: an axis with a name is not cut into chunks: a collective would speak over a chunk alone"
        );
        F::boxed(move |args: Args| {
            let mut plan = self.plan(made, &mut |visitor| args.visit(Path::root(), visitor));
            let mut results = Results::default();
            // The last chunk gets the arguments themselves: a clone would keep theirs from being overwritten.
            let mut args = Some(args);
            loop {
                let mut chunk = plan.next().expect("there is a chunk behind one that is not the last");
                let args = if plan.is_last() { args.take() } else { args.clone() };
                let args = args.expect("they are given up with the last chunk");
                let frame = chunk.frame.clone();
                let out = Dyn::scoped::<B, _>(plan.engine, || {
                    frame.run::<B, _>(|| f.call(args, &mut |_, x| chunk.enter::<B>(x)))
                });
                let mut out_axes = Assigned::new("out_axes", "result", &self.out_axes, &self.out_exceptions);
                out.visit(Path::root(), &mut out_axes);
                results.add(out_axes, &chunk, &plan);
                if plan.is_last() {
                    return rebuild::<Batched<B>, B, _>(&out, results.finish(made));
                }
            }
        })
    }

    /// Finds the lanes: which axis of each leaf, and how many there are.
    fn plan(&self, made: At, visit: &mut dyn FnMut(&mut Assigned<'_>)) -> Plan {
        let mut found = Assigned::new("in_axes", "args", &self.in_axes, &self.in_exceptions);
        visit(&mut found);
        found.finish();
        if let Some(mistake) = &found.mistake {
            panic!("vmap: {mistake} (in the vmap made at {made})")
        }
        let engine = found.leaves.first().map(|leaf| leaf.value.engine());
        let mut sizes: Vec<(String, usize)> = Vec::new();
        let mut axes = Vec::new();
        for Leaf { path, value, axis } in found.leaves {
            let Some(axis) = axis else {
                axes.push(None);
                continue;
            };
            let (rank, ty) = (value.rank() as isize, value.ty());
            assert!(
                (-rank..rank).contains(&axis),
                "vmap: {path} is {ty}, which has no axis {axis}{} (in the vmap made at {made})",
                if rank == 0 { "; None in in_axes says that it is the same for all lanes" } else { "" }
            );
            let axis = axis.rem_euclid(rank.max(1)) as usize;
            sizes.push((
                format!("{path} has {} (axis {axis} of {ty})", value.shape()[axis]),
                value.shape()[axis],
            ));
            axes.push(Some(axis));
        }
        sizes.extend(self.size.map(|size| (format!("axis_size says {size}"), size)));
        let Some(&(_, size)) = sizes.first() else {
            panic!(
                "vmap: no argument is mapped, so nothing says how many lanes there are; axis_size(n) does (in the vmap \
                    made at {made})"
            )
        };
        if sizes.iter().any(|(_, other)| *other != size) {
            let all: Vec<String> = sizes.into_iter().map(|(text, _)| text).collect();
            panic!(
                "vmap: the sizes of the mapped axes differ: {} (in the vmap made at {made})",
                all.join(", ")
            )
        }
        let chunk = self.chunk.unwrap_or(size).max(1);
        Plan { axes, size, chunk, start: Some(0), name: self.name.clone(), engine, made }
    }
}

/// The lanes of a call, chunk by chunk.
struct Plan {
    /// For each leaf of the arguments.
    axes: Vec<Option<usize>>,
    size: usize,
    chunk: usize,
    /// The first lane of the next chunk; none when there are no more.
    start: Option<usize>,
    name: Option<Arc<str>>,
    /// The engine of the arguments.
    engine: Option<&'static dyn Engine>,
    made: At,
}

impl Plan {
    /// The next chunk; without any lanes there is one of none.
    fn next(&mut self) -> Option<Chunk> {
        let start = self.start?;
        let lanes = self.chunk.min(self.size - start);
        self.start = Some(start + lanes).filter(|&next| next < self.size);
        let (frame, axes) = (Frame::new(lanes, self.name.clone()), self.axes.clone().into_iter());
        Some(Chunk { frame, axes, start, whole: lanes == self.size, made: self.made })
    }

    fn is_last(&self) -> bool {
        self.start.is_none()
    }
}

/// Some of the lanes.
struct Chunk {
    frame: Arc<Frame>,
    /// For the leaves of the arguments that have not entered yet.
    axes: std::vec::IntoIter<Option<usize>>,
    start: usize,
    /// Whether these are all lanes.
    whole: bool,
    made: At,
}

impl Chunk {
    /// An argument, as one lane sees it.
    fn enter<B: Backend>(&mut self, x: Value) -> Value {
        match self.axes.next().expect("as many leaves as were visited") {
            None => same_for_all(Batched::<B>::ENGINE, x),
            Some(axis) => at::within(self.made, || {
                let lanes = self.frame.size();
                let x = if self.whole { x } else { x.slice_axis(axis, self.start, self.start + lanes) };
                self.frame.enter::<B>(x.move_axis(axis as isize, 0))
            }),
        }
    }
}

/// The lanes of a value, with room for so many more.
fn with_room(value: Value, more: usize) -> Value {
    let mut padding = vec![Padding::default(); value.rank()];
    padding[0].high = more as isize;
    value.pad_zeros(&padding)
}

/// What the function returned, lanes in front, and where they are to be.
#[derive(Default)]
struct Results(Vec<(Value, Option<usize>)>);

impl Results {
    /// The results of a chunk.
    fn add(&mut self, mut found: Assigned<'_>, chunk: &Chunk, plan: &Plan) {
        let made = plan.made;
        found.finish();
        if let Some(mistake) = &found.mistake {
            panic!("vmap: {mistake} (in the vmap made at {made})")
        }
        let leaves = found.leaves;
        at::within(made, || {
            for (i, Leaf { path, value, axis }) in leaves.into_iter().enumerate() {
                let ty = value.ty().clone();
                let (value, batched) = chunk.frame.leave(value);
                let Some(axis) = axis else {
                    assert!(
                        !batched,
                        "vmap: {path} differs between lanes, and out_axes says None (in the vmap made at {made})"
                    );
                    if chunk.start == 0 {
                        self.0.push((value, None));
                    }
                    continue;
                };
                let rank = ty.rank() as isize + 1;
                assert!(
                    (-rank..rank).contains(&axis),
                    "vmap: {path} is {ty} for each lane, and has no place for an axis {axis} (in the vmap made at {made})"
                );
                let axis = axis.rem_euclid(rank) as usize;
                let value = if batched { value } else { repeated(value, chunk.frame.size()) };
                if chunk.whole {
                    self.0.push((value, Some(axis)));
                    continue;
                }
                if chunk.start == 0 {
                    self.0.push((with_room(value, plan.size - chunk.frame.size()), Some(axis)));
                    continue;
                }
                let place = &mut self.0[i].0;
                // Taken out, so that nobody else holds it and it is overwritten.
                let all = std::mem::replace(place, value.clone());
                let start = |n: usize| all.full(Number::Int(n as i64), TensorType::scalar(DType::I64));
                let starts: Vec<Value> =
                    (0..ty.rank() + 1).map(|d| start(if d == 0 { chunk.start } else { 0 })).collect();
                *place = all.dynamic_update(value, starts);
            }
        });
        chunk.frame.close();
    }

    fn finish(self, made: At) -> Vec<Value> {
        let placed = |(value, axis): (Value, Option<usize>)| match axis {
            None => value,
            Some(axis) => value.move_axis(0, axis as isize),
        };
        at::within(made, || self.0.into_iter().map(placed).collect())
    }
}
