//! [`Tensor`]: a value branded with its backend; what users hold.
//!
//! A file here holds the methods of one family, each a call of the value's: nothing else is generic, so a user's
//! crate compiles none of the logic. Methods take `&self` and share; operators and the functions of
//! [`math`](crate::math) take by value too, and may then overwrite what nobody else holds.

mod activation;
mod arrange;
mod binary;
mod compare;
mod compose;
mod contract;
mod convert;
mod create;
mod dot;
mod index;
mod operators;
mod order;
mod reduce;
mod search;
mod shape;
mod special;
mod statistics;
mod unary;

pub use arrange::{
    Indexing, PadMode, Repeats, Sections, TakeMode, broadcast_arrays, column_stack, dstack, hstack, ix_,
    meshgrid, select, vstack, where_,
};
pub use binary::Operand;
pub use compose::{concatenate, stack};
pub use contract::{Contracted, einsum};
pub use convert::Nested;
pub use index::{At, Ellipsis, Index, IndexPart, NewAxis, Stepped, step};
pub use order::{Side, lexsort, sort_together};
pub use search::{Bins, HistogramBins, Unique, ravel_multi_index};
pub use statistics::QuantileMethod;

use crate::{Array, Backend, DType, Device, DeviceBackend, Dyn, Element, Layer, Shape, TensorType, Value};
use std::fmt;
use std::marker::PhantomData;

/// An array of numbers of one type, of any shape, on the backend `B`. A clone is cheap: it shares the data.
#[repr(transparent)]
pub struct Tensor<B: Backend> {
    value: Value,
    brand: PhantomData<fn() -> B>,
}

impl<B: Backend> Clone for Tensor<B> {
    #[inline]
    fn clone(&self) -> Self {
        Self::of(self.value.clone())
    }
}

impl<B: Backend> Tensor<B> {
    /// Brands a value. For authors of layers and backends: the value is one of `B`'s engine.
    #[inline]
    pub fn of(value: Value) -> Self {
        Tensor { value, brand: PhantomData }
    }

    /// The value without its brand.
    #[inline]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The value without its brand, given up.
    #[inline]
    pub fn into_value(self) -> Value {
        self.value
    }

    /// The same value with its engine known at run time only, for the functions of `library`.
    #[inline]
    pub(crate) fn erased(&self) -> Tensor<Dyn> {
        Tensor::of(self.value.clone())
    }

    /// Sizes of the axes.
    #[inline]
    pub fn shape(&self) -> &Shape {
        self.value.shape()
    }

    /// Type of the elements.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.value.dtype()
    }

    /// Shape and dtype.
    #[inline]
    pub fn ty(&self) -> &TensorType {
        self.value.ty()
    }

    /// How many axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.value.rank()
    }

    /// How many elements.
    pub fn len(&self) -> usize {
        self.value.ty().elements()
    }

    /// Whether there are no elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The device that holds the data.
    pub fn device(&self) -> Device {
        self.value.device()
    }

    /// The elements in row-major order. Panics where they are of another type than `T`, or (while a function is
    /// recorded) have no values.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Vec<T> {
        self.value.to_vec()
    }

    /// The one element. Panics where there is not exactly one, or it is of another type than `T`.
    #[track_caller]
    pub fn item<T: Element>(&self) -> T {
        self.value.item()
    }

    /// The data on the host, of whatever type.
    #[track_caller]
    pub fn to_array(&self) -> Array {
        self.value.array("to_array")
    }

    /// This tensor inside the layer `L`: a constant there.
    pub fn lift<L: Layer<Inner = B>>(&self) -> Tensor<L> {
        Tensor::of(L::lift(self.value.clone()))
    }
}

impl Tensor<Dyn> {
    /// What [`erased`](Tensor::erased) did, undone: the value is one of `B`'s engine.
    #[inline]
    pub(crate) fn branded<B: Backend>(self) -> Tensor<B> {
        Tensor::of(self.value)
    }
}

impl<B: DeviceBackend> Tensor<B> {
    /// This tensor on another device of the same backend; itself where it is there. Panics where there is no such
    /// device.
    #[track_caller]
    pub fn to_device(&self, device: &Device) -> Self {
        if self.device() == *device {
            return self.clone();
        }
        match B::to_device(self.value.clone(), *device) {
            Ok(value) => Self::of(value),
            Err(e) => panic!("to_device: {e}"),
        }
    }

    /// This tensor on another backend, copied through the host.
    #[track_caller]
    pub fn to<C: DeviceBackend>(&self) -> Tensor<C> {
        Tensor::from_array(self.to_array())
    }
}

impl<B: Backend> fmt::Debug for Tensor<B> {
    /// Type, backend and device: `Tensor<Cpu> f32[2,3] on cpu:0`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor<{}> {} on {}", self.value.engine().name(), self.ty(), self.device())
    }
}

impl<B: Backend> fmt::Display for Tensor<B> {
    /// The elements, as NumPy prints them; where there are none (while a function is recorded), the type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.value.read() {
            Ok(array) => fmt::Display::fmt(&array, f),
            Err(_) => fmt::Debug::fmt(self, f),
        }
    }
}

impl<B: Backend> PartialEq for Tensor<B> {
    /// Whether shape, dtype and all elements are equal (so never where an element is NaN). Element by element it is
    /// [`eq`](Tensor::eq).
    fn eq(&self, other: &Self) -> bool {
        self.ty() == other.ty() && self.to_array() == other.to_array()
    }
}
