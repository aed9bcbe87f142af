//! The primitive operations, as data.
//!
//! [`Op`] is an enum in families; a file here holds a family's attributes and its shape rule, and the same file name
//! holds its rule in every layer. Nothing that asks a question of an `Op` has a wildcard arm, so that an operation
//! without a shape rule, a derivative, a kernel or samples does not compile. What can be written in these primitives
//! (softmax, losses, norms) is a function over tensors, not an operation.

mod binary;
mod bits;
mod call;
mod cast;
mod collective;
mod compare;
mod control;
mod conv;
mod create;
mod cumulative;
mod dot;
mod fft;
mod gather;
mod linalg;
mod pmap;
mod print;
mod random;
mod reduce;
mod scatter;
mod select;
mod shape;
mod slice;
mod sort;
mod special;
mod unary;
mod window;

pub use binary::Binary;
pub use bits::Bits;
pub use call::{Call, Policy, Rule};
pub use collective::{Collective, CollectiveKind};
pub use compare::Compare;
pub use control::{Cond, Scan, While};
pub use conv::Conv;
pub use cumulative::Cumulation;
pub use dot::Dot;
pub use fft::FftKind;
pub use gather::{Gather, IndexMode};
pub use linalg::Linalg;
pub use pmap::{Pmap, Spec};
pub use random::Random;
pub use reduce::{ArgReduction, Reduction};
pub use scatter::{Scatter, ScatterKind};
pub use slice::{Padding, Slice};
pub use special::{Special, SpecialFunction};
pub use unary::Unary;
pub use window::{Window, WindowKind};

use crate::shape::Axes;
use crate::{Array, DType, Graph, Number, Shape, TensorType, Varying};
use smallvec::{SmallVec, smallvec};
use std::sync::Arc;

/// Types of an operation's outputs.
pub type Types = SmallVec<[TensorType; 1]>;

/// Declares a family's names: the enum, `ALL` of it, and each one's name.
macro_rules! names {
    ($(#[$meta:meta])* pub enum $Name:ident { $($(#[$doc:meta])* $Variant:ident $name:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $Name { $($(#[$doc])* $Variant),* }
        impl $Name {
            /// Every one there is.
            pub const ALL: &'static [$Name] = &[$($Name::$Variant),*];
            /// The name of the operation.
            pub const fn name(self) -> &'static str { match self { $($Name::$Variant => $name),* } }
        }
    };
}
use names;

/// One primitive operation with its attributes.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// An element-wise function of one operand.
    Unary(Unary),
    /// x to a fixed integer power.
    IntegerPow {
        /// The power.
        exponent: i32,
    },
    /// Rounds floats to a format with fewer bits, and back.
    ReducePrecision {
        /// Bits of the exponent, 1 to 11.
        exponent_bits: u32,
        /// Bits of the mantissa, up to 52.
        mantissa_bits: u32,
    },
    /// Arithmetic of two operands of one type.
    Binary(Binary),
    /// Integer and bit operations.
    Bits(Bits),
    /// A comparison of two operands of one type.
    Compare(Compare),
    /// Inputs: which, and the cases; element by element one of them.
    Select,
    /// Inputs: low, x, high.
    Clamp,
    /// To another dtype, by value.
    Cast {
        /// The new dtype.
        dtype: DType,
    },
    /// To another dtype, by bits.
    Bitcast {
        /// The new dtype.
        dtype: DType,
    },
    /// The same elements under another shape.
    Reshape {
        /// The new shape.
        shape: Shape,
    },
    /// Axes in another order.
    Transpose {
        /// Output axis `i` is input axis `permutation[i]`.
        permutation: Axes,
    },
    /// Repeats elements along new axes and axes of size 1.
    Broadcast {
        /// The new shape.
        shape: Shape,
        /// The output axis of each input axis, increasing.
        axes: Axes,
    },
    /// Turns axes round.
    Reverse {
        /// Which.
        axes: Axes,
    },
    /// A regular part.
    Slice(Arc<Slice>),
    /// A part of a fixed size at a computed place. Inputs: the tensor, an integer scalar for each axis.
    DynamicSlice {
        /// The size of the part.
        sizes: Shape,
    },
    /// Overwrites a part at a computed place. Inputs: the tensor, the update, an integer scalar for each axis.
    DynamicUpdate,
    /// Puts a scalar round and between elements. Inputs: the tensor, the scalar.
    Pad {
        /// For each axis.
        padding: SmallVec<[Padding; 2]>,
    },
    /// Any number of tensors, one after another.
    Concatenate {
        /// Along which axis.
        axis: usize,
    },
    /// Windows at computed places. Inputs: operand, indices.
    Gather(Arc<Gather>),
    /// Writes windows at computed places. Inputs: operand, indices, updates.
    Scatter(Arc<Scatter>),
    /// Combines all elements along some axes.
    Reduce {
        /// How.
        kind: Reduction,
        /// Which axes, increasing.
        axes: Axes,
    },
    /// The place of an extreme along an axis.
    ArgReduce {
        /// Which extreme.
        kind: ArgReduction,
        /// Along which axis.
        axis: usize,
        /// The integer type of the result.
        dtype: DType,
    },
    /// Sorts along an axis. Outputs: each operand, sorted alike.
    Sort {
        /// Along which axis.
        axis: usize,
        /// How many operands, from the first, decide.
        keys: usize,
    },
    /// The k largest elements along an axis, the largest first. Outputs: the elements, and their places as i32.
    TopK {
        /// How many.
        k: usize,
        /// Along which axis.
        axis: usize,
    },
    /// Combines each element with all before it along an axis.
    Cumulative {
        /// How.
        kind: Cumulation,
        /// Along which axis.
        axis: usize,
        /// Whether with all behind it instead.
        reverse: bool,
    },
    /// Contraction of two tensors.
    Dot(Arc<Dot>),
    /// Convolution. Inputs: the tensor, the kernel.
    Conv(Arc<Conv>),
    /// Combines the elements of sliding windows.
    Window {
        /// How.
        kind: WindowKind,
        /// Which windows.
        window: Arc<Window>,
    },
    /// Discrete Fourier transform over the last axes. Complex numbers are two tensors, real and imaginary parts.
    Fft {
        /// From what to what.
        kind: FftKind,
        /// Sizes of the transformed axes, before the halving of a real transform.
        sizes: Axes,
    },
    /// Factorisations and solutions of systems, of the matrices in the last two axes.
    Linalg(Linalg),
    /// A special function of one to three operands, or one of its partial derivatives.
    Special(Special),
    /// One number everywhere. No inputs.
    Full {
        /// The number.
        number: Number,
        /// The type.
        ty: TensorType,
    },
    /// Counts along an axis. No inputs.
    Iota {
        /// The type.
        ty: TensorType,
        /// The axis.
        axis: usize,
    },
    /// Data from the host. No inputs.
    Constant(Array),
    /// Random numbers from a key.
    Random(Random),
    /// The value itself; to derivatives a constant, at every level.
    StopGradient,
    /// The value itself, by a name: what a checkpoint's policy may keep.
    Name {
        /// The name.
        name: Arc<str>,
    },
    /// A function as one operation.
    Call(Arc<Call>),
    /// A loop over the leading axis of tensors.
    Scan(Arc<Scan>),
    /// A loop as long as a condition holds.
    While(Arc<While>),
    /// One of several functions.
    Cond(Arc<Cond>),
    /// What the lanes of a named axis do together.
    Collective(Arc<Collective>),
    /// A function that many devices run, each on its part.
    Pmap(Arc<Pmap>),
}

/// Declares [`OpKind`]: a variant for each of [`Op`]'s, and the map between them.
macro_rules! kinds {
    ($($Kind:ident),* $(,)?) => {
        /// [`Op`] without attributes: for tables that have an entry for every operation.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[allow(missing_docs)]
        pub enum OpKind { $($Kind),* }

        impl OpKind {
            /// Every kind of operation there is.
            pub const ALL: &'static [OpKind] = &[$(OpKind::$Kind),*];
        }

        impl Op {
            /// Which operation this is.
            pub fn kind(&self) -> OpKind {
                match self { $(Op::$Kind { .. } => OpKind::$Kind),* }
            }
        }
    };
}
kinds! {
    Unary, IntegerPow, ReducePrecision, Binary, Bits, Compare, Select, Clamp, Cast, Bitcast, Reshape, Transpose,
    Broadcast, Reverse, Slice, DynamicSlice, DynamicUpdate, Pad, Concatenate, Gather, Scatter, Reduce, ArgReduce,
    Sort, TopK, Cumulative, Dot, Conv, Window, Fft, Linalg, Special, Full, Iota, Constant, Random, StopGradient, Name, Call,
    Scan, While, Cond, Collective, Pmap,
}

impl Op {
    /// The name, as a graph prints it and an error says it.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Unary(u) => u.name(),
            Op::IntegerPow { .. } => "integer_pow",
            Op::ReducePrecision { .. } => "reduce_precision",
            Op::Binary(b) => b.name(),
            Op::Bits(b) => b.name(),
            Op::Compare(c) => c.name(),
            Op::Select => "select",
            Op::Clamp => "clamp",
            Op::Cast { .. } => "cast",
            Op::Bitcast { .. } => "bitcast",
            Op::Reshape { .. } => "reshape",
            Op::Transpose { .. } => "transpose",
            Op::Broadcast { .. } => "broadcast",
            Op::Reverse { .. } => "reverse",
            Op::Slice(_) => "slice",
            Op::DynamicSlice { .. } => "dynamic_slice",
            Op::DynamicUpdate => "dynamic_update_slice",
            Op::Pad { .. } => "pad",
            Op::Concatenate { .. } => "concatenate",
            Op::Gather(_) => "gather",
            Op::Scatter(s) => s.kind.name(),
            Op::Reduce { kind, .. } => kind.name(),
            Op::ArgReduce { kind, .. } => kind.name(),
            Op::Sort { .. } => "sort",
            Op::TopK { .. } => "top_k",
            Op::Cumulative { kind, .. } => kind.name(),
            Op::Dot(_) => "dot_general",
            Op::Conv(_) => "conv_general_dilated",
            Op::Window { kind, .. } => kind.name(),
            Op::Fft { kind, .. } => kind.name(),
            Op::Linalg(l) => l.name(),
            Op::Special(s) => s.function.name(),
            Op::Full { .. } => "full",
            Op::Iota { .. } => "iota",
            Op::Constant(_) => "constant",
            Op::Random(r) => r.name(),
            Op::StopGradient => "stop_gradient",
            Op::Name { .. } => "name",
            Op::Call(c) => c.name(),
            Op::Scan(_) => "scan",
            Op::While(_) => "while_loop",
            Op::Cond(_) => "cond",
            Op::Collective(c) => c.name(),
            Op::Pmap(_) => "pmap",
        }
    }

    /// The graphs that it holds.
    pub fn graphs(&self) -> SmallVec<[&Arc<Graph>; 2]> {
        match self {
            Op::Call(c) => match &c.rule {
                Rule::Through(_) => smallvec![&c.graph],
                Rule::Reverse { forward, backward } => smallvec![&c.graph, forward, backward],
                Rule::Forward { rule } => smallvec![&c.graph, rule],
            },
            Op::Scan(s) => smallvec![&s.body],
            Op::While(w) => smallvec![&w.condition, &w.body],
            Op::Cond(c) => c.branches.iter().collect(),
            Op::Pmap(p) => smallvec![&p.graph],
            Op::Unary(_) | Op::IntegerPow { .. } | Op::ReducePrecision { .. } | Op::Binary(_) => smallvec![],
            Op::Bits(_) | Op::Compare(_) | Op::Select | Op::Clamp | Op::Cast { .. } => smallvec![],
            Op::Bitcast { .. } | Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } => {
                smallvec![]
            }
            Op::Reverse { .. } | Op::Slice(_) | Op::DynamicSlice { .. } | Op::DynamicUpdate => smallvec![],
            Op::Pad { .. } | Op::Concatenate { .. } | Op::Gather(_) | Op::Scatter(_) => smallvec![],
            Op::Reduce { .. } | Op::ArgReduce { .. } | Op::Sort { .. } | Op::TopK { .. } => smallvec![],
            Op::Cumulative { .. } | Op::Dot(_) | Op::Conv(_) | Op::Window { .. } => smallvec![],
            Op::Fft { .. } | Op::Linalg(_) | Op::Special(_) | Op::Full { .. } => smallvec![],
            Op::Iota { .. } | Op::Constant(_) | Op::Random(_) | Op::StopGradient => smallvec![],
            Op::Name { .. } | Op::Collective(_) => smallvec![],
        }
    }

    /// Whether it, or a graph that it holds, speaks over the axis of this name, one in scope where it stands.
    pub fn mentions(&self, axis: &str) -> bool {
        match self {
            Op::Collective(c) => *c.axis == *axis,
            Op::Pmap(p) => p.mesh.iter().all(|(name, _)| **name != *axis) && p.graph.mentions(axis),
            _ => self.graphs().iter().any(|graph| graph.mentions(axis)),
        }
    }

    /// How many inputs it takes: at least, and at most (`None`: any number).
    pub fn arity(&self) -> (usize, Option<usize>) {
        let n = match self {
            Op::Full { .. } | Op::Iota { .. } | Op::Constant(_) => 0,
            Op::Unary(_) | Op::IntegerPow { .. } | Op::ReducePrecision { .. } => 1,
            Op::Cast { .. } | Op::Bitcast { .. } | Op::StopGradient | Op::Name { .. } => 1,
            Op::Call(c) => c.graph.inputs().len(),
            Op::Scan(s) => s.body.inputs().len(),
            Op::While(w) => w.body.inputs().len() + w.condition_constants,
            Op::Cond(c) => 1 + c.branches.first().map_or(0, |b| b.inputs().len()),
            Op::Collective(c) => c.inputs(),
            Op::Pmap(p) => p.inputs.len(),
            Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } | Op::Reverse { .. } => 1,
            Op::Slice(_) | Op::Reduce { .. } | Op::ArgReduce { .. } => 1,
            Op::TopK { .. } | Op::Cumulative { .. } | Op::Window { .. } => 1,
            Op::Binary(_) | Op::Compare(_) | Op::Pad { .. } | Op::Gather(_) | Op::Dot(_) | Op::Conv(_) => 2,
            Op::Fft { kind, .. } => kind.inputs(),
            Op::Linalg(l) => l.inputs(),
            Op::Special(s) => s.function.inputs(),
            Op::Clamp | Op::Scatter(_) => 3,
            Op::Bits(b) => b.arity(),
            Op::Random(r) => r.inputs(),
            Op::Select => return (2, None),
            Op::DynamicSlice { .. } | Op::Concatenate { .. } | Op::Sort { .. } => return (1, None),
            Op::DynamicUpdate => return (2, None),
        };
        (n, Some(n))
    }

    /// The shape rule: the types of the outputs for inputs of these types. Panics, naming the operation and the
    /// shapes, where they do not fit.
    #[track_caller]
    pub fn infer(&self, x: &[&TensorType]) -> Types {
        let mut types = self.infer_types(x);
        if x.iter().any(|ty| !ty.varying.is_nothing()) || matches!(self, Op::Collective(c) if c.tracked) {
            self.vary(x, &mut types);
        }
        types
    }

    /// Over which axes the outputs vary, where that is tracked.
    #[cold]
    fn vary(&self, x: &[&TensorType], types: &mut Types) {
        let all = || x.iter().fold(Varying::NOTHING, |all, ty| all.union(&ty.varying));
        let varying = match self {
            // Their graphs say it.
            Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Pmap(_) => return,
            Op::Collective(c) => c.varying(&all()),
            _ if x.is_empty() => return,
            _ => all(),
        };
        types.iter_mut().for_each(|ty| ty.varying = varying.clone());
    }

    #[track_caller]
    fn infer_types(&self, x: &[&TensorType]) -> Types {
        // The commonest ones first: small operations are as quick as what is decided before them.
        match (self, x) {
            (Op::Binary(b), [x, y]) => return smallvec![b.infer(x, y)],
            (Op::Unary(u), [x]) => return smallvec![u.infer(x)],
            _ => {}
        }
        let (least, most) = self.arity();
        let fits = x.len() >= least && most.is_none_or(|m| x.len() <= m);
        assert!(fits, "{}: {} inputs do not fit", self.name(), x.len());
        smallvec![match self {
            Op::Unary(u) => u.infer(x[0]),
            Op::IntegerPow { exponent } => unary::infer_integer_pow(x[0], *exponent),
            Op::ReducePrecision { exponent_bits, mantissa_bits } =>
                unary::infer_reduce_precision(x[0], *exponent_bits, *mantissa_bits),
            Op::Binary(b) => b.infer(x[0], x[1]),
            Op::Bits(b) => b.infer(x),
            Op::Compare(c) => c.infer(x[0], x[1]),
            Op::Select => select::infer_select(x),
            Op::Clamp => select::infer_clamp(x),
            Op::Cast { dtype } => cast::infer_cast(x[0], *dtype),
            Op::Bitcast { dtype } => cast::infer_bitcast(x[0], *dtype),
            Op::Reshape { shape } => shape::infer_reshape(x[0], shape),
            Op::Transpose { permutation } => shape::infer_transpose(x[0], permutation),
            Op::Broadcast { shape, axes } => shape::infer_broadcast(x[0], shape, axes),
            Op::Reverse { axes } => shape::infer_reverse(x[0], axes),
            Op::Slice(s) => s.infer(x[0]),
            Op::DynamicSlice { sizes } => slice::infer_dynamic_slice(x, sizes),
            Op::DynamicUpdate => slice::infer_dynamic_update(x),
            Op::Pad { padding } => slice::infer_pad(x[0], x[1], padding),
            Op::Concatenate { axis } => slice::infer_concatenate(x, *axis),
            Op::Gather(g) => g.infer(x[0], x[1]),
            Op::Scatter(s) => s.infer(x[0], x[1], x[2]),
            Op::Reduce { kind, axes } => kind.infer(x[0], axes),
            Op::ArgReduce { kind, axis, dtype } => kind.infer(x[0], *axis, *dtype),
            Op::Sort { axis, keys } => return sort::infer_sort(x, *axis, *keys),
            Op::TopK { k, axis } => return sort::infer_top_k(x[0], *k, *axis),
            Op::Cumulative { kind, axis, reverse: _ } => kind.infer(x[0], *axis),
            Op::Dot(d) => d.infer(x[0], x[1]),
            Op::Conv(c) => c.infer(x[0], x[1]),
            Op::Window { kind, window } => kind.infer(x[0], window),
            Op::Fft { kind, sizes } => return kind.infer(x, sizes),
            Op::Linalg(l) => return l.infer(x),
            Op::Special(s) => s.infer(x),
            Op::Full { number: _, ty } => ty.clone(),
            Op::Iota { ty, axis } => create::infer_iota(ty, *axis),
            Op::Constant(a) => a.ty(),
            Op::Random(r) => r.infer(x),
            Op::StopGradient | Op::Name { .. } => x[0].clone(),
            Op::Call(c) => return c.infer(x),
            Op::Scan(s) => return s.infer(x),
            Op::While(w) => return w.infer(x),
            Op::Cond(c) => return c.infer(x),
            Op::Collective(c) => return c.infer(x),
            Op::Pmap(p) => return p.infer(x),
        }]
    }
}

/// Operands of one shape and dtype.
#[track_caller]
#[inline]
fn same_types(name: &str, x: &[&TensorType]) {
    same_dtypes(name, x);
    for other in &x[1..] {
        assert!(x[0].shape == other.shape, "{name}: shapes {} and {} differ", x[0].shape, other.shape);
    }
}

#[track_caller]
#[inline]
fn same_dtypes(name: &str, x: &[&TensorType]) {
    for other in x.iter().skip(1) {
        assert!(x[0].dtype == other.dtype, "{name}: dtypes {} and {} differ", x[0].dtype, other.dtype);
    }
}
