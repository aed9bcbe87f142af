//! Integer and bit operations; `and`, `or`, `xor` and `not` of bool are the logical ones.

use crate::op::{names, same_types};
use crate::{DType, TensorType};

names! {
    /// An element-wise function of the bits of integers.
    pub enum Bits {
        /// Every bit inverted; of bool: logical not.
        Not "not",
        /// Number of bits set.
        PopulationCount "population_count",
        /// Number of zero bits before the highest set one.
        CountLeadingZeros "clz",
        /// Bitwise and.
        And "and",
        /// Bitwise or.
        Or "or",
        /// Bitwise exclusive or.
        Xor "xor",
        /// x << y; 0 where y is not below the number of bits.
        ShiftLeft "shift_left",
        /// x >> y, filled with the sign; all sign where y is not below the number of bits.
        ShiftRightArithmetic "shift_right_arithmetic",
        /// x >> y, filled with zeros; 0 where y is not below the number of bits.
        ShiftRightLogical "shift_right_logical",
    }
}

impl Bits {
    /// How many operands it takes.
    pub fn arity(self) -> usize {
        match self {
            Bits::Not | Bits::PopulationCount | Bits::CountLeadingZeros => 1,
            Bits::And | Bits::Or | Bits::Xor => 2,
            Bits::ShiftLeft | Bits::ShiftRightArithmetic | Bits::ShiftRightLogical => 2,
        }
    }

    /// Whether it takes bool as well as integers.
    pub fn takes_bool(self) -> bool {
        matches!(self, Bits::Not | Bits::And | Bits::Or | Bits::Xor)
    }

    #[track_caller]
    pub(super) fn infer(self, x: &[&TensorType]) -> TensorType {
        same_types(self.name(), x);
        let dtype = x[0].dtype;
        assert!(
            dtype.is_integer() || (dtype == DType::Bool && self.takes_bool()),
            "{}: takes integers{}, not {dtype}",
            self.name(),
            if self.takes_bool() { " and bool" } else { "" }
        );
        x[0].clone()
    }
}
