//! Conversions between element types by value, as `Op::Cast` defines them: to nearest even between floats,
//! truncating and saturating from floats to integers (NaN gives 0), wrapping between integers, `!= 0` to bool.

use crate::{Element, Number};
use half::{bf16, f16};

/// An element on its way between two types, exact.
#[derive(Clone, Copy, Debug)]
pub enum Wide {
    /// A float.
    Float(f64),
    /// An integer or bool.
    Int(i128),
}

/// The two halves of a conversion. Every [`Element`] has it.
pub trait Convert: Sized {
    /// To the wide form, exactly.
    fn widen(self) -> Wide;
    /// From the wide form, by the rules of a cast.
    fn narrow(wide: Wide) -> Self;
}

macro_rules! integers { ($($I:ty)*) => { $( impl Convert for $I {
    #[inline(always)]
    fn widen(self) -> Wide { Wide::Int(self as i128) }
    #[inline(always)]
    fn narrow(wide: Wide) -> Self { match wide { Wide::Int(i) => i as $I, Wide::Float(f) => f as $I } }
} )* } }
integers!(i8 i16 i32 i64 u8 u16 u32 u64);

macro_rules! floats { ($($F:ty, $from_float:expr, $from_int:expr;)*) => { $( impl Convert for $F {
    #[inline(always)]
    fn widen(self) -> Wide { Wide::Float(f64::from(self)) }
    #[inline(always)]
    fn narrow(wide: Wide) -> Self {
        match wide { Wide::Int(i) => $from_int(i), Wide::Float(f) => $from_float(f) }
    }
} )* } }
floats! {
    f64, |f| f, |i| i as f64;
    f32, |f| f as f32, |i| i as f32;
    f16, f16::from_f64, |i| f16::from_f64(i as f64);
    bf16, bf16::from_f64, |i| bf16::from_f64(i as f64);
}

impl Convert for bool {
    #[inline(always)]
    fn widen(self) -> Wide {
        Wide::Int(self as i128)
    }
    #[inline(always)]
    fn narrow(wide: Wide) -> Self {
        match wide {
            Wide::Int(i) => i != 0,
            Wide::Float(f) => f != 0.0,
        }
    }
}

/// One element as another type.
#[inline(always)]
pub fn cast<T: Element, U: Element>(x: T) -> U {
    U::narrow(x.widen())
}

/// An integer or bool element, exactly; a float truncated.
pub fn to_i128<T: Element>(x: T) -> i128 {
    match x.widen() {
        Wide::Int(i) => i,
        Wide::Float(f) => f as i128,
    }
}

/// An element as f64, rounded to nearest.
pub fn to_f64<T: Element>(x: T) -> f64 {
    match x.widen() {
        Wide::Int(i) => i as f64,
        Wide::Float(f) => f,
    }
}

/// A plain number as an element.
pub fn from_number<T: Element>(number: Number) -> T {
    T::narrow(match number {
        Number::Float(x) => Wide::Float(x),
        Number::Int(x) => Wide::Int(x as i128),
        Number::UInt(x) => Wide::Int(x as i128),
        Number::Bool(x) => Wide::Int(x as i128),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn casts_truncate_saturate_and_wrap() {
        assert_eq!(cast::<f32, i8>(-1.9), -1);
        assert_eq!(cast::<f32, u8>(300.0), 255);
        assert_eq!(cast::<f64, i32>(f64::NAN), 0);
        assert_eq!(cast::<i32, u8>(-1), 255);
        assert_eq!(cast::<f64, bf16>(1.0 + 1.0 / 256.0), bf16::ONE);
        assert!(cast::<f32, bool>(f32::NAN));
        assert_eq!(from_number::<f16>(Number::Bool(true)), f16::ONE);
    }
}
