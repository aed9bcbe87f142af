//! NumPy's indexing: numbers, ranges with steps, new axes, an ellipsis, integer tensors; reading and updating.
//!
//! Reading first takes the regular part (slices and reversals, views on a CPU), then gathers at the tensors' places.
//! Updating is one scatter: ranges of step 1 are its window, everything else is spelled out in its indices.
//! Where the indices' values are known they are checked; in a recorded function reads clamp and writes are dropped.

use super::{Term, Value};
use crate::backend::Values;
use crate::op::{Binary, Compare, Gather, IndexMode, Scatter, ScatterKind};
use crate::shape::Axes;
use crate::{DType, Number, Op, Shape, TensorType};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// One part of an index.
#[derive(Clone, Debug)]
pub enum IndexItem {
    /// One place of an axis, which goes away; negative ones count from the end.
    At(isize),
    /// A regular part of an axis.
    Range {
        /// Where it starts; without, at the first element (the last for a negative step).
        start: Option<isize>,
        /// Where it stops, exclusive; without, past the last element.
        end: Option<isize>,
        /// The step; negative ones go backwards.
        step: isize,
    },
    /// The places that an integer tensor holds.
    Tensor(Value),
    /// A new axis of size 1.
    NewAxis,
    /// As many whole axes as the other parts leave.
    Ellipsis,
}

/// How an update meets what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Update {
    /// Replaces it.
    Set,
    /// Is added to it.
    Add,
    /// Multiplies it.
    Mul,
    /// The smaller stays.
    Min,
    /// The larger stays.
    Max,
}

/// What is done along one axis of the operand, with everything counted from the front.
enum Part {
    At(usize),
    /// `count` places from `start` by `step`.
    Range {
        start: usize,
        step: isize,
        count: usize,
    },
    Tensor(Value),
}

/// An index against a shape: a part for every axis, and where the result has new axes.
struct Plan {
    parts: Vec<Part>,
    /// Axes of the result (with all of them) that are new.
    new_axes: Axes,
}

impl Plan {
    #[track_caller]
    fn new(name: &str, items: &[IndexItem], shape: &Shape) -> Plan {
        let takes = |i: &&IndexItem| !matches!(i, IndexItem::NewAxis | IndexItem::Ellipsis);
        let taken = items.iter().filter(takes).count();
        let ellipses = items.iter().filter(|i| matches!(i, IndexItem::Ellipsis)).count();
        assert!(taken <= shape.rank(), "{name}: {taken} indices into a tensor of shape {shape}");
        assert!(ellipses <= 1, "{name}: an index has at most one ellipsis");
        let mut plan = Plan { parts: Vec::new(), new_axes: Axes::new() };
        let mut axis_of_result = 0;
        let rest = shape.rank() - taken;
        let whole = |plan: &mut Plan, n: usize, axis: &mut usize| {
            for _ in 0..n {
                let count = shape[plan.parts.len()];
                plan.parts.push(Part::Range { start: 0, step: 1, count });
                *axis += 1;
            }
        };
        for item in items {
            let d = plan.parts.len();
            match item {
                IndexItem::NewAxis => {
                    plan.new_axes.push(axis_of_result);
                    axis_of_result += 1;
                }
                IndexItem::Ellipsis => whole(&mut plan, rest, &mut axis_of_result),
                IndexItem::At(i) => plan.parts.push(Part::At(place(name, *i, d, shape))),
                IndexItem::Range { start, end, step } => {
                    plan.parts.push(range(name, *start, *end, *step, shape[d]));
                    axis_of_result += 1;
                }
                IndexItem::Tensor(v) => {
                    assert!(
                        v.dtype().is_integer(),
                        "{name}: an index tensor holds integers, not {}{}",
                        v.ty(),
                        if v.dtype() == DType::Bool {
                            "; the result's shape would depend on data: use select"
                        } else {
                            ""
                        }
                    );
                    check_bounds(name, v, d, shape);
                    plan.parts.push(Part::Tensor(v.clone()));
                }
            }
        }
        let missing = shape.rank() - plan.parts.len();
        whole(&mut plan, missing, &mut axis_of_result);
        let advanced = plan.parts.iter().any(|p| matches!(p, Part::Tensor(_)));
        assert!(
            !advanced || plan.new_axes.is_empty(),
            "{name}: new axes and index tensors in one index; add the axes in a second step"
        );
        plan
    }
}

/// A place counted from either end, checked.
#[track_caller]
fn place(name: &str, i: isize, axis: usize, shape: &Shape) -> usize {
    let n = shape[axis] as isize;
    assert!((-n..n).contains(&i), "{name}: index {i} is out of bounds for axis {axis} of shape {shape}");
    (if i < 0 { i + n } else { i }) as usize
}

/// Python's slice: ends beyond the axis are moved inside.
#[track_caller]
fn range(name: &str, start: Option<isize>, end: Option<isize>, step: isize, size: usize) -> Part {
    assert!(step != 0, "{name}: a range's step is not zero");
    let n = size as isize;
    let (lowest, highest) = if step > 0 { (0, n) } else { (-1, n - 1) };
    let resolve = |i: isize| (if i < 0 { i + n } else { i }).clamp(lowest, highest);
    let start = start.map_or(if step > 0 { lowest } else { highest }, resolve);
    let end = end.map_or(if step > 0 { highest } else { lowest }, resolve);
    let count = if step > 0 { (end - start + step - 1) / step } else { (start - end - step - 1) / -step };
    let count = count.max(0) as usize;
    Part::Range { start: if count == 0 { 0 } else { start as usize }, step, count }
}

/// Panics where an index tensor whose values are known points outside.
#[track_caller]
fn check_bounds(name: &str, index: &Value, axis: usize, shape: &Shape) {
    let Ok(array) = index.read() else { return };
    let n = shape[axis] as i128;
    let bad = crate::with_dtype!(index.dtype(), T => array.as_slice::<T>().and_then(|a| first_outside(a, n)));
    if let Some(bad) = bad {
        panic!("{name}: index {bad} is out of bounds for axis {axis} of shape {shape}")
    }
}

fn first_outside<T: crate::Element>(places: &[T], n: i128) -> Option<i128> {
    let wide = |t: &T| -> i128 { crate::convert::to_i128(*t) };
    places.iter().map(wide).find(|i| !(-n..n).contains(i))
}

impl Value {
    /// Reads the part that an index names.
    #[track_caller]
    pub fn get(self, items: &[IndexItem]) -> Value {
        let Plan { parts, new_axes } = Plan::new("get", items, self.shape());
        let advanced = parts.iter().any(|p| matches!(p, Part::Tensor(_)));
        let rank = self.rank();
        let (mut starts, mut limits) = (Axes::new(), Axes::new());
        let (mut strides, mut reversed, mut dropped) = (Axes::new(), Axes::new(), Axes::new());
        for (d, part) in parts.iter().enumerate() {
            let (start, step, count) = match part {
                // Beside index tensors a number is an index tensor too, as in NumPy.
                Part::At(i) if !advanced => (*i, 1, 1),
                Part::At(_) | Part::Tensor(_) => (0, 1, self.shape()[d]),
                Part::Range { start, step, count } => (*start, *step, *count),
            };
            if step < 0 {
                reversed.push(d);
            }
            if matches!(part, Part::At(_)) {
                dropped.push(d);
            }
            let by = step.unsigned_abs();
            let first = if step < 0 && count > 0 { start - (count - 1) * by } else { start };
            starts.push(first);
            limits.push(if count == 0 { first } else { first + (count - 1) * by + 1 });
            strides.push(by);
        }
        let mut y = self.slice(starts, limits, strides);
        if !reversed.is_empty() {
            y = Value::apply1(Op::Reverse { axes: reversed }, y);
        }
        if advanced {
            return y.gather_parts(&parts);
        }
        let mut shape = y.shape().without(&dropped);
        for &d in &new_axes {
            shape = shape.insert(d, 1);
        }
        debug_assert_eq!(shape.rank() + dropped.len(), rank + new_axes.len());
        y.reshape_to(shape)
    }

    /// Gathers at the tensors among the parts (and numbers beside them); ranges are already taken.
    #[track_caller]
    fn gather_parts(self, parts: &[Part]) -> Value {
        let places: Vec<(usize, Value)> = (parts.iter().enumerate())
            .filter_map(|(d, part)| match part {
                Part::Tensor(v) => Some((d, v.clone())),
                Part::At(i) => Some((d, self.full(Number::Int(*i as i64), TensorType::scalar(DType::I32)))),
                Part::Range { .. } => None,
            })
            .collect();
        let axes: Axes = places.iter().map(|p| p.0).collect();
        let grid = common_grid("get", places.iter().map(|p| p.1.shape()));
        let indices = (places.into_iter())
            .map(|(d, v)| v.wrap_negative(self.shape()[d]).broadcast_to("get", &grid))
            .collect();
        let indices = Value::stack(indices, -1);
        // NumPy: the indexed axes go where the first one was if they are neighbours, else to the front.
        let adjacent = axes.windows(2).all(|w| w[0] + 1 == w[1]);
        let at = if adjacent { axes[0] } else { 0 };
        let total = self.rank() - axes.len() + grid.rank();
        let gather = Gather {
            offset_axes: (0..total).filter(|d| !(at..at + grid.rank()).contains(d)).collect(),
            sizes: (0..self.rank()).map(|d| if axes.contains(&d) { 1 } else { self.shape()[d] }).collect(),
            collapsed_axes: axes.clone(),
            operand_batching_axes: Axes::new(),
            indices_batching_axes: Axes::new(),
            start_index_map: axes,
            mode: IndexMode::Clip,
        };
        for (d, &s) in gather.sizes.iter().enumerate() {
            let empty = gather.collapsed_axes.contains(&d) && self.shape()[d] < s;
            assert!(!empty, "get: axis {d} of shape {} is empty", self.shape());
        }
        Value::apply2(Op::Gather(Arc::new(gather)), self, indices)
    }

    /// Negative places counted from the end of an axis of `size`, as i32 (i64 where the tensor has it).
    #[track_caller]
    pub fn wrap_negative(self, size: usize) -> Value {
        let dtype = if self.dtype().size() == 8 { DType::I64 } else { DType::I32 };
        if self.dtype().is_unsigned() {
            return self.cast(dtype);
        }
        let places = self.cast(dtype);
        let zero = Term::Number(Number::Int(0));
        let wrapped = places.clone().binary(Binary::Add, Term::Number(Number::Int(size as i64)));
        places.clone().compare(Compare::Lt, zero).select(Term::Value(wrapped), Term::Value(places))
    }

    /// This value with the part that an index names updated.
    #[track_caller]
    pub fn update(self, items: &[IndexItem], how: Update, with: Term) -> Value {
        let Plan { parts, new_axes } = Plan::new("at", items, self.shape());
        let rank = self.rank();
        // The axes of the part, in its order: what `get` would give. `None` stands for the grid of the index tensors.
        let tensors: Axes = (0..rank).filter(|&d| matches!(parts[d], Part::Tensor(_))).collect();
        let numbers_too: Axes = (0..rank).filter(|&d| !matches!(parts[d], Part::Range { .. })).collect();
        let grid = common_grid(
            "at",
            tensors.iter().map(|&d| match &parts[d] {
                Part::Tensor(v) => v.shape(),
                _ => unreachable!("chosen above"),
            }),
        );
        let mut order: SmallVec<[Option<usize>; 6]> =
            (0..rank).filter(|d| !numbers_too.contains(d)).map(Some).collect();
        if !tensors.is_empty() {
            let adjacent = numbers_too.windows(2).all(|w| w[0] + 1 == w[1]);
            order.insert(if adjacent { numbers_too[0] } else { 0 }, None);
        }
        // Lay out the updates: windows are ranges of step 1, all others are axes of the index grid.
        let (mut shape, mut window_axes, mut full_grid) = (Axes::new(), Axes::new(), Axes::new());
        let mut grid_axis_of = vec![0; rank];
        let mut grid_start = 0;
        for part in &order {
            match part {
                None => {
                    grid_start = full_grid.len();
                    shape.extend(grid.iter().copied());
                    full_grid.extend(grid.iter().copied());
                }
                Some(d) => match parts[*d] {
                    Part::Range { step: 1, count, .. } => {
                        window_axes.push(shape.len());
                        shape.push(count);
                    }
                    Part::Range { count, .. } => {
                        grid_axis_of[*d] = full_grid.len();
                        shape.push(count);
                        full_grid.push(count);
                    }
                    _ => unreachable!("only ranges are in the order"),
                },
            }
        }
        let full_grid: Shape = full_grid.into_iter().collect();
        let (mut components, mut index_map, mut inserted) = (Values::new(), Axes::new(), Axes::new());
        for (d, part) in parts.iter().enumerate() {
            let ty = TensorType { shape: full_grid.clone(), dtype: DType::I32 };
            let constant = |i: usize| self.full(Number::Int(i as i64), ty.clone());
            let component = match part {
                Part::Range { start: 0, step: 1, .. } => continue,
                Part::Range { start, step: 1, .. } => constant(*start),
                Part::At(i) => {
                    inserted.push(d);
                    constant(*i)
                }
                Part::Range { start, step, .. } => {
                    inserted.push(d);
                    self.iota(ty.clone(), grid_axis_of[d])
                        .binary(Binary::Mul, Term::Number(Number::Int(*step as i64)))
                        .binary(Binary::Add, Term::Number(Number::Int(*start as i64)))
                }
                Part::Tensor(v) => {
                    inserted.push(d);
                    let v = v.clone().wrap_negative(self.shape()[d]).broadcast_to("at", &grid);
                    let axes = (grid_start..grid_start + grid.rank()).collect();
                    v.cast(DType::I32).broadcast_in(full_grid.clone(), axes)
                }
            };
            index_map.push(d);
            components.push(component);
        }
        let indices = if components.is_empty() {
            let none = full_grid.insert(full_grid.rank(), 0);
            self.full(Number::Int(0), TensorType { shape: none, dtype: DType::I32 })
        } else {
            Value::stack(components, -1)
        };
        // The update has the shape of the part, new axes included, which are dropped again.
        let part_shape: Shape = shape.into_iter().collect();
        let shown = new_axes.iter().fold(part_shape.clone(), |s, &d| s.insert(d, 1));
        let with = match with {
            Term::Value(v) => v.cast(self.dtype()).broadcast_to("at", &shown).reshape_to(part_shape),
            Term::Number(n) => self.full(n, TensorType { shape: part_shape, dtype: self.dtype() }),
        };
        let kind = match how {
            Update::Set => ScatterKind::Set,
            Update::Add => ScatterKind::Add,
            Update::Mul => ScatterKind::Mul,
            Update::Min => ScatterKind::Min,
            Update::Max => ScatterKind::Max,
        };
        let scatter = Scatter {
            kind,
            window_axes,
            inserted_axes: inserted,
            operand_batching_axes: Axes::new(),
            indices_batching_axes: Axes::new(),
            index_map,
            mode: IndexMode::Fill,
        };
        Value::apply_all(Op::Scatter(Arc::new(scatter)), smallvec![self, indices, with])
    }
}

/// The shape that index tensors broadcast to.
#[track_caller]
fn common_grid<'a>(name: &str, shapes: impl Iterator<Item = &'a Shape>) -> Shape {
    shapes.fold(Shape::scalar(), |grid, shape| match grid.broadcast(shape) {
        Some(grid) => grid,
        None => panic!("{name}: index tensors of shapes {grid} and {shape} do not broadcast"),
    })
}
