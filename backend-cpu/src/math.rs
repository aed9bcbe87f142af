//! Arithmetic of element types that Rust's operators do not give: integers wrap, 16-bit floats compute in f32.

use bytemuck::Pod;
use half::{bf16, f16};

/// A number type in kernels, with the arithmetic that the operations define.
pub trait Num: Pod + PartialOrd + Send + Sync {
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The least value there is; -inf of floats.
    const LOWEST: Self;
    /// The greatest value there is; inf of floats.
    const HIGHEST: Self;
    /// x + y, wrapping.
    fn add(self, y: Self) -> Self;
    /// x - y, wrapping.
    fn sub(self, y: Self) -> Self;
    /// x * y, wrapping.
    fn mul(self, y: Self) -> Self;
    /// x / y; integers truncate, wrap, and give all bits set for y = 0.
    fn div(self, y: Self) -> Self;
    /// The remainder with the sign of x; integers give x for y = 0.
    fn rem(self, y: Self) -> Self;
    /// The larger; NaN if either is.
    fn max(self, y: Self) -> Self;
    /// The smaller; NaN if either is.
    fn min(self, y: Self) -> Self;
    /// -x, wrapping.
    fn neg(self) -> Self;
    /// |x|, wrapping.
    fn abs(self) -> Self;
    /// -1, 0 or 1; NaN and zeros stay.
    fn sign(self) -> Self;
    /// Whether it is NaN.
    fn is_nan(self) -> bool;
    /// x to an integer power, of floats any, of integers not negative; wrapping.
    fn powi(self, exponent: i32) -> Self;
}

macro_rules! integers { ($($T:ident $abs:expr, $neg_sign:expr;)*) => { $( impl Num for $T {
    const ZERO: Self = 0;
    const ONE: Self = 1;
    const LOWEST: Self = $T::MIN;
    const HIGHEST: Self = $T::MAX;
    #[inline(always)]
    fn add(self, y: Self) -> Self { self.wrapping_add(y) }
    #[inline(always)]
    fn sub(self, y: Self) -> Self { self.wrapping_sub(y) }
    #[inline(always)]
    fn mul(self, y: Self) -> Self { self.wrapping_mul(y) }
    #[inline(always)]
    fn div(self, y: Self) -> Self { if y == 0 { !0 } else { self.wrapping_div(y) } }
    #[inline(always)]
    fn rem(self, y: Self) -> Self { if y == 0 { self } else { self.wrapping_rem(y) } }
    #[inline(always)]
    fn max(self, y: Self) -> Self { Ord::max(self, y) }
    #[inline(always)]
    fn min(self, y: Self) -> Self { Ord::min(self, y) }
    #[inline(always)]
    fn neg(self) -> Self { self.wrapping_neg() }
    #[inline(always)]
    fn abs(self) -> Self { $abs(self) }
    #[inline(always)]
    fn sign(self) -> Self { $neg_sign(self) }
    #[inline(always)]
    fn is_nan(self) -> bool { false }
    #[inline(always)]
    fn powi(self, exponent: i32) -> Self { self.wrapping_pow(exponent as u32) }
} )* } }
integers! {
    i64 i64::wrapping_abs, i64::signum; i32 i32::wrapping_abs, i32::signum;
    i16 i16::wrapping_abs, i16::signum; i8 i8::wrapping_abs, i8::signum;
    u64 |x| x, |x| Ord::min(x, 1); u32 |x| x, |x| Ord::min(x, 1);
    u16 |x| x, |x| Ord::min(x, 1); u8 |x| x, |x| Ord::min(x, 1);
}

macro_rules! floats { ($($T:ident)*) => { $( impl Num for $T {
    const ZERO: Self = 0.0;
    const ONE: Self = 1.0;
    const LOWEST: Self = $T::NEG_INFINITY;
    const HIGHEST: Self = $T::INFINITY;
    #[inline(always)]
    fn add(self, y: Self) -> Self { self + y }
    #[inline(always)]
    fn sub(self, y: Self) -> Self { self - y }
    #[inline(always)]
    fn mul(self, y: Self) -> Self { self * y }
    #[inline(always)]
    fn div(self, y: Self) -> Self { self / y }
    #[inline(always)]
    fn rem(self, y: Self) -> Self { self % y }
    // Of equal zeros `max` gives the positive one and `min` the negative one, whichever comes first.
    #[inline(always)]
    fn max(self, y: Self) -> Self {
        let larger = if self > y { self } else { y };
        let zeros = if self == y { $T::from_bits(self.to_bits() & y.to_bits()) } else { larger };
        if self.is_nan() { self } else { zeros }
    }
    #[inline(always)]
    fn min(self, y: Self) -> Self {
        let smaller = if self < y { self } else { y };
        let zeros = if self == y { $T::from_bits(self.to_bits() | y.to_bits()) } else { smaller };
        if self.is_nan() { self } else { zeros }
    }
    #[inline(always)]
    fn neg(self) -> Self { -self }
    #[inline(always)]
    fn abs(self) -> Self { $T::abs(self) }
    #[inline(always)]
    fn sign(self) -> Self { if self > 0.0 { 1.0 } else if self < 0.0 { -1.0 } else { self } }
    #[inline(always)]
    fn is_nan(self) -> bool { $T::is_nan(self) }
    #[inline(always)]
    fn powi(self, exponent: i32) -> Self {
        let (mut power, mut square, mut left) = (1.0, self, exponent.unsigned_abs());
        while left > 0 {
            if left & 1 == 1 {
                power *= square;
            }
            square *= square;
            left >>= 1;
        }
        if exponent < 0 { 1.0 / power } else { power }
    }
} )* } }
floats!(f64 f32);

macro_rules! halves { ($($T:ident)*) => { $( impl Num for $T {
    const ZERO: Self = $T::ZERO;
    const ONE: Self = $T::ONE;
    const LOWEST: Self = $T::NEG_INFINITY;
    const HIGHEST: Self = $T::INFINITY;
    #[inline(always)]
    fn add(self, y: Self) -> Self { $T::from_f32(self.to_f32() + y.to_f32()) }
    #[inline(always)]
    fn sub(self, y: Self) -> Self { $T::from_f32(self.to_f32() - y.to_f32()) }
    #[inline(always)]
    fn mul(self, y: Self) -> Self { $T::from_f32(self.to_f32() * y.to_f32()) }
    #[inline(always)]
    fn div(self, y: Self) -> Self { $T::from_f32(self.to_f32() / y.to_f32()) }
    #[inline(always)]
    fn rem(self, y: Self) -> Self { $T::from_f32(self.to_f32() % y.to_f32()) }
    #[inline(always)]
    fn max(self, y: Self) -> Self { $T::from_f32(Num::max(self.to_f32(), y.to_f32())) }
    #[inline(always)]
    fn min(self, y: Self) -> Self { $T::from_f32(Num::min(self.to_f32(), y.to_f32())) }
    #[inline(always)]
    fn neg(self) -> Self { $T::from_bits(self.to_bits() ^ 0x8000) }
    #[inline(always)]
    fn abs(self) -> Self { $T::from_bits(self.to_bits() & 0x7fff) }
    #[inline(always)]
    fn sign(self) -> Self { $T::from_f32(Num::sign(self.to_f32())) }
    #[inline(always)]
    fn is_nan(self) -> bool { $T::is_nan(self) }
    #[inline(always)]
    fn powi(self, exponent: i32) -> Self { $T::from_f32(Num::powi(self.to_f32(), exponent)) }
} )* } }
halves!(f16 bf16);
