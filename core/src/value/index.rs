//! NumPy's indexing: numbers, ranges with steps, new axes, an ellipsis, integer tensors; reading and updating.
//!
//! Reading first takes the regular part (slices and reversals, views on a CPU), then gathers at the tensors' places.
//! Updating is one scatter: ranges of step 1 are its window, everything else is spelled out in its indices.
//! Where the indices' values are known they are checked; in a recorded function reads clamp and writes are dropped.
//! Boolean masks are read, and become the index tensors of their true places ([`mask`](super::mask)).

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
    /// The places that an integer tensor holds, or the true places of a boolean one, which takes as many axes as it has.
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

/// What an axis of the result is.
#[derive(Clone, Copy)]
enum Slot {
    /// A range of this axis of the operand.
    Range(usize),
    /// All axes that the index tensors broadcast to.
    Grid,
    /// A new axis of size 1.
    New,
}

/// An index against a shape: a part for every axis, and what the axes of the result are.
struct Plan {
    parts: Vec<Part>,
    slots: SmallVec<[Slot; 6]>,
    /// The shape of the index tensors together; numbers beside them belong to them, as in NumPy.
    grid: Option<Shape>,
}

impl Plan {
    /// The index has no masks any more.
    #[track_caller]
    fn new(name: &str, items: &[IndexItem], shape: &Shape) -> Plan {
        let takes = |i: &&IndexItem| !matches!(i, IndexItem::NewAxis | IndexItem::Ellipsis);
        let taken = items.iter().filter(takes).count();
        let ellipses = items.iter().filter(|i| matches!(i, IndexItem::Ellipsis)).count();
        assert!(taken <= shape.rank(), "{name}: {taken} indices into a tensor of shape {shape}");
        assert!(ellipses <= 1, "{name}: an index has at most one ellipsis");
        let rest = shape.rank() - taken;
        let advanced = items.iter().any(|i| matches!(i, IndexItem::Tensor(_)));
        let mut plan = Plan { parts: Vec::new(), slots: SmallVec::new(), grid: None };
        // Where in the index, and in the result, the parts stand that make up the grid.
        let (mut gridded, mut grid_slot) = (Axes::new(), None);
        for (position, item) in items.iter().enumerate() {
            let d = plan.parts.len();
            match item {
                IndexItem::NewAxis => plan.slots.push(Slot::New),
                IndexItem::Ellipsis => plan.whole(rest, shape),
                IndexItem::At(i) => plan.parts.push(Part::At(place(name, *i, d, shape))),
                IndexItem::Range { start, end, step } => {
                    plan.parts.push(range(name, *start, *end, *step, shape[d]));
                    plan.slots.push(Slot::Range(d));
                }
                IndexItem::Tensor(v) => {
                    assert!(v.dtype().is_integer(), "{name}: an index tensor holds integers, not {}", v.ty());
                    check_bounds(name, v, d, shape);
                    plan.parts.push(Part::Tensor(v.clone()));
                }
            }
            if advanced && matches!(item, IndexItem::At(_) | IndexItem::Tensor(_)) {
                gridded.push(position);
                grid_slot.get_or_insert(plan.slots.len());
            }
        }
        let missing = shape.rank() - plan.parts.len();
        plan.whole(missing, shape);
        if let Some(first) = grid_slot {
            // NumPy: the grid goes where the first of its parts stands if they are neighbours, else to the front.
            let neighbours = gridded.windows(2).all(|w| w[0] + 1 == w[1]);
            plan.slots.insert(if neighbours { first } else { 0 }, Slot::Grid);
            let mut grid = Shape::scalar();
            for part in &plan.parts {
                if let Part::Tensor(v) = part {
                    grid = match grid.broadcast(v.shape()) {
                        Some(grid) => grid,
                        None => panic!(
                            "{name}: index tensors of shapes {grid} and {} do not broadcast",
                            v.shape()
                        ),
                    };
                }
            }
            plan.grid = Some(grid);
        }
        plan
    }

    /// The next `n` axes, taken whole.
    fn whole(&mut self, n: usize, shape: &Shape) {
        for _ in 0..n {
            let d = self.parts.len();
            self.parts.push(Part::Range { start: 0, step: 1, count: shape[d] });
            self.slots.push(Slot::Range(d));
        }
    }

    /// The shape of the result.
    fn shape(&self) -> Shape {
        let mut sizes = Axes::new();
        for slot in &self.slots {
            match *slot {
                Slot::New => sizes.push(1),
                Slot::Grid => sizes.extend(self.grid.iter().flat_map(|g| g.iter().copied())),
                Slot::Range(d) => sizes.push(match self.parts[d] {
                    Part::Range { count, .. } => count,
                    Part::At(_) | Part::Tensor(_) => unreachable!("not a range"),
                }),
            }
        }
        sizes.into_iter().collect()
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
pub(crate) fn check_bounds(name: &str, index: &Value, axis: usize, shape: &Shape) {
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
        let items = super::mask::expanded("get", items, &self);
        let plan = Plan::new("get", &items, self.shape());
        let advanced = plan.grid.is_some();
        let (mut starts, mut limits) = (Axes::new(), Axes::new());
        let (mut strides, mut reversed) = (Axes::new(), Axes::new());
        for (d, part) in plan.parts.iter().enumerate() {
            let (start, step, count) = match part {
                // Beside index tensors a number is an index tensor too, as in NumPy.
                Part::At(i) if !advanced => (*i, 1, 1),
                Part::At(_) | Part::Tensor(_) => (0, 1, self.shape()[d]),
                Part::Range { start, step, count } => (*start, *step, *count),
            };
            if step < 0 {
                reversed.push(d);
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
        if let Some(grid) = &plan.grid {
            let ranges_before = |slots: &[Slot]| slots.iter().filter(|s| matches!(s, Slot::Range(_))).count();
            let at = plan.slots.iter().position(|s| matches!(s, Slot::Grid)).unwrap_or(0);
            y = y.gather_parts(&plan.parts, grid, ranges_before(&plan.slots[..at]));
        }
        y.reshape_to(plan.shape())
    }

    /// Gathers at the tensors among the parts (and numbers beside them), the grid's axes from axis `at` on; ranges are
    /// already taken.
    #[track_caller]
    fn gather_parts(self, parts: &[Part], grid: &Shape, at: usize) -> Value {
        let (mut axes, mut indices) = (Axes::new(), Values::new());
        for (d, part) in parts.iter().enumerate() {
            let places = match part {
                Part::Tensor(v) => v.clone().wrap_negative(self.shape()[d]),
                Part::At(i) => self.full(Number::Int(*i as i64), TensorType::scalar(DType::I32)),
                Part::Range { .. } => continue,
            };
            axes.push(d);
            indices.push(places.broadcast_to("get", grid));
        }
        let indices = Value::stack(indices, -1);
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
            if empty && grid.elements() == 0 {
                // Nothing is read from nothing.
                let sizes = (0..total).map(|d| match d.checked_sub(at) {
                    Some(g) if g < grid.rank() => grid[g],
                    _ => self.shape()[offset_axis(&gather, d)],
                });
                return self.full(Number::Int(0), self.ty().with_shape(sizes.collect::<Shape>()));
            }
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
        if let Some(updated) = super::mask::update(&self, items, how, &with) {
            return updated;
        }
        let items = super::mask::expanded("at", items, &self);
        let plan = Plan::new("at", &items, self.shape());
        let shown = plan.shape();
        let Plan { parts, slots, grid } = plan;
        let grid = grid.unwrap_or_default();
        let rank = self.rank();
        // Lay out the updates: windows are ranges of step 1, all others are axes of the index grid.
        let (mut shape, mut window_axes, mut full_grid) = (Axes::new(), Axes::new(), Axes::new());
        let mut grid_axis_of = vec![0; rank];
        let mut grid_start = 0;
        for slot in &slots {
            match slot {
                Slot::New => {}
                Slot::Grid => {
                    grid_start = full_grid.len();
                    shape.extend(grid.iter().copied());
                    full_grid.extend(grid.iter().copied());
                }
                Slot::Range(d) => match parts[*d] {
                    Part::Range { step: 1, count, .. } => {
                        window_axes.push(shape.len());
                        shape.push(count);
                    }
                    Part::Range { count, .. } => {
                        grid_axis_of[*d] = full_grid.len();
                        shape.push(count);
                        full_grid.push(count);
                    }
                    Part::At(_) | Part::Tensor(_) => unreachable!("not a range"),
                },
            }
        }
        let full_grid: Shape = full_grid.into_iter().collect();
        let (mut components, mut index_map, mut inserted) = (Values::new(), Axes::new(), Axes::new());
        for (d, part) in parts.iter().enumerate() {
            let ty = TensorType::new(full_grid.clone(), DType::I32);
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
            self.full(Number::Int(0), TensorType::new(none, DType::I32))
        } else {
            Value::stack(components, -1)
        };
        // The update has the shape of the part, new axes included, which are dropped again.
        let part_shape: Shape = shape.into_iter().collect();
        let with = match with {
            Term::Value(v) => v.cast(self.dtype()).broadcast_to("at", &shown).reshape_to(part_shape),
            Term::Number(n) => self.full(n, TensorType::new(part_shape, self.dtype())),
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

/// The operand's axis that output axis `d`, an offset axis, is of.
fn offset_axis(gather: &Gather, d: usize) -> usize {
    let nth = gather.offset_axes.iter().filter(|&&o| o < d).count();
    gather.window_axes()[nth]
}
