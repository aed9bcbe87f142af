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
    /// Whether it is NaN.
    fn is_nan(self) -> bool;
}

macro_rules! integers { ($($T:ident)*) => { $( impl Num for $T {
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
    fn is_nan(self) -> bool { false }
} )* } }
integers!(i64 i32 i16 i8 u64 u32 u16 u8);

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
    fn is_nan(self) -> bool { $T::is_nan(self) }
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
    fn is_nan(self) -> bool { $T::is_nan(self) }
} )* } }
halves!(f16 bf16);
