//! Where samples' numbers come from: a small generator (SplitMix64, seeded by a name, the same for ever), and the
//! special values of each dtype. Numbers travel as [`Wide`] and are narrowed to the dtype by the rules of a cast.

use crate::bits;
use plywood_core::convert::{Convert, Wide};
use plywood_core::{Array, DType, Shape, with_dtype};

/// A deterministic source of numbers.
#[derive(Clone, Debug)]
pub struct Numbers(u64);

impl Numbers {
    /// The source of this name.
    pub fn of(name: &str) -> Self {
        Numbers(fnv(name.as_bytes()))
    }

    /// 64 uniform bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Uniform in [low, high).
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * ((self.bits() >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// Uniform integers in [low, high].
    pub fn int(&mut self, low: i64, high: i64) -> i64 {
        (low as i128 + (self.bits() as i128) % (high as i128 - low as i128 + 1)) as i64
    }

    /// A multiple of 1/8 in [-4, 4], never 0: exact in every float type, as are small sums and products of it.
    pub fn dyadic(&mut self) -> f64 {
        let k = self.int(1, 32) as f64 / 8.0;
        if self.bits() & 1 == 0 { k } else { -k }
    }
}

/// The 64-bit FNV-1a hash.
pub fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |h, &b| (h ^ b as u64).wrapping_mul(0x100_0000_01b3))
}

/// An array whose element `i`, in row-major order, is `f(i)`.
pub fn fill(dtype: DType, shape: impl Into<Shape>, mut f: impl FnMut(usize) -> Wide) -> Array {
    let shape = shape.into();
    with_dtype!(dtype, T => {
        Array::new((0..shape.elements()).map(|i| <T as Convert>::narrow(f(i))).collect::<Vec<T>>(), shape)
    })
}

/// An array of these floats.
pub fn floats(dtype: DType, shape: impl Into<Shape>, values: &[f64]) -> Array {
    fill(dtype, shape, |i| Wide::Float(values[i]))
}

/// An array of these integers.
pub fn ints(dtype: DType, shape: impl Into<Shape>, values: &[i64]) -> Array {
    fill(dtype, shape, |i| Wide::Int(values[i] as i128))
}

/// An array that runs through `values` again and again. Sizes of tiles are not multiples of a prime number of values,
/// so a misplaced tile shows; and the text of a large array still compresses.
pub fn cycle(dtype: DType, shape: impl Into<Shape>, values: &[Wide]) -> Array {
    fill(dtype, shape, |i| values[i % values.len()])
}

/// Small numbers of any dtype, distinct in kind: dyadic floats, integers in [-9, 9] (0 to 9), bools.
pub fn small(dtype: DType, shape: impl Into<Shape>, name: &str) -> Array {
    let mut numbers = Numbers::of(name);
    fill(dtype, shape, |_| match dtype {
        _ if dtype.is_float() => Wide::Float(numbers.dyadic()),
        _ if dtype.is_unsigned() => Wide::Int(numbers.int(0, 9) as i128),
        DType::Bool => Wide::Int(numbers.int(0, 1) as i128),
        _ => Wide::Int(numbers.int(-9, 9) as i128),
    })
}

/// Floats in [low, high), or integers of all magnitudes.
pub fn uniform(dtype: DType, shape: impl Into<Shape>, name: &str, low: f64, high: f64) -> Array {
    let mut numbers = Numbers::of(name);
    fill(dtype, shape, |_| {
        if dtype.is_float() {
            Wide::Float(numbers.between(low, high))
        } else {
            let shift = numbers.int(0, 63);
            Wide::Int((numbers.bits() >> shift) as i128)
        }
    })
}

/// The format of a float type: bits of the significand (the hidden one included), least and greatest exponent.
pub fn format(dtype: DType) -> (i32, i32, i32) {
    match dtype {
        DType::F64 => (53, -1022, 1023),
        DType::F32 => (24, -126, 127),
        DType::F16 => (11, -14, 15),
        DType::BF16 => (8, -126, 127),
        other => panic!("{other} is not a float type"),
    }
}

/// Values of a dtype at which operations go wrong: zeros, infinities, NaN, subnormals, extremes, halves.
pub fn specials(dtype: DType) -> Vec<Wide> {
    match dtype {
        DType::Bool => vec![Wide::Int(0), Wide::Int(1)],
        _ if dtype.is_integer() => {
            let bits = dtype.bits() as u32 - dtype.is_signed_integer() as u32;
            let max = (1i128 << bits) - 1;
            let min = if dtype.is_signed_integer() { -max - 1 } else { 0 };
            let mut all = vec![0, 1, 2, 3, 5, 7, max, max - 1, max / 2, max / 2 + 1];
            if dtype.is_signed_integer() {
                all.extend([-1, -2, -3, -7, min, min + 1]);
            }
            all.into_iter().map(Wide::Int).collect()
        }
        _ => {
            let (p, least, most) = format(dtype);
            let two = |e: i32| 2f64.powi(e);
            let (epsilon, smallest) = (two(1 - p), f64_subnormal(least + 1 - p));
            let max = (2.0 - epsilon) * two(most);
            let positive = [
                0.0,
                1.0,
                0.5,
                f64::INFINITY,
                smallest,
                two(least),
                two(least) - smallest,
                max,
                1.0 + epsilon,
                1.0 - epsilon / 2.0,
                0.5 - epsilon / 4.0,
                1.5,
                2.0,
                2.5,
                3.0,
            ];
            let both = positive.iter().flat_map(|&x| [x, -x]);
            both.chain([f64::NAN]).map(Wide::Float).collect()
        }
    }
}

/// 2^e, subnormals included (`powi` of a negative exponent goes through the reciprocal, which overflows).
fn f64_subnormal(e: i32) -> f64 {
    if e < -1022 { f64::from_bits(1u64 << (e + 1074)) } else { 2f64.powi(e) }
}

/// The special values and numbers of all magnitudes between them, with a prime number of them in all.
pub fn mixed(dtype: DType, name: &str) -> Vec<Wide> {
    let mut numbers = Numbers::of(name);
    let mut all = specials(dtype);
    let wanted = [17, 31, 61, 97].into_iter().find(|&n| n >= all.len() + 12).unwrap_or(all.len());
    while all.len() < wanted {
        let x = if dtype.is_float() {
            let (_, least, most) = format(dtype);
            // Half of them of everyday size, half of any.
            let wide = all.len().is_multiple_of(2);
            let e = if wide { numbers.int(least as i64, most as i64) } else { numbers.int(-3, 5) };
            let sign = if numbers.bits() & 1 == 0 { 1.0 } else { -1.0 };
            Wide::Float(sign * numbers.between(1.0, 2.0) * 2f64.powi(e as i32))
        } else {
            let shift = numbers.int(0, 63);
            Wide::Int((numbers.bits() as i64 >> shift) as i128)
        };
        all.push(x);
    }
    all
}

/// Distinct dyadic floats (or integers) in a shuffled order: for extremes and sorts, whose derivatives jump at ties.
pub fn distinct(dtype: DType, shape: impl Into<Shape>, name: &str) -> Array {
    let shape = shape.into();
    let mut numbers = Numbers::of(name);
    let n = shape.elements();
    let mut all: Vec<i64> = (0..n as i64).map(|i| i - n as i64 / 2).collect();
    for i in (1..n).rev() {
        all.swap(i, numbers.int(0, i as i64) as usize);
    }
    let scale = if dtype.is_float() { 0.25 } else { 1.0 };
    fill(dtype, shape, |i| Wide::Float(all[i] as f64 * scale))
}

/// The least or the greatest bits of a dtype, as a value that no sample expects: what lies beside a view.
pub fn poison(dtype: DType) -> u64 {
    if dtype.is_float() { bits::infinity(dtype) + 1 } else { u64::from(dtype == DType::Bool) | 0x5A }
}
