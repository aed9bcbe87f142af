//! [`V`]: values of a program that is being built, with the operators and methods that formulas are written with.

use super::super::ir::*;
use super::Builder;
use std::fmt;
use std::ops;

/// A value of a program that is being built.
#[derive(Clone, Copy)]
pub struct V<'b> {
    pub(super) b: &'b Builder,
    pub(super) id: Id,
}

impl fmt::Debug for V<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}: {}", self.id, self.ty())
    }
}

impl<'b> V<'b> {
    /// Where it is in the program.
    pub fn id(self) -> Id {
        self.id
    }

    /// The program it belongs to.
    pub fn builder(self) -> &'b Builder {
        self.b
    }

    /// What its lanes hold.
    pub fn ty(self) -> Type {
        self.b.parts.borrow().types[self.id as usize]
    }

    /// A constant of this value's type.
    #[track_caller]
    pub fn c(self, x: f64) -> V<'b> {
        self.b.number(self.ty(), x)
    }

    #[track_caller]
    fn unary(self, op: Unary) -> V<'b> {
        self.b.push(Op::Unary(op, self.id))
    }

    #[track_caller]
    fn binary(self, op: Binary, r: V<'b>) -> V<'b> {
        self.b.push(Op::Binary(op, self.id, r.id))
    }

    /// self * m + c, rounded once.
    #[track_caller]
    pub fn fma(self, m: V<'b>, c: V<'b>) -> V<'b> {
        self.b.push(Op::Fma(Fma::Add, self.id, m.id, c.id))
    }

    /// self * m - c, rounded once.
    #[track_caller]
    pub fn fms(self, m: V<'b>, c: V<'b>) -> V<'b> {
        self.b.push(Op::Fma(Fma::Sub, self.id, m.id, c.id))
    }

    /// c - self * m, rounded once.
    #[track_caller]
    pub fn fnma(self, m: V<'b>, c: V<'b>) -> V<'b> {
        self.b.push(Op::Fma(Fma::Neg, self.id, m.id, c.id))
    }

    /// A comparison.
    #[track_caller]
    pub fn compare(self, op: Compare, r: V<'b>) -> V<'b> {
        self.b.push(Op::Compare(op, self.id, r.id))
    }

    /// Of a mask: `yes` where it is set, else `no`.
    #[track_caller]
    pub fn select(self, yes: V<'b>, no: V<'b>) -> V<'b> {
        self.b.push(Op::Select(self.id, yes.id, no.id))
    }

    /// Combines all of the row's values; later stages see the result.
    #[track_caller]
    pub fn reduce(self, op: Reduce) -> V<'b> {
        self.b.push(Op::Reduce(op, self.id))
    }

    /// To the nearest integral float and so on.
    #[track_caller]
    pub fn round(self, to: Rounding) -> V<'b> {
        self.unary(Unary::Round(to))
    }

    /// By value, to the lane's other class of numbers (see [`Unary::Convert`]).
    #[track_caller]
    pub fn convert(self, ty: Type) -> V<'b> {
        self.unary(Unary::Convert(ty))
    }

    /// The same bits as another type.
    #[track_caller]
    pub fn bits(self, ty: Type) -> V<'b> {
        if self.ty() == ty { self } else { self.unary(Unary::Bits(ty)) }
    }

    /// The bits of a float as the lane's signed integer.
    #[track_caller]
    pub fn to_bits(self) -> V<'b> {
        self.bits(self.b.width.signed())
    }

    /// The float that has these bits.
    #[track_caller]
    pub fn from_bits(self) -> V<'b> {
        self.bits(self.b.width.float())
    }

    /// Moved up by a fixed number of bits.
    #[track_caller]
    pub fn shl(self, n: u8) -> V<'b> {
        self.unary(Unary::Shl(n))
    }

    /// Moved down by a fixed number of bits.
    #[track_caller]
    pub fn shr(self, n: u8) -> V<'b> {
        self.unary(Unary::Shr(n))
    }

    /// Turned round to the left.
    #[track_caller]
    pub fn rotl(self, n: u8) -> V<'b> {
        self.unary(Unary::Rotl(n))
    }

    /// The sign bit of a float alone.
    #[track_caller]
    pub fn sign_bit(self) -> V<'b> {
        self & self.c(-0.0)
    }

    /// Without its sign.
    #[track_caller]
    pub fn abs(self) -> V<'b> {
        match self.ty() {
            Type::F32 => self & self.b.bits(Type::F32, 0x7fff_ffff),
            Type::F64 => self & self.b.bits(Type::F64, u64::MAX >> 1),
            Type::I32 | Type::I64 => self.max(-self),
            Type::U32 | Type::U64 => self,
            Type::Mask => panic!("kernel: a mask has no absolute value"),
        }
    }

    /// With the sign of another float.
    #[track_caller]
    pub fn copysign(self, sign: V<'b>) -> V<'b> {
        self.abs() | sign.sign_bit()
    }

    /// Whether it is NaN.
    #[track_caller]
    pub fn is_nan(self) -> V<'b> {
        self.ne(self)
    }
}

/// Methods that are one operation.
macro_rules! methods {
    ($of:ident: $($(#[$doc:meta])* $name:ident $Op:ident),* $(,)?) => { impl<'b> V<'b> { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(self, r: V<'b>) -> V<'b> { self.$of(methods!(@ $of $Op), r) }
    )* } };
    (@ binary $Op:ident) => { Binary::$Op };
    (@ compare $Op:ident) => { Compare::$Op };
}
methods!(binary:
    /// The smaller; NaN of the argument is kept, of `self` it is lost.
    min Min,
    /// The larger; NaN of the argument is kept, of `self` it is lost.
    max Max,
    /// self * 2^r.
    scale Scale,
    /// The product of the low halves.
    mul_low MulLow,
    /// Moved up by as many bits as `r` says.
    shl_by Shl,
    /// Moved down by as many bits as `r` says.
    shr_by Shr);
methods!(compare:
    /// self < r.
    lt Lt,
    /// self <= r.
    le Le,
    /// self == r.
    eq Eq,
    /// self != r.
    ne Ne,
    /// self > r.
    gt Gt,
    /// self >= r.
    ge Ge);

impl<'b> V<'b> {
    /// The square root.
    #[track_caller]
    pub fn sqrt(self) -> V<'b> {
        self.unary(Unary::Sqrt)
    }
}

macro_rules! operators {
    ($($Trait:ident $name:ident),*) => { $(
        impl<'b> ops::$Trait for V<'b> {
            type Output = V<'b>;
            #[track_caller]
            fn $name(self, r: V<'b>) -> V<'b> { self.binary(Binary::$Trait, r) }
        }
        impl<'b> ops::$Trait<f64> for V<'b> {
            type Output = V<'b>;
            #[track_caller]
            fn $name(self, r: f64) -> V<'b> { self.binary(Binary::$Trait, self.c(r)) }
        }
        impl<'b> ops::$Trait<V<'b>> for f64 {
            type Output = V<'b>;
            #[track_caller]
            fn $name(self, r: V<'b>) -> V<'b> { r.c(self).binary(Binary::$Trait, r) }
        }
    )* };
}
operators!(Add add, Sub sub, Mul mul, Div div);

macro_rules! bit_operators {
    ($($Trait:ident $name:ident $Op:ident),*) => { $(
        impl<'b> ops::$Trait for V<'b> {
            type Output = V<'b>;
            #[track_caller]
            fn $name(self, r: V<'b>) -> V<'b> { self.binary(Binary::$Op, r) }
        }
    )* };
}
bit_operators!(BitAnd bitand And, BitOr bitor Or, BitXor bitxor Xor);

impl<'b> ops::Not for V<'b> {
    type Output = V<'b>;
    #[track_caller]
    fn not(self) -> V<'b> {
        self.unary(Unary::Not)
    }
}

impl<'b> ops::Neg for V<'b> {
    type Output = V<'b>;
    #[track_caller]
    fn neg(self) -> V<'b> {
        match self.ty().is_float() {
            true => self ^ self.c(-0.0),
            false => self.c(0.0) - self,
        }
    }
}
