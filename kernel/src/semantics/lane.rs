//! [`Lane`]: a lane of a register as bits, `u32` or `u64`, and the functions of it that operations are.

use crate::ir::Width;
use std::fmt::Debug;

/// A lane of a register as bits, and the functions of it that operations are.
///
/// Each method reads its operands as the class of numbers that its name says.
pub trait Lane: Copy + Eq + Default + Debug + bytemuck::Pod + Send + Sync + 'static {
    /// How wide it is.
    const WIDTH: Width;
    /// How many partial results a reduction has.
    const PARTIALS: usize = Self::WIDTH.partials();

    /// The lowest bits.
    fn from_u64(bits: u64) -> Self;
    /// The bits, zeros above.
    fn to_u64(self) -> u64;
    /// An integer, cut off to the lane.
    fn from_i64(x: i64) -> Self;
    /// A float in the lane's float type: exact, but for an f64 in 32 bits, which no program has.
    fn from_f64(x: f64) -> Self;
    /// A float in the lane's float type, exactly.
    fn from_f32(x: f32) -> Self;
    /// The lane's float, exactly.
    fn to_f64(self) -> f64;
    /// The lane's float, rounded to the nearest.
    fn to_f32(self) -> f32;

    /// All bits for yes, none for no.
    fn mask(yes: bool) -> Self;
    /// `yes` where the mask's bits are set, `no` where not.
    fn pick(self, yes: Self, no: Self) -> Self;
    /// All bits inverted.
    fn not(self) -> Self;
    /// Bit by bit.
    fn and(self, r: Self) -> Self;
    /// Bit by bit.
    fn or(self, r: Self) -> Self;
    /// Bit by bit.
    fn xor(self, r: Self) -> Self;

    /// A float's root.
    fn sqrt(self) -> Self;
    /// To the nearest integral float, halves to even.
    fn round_nearest(self) -> Self;
    /// To the next integral float below.
    fn round_down(self) -> Self;
    /// To the next integral float above.
    fn round_up(self) -> Self;
    /// To the integral float towards 0.
    fn round_to_zero(self) -> Self;
    /// Cut off towards 0; the lowest number where it does not fit, and of NaN.
    fn float_to_signed(self) -> Self;
    /// Cut off towards 0; all bits set where it does not fit, and of NaN.
    fn float_to_unsigned(self) -> Self;
    /// To the nearest, halves to even.
    fn signed_to_float(self) -> Self;
    /// To the nearest, halves to even.
    fn unsigned_to_float(self) -> Self;

    /// Rounded once.
    fn float_add(self, r: Self) -> Self;
    /// Rounded once.
    fn float_sub(self, r: Self) -> Self;
    /// Rounded once.
    fn float_mul(self, r: Self) -> Self;
    /// Rounded once.
    fn float_div(self, r: Self) -> Self;
    /// The smaller; `r` where they are equal, and where one is NaN.
    fn float_min(self, r: Self) -> Self;
    /// The larger; `r` where they are equal, and where one is NaN.
    fn float_max(self, r: Self) -> Self;
    /// This times 2^`r`, `r` an integral float.
    fn float_scale(self, r: Self) -> Self;
    /// This times `m`, plus `c`, rounded once.
    fn fma_add(self, m: Self, c: Self) -> Self;
    /// This times `m`, minus `c`, rounded once.
    fn fma_sub(self, m: Self, c: Self) -> Self;
    /// `c` minus this times `m`, rounded once.
    fn fma_neg(self, m: Self, c: Self) -> Self;

    /// Wrapping.
    fn int_add(self, r: Self) -> Self;
    /// Wrapping.
    fn int_sub(self, r: Self) -> Self;
    /// Wrapping.
    fn int_mul(self, r: Self) -> Self;
    /// The product of the lower halves of both, whole.
    fn mul_low(self, r: Self) -> Self;
    /// The smaller.
    fn signed_min(self, r: Self) -> Self;
    /// The larger.
    fn signed_max(self, r: Self) -> Self;
    /// The smaller.
    fn unsigned_min(self, r: Self) -> Self;
    /// The larger.
    fn unsigned_max(self, r: Self) -> Self;

    /// By less than the width.
    fn shl(self, n: u8) -> Self;
    /// By less than the width.
    fn signed_shr(self, n: u8) -> Self;
    /// By less than the width.
    fn unsigned_shr(self, n: u8) -> Self;
    /// Turned round to the left, by less than the width.
    fn rotl(self, n: u8) -> Self;
    /// By any number, unsigned; 0 from the width on.
    fn shl_by(self, n: Self) -> Self;
    /// By any number, unsigned; the sign in all bits from the width on.
    fn signed_shr_by(self, n: Self) -> Self;
    /// By any number, unsigned; 0 from the width on.
    fn unsigned_shr_by(self, n: Self) -> Self;

    /// A mask; of NaN no.
    fn float_lt(self, r: Self) -> Self;
    /// A mask; of NaN no.
    fn float_le(self, r: Self) -> Self;
    /// A mask; of NaN no.
    fn float_eq(self, r: Self) -> Self;
    /// A mask; of NaN yes.
    fn float_ne(self, r: Self) -> Self;
    /// A mask.
    fn signed_lt(self, r: Self) -> Self;
    /// A mask.
    fn signed_le(self, r: Self) -> Self;
    /// A mask.
    fn unsigned_lt(self, r: Self) -> Self;
    /// A mask.
    fn unsigned_le(self, r: Self) -> Self;
    /// A mask.
    fn int_eq(self, r: Self) -> Self;
    /// A mask.
    fn int_ne(self, r: Self) -> Self;
}

/// The methods that are the same for both widths, but for the types.
macro_rules! lane {
    ($u:ident, $i:ident, $f:ident, $width:expr, { $($own:tt)* }) => {
        impl Lane for $u {
            const WIDTH: Width = $width;

            lane! { @inline
                fn from_u64(bits: u64) -> Self { bits as $u }
                fn to_u64(self) -> u64 { self as u64 }
                fn from_i64(x: i64) -> Self { x as $u }
                fn from_f64(x: f64) -> Self { (x as $f).to_bits() }
                fn from_f32(x: f32) -> Self { (x as $f).to_bits() }
                fn to_f64(self) -> f64 { $f::from_bits(self) as f64 }
                fn to_f32(self) -> f32 { $f::from_bits(self) as f32 }

                fn mask(yes: bool) -> Self { if yes { $u::MAX } else { 0 } }
                fn pick(self, yes: Self, no: Self) -> Self { self & yes | !self & no }
                fn not(self) -> Self { !self }
                fn and(self, r: Self) -> Self { self & r }
                fn or(self, r: Self) -> Self { self | r }
                fn xor(self, r: Self) -> Self { self ^ r }

                fn sqrt(self) -> Self { $f::from_bits(self).sqrt().to_bits() }
                fn round_nearest(self) -> Self { $f::from_bits(self).round_ties_even().to_bits() }
                fn round_down(self) -> Self { $f::from_bits(self).floor().to_bits() }
                fn round_up(self) -> Self { $f::from_bits(self).ceil().to_bits() }
                fn round_to_zero(self) -> Self { $f::from_bits(self).trunc().to_bits() }
                fn float_to_signed(self) -> Self {
                    // `as` saturates, which is right below; above, and for NaN, the lowest number is meant.
                    let x = $f::from_bits(self);
                    (if x < -($i::MIN as $f) { x as $i } else { $i::MIN }) as $u
                }
                fn float_to_unsigned(self) -> Self {
                    // `as` saturates, which is right above; below, and for NaN, all bits are meant.
                    let x = $f::from_bits(self);
                    if x > -1.0 { x as $u } else { $u::MAX }
                }
                fn signed_to_float(self) -> Self { (self as $i as $f).to_bits() }
                fn unsigned_to_float(self) -> Self { (self as $f).to_bits() }

                fn float_add(self, r: Self) -> Self { ($f::from_bits(self) + $f::from_bits(r)).to_bits() }
                fn float_sub(self, r: Self) -> Self { ($f::from_bits(self) - $f::from_bits(r)).to_bits() }
                fn float_mul(self, r: Self) -> Self { ($f::from_bits(self) * $f::from_bits(r)).to_bits() }
                fn float_div(self, r: Self) -> Self { ($f::from_bits(self) / $f::from_bits(r)).to_bits() }
                fn float_min(self, r: Self) -> Self {
                    if $f::from_bits(self) < $f::from_bits(r) { self } else { r }
                }
                fn float_max(self, r: Self) -> Self {
                    if $f::from_bits(self) > $f::from_bits(r) { self } else { r }
                }
                fn fma_add(self, m: Self, c: Self) -> Self {
                    $f::from_bits(self).mul_add($f::from_bits(m), $f::from_bits(c)).to_bits()
                }
                fn fma_sub(self, m: Self, c: Self) -> Self {
                    $f::from_bits(self).mul_add($f::from_bits(m), -$f::from_bits(c)).to_bits()
                }
                fn fma_neg(self, m: Self, c: Self) -> Self {
                    (-$f::from_bits(self)).mul_add($f::from_bits(m), $f::from_bits(c)).to_bits()
                }

                fn int_add(self, r: Self) -> Self { self.wrapping_add(r) }
                fn int_sub(self, r: Self) -> Self { self.wrapping_sub(r) }
                fn int_mul(self, r: Self) -> Self { self.wrapping_mul(r) }
                fn mul_low(self, r: Self) -> Self {
                    const LOW: $u = $u::MAX >> ($u::BITS / 2);
                    (self & LOW).wrapping_mul(r & LOW)
                }
                fn signed_min(self, r: Self) -> Self { if (self as $i) < r as $i { self } else { r } }
                fn signed_max(self, r: Self) -> Self { if self as $i > r as $i { self } else { r } }
                fn unsigned_min(self, r: Self) -> Self { if self < r { self } else { r } }
                fn unsigned_max(self, r: Self) -> Self { if self > r { self } else { r } }

                fn shl(self, n: u8) -> Self { self.wrapping_shl(n as u32) }
                fn signed_shr(self, n: u8) -> Self { (self as $i).wrapping_shr(n as u32) as $u }
                fn unsigned_shr(self, n: u8) -> Self { self.wrapping_shr(n as u32) }
                fn rotl(self, n: u8) -> Self { self.rotate_left(n as u32) }
                fn shl_by(self, n: Self) -> Self {
                    if n < $u::BITS as $u { self.wrapping_shl(n as u32) } else { 0 }
                }
                fn signed_shr_by(self, n: Self) -> Self {
                    let most = $u::BITS as $u - 1;
                    (self as $i).wrapping_shr((if n < most { n } else { most }) as u32) as $u
                }
                fn unsigned_shr_by(self, n: Self) -> Self {
                    if n < $u::BITS as $u { self.wrapping_shr(n as u32) } else { 0 }
                }

                fn float_lt(self, r: Self) -> Self { Self::mask($f::from_bits(self) < $f::from_bits(r)) }
                fn float_le(self, r: Self) -> Self { Self::mask($f::from_bits(self) <= $f::from_bits(r)) }
                fn float_eq(self, r: Self) -> Self { Self::mask($f::from_bits(self) == $f::from_bits(r)) }
                fn float_ne(self, r: Self) -> Self { Self::mask($f::from_bits(self) != $f::from_bits(r)) }
                fn signed_lt(self, r: Self) -> Self { Self::mask((self as $i) < r as $i) }
                fn signed_le(self, r: Self) -> Self { Self::mask(self as $i <= r as $i) }
                fn unsigned_lt(self, r: Self) -> Self { Self::mask(self < r) }
                fn unsigned_le(self, r: Self) -> Self { Self::mask(self <= r) }
                fn int_eq(self, r: Self) -> Self { Self::mask(self == r) }
                fn int_ne(self, r: Self) -> Self { Self::mask(self != r) }

                $($own)*
            }
        }
    };
    (@inline $(fn $name:ident($($arg:tt)*) -> $out:ty $body:block)*) => { $(
        #[inline(always)]
        fn $name($($arg)*) -> $out $body
    )* };
}

lane!(u32, i32, f32, Width::W32, {
    fn float_scale(self, r: Self) -> Self {
        // Exact in f64, and rounded on the way back.
        let x = f32::from_bits(self) as f64 * power_of_two(f32::from_bits(r) as f64);
        (x as f32).to_bits()
    }
});

lane!(u64, i64, f64, Width::W64, {
    fn float_scale(self, r: Self) -> Self {
        // Only the last product rounds to what is not 0: where the first one, by what the exponent's range left over,
        // is inexact, the second one, by 2^-1022, gives 0.
        let n = f64::from_bits(r);
        let upper = if n < 1023.0 { n } else { 1023.0 };
        let most = if upper > -1022.0 { upper } else { -1022.0 };
        (f64::from_bits(self) * power_of_two(n - most) * power_of_two(most)).to_bits()
    }
});

/// 2^n for an integral n from -1022 to 1023: the sum's lowest bits are the exponent's.
#[inline(always)]
fn power_of_two(n: f64) -> f64 {
    f64::from_bits((n + (1.5 * (1u64 << 52) as f64 + 1023.0)).to_bits() << 52)
}
