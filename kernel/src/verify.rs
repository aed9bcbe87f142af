//! The types of values, and what a program may not say. Every operation passes here when it is added to a program, so
//! that executors need not look.

use super::ir::{Arg, Binary, Id, Op, StageKind, Type, Unary, Width};
use plywood_core::DType;

/// What is known about a program when an operation is added.
pub(super) struct Context<'a> {
    pub(super) width: Width,
    pub(super) args: &'a [Arg],
    pub(super) ops: &'a [Op],
    pub(super) types: &'a [Type],
    /// The stage that is being built.
    pub(super) kind: StageKind,
    /// Its first operation.
    pub(super) start: Id,
    /// For each operation the kind of its stage.
    pub(super) kinds: &'a [StageKind],
}

/// Why an operation is not one.
pub(super) type Fault = String;

impl Context<'_> {
    /// The type of the operation's value (of a store: that of what it stores), or why it does not fit.
    pub(super) fn check(&self, op: Op) -> Result<Type, Fault> {
        for id in op.operands() {
            self.visible(id)?;
        }
        let ty = |id: Id| self.types[id as usize];
        match op {
            Op::Const(ty, bits) => self.constant(ty, bits),
            Op::Column if self.kind == StageKind::Row => Err("a row has no column".into()),
            Op::Column => Ok(self.width.unsigned()),
            Op::Load(arg) => {
                let Arg { dtype, splat } = self.arg(arg)?;
                match self.kind == StageKind::Row && !splat {
                    true => Err(format!("a row stage reads argument {arg}, which has an element a column")),
                    false => Ok(Type::of(dtype, self.width).expect("checked when it was declared")),
                }
            }
            Op::Store(arg, a) => {
                let Arg { dtype, splat } = self.arg(arg)?;
                if splat != (self.kind == StageKind::Row) {
                    return Err(format!("argument {arg} is stored where it has no element of its own"));
                }
                match storable(dtype, ty(a)) {
                    true => Ok(ty(a)),
                    false => Err(format!("argument {arg} holds {dtype}, not {:?}", ty(a))),
                }
            }
            Op::While(_) if self.kind == StageKind::Loop => Err("only rows end".into()),
            Op::While(a) => match ty(a) {
                Type::Mask => Ok(Type::Mask),
                t => Err(format!("rows go on by a mask, not by {t:?}")),
            },
            Op::Unary(op, a) => self.unary(op, ty(a)),
            Op::Binary(op, a, b) => same(ty(a), ty(b)).and_then(|t| binary(op, t)),
            Op::Fma(_, a, b, c) => match same(ty(a), ty(b)).and_then(|t| same(t, ty(c)))? {
                t if t.is_float() => Ok(t),
                t => Err(format!("fma is of floats, not {t:?}")),
            },
            Op::Compare(_, a, b) => match same(ty(a), ty(b))? {
                Type::Mask => Err("masks are not compared".into()),
                _ => Ok(Type::Mask),
            },
            Op::Select(mask, a, b) => match ty(mask) {
                Type::Mask => same(ty(a), ty(b)),
                t => Err(format!("a choice is by a mask, not by {t:?}")),
            },
            Op::Reduce(..) if self.kind == StageKind::Row => Err("a row stage has nothing to reduce".into()),
            Op::Reduce(op, a) => match (op.step(), ty(a)) {
                (_, Type::Mask) => Err("masks are not reduced; select integers by them".into()),
                (Binary::And | Binary::Or | Binary::Xor, t) if t.is_float() => {
                    Err(format!("{op:?} is of integers, not {t:?}"))
                }
                (_, t) => Ok(t),
            },
        }
    }

    /// Whether the operation at work may read a value.
    fn visible(&self, id: Id) -> Result<(), Fault> {
        let Some(op) = self.ops.get(id as usize) else { return Err(format!("there is no value {id}")) };
        if !op.has_value() {
            return Err(format!("{id} is {op:?}, which has no value"));
        }
        let earlier = id < self.start;
        let uniform = match op {
            Op::Reduce(..) if !earlier => return Err(format!("reduction {id} is known after its loop only")),
            Op::Const(..) | Op::Reduce(..) => true,
            Op::Load(arg) => self.args[*arg as usize].splat,
            Op::Column
            | Op::Store(..)
            | Op::While(_)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Fma(..)
            | Op::Compare(..)
            | Op::Select(..) => self.kinds[id as usize] == StageKind::Row,
        };
        match earlier && !uniform {
            true => Err(format!("value {id} was made in an earlier loop")),
            false => Ok(()),
        }
    }

    fn constant(&self, ty: Type, bits: u64) -> Result<Type, Fault> {
        let most = match ty {
            Type::Mask => 1,
            Type::F32 | Type::I32 | Type::U32 => u32::MAX as u64,
            Type::F64 | Type::I64 | Type::U64 => u64::MAX,
        };
        match ty.width().is_none_or(|w| w == self.width) && bits <= most {
            true => Ok(ty),
            false => Err(format!("{bits:#x} is no {ty:?} of a program of {:?}", self.width)),
        }
    }

    fn arg(&self, arg: u8) -> Result<Arg, Fault> {
        self.args.get(arg as usize).copied().ok_or_else(|| format!("there is no argument {arg}"))
    }

    fn unary(&self, op: Unary, t: Type) -> Result<Type, Fault> {
        let bits = 8 * self.width.bytes() as u8;
        let (fits, to) = match op {
            Unary::Sqrt | Unary::Round(_) => (t.is_float(), t),
            Unary::Not => (!t.is_float(), t),
            Unary::Shl(n) | Unary::Shr(n) => (t.is_integer() && n < bits, t),
            Unary::Rotl(n) => (t.is_integer() && !t.is_signed() && n < bits, t),
            Unary::Convert(to) => {
                let fits = t.is_float() && to.is_integer() || t.is_integer() && to.is_float();
                (fits && t.width() == to.width(), to)
            }
            Unary::Bits(to) => (t != Type::Mask && t.width() == to.width(), to),
        };
        match fits {
            true => Ok(to),
            false => Err(format!("{op:?} is not of {t:?}")),
        }
    }
}

fn same(a: Type, b: Type) -> Result<Type, Fault> {
    match a == b {
        true => Ok(a),
        false => Err(format!("operands are {a:?} and {b:?}")),
    }
}

fn binary(op: Binary, t: Type) -> Result<Type, Fault> {
    let fits = match op {
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Min | Binary::Max => t != Type::Mask,
        Binary::MulLow => t == Type::U64,
        Binary::Div | Binary::Scale => t.is_float(),
        Binary::And | Binary::Or | Binary::Xor => true,
        Binary::Shl | Binary::Shr => t.is_integer(),
    };
    match fits {
        true => Ok(t),
        false => Err(format!("{op:?} is not of {t:?}")),
    }
}

/// Whether lanes of this type may be stored as elements of that one. Integers may change their sign on the way.
pub fn storable(dtype: DType, t: Type) -> bool {
    match dtype {
        DType::F64 => t == Type::F64,
        DType::F32 | DType::F16 | DType::BF16 => t.is_float(),
        DType::I64 | DType::U64 => matches!(t, Type::I64 | Type::U64),
        DType::I32 | DType::I16 | DType::I8 | DType::U32 | DType::U16 | DType::U8 => t.is_integer(),
        DType::Bool => t == Type::Mask,
    }
}
