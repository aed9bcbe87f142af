//! Element types: the run-time name ([`DType`]), the compile-time side ([`Element`]), and how types promote.
//!
//! Promotion follows JAX's lattice: `bool < integers < (bf16, f16) < f32 < f64`. An integer meets a float and the
//! float wins; bf16 and f16 meet in f32; a signed and an unsigned integer meet in the next wider signed one.

use crate::convert::Convert;
use half::{bf16, f16};
use std::fmt;

/// Binds the Rust type of a run-time [`DType`](crate::DType) and evaluates an expression with it:
/// `with_dtype!(dtype, T => size_of::<T>())`.
#[macro_export]
macro_rules! with_dtype {
    ($dtype:expr, $Name:ident => $body:expr) => {
        $crate::with_dtype!(@arms $dtype, $Name => $body,
            F64 f64, F32 f32, F16 $crate::half::f16, BF16 $crate::half::bf16, I64 i64, I32 i32, I16 i16, I8 i8,
            U64 u64, U32 u32, U16 u16, U8 u8, Bool bool)
    };
    (@arms $dtype:expr, $Name:ident => $body:expr, $($Variant:ident $T:ty),*) => {
        match $dtype { $($crate::DType::$Variant => { type $Name = $T; $body })* }
    };
}

macro_rules! dtypes {
    ($($Variant:ident $T:ident $name:literal $size:literal),* $(,)?) => {
        /// The type of a tensor's elements.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum DType {
            $(#[doc = concat!("`", $name, "`, ", stringify!($size), " byte(s)")] $Variant),*
        }

        impl DType {
            /// Every element type there is.
            pub const ALL: [DType; [$($size),*].len()] = [$(DType::$Variant),*];

            /// The name as Rust spells it: `f32`, `bool`.
            pub const fn name(self) -> &'static str {
                match self { $(DType::$Variant => $name),* }
            }

            /// Bytes of one element.
            pub const fn size(self) -> usize {
                match self { $(DType::$Variant => $size),* }
            }
        }

        $(impl private::Sealed for $T {}
        impl Element for $T {
            const DTYPE: DType = DType::$Variant;
            fn wrap(elements: Vec<Self>) -> Elements { Elements::$Variant(elements) }
            fn unwrap(elements: &Elements) -> Option<&[Self]> {
                match elements { Elements::$Variant(e) => Some(e), _ => None }
            }
            fn unwrap_owned(elements: Elements) -> Option<Vec<Self>> {
                match elements { Elements::$Variant(e) => Some(e), _ => None }
            }
        })*

        /// Host data of one element type, in row-major order.
        #[derive(Clone, Debug, PartialEq)]
        pub enum Elements { $(#[doc = concat!("Elements of type `", $name, "`.")] $Variant(Vec<$T>)),* }

        impl Elements {
            /// The element type.
            pub fn dtype(&self) -> DType { match self { $(Elements::$Variant(_) => DType::$Variant),* } }
            /// How many there are.
            pub fn len(&self) -> usize { match self { $(Elements::$Variant(e) => e.len()),* } }
            /// Whether there are none.
            pub fn is_empty(&self) -> bool { self.len() == 0 }
        }
    };
}

dtypes! {
    F64 f64 "f64" 8,
    F32 f32 "f32" 4,
    F16 f16 "f16" 2,
    BF16 bf16 "bf16" 2,
    I64 i64 "i64" 8,
    I32 i32 "i32" 4,
    I16 i16 "i16" 2,
    I8 i8 "i8" 1,
    U64 u64 "u64" 8,
    U32 u32 "u32" 4,
    U16 u16 "u16" 2,
    U8 u8 "u8" 1,
    Bool bool "bool" 1,
}

mod private {
    pub trait Sealed {}
}

/// A Rust type that can be an element of a tensor: `f64 f32 f16 bf16`, `i8..i64`, `u8..u64`, `bool`.
///
/// The trait is sealed: the set of element types is part of every layer's rules.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an element type of tensors",
    label = "elements are f64, f32, f16, bf16, i8 to i64, u8 to u64 and bool"
)]
pub trait Element: Convert + Copy + PartialEq + fmt::Debug + Send + Sync + 'static + private::Sealed {
    /// The run-time name of this type.
    const DTYPE: DType;
    #[doc(hidden)]
    fn wrap(elements: Vec<Self>) -> Elements;
    #[doc(hidden)]
    fn unwrap(elements: &Elements) -> Option<&[Self]>;
    #[doc(hidden)]
    fn unwrap_owned(elements: Elements) -> Option<Vec<Self>>;
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl DType {
    /// `f64`, `f32`, `f16` or `bf16`: a type that has derivatives.
    pub const fn is_float(self) -> bool {
        matches!(self, DType::F64 | DType::F32 | DType::F16 | DType::BF16)
    }

    /// A signed or unsigned integer; `bool` is not one.
    pub const fn is_integer(self) -> bool {
        self.is_signed_integer() || self.is_unsigned()
    }

    /// `i8` to `i64`.
    pub const fn is_signed_integer(self) -> bool {
        matches!(self, DType::I64 | DType::I32 | DType::I16 | DType::I8)
    }

    /// `u8` to `u64`.
    pub const fn is_unsigned(self) -> bool {
        matches!(self, DType::U64 | DType::U32 | DType::U16 | DType::U8)
    }

    /// Bits of one element.
    pub const fn bits(self) -> usize {
        self.size() * 8
    }

    /// The type two tensors meet in: the least upper bound in JAX's lattice.
    ///
    /// ```
    /// use plywood_core::DType;
    /// assert_eq!(DType::BF16.promote(DType::F16), DType::F32);
    /// assert_eq!(DType::I64.promote(DType::F16), DType::F16);
    /// assert_eq!(DType::U8.promote(DType::I8), DType::I16);
    /// ```
    pub fn promote(self, other: DType) -> DType {
        use DType::*;
        let (a, b) = (self, other);
        match (a, b) {
            _ if a == b => a,
            (Bool, t) | (t, Bool) => t,
            _ if a.is_float() && b.is_float() => match (a, b) {
                (F64, _) | (_, F64) => F64,
                _ => F32,
            },
            _ if a.is_float() => a,
            _ if b.is_float() => b,
            _ if a.is_unsigned() == b.is_unsigned() => {
                if a.size() >= b.size() {
                    a
                } else {
                    b
                }
            }
            _ => {
                let (signed, unsigned) = if a.is_unsigned() { (b, a) } else { (a, b) };
                match unsigned {
                    _ if signed.size() > unsigned.size() => signed,
                    U8 => I16,
                    U16 => I32,
                    U32 => I64,
                    // No integer holds both: JAX's lattice goes on to the floats.
                    _ => F32,
                }
            }
        }
    }

    /// The float type in which this type divides, averages and has an `exp`: itself if it is one, else `f32`.
    pub const fn to_float(self) -> DType {
        if self.is_float() { self } else { DType::F32 }
    }

    /// The type in which sums and products of this type are returned: integers below 32 bits and `bool` widen to 32.
    pub const fn to_sum(self) -> DType {
        match self {
            DType::Bool | DType::I8 | DType::I16 => DType::I32,
            DType::U8 | DType::U16 => DType::U32,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::DType::{self, *};

    /// The whole lattice, row by row, as JAX documents it (with 64-bit types enabled).
    #[test]
    fn promotion_is_jaxs_lattice() {
        let order = [Bool, U8, U16, U32, U64, I8, I16, I32, I64, BF16, F16, F32, F64];
        let table = [
            [Bool, U8, U16, U32, U64, I8, I16, I32, I64, BF16, F16, F32, F64],
            [U8, U8, U16, U32, U64, I16, I16, I32, I64, BF16, F16, F32, F64],
            [U16, U16, U16, U32, U64, I32, I32, I32, I64, BF16, F16, F32, F64],
            [U32, U32, U32, U32, U64, I64, I64, I64, I64, BF16, F16, F32, F64],
            [U64, U64, U64, U64, U64, F32, F32, F32, F32, BF16, F16, F32, F64],
            [I8, I16, I32, I64, F32, I8, I16, I32, I64, BF16, F16, F32, F64],
            [I16, I16, I32, I64, F32, I16, I16, I32, I64, BF16, F16, F32, F64],
            [I32, I32, I32, I64, F32, I32, I32, I32, I64, BF16, F16, F32, F64],
            [I64, I64, I64, I64, F32, I64, I64, I64, I64, BF16, F16, F32, F64],
            [BF16, BF16, BF16, BF16, BF16, BF16, BF16, BF16, BF16, BF16, F32, F32, F64],
            [F16, F16, F16, F16, F16, F16, F16, F16, F16, F32, F16, F32, F64],
            [F32, F32, F32, F32, F32, F32, F32, F32, F32, F32, F32, F32, F64],
            [F64; 13],
        ];
        for (i, a) in order.iter().enumerate() {
            for (j, b) in order.iter().enumerate() {
                assert_eq!(a.promote(*b), table[i][j], "{a} with {b}");
            }
        }
        assert_eq!(DType::ALL.len(), order.len());
    }
}
