//! Stacked results of loops: a slice is copied to its place when its step is done, so that it is held once.

use crate::Cpu;
use crate::data::{self, View};
use crate::dispatch::by_size;
use crate::layout::Layout;
use crate::storage::Storage;
use plywood_core::control::interpret::{self, Stack};
use plywood_core::op::{Cond, Scan, While};
use plywood_core::{Backend, TensorType, Value, Values};

/// Inputs: constants, state, tensors to be scanned.
pub fn scan(types: &[TensorType], x: Values, scan: &Scan) -> Values {
    interpret::scan(Cpu::ENGINE, types, x, scan, &|ty| Box::new(Stacked::new(ty)))
}

/// Inputs: constants of the condition, constants of the body, state.
pub fn while_loop(x: Values, w: &While) -> Values {
    interpret::while_loop(Cpu::ENGINE, x, w)
}

/// Inputs: which branch, operands.
pub fn cond(x: Values, c: &Cond) -> Values {
    interpret::cond(Cpu::ENGINE, x, c)
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
