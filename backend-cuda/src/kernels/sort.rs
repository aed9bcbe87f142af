//! Stable sorting along an axis, and the largest elements: places in order first, then each operand is gathered through them.
//!
//! Rows are copied side by side, unless they lie so. A row that fits the memory that a cube shares is sorted by one, several short ones
//! together; a longer one in a power of two of pairs in memory, whose near steps cubes do in shared memory, and far steps are
//! part of a launch ([`network`]). Where several operands decide, the rows are sorted by one after the other, the last one first. Of a
//! few largest, those of each tile go on, until they fit one.

mod network;

use super::Queue;
use crate::data::{self, Buffer, GpuData, Storage};
use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, U32, of};
use crate::queue::{Code, queue as put};
use cubecl::ir::{Builtin, Comparison, Type};
use cubecl::prelude::Runtime;
use network::{Far, From, Tiles, To};
use plywood_core::shape::Axes;
use plywood_core::{DType, Shape, TensorType, Value, Values};
use plywood_kernel::layout::{Layout, row_major};
use smallvec::smallvec;
use std::sync::Arc;

/// Units of a cube that moves elements.
const UNITS: u32 = 256;
/// The log of a tile that several rows share, at most.
const SHARED: u32 = 9;
/// The log of a tile, at least.
const LEAST: u32 = 6;
/// Steps that a unit does between pairs of different tiles, at most.
const STEPS: u32 = 3;

/// Rows of elements in memory.
struct Rows {
    buffer: Buffer,
    dtype: DType,
    /// The first element.
    offset: usize,
    /// From a row to the next.
    step: usize,
    rows: usize,
    columns: usize,
}

/// All operands alike along an axis, by the first `keys`.
pub fn sort<R: Runtime>(
    queue: &Queue<'_, R>,
    types: &[TensorType],
    x: Values,
    axis: usize,
    keys: usize,
) -> Values {
    if x[0].shape()[axis] <= 1 || x[0].ty().elements() == 0 {
        return x;
    }
    // A number is its own order.
    let rows: Vec<Option<Rows>> =
        x.iter().map(|x| (!is_number(x)).then(|| Rows::of(queue, x, axis))).collect();
    let Some(places) = places(queue, &rows[..keys]) else { return x };
    let of = |((x, rows), ty): ((&Value, &Option<Rows>), &TensorType)| match rows {
        None => x.clone(),
        Some(rows) => gather(queue, rows, &places, rows.columns).turned_back(queue, ty, axis),
    };
    x.iter().zip(&rows).zip(types).map(of).collect()
}

/// The k largest along an axis, and their places.
pub fn top_k<R: Runtime>(
    queue: &Queue<'_, R>,
    types: &[TensorType],
    x: &Value,
    k: usize,
    axis: usize,
) -> Values {
    let [values, at] = [&types[0], &types[1]];
    if values.elements() == 0 {
        return types.iter().map(|ty| queue.number(ty.clone(), [0; 8])).collect();
    }
    let rows = Rows::of(queue, x, axis);
    let places = order(queue, &rows, k, true);
    let largest = gather(queue, &rows, &places, k);
    // What is beyond the k first is not kept.
    let places = Rows { dtype: DType::I32, ..places };
    let places = if places.step > k { queue.copied(&places.value(queue)) } else { places.value(queue) };
    let places = Rows::of(queue, &places, 1);
    smallvec![largest.turned_back(queue, values, axis), places.turned_back(queue, at, axis)]
}

fn is_number(x: &Value) -> bool {
    matches!(data::data(x).storage, Storage::Number(_))
}

impl Rows {
    /// A value's, along an axis.
    fn of<R: Runtime>(queue: &Queue<'_, R>, x: &Value, axis: usize) -> Rows {
        let mut order: Axes = (0..x.rank()).collect();
        let axis = order.remove(axis);
        order.push(axis);
        let shape: Shape = order.iter().map(|&d| x.shape()[d]).collect();
        let lanes = queue.view(x.ty().with_shape(shape), x, data::data(x).layout.transposed(&order));
        let lanes = queue.contiguous(lanes);
        let GpuData { layout, storage: Storage::Device(buffer), .. } = data::data(&lanes) else {
            unreachable!("it is in order, in memory")
        };
        let columns = x.shape()[axis];
        let rows = x.ty().elements() / columns.max(1);
        Rows { buffer: buffer.clone(), dtype: x.dtype(), offset: layout.offset, step: columns, rows, columns }
    }

    /// As a value with a row for each.
    fn value<R: Runtime>(&self, queue: &Queue<'_, R>) -> Value {
        let ty = TensorType::new(Shape::from([self.rows, self.columns]), self.dtype);
        let strides = row_major(&[self.rows, self.step]);
        queue.value(ty, Layout { strides, offset: self.offset }, Storage::Device(self.buffer.clone()))
    }

    /// As a value of this type, whose rows lie along an axis.
    fn turned_back<R: Runtime>(self, queue: &Queue<'_, R>, ty: &TensorType, axis: usize) -> Value {
        let mut sizes: Axes = ty.shape[..].into();
        let n = sizes.remove(axis);
        sizes.push(n);
        let mut strides = row_major(&sizes);
        let step = strides.pop().expect("the axis");
        strides.insert(axis, step);
        queue.value(ty.clone(), Layout { strides, offset: self.offset }, Storage::Device(self.buffer))
    }
}

/// The places of all rows' elements in order; none where nothing decides.
fn places<R: Runtime>(queue: &Queue<'_, R>, keys: &[Option<Rows>]) -> Option<Rows> {
    keys.iter().flatten().rev().fold(None, |places, key| {
        let Some(places) = places else { return Some(order(queue, key, key.columns, false)) };
        let next = order(queue, &gather(queue, key, &places, key.columns), key.columns, false);
        Some(gather(queue, &places, &next, key.columns))
    })
}

/// The places of the first `keep` of each row's elements in order.
fn order<R: Runtime>(queue: &Queue<'_, R>, x: &Rows, keep: usize, descending: bool) -> Rows {
    let facts = &queue.client.facts;
    let key = network::key(x.dtype);
    let fits = (facts.shared / (key.size() + 4)).min(2 * facts.units.min(1024) as usize).ilog2();
    let sorter = Sorter { queue, x, key, fits, descending };
    match log(x.columns) > fits && 4 * keep > 1 << fits {
        true => Rows { columns: keep, ..sorter.long() },
        false => sorter.best(keep),
    }
}

/// The log of the power of two that so many fit.
fn log(n: usize) -> u32 {
    n.next_power_of_two().ilog2()
}

/// Rows while they are sorted.
struct Sorter<'a, R: Runtime> {
    queue: &'a Queue<'a, R>,
    x: &'a Rows,
    /// The dtype of keys.
    key: DType,
    /// The log of the longest tile.
    fits: u32,
    descending: bool,
}

/// One launch over tiles.
struct Pass {
    from: From,
    to: To,
    /// Of a tile.
    log: u32,
    /// Of a row's power of two, and how much of it there is.
    row: u32,
    columns: usize,
    /// Of a group, and how many of it are kept.
    group: u32,
    keep: usize,
    /// The first and the last round.
    rounds: (u32, u32),
}

/// Keys and places in memory.
struct Pairs {
    keys: Buffer,
    places: Buffer,
}

impl<R: Runtime> Sorter<'_, R> {
    /// The first `keep`: those of each tile, until a row fits one.
    fn best(&self, keep: usize) -> Rows {
        let mut columns = self.x.columns;
        let mut before: Option<Pairs> = None;
        loop {
            let row = log(columns);
            let total = self.x.rows << row;
            let shared = SHARED.min(log(total)).max(LEAST).min(self.fits);
            let last = row <= self.fits;
            let log = if last { row.max(shared) } else { self.fits };
            let groups = if last { self.x.rows } else { total >> log };
            let group = row.min(log);
            let after = Pairs {
                keys: self.queue.client.empty(if last { 0 } else { groups * keep * self.key.size() }),
                places: self.queue.client.empty(groups * keep * 4),
            };
            let from = if before.is_some() { From::Pairs } else { From::Elements };
            let to = if last { To::Places } else { To::Pairs };
            self.pass(
                &Pass { from, to, log, row, columns, group, keep, rounds: (1, group) },
                before.as_ref(),
                &after,
            );
            if last {
                return self.places(after.places, keep, keep);
            }
            columns = groups / self.x.rows * keep;
            before = Some(after);
        }
    }

    /// Rows that fit no tile, all of them.
    fn long(&self) -> Rows {
        let (client, x, log) = (self.queue.client, self.x, self.fits);
        let row = self::log(x.columns);
        let total = x.rows << row;
        let pairs = Pairs { keys: client.empty(total * self.key.size()), places: client.empty(total * 4) };
        let all = |from, columns, rounds| Pass {
            from,
            to: To::Pairs,
            log,
            row,
            columns,
            group: row,
            keep: 1 << row,
            rounds,
        };
        self.pass(&all(From::Elements, x.columns, (1, log)), None, &pairs);
        let word = of(memory::elem(self.key, Stored::Native), 1);
        let arguments = [(&pairs.keys, word), (&pairs.places, of(U32, 1))];
        for round in log + 1..=row {
            let mut left = round - log;
            while left > 0 {
                let steps = left.min(STEPS);
                left -= steps;
                let far = Arc::new(Far { dtype: x.dtype, steps });
                let units = total >> steps;
                let numbers = [units as u32, row, round, log + left];
                put(client, "sort_far", far, &arguments, &numbers, UNITS, units.div_ceil(UNITS as usize));
            }
            self.pass(&all(From::Itself, 1 << row, (round, round)), None, &pairs);
        }
        self.places(pairs.places, x.columns, 1 << row)
    }

    fn places(&self, buffer: Buffer, columns: usize, step: usize) -> Rows {
        Rows { buffer, dtype: DType::U32, offset: 0, step, rows: self.x.rows, columns }
    }

    fn pass(&self, pass: &Pass, before: Option<&Pairs>, after: &Pairs) {
        let Pass { from, to, log, row, columns, group, keep, rounds: (first, last) } = *pass;
        let (client, bf16) = (self.queue.client, self.queue.client.facts.bf16);
        let total = self.x.rows << row;
        assert!(total < 1 << 31, "sort: {} sorts less than 2^31 elements, not {total}", client.device);
        let word = of(memory::elem(self.key, Stored::Native), 1);
        let elem = of(memory::elem(self.x.dtype, bf16), 1);
        let pairs = |pairs: &'_ Pairs| [(pairs.keys.clone(), word), (pairs.places.clone(), of(U32, 1))];
        let mut arguments: Vec<(Buffer, Type)> = Vec::new();
        let mut offset = 0;
        match (from, before) {
            (From::Elements, _) => {
                offset = self.x.offset;
                arguments.push((self.x.buffer.clone(), elem));
            }
            (From::Pairs, before) => arguments.extend(pairs(before.expect("there are pairs"))),
            (From::Itself, _) => {}
        }
        match to {
            To::Pairs => arguments.extend(pairs(after)),
            To::Places => arguments.push((after.places.clone(), of(U32, 1))),
        }
        let arguments: Vec<(&Buffer, Type)> = arguments.iter().map(|(buffer, ty)| (buffer, *ty)).collect();
        // What is sorted again is in the order of its keys.
        let descending = self.descending && from == From::Elements;
        let code = Tiles { dtype: self.x.dtype, bf16, descending, log, from, to };
        let numbers = [total as u32, row, columns as u32, group, keep as u32, first, last, offset as u32];
        put(
            client,
            "sort_tiles",
            Arc::new(code),
            &arguments,
            &numbers,
            1 << (log - 1),
            total.div_ceil(1 << log),
        );
    }
}

/// The elements at the first `columns` places of each row.
fn gather<R: Runtime>(queue: &Queue<'_, R>, x: &Rows, places: &Rows, columns: usize) -> Rows {
    let bf16 = queue.client.facts.bf16;
    let elem = of(memory::elem(x.dtype, bf16), 1);
    let total = x.rows * columns;
    let buffer = queue.client.empty(total * x.dtype.size());
    let numbers = [total, columns, x.offset, x.step, places.offset, places.step].map(|n| n as u32);
    let arguments = [(&x.buffer, elem), (&places.buffer, of(U32, 1)), (&buffer, elem)];
    let code = Arc::new(Gather { dtype: x.dtype, bf16 });
    put(queue.client, "sort_gather", code, &arguments, &numbers, UNITS, total.div_ceil(UNITS as usize));
    Rows { buffer, dtype: x.dtype, offset: 0, step: columns, rows: x.rows, columns }
}

/// Elements of rows by their places.
///
/// Arguments: the elements, places, the results. Numbers: how many results, and in a row; the first element, and from a row to the next;
/// the same of places.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Gather {
    dtype: DType,
    bf16: Stored,
}

impl Code for Gather {
    fn write(&self, mut e: Emit) -> Emit {
        let elem = of(memory::elem(self.dtype, self.bf16), 1);
        let (x, places, out) = (e.input(elem), e.input(of(U32, 1)), e.output(elem));
        let [total, columns, offset, step, first, place_step] = [(); 6].map(|()| e.scalar(U32));
        let position = e.builtin(Builtin::AbsolutePos);
        let inside = e.compare(Comparison::Lower, position, total);
        e.when(inside, |e| {
            let (row, column) = (e.div(position, columns), e.rem(position, columns));
            let at = e.mul(row, place_step);
            let at = e.add(at, column);
            let at = e.add(at, first);
            let place = e.load(places, at);
            let from = e.mul(row, step);
            let from = e.add(from, place);
            let from = e.add(from, offset);
            let element = e.load(x, from);
            e.store(out, position, element);
        });
        e
    }
}
