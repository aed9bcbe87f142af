//! A convolution as a matrix product: of the kernel, and of a matrix of what its places meet, which is written first.
//!
//! What always holds: that matrix has a bounded size; a batch that needs more is taken in parts.

use super::Sizes;
use crate::kernels::{Queue, dot, matmul, operand, shape, slice, written};
use crate::launch::Operand;
use cubecl::prelude::Runtime;
use plywood_core::op::{Conv, Dot, Slice};
use plywood_core::shape::Axes;
use plywood_core::{Shape, TensorType, Value};

/// Bytes of the matrix, at most, of several images.
const MOST: usize = 512 << 20;
/// Products and sums of a convolution, at least: below, writing the matrix takes as long as all of it.
const LEAST: usize = 1 << 20;

/// Whether the product is worth its matrix, and there is a kernel for it.
pub fn suits<R: Runtime>(queue: &Queue<'_, R>, ty: &TensorType, kernel: &Value, conv: &Conv) -> bool {
    let [m, k, n] = sides(ty, kernel, conv);
    // A batch in groups is taken whole.
    let together = if conv.batch_groups > 1 { ty.shape[0] } else { 1 };
    let fits = (one(ty, kernel, conv) * together) as u64 <= queue.client.facts.bytes.min(u32::MAX as u64);
    fits && m * k * n >= LEAST && matmul::suits(queue, kernel.dtype(), ty.dtype, [m, k, n])
}

/// Of a group: output features, features at places of the kernel, places of images.
fn sides(ty: &TensorType, kernel: &Value, conv: &Conv) -> [usize; 3] {
    let groups = conv.feature_groups.max(conv.batch_groups);
    let places: usize = ty.shape[2..].iter().product();
    [ty.shape[1] / groups, kernel.shape()[1..].iter().product(), ty.shape[0] * places]
}

/// Bytes of the matrix of one image of every group.
fn one(ty: &TensorType, kernel: &Value, conv: &Conv) -> usize {
    let [_, k, n] = sides(ty, kernel, conv);
    conv.feature_groups.max(conv.batch_groups) * k * (n / ty.shape[0].max(1)) * kernel.dtype().size()
}

/// Of an input without padding; in parts of the batch, where there are no groups of it.
pub fn conv<R: Runtime>(
    queue: &Queue<'_, R>,
    ty: TensorType,
    x: Value,
    kernel: &Value,
    conv: &Conv,
) -> Value {
    let images = ty.shape[0];
    let most = (MOST.min(queue.client.facts.bytes as usize) / one(&ty, kernel, conv).max(1)).max(1);
    if most >= images || conv.batch_groups > 1 {
        return whole(queue, ty, &x, kernel, conv);
    }
    let part = |start: usize| {
        let end = (start + most).min(images);
        let with = |shape: &Shape| {
            shape.iter().enumerate().map(|(d, &n)| if d == 0 { end - start } else { n }).collect::<Shape>()
        };
        let (mut starts, mut limits): (Axes, Axes) =
            (x.shape().iter().map(|_| 0).collect(), x.shape().iter().copied().collect());
        (starts[0], limits[0]) = (start, end);
        let strides = x.shape().iter().map(|_| 1).collect();
        let x_ty = x.ty().with_shape(with(x.shape()));
        let x = shape::slice(queue, x_ty, x.clone(), &Slice { starts, limits, strides });
        whole(queue, ty.with_shape(with(&ty.shape)), &x, kernel, conv)
    };
    let parts = (0..images).step_by(most).map(part).collect();
    slice::concatenate(queue, ty, parts, 0)
}

/// All of the batch at once.
fn whole<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: &Value, kernel: &Value, conv: &Conv) -> Value {
    let from = operand(x);
    let sizes = Sizes::new(&ty, &from, kernel, conv);
    let (images, groups, outs) = (sizes.rows[0], sizes.rows[1], sizes.rows[2]);
    let places = &sizes.rows[3..];
    let (spatial, taps) = (places.len(), sizes.columns.len());
    // Group, image, places, then features and places of the kernel.
    let s = &sizes.x;
    let strides = [&[s[1], s[0]], &s[3..]].concat().into();
    let domain = [&[groups, images], places, &sizes.columns].concat();
    let met = x.ty().with_shape(domain.iter().copied().collect::<Shape>());
    let buffer = queue.empty(&met);
    queue.copy(x.dtype(), &domain, Operand { strides, ..from }, written(&buffer, &met));
    let met = queue.filled(met, buffer);
    // Group, output feature, then as the kernel has them.
    let by = [&[groups, outs], &sizes.columns[..]].concat();
    let kernel =
        shape::reshape(queue, kernel.ty().with_shape(by.iter().copied().collect::<Shape>()), kernel.clone());
    let axes = |range: std::ops::Range<usize>| range.collect::<Axes>();
    let product = Dot {
        lhs_batch: axes(0..1),
        rhs_batch: axes(0..1),
        lhs_contracting: axes(2..2 + taps),
        rhs_contracting: axes(2 + spatial..2 + spatial + taps),
        dtype: ty.dtype,
    };
    let shaped = |sizes: &[usize]| ty.with_shape(sizes.iter().copied().collect::<Shape>());
    let result = shaped(&[&[groups, outs, images], places].concat());
    let y = dot::dot(queue, result, [kernel, met].into_iter().collect(), &product);
    // Images in front, and output features of all groups in one.
    let turned = [&[2, 0, 1][..], &(3..3 + spatial).collect::<Vec<_>>()].concat();
    let y = shape::transpose(queue, shaped(&[&[images, groups, outs], places].concat()), y, &turned);
    shape::reshape(queue, ty, y)
}
