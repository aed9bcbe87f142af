//! From Rust's arrays, slices and vectors, and (with the feature `ndarray`) from and to that crate's.

use super::Tensor;
#[cfg(feature = "ndarray")]
use crate::Shape;
use crate::{Array, Backend, Element};

/// Nested arrays of elements: `[[1.0, 2.0], [3.0, 4.0]]`.
pub trait Nested {
    /// The element type.
    type Element: Element;
    /// Appends the sizes of the axes.
    fn sizes(shape: &mut Vec<usize>);
    /// Appends the elements in row-major order.
    fn flatten(self, elements: &mut Vec<Self::Element>);
    /// Takes as many elements, in that order.
    fn unflatten(elements: &mut std::vec::IntoIter<Self::Element>) -> Self;
}
macro_rules! elements { ($($T:ty)*) => { $( impl Nested for $T {
    type Element = $T;
    fn sizes(_: &mut Vec<usize>) {}
    fn flatten(self, elements: &mut Vec<$T>) { elements.push(self) }
    fn unflatten(elements: &mut std::vec::IntoIter<$T>) -> $T { elements.next().expect("as many as the shape has") }
} )* } }
elements!(f64 f32 half::f16 half::bf16 i64 i32 i16 i8 u64 u32 u16 u8 bool);
impl<N: Nested, const M: usize> Nested for [N; M] {
    type Element = N::Element;
    fn sizes(shape: &mut Vec<usize>) {
        shape.push(M);
        N::sizes(shape)
    }
    fn flatten(self, elements: &mut Vec<N::Element>) {
        self.into_iter().for_each(|n| n.flatten(elements))
    }
    fn unflatten(elements: &mut std::vec::IntoIter<N::Element>) -> Self {
        std::array::from_fn(|_| N::unflatten(elements))
    }
}

fn nested<N: Nested>(data: N) -> Array {
    let (mut shape, mut elements) = (Vec::new(), Vec::new());
    N::sizes(&mut shape);
    data.flatten(&mut elements);
    Array::new(elements, &shape[..])
}

impl<B: Backend> Tensor<B> {
    /// The elements as nested arrays. Panics where the shape or the element type is another.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// let x = Tensor::<Cpu>::from([[1.0f32, 2.0], [3.0, 4.0]]);
    /// assert_eq!(x.t().to_nested::<[[f32; 2]; 2]>(), [[1.0, 3.0], [2.0, 4.0]]);
    /// ```
    #[track_caller]
    pub fn to_nested<N: Nested>(&self) -> N {
        let mut shape = Vec::new();
        N::sizes(&mut shape);
        assert!(
            *self.shape() == shape,
            "to_nested: a tensor of shape {} does not fill {shape:?}",
            self.shape()
        );
        N::unflatten(&mut self.to_vec::<N::Element>().into_iter())
    }
}

impl<B: Backend, N: Nested, const M: usize> From<[N; M]> for Tensor<B> {
    /// A tensor of nested arrays. The elements keep Rust's type: `from([1.0])` is f64.
    #[track_caller]
    fn from(data: [N; M]) -> Self {
        Tensor::from_array(nested(data))
    }
}
impl<B: Backend, T: Element> From<Vec<T>> for Tensor<B> {
    /// A vector.
    #[track_caller]
    fn from(data: Vec<T>) -> Self {
        let n = data.len();
        Tensor::from_vec(data, [n])
    }
}
impl<B: Backend, T: Element> From<&[T]> for Tensor<B> {
    /// A vector; the elements are copied.
    #[track_caller]
    fn from(data: &[T]) -> Self {
        Tensor::from_slice(data, [data.len()])
    }
}
impl<B: Backend> From<Array> for Tensor<B> {
    #[track_caller]
    fn from(data: Array) -> Self {
        Tensor::from_array(data)
    }
}

#[cfg(feature = "ndarray")]
mod with_ndarray {
    use super::*;
    use ndarray::{ArrayBase, ArrayD, Data, Dimension, IxDyn};

    impl<B: Backend, T: Element, S: Data<Elem = T>, D: Dimension> From<&ArrayBase<S, D>> for Tensor<B> {
        /// A tensor of an array in any layout; the elements are copied.
        #[track_caller]
        fn from(array: &ArrayBase<S, D>) -> Self {
            Tensor::from_vec(array.iter().copied().collect(), Shape::from(array.shape()))
        }
    }

    impl<B: Backend> Tensor<B> {
        /// The elements as an `ndarray` array. Panics where they are of another type than `T`.
        #[track_caller]
        pub fn to_ndarray<T: Element>(&self) -> ArrayD<T> {
            let shape = IxDyn(self.shape());
            match ArrayD::from_shape_vec(shape, self.to_vec::<T>()) {
                Ok(array) => array,
                Err(e) => panic!("to_ndarray: {e}"),
            }
        }
    }
}
