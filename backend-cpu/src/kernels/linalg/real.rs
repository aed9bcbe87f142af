//! [`Real`]: f32 and f64, and their products of matrices as the factorisations need them.

use super::loops;
use crate::gemm::portable::Gemm;
use crate::gemm::{Finish, Input, Matrix, Rounded, multiply};
use crate::kernel::target::Target;
use crate::pool::scratch;
use bytemuck::Pod;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// Products of fewer multiplications than this are done in place.
const TINY: usize = 512;
/// Products of fewer multiplications than this stay on one thread.
const SERIAL: usize = 128 * 128 * 128;
/// Bytes of a product that is made before it is subtracted, about: it stays in the second cache.
const BLOCK: usize = 256 << 10;

/// A float that matrices are factorised in.
pub trait Real:
    Pod
    + PartialOrd
    + Gemm
    + Input<Self>
    + Rounded<Self>
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
{
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// 2.
    const TWO: Self;
    /// NaN.
    const NAN: Self;
    /// Infinity.
    const INFINITY: Self;
    /// The distance from 1 to the next number.
    const EPSILON: Self;
    /// Squares of numbers above this one are exact to rounding, and their sums do not overflow below its reciprocal.
    const SMALL: Self;
    /// The square root.
    fn sqrt(self) -> Self;
    /// The magnitude.
    fn abs(self) -> Self;
    /// This magnitude with the sign of another number.
    fn with_sign(self, sign: Self) -> Self;
    /// The power of two at or below a positive number; of subnormal ones the smallest normal one.
    fn power_of_two(self) -> Self;
    /// `self * y + z`, rounded once.
    fn multiply_add(self, y: Self, z: Self) -> Self;
    /// The largest magnitude; `None` where one is infinite or NaN.
    fn largest(x: &[Self]) -> Option<Self>;
}

macro_rules! real {
    ($T:ident $U:ident $small:expr) => {
        impl Real for $T {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const TWO: Self = 2.0;
            const NAN: Self = $T::NAN;
            const INFINITY: Self = $T::INFINITY;
            const EPSILON: Self = $T::EPSILON;
            const SMALL: Self = $small;
            #[inline(always)]
            fn sqrt(self) -> Self {
                $T::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $T::abs(self)
            }
            #[inline(always)]
            fn with_sign(self, sign: Self) -> Self {
                self.copysign(sign)
            }
            #[inline(always)]
            fn multiply_add(self, y: Self, z: Self) -> Self {
                self.mul_add(y, z)
            }
            fn power_of_two(self) -> Self {
                $T::from_bits(self.to_bits() & !((1 << ($T::MANTISSA_DIGITS - 1)) - 1)).max($T::MIN_POSITIVE)
            }
            #[inline(always)]
            fn largest(x: &[Self]) -> Option<Self> {
                // Magnitudes order as their bits do, and integers' maxima vectorise.
                let bits: &[$U] = bytemuck::cast_slice(x);
                let most = $T::from_bits(bits.iter().fold(0, |most, &b| most.max(b & ($U::MAX >> 1))));
                most.is_finite().then_some(most)
            }
        }
    };
}
real!(f32 u32 1e-15);
real!(f64 u64 1e-140);

/// Writes `x y` to `out`, row-major with `stride` elements from row to row.
pub fn product<T: Real>(
    [m, k, n]: [usize; 3],
    out: &mut [T],
    stride: usize,
    x: Matrix<'_, T>,
    y: Matrix<'_, T>,
    threads: bool,
) {
    if m == 0 || n == 0 {
        return;
    }
    if m * k * n <= TINY {
        let at = |a: &Matrix<'_, T>, i: usize, j: usize| {
            a.data[(a.offset + i as isize * a.rows + j as isize * a.columns) as usize]
        };
        for (i, row) in out.chunks_mut(stride).take(m).enumerate() {
            for (j, out) in row[..n].iter_mut().enumerate() {
                *out = (0..k).fold(T::ZERO, |sum, l| sum + at(&x, i, l) * at(&y, l, j));
            }
        }
    } else if !multiply(Target::current(), [m, k, n], out, stride, x, y, Finish::None, threads) {
        T::gemm([m, k, n], out, stride, false, x, y, threads && m * k * n > SERIAL);
    }
}

/// Subtracts `x y` from `c`, row-major with `stride` elements from row to row.
pub fn subtract_product<T: Real>(
    [m, k, n]: [usize; 3],
    c: &mut [T],
    stride: usize,
    x: Matrix<'_, T>,
    y: Matrix<'_, T>,
    threads: bool,
) {
    if m == 0 || n == 0 || k == 0 {
        return;
    }
    let rows = (BLOCK / (n * size_of::<T>())).clamp(32, m.max(32)).min(m);
    let mut space = scratch(rows * n * size_of::<T>());
    let product_of = space.as_mut_slice::<T>();
    for first in (0..m).step_by(rows) {
        let rows = rows.min(m - first);
        product([rows, k, n], product_of, n, x.at_row(first), y, threads);
        let target = &mut c[first * stride..];
        loops::subtract(target, stride, &product_of[..rows * n], n);
    }
}

/// A matrix whose rows lie one after another.
pub fn rows<T>(data: &[T], stride: usize) -> Matrix<'_, T> {
    Matrix { data, offset: 0, rows: stride as isize, columns: 1 }
}
