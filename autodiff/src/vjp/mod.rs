//! The vector-Jacobian products: for each operation, what its rule needs, and the rule.
//!
//! A rule gets the residuals and the cotangents of the outputs as tensors of the engine below, and gives the
//! cotangents of the inputs; no tensor means zero. What is created is created like an example (`ct.full_like(0)`):
//! the inputs decide the engine. `keep` and the rule of a family stand in one file.

mod binary;
mod call;
mod cast;
pub(crate) mod collective;
mod conv;
mod cumulative;
mod dot;
mod fft;
mod gather;
mod linalg;
mod products;
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

use plywood_core::{Dyn, Op, Shape, Tensor, TensorType, Value};
use smallvec::{SmallVec, smallvec};

/// A tensor of the engine below.
pub(crate) type T = Tensor<Dyn>;

/// Cotangents of an operation's inputs; `None` is zero.
pub(crate) type Gradients = SmallVec<[Option<T>; 3]>;

/// What an operation's rule needs of its inputs and outputs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keep {
    inputs: Inputs,
    /// Whether the values of the outputs.
    outputs: bool,
    types: Inputs,
}

#[derive(Clone, Copy, Debug)]
enum Inputs {
    /// A bit for each of the first inputs.
    These(u8),
    All,
    AllButFirst,
}

impl Inputs {
    fn has(self, i: usize) -> bool {
        match self {
            Inputs::These(bits) => i < 8 && bits & (1 << i) != 0,
            Inputs::All => true,
            Inputs::AllButFirst => i > 0,
        }
    }
}

impl Keep {
    /// Nothing: the rule needs the cotangent alone.
    const NOTHING: Keep = Keep { inputs: Inputs::These(0), outputs: false, types: Inputs::These(0) };

    /// Whatever a rule may ask for.
    pub fn everything() -> Keep {
        Keep { inputs: Inputs::All, outputs: true, types: Inputs::All }
    }

    fn inputs<const N: usize>(which: [usize; N]) -> Keep {
        let bits = which.iter().fold(0, |bits, i| bits | 1 << i);
        Keep { inputs: Inputs::These(bits), ..Keep::NOTHING }
    }

    fn all_inputs() -> Keep {
        Keep { inputs: Inputs::All, ..Keep::NOTHING }
    }

    fn all_inputs_but_first() -> Keep {
        Keep { inputs: Inputs::AllButFirst, ..Keep::NOTHING }
    }

    fn outputs() -> Keep {
        Keep { outputs: true, ..Keep::NOTHING }
    }

    fn type_of(input: usize) -> Keep {
        Keep { types: Inputs::These(1 << input), ..Keep::NOTHING }
    }

    fn and_outputs(self) -> Keep {
        Keep { outputs: true, ..self }
    }

    fn and_type_of(self, input: usize) -> Keep {
        let Inputs::These(bits) = self.types else { return self };
        Keep { types: Inputs::These(bits | 1 << input), ..self }
    }

    fn all_types(self) -> Keep {
        Keep { types: Inputs::All, ..self }
    }

    /// What is kept of the inputs, before they are given up.
    #[inline]
    pub fn inputs_of(&self, inputs: &[Value]) -> Residuals {
        let mut kept = Residuals { x: SmallVec::new(), y: SmallVec::new(), types: Vec::new() };
        for (i, x) in inputs.iter().enumerate() {
            kept.x.push(self.inputs.has(i).then(|| T::of(x.clone())));
        }
        if !matches!(self.types, Inputs::These(0)) {
            for (i, x) in inputs.iter().enumerate() {
                kept.types.push(self.types.has(i).then(|| x.ty().clone()));
            }
        }
        kept
    }

    /// With what is kept of the outputs.
    #[inline]
    pub fn and_outputs_of(&self, mut kept: Residuals, outputs: &[Value]) -> Residuals {
        if self.outputs {
            for y in outputs {
                kept.y.push(T::of(y.clone()));
            }
        }
        kept
    }
}

/// What was kept of an operation.
#[derive(Debug)]
pub(crate) struct Residuals {
    pub x: SmallVec<[Option<T>; 3]>,
    pub y: SmallVec<[T; 1]>,
    pub types: Vec<Option<TensorType>>,
}

/// The residuals, and which cotangents are asked for.
pub(crate) struct Pull<'a> {
    kept: &'a Residuals,
    wanted: SmallVec<[bool; 3]>,
}

impl Pull<'_> {
    /// The value of an input.
    fn x(&self, i: usize) -> &T {
        self.kept.x[i].as_ref().expect("kept by this family's `keep`")
    }

    /// The value of the output.
    fn y(&self) -> &T {
        &self.kept.y[0]
    }

    /// The type of an input.
    fn ty(&self, i: usize) -> &TensorType {
        self.kept.types[i].as_ref().expect("kept by this family's `keep`")
    }

    fn shape(&self, i: usize) -> &Shape {
        &self.ty(i).shape
    }

    fn wants(&self, i: usize) -> bool {
        self.wanted[i]
    }

    /// Cotangents of the inputs, each computed only if it is asked for; the last formula gets `ct` to overwrite.
    #[inline]
    fn each<const N: usize>(&self, ct: T, formulas: [&dyn Fn(T) -> T; N]) -> Gradients {
        let last = (0..N).rev().find(|&i| self.wanted[i]);
        let mut ct = Some(ct);
        let mut gradients = Gradients::new();
        for (i, formula) in formulas.iter().enumerate() {
            let ct = if Some(i) == last { ct.take() } else { ct.clone().filter(|_| self.wanted[i]) };
            gradients.push(ct.map(formula));
        }
        gradients
    }
}

/// What the rule of an operation needs, if the inputs with a slot are tracked; `None` where no derivative passes: the
/// outputs are constants.
#[inline]
pub(crate) fn keep(op: &Op, slots: &[Option<u32>]) -> Option<Keep> {
    let wants = |i: usize| slots[i].is_some();
    match op {
        Op::Unary(u) => unary::keep(*u),
        Op::IntegerPow { exponent } => unary::keep_integer_pow(*exponent),
        Op::ReducePrecision { .. } => Some(Keep::NOTHING),
        Op::Binary(b) => binary::keep(*b, wants(0), wants(1)),
        Op::Select => Some(Keep::inputs([0])),
        Op::Clamp => Some(Keep::inputs([0, 1, 2])),
        Op::Cast { dtype } => dtype.is_float().then_some(Keep::type_of(0)),
        Op::Reshape { .. } | Op::Broadcast { .. } => Some(Keep::type_of(0)),
        Op::Transpose { .. } | Op::Reverse { .. } | Op::Name { .. } => Some(Keep::NOTHING),
        // What these keep is up to their graphs (`derive`).
        Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Pmap(_) => Some(Keep::NOTHING),
        Op::Slice(_) => Some(Keep::type_of(0)),
        Op::DynamicSlice { .. } => Some(slice::keep_dynamic_slice()),
        Op::DynamicUpdate => Some(slice::keep_dynamic_update()),
        Op::Pad { .. } => Some(Keep::NOTHING),
        Op::Concatenate { .. } => Some(Keep::NOTHING.all_types()),
        Op::Gather(_) => Some(Keep::inputs([1]).and_type_of(0)),
        Op::Scatter(s) => Some(scatter::keep(s.kind)),
        Op::Reduce { kind, .. } => reduce::keep(*kind),
        Op::Sort { .. } => Some(Keep::all_inputs()),
        Op::TopK { .. } => Some(sort::keep_top_k()),
        Op::Cumulative { kind, .. } => Some(cumulative::keep(*kind)),
        Op::Conv(_) => Some(conv::keep(wants(0), wants(1))),
        Op::Window { kind, .. } => window::keep(*kind),
        Op::Fft { .. } => Some(Keep::NOTHING),
        Op::Linalg(l) => Some(linalg::keep(*l)),
        Op::Special(_) => Some(Keep::all_inputs()),
        Op::Random(r) => random::keep(r),
        Op::Dot(_) => Some(dot::keep(wants(0), wants(1))),
        Op::Collective(c) => collective::keep(&c.kind),
        // Integers, bool and bits have no tangents; the place of an extreme is an integer.
        Op::Bits(_) | Op::Compare(_) | Op::Bitcast { .. } | Op::ArgReduce { .. } => None,
        Op::Full { .. } | Op::Iota { .. } | Op::Constant(_) | Op::StopGradient => None,
    }
}

/// The cotangents of the inputs, given those of the outputs, of which at least one is there.
pub(crate) fn pull_back(
    op: &Op,
    kept: &Residuals,
    wanted: SmallVec<[bool; 3]>,
    mut cts: SmallVec<[Option<T>; 1]>,
) -> Gradients {
    let r = Pull { kept, wanted };
    // Those of several outputs; of all others there is one cotangent.
    match op {
        Op::Sort { axis, keys } => return sort::vjp(*axis, *keys, &r, cts),
        Op::Fft { kind, sizes } => return fft::vjp(*kind, sizes, cts),
        Op::Linalg(l) => return linalg::vjp(*l, &r, cts),
        Op::Call(c) => return call::pulled(op, c.graph.input_types().cloned().collect(), &r, cts),
        Op::Pmap(p) => return call::pulled(op, p.input_types(), &r, cts),
        Op::TopK { .. } => cts.truncate(1),
        _ => {}
    }
    let Some(ct) = cts.pop().flatten() else { return smallvec![] };
    match op {
        Op::Unary(u) => smallvec![unary::vjp(*u, &r, ct)],
        Op::IntegerPow { exponent } => smallvec![Some(unary::integer_pow(*exponent, &r, ct))],
        Op::ReducePrecision { exponent_bits, mantissa_bits } => {
            smallvec![Some(ct.reduce_precision(*exponent_bits, *mantissa_bits))]
        }
        Op::Binary(b) => binary::vjp(*b, &r, ct),
        Op::Select => select::select(&r, ct),
        Op::Clamp => select::clamp(&r, ct),
        Op::Cast { .. } => smallvec![Some(cast::cast(&r, ct))],
        Op::Reshape { .. } => smallvec![Some(shape::reshape(&r, ct))],
        Op::Transpose { permutation } => smallvec![Some(shape::transpose(permutation, ct))],
        Op::Broadcast { shape, axes } => smallvec![Some(shape::broadcast(shape, axes, &r, ct))],
        Op::Reverse { axes } => smallvec![Some(shape::reverse(axes, ct))],
        Op::Slice(s) => smallvec![Some(slice::slice(s, &r, ct))],
        Op::DynamicSlice { .. } => slice::dynamic_slice(&r, ct),
        Op::DynamicUpdate => slice::dynamic_update(&r, ct),
        Op::Pad { padding } => slice::pad(padding, &r, ct),
        Op::Concatenate { axis } => slice::concatenate(*axis, &r, ct),
        Op::Gather(g) => smallvec![Some(gather::vjp(g, &r, ct)), None],
        Op::Scatter(s) => scatter::vjp(s, &r, ct),
        Op::Reduce { kind, axes } => smallvec![reduce::vjp(*kind, axes, &r, ct)],
        Op::TopK { k: _, axis } => smallvec![Some(sort::top_k(*axis, &r, ct))],
        Op::Cumulative { kind, axis, reverse } => {
            smallvec![Some(cumulative::vjp(*kind, *axis, *reverse, &r, ct))]
        }
        Op::Dot(d) => dot::vjp(d, &r, ct),
        Op::Conv(c) => conv::vjp(c, &r, ct),
        Op::Window { kind, window } => smallvec![window::vjp(*kind, window, &r, ct)],
        Op::Special(s) => special::vjp(*s, &r, ct),
        Op::Random(random) => random::vjp(random, &r, ct),
        Op::Collective(c) => smallvec![Some(collective::vjp(c, &r, ct))],
        Op::Name { .. } => smallvec![Some(ct)],
        Op::Sort { .. } | Op::Fft { .. } | Op::Linalg(_) | Op::Call(_) | Op::Pmap(_) => {
            unreachable!("they have several outputs, and returned above")
        }
        Op::Scan(_) | Op::While(_) | Op::Cond(_) => {
            unreachable!("the tape holds a call of their backward graph")
        }
        Op::Bits(_) | Op::Compare(_) | Op::Bitcast { .. } | Op::ArgReduce { .. } | Op::StopGradient => {
            unreachable!("{op}: `keep` says that no derivative passes")
        }
        Op::Full { .. } | Op::Iota { .. } | Op::Constant(_) => {
            unreachable!("{op}: `keep` says that no derivative passes")
        }
    }
}
