//! What a kernel can hold: operations that are formulas over lanes, and reductions of rows.
//!
//! Lanes have 32 bits, or 64 where an element has. A value in a kernel is what its element in memory would be: narrow integers
//! wrap, 16-bit floats are rounded after each operation, so a kernel gives the bits that operations alone give.

use crate::{Width, cast};
use plywood_core::op::{Binary, Reduction};
use plywood_core::{DType, Equation, Graph, Op};
use plywood_fusion::plan::{Device, Fuses, Lanes};

/// A device whose kernels are programs of the kernel language, to the planner.
#[derive(Clone, Copy, Debug)]
pub struct Kernels {
    /// Whether a kernel can go on with the sums of a contraction.
    pub contractions: bool,
    /// Whether a large tensor that is reduced as a whole is reduced in blocks, by one kernel with what comes before.
    pub blocks: bool,
}

impl Device for Kernels {
    fn fuses(&self, graph: &Graph, e: &Equation) -> Fuses {
        let ty = |i: usize| graph.ty(e.inputs[i]).dtype;
        let lanes = |dtype: DType| match dtype {
            DType::Bool => None,
            dtype => Some(of(Width::of(dtype))),
        };
        let elementwise = |dtype: DType| Fuses::Elementwise(lanes(dtype));
        match &e.op {
            Op::Unary(_) | Op::IntegerPow { .. } | Op::Clamp | Op::Compare(_) => elementwise(ty(0)),
            Op::StopGradient | Op::Name { .. } | Op::Bits(_) => elementwise(ty(0)),
            Op::Binary(binary) => match binary {
                Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min => elementwise(ty(0)),
                Binary::Div | Binary::Pow | Binary::Atan2 if ty(0).is_float() => elementwise(ty(0)),
                Binary::Div | Binary::Pow | Binary::Atan2 | Binary::Rem | Binary::NextAfter => Fuses::No,
            },
            Op::Select if ty(0) == DType::Bool => elementwise(ty(1)),
            Op::Select => Fuses::No,
            Op::Cast { dtype } => match cast::width(ty(0), *dtype) {
                Width::W32 if ty(0) == DType::Bool && *dtype == DType::Bool => Fuses::Elementwise(None),
                width => Fuses::Elementwise(Some(of(width))),
            },
            Op::Reduce { kind, axes: _ } => match (ty(0), kind) {
                (DType::Bool, _) => Fuses::No,
                (dtype, Reduction::And | Reduction::Or | Reduction::Xor) if dtype.is_float() => Fuses::No,
                // Partial results are as exact as the whole.
                (dtype, _) => {
                    Fuses::Reduction { lanes: of(Width::of(dtype)), blocks: self.blocks && dtype.size() >= 4 }
                }
            },
            Op::Dot(dot) => match (ty(0), dot.dtype) {
                (DType::F32, DType::F32) | (DType::F64, DType::F64) if self.contractions => {
                    Fuses::Contraction
                }
                _ => Fuses::No,
            },
            Op::ReducePrecision { .. } | Op::Bitcast { .. } | Op::Special(_) => Fuses::No,
            Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } | Op::Reverse { .. } => {
                Fuses::No
            }
            Op::Slice(_) | Op::DynamicSlice { .. } | Op::DynamicUpdate | Op::Pad { .. } => Fuses::No,
            Op::Concatenate { .. } | Op::Gather(_) | Op::Scatter(_) | Op::ArgReduce { .. } => Fuses::No,
            Op::Sort { .. } | Op::TopK { .. } | Op::Cumulative { .. } | Op::Conv(_) => Fuses::No,
            Op::Window { .. } | Op::Fft { .. } | Op::Linalg(_) | Op::Full { .. } | Op::Iota { .. } => {
                Fuses::No
            }
            Op::Constant(_) | Op::Random(_) | Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) => {
                Fuses::No
            }
            Op::Collective(_) | Op::Pmap(_) => Fuses::No,
        }
    }

    fn chains(&self) -> bool {
        self.contractions
    }

    fn keeps(&self, lanes: Lanes, dtype: DType) -> bool {
        // Floats of 32 bits and fewer are f64 in lanes of 64 bits until they are stored.
        lanes == of(Width::W32) || !dtype.is_float() || dtype == DType::F64
    }
}

fn of(width: Width) -> Lanes {
    Lanes(width.bytes() as u8)
}
