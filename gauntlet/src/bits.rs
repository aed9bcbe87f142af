//! Elements as bits, exactly: how data goes to the oracle and back, and how floats are counted in units in the last
//! place. An array's text is the hexadecimal of its elements, most significant digit first, one after another.

use half::{bf16, f16};
use plywood_core::{Array, DType, Element, Shape, with_dtype};
use std::fmt::Write;

/// The bits of an element, in the low end of a u64.
pub trait Bits: Element {
    /// The bits.
    fn bits(self) -> u64;
    /// The element of these bits.
    fn from_bits(bits: u64) -> Self;
}

macro_rules! integers { ($($T:ty, $U:ty;)*) => { $( impl Bits for $T {
    fn bits(self) -> u64 { self as $U as u64 }
    fn from_bits(bits: u64) -> Self { bits as $T }
} )* } }
integers!(i8, u8; i16, u16; i32, u32; i64, u64; u8, u8; u16, u16; u32, u32; u64, u64;);

macro_rules! floats { ($($T:ty, $U:ty;)*) => { $( impl Bits for $T {
    fn bits(self) -> u64 { self.to_bits() as u64 }
    fn from_bits(bits: u64) -> Self { <$T>::from_bits(bits as $U) }
} )* } }
floats!(f64, u64; f32, u32; f16, u16; bf16, u16;);

impl Bits for bool {
    fn bits(self) -> u64 {
        self as u64
    }
    fn from_bits(bits: u64) -> Self {
        bits != 0
    }
}

/// The bits of all elements.
pub fn bits_of(array: &Array) -> Vec<u64> {
    with_dtype!(array.dtype(), T => {
        array.as_slice::<T>().expect("its own dtype").iter().map(|&x| Bits::bits(x)).collect()
    })
}

/// The array of these bits.
pub fn from_bits(dtype: DType, shape: impl Into<Shape>, bits: &[u64]) -> Array {
    with_dtype!(dtype, T => {
        Array::new(bits.iter().map(|&b| <T as Bits>::from_bits(b)).collect::<Vec<T>>(), shape)
    })
}

/// The elements in hexadecimal.
pub fn hex(array: &Array) -> String {
    let digits = array.dtype().size() * 2;
    let mut text = String::with_capacity(digits * array.shape().elements());
    for b in bits_of(array) {
        write!(text, "{b:0digits$x}").expect("a String takes any text");
    }
    text
}

/// The array of a type from its hexadecimal; an error where the text does not fit the type.
pub fn from_hex(dtype: DType, shape: Shape, text: &str) -> Result<Array, String> {
    let digits = dtype.size() * 2;
    if text.len() != digits * shape.elements() || !text.is_ascii() {
        return Err(format!("{} hexadecimal digits for {dtype}{shape}", text.len()));
    }
    let number = |i: usize| u64::from_str_radix(&text[i * digits..(i + 1) * digits], 16);
    let bits: Result<Vec<u64>, _> = (0..shape.elements()).map(number).collect();
    Ok(from_bits(dtype, shape, &bits.map_err(|e| e.to_string())?))
}

/// The place of a float among all floats of its type in order; -0 and 0 have the same. NaN has none.
pub fn place(dtype: DType, bits: u64) -> Option<i64> {
    let sign = 1u64 << (dtype.bits() - 1);
    let magnitude = bits & (sign - 1);
    (magnitude <= infinity(dtype)).then_some(if bits & sign == 0 {
        magnitude as i64
    } else {
        -(magnitude as i64)
    })
}

/// The bits of +infinity of a float type; what lies above is NaN.
pub fn infinity(dtype: DType) -> u64 {
    match dtype {
        DType::F64 => f64::INFINITY.to_bits(),
        DType::F32 => f32::INFINITY.to_bits() as u64,
        DType::F16 => f16::INFINITY.to_bits() as u64,
        DType::BF16 => bf16::INFINITY.to_bits() as u64,
        other => panic!("{other} has no infinity"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hex_there_and_back() {
        let x = Array::new(vec![-1i16, 2], [2]);
        assert_eq!(hex(&x), "ffff0002");
        assert_eq!(from_hex(DType::I16, Shape::from([2]), "ffff0002"), Ok(x));
        assert!(from_hex(DType::I16, Shape::from([2]), "ffff").is_err());
        assert_eq!(hex(&Array::new(vec![true, false], [2])), "0100");
    }

    #[test]
    fn places_count_floats() {
        let place = |x: f32| place(DType::F32, x.to_bits() as u64);
        assert_eq!(place(0.0), place(-0.0));
        assert_eq!(place(f32::MAX).unwrap() + 1, place(f32::INFINITY).unwrap());
        assert_eq!(place(-f32::from_bits(1)), Some(-1));
        assert_eq!(place(f32::NAN), None);
    }
}
