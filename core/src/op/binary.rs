//! Element-wise arithmetic of two operands of equal shape and dtype. (Broadcasting and promotion are operations of
//! their own, which the tensors' methods put in front.)

use crate::op::{names, same_types};
use crate::{DType, TensorType};

names! {
    /// An element-wise function of two operands of the same type.
    pub enum Binary {
        /// x + y; integers wrap.
        Add "add",
        /// x - y; integers wrap.
        Sub "sub",
        /// x * y; integers wrap.
        Mul "mul",
        /// x / y; integers truncate, and division by zero gives -1 (all bits set), as in XLA.
        Div "div",
        /// The remainder with the sign of x; by zero it is x for integers, NaN for floats.
        Rem "rem",
        /// x^y, of floats.
        Pow "pow",
        /// The angle of the point (y: second operand, x: first is the ordinate): `atan2(first, second)`, of floats.
        Atan2 "atan2",
        /// The larger; NaN if either is. Of bool: or.
        Max "max",
        /// The smaller; NaN if either is. Of bool: and.
        Min "min",
        /// The next float after the first operand towards the second.
        NextAfter "nextafter",
    }
}

impl Binary {
    #[track_caller]
    pub(super) fn infer(self, x: &TensorType, y: &TensorType) -> TensorType {
        same_types(self.name(), &[x, y]);
        self.check(x);
        x.clone()
    }

    /// Panics where it does not take operands of this type. (Its output has the same.)
    #[track_caller]
    #[inline]
    pub(crate) fn check(self, x: &TensorType) {
        let fits = match self {
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => x.dtype != DType::Bool,
            Binary::Pow | Binary::Atan2 | Binary::NextAfter => x.dtype.is_float(),
            Binary::Max | Binary::Min => true,
        };
        assert!(fits, "{}: does not take {}; cast it first", self.name(), x.dtype);
    }
}
