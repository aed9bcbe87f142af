//! Convolutions: a row for each element of the output, whose columns are what the kernel meets there; or, where a matrix product is
//! quicker, that product, of the kernel and of all that its places meet.
//!
//! What always holds: no row leaves the input, since padding is put there first.

#[cfg(feature = "matmul")]
mod product;

use super::slice::padded;
use super::{Queue, operand, written};
use crate::launch::Operand;
use crate::programs::Single;
use cubecl::prelude::Runtime;
use plywood_core::op::Conv;
use plywood_core::{TensorType, Value, Values};
use plywood_kernel::layout::Strides;

/// Inputs: the tensor, the kernel.
pub fn conv<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, mut x: Values, conv: &Conv) -> Value {
    let (kernel, x) = (x.pop().expect("two inputs"), x.pop().expect("two inputs"));
    let padding = [Default::default(); 2].into_iter().chain(conv.padding.iter().copied()).collect::<Vec<_>>();
    let x = padded(queue, x, &padding, [0; 8]);
    #[cfg(feature = "matmul")]
    if product::suits(queue, &ty, &kernel, conv) {
        return product::conv(queue, ty, x, &kernel, conv);
    }
    rows(queue, ty, &x, &kernel, conv)
}

/// The sizes and strides of a convolution without padding.
struct Sizes {
    /// Images of a group, groups, output features of a group, places of the output.
    rows: Vec<usize>,
    /// Features of a group, places of the kernel.
    columns: Vec<usize>,
    /// Of the input, along both.
    x: Strides,
    /// Of the kernel.
    kernel: Strides,
}

impl Sizes {
    fn new(ty: &TensorType, x: &Operand, kernel: &Value, conv: &Conv) -> Sizes {
        let groups = conv.feature_groups.max(conv.batch_groups);
        let (images, features) = (ty.shape[0], kernel.shape()[1]);
        let by_group = match conv.batch_groups {
            1 => features as isize * x.strides[1],
            _ => images as isize * x.strides[0],
        };
        let outs = ty.shape[1] / groups;
        let by = |steps: &[usize]| -> Vec<isize> {
            x.strides[2..].iter().zip(steps).map(|(s, &step)| s * step as isize).collect()
        };
        let of = operand(kernel).strides;
        let none = vec![0; conv.strides.len()];
        Sizes {
            rows: [&[images, groups, outs], &ty.shape[2..]].concat(),
            columns: kernel.shape()[1..].to_vec(),
            x: [&[x.strides[0], by_group, 0], &by(&conv.strides)[..], &[x.strides[1]], &by(&conv.dilation)]
                .concat()
                .into(),
            kernel: [&[0, outs as isize * of[0], of[0]], &none[..], &of[1..]].concat().into(),
        }
    }
}

/// By rows of a program: any dtype, any groups.
fn rows<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: &Value, kernel: &Value, conv: &Conv) -> Value {
    let (from, by) = (operand(x), operand(kernel));
    let sizes = Sizes::new(&ty, &from, kernel, conv);
    let domain = [&sizes.rows[..], &sizes.columns].concat();
    let buffer = queue.empty(&ty);
    let to = written(&buffer, &ty);
    let s = &to.strides;
    let mut strides: Strides = [&[s[0], sizes.rows[2] as isize * s[1]], &s[1..]].concat().into();
    strides.resize(domain.len(), 0);
    let operands = vec![
        Operand { strides: sizes.x, ..from },
        Operand { strides: sizes.kernel, ..by },
        Operand { strides, ..to },
    ];
    queue.run(Single::Dot(x.dtype(), ty.dtype), &domain, sizes.columns.len(), operands);
    queue.filled(ty, buffer)
}
