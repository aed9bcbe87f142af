//! Convolutions: `jax.lax`'s, in any layout, and NumPy's `convolve` and `correlate`.

use crate::library;
use crate::shape::Axes;
use crate::{Backend, DType, IntoShape, Tensor};

/// Zeros round the spatial axes of a convolution (or what counts as nothing, round those of a pooling).
///
/// Pairs can be given as they are: `[(1, 1), (0, 2)]`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Padding {
    /// None: only places where the kernel lies inside.
    #[default]
    Valid,
    /// As many that there are ⌈size / stride⌉ places; an odd one comes at the end.
    Same,
    /// The same; an odd one comes at the start.
    SameLower,
    /// So many before and after, for each axis; negative ones take away.
    Pairs(Vec<(i32, i32)>),
}

impl<const N: usize> From<[(i32, i32); N]> for Padding {
    fn from(pairs: [(i32, i32); N]) -> Self {
        Padding::Pairs(pairs.to_vec())
    }
}

impl From<&[(i32, i32)]> for Padding {
    fn from(pairs: &[(i32, i32)]) -> Self {
        Padding::Pairs(pairs.to_vec())
    }
}

impl From<Vec<(i32, i32)>> for Padding {
    fn from(pairs: Vec<(i32, i32)>) -> Self {
        Padding::Pairs(pairs)
    }
}

/// What [`conv_general_dilated`] and [`conv_transpose`] are told beside their operands. Lists have an entry for each
/// spatial axis; what is not said is 1, no padding, and the layout `("NCHW", "OIHW", "NCHW")`, however many spatial axes
/// there are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConvOptions {
    pub(crate) strides: Option<Axes>,
    pub(crate) padding: Padding,
    pub(crate) lhs_dilation: Option<Axes>,
    pub(crate) rhs_dilation: Option<Axes>,
    pub(crate) feature_group_count: usize,
    pub(crate) batch_group_count: usize,
    pub(crate) dimension_numbers: Option<[String; 3]>,
    pub(crate) preferred_element_type: Option<DType>,
    pub(crate) transpose_kernel: bool,
}

impl Default for ConvOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl ConvOptions {
    /// Strides and dilations of 1, no padding, one group.
    pub fn new() -> Self {
        ConvOptions {
            strides: None,
            padding: Padding::Valid,
            lhs_dilation: None,
            rhs_dilation: None,
            feature_group_count: 1,
            batch_group_count: 1,
            dimension_numbers: None,
            preferred_element_type: None,
            transpose_kernel: false,
        }
    }

    /// Steps between two places of the kernel (of a transposed convolution: between two elements of the input).
    pub fn strides(mut self, strides: impl IntoShape) -> Self {
        self.strides = Some(strides.into_shape().iter().copied().collect());
        self
    }

    /// Zeros round the input.
    pub fn padding(mut self, padding: impl Into<Padding>) -> Self {
        self.padding = padding.into();
        self
    }

    /// Distance of the input's elements: `n - 1` zeros come between two.
    pub fn lhs_dilation(mut self, dilation: impl IntoShape) -> Self {
        self.lhs_dilation = Some(dilation.into_shape().iter().copied().collect());
        self
    }

    /// Distance of the kernel's elements.
    pub fn rhs_dilation(mut self, dilation: impl IntoShape) -> Self {
        self.rhs_dilation = Some(dilation.into_shape().iter().copied().collect());
        self
    }

    /// Input and output features fall into so many groups; a group of the output sees its own of the input. As many
    /// groups as features are a depthwise convolution.
    pub fn feature_group_count(mut self, groups: usize) -> Self {
        self.feature_group_count = groups;
        self
    }

    /// The batch and the output features fall into so many groups; a group of the output sees its own of the batch.
    pub fn batch_group_count(mut self, groups: usize) -> Self {
        self.batch_group_count = groups;
        self
    }

    /// What the axes of input, kernel and output are: a letter for each. `N` is the batch, `C` the features, `O` and `I` the
    /// kernel's output and input features; any other letters are spatial axes, in the order that the kernel has them.
    pub fn dimension_numbers(mut self, lhs: &str, rhs: &str, out: &str) -> Self {
        self.dimension_numbers = Some([lhs, rhs, out].map(str::to_string));
        self
    }

    /// The dtype of the sums and of the result.
    pub fn preferred_element_type(mut self, dtype: DType) -> Self {
        self.preferred_element_type = Some(dtype);
        self
    }

    /// For [`conv_transpose`]: the kernel is that of the convolution which is transposed: its spatial axes are turned
    /// round, and its features change places.
    pub fn transpose_kernel(mut self, transpose: bool) -> Self {
        self.transpose_kernel = transpose;
        self
    }
}

/// `jax.lax.conv_general_dilated`: the sum over input features c and places q of the kernel of
/// `x[n, c, p stride + q rhs_dilation] kernel[o, c, q]`, for each image n, output feature o and place p; x after dilation and
/// padding. The kernel is not turned round, as in every framework for neural networks.
///
/// In the default layout x is `[batch, features, spatial..]`, the kernel `[out features, features / feature groups,
/// spatial..]`, and the result `[batch / batch groups, out features, places..]`, with
/// `(padded size - (kernel size - 1) rhs_dilation - 1) / stride + 1` places along an axis. Any number of spatial axes; all
/// number dtypes, which promote; f16 and bf16 are summed in f32.
///
/// Panics where shapes, groups, lists or letters do not fit, and for [`Padding::Same`] with `lhs_dilation`, which says
/// nothing of the output's size.
///
/// ```
/// # use plywood::prelude::*;
/// use plywood::nn::{ConvOptions, Padding, conv_general_dilated};
/// // A picture of 3 channels, height and width first.
/// let x = Tensor::<Cpu>::ones([1, 4, 6, 3], DType::F32);
/// let kernel = Tensor::ones([3, 3, 3, 8], DType::F32);
/// let options = ConvOptions::new()
///     .strides([2, 2])
///     .padding(Padding::Same)
///     .dimension_numbers("NHWC", "HWIO", "NHWC");
/// let y = conv_general_dilated(&x, &kernel, &options);
/// assert_eq!(y.shape(), &[1, 2, 3, 8]);
/// assert_eq!(y.max().item::<f32>(), 27.0);
/// ```
#[track_caller]
pub fn conv_general_dilated<B: Backend>(
    x: &Tensor<B>,
    kernel: &Tensor<B>,
    options: &ConvOptions,
) -> Tensor<B> {
    library::conv::general("conv_general_dilated", x.erased(), kernel.erased(), options).branded()
}

/// `jax.lax.conv`: a convolution in the default layout, `[batch, features, spatial..]` with
/// `[out features, features, spatial..]`.
///
/// ```
/// # use plywood::prelude::*;
/// use plywood::nn::{Padding, conv};
/// let x = Tensor::<Cpu>::from([[[1.0f32, 2.0, 3.0, 4.0]]]);
/// let kernel = Tensor::from([[[-1.0f32, 0.0, 1.0]]]);
/// assert_eq!(conv(&x, &kernel, [1], Padding::Valid).to_vec::<f32>(), [2.0, 2.0]);
/// assert_eq!(conv(&x, &kernel, [1], [(1, 1)]).to_vec::<f32>(), [2.0, 2.0, 2.0, -3.0]);
/// ```
#[track_caller]
pub fn conv<B: Backend>(
    x: &Tensor<B>,
    kernel: &Tensor<B>,
    strides: impl IntoShape,
    padding: impl Into<Padding>,
) -> Tensor<B> {
    let options = ConvOptions::new().strides(strides).padding(padding);
    library::conv::general("conv", x.erased(), kernel.erased(), &options).branded()
}

/// `jax.lax.conv_transpose`: a convolution with strides between the input's elements, which makes larger what a
/// convolution with these strides makes smaller.
///
/// [`Padding::Same`] gives size times stride, [`Padding::Valid`] what a convolution without padding takes; pairs are zeros
/// round the dilated input itself, as in JAX. With [`ConvOptions::transpose_kernel`] it is the gradient of the
/// convolution with respect to its input, else the kernel is used as it is. The default layout is that of
/// [`conv_general_dilated`] (JAX's is `("NHWC", "HWIO", "NHWC")` here).
///
/// Panics as that does, and where `lhs_dilation` or groups of the batch are given.
///
/// ```
/// # use plywood::prelude::*;
/// use plywood::nn::{ConvOptions, conv_transpose};
/// let x = Tensor::<Cpu>::from([[[1.0f32, 2.0]]]);
/// let kernel = Tensor::from([[[1.0f32, 1.0]]]);
/// let y = conv_transpose(&x, &kernel, &ConvOptions::new().strides([2]));
/// assert_eq!(y.to_vec::<f32>(), [1.0, 1.0, 2.0, 2.0]);
/// ```
#[track_caller]
pub fn conv_transpose<B: Backend>(x: &Tensor<B>, kernel: &Tensor<B>, options: &ConvOptions) -> Tensor<B> {
    library::conv::transpose(x.erased(), kernel.erased(), options).branded()
}

/// Which part of a convolution of two vectors is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ConvolveMode {
    /// Wherever they meet: `n + m - 1` sums.
    #[default]
    Full,
    /// The middle part, as long as the longer vector.
    Same,
    /// Where the shorter one lies inside: `n - m + 1` sums.
    Valid,
}

/// NumPy's `convolve`: `y[k] = sum over i of x[i] v[k - i]`, of two vectors that are not empty. Dtypes promote; integers
/// stay integers, as in NumPy.
///
/// ```
/// # use plywood::prelude::*;
/// use plywood::nn::{ConvolveMode, convolve};
/// let (x, v) = (Tensor::<Cpu>::from([1.0, 2.0, 3.0]), Tensor::from([0.0, 1.0, 0.5]));
/// assert_eq!(convolve(&x, &v, ConvolveMode::Full).to_vec::<f64>(), [0.0, 1.0, 2.5, 4.0, 1.5]);
/// assert_eq!(convolve(&x, &v, ConvolveMode::Same).to_vec::<f64>(), [1.0, 2.5, 4.0]);
/// ```
#[track_caller]
pub fn convolve<B: Backend>(x: &Tensor<B>, v: &Tensor<B>, mode: ConvolveMode) -> Tensor<B> {
    library::conv::convolve(x.erased(), v.erased(), mode).branded()
}

/// NumPy's `correlate`: `y[k] = sum over i of x[i + k] v[i]`, of two vectors that are not empty; k counts from where the last
/// element of `v` meets the first of `x` ([`ConvolveMode::Full`]). Dtypes as in [`convolve`].
#[track_caller]
pub fn correlate<B: Backend>(x: &Tensor<B>, v: &Tensor<B>, mode: ConvolveMode) -> Tensor<B> {
    library::conv::correlate(x.erased(), v.erased(), mode).branded()
}
