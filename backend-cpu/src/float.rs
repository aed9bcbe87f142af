//! What loops need to know of float types: the operations that are no programs of the kernel language, because they go
//! by the format's bits.

use crate::math::Num;
use half::{bf16, f16};

/// A float type in loops.
pub trait Float: Num {
    /// Bits of the mantissa.
    const MANTISSA: u32;
    /// Bits of the exponent.
    const EXPONENT: u32;
    /// The bits, in the lowest places.
    fn bits(self) -> u64;
    /// From such bits.
    fn from_bits(bits: u64) -> Self;
    /// The next float towards `y`; NaN if either is.
    fn next_after(self, y: Self) -> Self;

    /// To nearest even in a format of fewer bits, and back: too large becomes infinite, subnormal becomes zero.
    #[inline(always)]
    fn reduce_precision(self, exponent_bits: u32, mantissa_bits: u32) -> Self {
        if self.is_nan() {
            return self;
        }
        let mut bits = self.bits();
        let sign = bits & (1 << (Self::EXPONENT + Self::MANTISSA));
        bits ^= sign;
        if mantissa_bits < Self::MANTISSA {
            let dropped = Self::MANTISSA - mantissa_bits;
            let last_kept = bits >> dropped & 1;
            bits = (bits + (1 << (dropped - 1)) - 1 + last_kept) >> dropped << dropped;
        }
        if exponent_bits < Self::EXPONENT {
            let bias = |bits: u32| (1u64 << (bits - 1)) - 1;
            let (own, reduced) = (bias(Self::EXPONENT), bias(exponent_bits));
            let exponent = bits >> Self::MANTISSA;
            if exponent > own + reduced {
                bits = ((1 << Self::EXPONENT) - 1) << Self::MANTISSA;
            } else if exponent <= own - reduced {
                bits = 0;
            }
        }
        Self::from_bits(sign | bits)
    }
}

macro_rules! float { ($($T:ident $Bits:ident $Signed:ident $exponent:literal $mantissa:literal;)*) => { $( impl Float for $T {
    const EXPONENT: u32 = $exponent;
    const MANTISSA: u32 = $mantissa;
    #[inline(always)]
    fn bits(self) -> u64 { self.to_bits() as u64 }
    #[inline(always)]
    fn from_bits(bits: u64) -> Self { $T::from_bits(bits as $Bits) }
    #[inline]
    fn next_after(self, y: Self) -> Self {
        if self.is_nan() || y.is_nan() {
            return $T::NAN;
        }
        if self == y {
            return y;
        }
        let bits = self.to_bits();
        if self == Self::ZERO {
            return $T::from_bits(1).copysign(y);
        }
        // As integers, floats of one sign grow with their magnitude.
        let away = (y > self) == (bits as $Signed > 0);
        $T::from_bits(if away { bits + 1 } else { bits - 1 })
    }
} )* } }
float! {
    f64 u64 i64 11 52;
    f32 u32 i32 8 23;
    f16 u16 i16 5 10;
    bf16 u16 i16 8 7;
}
