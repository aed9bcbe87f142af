//! From a run-time dtype to the Rust type its elements are stored as, for one class of dtypes each.
//!
//! Kernels are generic over the stored type; bool is stored as a `u8` of 0 or 1. A dtype outside the class cannot
//! come: shape rules run before an engine.

/// Binds the stored type of any dtype: `stored!(dtype, T => expression)`; bool is `u8`.
macro_rules! stored {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            plywood_core::DType::Bool => {
                type $T = u8;
                $body
            }
            dtype => $crate::dispatch::numbers!(dtype, $T => $body),
        }
    };
}

/// Binds the type of a float or integer dtype.
macro_rules! numbers {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $dtype {
            dtype if dtype.is_float() => $crate::dispatch::floats!(dtype, $T => $body),
            dtype => $crate::dispatch::integers!(dtype, $T => $body),
        }
    };
}

/// Binds the type of a float dtype.
macro_rules! floats {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::dispatch::arms!($dtype, $T => $body, "floats",
            F64 f64, F32 f32, F16 half::f16, BF16 half::bf16)
    };
}

/// Binds the type of an integer dtype (bool is none).
macro_rules! integers {
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::dispatch::arms!($dtype, $T => $body, "integers",
            I64 i64, I32 i32, I16 i16, I8 i8, U64 u64, U32 u32, U16 u16, U8 u8)
    };
}

macro_rules! arms {
    ($dtype:expr, $T:ident => $body:expr, $class:literal, $($D:ident $t:ty),*) => {
        match $dtype {
            $(plywood_core::DType::$D => { type $T = $t; $body })*
            other => unreachable!("the shape rule lets only {} here, not {other}", $class),
        }
    };
}

/// Binds the unsigned type of an element's size in bytes, for kernels that only move elements.
macro_rules! by_size {
    ($size:expr, $T:ident => $body:expr) => {
        match $size {
            1 => {
                type $T = u8;
                $body
            }
            2 => {
                type $T = u16;
                $body
            }
            4 => {
                type $T = u32;
                $body
            }
            8 => {
                type $T = u64;
                $body
            }
            other => unreachable!("no element has {other} bytes"),
        }
    };
}

pub(crate) use {arms, by_size, floats, integers, numbers, stored};
