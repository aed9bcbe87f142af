//! Matrix products by cubek's kernels, which go by tiles and, of 16-bit floats, through the device's tensor cores.
//!
//! What always holds: an f32 is never cut to fewer bits on its way (no TF32), and 16-bit floats are summed as f32. Where no kernel
//! suits, there is no result, and rows of a program are the way. With `PLYWOOD_GPU_MATMUL=naive` the plainest kernel is taken, which a
//! software renderer compiles in no time.

#![allow(unsafe_code)]

use super::Queue;
use crate::data::{Buffer, GpuData, Storage, data};
use crate::emit::memory::{self, Stored};
use cubecl::ir::StorageType;
use cubecl::prelude::{Runtime, TensorBinding};
use cubek_matmul::definition::{MatmulElems, MatmulGlobalElems};
use cubek_matmul::launch::{Strategy, launch_ref};
use cubek_std::InputBinding;
use plywood_core::op::Dot;
use plywood_core::{DType, Shape, TensorType, Value};
use std::sync::LazyLock;

/// Each side of a product, at least.
const LEAST: usize = 32;
/// Bytes that the start of an operand is a multiple of, on every device.
const ALIGNED: usize = 256;

/// Whether a product of so many batches, and of such sides, is taken here.
pub fn suits<R: Runtime>(queue: &Queue<'_, R>, from: DType, to: DType, sides: [usize; 3]) -> bool {
    let has = match from {
        DType::F32 | DType::F16 => true,
        DType::BF16 => queue.client.facts.bf16 == Stored::Native,
        DType::F64 | DType::I64 | DType::I32 | DType::I16 | DType::I8 => false,
        DType::U64 | DType::U32 | DType::U16 | DType::U8 | DType::Bool => false,
    };
    has && from == to && sides.iter().all(|&n| n >= LEAST)
}

/// A contraction as a matrix product; `None` where it is none of some size, or no kernel does it.
pub fn dot<R: Runtime>(
    queue: &Queue<'_, R>,
    ty: &TensorType,
    x: &Value,
    y: &Value,
    dot: &Dot,
) -> Option<Value> {
    let (free_x, free_y) = (dot.lhs_free(x.rank()), dot.rhs_free(y.rank()));
    let all = |of: &Value, axes: &[usize]| axes.iter().map(|&d| of.shape()[d]).product::<usize>();
    let batch = all(x, &dot.lhs_batch);
    let [m, k, n] = [all(x, &free_x), all(x, &dot.lhs_contracting), all(y, &free_y)];
    if batch == 0 || !suits(queue, x.dtype(), ty.dtype, [m, k, n]) {
        return None;
    }
    let left =
        Matrices::new(queue, x, [&dot.lhs_batch[..], &free_x, &dot.lhs_contracting].concat(), [batch, m, k]);
    let right =
        Matrices::new(queue, y, [&dot.rhs_batch[..], &dot.rhs_contracting, &free_y].concat(), [batch, k, n]);
    let buffer = queue.empty(ty);
    let result = Matrices { buffer: buffer.clone(), start: 0, strides: [m * n, n, 1], shape: [batch, m, n] };
    let elem = |dtype| StorageType::from(memory::elem(dtype, queue.client.facts.bf16));
    let (from, to) = (elem(x.dtype()), elem(ty.dtype));
    for strategy in strategies(x.dtype()) {
        let mut elems = MatmulElems::from_globals(&MatmulGlobalElems { lhs: from, rhs: from, out: to });
        let (left, right) =
            (InputBinding::new(left.binding(), from), InputBinding::new(right.binding(), from));
        queue.client.launched();
        let launched = queue.client.in_queue(|compute| {
            launch_ref(&strategy, compute, left, right, result.binding(), &mut elems).is_ok()
        });
        if launched {
            return Some(queue.filled(ty.clone(), buffer));
        }
    }
    None
}

/// Which kernels to try, the best first.
fn strategies(dtype: DType) -> Vec<Strategy> {
    static NAIVE: LazyLock<bool> =
        LazyLock::new(|| std::env::var("PLYWOOD_GPU_MATMUL").is_ok_and(|how| how == "naive"));
    let mut all = match *NAIVE {
        true => vec![Strategy::Naive],
        false => vec![Strategy::SimpleUnit(Default::default())],
    };
    // Tensor cores take 16-bit floats as they are.
    if !*NAIVE && dtype.size() == 2 {
        all.insert(0, Strategy::SimpleCyclicCmma(Default::default()));
    }
    all
}

/// Matrices as kernels take them.
struct Matrices {
    buffer: Buffer,
    /// In bytes.
    start: usize,
    strides: [usize; 3],
    shape: [usize; 3],
}

impl Matrices {
    /// A tensor's axes in this order as matrices of this shape: as they lie, if they lie in lines; else a copy.
    fn new<R: Runtime>(queue: &Queue<'_, R>, x: &Value, order: Vec<usize>, shape: [usize; 3]) -> Matrices {
        let sizes: Shape = order.iter().map(|&d| x.shape()[d]).collect();
        let ty = x.ty().with_shape(sizes);
        let turned = queue.view(ty, x, data(x).layout.transposed(&order));
        Matrices::lying(&turned, shape)
            .unwrap_or_else(|| Matrices::lying(&queue.copied(&turned), shape).expect("a copy lies in order"))
    }

    fn lying(x: &Value, shape: [usize; 3]) -> Option<Matrices> {
        let GpuData { layout, storage: Storage::Device(buffer), .. } = data(x) else { return None };
        let layout = layout.reshape(x.shape(), &shape)?;
        let start = layout.offset * x.dtype().size();
        let mut strides = [0; 3];
        for (to, &s) in strides.iter_mut().zip(&layout.strides) {
            *to = usize::try_from(s).ok()?;
        }
        let [batch, rows, columns] = shape;
        let lines = (strides[2] == 1 && strides[1] >= columns) || (strides[1] == 1 && strides[2] >= rows);
        if batch == 1 {
            strides[0] = rows * strides[1].max(columns * strides[2]);
        }
        let apart = strides[0] >= strides[1].max(strides[2]);
        (lines && apart && start.is_multiple_of(ALIGNED)).then(|| Matrices {
            buffer: buffer.clone(),
            start,
            strides,
            shape,
        })
    }

    fn binding<R: Runtime>(&self) -> TensorBinding<R> {
        let handle = match self.start {
            0 => self.buffer.handle.clone(),
            start => self.buffer.handle.clone().offset_start(start as u64),
        };
        // SAFETY: the layout is that of a value in this buffer, whose elements all lie there.
        unsafe { TensorBinding::from_raw_parts(handle, self.strides.into(), self.shape.into()) }
    }
}
