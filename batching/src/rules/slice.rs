//! Cutting out and putting together. At places that differ between lanes, a dynamic slice is a gather of one window a
//! lane, a dynamic update a scatter of one.

use super::{Args, Batch, batched, led};
use plywood_core::op::{Gather, IndexMode, Padding, Scatter, ScatterKind, Slice};
use plywood_core::shape::Axes;
use plywood_core::{DType, Number, Op, Shape, TensorType, Term, Value, Values};
use std::sync::Arc;

pub(super) fn slice(s: &Slice, b: &Batch<'_>, x: Args) -> Args {
    let slice =
        Slice { starts: led(0, &s.starts), limits: led(b.size(), &s.limits), strides: led(1, &s.strides) };
    b.all(&Op::Slice(Arc::new(slice)), x)
}

pub(super) fn dynamic_slice(sizes: &Shape, b: &Batch<'_>, mut x: Args) -> Args {
    let starts: Args = x.drain(1..).collect();
    let operand = x.remove(0);
    if !starts.iter().any(|s| s.batched) {
        let starts: Values = starts.into_iter().map(|s| s.value).collect();
        let zero = first_start(&operand.value, &starts);
        return batched(
            operand.value.dynamic_slice(std::iter::once(zero).chain(starts), sizes.insert(0, b.size())),
        );
    }
    let (rank, lanes) = (operand.rank(), operand.batched);
    let gather = Gather {
        offset_axes: (1..=rank).collect(),
        collapsed_axes: Axes::new(),
        operand_batching_axes: if lanes { led(0, &[]) } else { Axes::new() },
        indices_batching_axes: if lanes { led(0, &[]) } else { Axes::new() },
        start_index_map: if lanes { (1..=rank).collect() } else { (0..rank).collect() },
        sizes: if lanes { led(1, sizes) } else { sizes.iter().copied().collect() },
        mode: IndexMode::Clip,
    };
    let indices = places(starts, b);
    batched(Value::apply2(Op::Gather(Arc::new(gather)), operand.value, indices))
}

pub(super) fn dynamic_update(b: &Batch<'_>, mut x: Args) -> Args {
    let starts: Args = x.drain(2..).collect();
    let update = x.remove(1);
    let operand = x.remove(0).lanes(b.size());
    let update = update.lanes(b.size());
    if !starts.iter().any(|s| s.batched) {
        let starts: Values = starts.into_iter().map(|s| s.value).collect();
        let zero = first_start(&operand, &starts);
        return batched(operand.dynamic_update(update, std::iter::once(zero).chain(starts)));
    }
    let rank = operand.rank() - 1;
    let scatter = Scatter {
        kind: ScatterKind::Set,
        window_axes: (1..=rank).collect(),
        inserted_axes: Axes::new(),
        operand_batching_axes: led(0, &[]),
        indices_batching_axes: led(0, &[]),
        index_map: (1..=rank).collect(),
        mode: IndexMode::Clip,
    };
    let indices = places(starts, b);
    batched(Value::apply_all(
        Op::Scatter(Arc::new(scatter)),
        [operand, indices, update].into_iter().collect(),
    ))
}

/// Where windows start along the lanes' axis, of the others' dtype.
fn first_start(like: &Value, starts: &[Value]) -> Value {
    let dtype = starts.first().map_or(DType::I32, Value::dtype);
    like.full(Number::Int(0), TensorType::scalar(dtype))
}

/// Scalars that differ between lanes, as index vectors: `[lanes, scalars]`.
fn places(starts: Args, b: &Batch<'_>) -> Value {
    Value::stack(starts.into_iter().map(|s| s.lanes(b.size())).collect(), 1)
}

pub(super) fn pad(padding: &[Padding], b: &Batch<'_>, mut x: Args) -> Args {
    let value = x.pop().expect("two inputs");
    let operand = x.pop().expect("two inputs").lanes(b.size());
    let padding: Vec<Padding> = std::iter::once(Padding::default()).chain(padding.iter().copied()).collect();
    if !value.batched {
        return batched(operand.pad(Term::Value(value.value), &padding));
    }
    // One number for each lane: padded with zeros, which are then replaced.
    let ours = operand.full(Number::Bool(true), operand.ty().with_dtype(DType::Bool));
    let ours = ours.pad(Term::Number(Number::Bool(false)), &padding);
    let padded = operand.pad_zeros(&padding);
    let value = value.value.broadcast_in(padded.shape().clone(), led(0, &[]));
    batched(Value::apply_all(Op::Select, [ours, value, padded].into_iter().collect()))
}

pub(super) fn concatenate(axis: usize, b: &Batch<'_>, x: Args) -> Args {
    b.all(&Op::Concatenate { axis: axis + 1 }, x)
}
