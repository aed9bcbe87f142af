//! Convolution (XLA's `conv_general_dilated`), in one layout: what other layouts are is a transposition before and
//! after.
//!
//! Input `[batch, features, spatial..]`, kernel `[out features, in features / feature_groups, spatial..]`, output
//! `[batch / batch_groups, out features, spatial..]`. The kernel is not turned round: it is a correlation, as in every
//! framework for neural networks.

use crate::op::{Padding, same_dtypes};
use crate::shape::Axes;
use crate::{DType, Shape, TensorType};
use smallvec::SmallVec;

/// The attributes of a convolution; one entry for each spatial axis.
///
/// With x the input after padding, `out[n, o, p] = sum over c, q of x[n, c, p stride + q dilation] kernel[o, c, q]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Steps between two places of the kernel.
    pub strides: Axes,
    /// Zeros round the input, and between its elements (a dilation of the input by n is an interior of n - 1).
    pub padding: SmallVec<[Padding; 2]>,
    /// Distance of the kernel's elements.
    pub dilation: Axes,
    /// Input features fall into so many groups of neighbours, and so do output features; a group sees its own only.
    pub feature_groups: usize,
    /// The batch falls into so many groups of neighbours, and output features too; each output feature sees one group of
    /// the batch.
    pub batch_groups: usize,
}

impl Conv {
    /// The input's sizes along the spatial axes, after padding.
    pub fn padded(&self, spatial: &[usize]) -> Option<Axes> {
        spatial.iter().zip(&self.padding).map(|(&n, p)| usize::try_from(p.size(n)).ok()).collect()
    }

    /// The sizes of the output along the spatial axes.
    pub fn places(&self, spatial: &[usize], kernel: &[usize]) -> Option<Axes> {
        let padded = self.padded(spatial)?;
        let one = |d: usize| places(padded[d], kernel[d], self.strides[d], self.dilation[d]);
        Some((0..padded.len()).map(one).collect())
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &TensorType, kernel: &TensorType) -> TensorType {
        let name = "conv_general_dilated";
        same_dtypes(name, &[x, kernel]);
        assert!(x.dtype != DType::Bool, "{name}: does not take bool");
        let rank = x.rank();
        let axes = self.strides.len();
        let attributes_fit = axes == self.padding.len() && axes == self.dilation.len();
        assert!(
            rank >= 2 && kernel.rank() == rank && attributes_fit && axes == rank - 2,
            "{name}: input {x} and kernel {kernel} have a batch (or output features), features and {axes} spatial axes"
        );
        let (fg, bg) = (self.feature_groups, self.batch_groups);
        let (batch, features, out, group) = (x.shape[0], x.shape[1], kernel.shape[0], kernel.shape[1]);
        assert!(
            fg >= 1 && bg >= 1 && (fg == 1 || bg == 1),
            "{name}: {fg} feature groups and {bg} batch groups"
        );
        assert!(
            features == group * fg,
            "{name}: {features} features of the input in {fg} groups meet {group} of the kernel (shapes {} and {})",
            x.shape,
            kernel.shape
        );
        assert!(
            out.is_multiple_of(fg) && out.is_multiple_of(bg) && batch.is_multiple_of(bg),
            "{name}: {out} output features and a batch of {batch} do not divide into {fg} feature groups and {bg} batch groups"
        );
        let positive = |a: &[usize]| a.iter().all(|&n| n >= 1);
        assert!(
            positive(&self.strides) && positive(&self.dilation),
            "{name}: strides {:?} and dilations {:?} are at least 1",
            self.strides,
            self.dilation
        );
        let Some(places) = self.places(&x.shape[2..], &kernel.shape[2..]) else {
            panic!("{name}: padding {:?} takes away more than there is of shape {}", self.padding, x.shape)
        };
        x.with_shape([batch / bg, out].into_iter().chain(places).collect::<Shape>())
    }
}

/// How many places a window of `size` elements at distance `dilation` has on `n` elements.
pub(super) fn places(n: usize, size: usize, stride: usize, dilation: usize) -> usize {
    let reach = if size == 0 { 0 } else { (size - 1) * dilation + 1 };
    if n < reach { 0 } else { (n - reach) / stride + 1 }
}
