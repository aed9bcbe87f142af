//! Making tensors: from host data, from numbers, by counting.

use super::Tensor;
use crate::{Array, Backend, DType, Element, IntoShape, Op, Scalar, TensorType, Value};

impl<B: Backend> Tensor<B> {
    #[track_caller]
    fn create(op: Op) -> Self {
        Self::of(Value::create(B::ENGINE, op))
    }

    /// A scalar of the number's own type.
    #[track_caller]
    pub fn scalar<S: Scalar>(number: S) -> Self {
        Self::create(Op::Full { number: number.number(), ty: TensorType::scalar(S::DTYPE) })
    }

    /// A tensor of host data in row-major order; the elements are copied. Panics where their number is not that of
    /// the shape.
    #[track_caller]
    pub fn from_slice<T: Element>(elements: &[T], shape: impl IntoShape) -> Self {
        Self::from_vec(elements.to_vec(), shape)
    }

    /// As [`from_slice`](Tensor::from_slice), of a vector that is given up.
    #[track_caller]
    pub fn from_vec<T: Element>(elements: Vec<T>, shape: impl IntoShape) -> Self {
        Self::from_array(Array::new(elements, shape.into_shape()))
    }

    /// A tensor of a host array.
    #[track_caller]
    pub fn from_array(array: Array) -> Self {
        Self::create(Op::Constant(array))
    }

    /// One number everywhere.
    #[track_caller]
    pub fn full(shape: impl IntoShape, number: impl Scalar, dtype: DType) -> Self {
        Self::create(Op::Full {
            number: number.number(),
            ty: TensorType { shape: shape.into_shape(), dtype },
        })
    }

    /// 0 everywhere.
    #[track_caller]
    pub fn zeros(shape: impl IntoShape, dtype: DType) -> Self {
        Self::full(shape, 0, dtype)
    }

    /// 1 everywhere.
    #[track_caller]
    pub fn ones(shape: impl IntoShape, dtype: DType) -> Self {
        Self::full(shape, 1, dtype)
    }

    /// 0 everywhere, with this tensor's shape and dtype.
    #[track_caller]
    pub fn zeros_like(&self) -> Self {
        self.full_like(0)
    }

    /// 1 everywhere, with this tensor's shape and dtype.
    #[track_caller]
    pub fn ones_like(&self) -> Self {
        self.full_like(1)
    }

    /// One number everywhere, with this tensor's shape and dtype.
    #[track_caller]
    pub fn full_like(&self, number: impl Scalar) -> Self {
        Self::of(self.value.full_like(number.number()))
    }

    /// The identity matrix.
    #[track_caller]
    pub fn eye(n: usize, dtype: DType) -> Self {
        let count = |axis| Self::create(Op::Iota { ty: TensorType::new([n, n], DType::I32), axis });
        count(0).eq(count(1)).cast(dtype)
    }

    /// 0, 1, .., n - 1, as i32.
    #[track_caller]
    pub fn arange(n: usize) -> Self {
        Self::create(Op::Iota { ty: TensorType::new([n], DType::I32), axis: 0 })
    }

    /// From `start`, by `step`, as long as `stop` is not reached; of the numbers' type.
    #[track_caller]
    pub fn arange_step<S: Scalar>(start: S, stop: S, step: S) -> Self {
        let (a, b, s) = (start.number().to_f64(), stop.number().to_f64(), step.number().to_f64());
        assert!(s != 0.0, "arange: the step is not zero");
        let n = ((b - a) / s).ceil().max(0.0) as usize;
        let count = Self::create(Op::Iota { ty: TensorType::new([n], S::DTYPE), axis: 0 });
        count * step + start
    }

    /// `n` numbers from `start` to `stop`, both included, at equal distances.
    #[track_caller]
    pub fn linspace(start: f64, stop: f64, n: usize, dtype: DType) -> Self {
        assert!(dtype.is_float(), "linspace: gives floats, not {dtype}");
        let last = n.saturating_sub(1);
        let at = |i: usize| {
            if i == last && n > 1 { stop } else { start + (stop - start) / last.max(1) as f64 * i as f64 }
        };
        Self::from_vec((0..n).map(at).collect(), [n]).cast(dtype)
    }

    /// 0, 1, 2, .. along an axis of a shape, the same along its other axes.
    #[track_caller]
    pub fn iota(shape: impl IntoShape, axis: usize, dtype: DType) -> Self {
        Self::create(Op::Iota { ty: TensorType { shape: shape.into_shape(), dtype }, axis })
    }
}
