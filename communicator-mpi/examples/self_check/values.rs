//! Operands whose results are known: by rank, place and type, computed here in other ways than in the crate.

use plywood_communicator_mpi::Reduction;
use plywood_core::convert::{Convert, Wide};
use plywood_core::half::{bf16, f16};
use plywood_core::{DType, Element, with_dtype};

/// What operands are made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Small whole numbers: sums of floats are exact in any order.
    Small,
    /// Any bits there are: NaN, infinities, both zeros, integers that overflow.
    Any,
}

/// An element and its bytes.
trait Value: Element {
    fn append(self, bytes: &mut Vec<u8>);
    fn of(bytes: &[u8]) -> Self;

    fn at(bytes: &[u8], i: usize) -> Self {
        Self::of(&bytes[i * size_of::<Self>()..(i + 1) * size_of::<Self>()])
    }
}
macro_rules! numbers { ($($T:ty)*) => { $( impl Value for $T {
    fn append(self, bytes: &mut Vec<u8>) { bytes.extend_from_slice(&self.to_ne_bytes()) }
    fn of(bytes: &[u8]) -> Self { <$T>::from_ne_bytes(bytes.try_into().expect("its size")) }
} )* } }
numbers!(f64 f32 f16 bf16 i64 i32 i16 i8 u64 u32 u16 u8);
impl Value for bool {
    fn append(self, bytes: &mut Vec<u8>) {
        bytes.push(self as u8)
    }
    fn of(bytes: &[u8]) -> bool {
        bytes[0] & 1 != 0
    }
}

fn bits(rank: usize, i: usize) -> u64 {
    let of_rank = (rank as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut x = of_rank ^ (i as u64).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 31)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 29)
}

fn element<T: Value>(kind: Kind, rank: usize, i: usize) -> T {
    let bits = bits(rank, i);
    match kind {
        Kind::Small => T::narrow(Wide::Int(bits as i128 % 13)),
        Kind::Any if !T::DTYPE.is_float() => T::of(&bits.to_ne_bytes()[..size_of::<T>()]),
        // Some places often have zeros, of either sign; some elements are NaN.
        Kind::Any if i.is_multiple_of(5) => T::narrow(Wide::Float([0.0, -0.0, 1.0][(bits % 3) as usize])),
        Kind::Any if bits.is_multiple_of(11) => T::narrow(Wide::Float(f64::NAN)),
        Kind::Any => T::of(&bits.to_ne_bytes()[..size_of::<T>()]),
    }
}

/// `n` elements of a rank, from place `at`.
pub fn operand(kind: Kind, dtype: DType, rank: usize, at: usize, n: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(n * dtype.size());
    with_dtype!(dtype, T => (at..at + n).for_each(|i| element::<T>(kind, rank, i).append(&mut bytes)));
    bytes
}

fn int(wide: Wide) -> i128 {
    match wide {
        Wide::Int(x) => x,
        Wide::Float(x) => panic!("{x} is no integer"),
    }
}

fn float(wide: Wide) -> f64 {
    match wide {
        Wide::Float(x) => x,
        Wide::Int(x) => panic!("{x} is no float"),
    }
}

/// What elements give together, in their order.
fn together<T: Value>(how: Reduction, elements: impl Iterator<Item = T> + Clone) -> T {
    let wide = elements.map(T::widen);
    if !T::DTYPE.is_float() {
        let ints = wide.map(int);
        let result = match how {
            Reduction::Sum | Reduction::SumInOrder => ints.sum(),
            Reduction::Max => ints.max().expect("a rank"),
            Reduction::Min => ints.min().expect("a rank"),
        };
        return T::narrow(Wide::Int(result));
    }
    let floats = wide.map(float);
    let result = match how {
        Reduction::Sum | Reduction::SumInOrder if T::DTYPE == DType::F64 => floats.reduce(|a, b| a + b),
        // 16 bits are added in f32, and rounded at the end.
        Reduction::Sum | Reduction::SumInOrder => {
            floats.map(|x| x as f32).reduce(|a, b| a + b).map(f64::from)
        }
        Reduction::Max | Reduction::Min if floats.clone().any(f64::is_nan) => Some(f64::NAN),
        Reduction::Max => floats.max_by(f64::total_cmp),
        Reduction::Min => floats.min_by(f64::total_cmp),
    };
    T::narrow(Wide::Float(result.expect("a rank")))
}

/// What members' operands give, in their order.
pub fn reduced(how: Reduction, dtype: DType, operands: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(operands[0].len());
    for i in 0..operands[0].len() / dtype.size() {
        with_dtype!(dtype, T => together(how, operands.iter().map(|o| T::at(o, i))).append(&mut bytes));
    }
    bytes
}

/// Whether elements are the same: bits, or both NaN.
pub fn same(dtype: DType, got: &[u8], expected: &[u8]) -> bool {
    got == expected
        || got.len() == expected.len()
            && dtype.is_float()
            && (0..got.len() / dtype.size()).all(|i| {
                with_dtype!(dtype, T => {
                    let (a, b) = (T::at(got, i).widen(), T::at(expected, i).widen());
                    float(a).to_bits() == float(b).to_bits() || float(a).is_nan() && float(b).is_nan()
                })
            })
}

/// Whether sums of floats agree up to a few roundings of their own type, as in another order.
pub fn close(dtype: DType, got: &[u8], expected: &[u8], operands: &[&[u8]]) -> bool {
    // Digits, and numbers so large that a partial sum might overflow: then the order decides what comes of it.
    let (digits, largest) = match dtype {
        DType::F64 => (53, f64::MAX),
        DType::F32 => (24, f32::MAX as f64),
        DType::F16 => (11, 65504.0),
        DType::BF16 => (8, 3.3895e38),
        DType::I64 | DType::I32 | DType::I16 | DType::I8 | DType::Bool => return got == expected,
        DType::U64 | DType::U32 | DType::U16 | DType::U8 => return got == expected,
    };
    got.len() == expected.len()
        && (0..got.len() / dtype.size()).all(|i| {
            let at = |bytes: &[u8]| with_dtype!(dtype, T => float(T::at(bytes, i).widen()));
            let (got, expected) = (at(got), at(expected));
            if operands.iter().any(|o| at(o).is_nan()) {
                return got.is_nan();
            }
            let sizes: f64 = operands.iter().map(|o| at(o).abs()).sum();
            // Below the smallest normal number of the 16 bits that have one near.
            let bound =
                sizes * operands.len() as f64 * 2f64.powi(-digits) + if digits == 11 { 1e-7 } else { 0.0 };
            got == expected || sizes >= largest || (got - expected).abs() <= bound
        })
}
