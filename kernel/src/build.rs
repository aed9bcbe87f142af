//! [`Builder`]: programs written as formulas.
//!
//! A [`V`] is a handle to a value that copies freely; operators and methods add operations. Every operation is checked
//! when it is added, and a mistake panics at the line that made it.

use super::ir::*;
use super::verify::{Context, Fault};
use plywood_core::DType;
use std::cell::RefCell;
use std::fmt;

mod value;

pub use value::V;

/// The most arguments of a program.
pub const MAX_ARGS: usize = 32;

/// Builds a [`Program`].
///
/// ```
/// use plywood_kernel::{Builder, Width};
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

    /// As [`push`](Builder::push), where the language has this operation here; `None`, and nothing added, where not.
    pub fn try_push(&self, op: Op) -> Option<V<'_>> {
        self.fits(op).then(|| self.push(op))
    }

    /// Whether the language has this operation here.
    pub fn fits(&self, op: Op) -> bool {
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
        self.push(Op::Store(arg, v.id()));
    }

    /// Goes on while a mask is set ([`Op::While`]).
    #[track_caller]
    pub fn go_on_while(&self, mask: V<'_>) {
        self.push(Op::While(mask.id()));
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
