//! Plain numbers beside tensors: `x * 2.0`, `x.maximum(0)`.
//!
//! A plain number is *weak*: it takes the tensor's dtype. Only a float beside an integer or bool tensor, and an
//! integer beside a bool tensor, change the type (to f32 and i32).

use crate::DType;
use half::{bf16, f16};
use std::fmt;
use std::hash::{Hash, Hasher};

/// A number without a tensor's type. Equality and hash go by bits, so that it can be part of a key.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A floating-point number.
    Float(f64),
    /// A signed integer.
    Int(i64),
    /// An unsigned integer.
    UInt(u64),
    /// A truth value.
    Bool(bool),
}

impl Number {
    /// As f64, rounded to nearest.
    pub fn to_f64(self) -> f64 {
        match self {
            Number::Float(x) => x,
            Number::Int(x) => x as f64,
            Number::UInt(x) => x as f64,
            Number::Bool(x) => x as u8 as f64,
        }
    }

    /// The dtype that an operation on a tensor of type `tensor` and this number computes in.
    pub fn promote(self, tensor: DType) -> DType {
        match self {
            Number::Float(_) if !tensor.is_float() => DType::F32,
            Number::Int(_) | Number::UInt(_) if tensor == DType::Bool => DType::I32,
            _ => tensor,
        }
    }

    fn key(self) -> (u8, u64) {
        match self {
            Number::Float(x) => (0, x.to_bits()),
            Number::Int(x) => (1, x as u64),
            Number::UInt(x) => (2, x),
            Number::Bool(x) => (3, x as u64),
        }
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}
impl Eq for Number {}
impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state)
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Number::Float(x) => write!(f, "{x:?}"),
            Number::Int(x) => write!(f, "{x}"),
            Number::UInt(x) => write!(f, "{x}"),
            Number::Bool(x) => write!(f, "{x}"),
        }
    }
}

/// A plain Rust number (or `bool`) that may stand beside a tensor.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is neither a tensor of this backend nor a plain number",
    note = "a tensor of an outer level is brought in with `.lift()`"
)]
pub trait Scalar: Copy + fmt::Debug + Send + Sync + 'static {
    /// The dtype this type has by itself.
    const DTYPE: DType;
    /// The number without its type.
    fn number(self) -> Number;
}

macro_rules! scalars { ($($T:ident $D:ident $Kind:ident $via:ty),*) => { $(
    impl Scalar for $T {
        const DTYPE: DType = DType::$D;
        fn number(self) -> Number { Number::$Kind(<$via>::from(self)) }
    }
)* } }
scalars!(f64 F64 Float f64, f32 F32 Float f64, f16 F16 Float f64, bf16 BF16 Float f64,
    i64 I64 Int i64, i32 I32 Int i64, i16 I16 Int i64, i8 I8 Int i64,
    u64 U64 UInt u64, u32 U32 UInt u64, u16 U16 UInt u64, u8 U8 UInt u64, bool Bool Bool bool);

impl Scalar for usize {
    const DTYPE: DType = DType::I32;
    fn number(self) -> Number {
        Number::UInt(self as u64)
    }
}
impl Scalar for isize {
    const DTYPE: DType = DType::I32;
    fn number(self) -> Number {
        Number::Int(self as i64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_weak() {
        assert_eq!(2.0.number().promote(DType::BF16), DType::BF16);
        assert_eq!(2.0.number().promote(DType::I64), DType::F32);
        assert_eq!(2.number().promote(DType::Bool), DType::I32);
        assert_eq!(2.number().promote(DType::U8), DType::U8);
        assert_eq!(true.number().promote(DType::F16), DType::F16);
    }

    #[test]
    fn numbers_compare_by_bits() {
        assert_eq!(Number::Float(f64::NAN), Number::Float(f64::NAN));
        assert_ne!(Number::Float(0.0), Number::Float(-0.0));
        assert_ne!(Number::Int(1), Number::UInt(1));
    }
}
