//! Formulas of floats by their bits in memory: the float after another, and floats of fewer bits.
//!
//! What always holds: a 16-bit float, which is wider in lanes, is taken back to the bits that it has in memory, so that a step is one
//! of its own format.

use plywood_core::DType;
use plywood_kernel::{Builder, V};

/// The bits of the exponent, and of the fraction.
fn bits_of(dtype: DType) -> (u32, u32) {
    match dtype {
        DType::F64 => (11, 52),
        DType::F32 => (8, 23),
        DType::F16 => (5, 10),
        DType::BF16 => (8, 7),
        DType::I64 | DType::I32 | DType::I16 | DType::I8 => unreachable!("{dtype} is no float"),
        DType::U64 | DType::U32 | DType::U16 | DType::U8 | DType::Bool => unreachable!("{dtype} is no float"),
    }
}

/// An f16's bits are those of an f32 with another exponent, where it is normal: 15 is 127.
const HALF: i64 = 112 << 10;

/// The bits of a float without its sign, as the lane's signed integer; of NaN anything.
fn size<'b>(b: &'b Builder, dtype: DType, x: V<'b>) -> V<'b> {
    let size = x.abs().to_bits();
    match dtype {
        DType::F16 => {
            let normal = size.shr(13) - b.int(HALF);
            // Steps below the normal numbers are 2^-24; what is no such number has other bits.
            let small = size.lt(b.int(113 << 23));
            let steps = small.select(x.abs(), b.c(0.0)) * b.c(2f64.powi(24));
            let finite = small.select(steps.convert(b.width().signed()), normal);
            size.lt(b.int(255 << 23)).select(finite, b.int(31 << 10))
        }
        DType::BF16 => size.shr(16),
        _ => size,
    }
}

/// The float with these bits.
fn float<'b>(b: &'b Builder, dtype: DType, size: V<'b>) -> V<'b> {
    match dtype {
        DType::F16 => {
            let normal = (size + b.int(HALF)).shl(13).from_bits();
            let small = size.convert(b.width().float()) * b.c(2f64.powi(-24));
            let finite = size.lt(b.int(1 << 10)).select(small, normal);
            size.lt(b.int(31 << 10)).select(finite, b.c(f64::INFINITY))
        }
        DType::BF16 => size.shl(16).from_bits(),
        _ => size.from_bits(),
    }
}

/// The float after x on the way to y: y itself if they are equal, NaN if either is.
pub fn next_after<'b>(b: &'b Builder, dtype: DType, x: V<'b>, y: V<'b>) -> V<'b> {
    let zero = b.int(0);
    // As an integer in the order of floats; both zeros are 0.
    let place = |x: V<'b>| {
        let size = size(b, dtype, x);
        x.to_bits().lt(zero).select(-size, size)
    };
    let (from, to) = (place(x), place(y));
    let from_zero = from.eq(zero);
    let inwards = from_zero | (to.gt(from) ^ from.gt(zero));
    let step = (inwards ^ from_zero).select(b.int(-1), b.int(1));
    let next = float(b, dtype, size(b, dtype, x) + step).copysign(from_zero.select(y, x));
    let next = from.eq(to).select(y, next);
    (x.is_nan() | y.is_nan()).select(b.c(f64::NAN), next)
}

/// To the nearest float of a format of so many bits of exponent and fraction, halves to even, and back: what is too large becomes
/// infinite, what is subnormal zero.
pub fn reduced<'b>(b: &'b Builder, dtype: DType, x: V<'b>, exponent: u32, fraction: u32) -> V<'b> {
    let (own_exponent, own_fraction) = bits_of(dtype);
    let mut size = size(b, dtype, x);
    if fraction < own_fraction {
        let dropped = (own_fraction - fraction) as u8;
        let last = size.shr(dropped) & b.int(1);
        size = (size + b.int((1 << (dropped - 1)) - 1) + last).shr(dropped).shl(dropped);
    }
    if exponent < own_exponent {
        let bias = |bits: u32| (1i64 << (bits - 1)) - 1;
        let (own, reduced) = (bias(own_exponent), bias(exponent));
        let of = size.shr(own_fraction as u8);
        let infinite = b.int(((1i64 << own_exponent) - 1) << own_fraction);
        size = of.le(b.int(own - reduced)).select(b.int(0), size);
        size = of.gt(b.int(own + reduced)).select(infinite, size);
    }
    x.is_nan().select(x, float(b, dtype, size).copysign(x))
}
