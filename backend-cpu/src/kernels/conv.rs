//! Convolution.
//!
//! For each group the output is a product of the kernel, `[out features, (in features, places of the kernel)]`, and a
//! matrix of the input's elements, `[(in features, places of the kernel), places of the output]`. That matrix is never
//! written as a whole: planes of it, for some lines of one image, go to a buffer of the second cache ([`planes`]), and
//! rows of the kernel see one plane through shifts. By sizes alone:
//! * mostly the places of the output are the columns ([`forward`]);
//! * where the kernel has more places than the output (the gradient with respect to a kernel is such a convolution),
//!   they are the inner axis, and planes are of the kernel's places ([`wide`]);
//! * f32 of many features and kernels of 3 x 3 need fewer products by tiles ([`winograd`]);
//! * integers, and floats where a plane would be used for one or two products only (depthwise), are done in loops
//!   ([`direct`]).
//!
//! f16 and bf16 are widened, summed as f32 and rounded once. What always holds: no sum depends on the number of threads.

mod direct;
mod forward;
pub(super) mod planes;
#[cfg(test)]
mod tests;
mod wide;
mod winograd;

use crate::data::{View, contiguous, data, output, overwritten};
use crate::dispatch::integers;
use crate::gemm::shifted::Shifted;
use bytemuck::Pod;
use planes::Axis;
use plywood_core::op::Conv;
use plywood_core::{DType, TensorType, Value, Values};
use smallvec::{SmallVec, smallvec};

/// Nanoseconds that one multiplication and addition of a product takes on one thread, about.
const PRODUCT: f64 = 0.02;

/// Inputs: the tensor, the kernel.
pub fn conv(ty: TensorType, mut x: Values, op: &Conv) -> Value {
    if matches!(ty.dtype, DType::F16 | DType::BF16) {
        for value in &mut x {
            let wide = value.ty().with_dtype(DType::F32);
            *value = super::cast::cast(wide, smallvec![value.clone()]);
        }
        let wide = conv(ty.with_dtype(DType::F32), x, op);
        return super::cast::cast(ty, smallvec![wide]);
    }
    let (y, x) = (x.pop().expect("two inputs"), x.pop().expect("two inputs"));
    let (x, y) = (lines_together(x), lines_together(y));
    match ty.dtype {
        DType::F32 => overwritten::<f32>(ty, |out| {
            let problem = Problem::<f32>::new(&x, &y, op);
            if !(winograd::pays(&problem) && winograd::run(&problem, out)) {
                problem.floats(out);
            }
        }),
        DType::F64 => overwritten::<f64>(ty, |out| Problem::<f64>::new(&x, &y, op).floats(out)),
        integer => integers!(integer, T => output::<T>(ty, |out| {
            let problem = Problem::<T>::new(&x, &y, op);
            if !problem.is_zero() {
                direct::run(&problem, out);
            }
        })),
    }
}

/// The value with its last axis contiguous: itself, or a copy.
fn lines_together(x: Value) -> Value {
    let rank = x.rank();
    let together = rank > 2 && (x.shape()[rank - 1] == 1 || data(&x).layout.strides[rank - 1] == 1);
    if rank == 2 || together { x } else { contiguous(x) }
}

/// A convolution's sizes and strides.
struct Problem<'a, T> {
    x: View<'a, T>,
    kernel: View<'a, T>,
    groups: usize,
    /// Images of a group, its features, and its output features.
    images: usize,
    features: usize,
    outs: usize,
    /// From image to image, from feature to feature, from group to group, in the input's storage.
    by_image: isize,
    by_feature: isize,
    by_group: isize,
    /// The spatial axes, at least two: u in the kernel, v in the output.
    axes: SmallVec<[Axis; 3]>,
    /// The strides of the kernel along them.
    kernel_steps: SmallVec<[isize; 3]>,
}

impl<'a, T: Pod + Send + Sync> Problem<'a, T> {
    fn new(x: &'a Value, kernel: &'a Value, op: &Conv) -> Self {
        let (x, kernel) = (View::<T>::of(x), View::<T>::of(kernel));
        let places = op.places(&x.shape[2..], &kernel.shape[2..]).expect("the shape rule found them");
        let missing = 2usize.saturating_sub(places.len());
        let mut axes: SmallVec<[Axis; 3]> = smallvec![Axis::ONE; missing];
        let mut kernel_steps: SmallVec<[isize; 3]> = smallvec![0; missing];
        for (d, &v) in places.iter().enumerate() {
            axes.push(Axis {
                n: x.shape[d + 2],
                step: x.strides[d + 2],
                low: op.padding[d].low,
                apart: op.padding[d].interior + 1,
                u: kernel.shape[d + 2],
                v,
                a: op.dilation[d],
                b: op.strides[d],
            });
            kernel_steps.push(kernel.strides[d + 2]);
        }
        let groups = op.feature_groups.max(op.batch_groups);
        let (images, features) = (x.shape[0] / op.batch_groups, kernel.shape[1]);
        let by_group = match op.batch_groups {
            1 => features as isize * x.strides[1],
            _ => images as isize * x.strides[0],
        };
        Problem {
            x,
            kernel,
            groups,
            images,
            features,
            outs: kernel.shape[0] / groups,
            by_image: x.strides[0],
            by_feature: x.strides[1],
            by_group,
            axes,
            kernel_steps,
        }
    }

    /// Places of the kernel.
    fn taps(&self) -> usize {
        self.axes.iter().map(|a| a.u).product()
    }

    /// Places of the output.
    fn places(&self) -> usize {
        self.axes.iter().map(|a| a.v).product()
    }

    /// Whether sums have no terms (or there are no sums).
    fn is_zero(&self) -> bool {
        self.features * self.taps() * self.images * self.outs * self.places() == 0
    }

    /// Where the input of an image and group begins.
    fn image(&self, group: usize, image: usize) -> isize {
        self.x.offset as isize + group as isize * self.by_group + image as isize * self.by_image
    }

    /// Where the kernel of an output feature and a feature begins.
    fn filter(&self, group: usize, out: usize, feature: usize) -> isize {
        let strides = &self.kernel.strides;
        self.kernel.offset as isize
            + (group * self.outs + out) as isize * strides[0]
            + feature as isize * strides[1]
    }

    /// Whether each plane meets so few products that loops are quicker than writing it.
    fn is_thin(&self) -> bool {
        self.outs == 1 || self.outs * self.features <= 4
    }
}

impl<T: Shifted> Problem<'_, T> {
    /// Writes all of `out`, which may hold anything at first.
    fn floats(&self, out: &mut [T]) {
        if self.is_zero() {
            return out.fill(T::ZERO);
        }
        if self.is_thin() {
            out.fill(T::ZERO);
            return direct::run(self, out);
        }
        if self.taps() > self.places() && self.taps() >= 16 {
            wide::run(self, out)
        } else {
            forward::run(self, out)
        }
    }
}

/// The index of number `flat` in row-major order.
fn index(
    sizes: impl DoubleEndedIterator<Item = usize> + ExactSizeIterator,
    mut flat: usize,
) -> SmallVec<[usize; 4]> {
    let mut all: SmallVec<[usize; 4]> = SmallVec::from_elem(0, sizes.len());
    for (at, n) in all.iter_mut().rev().zip(sizes.rev()) {
        (*at, flat) = (flat % n, flat / n);
    }
    all
}

/// Elements of a plane's buffer: it stays in the second cache.
const BUFFER: usize = 512 << 10;

/// So many places that planes of them fill the buffer, and no fewer than `least`: of lines of `width` elements, where
/// `extra` lines are there in any case.
fn lines_of<T>(planes: usize, width: usize, extra: usize, least: usize) -> usize {
    let all = BUFFER / size_of::<T>() / (planes * width).max(1);
    all.saturating_sub(extra).max(least.div_ceil(width)).max(1)
}

/// `n` in parts of at most `most`, as even as can be: how many, and where each starts.
fn parts(n: usize, most: usize) -> (usize, impl Fn(usize) -> usize) {
    let count = n.div_ceil(most.max(1)).max(1);
    (count, move |i| i * n / count)
}
