//! Discrete Fourier transforms, with NumPy's names.
//!
//! There are no complex dtypes: a complex tensor is a pair (re, im) of real ones of one shape. What takes complex
//! numbers takes two tensors, what gives them gives a pair. Derivatives are those of the real and the imaginary part;
//! nothing has to be conjugated by convention. Integers, bool, f16 and bf16 are cast to f32; f64 stays.
//!
//! ```
//! # use plywood::prelude::*;
//! let x = Tensor::<Cpu>::from([1.0, 2.0, 0.0, -1.0]);
//! let (re, im) = fft::rfft(&x);
//! assert_eq!(re.to_vec::<f64>(), [2.0, 1.0, 0.0]);
//! assert_eq!(im.to_vec::<f64>(), [0.0, -3.0, 0.0]);
//! let again = fft::irfft(&re, &im);
//! assert!((again - x).abs().max().item::<f64>() < 1e-15);
//! ```
//!
//! Over other axes, to other sizes and with another factor by [`Fft`]:
//!
//! ```
//! # use plywood::prelude::*;
//! use plywood::fft::{Fft, Norm};
//! let x = Tensor::<Cpu>::ones([5, 3], DType::F32);
//! // Each column, padded with zeros to 8 elements, as a unitary transform.
//! let (re, im) = Fft::new().axis(0).n(8).norm(Norm::Ortho).rfft(&x);
//! assert_eq!(re.shape(), &[5, 3]);
//! assert_eq!(im.shape(), &[5, 3]);
//! ```

use crate::library::fft as library;
use crate::op::FftKind;
use crate::shape::Axis;
use crate::{Backend, DType, IntoAxes, IntoShape, Tensor};

pub use crate::library::fft::Norm;

/// How to transform: along which axes, to which sizes, with which factor. Without axes the last one is meant, or as many
/// of the last as there are sizes.
#[derive(Clone, Debug, Default)]
pub struct Fft {
    options: library::Options,
}

impl Fft {
    /// The last axis, as it is, with the factor 1 / n in the inverse.
    pub fn new() -> Self {
        Fft::default()
    }

    /// Along this axis.
    pub fn axis(self, axis: impl Axis) -> Self {
        self.axes([axis.signed()])
    }

    /// Along these axes; the halving of a real transform is along the last of them.
    pub fn axes(mut self, axes: impl IntoAxes) -> Self {
        self.options.axes = Some(axes.into_axes());
        self
    }

    /// Of so many elements: the axis is cut, or padded with zeros, first. For `irfft`, which reads n / 2 + 1 elements,
    /// the size of its result.
    pub fn n(self, n: usize) -> Self {
        self.s([n])
    }

    /// Of these sizes, one for each axis.
    pub fn s(mut self, sizes: impl IntoShape) -> Self {
        self.options.sizes = Some(sizes.into_shape().iter().copied().collect());
        self
    }

    /// With this factor.
    pub fn norm(mut self, norm: Norm) -> Self {
        self.options.norm = norm;
        self
    }

    /// All axes where none are named.
    fn all(mut self) -> Self {
        self.options.all = true;
        self
    }

    /// Complex to complex: `X[k] = Σ_j x[j] e^(-2πi jk / n)`, along each axis.
    ///
    /// Panics where the parts have different shapes, an axis does not exist or is named twice, or a size is 0.
    #[track_caller]
    pub fn fft<B: Backend>(&self, re: &Tensor<B>, im: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
        self.complex("fft", FftKind::Forward, re, im)
    }

    /// The inverse: `x[j] = 1/n Σ_k X[k] e^(2πi jk / n)`, along each axis.
    #[track_caller]
    pub fn ifft<B: Backend>(&self, re: &Tensor<B>, im: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
        self.complex("ifft", FftKind::Inverse, re, im)
    }

    /// Real to complex: the first n / 2 + 1 elements along the last of the axes, of which the others are conjugates.
    #[track_caller]
    pub fn rfft<B: Backend>(&self, x: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
        pair(library::transform("rfft", FftKind::Real, vec![x.erased()], &self.options))
    }

    /// Its inverse: complex to real. Without a size the result has 2 (m - 1) elements along the last of the axes, m
    /// being those that are read. Imaginary parts that belong to real numbers count for nothing.
    #[track_caller]
    pub fn irfft<B: Backend>(&self, re: &Tensor<B>, im: &Tensor<B>) -> Tensor<B> {
        let x = vec![re.erased(), im.erased()];
        library::transform("irfft", FftKind::InverseReal, x, &self.options).remove(0).branded()
    }

    #[track_caller]
    fn complex<B: Backend>(
        &self,
        name: &str,
        kind: FftKind,
        re: &Tensor<B>,
        im: &Tensor<B>,
    ) -> (Tensor<B>, Tensor<B>) {
        pair(library::transform(name, kind, vec![re.erased(), im.erased()], &self.options))
    }
}

fn pair<B: Backend>(parts: Vec<Tensor<crate::Dyn>>) -> (Tensor<B>, Tensor<B>) {
    let mut parts = parts.into_iter().map(Tensor::branded);
    let mut next = || parts.next().expect("two parts");
    (next(), next())
}

/// The transform along the last axis: `X[k] = Σ_j x[j] e^(-2πi jk / n)`. `numpy.fft.fft`.
///
/// ```
/// # use plywood::prelude::*;
/// let (re, im) = (Tensor::<Cpu>::from([0.0, 1.0, 0.0, 0.0]), Tensor::zeros([4], DType::F64));
/// let (re, im) = fft::fft(&re, &im);
/// assert_eq!(re.to_vec::<f64>(), [1.0, 0.0, -1.0, 0.0]);
/// assert_eq!(im.to_vec::<f64>(), [0.0, -1.0, 0.0, 1.0]);
/// ```
#[track_caller]
pub fn fft<B: Backend>(re: &Tensor<B>, im: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    Fft::new().fft(re, im)
}

/// The inverse transform along the last axis, with the factor 1 / n.
#[track_caller]
pub fn ifft<B: Backend>(re: &Tensor<B>, im: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    Fft::new().ifft(re, im)
}

/// The transform of real numbers along the last axis: n / 2 + 1 complex ones.
#[track_caller]
pub fn rfft<B: Backend>(x: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    Fft::new().rfft(x)
}

/// The inverse of [`rfft`] for an even length, 2 (m - 1) of m complex numbers; [`Fft::n`] says another.
#[track_caller]
pub fn irfft<B: Backend>(re: &Tensor<B>, im: &Tensor<B>) -> Tensor<B> {
    Fft::new().irfft(re, im)
}

/// The transform along the last two axes.
#[track_caller]
pub fn fft2<B: Backend>(re: &Tensor<B>, im: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    Fft::new().axes([-2, -1]).fft(re, im)
}

/// The inverse transform along the last two axes.
#[track_caller]
pub fn ifft2<B: Backend>(re: &Tensor<B>, im: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    Fft::new().axes([-2, -1]).ifft(re, im)
}

/// The transform of real numbers along the last two axes.
#[track_caller]
pub fn rfft2<B: Backend>(x: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    Fft::new().axes([-2, -1]).rfft(x)
}

/// The inverse of [`rfft2`], for an even last size.
#[track_caller]
pub fn irfft2<B: Backend>(re: &Tensor<B>, im: &Tensor<B>) -> Tensor<B> {
    Fft::new().axes([-2, -1]).irfft(re, im)
}

/// The transform along all axes.
#[track_caller]
pub fn fftn<B: Backend>(re: &Tensor<B>, im: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    Fft::new().all().fft(re, im)
}

/// The inverse transform along all axes.
#[track_caller]
pub fn ifftn<B: Backend>(re: &Tensor<B>, im: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    Fft::new().all().ifft(re, im)
}

/// The transform of real numbers along all axes.
#[track_caller]
pub fn rfftn<B: Backend>(x: &Tensor<B>) -> (Tensor<B>, Tensor<B>) {
    Fft::new().all().rfft(x)
}

/// The inverse of [`rfftn`], for an even last size.
#[track_caller]
pub fn irfftn<B: Backend>(re: &Tensor<B>, im: &Tensor<B>) -> Tensor<B> {
    Fft::new().all().irfft(re, im)
}

/// The frequencies of the results of [`fft`] for n samples at a distance of `d`: 0, 1, .., then the negative ones, in
/// units of 1 / (d n).
///
/// ```
/// # use plywood::prelude::*;
/// let f: Tensor<Cpu> = fft::fftfreq(4, 0.5, DType::F64);
/// assert_eq!(f.to_vec::<f64>(), [0.0, 0.5, -1.0, -0.5]);
/// ```
#[track_caller]
pub fn fftfreq<B: Backend>(n: usize, d: f64, dtype: DType) -> Tensor<B> {
    frequencies("fftfreq", n, d, dtype, n, |k| if k < n.div_ceil(2) { k as f64 } else { k as f64 - n as f64 })
}

/// The frequencies of the results of [`rfft`] for n samples at a distance of `d`.
#[track_caller]
pub fn rfftfreq<B: Backend>(n: usize, d: f64, dtype: DType) -> Tensor<B> {
    frequencies("rfftfreq", n, d, dtype, n / 2 + 1, |k| k as f64)
}

#[track_caller]
fn frequencies<B: Backend>(
    name: &str,
    n: usize,
    d: f64,
    dtype: DType,
    count: usize,
    at: impl Fn(usize) -> f64,
) -> Tensor<B> {
    assert!(dtype.is_float(), "{name}: gives floats, not {dtype}");
    assert!(n > 0, "{name}: of no samples");
    Tensor::from_vec((0..count).map(|k| at(k) / (d * n as f64)).collect(), [count]).cast(dtype)
}

/// The zero frequency moved to the middle, along all axes.
///
/// ```
/// # use plywood::prelude::*;
/// let x = Tensor::<Cpu>::from([0, 1, 2, -2, -1]);
/// assert_eq!(fft::fftshift(&x).to_vec::<i32>(), [-2, -1, 0, 1, 2]);
/// ```
#[track_caller]
pub fn fftshift<B: Backend>(x: &Tensor<B>) -> Tensor<B> {
    library::shift("fftshift", x.erased(), None, false).branded()
}

/// The zero frequency moved to the middle, along some axes.
#[track_caller]
pub fn fftshift_axes<B: Backend>(x: &Tensor<B>, axes: impl IntoAxes) -> Tensor<B> {
    library::shift("fftshift", x.erased(), Some(axes.into_axes()), false).branded()
}

/// The inverse of [`fftshift`].
#[track_caller]
pub fn ifftshift<B: Backend>(x: &Tensor<B>) -> Tensor<B> {
    library::shift("ifftshift", x.erased(), None, true).branded()
}

/// The inverse of [`fftshift_axes`].
#[track_caller]
pub fn ifftshift_axes<B: Backend>(x: &Tensor<B>, axes: impl IntoAxes) -> Tensor<B> {
    library::shift("ifftshift", x.erased(), Some(axes.into_axes()), true).branded()
}
