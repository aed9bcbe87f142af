//! Values from nothing, like an example: the example decides the engine, so that rules of layers can create.

use super::Value;
use crate::{DType, Number, Op, TensorType};

impl Value {
    /// `number` everywhere, with this value's engine and shape.
    #[track_caller]
    pub fn full_like(&self, number: Number) -> Value {
        self.full(number, self.ty().clone())
    }

    /// `number` everywhere, of any type, on this value's engine.
    #[track_caller]
    pub fn full(&self, number: Number, ty: TensorType) -> Value {
        Value::create(self.engine(), Op::Full { number, ty })
    }

    /// 0, 1, 2, .. along `axis`, on this value's engine.
    #[track_caller]
    pub fn iota(&self, ty: TensorType, axis: usize) -> Value {
        Value::create(self.engine(), Op::Iota { ty, axis })
    }

    /// To another dtype by value; itself where it has that dtype.
    #[track_caller]
    pub fn cast(self, dtype: DType) -> Value {
        if self.dtype() == dtype { self } else { Value::apply1(Op::Cast { dtype }, self) }
    }

    /// To another dtype by bits.
    #[track_caller]
    pub fn bitcast(self, dtype: DType) -> Value {
        if self.dtype() == dtype { self } else { Value::apply1(Op::Bitcast { dtype }, self) }
    }

    /// To bool: different from zero.
    #[track_caller]
    pub fn truth(self) -> Value {
        self.cast(DType::Bool)
    }
}
