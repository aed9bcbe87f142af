//! Kernels as CubeCL's intermediate representation: the one place that knows its instructions.
//!
//! An [`Emit`] writes instructions into a scope, one value each, and nests scopes for branches and loops. Values have as many
//! components as their type says; an operation of a vector and a scalar is that of the vector and the repeated scalar.
//! What kernels are made of is built on this: programs of the kernel language ([`ops`]), elements in memory ([`memory`]).

pub mod memory;
pub mod ops;

use cubecl::ir::{
    Arithmetic, AtomicOp, BinaryOperator, Bitwise, Branch, Builtin, Comparison, ConstantValue, ElemType,
    FloatKind, FmaOperator, If, IndexAssignOperator, IndexOperator, Instruction, IntKind, Operation,
    Operator, RangeLoop, Scope, Select, StorageType, Synchronization, Type, UIntKind, UnaryOperator,
    Variable,
};
use cubecl::prelude::KernelBuilder;

/// A value in a kernel.
pub type Val = Variable;

/// A float of 32 bits.
pub const F32: ElemType = ElemType::Float(FloatKind::F32);
/// A float of 64 bits.
pub const F64: ElemType = ElemType::Float(FloatKind::F64);
/// A signed integer of 32 bits.
pub const I32: ElemType = ElemType::Int(IntKind::I32);
/// An unsigned integer of 32 bits.
pub const U32: ElemType = ElemType::UInt(UIntKind::U32);
/// Yes or no.
pub const BOOL: ElemType = ElemType::Bool;

/// What the compilers and the arithmetic of a device are to be guarded against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dialect {
    /// The compiler rewrites sums of floats, and choices by comparisons.
    pub rewrites: bool,
    /// The compiler makes one operation of a product and a sum, which is rounded once.
    pub fuses_products: bool,
    /// A fused multiplication and addition is rounded twice, and there are floats of 64 bits to do better.
    pub wide_fma: bool,
}

/// Writes a kernel.
pub struct Emit {
    builder: KernelBuilder,
    /// The scopes around the one at work, which is the builder's.
    around: Vec<Scope>,
    dialect: Dialect,
    /// A word of zeros that no compiler knows to be zero ([`Emit::hidden`]), where values have to be hidden from rewriting.
    zero: Option<Val>,
}

impl Emit {
    /// An empty kernel. Its first number is the zero that values are hidden by, where they are: launches give it.
    pub fn new(builder: KernelBuilder, dialect: Dialect) -> Emit {
        let mut e = Emit { builder, around: Vec::new(), dialect, zero: None };
        e.zero = dialect.rewrites.then(|| e.scalar(U32));
        e
    }

    /// The builder, once everything is written.
    pub fn finish(self) -> KernelBuilder {
        debug_assert!(self.around.is_empty());
        self.builder
    }

    /// An argument that is read.
    pub fn input(&mut self, ty: Type) -> Val {
        *self.builder.input_array(ty)
    }

    /// An argument that is written.
    pub fn output(&mut self, ty: Type) -> Val {
        *self.builder.output_array(ty)
    }

    /// A number that the launch gives.
    pub fn scalar(&mut self, elem: ElemType) -> Val {
        *self.builder.scalar(elem.into())
    }

    /// Leaves it to the compiler to make one operation of a product and a sum: for kernels whose bits nobody relies on.
    pub fn fuse_products(&mut self) {
        self.dialect.fuses_products = false;
    }

    /// Writes an instruction and gives its value.
    pub fn push(&mut self, operation: impl Into<Operation>, ty: Type) -> Val {
        let out = *self.builder.scope.create_local(ty);
        self.builder.scope.register(Instruction::new(operation, out));
        out
    }

    /// A number as a constant of a type (an integer's or bool's, or a finite float's).
    pub fn constant(&self, ty: impl Into<Type>, value: impl Into<ConstantValue>) -> Val {
        Variable::constant(value.into(), ty.into())
    }

    /// An index.
    pub fn index(&self, value: usize) -> Val {
        let value = u32::try_from(value).expect("launches are checked to fit 32 bits");
        self.constant(Type::scalar(U32), value as u64)
    }

    /// A built-in number: which unit this is.
    pub fn builtin(&self, builtin: Builtin) -> Val {
        Variable::builtin(builtin, U32.into())
    }

    /// a + b.
    pub fn add(&mut self, a: Val, b: Val) -> Val {
        if b.is_constant(0) && b.ty.is_int() {
            return a;
        }
        self.push(Arithmetic::Add(BinaryOperator { lhs: a, rhs: b }), wider(a, b))
    }

    /// a - b.
    pub fn sub(&mut self, a: Val, b: Val) -> Val {
        self.push(Arithmetic::Sub(BinaryOperator { lhs: a, rhs: b }), wider(a, b))
    }

    /// a * b.
    pub fn mul(&mut self, a: Val, b: Val) -> Val {
        let ty = wider(a, b);
        if self.dialect.fuses_products && [F32, F64].contains(&ty.elem_type()) {
            // With -0, which changes no product, it is a fused operation already, and as fast.
            let c = self.constant(Type::scalar(ty.elem_type()), -0.0);
            return self.push(Arithmetic::Fma(FmaOperator { a, b, c }), ty);
        }
        self.push(Arithmetic::Mul(BinaryOperator { lhs: a, rhs: b }), ty)
    }

    /// a / b; of integers cut off.
    pub fn div(&mut self, a: Val, b: Val) -> Val {
        self.push(Arithmetic::Div(BinaryOperator { lhs: a, rhs: b }), wider(a, b))
    }

    /// The rest of a / b, of unsigned integers.
    pub fn rem(&mut self, a: Val, b: Val) -> Val {
        self.push(Arithmetic::Modulo(BinaryOperator { lhs: a, rhs: b }), wider(a, b))
    }

    /// -a.
    pub fn neg(&mut self, a: Val) -> Val {
        // CUDA C++ negates no vectors.
        let each = (0..a.ty.vector_size()).map(|i| {
            let input = self.component(a, i);
            self.push(Arithmetic::Neg(UnaryOperator { input }), input.ty)
        });
        let each = each.collect();
        self.vector(each)
    }

    /// a * b + c, rounded once where the device can.
    pub fn fma(&mut self, a: Val, b: Val, c: Val) -> Val {
        let ty = [b, c].iter().fold(a.ty, |ty, x| wider_type(ty, x.ty));
        if self.dialect.wide_fma && ty.elem_type() == F32 {
            let [a, b, c] = [a, b, c].map(|x| self.cast(x, F64));
            let product = self.mul(a, b);
            let sum = self.add(product, c);
            return self.cast(sum, F32);
        }
        self.push(Arithmetic::Fma(FmaOperator { a, b, c }), ty)
    }

    /// One of the operations of one float.
    pub fn float(&mut self, op: impl FnOnce(UnaryOperator) -> Arithmetic, a: Val) -> Val {
        self.push(op(UnaryOperator { input: a }), a.ty)
    }

    /// One of the bit operations of two integers or masks.
    pub fn bitwise(&mut self, op: impl FnOnce(BinaryOperator) -> Bitwise, a: Val, b: Val) -> Val {
        self.push(op(BinaryOperator { lhs: a, rhs: b }), wider(a, b))
    }

    /// All bits turned round.
    pub fn complement(&mut self, a: Val) -> Val {
        self.push(Bitwise::BitwiseNot(UnaryOperator { input: a }), a.ty)
    }

    /// A comparison.
    pub fn compare(&mut self, op: impl FnOnce(BinaryOperator) -> Comparison, a: Val, b: Val) -> Val {
        let ty = wider(a, b).with_storage_type(BOOL.into());
        self.push(op(BinaryOperator { lhs: a, rhs: b }), ty)
    }

    /// Not, of masks.
    pub fn not(&mut self, a: Val) -> Val {
        self.push(Operator::Not(UnaryOperator { input: a }), a.ty)
    }

    /// And, of masks.
    pub fn and(&mut self, a: Val, b: Val) -> Val {
        self.push(Operator::And(BinaryOperator { lhs: a, rhs: b }), wider(a, b))
    }

    /// Or, of masks.
    pub fn or(&mut self, a: Val, b: Val) -> Val {
        self.push(Operator::Or(BinaryOperator { lhs: a, rhs: b }), wider(a, b))
    }

    /// `then` where the mask is set, `or_else` where not.
    pub fn select(&mut self, cond: Val, then: Val, or_else: Val) -> Val {
        let ty = wider(then, or_else);
        let lanes = cond.ty.vector_size().max(ty.vector_size());
        let (cond, then, or_else) =
            (self.repeated(cond, lanes), self.repeated(then, lanes), self.repeated(or_else, lanes));
        self.push(Operator::Select(Select { cond, then, or_else }), ty.with_vector_size(lanes))
    }

    /// A scalar in every component of a vector; a vector as it is.
    pub fn repeated(&mut self, a: Val, lanes: usize) -> Val {
        if a.ty.vector_size() == lanes {
            return a;
        }
        self.push(Operator::Cast(UnaryOperator { input: a }), a.ty.with_vector_size(lanes))
    }

    /// By value, to another element type; floats to integers only where they fit.
    pub fn cast(&mut self, a: Val, to: ElemType) -> Val {
        self.push(Operator::Cast(UnaryOperator { input: a }), a.ty.with_storage_type(to.into()))
    }

    /// The same bits as another element type of the same size.
    pub fn bits(&mut self, a: Val, to: ElemType) -> Val {
        if a.ty.elem_type() == to {
            return a;
        }
        // In CUDA C++ only what has a place can be read otherwise.
        let a = if a.as_const().is_some() { self.push(Operation::Copy(a), a.ty) } else { a };
        self.push(Operator::Reinterpret(UnaryOperator { input: a }), a.ty.with_storage_type(to.into()))
    }

    /// The same float, whose origin no compiler sees: so that sums of sums keep their roundings. The value itself where compilers
    /// keep them anyway.
    pub fn hidden(&mut self, a: Val) -> Val {
        let Some(zero) = self.zero else { return a };
        let word = match a.ty.elem_type() {
            F32 => U32,
            F64 => ElemType::UInt(UIntKind::U64),
            other => unreachable!("{other:?} is not a float of lanes"),
        };
        let zero = if zero.elem_type() == word { zero } else { self.cast(zero, word) };
        let bits = self.bits(a, word);
        let hidden = self.bitwise(Bitwise::BitwiseXor, bits, zero);
        self.bits(hidden, a.ty.elem_type())
    }

    /// An element of an array.
    pub fn load(&mut self, list: Val, index: Val) -> Val {
        let ty = list.ty;
        self.push(
            Operator::UncheckedIndex(IndexOperator { list, index, vector_size: 0, unroll_factor: 1 }),
            ty,
        )
    }

    /// Writes an element of an array.
    pub fn store(&mut self, list: Val, index: Val, value: Val) {
        let op = IndexAssignOperator { index, value, vector_size: 0, unroll_factor: 1 };
        self.builder.scope.register(Instruction::new(Operator::UncheckedIndexAssign(op), list));
    }

    /// Adds to an element of an array of [`atomic`] elements, whoever else does at that time.
    pub fn accumulate(&mut self, list: Val, index: Val, value: Val) {
        let place = self.load(list, index);
        self.push(AtomicOp::Add(BinaryOperator { lhs: place, rhs: value }), value.ty);
    }

    /// One component of a vector.
    pub fn component(&mut self, a: Val, i: usize) -> Val {
        if a.ty.vector_size() == 1 {
            return a;
        }
        let index = self.index(i);
        let ty = a.ty.with_vector_size(1);
        self.push(
            Operator::UncheckedIndex(IndexOperator { list: a, index, vector_size: 0, unroll_factor: 1 }),
            ty,
        )
    }

    /// A vector of scalars.
    pub fn vector(&mut self, inputs: Vec<Val>) -> Val {
        let (ty, lanes) = (inputs[0].ty, inputs.len());
        if lanes == 1 {
            return inputs[0];
        }
        self.push(Operator::InitVector(cubecl::ir::VectorInitOperator { inputs }), ty.with_vector_size(lanes))
    }

    /// A variable that can be assigned, with its first value.
    pub fn variable(&mut self, first: Val) -> Val {
        let var = *self.builder.scope.create_local_restricted(first.ty);
        // CUDA C++ declares it.
        self.builder.scope.add_local_mut(var);
        self.assign(var, first);
        var
    }

    /// Assigns a variable.
    pub fn assign(&mut self, var: Val, value: Val) {
        self.builder.scope.register(Instruction::new(Operation::Copy(value), var));
    }

    /// What a variable holds now, which later assignments do not change.
    pub fn current(&mut self, var: Val) -> Val {
        self.push(Operation::Copy(var), var.ty)
    }

    /// Memory that the units of a cube share.
    pub fn shared(&mut self, ty: Type, length: usize) -> Val {
        *self.builder.scope.create_shared_array(ty, length, None)
    }

    /// All units of the cube meet here.
    pub fn meet(&mut self) {
        self.builder.scope.register(Instruction::no_out(Synchronization::SyncCube));
    }

    /// All units of the cube meet here, and see what the others wrote, in buffers too.
    pub fn meet_in_memory(&mut self) {
        self.builder.scope.register(Instruction::no_out(Synchronization::SyncStorage));
        self.meet();
    }

    /// What is done for each number from `start` up to `end`, by steps.
    pub fn each(&mut self, start: Val, end: Val, step: Val, body: impl FnOnce(&mut Emit, Val)) {
        let i = self.counter();
        self.open();
        body(self, i);
        self.close_range(i, start, end, step);
    }

    /// What is done for each number from `start` up to `end`, one after another.
    pub fn count(&mut self, start: Val, end: Val, body: impl FnOnce(&mut Emit, Val)) {
        let one = self.index(1);
        self.each(start, end, one, body);
    }

    /// What is done where a mask is set.
    pub fn when(&mut self, mask: Val, body: impl FnOnce(&mut Emit)) {
        self.open();
        body(self);
        self.close_when(mask);
    }

    /// A number that a loop counts.
    pub fn counter(&mut self) -> Val {
        *self.builder.scope.create_local_restricted(Type::scalar(U32))
    }

    /// Opens a scope: what follows is its content, up to a `close`.
    pub fn open(&mut self) {
        let child = self.builder.scope.child();
        self.around.push(std::mem::replace(&mut self.builder.scope, child));
    }

    fn close(&mut self) -> Scope {
        let around = self.around.pop().expect("a scope was opened");
        std::mem::replace(&mut self.builder.scope, around)
    }

    /// Closes the scope, which is done where a mask is set.
    pub fn close_when(&mut self, cond: Val) {
        let scope = self.close();
        self.builder.scope.register(Instruction::no_out(Branch::If(Box::new(If { cond, scope }))));
    }

    /// Closes the scope, which is done for each `i` from `start` up to `end`, by steps.
    pub fn close_range(&mut self, i: Val, start: Val, end: Val, step: Val) {
        let scope = self.close();
        let range = RangeLoop { i, start, end, step: Some(step), inclusive: false, scope };
        self.builder.scope.register(Instruction::no_out(Branch::RangeLoop(Box::new(range))));
    }
}

/// The type of an operation of both.
fn wider(a: Val, b: Val) -> Type {
    wider_type(a.ty, b.ty)
}

fn wider_type(a: Type, b: Type) -> Type {
    if a.vector_size() >= b.vector_size() { a } else { b }
}

/// The place of elements that many units add to at a time.
pub fn atomic(elem: ElemType) -> Type {
    Type::new(StorageType::Atomic(elem))
}

/// The place of a type's elements in memory, so many at a time.
pub fn of(elem: impl Into<StorageType>, lanes: usize) -> Type {
    Type::new(elem.into()).with_vector_size(lanes)
}
