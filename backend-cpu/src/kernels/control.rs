//! Loops: one kernel where a step is small and element by element ([`fused::looped`]); else bodies run as plans, unless they run too seldom for a plan to pay. Stacked results: a slice is copied to its place when
//! its step is done, so that it is held once.

use crate::Cpu;
use crate::data::{self, CpuData, View};
use crate::dispatch::by_size;
use crate::fused;
use crate::layout::Layout;
use crate::storage::Storage;
use plywood_core::control::interpret::{self, Runs, Stack};
use plywood_core::op::{Cond, Scan, While};
use plywood_core::{Backend, Engine, Equation, Graph, Op, Shape, TensorType, Value, Values, Var};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Equations of all runs of a body, those before and those that are known to follow, at least: then it gets a plan, or a
/// scan its kernel.
pub(crate) const MANY: usize = 64;

/// How the CPU runs bodies.
struct Bodies;

impl Runs for Bodies {
    fn engine(&self) -> &'static dyn Engine {
        Cpu::ENGINE
    }

    fn run(&self, body: &Arc<Graph>, inputs: Values, least: usize) -> Values {
        let equations = body.equations().len();
        // A body that is recorded once and run again and again, as a branch in a jitted function is, counts its runs.
        let is_run_often = || {
            let before = body.memo().get::<AtomicUsize>(b"equations run", AtomicUsize::default);
            before.fetch_add(equations, Ordering::Relaxed) >= MANY
        };
        match fused::is_planned(body) || least * equations >= MANY || is_run_often() {
            true => fused::call(body, inputs),
            false => body.replay(Cpu::ENGINE, inputs),
        }
    }

    fn slice(&self, x: &Value, step: usize) -> Value {
        let CpuData { layout, storage } = data::data(x);
        let ty = x.ty().with_shape(Shape::from(&x.shape()[1..]));
        let offset = (layout.offset as isize + step as isize * layout.strides[0]) as usize;
        data::value(ty, Layout { strides: layout.strides[1..].into(), offset }, storage.clone())
    }

    fn stack(&self, ty: &TensorType) -> Box<dyn Stack> {
        Box::new(Stacked::new(ty))
    }
}

/// Inputs: constants, state, tensors to be scanned.
pub fn scan(types: &[TensorType], mut x: Values, scan: &Scan) -> Values {
    x = match fused::looped::scan(types, x, scan) {
        Ok(outputs) => return outputs,
        Err(x) => x,
    };
    if scan.length >= OFTEN {
        for (i, x) in x.iter_mut().enumerate().take(scan.constants) {
            if is_read_turned(&scan.body, scan.body.inputs()[i]) {
                turn(x);
            }
        }
    }
    interpret::scan(&Bodies, types, x, scan)
}

/// Steps of a scan for which a constant is laid out anew, at least; and elements of it.
const OFTEN: usize = 8;
const LARGE: usize = 1 << 12;

/// Whether a matrix is read as the right side of products alone, which go along its rows: their kernels want its columns in line.
fn is_read_turned(body: &Graph, v: Var) -> bool {
    let ty = body.ty(v);
    let turned = |e: &Equation| match &e.op {
        Op::Dot(dot) => e.inputs[0] != v && dot.rhs_batch.is_empty() && dot.rhs_contracting[..] == [1],
        _ => false,
    };
    let mut readers = body.equations().iter().filter(|e| e.inputs.contains(&v)).peekable();
    let fits =
        ty.rank() == 2 && ty.dtype.is_float() && ty.elements() >= LARGE && !body.outputs().contains(&v);
    fits && readers.peek().is_some() && readers.all(turned)
}

/// The same matrix, with its columns in line.
fn turn(x: &mut Value) {
    let CpuData { layout, storage } = data::data(x);
    if !layout.is_contiguous(x.shape()) {
        return;
    }
    let [rows, columns] = [x.shape()[0], x.shape()[1]];
    let across = Layout { strides: layout.strides.iter().rev().copied().collect(), offset: layout.offset };
    let turned = x.ty().with_shape([columns, rows]);
    let copy = data::contiguous(data::value(turned, across, storage.clone()));
    let CpuData { storage, .. } = data::data(&copy);
    let along = Layout { strides: [1, rows as isize].into_iter().collect(), offset: 0 };
    *x = data::value(x.ty().clone(), along, storage.clone());
}

/// Inputs: constants of the condition, constants of the body, state.
pub fn while_loop(x: Values, w: &While) -> Values {
    match fused::looped::while_loop(x, w) {
        Ok(state) => state,
        Err(x) => interpret::while_loop(&Bodies, x, w),
    }
}

/// Inputs: which branch, operands.
pub fn cond(x: Values, c: &Cond) -> Values {
    interpret::cond(&Bodies, x, c)
}

struct Stacked {
    ty: TensorType,
    storage: Storage,
    /// Elements of a slice.
    elements: usize,
}

impl Stacked {
    fn new(ty: &TensorType) -> Self {
        let elements = ty.shape[1..].iter().product();
        let storage = Storage::overwritten(ty.bytes());
        Stacked { ty: ty.clone(), storage, elements }
    }
}

impl Stack for Stacked {
    fn put(&mut self, step: usize, slice: Value) {
        let n = self.elements;
        by_size!(self.ty.dtype.size(), T => {
            let all = self.storage.as_mut_slice::<T>().expect("nobody else has it yet");
            View::<T>::of(&slice).copy_into(&mut all[step * n..(step + 1) * n]);
        })
    }

    fn finish(self: Box<Self>) -> Value {
        let layout = Layout::row_major(&self.ty.shape);
        data::value(self.ty, layout, self.storage)
    }
}
