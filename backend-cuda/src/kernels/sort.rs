//! Stable sorting along an axis, and the largest elements: places in order first, then each operand is gathered through them.
//!
//! Rows are copied side by side, unless they lie so. A row that fits the memory that a cube shares is sorted by one, several short ones
//! together; a longer one in a power of two of pairs in memory, whose near steps cubes do in shared memory, and each far step is
//! a launch ([`network`]). Where several operands decide, the rows are sorted by one after the other, the last one first.

mod network;

use super::Queue;
use crate::data::{self, Buffer, GpuData, Storage};
use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, U32, of};
use crate::queue::{Code, queue as put};
use cubecl::ir::{Builtin, Comparison};
use cubecl::prelude::{KernelBuilder, Runtime};
use network::{Far, Stage, Tiles};
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
pub fn sort<R: Runtime>(queue: &Queue<'_, R>, types: &[TensorType], x: Values, axis: usize, keys: usize) -> Values {
    if x[0].shape()[axis] <= 1 || x[0].ty().elements() == 0 {
        return x;
    }
    // A number is its own order.
    let rows: Vec<Option<Rows>> = x.iter().map(|x| (!is_number(x)).then(|| Rows::of(queue, x, axis))).collect();
    let Some(places) = places(queue, &rows[..keys], false) else { return x };
    let of = |((x, rows), ty): ((&Value, &Option<Rows>), &TensorType)| match rows {
        None => x.clone(),
        Some(rows) => gather(queue, rows, &places, rows.columns).turned_back(queue, ty, axis),
    };
    x.iter().zip(&rows).zip(types).map(of).collect()
}

/// The k largest along an axis, and their places.
pub fn top_k<R: Runtime>(queue: &Queue<'_, R>, types: &[TensorType], x: &Value, k: usize, axis: usize) -> Values {
    let [values, at] = [&types[0], &types[1]];
    if values.elements() == 0 {
        return types.iter().map(|ty| queue.number(ty.clone(), [0; 8])).collect();
    }
    let rows = [Some(Rows::of(queue, x, axis))];
    let places = places(queue, &rows, true).expect("it has a key");
    let largest = gather(queue, rows[0].as_ref().expect("it is in memory"), &places, k);
    // What is beyond the k first is not kept.
    let places = Rows { dtype: DType::I32, columns: k, ..places };
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
        let ty = TensorType { dtype: self.dtype, shape: Shape::from([self.rows, self.columns]) };
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
fn places<R: Runtime>(queue: &Queue<'_, R>, keys: &[Option<Rows>], descending: bool) -> Option<Rows> {
    keys.iter().flatten().rev().fold(None, |places, key| {
        let Some(places) = places else { return Some(order(queue, key, descending)) };
        let next = order(queue, &gather(queue, key, &places, key.columns), descending);
        Some(gather(queue, &places, &next, key.columns))
    })
}

/// The places of all rows' elements in the order of these.
fn order<R: Runtime>(queue: &Queue<'_, R>, x: &Rows, descending: bool) -> Rows {
    let (client, facts) = (queue.client, &queue.client.facts);
    let row = x.columns.next_power_of_two().ilog2();
    let total = x.rows << row;
    assert!(total < 1 << 31, "sort: {} sorts less than 2^31 elements, not {total}", client.device);
    let key = network::key(x.dtype);
    let fits = (facts.shared / (key.size() + 4)).min(2 * facts.units.min(1024) as usize).ilog2();
    let log = match row > fits {
        true => fits,
        false => row.max(SHARED.min(fits).min(total.next_power_of_two().ilog2())).max(LEAST.min(fits)),
    };
    let stage = if row > log { Stage::First } else { Stage::Whole };
    let tiles = |stage, descending| Arc::new(Tiles { dtype: x.dtype, bf16: facts.bf16, descending, log, stage });
    let (units, cubes) = (1 << (log - 1), total.div_ceil(1 << log));
    let numbers = |first: u32, last: u32| [total as u32, x.columns as u32, row, first, last, x.offset as u32];
    let (elem, word, place) = (of(memory::elem(x.dtype, facts.bf16), 1), of(memory::elem(key, Stored::Native), 1), of(U32, 1));
    let step = if stage == Stage::Whole { x.columns } else { 1 << row };
    let places = client.empty(x.rows * step * 4);
    let done = |buffer| Rows { buffer, dtype: DType::U32, offset: 0, step, rows: x.rows, columns: x.columns };
    if stage == Stage::Whole {
        let arguments = [(&x.buffer, elem), (&places, place)];
        put(client, "sort_rows", tiles(stage, descending), &arguments, &numbers(1, row), units, cubes);
        return done(places);
    }
    let keys = client.empty(total * key.size());
    let arguments = [(&x.buffer, elem), (&keys, word), (&places, place)];
    put(client, "sort_tiles", tiles(stage, descending), &arguments, &numbers(1, log), units, cubes);
    let arguments = [(&keys, word), (&places, place)];
    let far = Arc::new(Far { dtype: x.dtype });
    for round in log + 1..=row {
        for distance in (log..round).rev() {
            let numbers = [total as u32 / 2, row, round, distance];
            put(client, "sort_far", far.clone(), &arguments, &numbers, UNITS, (total / 2).div_ceil(UNITS as usize));
        }
        put(client, "sort_near", tiles(Stage::Near, false), &arguments, &numbers(round, round), units, cubes);
    }
    done(places)
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
    fn write(&self, builder: KernelBuilder) -> KernelBuilder {
        let mut e = Emit::new(builder);
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
        e.finish()
    }
}
