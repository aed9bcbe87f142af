//! Reductions of sliding windows (XLA's `reduce_window`): pooling, and the places of its extremes.

use crate::op::{Padding, names};
use crate::shape::Axes;
use crate::{DType, Shape, TensorType};
use smallvec::SmallVec;

names! {
    /// What is made of a window.
    pub enum WindowKind {
        /// The sum, of numbers; f16 and bf16 accumulate in f32. Padding counts as 0.
        Sum "reduce_window_sum",
        /// The largest element, NaN if any is; of numbers. Padding counts as the lowest value there is.
        Max "reduce_window_max",
        /// The smallest element, NaN if any is; of numbers. Padding counts as the highest value there is.
        Min "reduce_window_min",
        /// The place of the largest element, as i32: its row-major number in the operand. The first wins, and NaN wins
        /// over all; -1 where the window sees padding alone.
        ArgMax "argmax_window",
        /// The place of the smallest element, likewise.
        ArgMin "argmin_window",
    }
}

/// Windows on a tensor; one entry for each axis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Elements of a window.
    pub sizes: Axes,
    /// Steps between two windows.
    pub strides: Axes,
    /// Distance of a window's elements.
    pub dilation: Axes,
    /// What is put round the operand, and between its elements.
    pub padding: SmallVec<[Padding; 2]>,
}

impl Window {
    /// How many windows there are along each axis; `None` where padding takes away more than there is.
    pub fn places(&self, shape: &[usize]) -> Option<Axes> {
        let one = |d: usize| {
            let n = usize::try_from(self.padding[d].size(shape[d])).ok()?;
            Some(super::conv::places(n, self.sizes[d], self.strides[d], self.dilation[d]))
        };
        (0..shape.len()).map(one).collect()
    }
}

impl WindowKind {
    #[track_caller]
    pub(super) fn infer(self, x: &TensorType, window: &Window) -> TensorType {
        let name = self.name();
        assert!(x.dtype != DType::Bool, "{name}: does not take bool");
        let Window { sizes, strides, dilation, padding } = window;
        let fits =
            [sizes, strides, dilation].iter().all(|a| a.len() == x.rank() && a.iter().all(|&n| n >= 1))
                && padding.len() == x.rank();
        assert!(
            fits,
            "{name}: windows of {sizes:?} by {strides:?} of distance {dilation:?} on a tensor of shape {}",
            x.shape
        );
        let Some(places) = window.places(&x.shape) else {
            panic!("{name}: padding {padding:?} takes away more than there is of shape {}", x.shape)
        };
        let dtype = match self {
            WindowKind::Sum | WindowKind::Max | WindowKind::Min => x.dtype,
            WindowKind::ArgMax | WindowKind::ArgMin => DType::I32,
        };
        x.with_shape(places.into_iter().collect::<Shape>()).with_dtype(dtype)
    }
}
