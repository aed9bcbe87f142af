//! Random numbers, and elements of arguments: ordinary ones, and those at the borders of their types.

use plywood_core::DType;

/// SplitMix64.
#[derive(Clone, Debug)]
pub struct Rng(pub u64);

impl Rng {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// Less than `n`.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() >> 11) as usize % n
    }

    /// True once in `n` times.
    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

fn mix(x: u64) -> u64 {
    let x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

/// Which elements an argument has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// At the borders of their type, or any bits.
    Special,
    /// Numbers from -8 to 8.
    Ordinary,
}

/// The bits of an element, by a number.
pub fn element(dtype: DType, kind: Kind, seed: u64) -> u64 {
    let x = mix(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let bits = match kind {
        Kind::Special => special(dtype, x),
        Kind::Ordinary => ordinary(dtype, x),
    };
    bits & u64::MAX >> (64 - 8 * dtype.size())
}

fn ordinary(dtype: DType, x: u64) -> u64 {
    let number = (x >> 40) as f64 / (1u64 << 20) as f64 - 8.0;
    match dtype {
        DType::F64 => number.to_bits(),
        DType::F32 => (number as f32).to_bits() as u64,
        DType::F16 => half::f16::from_f64(number).to_bits() as u64,
        DType::BF16 => half::bf16::from_f64(number).to_bits() as u64,
        DType::Bool => x >> 40 & 1,
        DType::I64 | DType::I32 | DType::I16 | DType::I8 => number as i64 as u64,
        DType::U64 | DType::U32 | DType::U16 | DType::U8 => (x >> 40) % 70,
    }
}

fn special(dtype: DType, x: u64) -> u64 {
    match dtype {
        DType::Bool => x >> 20 & 1,
        DType::F32 => special_float(8, 23, x),
        DType::F64 => special_float(11, 52, x),
        DType::F16 => special_float(5, 10, x),
        DType::BF16 => special_float(8, 7, x),
        DType::I64
        | DType::I32
        | DType::I16
        | DType::I8
        | DType::U64
        | DType::U32
        | DType::U16
        | DType::U8 => {
            let bits = 8 * dtype.size() as u32;
            match (x >> 8) as usize % 12 {
                0 => 0,
                1 => 1,
                2 => u64::MAX,
                3 => 1 << (bits - 1),
                4 => (1 << (bits - 1)) - 1,
                5 => bits as u64,
                6 => bits as u64 - 1,
                7 => 1 << 24,
                8 => (1 << 25) + 1,
                _ => x >> 7,
            }
        }
    }
}

/// A float of so many bits of exponent and mantissa.
fn special_float(exponent: u32, bits: u32, x: u64) -> u64 {
    let (top, one) = (((1u64 << exponent) - 1) << bits, ((1u64 << (exponent - 1)) - 1) << bits);
    let sign = (x & 1) << (exponent + bits);
    let all = (1u64 << (1 + exponent + bits).min(63)) - 1;
    // A power of two of the width of an integer, where the exponent reaches it.
    let power = |n: u64, more: u64| one + ((n << bits) | more).min(top - one - 1);
    sign | match (x >> 8) as usize % 28 {
        0 | 1 => 0,
        2 => 1,
        3 => 1 << (bits - 1),
        4 => 1 << bits,
        5 => (1 << bits) - 1,
        6 => top,
        // NaN, quiet and signalling, and with a payload.
        7 => top | 1 << (bits - 1),
        8 => top | 1,
        9 => top | x >> 9 & ((1 << bits) - 1) | 1,
        10 => top - 1,
        11 | 12 => one,
        13 => one + 1,
        14 => one - 1,
        15 => one | 1 << (bits - 1),
        16 => one + (2 << bits),
        17 => power(31, 0),
        18 => power(31, 1),
        19 => power(32, 0) - 1,
        20 => power(63, 1),
        21 => power(64, 0) - 1,
        22 => one - (1 << bits),
        23 => one - (2 << bits) + 1,
        24 => x >> 5 & ((1 << bits) - 1),
        25 => one + (x >> 9) % (3 << bits),
        _ => x >> 7 & all >> 1,
    }
}

/// Whether an element is NaN.
pub fn is_nan(dtype: DType, bits: u64) -> bool {
    match dtype {
        DType::F32 => f32::from_bits(bits as u32).is_nan(),
        DType::F64 => f64::from_bits(bits).is_nan(),
        DType::F16 => bits & 0x7fff > 0x7c00,
        DType::BF16 => bits & 0x7fff > 0x7f80,
        DType::I64 | DType::I32 | DType::I16 | DType::I8 => false,
        DType::U64 | DType::U32 | DType::U16 | DType::U8 | DType::Bool => false,
    }
}
