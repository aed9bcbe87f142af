//! Functions of floats: what f32 and f64 compute in, and the functions that the standard library lacks.

use crate::math::Num;
use half::{bf16, f16};

/// A float type in kernels; 16-bit floats compute in f32 and round once.
pub trait Float: Num {
    /// What it computes in.
    type Wide: Real;
    /// To the type it computes in.
    fn wide(self) -> Self::Wide;
    /// Rounded from the type it computes in.
    fn narrow(wide: Self::Wide) -> Self;
    /// The next float towards `y`; NaN if either is.
    fn next_after(self, y: Self) -> Self;

    /// x^y.
    #[inline(always)]
    fn pow(self, y: Self) -> Self {
        Self::narrow(self.wide().powf(y.wide()))
    }
    /// The angle whose sine and cosine are in the ratio `self : x`.
    #[inline(always)]
    fn atan2(self, x: Self) -> Self {
        Self::narrow(self.wide().atan2(x.wide()))
    }
}

/// f32 or f64.
pub trait Real: Num {
    /// x^y.
    fn powf(self, y: Self) -> Self;
    /// The angle whose sine and cosine are in the ratio `self : x`.
    fn atan2(self, x: Self) -> Self;
}

macro_rules! real { ($($T:ident),*) => { $( impl Real for $T {
    #[inline(always)]
    fn powf(self, y: Self) -> Self { $T::powf(self, y) }
    #[inline(always)]
    fn atan2(self, x: Self) -> Self { $T::atan2(self, x) }
} )* } }
real!(f32, f64);

macro_rules! float { ($($T:ident $Wide:ident $Signed:ident $wide:expr, $narrow:expr;)*) => { $( impl Float for $T {
    type Wide = $Wide;
    #[inline(always)]
    fn wide(self) -> $Wide { $wide(self) }
    #[inline(always)]
    fn narrow(wide: $Wide) -> Self { $narrow(wide) }
    #[inline]
    fn next_after(self, y: Self) -> Self {
        if self.is_nan() || y.is_nan() {
            return $T::NAN;
        }
        if self == y {
            return y;
        }
        let bits = self.to_bits() as $Signed;
        if self == Self::ZERO {
            return $T::from_bits(1).copysign(y);
        }
        // As integers, floats of one sign grow with their magnitude.
        let away = (y > self) == (bits > 0);
        $T::from_bits(if away { bits + 1 } else { bits - 1 } as _)
    }
} )* } }
float! {
    f64 f64 i64 |x| x, |x| x;
    f32 f32 i32 |x| x, |x| x;
    f16 f32 i16 f16::to_f32, f16::from_f32;
    bf16 f32 i16 bf16::to_f32, bf16::from_f32;
}
