//! Pooling: the largest, smallest or mean element, or the sum, of sliding windows.
//!
//! Windows are given for the last axes of a tensor, as many as there are sizes: `[2, 2]` goes over height and width of
//! `[batch, features, height, width]`; of `[batch, height, width, features]` it is `[2, 2, 1]`.

use super::Padding;
use crate::library;
use crate::shape::Axes;
use crate::{Backend, IntoShape, Tensor};

pub use crate::op::WindowKind;

/// Sliding windows over the last axes of a tensor, for [`reduce_window`]. Strides and dilations are 1 and there is no
/// padding, unless they are given: an entry for each axis that has a size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Windows {
    pub(crate) sizes: Axes,
    pub(crate) strides: Option<Axes>,
    pub(crate) padding: Padding,
    pub(crate) base_dilation: Option<Axes>,
    pub(crate) window_dilation: Option<Axes>,
}

fn list(sizes: impl IntoShape) -> Axes {
    sizes.into_shape().iter().copied().collect()
}

impl Windows {
    /// Windows of these sizes.
    pub fn new(sizes: impl IntoShape) -> Self {
        Windows {
            sizes: list(sizes),
            strides: None,
            padding: Padding::Valid,
            base_dilation: None,
            window_dilation: None,
        }
    }

    /// Steps between two windows.
    pub fn strides(mut self, strides: impl IntoShape) -> Self {
        self.strides = Some(list(strides));
        self
    }

    /// What is put round the tensor: 0 for sums, the lowest value there is for a largest element, the highest for a
    /// smallest.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Distance of the tensor's elements: what is between them is padding.
    pub fn base_dilation(mut self, dilation: impl IntoShape) -> Self {
        self.base_dilation = Some(list(dilation));
        self
    }

    /// Distance of a window's elements.
    pub fn window_dilation(mut self, dilation: impl IntoShape) -> Self {
        self.window_dilation = Some(list(dilation));
        self
    }
}

/// `jax.lax.reduce_window` with a sum, a largest or a smallest element; or the place of such an element, as i32: its
/// row-major number in `x`, the first of equal ones, -1 where a window sees padding alone. f16 and bf16 are summed in f32.
///
/// Of equal elements of a window the first one gets the gradient.
///
/// ```
/// # use plywood::prelude::*;
/// use plywood::nn::{Padding, WindowKind, Windows, reduce_window};
/// let x = Tensor::<Cpu>::from([1.0f32, 5.0, 2.0, 4.0, 3.0]);
/// let windows = Windows::new([3]).strides([2]).padding(Padding::Same);
/// assert_eq!(reduce_window(&x, WindowKind::Sum, &windows).to_vec::<f32>(), [6.0, 11.0, 7.0]);
/// assert_eq!(reduce_window(&x, WindowKind::ArgMax, &windows).to_vec::<i32>(), [1, 1, 3]);
/// ```
#[track_caller]
pub fn reduce_window<B: Backend>(x: &Tensor<B>, kind: WindowKind, windows: &Windows) -> Tensor<B> {
    library::pool::reduce("reduce_window", x.erased(), kind, windows).branded()
}

macro_rules! pools { ($($(#[$doc:meta])* $name:ident $Kind:ident;)*) => { $(
    $(#[$doc])*
    #[track_caller]
    pub fn $name<B: Backend>(
        x: &Tensor<B>,
        window: impl IntoShape,
        strides: impl IntoShape,
        padding: impl Into<Padding>,
    ) -> Tensor<B> {
        let windows = Windows::new(window).strides(strides).padding(padding);
        library::pool::reduce(stringify!($name), x.erased(), WindowKind::$Kind, &windows).branded()
    }
)* } }

pools! {
    /// The largest element of each window; NaN if any is. Padding counts as the lowest value there is. Of equal elements
    /// the first one gets the gradient.
    ///
    /// ```
    /// # use plywood::prelude::*;
    /// use plywood::nn::{Padding, max_pool};
    /// let x = Tensor::<Cpu>::from([[1.0f32, 2.0, 5.0, 0.0], [4.0, 3.0, 6.0, 7.0]]);
    /// assert_eq!(max_pool(&x, [2, 2], [2, 2], Padding::Valid).to_vec::<f32>(), [4.0, 7.0]);
    /// ```
    max_pool Max;
    /// The smallest element of each window; NaN if any is. Padding counts as the highest value there is. Of equal elements
    /// the first one gets the gradient.
    min_pool Min;
    /// The sum of each window. Padding counts as 0.
    sum_pool Sum;
}

/// The mean of each window. With `count_include_pad`, as Flax does it unless it is told otherwise, the sum is divided by
/// the window's size, zeros of the padding and all; else by the number of its elements that lie inside `x`. Of integers
/// in f32.
///
/// ```
/// # use plywood::prelude::*;
/// use plywood::nn::{Padding, avg_pool};
/// let x = Tensor::<Cpu>::from([2.0f32, 4.0, 6.0]);
/// assert_eq!(avg_pool(&x, [2], [2], Padding::Same, true).to_vec::<f32>(), [3.0, 3.0]);
/// assert_eq!(avg_pool(&x, [2], [2], Padding::Same, false).to_vec::<f32>(), [3.0, 6.0]);
/// ```
#[track_caller]
pub fn avg_pool<B: Backend>(
    x: &Tensor<B>,
    window: impl IntoShape,
    strides: impl IntoShape,
    padding: impl Into<Padding>,
    count_include_pad: bool,
) -> Tensor<B> {
    let windows = Windows::new(window).strides(strides).padding(padding);
    library::pool::mean(x.erased(), &windows, count_include_pad).branded()
}
