//! Element-wise operations: which dtype they compute in, and NumPy's broadcasting in front of them.

use super::Value;
use crate::op::{Binary, Bits, Compare, Unary};
use crate::{DType, Number, Op, Shape, TensorType};
use smallvec::smallvec;

/// An operand: a tensor's value or a plain number.
#[derive(Clone, Debug)]
pub enum Term {
    /// A tensor.
    Value(Value),
    /// A number, which takes the tensor's dtype.
    Number(Number),
}

impl Term {
    fn dtype_with(&self, other: DType) -> DType {
        match self {
            Term::Value(v) => v.dtype().promote(other),
            Term::Number(n) => n.promote(other),
        }
    }

    fn shape(&self) -> Option<&Shape> {
        match self {
            Term::Value(v) => Some(v.shape()),
            Term::Number(_) => None,
        }
    }

    /// As a value of this type; a number becomes a constant like `example`.
    #[track_caller]
    fn into_type(self, name: &str, example: &Value, ty: &TensorType) -> Value {
        match self {
            Term::Value(v) => v.cast(ty.dtype).broadcast_to(name, &ty.shape),
            Term::Number(number) => example.full(number, ty.clone()),
        }
    }
}

/// The shape that all operands broadcast to, or a panic that names them.
#[track_caller]
fn common_shape<'a>(name: &str, shapes: impl Iterator<Item = &'a Shape> + Clone) -> Shape {
    let mut common = Shape::scalar();
    for shape in shapes.clone() {
        common = match common.broadcast(shape) {
            Some(shape) => shape,
            None => {
                let all: Vec<String> = shapes.map(|s| s.to_string()).collect();
                panic!(
                    "{name}: shapes {} do not broadcast: counted from the end, sizes are equal or one of them is 1",
                    all.join(" and ")
                )
            }
        };
    }
    common
}

/// Both operands with the same shape and dtype; `lift` maps the promoted dtype to the one computed in.
#[track_caller]
#[inline]
fn pair(name: &str, x: Value, y: Term, lift: fn(DType) -> DType) -> (Value, Value) {
    let dtype = lift(y.dtype_with(x.dtype()));
    match y {
        Term::Value(y) if y.shape() == x.shape() => (x.cast(dtype), y.cast(dtype)),
        Term::Value(y) => {
            let shape = common_shape(name, [x.shape(), y.shape()].into_iter());
            (x.cast(dtype).broadcast_to(name, &shape), y.cast(dtype).broadcast_to(name, &shape))
        }
        Term::Number(number) => {
            let x = x.cast(dtype);
            let y = x.full_like(number);
            (x, y)
        }
    }
}

fn same(dtype: DType) -> DType {
    dtype
}

/// Arithmetic on bool counts: it is done in i32.
fn countable(dtype: DType) -> DType {
    if dtype == DType::Bool { DType::I32 } else { dtype }
}

impl Value {
    /// A function of one operand; integers and bool are computed in f32 where it takes only floats.
    #[track_caller]
    pub fn unary(self, op: Unary) -> Value {
        let dtype = self.dtype();
        let rounds = matches!(op, Unary::Floor | Unary::Ceil | Unary::Round | Unary::RoundEven);
        let x = if dtype.is_float() || (op.takes_integers() && dtype.is_integer()) {
            self
        } else if rounds && dtype.is_integer() {
            return self;
        } else if op.takes_integers() {
            self.cast(DType::I32)
        } else {
            self.cast(DType::F32)
        };
        Value::apply1(Op::Unary(op), x)
    }

    /// Arithmetic with promotion and broadcasting. Division is true division: integers are divided in f32.
    #[track_caller]
    pub fn binary(self, op: Binary, y: Term) -> Value {
        let lift = match op {
            Binary::Div | Binary::Pow | Binary::Atan2 | Binary::NextAfter => DType::to_float,
            Binary::Add | Binary::Sub | Binary::Mul | Binary::Rem => countable,
            Binary::Max | Binary::Min => same,
        };
        let (x, y) = match y {
            // The commonest case first.
            Term::Value(y) if y.ty() == self.ty() && lift(self.dtype()) == self.dtype() => (self, y),
            y => pair(op.name(), self, y, lift),
        };
        op.check(x.ty());
        Value::apply_alike(Op::Binary(op), x, y)
    }

    /// The sum with a value of the same type, as derivatives need it: nothing is promoted or broadcast.
    #[track_caller]
    pub fn accumulate(self, y: Value) -> Value {
        assert!(self.ty() == y.ty(), "add: types {} and {} differ", self.ty(), y.ty());
        Value::apply_alike(Op::Binary(Binary::Add), self, y)
    }

    /// `number op self`.
    #[track_caller]
    pub fn binary_from(self, op: Binary, number: Number) -> Value {
        let dtype = number.promote(self.dtype());
        let x = self.cast(dtype);
        let number = x.full_like(number);
        number.binary(op, Term::Value(x))
    }

    /// Division of integers that truncates; of floats, the truncated quotient.
    #[track_caller]
    pub fn div_trunc(self, y: Term) -> Value {
        let (x, y) = pair("div", self, y, countable);
        let float = x.dtype().is_float();
        let q = Value::apply2(Op::Binary(Binary::Div), x, y);
        if !float {
            return q;
        }
        let (down, up) = (q.clone().unary(Unary::Floor), q.clone().unary(Unary::Ceil));
        q.compare(Compare::Lt, Term::Number(Number::Int(0))).select(Term::Value(up), Term::Value(down))
    }

    /// Bit operations with promotion and broadcasting.
    #[track_caller]
    pub fn bits(self, op: Bits, y: Term) -> Value {
        let (x, y) = pair(op.name(), self, y, same);
        Value::apply2(Op::Bits(op), x, y)
    }

    /// `x >> y`: `op`, which is the arithmetic shift, but of unsigned integers the logical one.
    #[track_caller]
    pub fn shift_right(self, op: Bits, y: Term) -> Value {
        let op = if self.dtype().is_unsigned() { Bits::ShiftRightLogical } else { op };
        self.bits(op, y)
    }

    /// A comparison with promotion and broadcasting.
    #[track_caller]
    pub fn compare(self, op: Compare, y: Term) -> Value {
        let (x, y) = pair(op.name(), self, y, same);
        Value::apply2(Op::Compare(op), x, y)
    }

    /// x to an integer power; of bool in i32.
    #[track_caller]
    pub fn integer_pow(self, exponent: i32) -> Value {
        let dtype = countable(self.dtype());
        Value::apply1(Op::IntegerPow { exponent }, self.cast(dtype))
    }

    /// Where this is true (not zero) `yes`, else `no`; all three broadcast.
    #[track_caller]
    pub fn select(self, yes: Term, no: Term) -> Value {
        let dtype = match (&yes, &no) {
            (Term::Value(y), n) => n.dtype_with(y.dtype()),
            (y, Term::Value(n)) => y.dtype_with(n.dtype()),
            // Two numbers beside a predicate: what they would give beside a bool tensor.
            (Term::Number(y), Term::Number(n)) => y.promote(DType::Bool).promote(n.promote(DType::Bool)),
        };
        let shapes = [Some(self.shape()), yes.shape(), no.shape()].into_iter().flatten();
        let ty = TensorType::new(common_shape("select", shapes), dtype);
        let which = self.truth().broadcast_to("select", &ty.shape);
        let yes = yes.into_type("select", &which, &ty);
        let no = no.into_type("select", &which, &ty);
        Value::apply_all(Op::Select, smallvec![which, no, yes])
    }

    /// `min(max(self, low), high)` as one operation: no operand gets a gradient at a bound.
    #[track_caller]
    pub fn clamp(self, low: Term, high: Term) -> Value {
        let dtype = low.dtype_with(high.dtype_with(self.dtype()));
        let shapes = [low.shape(), Some(self.shape()), high.shape()].into_iter().flatten();
        let ty = TensorType::new(common_shape("clamp", shapes), dtype);
        let x = self.cast(dtype).broadcast_to("clamp", &ty.shape);
        let low = low.into_type("clamp", &x, &ty);
        let high = high.into_type("clamp", &x, &ty);
        Value::apply_all(Op::Clamp, smallvec![low, x, high])
    }
}
