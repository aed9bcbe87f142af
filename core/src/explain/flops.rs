//! How many arithmetic operations an operation is: of numbers of any type, one for an element and a function, however dear. What
//! compares, chooses, converts, moves or handles bits counts as nothing.

use crate::op::ScatterKind;
use crate::{Equation, Graph, Op, Var};

/// A count of arithmetic operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flops {
    /// So many.
    Total(u64),
    /// So many for each step of a loop that ends when it ends.
    EachStep(u64),
    /// It depends on values, or on how the operation is computed.
    Unknown,
}

impl Flops {
    /// Of an equation of a graph. Of a convolution, products with the padding count.
    pub fn of(graph: &Graph, e: &Equation) -> Flops {
        let elements = |v: &Var| graph.ty(*v).elements() as u64;
        let output = || e.outputs.first().map_or(0, elements);
        let none = Flops::Total(0);
        match &e.op {
            Op::Unary(_) | Op::IntegerPow { .. } | Op::Binary(_) => Flops::Total(output()),
            Op::Clamp => Flops::Total(2 * output()),
            Op::Reduce { .. } | Op::ArgReduce { .. } | Op::Cumulative { .. } => {
                Flops::Total(elements(&e.inputs[0]))
            }
            Op::Dot(dot) => {
                let lhs = graph.ty(e.inputs[0]);
                let sum: usize = dot.lhs_contracting.iter().map(|&d| lhs.shape[d]).product();
                Flops::Total(2 * output() * sum as u64)
            }
            Op::Conv(_) => {
                let kernel = graph.ty(e.inputs[1]);
                let sum: usize = kernel.shape[1..].iter().product();
                Flops::Total(2 * output() * sum as u64)
            }
            Op::Scatter(s) => match s.kind {
                ScatterKind::Set => none,
                ScatterKind::Add | ScatterKind::Mul | ScatterKind::Min | ScatterKind::Max => {
                    Flops::Total(elements(&e.inputs[2]))
                }
            },
            Op::Call(c) => Flops::of_graph(&c.graph),
            // Of all devices together.
            Op::Pmap(p) => Flops::of_graph(&p.graph).times(p.places() as u64),
            Op::Scan(s) => Flops::of_graph(&s.body).times(s.length as u64),
            Op::While(w) => match Flops::of_graph(&w.body).and(Flops::of_graph(&w.condition)) {
                Flops::Total(n) => Flops::EachStep(n),
                Flops::EachStep(_) | Flops::Unknown => Flops::Unknown,
            },
            Op::Cond(c) => {
                let mut branches = c.branches.iter().map(|b| Flops::of_graph(b));
                let first = branches.next().unwrap_or(none);
                if branches.all(|n| n == first) { first } else { Flops::Unknown }
            }
            Op::ReducePrecision { .. } | Op::Bits(_) | Op::Compare(_) | Op::Select | Op::Cast { .. } => none,
            Op::Bitcast { .. } | Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } => none,
            Op::Reverse { .. } | Op::Slice(_) | Op::DynamicSlice { .. } | Op::DynamicUpdate => none,
            Op::Pad { .. } | Op::Concatenate { .. } | Op::Gather(_) | Op::Full { .. } | Op::Iota { .. } => {
                none
            }
            Op::Constant(_) | Op::StopGradient | Op::Name { .. } => none,
            Op::Sort { .. } | Op::TopK { .. } | Op::Window { .. } | Op::Fft { .. } => Flops::Unknown,
            Op::Linalg(_) | Op::Special(_) | Op::Random(_) | Op::Collective(_) => Flops::Unknown,
        }
    }

    /// Of all equations of a graph.
    pub fn of_graph(graph: &Graph) -> Flops {
        graph.equations().iter().fold(Flops::Total(0), |all, e| all.and(Flops::of(graph, e)))
    }

    /// Both together: unknown, if there is something for each step of a loop and something else.
    pub fn and(self, other: Flops) -> Flops {
        match (self, other) {
            (Flops::Total(a), Flops::Total(b)) => Flops::Total(a + b),
            (x, Flops::Total(0)) | (Flops::Total(0), x) => x,
            _ => Flops::Unknown,
        }
    }

    /// So many times.
    fn times(self, n: u64) -> Flops {
        match self {
            Flops::Total(x) => Flops::Total(n * x),
            Flops::EachStep(_) | Flops::Unknown => Flops::Unknown,
        }
    }
}
