//! Machine code for x86-64.

pub mod encode;
