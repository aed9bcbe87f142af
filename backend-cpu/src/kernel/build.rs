//! [`Builder`]: programs written as formulas.
//!
//! A [`V`] is a handle to a value that copies freely; operators and methods add operations. Every operation is checked
//! when it is added, and a mistake panics at the line that made it.

use super::ir::*;
use super::verify::{Context, Fault};
use plywood_core::DType;
use std::cell::RefCell;
use std::fmt;
use std::ops;

/// The most arguments of a program.
pub const MAX_ARGS: usize = 24;

/// Builds a [`Program`].
///
/// ```
/// use plywood_backend_cpu::kernel::{Builder, Width};
/// use plywood_core::DType;
///
/// let b = Builder::new(Width::W32);
/// let x = b.input(DType::F32);
/// b.output(DType::F32, x * x + 1.0);
/// println!("{}", b.finish());
/// ```
pub struct Builder {
    width: Width,
    parts: RefCell<Parts>,
}

struct Parts {
    args: Vec<Arg>,
    ops: Vec<Op>,
    types: Vec<Type>,
    kinds: Vec<StageKind>,
    stages: Vec<Stage>,
    constants: Vec<(Type, u64, Id)>,
}

impl Parts {
    /// The type of an operation that might be added, or why it does not fit.
    fn check(&self, width: Width, op: Op) -> Result<Type, Fault> {
        let stage = self.stages.last().expect("there is always one");
        let context = Context {
            width,
            args: &self.args,
            ops: &self.ops,
            types: &self.types,
            kind: stage.kind,
            start: stage.ops.start,
            kinds: &self.kinds,
        };
        context.check(op)
    }
}

/// A value of a program that is being built.
#[derive(Clone, Copy)]
pub struct V<'b> {
    b: &'b Builder,
    id: Id,
}

impl fmt::Debug for V<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}: {}", self.id, self.ty())
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Builder({:?}, {} operations)", self.width, self.parts.borrow().ops.len())
    }
}

impl Builder {
    /// A program with lanes of this width, in its first stage, a loop.
    pub fn new(width: Width) -> Builder {
        let parts = Parts {
            args: Vec::new(),
            ops: Vec::with_capacity(64),
            types: Vec::with_capacity(64),
            kinds: Vec::with_capacity(64),
            stages: vec![Stage { kind: StageKind::Loop, ops: 0..0 }],
            constants: Vec::new(),
        };
        Builder { width, parts: RefCell::new(parts) }
    }

    /// The width of the lanes.
    pub fn width(&self) -> Width {
        self.width
    }

    /// Declares an argument with an element for every column.
    #[track_caller]
    pub fn arg(&self, dtype: DType) -> ArgId {
        self.declare(Arg { dtype, splat: false })
    }

    /// Declares an argument with one element a row.
    #[track_caller]
    pub fn splat_arg(&self, dtype: DType) -> ArgId {
        self.declare(Arg { dtype, splat: true })
    }

    #[track_caller]
    fn declare(&self, arg: Arg) -> ArgId {
        let args = &mut self.parts.borrow_mut().args;
        assert!(args.len() < MAX_ARGS, "a program has at most {MAX_ARGS} arguments");
        let fits = Width::of(arg.dtype) <= self.width;
        assert!(fits, "{} does not fit lanes of {:?}", arg.dtype, self.width);
        args.push(arg);
        args.len() as ArgId - 1
    }

    /// Adds an operation. Constants are kept once.
    #[track_caller]
    pub fn push(&self, op: Op) -> V<'_> {
        let parts = &mut *self.parts.borrow_mut();
        if let Op::Const(ty, bits) = op
            && let Some(&(.., id)) = parts.constants.iter().find(|c| (c.0, c.1) == (ty, bits))
        {
            return V { b: self, id };
        }
        let ty = parts.check(self.width, op).unwrap_or_else(|fault| panic!("kernel: {op:?}: {fault}"));
        let kind = parts.stages.last().expect("there is always one").kind;
        let id = parts.ops.len() as Id;
        if let Op::Const(ty, bits) = op {
            parts.constants.push((ty, bits, id));
        }
        parts.kinds.push(kind);
        parts.ops.push(op);
        parts.types.push(ty);
        V { b: self, id }
    }

    /// As `push`, where the language has this; `None` where not.
    #[cfg(test)]
    pub(super) fn try_push(&self, op: Op) -> Option<V<'_>> {
        self.fits(op).then(|| self.push(op))
    }

    /// Whether the language has this operation here.
    #[cfg(test)]
    pub(super) fn fits(&self, op: Op) -> bool {
        self.parts.borrow().check(self.width, op).is_ok()
    }

    /// The elements of an argument.
    #[track_caller]
    pub fn load(&self, arg: ArgId) -> V<'_> {
        self.push(Op::Load(arg))
    }

    /// Writes an argument's elements.
    #[track_caller]
    pub fn store(&self, arg: ArgId, v: V<'_>) {
        self.push(Op::Store(arg, v.id));
    }

    /// Declares an argument and reads it.
    #[track_caller]
    pub fn input(&self, dtype: DType) -> V<'_> {
        let arg = self.arg(dtype);
        self.load(arg)
    }

    /// Declares an argument with one element a row and reads it.
    #[track_caller]
    pub fn splat(&self, dtype: DType) -> V<'_> {
        let arg = self.splat_arg(dtype);
        self.load(arg)
    }

    /// Declares an argument and writes it: one element a column in a loop, one a row in a row stage.
    #[track_caller]
    pub fn output(&self, dtype: DType, v: V<'_>) {
        let row = self.parts.borrow().stages.last().expect("there is always one").kind == StageKind::Row;
        let arg = self.declare(Arg { dtype, splat: row });
        self.store(arg, v);
    }

    /// The number of the column, as the lane's unsigned integer.
    #[track_caller]
    pub fn column(&self) -> V<'_> {
        self.push(Op::Column)
    }

    /// A constant by its bits.
    #[track_caller]
    pub fn bits(&self, ty: Type, bits: u64) -> V<'_> {
        self.push(Op::Const(ty, bits))
    }

    /// A constant of a number type, rounded to it (an integer is cut off).
    #[track_caller]
    pub fn number(&self, ty: Type, x: f64) -> V<'_> {
        self.bits(
            ty,
            match ty {
                Type::F32 => (x as f32).to_bits() as u64,
                Type::F64 => x.to_bits(),
                Type::I32 => x as i32 as u32 as u64,
                Type::U32 => x as u32 as u64,
                Type::I64 => x as i64 as u64,
                Type::U64 => x as u64,
                Type::Mask => (x != 0.0) as u64,
            },
        )
    }

    /// A constant of the lane's float type.
    #[track_caller]
    pub fn c(&self, x: f64) -> V<'_> {
        self.number(self.width.float(), x)
    }

    /// A constant of the lane's signed integer type.
    #[track_caller]
    pub fn int(&self, x: i64) -> V<'_> {
        let ty = self.width.signed();
        self.bits(ty, if ty == Type::I32 { x as i32 as u32 as u64 } else { x as u64 })
    }

    /// A constant of the lane's unsigned integer type.
    #[track_caller]
    pub fn uint(&self, x: u64) -> V<'_> {
        self.bits(self.width.unsigned(), x)
    }

    /// Ends the stage; what follows runs once a row.
    pub fn row(&self) {
        self.stage(StageKind::Row);
    }

    /// Ends the stage; what follows runs for every column.
    pub fn next_loop(&self) {
        self.stage(StageKind::Loop);
    }

    /// Ends the stage and starts another (the stage at work changes its kind where it is still empty).
    pub fn stage(&self, kind: StageKind) {
        let parts = &mut *self.parts.borrow_mut();
        let n = parts.ops.len() as Id;
        let stage = parts.stages.last_mut().expect("there is always one");
        if stage.ops.start == n {
            stage.kind = kind;
        } else {
            stage.ops.end = n;
            parts.stages.push(Stage { kind, ops: n..n });
        }
    }

    /// A polynomial by Horner's scheme with fused steps, coefficients from the lowest order.
    #[track_caller]
    pub fn poly<'b>(&'b self, x: V<'b>, coefficients: &[f64]) -> V<'b> {
        let (last, rest) = coefficients.split_last().expect("a polynomial has a coefficient");
        rest.iter().rev().fold(self.c(*last), |p, &c| p.fma(x, self.c(c)))
    }

    /// The program.
    #[track_caller]
    pub fn finish(self) -> Program {
        let Parts { args, ops, types, mut stages, .. } = self.parts.into_inner();
        let last = stages.last_mut().expect("there is always one");
        last.ops.end = ops.len() as Id;
        if last.ops.is_empty() && stages.len() > 1 {
            stages.pop();
        }
        assert!(
            ops.iter().any(|op| matches!(op, Op::Store(..))),
            "kernel: a program without a store does nothing"
        );
        let digest = Digest::of(self.width, &args, &ops, &stages);
        Program { width: self.width, args, ops, types, stages, digest }
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
