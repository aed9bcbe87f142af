//! [`TensorType`]: what is known about a tensor before its data: shape and dtype, both at run time.

use crate::{DType, Shape, Varying};
use std::fmt;

/// The shape and the element type of a tensor. Prints as in a jaxpr: `f32[2,3]`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// Sizes of the axes.
    pub shape: Shape,
    /// Type of the elements.
    pub dtype: DType,
    /// Over which axes of a mesh it differs between devices: none but inside `shard_map`.
    pub varying: Varying,
}

impl TensorType {
    /// A type.
    pub fn new(shape: impl Into<Shape>, dtype: DType) -> Self {
        TensorType { shape: shape.into(), dtype, varying: Varying::NOTHING }
    }

    /// The type of a scalar.
    pub fn scalar(dtype: DType) -> Self {
        TensorType::new(Shape::scalar(), dtype)
    }

    /// How many axes.
    #[inline]
    pub fn rank(&self) -> usize {
        self.shape.rank()
    }

    /// How many elements.
    #[inline]
    pub fn elements(&self) -> usize {
        self.shape.elements()
    }

    /// How many bytes the elements take.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.elements() * self.dtype.size()
    }

    /// The same shape with another dtype.
    pub fn with_dtype(&self, dtype: DType) -> Self {
        TensorType { shape: self.shape.clone(), dtype, varying: self.varying.clone() }
    }

    /// The same shape and dtype, varying over other axes.
    pub fn with_varying(&self, varying: Varying) -> Self {
        TensorType { shape: self.shape.clone(), dtype: self.dtype, varying }
    }

    /// The same dtype with another shape.
    pub fn with_shape(&self, shape: impl Into<Shape>) -> Self {
        TensorType { shape: shape.into(), dtype: self.dtype, varying: self.varying.clone() }
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[", self.dtype)?;
        for (i, n) in self.shape.iter().enumerate() {
            write!(f, "{}{n}", if i > 0 { "," } else { "" })?;
        }
        write!(f, "]{}", self.varying)
    }
}
impl fmt::Debug for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
