//! Random numbers from keys: bits equal to the CPU's, whose programs these are. A row is a key, a column a counter.
//!
//! What is drawn by rejection, gamma and Poisson numbers, is the host's: an element is drawn again until it is accepted, and a program
//! of the kernel language has no loop whose end a value decides. A device would wait for the unluckiest element of each cube; and
//! its logarithms, a bit off the CPU's, would now and then accept what the CPU rejects: another number altogether.

use super::{Queue, operand, placed, written};
use crate::data::Storage;
use crate::launch::Operand;
use crate::programs::{DrawKind, Single};
use cubecl::prelude::Runtime;
use plywood_core::op::Random;
use plywood_core::{TensorType, Value, Values};
use plywood_kernel::layout::{Layout, Strides};

/// Inputs: keys; for `FoldIn` the data.
pub fn random<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: &Values, random: &Random) -> Value {
    let (what, each) = match random {
        Random::Bits { shape, dtype } => (Single::Draw(DrawKind::Bits, *dtype), shape.elements()),
        Random::Uniform { shape, dtype } => (Single::Draw(DrawKind::Uniform, *dtype), shape.elements()),
        Random::Normal { shape, dtype } => (Single::Draw(DrawKind::Normal, *dtype), shape.elements()),
        Random::Split { shape } => (Single::Split, shape.elements()),
        Random::FoldIn => (Single::FoldIn, 1),
        Random::Gamma { .. } | Random::Poisson { .. } => unreachable!("{} has no kernel", random.name()),
    };
    let device = queue.client.device;
    assert!(
        u32::try_from(each).is_ok(),
        "{}: {device} counts 2^32 numbers of one key, not {each}",
        random.name()
    );
    let keys = queue.contiguous(x[0].clone());
    let count = keys.ty().elements() / 2;
    let by_key = |x: &Value, first: usize, stride: isize| {
        let from = operand(x);
        Operand { offset: from.offset + first, strides: Strides::from_slice(&[stride, 0]), ..from }
    };
    let buffer = queue.empty(&ty);
    let pairs = |first: usize| {
        placed(&buffer, Layout { strides: Strides::from_slice(&[2 * each as isize, 2]), offset: first })
    };
    let mut operands = vec![by_key(&keys, 0, 2), by_key(&keys, 1, 2)];
    match random {
        Random::Split { .. } => operands.extend([pairs(0), pairs(1)]),
        Random::FoldIn => {
            operands.push(by_key(&queue.contiguous(x[1].clone()), 0, 1));
            operands.extend([pairs(0), pairs(1)]);
        }
        Random::Bits { .. } | Random::Uniform { .. } | Random::Normal { .. } => {
            let high =
                Operand { storage: Storage::Number([0; 8]), offset: 0, strides: Strides::from_elem(0, 2) };
            operands.extend([high, written(&buffer, &ty.with_shape([count, each]))]);
        }
        Random::Gamma { .. } | Random::Poisson { .. } => unreachable!("{} has no kernel", random.name()),
    }
    queue.run(what, &[count, each], 1, operands);
    queue.filled(ty, buffer)
}
