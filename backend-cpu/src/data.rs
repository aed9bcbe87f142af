//! [`CpuData`]: what the engine keeps in a value; how kernels read inputs and make outputs.

use crate::dispatch::by_size;
use crate::engine::Cpu;
use crate::layout::Layout;
use crate::par;
use crate::pool::{self, Scratch};
use crate::storage::Storage;
use crate::transpose;
use bytemuck::Pod;
use plywood_core::{Backend, TensorType, Value};
use std::ops::Deref;

/// A value's data: elements somewhere in storage.
#[derive(Clone, Debug)]
pub struct CpuData {
    /// Where the elements lie, relative to the value's shape.
    pub layout: Layout,
    /// The bytes.
    pub storage: Storage,
}

/// Typed read access to a value's elements.
#[derive(Clone, Copy, Debug)]
pub struct View<'a, T> {
    /// All elements of the storage, of which the value may show a part.
    pub data: &'a [T],
    /// The value's shape.
    pub shape: &'a [usize],
    /// A stride for each axis, in elements.
    pub strides: &'a [isize],
    /// Where the element with indices 0 is.
    pub offset: usize,
}

/// Elements in row-major order: a value's own, or a copy.
#[derive(Debug)]
pub enum Elements<'a, T> {
    /// The value's own.
    Own(&'a [T]),
    /// So many elements of scratch.
    Copy(Scratch, usize),
}

impl<T: Pod> Deref for Elements<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Elements::Own(slice) => slice,
            Elements::Copy(scratch, n) => &scratch.as_slice()[..*n],
        }
    }
}

impl<T: Pod> Elements<'_, T> {
    /// A vector of them.
    pub fn into_owned(self) -> Vec<T> {
        self.to_vec()
    }
}

/// What the engine keeps in `value`.
#[inline]
pub fn data(value: &Value) -> &CpuData {
    value.data()
}

/// Makes a value.
#[inline]
pub fn value(ty: TensorType, layout: Layout, storage: Storage) -> Value {
    debug_assert_eq!(layout.strides.len(), ty.rank());
    Value::new(Cpu::ENGINE, ty, CpuData { layout, storage })
}

/// Makes a contiguous value; `fill` writes its elements, which are zero at first.
pub fn output<T: Pod>(ty: TensorType, fill: impl FnOnce(&mut [T])) -> Value {
    let storage = Storage::zeroed(ty.bytes());
    filled(ty, storage, fill)
}

/// Makes a contiguous value; `fill` writes all of its elements, which may hold anything at first.
pub fn overwritten<T: Pod>(ty: TensorType, fill: impl FnOnce(&mut [T])) -> Value {
    let storage = Storage::overwritten(ty.bytes());
    filled(ty, storage, fill)
}

fn filled<T: Pod>(ty: TensorType, mut storage: Storage, fill: impl FnOnce(&mut [T])) -> Value {
    debug_assert_eq!(ty.dtype.size(), size_of::<T>());
    let n = ty.elements();
    fill(&mut storage.as_mut_slice::<T>().expect("nobody else holds it")[..n]);
    let layout = Layout::row_major(&ty.shape);
    value(ty, layout, storage)
}

impl<'a, T: Pod + Send + Sync> View<'a, T> {
    /// The elements of a value, whose dtype is stored as `T` (or has its size).
    pub fn of(value: &'a Value) -> Self {
        debug_assert_eq!(value.dtype().size(), size_of::<T>());
        let CpuData { layout, storage } = data(value);
        View {
            data: storage.as_slice(),
            shape: value.shape(),
            strides: &layout.strides,
            offset: layout.offset,
        }
    }

    /// The elements as a slice, where they lie in row-major order.
    pub fn contiguous(&self) -> Option<&'a [T]> {
        let n: usize = self.shape.iter().product();
        let layout = Layout { strides: self.strides.into(), offset: self.offset };
        match n {
            0 => Some(&[]),
            _ => layout.is_contiguous(self.shape).then(|| &self.data[self.offset..self.offset + n]),
        }
    }

    /// The elements in row-major order: themselves, or a copy.
    pub fn to_contiguous(self) -> Elements<'a, T> {
        if let Some(slice) = self.contiguous() {
            return Elements::Own(slice);
        }
        let n = self.shape.iter().product();
        let mut scratch = pool::scratch(n * size_of::<T>());
        self.copy_into(&mut scratch.as_mut_slice()[..n]);
        Elements::Copy(scratch, n)
    }

    /// Copies the elements in row-major order.
    pub fn copy_into(self, out: &mut [T]) {
        if let Some(slice) = self.contiguous() {
            par::chunks(out, 1, 0.1 * size_of::<T>() as f64 / 4.0, |first, out| {
                out.copy_from_slice(&slice[first..first + out.len()]);
            });
            return;
        }
        transpose::copy(self.data, self.shape, self.strides, self.offset, out);
    }

    /// One element.
    pub fn at(&self, index: &[usize]) -> T {
        let steps = index.iter().zip(self.strides).map(|(&i, &s)| i as isize * s);
        self.data[(self.offset as isize + steps.sum::<isize>()) as usize]
    }
}

/// The value with its elements in row-major order: itself, or a copy.
pub fn contiguous(x: Value) -> Value {
    if data(&x).layout.is_contiguous(x.shape()) {
        return x;
    }
    let layout = Layout::row_major(x.shape());
    value(x.ty().clone(), layout, copied(&x))
}

/// The elements in row-major order, in storage of their own.
fn copied(x: &Value) -> Storage {
    let CpuData { layout, storage } = data(x);
    let (n, size) = (x.ty().elements(), x.dtype().size());
    let all_one = n > 0 && layout.is_constant(x.shape());
    if all_one && storage.bytes()[layout.offset * size..][..size].iter().all(|&byte| byte == 0) {
        // Fresh memory is zero already, and other is cleared faster than anything is copied.
        return Storage::zeroed(n * size);
    }
    let mut copy = Storage::overwritten(n * size);
    by_size!(size, T => View::of(x).copy_into(&mut copy.as_mut_slice::<T>().expect("it is new")[..n]));
    copy
}

/// Takes the value's storage where nobody else holds it and the elements fill it from the start in row-major order.
pub fn take(x: &mut Value) -> Option<Storage> {
    x.data_mut::<CpuData>()?;
    let CpuData { layout, storage } = data(x);
    let full = match storage {
        Storage::Inline(_) => true,
        Storage::Shared(buffer) => buffer.bytes().len() == x.ty().bytes().next_multiple_of(8),
    };
    let fits = full && layout.offset == 0 && storage.is_unique() && layout.is_contiguous(x.shape());
    let storage = fits.then(|| x.data_mut::<CpuData>()).flatten().map(|data| &mut data.storage)?;
    Some(std::mem::replace(storage, Storage::zeroed(0)))
}

/// The elements in row-major order from the start of a storage that nobody else holds: the value's own where that is
/// possible, else a copy. For kernels that change a part of an input.
pub fn owned(mut x: Value) -> Storage {
    if let Some(storage) = take(&mut x) {
        return storage;
    }
    copied(&x)
}
