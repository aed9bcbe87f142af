//! A contraction whose output a kernel goes on with, tile by tile, while it is in the caches: a bias, an activation, a
//! residual, the update of a parameter. The sums themselves are nowhere else.

use super::operands::{copied, innermost, kept, launched, over, strides_of_copy};
use super::{Made, Prepared, finished, outputs, program};
use crate::kernel::launch::{Tile, tile};
use crate::kernels::dot;
use crate::layout::{Nest, Strides};
use plywood_core::{Equation, Graph, Op, Value, Values};
use plywood_fusion::plan::{Kernel, Plan};
use smallvec::SmallVec;

/// A contraction and what follows.
pub struct Contract<'a> {
    pub graph: &'a Graph,
    pub plan: &'a Plan,
    /// The contraction.
    pub e: &'a Equation,
    /// What follows.
    pub kernel: &'a Kernel,
    /// The input of the kernel that the contraction's output is.
    pub input: usize,
}

impl Contract<'_> {
    /// The kernel's outputs; or the values back where the product is none that goes by tiles.
    pub fn run(
        &self,
        operands: Values,
        mut inputs: Values,
        prepared: &Prepared,
    ) -> Result<Values, (Values, Values)> {
        let Op::Dot(dot) = &self.e.op else { unreachable!("the planner looked for a contraction") };
        let Some([m, n]) = dot::tiled(&operands, dot) else { return Err((operands, inputs)) };
        let Some((mut strides, splats)) = self.strides(&mut inputs, [m, n]) else {
            return Err((operands, inputs));
        };
        let made: Made = prepared.made(splats, || program(self.graph, self.plan, self.kernel, splats));
        // The sums are in no buffer that an output could be.
        let without =
            |bits: &u32| (bits & ((1 << self.input) - 1)) | (bits >> (self.input + 1)) << self.input;
        let overwrites: SmallVec<[u32; 8]> = made.overwrites.iter().map(without).collect();
        let (mut storages, taken) = outputs(&mut inputs, &prepared.types, &overwrites);
        let of_output = strides.pop().expect("the outputs' are the last");
        let sizes = [m, n];
        let of_input = |i: usize| (0, &strides[i][..]);
        let parts = (&inputs[..], &taken[..], &mut storages[..], &prepared.types);
        let all = launched(parts, &sizes, of_input, |_| (0, &of_output[..]));
        let then = |place: [usize; 2], shape: [usize; 2], sums: &[u8]| {
            tile(made.code, &sizes, &all, Tile { input: self.input, place, shape, sums });
        };
        let done = dot::then(&operands, dot, &then);
        debug_assert!(done, "it was asked before");
        drop(all);
        Ok(finished(&prepared.types, storages))
    }

    /// The strides of the inputs but the sums, then of an output, by rows and columns of the product; and the inputs, the
    /// sums among them, that have one element for each row.
    fn strides(&self, inputs: &mut [Value], [m, n]: [usize; 2]) -> Option<(SmallVec<[Strides; 12]>, u32)> {
        let shape = &self.kernel.shape;
        let others = || self.kernel.inputs.iter().enumerate().filter(|(i, _)| *i != self.input);
        let mut strides: SmallVec<[Strides; 12]> = SmallVec::new();
        let mut splats = 0;
        // The axes of the shape that are the product's columns.
        let mut columns = 0;
        let mut count = 1;
        while count < n {
            columns += 1;
            count *= shape[shape.len() - columns];
        }
        if count != n {
            return None;
        }
        for ((i, operand), x) in others().zip(inputs) {
            let mut own = over(self.graph, shape, 0, x, operand);
            if collapsed(shape, &own, columns).is_none() {
                let mut sizes = kept(shape, &own, columns.max(innermost(shape)));
                if collapsed(shape, &strides_of_copy(shape, &sizes), columns).is_none() {
                    sizes = shape[..].into();
                }
                own = copied(shape, &own, sizes, x);
            }
            let two = collapsed(shape, &own, columns).expect("what is copied goes by rows and columns");
            if two[1] == 0 {
                splats |= 1 << i;
            }
            strides.push(two);
        }
        strides.push([n as isize, 1].into_iter().collect());
        debug_assert_eq!(shape.elements(), m * n);
        Some((strides, splats))
    }
}

/// Strides over rows and columns, the last of these axes; none where there are no single ones, or columns not dense.
fn collapsed(shape: &[usize], strides: &[isize], columns: usize) -> Option<Strides> {
    let first = shape.len() - columns;
    let one = |shape: &[usize], strides: &[isize]| {
        let nest = Nest::new(shape, &[strides]);
        (nest.sizes.len() == 1).then(|| if nest.sizes[0] == 1 { 0 } else { nest.strides[0][0] })
    };
    let (row, column) = (one(&shape[..first], &strides[..first])?, one(&shape[first..], &strides[first..])?);
    matches!(column, 0 | 1).then(|| [row, column].into_iter().collect())
}
