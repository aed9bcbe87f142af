//! Loops and branches, run from the host: bodies are queued as plans, one step after another.
//!
//! Only what decides is waited for: the condition of a loop, the number of a branch. A scan waits for nothing. Stacked results: a
//! slice is copied to its place when its step is queued.

use super::{Queue, operand, placed};
use crate::data::{self, Buffer};
use crate::fused;
use cubecl::prelude::Runtime;
use plywood_core::control::interpret::{self, Runs, Stack};
use plywood_core::op::{Cond, Scan, While};
use plywood_core::{Engine, Graph, Shape, TensorType, Value, Values};
use plywood_kernel::layout::{Layout, row_major};
use std::sync::Arc;

impl<R: Runtime> Runs for Queue<'static, R> {
    fn engine(&self) -> &'static dyn Engine {
        self.engine
    }

    fn run(&self, body: &Arc<Graph>, inputs: Values, _: usize) -> Values {
        fused::call(self, body, inputs)
    }

    fn slice(&self, x: &Value, step: usize) -> Value {
        let Layout { strides, offset } = &data::data(x).layout;
        let offset = (*offset as isize + step as isize * strides[0]) as usize;
        let ty = x.ty().with_shape(Shape::from(&x.shape()[1..]));
        self.view(ty, x, Layout { strides: strides[1..].into(), offset })
    }

    fn stack(&self, ty: &TensorType) -> Box<dyn Stack> {
        let queue = Queue { client: self.client, engine: self.engine };
        Box::new(Stacked { buffer: queue.empty(ty), ty: ty.clone(), queue })
    }
}

/// Inputs: constants, state, tensors to be scanned.
pub fn scan<R: Runtime>(queue: &Queue<'static, R>, types: &[TensorType], x: Values, scan: &Scan) -> Values {
    interpret::scan(queue, types, x, scan)
}

/// Inputs: constants of the condition, constants of the body, state.
pub fn while_loop<R: Runtime>(queue: &Queue<'static, R>, x: Values, w: &While) -> Values {
    interpret::while_loop(queue, x, w)
}

/// Inputs: which branch, operands.
pub fn cond<R: Runtime>(queue: &Queue<'static, R>, x: Values, c: &Cond) -> Values {
    interpret::cond(queue, x, c)
}

struct Stacked<R: Runtime> {
    queue: Queue<'static, R>,
    ty: TensorType,
    buffer: Buffer,
}

impl<R: Runtime> Stack for Stacked<R> {
    fn put(&mut self, step: usize, slice: Value) {
        let strides = row_major(&self.ty.shape);
        let layout = Layout { offset: step * strides[0] as usize, strides: strides[1..].into() };
        self.queue.copy(self.ty.dtype, slice.shape(), operand(&slice), placed(&self.buffer, layout));
    }

    fn finish(self: Box<Self>) -> Value {
        self.queue.filled(self.ty, self.buffer)
    }
}
