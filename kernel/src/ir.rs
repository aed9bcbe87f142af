//! The kernel language: a list of operations on vector registers, each value defined once, cut into stages.
//!
//! A program runs over `rows` x `columns` elements. Its stages run in order for every row: a [`StageKind::Loop`] goes
//! over the row's columns, a [`StageKind::Row`] is straight-line code. What a row stage makes, or a [`Op::Reduce`] in a
//! loop, is one number, the same in every lane, that later stages of the same row see. How many rows and columns there
//! are, and how far apart the rows of each argument lie, is data of the call; so is the number of the first column.
//!
//! What always holds: a [`Program`] has been checked (only [`Builder::finish`](super::Builder::finish) makes one), and
//! its result is the same to the bit on every executor, whatever the width of its registers; of a NaN only that it is
//! one is meant, not its sign nor its payload.

mod program;

pub use program::{Digest, Program};

use plywood_core::DType;

/// How many bits a lane has: the same for all registers of a program.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Width {
    /// Lanes of 32 bits: `F32`, `I32`, `U32`.
    W32,
    /// Lanes of 64 bits: `F64`, `I64`, `U64`.
    W64,
}

impl Width {
    /// Bytes of a lane.
    #[inline]
    pub const fn bytes(self) -> usize {
        match self {
            Width::W32 => 4,
            Width::W64 => 8,
        }
    }

    /// The narrowest lanes that hold every element of this type.
    #[inline]
    pub const fn of(dtype: DType) -> Width {
        match dtype {
            DType::F64 | DType::I64 | DType::U64 => Width::W64,
            DType::F32 | DType::F16 | DType::BF16 => Width::W32,
            DType::I32 | DType::I16 | DType::I8 => Width::W32,
            DType::U32 | DType::U16 | DType::U8 | DType::Bool => Width::W32,
        }
    }

    /// The lanes' float type.
    #[inline]
    pub const fn float(self) -> Type {
        match self {
            Width::W32 => Type::F32,
            Width::W64 => Type::F64,
        }
    }

    /// The lanes' signed integer type.
    #[inline]
    pub const fn signed(self) -> Type {
        match self {
            Width::W32 => Type::I32,
            Width::W64 => Type::I64,
        }
    }

    /// The lanes' unsigned integer type.
    #[inline]
    pub const fn unsigned(self) -> Type {
        match self {
            Width::W32 => Type::U32,
            Width::W64 => Type::U64,
        }
    }

    /// How many partial results a reduction has (see [`Op::Reduce`]).
    #[inline]
    pub const fn partials(self) -> usize {
        match self {
            Width::W32 => 64,
            Width::W64 => 32,
        }
    }
}

/// What a lane of a value holds.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Type {
    /// A float of 32 bits.
    F32,
    /// A signed integer of 32 bits, which wraps.
    I32,
    /// An unsigned integer of 32 bits, which wraps.
    U32,
    /// A float of 64 bits.
    F64,
    /// A signed integer of 64 bits, which wraps.
    I64,
    /// An unsigned integer of 64 bits, which wraps.
    U64,
    /// Yes or no.
    Mask,
}

impl Type {
    /// The width of such lanes; a mask fits any.
    #[inline]
    pub const fn width(self) -> Option<Width> {
        match self {
            Type::F32 | Type::I32 | Type::U32 => Some(Width::W32),
            Type::F64 | Type::I64 | Type::U64 => Some(Width::W64),
            Type::Mask => None,
        }
    }

    /// Whether it is a float type.
    #[inline]
    pub const fn is_float(self) -> bool {
        match self {
            Type::F32 | Type::F64 => true,
            Type::I32 | Type::U32 | Type::I64 | Type::U64 | Type::Mask => false,
        }
    }

    /// Whether it is an integer type.
    #[inline]
    pub const fn is_integer(self) -> bool {
        match self {
            Type::I32 | Type::U32 | Type::I64 | Type::U64 => true,
            Type::F32 | Type::F64 | Type::Mask => false,
        }
    }

    /// Whether it is a signed integer type.
    #[inline]
    pub const fn is_signed(self) -> bool {
        match self {
            Type::I32 | Type::I64 => true,
            Type::F32 | Type::F64 | Type::U32 | Type::U64 | Type::Mask => false,
        }
    }

    /// The type that elements in memory have in lanes of this width; `None` where they do not fit.
    ///
    /// Floats widen to the lane's float, integers by their sign to the lane's integer of the same sign, bool is a mask.
    #[inline]
    pub fn of(dtype: DType, width: Width) -> Option<Type> {
        if Width::of(dtype) > width {
            return None;
        }
        Some(match dtype {
            DType::F64 | DType::F32 | DType::F16 | DType::BF16 => width.float(),
            DType::I64 | DType::I32 | DType::I16 | DType::I8 => width.signed(),
            DType::U64 | DType::U32 | DType::U16 | DType::U8 => width.unsigned(),
            DType::Bool => Type::Mask,
        })
    }
}

/// A value: the place of the operation that makes it.
pub type Id = u32;

/// The place of an argument.
pub type ArgId = u8;

/// An argument: where a kernel reads or writes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Arg {
    /// The type of its elements in memory. Loads and stores convert.
    pub dtype: DType,
    /// Whether there is one element a row (its stride along columns is 0) and not one a column (its stride is 1).
    pub splat: bool,
}

/// How a float is rounded to an integral one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Rounding {
    /// To the nearest, halves to even.
    Nearest,
    /// Towards minus infinity.
    Down,
    /// Towards plus infinity.
    Up,
    /// Towards zero.
    Zero,
}

/// An operation of one operand.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Unary {
    /// The square root of a float, correctly rounded.
    Sqrt,
    /// A float rounded to an integral one; keeps the sign of zero.
    Round(Rounding),
    /// All bits of an integer turned round; of a mask: not.
    Not,
    /// An integer's bits moved up by less than the width.
    Shl(u8),
    /// An integer's bits moved down by less than the width; the sign fills a signed one.
    Shr(u8),
    /// An unsigned integer's bits turned round to the left, by less than the width.
    Rotl(u8),
    /// To the lane's other class of numbers, by value. Integers round to the nearest float, halves to even. Floats
    /// are cut off towards zero; NaN and what does not fit give the lowest number of a signed type and the highest
    /// (all bits set) of an unsigned one.
    Convert(Type),
    /// The same bits as another type of the same width; costs nothing.
    Bits(Type),
}

/// An operation of two operands of one type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Binary {
    /// a + b.
    Add,
    /// a - b.
    Sub,
    /// a * b; of 64-bit integers too.
    Mul,
    /// The product of the operands' low halves, of `U64`.
    MulLow,
    /// a / b, of floats.
    Div,
    /// `if a < b { a } else { b }`: of floats a NaN in `a` is lost and one in `b` is kept.
    Min,
    /// `if a > b { a } else { b }`: of floats a NaN in `a` is lost and one in `b` is kept.
    Max,
    /// Bit by bit; of masks too, and of floats by their bits.
    And,
    /// Bit by bit; of masks too, and of floats by their bits.
    Or,
    /// Bit by bit; of masks too, and of floats by their bits.
    Xor,
    /// a << b of integers; 0 where b, taken as unsigned, is not less than the width.
    Shl,
    /// a >> b of integers, the sign fills a signed one; where b, taken as unsigned, is not less than the width:
    /// 0, or the sign in all bits of a signed one.
    Shr,
    /// a * 2^b, of floats, `b` integral and from -1100 to 1100 (-250 to 250 in 32 bits): rounded once.
    Scale,
}

/// The signs of a multiplication and addition that is rounded once. There is none but where the program says so.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fma {
    /// a * b + c.
    Add,
    /// a * b - c.
    Sub,
    /// c - a * b.
    Neg,
}

/// A comparison of two operands of one type; of floats, all but `Ne` are false where one is NaN.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Compare {
    /// a < b.
    Lt,
    /// a <= b.
    Le,
    /// a == b.
    Eq,
    /// a != b.
    Ne,
    /// a > b.
    Gt,
    /// a >= b.
    Ge,
}

/// How a loop's values are combined into one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Reduce {
    /// The sum; of nothing 0.
    Sum,
    /// The product; of nothing 1.
    Product,
    /// The largest, by [`Binary::Max`]; of nothing the lowest there is (minus infinity). Loses NaN.
    Max,
    /// The smallest, by [`Binary::Min`]; of nothing the highest there is (infinity). Loses NaN.
    Min,
    /// Of integers, bit by bit; of nothing all bits set.
    And,
    /// Of integers, bit by bit; of nothing 0.
    Or,
    /// Of integers, bit by bit; of nothing 0.
    Xor,
}

impl Reduce {
    /// The operation that combines a new value (its first operand) with what was before (its second).
    pub const fn step(self) -> Binary {
        match self {
            Reduce::Sum => Binary::Add,
            Reduce::Product => Binary::Mul,
            Reduce::Max => Binary::Max,
            Reduce::Min => Binary::Min,
            Reduce::And => Binary::And,
            Reduce::Or => Binary::Or,
            Reduce::Xor => Binary::Xor,
        }
    }

    /// The bits of the result of nothing.
    pub const fn identity(self, ty: Type) -> u64 {
        let ones = match ty {
            Type::F32 | Type::I32 | Type::U32 => u32::MAX as u64,
            Type::F64 | Type::I64 | Type::U64 | Type::Mask => u64::MAX,
        };
        match self {
            Reduce::Sum | Reduce::Or | Reduce::Xor => 0,
            Reduce::And => ones,
            Reduce::Product => match ty {
                Type::F32 => 1f32.to_bits() as u64,
                Type::F64 => 1f64.to_bits(),
                Type::I32 | Type::U32 | Type::I64 | Type::U64 | Type::Mask => 1,
            },
            Reduce::Max => match ty {
                Type::F32 => f32::NEG_INFINITY.to_bits() as u64,
                Type::F64 => f64::NEG_INFINITY.to_bits(),
                Type::I32 => i32::MIN as u32 as u64,
                Type::I64 => i64::MIN as u64,
                Type::U32 | Type::U64 | Type::Mask => 0,
            },
            Reduce::Min => match ty {
                Type::F32 => f32::INFINITY.to_bits() as u64,
                Type::F64 => f64::INFINITY.to_bits(),
                Type::I32 => i32::MAX as u64,
                Type::I64 => i64::MAX as u64,
                Type::U32 | Type::U64 | Type::Mask => ones,
            },
        }
    }
}

/// One operation.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Op {
    /// The bits of a lane (of a mask: 0 or 1), the same everywhere.
    Const(Type, u64),
    /// The number of the column, as the lane's unsigned integer. Only in loops.
    Column,
    /// An argument's elements of this place. In row stages only of a splat argument.
    Load(ArgId),
    /// Writes an argument's elements of this place. Integers are cut off to the memory's bits, floats are rounded to
    /// the nearest, halves to even (an `F64` stored as 16 bits is rounded to 32 bits first), a mask is 0 or 1. In row
    /// stages only of a splat argument, in loops never of one.
    Store(ArgId, Id),
    /// Goes on while a mask is set: where it is not, the program ends there, with nothing of this row's later operations nor of
    /// later rows. Only in row stages. Rows of such a program come one after another.
    While(Id),
    /// One operand.
    Unary(Unary, Id),
    /// Two operands.
    Binary(Binary, Id, Id),
    /// Factor, factor, addend.
    Fma(Fma, Id, Id, Id),
    /// Two operands; gives a mask.
    Compare(Compare, Id, Id),
    /// A mask, what is taken where it is set, and where not.
    Select(Id, Id, Id),
    /// All of a loop's values in one, which later stages see.
    ///
    /// The order is a part of the language. With P = [`Width::partials`], value `i` of the row is combined into partial
    /// `i % P` (all start at [`Reduce::identity`]), in the order of columns; then partial `j + P / 2` into partial `j`
    /// for all `j < P / 2`, and so on by halves until one is left.
    Reduce(Reduce, Id),
}

impl Op {
    /// The values it reads.
    #[inline]
    pub fn operands(&self) -> impl Iterator<Item = Id> + use<> {
        let (ids, n) = match *self {
            Op::Const(..) | Op::Column | Op::Load(_) => ([0; 3], 0),
            Op::Unary(_, a) | Op::Store(_, a) | Op::While(a) | Op::Reduce(_, a) => ([a, 0, 0], 1),
            Op::Binary(_, a, b) | Op::Compare(_, a, b) => ([a, b, 0], 2),
            Op::Fma(_, a, b, c) | Op::Select(a, b, c) => ([a, b, c], 3),
        };
        ids.into_iter().take(n)
    }

    /// The same operation of other values.
    pub fn map(self, mut f: impl FnMut(Id) -> Id) -> Op {
        match self {
            Op::Const(..) | Op::Column | Op::Load(_) => self,
            Op::Store(arg, a) => Op::Store(arg, f(a)),
            Op::While(a) => Op::While(f(a)),
            Op::Unary(op, a) => Op::Unary(op, f(a)),
            Op::Binary(op, a, b) => Op::Binary(op, f(a), f(b)),
            Op::Fma(op, a, b, c) => Op::Fma(op, f(a), f(b), f(c)),
            Op::Compare(op, a, b) => Op::Compare(op, f(a), f(b)),
            Op::Select(a, b, c) => Op::Select(f(a), f(b), f(c)),
            Op::Reduce(op, a) => Op::Reduce(op, f(a)),
        }
    }
}

impl Op {
    /// Whether it has a value.
    #[inline]
    pub const fn has_value(&self) -> bool {
        !matches!(self, Op::Store(..) | Op::While(_))
    }
}

/// How often a stage runs.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum StageKind {
    /// For every column of the row.
    Loop,
    /// Once a row.
    Row,
}

/// A run of operations.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Stage {
    /// How often it runs.
    pub kind: StageKind,
    /// Its operations.
    pub ops: std::ops::Range<Id>,
}
