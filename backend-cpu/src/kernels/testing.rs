//! What the tests of the kernels share: a small generator, values in any layout, and reading them as f64.
//!
//! The naive loops that kernels are compared with see a tensor as its shape and a `Vec<f64>` in row-major order; the
//! numbers are small integers, which every dtype holds exactly.

use crate::Cpu;
use crate::data::{View, value};
use crate::dispatch::stored;
use crate::layout::{Layout, Strides};
use crate::storage::Storage;
use plywood_core::convert::{cast, to_f64};
use plywood_core::{Backend, DType, Op, Step, TensorType, Value, Values};

/// A generator of test numbers (a linear congruence's high bits).
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// A number below `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }

    /// So many of them, each below its bound.
    pub(crate) fn shape(&mut self, rank: usize, bound: usize) -> Vec<usize> {
        (0..rank).map(|_| self.below(bound)).collect()
    }

    /// A tensor of small integers, and how it looks: axes lie in storage in any order, backwards, with gaps, and
    /// some repeat.
    pub(crate) fn tensor(&mut self, shape: &[usize], dtype: DType) -> (Value, Vec<f64>) {
        let least = if dtype.is_unsigned() || dtype == DType::Bool { 0 } else { -4 };
        let bound = if dtype == DType::Bool { 2 } else { 9 };
        let mut strides = Strides::from_elem(0, shape.len());
        let mut left: Vec<usize> = (0..shape.len()).collect();
        let (mut size, mut offset) = (1, 0);
        let plain = self.below(3) == 0;
        while !left.is_empty() {
            let d = if plain { left.len() - 1 } else { self.below(left.len()) };
            let d = left.remove(d);
            let gap = if plain { 1 } else { 1 + self.below(4) / 3 };
            let (back, repeats) = (!plain && self.below(3) == 0, !plain && self.below(8) == 0);
            if repeats {
                continue;
            }
            let n = shape[d].max(1);
            strides[d] = (size * gap) as isize * if back { -1 } else { 1 };
            offset += if back { size * gap * (n - 1) } else { 0 };
            size *= gap * n;
        }
        let before = if plain { 0 } else { self.below(3) };
        let layout = Layout { strides, offset: offset + before };
        let all: Vec<f64> = (0..size + before).map(|_| (least + self.below(bound) as i64) as f64).collect();
        let made = in_storage(&all, shape, layout, dtype);
        let look = elements(&made);
        (made, look)
    }
}

/// A value that shows a part of a storage with these numbers.
pub(crate) fn in_storage(all: &[f64], shape: &[usize], layout: Layout, dtype: DType) -> Value {
    let storage = stored!(dtype, T => {
        let mut storage = Storage::zeroed(dtype.size() * all.len());
        let slots = storage.as_mut_slice::<T>().expect("it is new");
        slots.iter_mut().zip(all).for_each(|(slot, &x)| *slot = cast(x));
        storage
    });
    value(TensorType::new(shape, dtype), layout, storage)
}

/// A contiguous value of these numbers.
pub(crate) fn tensor(all: &[f64], shape: &[usize], dtype: DType) -> Value {
    assert_eq!(all.len(), shape.iter().product::<usize>());
    in_storage(all, shape, Layout::row_major(shape), dtype)
}

/// The elements in row-major order, read one by one.
pub(crate) fn elements(x: &Value) -> Vec<f64> {
    let n = x.ty().elements();
    stored!(x.dtype(), T => {
        let view = View::<T>::of(x);
        (0..n).map(|i| to_f64(view.at(&index(x.shape(), i)))).collect()
    })
}

/// The index of the `flat`-th element in row-major order.
pub(crate) fn index(shape: &[usize], mut flat: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for d in (0..shape.len()).rev() {
        index[d] = flat % shape[d];
        flat /= shape[d];
    }
    index
}

/// The place of an index in row-major order.
pub(crate) fn flat(shape: &[usize], index: &[usize]) -> usize {
    shape.iter().zip(index).fold(0, |flat, (&n, &i)| flat * n + i)
}

/// Runs an operation on the CPU, shape rule and all.
pub(crate) fn execute(op: &Op, inputs: Vec<Value>) -> Values {
    let types: Vec<&TensorType> = inputs.iter().map(Value::ty).collect();
    let outputs = op.infer(&types);
    let at = plywood_core::at::caller();
    let expected = outputs.clone();
    let results = Cpu::ENGINE.execute(Step { op, outputs: &outputs, at }, inputs.into());
    assert!(results.iter().map(Value::ty).eq(&expected), "{op:?} gives other types than inferred");
    results
}

/// Runs an operation with one output.
pub(crate) fn execute1(op: &Op, inputs: Vec<Value>) -> Value {
    execute(op, inputs).pop().expect("it has one output")
}
