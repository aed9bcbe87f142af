//! The Jacobian-vector products: for each operation, the tangents of its outputs, given those of its inputs.
//!
//! A tangent that is absent is zero. Rules come in a few kinds, and only what fits none of them has a formula here:
//!
//! - **diagonal**: an element of the output depends on the elements of the inputs at the same place. Then the Jacobian is
//!   its own transpose, and the formula of `vjp/` serves both ways.
//! - **linear**: the operation itself, on the tangents.
//! - **bilinear**: the operation on each tangent with the other operand.
//! - **grouped**: each input element counts for one output element. The formula of `vjp/`, with ones as cotangents, gives
//!   the weights, and the weighted tangents are added up as the outputs were.
//! - **transposed**: the pullback is linear in the cotangents, and made of operations that have pullbacks: its own is the
//!   product that is looked for.

mod collective;
mod cumulative;
mod reduce;
mod scatter;
mod sort;
mod transposed;
mod window;

use crate::vjp::{self, Keep, T};
use plywood_core::op::{CollectiveKind, Cumulation, Reduction, ScatterKind, WindowKind};
use plywood_core::{Op, Value, Values};
use smallvec::{SmallVec, smallvec};

/// Tangents of an operation's outputs; `None` is zero.
pub(crate) type Tangents = SmallVec<[Option<T>; 1]>;

/// An operation that was executed, and the tangents of its inputs, of which at least one is there.
pub(crate) struct Push<'a> {
    pub op: &'a Op,
    pub x: &'a [T],
    pub y: &'a [T],
    pub t: &'a [Option<T>],
}

impl Push<'_> {
    /// The tangent of an input, zeros where it is absent.
    fn tangent(&self, i: usize) -> T {
        self.t[i].clone().unwrap_or_else(|| self.x[i].zeros_like())
    }

    /// The operation on other inputs.
    fn apply(&self, inputs: impl IntoIterator<Item = T>) -> Tangents {
        let inputs: Values = inputs.into_iter().map(T::into_value).collect();
        Value::apply(self.op, inputs).into_iter().map(|y| Some(T::of(y))).collect()
    }

    /// The operation on the tangents of all inputs.
    fn linear(&self) -> Tangents {
        self.apply((0..self.x.len()).map(|i| self.tangent(i)))
    }

    /// The operation on the tangents of these inputs, the others as they are.
    fn linear_in(&self, which: &[usize]) -> Tangents {
        self.apply(
            (0..self.x.len()).map(|i| if which.contains(&i) { self.tangent(i) } else { self.x[i].clone() }),
        )
    }

    /// The pullback of one input for a cotangent of the first output; `None` is zero.
    fn pulled(&self, input: usize, ct: T) -> Option<T> {
        let inputs: Vec<Value> = self.x.iter().map(|x| x.value().clone()).collect();
        let outputs: Vec<Value> = self.y.iter().map(|y| y.value().clone()).collect();
        let keep = Keep::everything();
        let kept = keep.and_outputs_of(keep.inputs_of(&inputs), &outputs);
        let wanted = (0..self.x.len()).map(|i| i == input).collect();
        let mut cts: SmallVec<[Option<T>; 1]> = smallvec![Some(ct)];
        cts.resize(self.y.len(), None);
        let mut gradients = vjp::pull_back(self.op, &kept, wanted, cts);
        if gradients.len() > input { gradients[input].take() } else { None }
    }

    /// The sum of each tangent times the derivative at its own place.
    fn diagonal(&self) -> Tangents {
        let terms = (0..self.x.len()).filter_map(|i| self.pulled(i, self.t[i].clone()?));
        smallvec![terms.reduce(|a, b| a + b)]
    }

    /// x and the tangent of y, the tangent of x and y.
    fn bilinear(&self) -> Tangents {
        let one = |i: usize| {
            let t = self.t[i].clone()?;
            let other = self.x[1 - i].clone();
            let pair = if i == 0 { [t, other] } else { [other, t] };
            self.apply(pair).pop().flatten()
        };
        smallvec![[one(0), one(1)].into_iter().flatten().reduce(|a, b| a + b)]
    }
}

/// The tangents of the outputs.
pub(crate) fn push_forward(p: &Push<'_>) -> Tangents {
    match p.op {
        Op::Unary(_) | Op::IntegerPow { .. } | Op::Binary(_) | Op::Clamp | Op::Special(_) => p.diagonal(),
        // A sample by its distribution's parameter.
        Op::Random(_) => p.diagonal(),
        Op::ReducePrecision { .. } | Op::Cast { .. } | Op::Reshape { .. } | Op::Transpose { .. } => {
            p.linear()
        }
        Op::Broadcast { .. } | Op::Reverse { .. } | Op::Slice(_) | Op::Pad { .. } => p.linear(),
        Op::Name { .. } => p.linear(),
        Op::Concatenate { .. } | Op::Fft { .. } => p.linear(),
        // A selection of tangents, never a product with the mask.
        Op::Select => p.linear_in(&(1..p.x.len()).collect::<Vec<_>>()),
        Op::DynamicSlice { .. } | Op::Gather(_) => p.linear_in(&[0]),
        Op::DynamicUpdate => p.linear_in(&[0, 1]),
        Op::Scatter(s) => match s.kind {
            // Of updates that meet, the one that wins is the same.
            ScatterKind::Set | ScatterKind::Add => p.linear_in(&[0, 2]),
            ScatterKind::Mul | ScatterKind::Min | ScatterKind::Max => scatter::grouped(s, p),
        },
        Op::Reduce { kind, axes } => match kind {
            Reduction::Sum => p.linear(),
            Reduction::Prod | Reduction::Max | Reduction::Min => reduce::grouped(axes, p),
            Reduction::And | Reduction::Or | Reduction::Xor => unreachable!("they have no derivative"),
        },
        Op::Dot(_) | Op::Conv(_) => p.bilinear(),
        Op::Collective(c) => match c.kind {
            CollectiveKind::Sum | CollectiveKind::AllGather { .. } | CollectiveKind::SumScatter { .. } => {
                p.linear()
            }
            CollectiveKind::AllToAll { .. } | CollectiveKind::Permute { .. } | CollectiveKind::Vary => {
                p.linear()
            }
            CollectiveKind::Max | CollectiveKind::Min => collective::extreme(c, p),
            CollectiveKind::Index => unreachable!("it has no inputs"),
        },
        Op::Sort { axis, keys } => sort::sort(*axis, *keys, p),
        Op::TopK { k: _, axis } => sort::top_k(*axis, p),
        Op::Cumulative { kind, axis, reverse } => match kind {
            Cumulation::Sum => p.linear(),
            Cumulation::Prod | Cumulation::Max | Cumulation::Min | Cumulation::LogSumExp => {
                cumulative::cumulative(*kind, *axis, *reverse, p)
            }
        },
        Op::Window { kind, window } => match kind {
            WindowKind::Sum => p.linear(),
            WindowKind::Max | WindowKind::Min => window::extreme(*kind, window, p),
            WindowKind::ArgMax | WindowKind::ArgMin => unreachable!("they have no derivative"),
        },
        Op::Linalg(_) => transposed::transposed(p),
        Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) | Op::Pmap(_) => {
            unreachable!("they are pushed forward together with their outputs")
        }
        Op::Bits(_) | Op::Compare(_) | Op::Bitcast { .. } | Op::ArgReduce { .. } | Op::StopGradient => {
            unreachable!("{}: `vjp::keep` says that no derivative passes", p.op)
        }
        Op::Full { .. } | Op::Iota { .. } | Op::Constant(_) => {
            unreachable!("{}: `vjp::keep` says that no derivative passes", p.op)
        }
    }
}
