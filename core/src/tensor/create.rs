//! Making tensors: from host data, from numbers, by counting.

use super::Tensor;
use crate::library::arrange;
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
        Self::create(Op::Full { number: number.number(), ty: TensorType::new(shape.into_shape(), dtype) })
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

    /// The identity matrix; [`eye`](Tensor::eye) by its other name.
    #[track_caller]
    pub fn identity(n: usize, dtype: DType) -> Self {
        Self::eye(n, dtype)
    }

    /// `n` rows and `m` columns with 1 on diagonal `k` (0: the main one, above it positive), else 0.
    #[track_caller]
    pub fn eye_at(n: usize, m: usize, k: i32, dtype: DType) -> Self {
        let count = |axis| Self::create(Op::Iota { ty: TensorType::new([n, m], DType::I32), axis });
        (count(1) - count(0)).eq(k).cast(dtype)
    }

    /// `n` rows and `m` columns with 1 on and below diagonal `k`, else 0.
    #[track_caller]
    pub fn tri(n: usize, m: usize, k: i32, dtype: DType) -> Self {
        let example = Tensor::<B>::scalar(0).erased();
        arrange::triangle_mask(&example, n, m, k).cast(dtype).branded()
    }

    /// The places on and below diagonal `k` of `n` rows and `m` columns: rows and columns, in row-major order.
    #[track_caller]
    pub fn tril_indices(n: usize, m: usize, k: i32) -> (Self, Self) {
        let all = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
        let inside = all.filter(|&(i, j)| j as i64 - i as i64 <= k as i64);
        let (rows, columns): (Vec<i32>, Vec<i32>) = inside.map(|(i, j)| (i as i32, j as i32)).unzip();
        (Self::from(rows), Self::from(columns))
    }

    /// The places on and above diagonal `k` of `n` rows and `m` columns: rows and columns, in row-major order.
    #[track_caller]
    pub fn triu_indices(n: usize, m: usize, k: i32) -> (Self, Self) {
        let all = (0..n).flat_map(|i| (0..m).map(move |j| (i, j)));
        let inside = all.filter(|&(i, j)| j as i64 - i as i64 >= k as i64);
        let (rows, columns): (Vec<i32>, Vec<i32>) = inside.map(|(i, j)| (i as i32, j as i32)).unzip();
        (Self::from(rows), Self::from(columns))
    }

    /// For each axis of a shape the number of the place along it, as i32: the shape with a first axis for the axes.
    #[track_caller]
    pub fn indices(shape: impl IntoShape) -> Self {
        let shape = shape.into_shape();
        assert!(shape.rank() > 0, "indices: a scalar has no places");
        let mut all = Vec::new();
        for axis in 0..shape.rank() {
            all.push(Self::iota(shape.clone(), axis, DType::I32));
        }
        crate::stack(&all, 0)
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
        Self::linspace_to(start, stop, n, true, dtype)
    }

    /// `n` numbers from `start` to `stop` at equal distances; the last one is `stop` where `endpoint`, else the one
    /// before it.
    #[track_caller]
    pub fn linspace_to(start: f64, stop: f64, n: usize, endpoint: bool, dtype: DType) -> Self {
        assert!(dtype.is_float(), "linspace: gives floats, not {dtype}");
        Self::from(spaced(start, stop, n, endpoint)).cast(dtype)
    }

    /// `base` to the power of `n` numbers from `start` to `stop`, both included, at equal distances.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::logspace(0.0, 2.0, 3, 10.0, DType::F64);
    /// assert_eq!(x.to_vec::<f64>(), [1.0, 10.0, 100.0]);
    /// ```
    #[track_caller]
    pub fn logspace(start: f64, stop: f64, n: usize, base: f64, dtype: DType) -> Self {
        assert!(dtype.is_float(), "logspace: gives floats, not {dtype}");
        let powers: Vec<f64> = spaced(start, stop, n, true).into_iter().map(|x| base.powf(x)).collect();
        Self::from(powers).cast(dtype)
    }

    /// `n` numbers from `start` to `stop`, both included, of equal ratios. Both have the same sign.
    #[track_caller]
    pub fn geomspace(start: f64, stop: f64, n: usize, dtype: DType) -> Self {
        assert!(dtype.is_float(), "geomspace: gives floats, not {dtype}");
        assert!(
            start * stop > 0.0,
            "geomspace: from {start} to {stop}: both have the same sign, and none is 0"
        );
        let mut all: Vec<f64> = (spaced(start.abs().ln(), stop.abs().ln(), n, true).into_iter())
            .map(|x| x.exp().copysign(start))
            .collect();
        if let Some(first) = all.first_mut() {
            *first = start;
        }
        if n > 1 {
            all[n - 1] = stop;
        }
        Self::from(all).cast(dtype)
    }

    /// 0, 1, 2, .. along an axis of a shape, the same along its other axes.
    #[track_caller]
    pub fn iota(shape: impl IntoShape, axis: usize, dtype: DType) -> Self {
        Self::create(Op::Iota { ty: TensorType::new(shape.into_shape(), dtype), axis })
    }
}

/// `n` numbers from `start` to `stop`; the last one is `stop` itself where `endpoint`.
fn spaced(start: f64, stop: f64, n: usize, endpoint: bool) -> Vec<f64> {
    let steps = if endpoint { n.saturating_sub(1) } else { n };
    let at = |i: usize| match endpoint && i == steps && n > 1 {
        true => stop,
        false => start + (stop - start) / steps.max(1) as f64 * i as f64,
    };
    (0..n).map(at).collect()
}
