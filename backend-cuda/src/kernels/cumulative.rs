//! Running reductions along an axis: each row by a unit, by a cube, or in blocks by several ([`scan`]).
//!
//! Floats are summed up as wide as they are, but for 16-bit ones, in f32: neighbours and then their totals, so that errors grow with a
//! row's logarithm where a cube takes it.

mod across;
mod scan;
mod step;

use super::Queue;
use crate::data::{self, Buffer, GpuData, Storage};
use crate::emit::memory;
use crate::emit::{of, ops};
use crate::queue::queue as put;
use cubecl::ir::Type;
use cubecl::prelude::Runtime;
use plywood_core::op::Cumulation;
use plywood_core::shape::Axes;
use plywood_core::{Shape, TensorType, Value};
use scan::{EACH, Scan, Work};
use std::sync::Arc;
use step::Steps;

/// Columns of a row that a unit takes alone, at most, where its neighbours' do not lie beside its own.
const ALONE: usize = 32;
/// So many rows that lie side by side keep a device busy, a unit each.
const BESIDE: usize = 4096;
/// A row is cut into blocks where it is longer than this, and there are few.
const LONG: usize = 1 << 15;
/// Cubes that keep a device busy.
const CUBES: usize = 256;

/// Each element with all before it along an axis, or all behind it.
pub fn cumulative<R: Runtime>(
    queue: &Queue<'_, R>,
    ty: TensorType,
    x: Value,
    kind: Cumulation,
    axis: usize,
    reverse: bool,
) -> Value {
    let columns = ty.shape[axis];
    if columns <= 1 || ty.elements() == 0 {
        return x;
    }
    let inner: usize = ty.shape[axis + 1..].iter().product();
    let rows = ty.elements() / columns;
    if inner > 1 && columns > ALONE && rows < BESIDE && queue.client.facts.units >= 64 {
        // Along memory, on a copy with the axis last.
        let mut order: Axes = (0..ty.rank()).collect();
        order.push(order[axis]);
        order.remove(axis);
        let turned = |ty: &TensorType, order: &[usize]| {
            ty.with_shape(order.iter().map(|&d| ty.shape[d]).collect::<Shape>())
        };
        let there = turned(&ty, &order);
        let lanes = queue.view(there.clone(), &x, data::data(&x).layout.transposed(&order));
        let y = cumulative(queue, there, lanes, kind, ty.rank() - 1, reverse);
        let mut back: Axes = (0..ty.rank() - 1).collect();
        back.insert(axis, ty.rank() - 1);
        return queue.view(ty, &y, data::data(&y).layout.transposed(&back));
    }
    let x = queue.contiguous(x);
    let GpuData { layout, storage: Storage::Device(elements), .. } = data::data(&x) else {
        unreachable!("it is in order, in memory")
    };
    let results = queue.empty(&ty);
    let job = Job { ty: &ty, kind, elements, offset: layout.offset, rows, columns, inner, reverse };
    job.run(queue, &results);
    queue.filled(ty, results)
}

/// Rows of elements.
struct Job<'a> {
    ty: &'a TensorType,
    kind: Cumulation,
    elements: &'a Buffer,
    offset: usize,
    rows: usize,
    columns: usize,
    /// How many rows lie side by side.
    inner: usize,
    reverse: bool,
}

impl Job<'_> {
    fn run<R: Runtime>(&self, queue: &Queue<'_, R>, results: &Buffer) {
        let (client, facts) = (queue.client, &queue.client.facts);
        assert!(
            u32::try_from(self.ty.elements()).is_ok(),
            "{}: {} counts 2^32 elements",
            self.kind.name(),
            client.device
        );
        let elem = of(memory::elem(self.ty.dtype, facts.bf16), 1);
        if self.inner > 1 || self.columns <= ALONE || facts.units < 64 {
            let arguments = [(self.elements, elem), (results, elem)];
            return self.put(queue, Work::Unit, &arguments, 64, self.rows.div_ceil(64), (1, self.columns));
        }
        let state = Steps::new(self.kind, self.ty.dtype).state;
        let bytes: usize = state.iter().map(|ty| ty.width().map_or(4, |w| w.bytes())).sum();
        let most = (facts.units.min(1024) as usize).min(facts.shared / (2 * bytes));
        let units = self.columns.div_ceil(EACH).next_power_of_two().clamp(32, 1 << most.ilog2());
        let tile = units * EACH;
        let blocks = (CUBES / self.rows).min(self.columns.div_ceil(tile));
        let units = units as u32;
        if self.columns <= LONG || blocks <= 1 {
            let arguments = [(self.elements, elem), (results, elem)];
            return self.put(queue, Work::Cube(units), &arguments, units, self.rows, (1, self.columns));
        }
        let long = self.columns.div_ceil(blocks).next_multiple_of(tile);
        let blocks = self.columns.div_ceil(long);
        let cubes = self.rows * blocks;
        let totals: Vec<(Buffer, Type)> = state
            .iter()
            .map(|&ty| (client.empty(cubes * step::dtype(ty).size()), ops::lanes(ty, 1)))
            .collect();
        let known = totals.iter().map(|(buffer, ty)| (buffer, *ty));
        let arguments: Vec<_> = [(self.elements, elem)].into_iter().chain(known.clone()).collect();
        self.put(queue, Work::Totals(units), &arguments, units, cubes, (blocks, long));
        let arguments: Vec<_> =
            [(self.elements, elem)].into_iter().chain(known).chain([(results, elem)]).collect();
        self.put(queue, Work::Block(units), &arguments, units, cubes, (blocks, long));
    }

    fn put<R: Runtime>(
        &self,
        queue: &Queue<'_, R>,
        work: Work,
        arguments: &[(&Buffer, Type)],
        units: u32,
        cubes: usize,
        (blocks, long): (usize, usize),
    ) {
        let facts = &queue.client.facts;
        let (start, step) = match self.reverse {
            false => (0, self.inner as u32),
            true => (((self.columns - 1) * self.inner) as u32, (self.inner as u32).wrapping_neg()),
        };
        let mut numbers = Vec::with_capacity(9);
        numbers.extend([self.rows, self.columns, self.inner, blocks, long, self.offset].map(|n| n as u32));
        numbers.extend([start, step]);
        let code = Scan { kind: self.kind, dtype: self.ty.dtype, bf16: facts.bf16, plane: facts.plane, work };
        let name = match work {
            Work::Unit => "scan_by_unit",
            Work::Cube(_) => "scan_by_cube",
            Work::Totals(_) => "scan_totals",
            Work::Block(_) => "scan_blocks",
        };
        put(queue.client, name, Arc::new(code), arguments, &numbers, units, cubes);
    }
}
