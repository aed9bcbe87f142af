//! Collectives: those of this layer's axis are rearrangements and reductions of the lanes' axis; those of another's are
//! passed on. What comes out the same for all lanes is not repeated.

use super::{Args, Batch, batched, same};
use crate::frame::zeros;
use plywood_core::op::{Binary, Collective, CollectiveKind, Gather, IndexMode, Reduction};
use plywood_core::{Array, DType, Number, Op, TensorType, Term, Value};
use smallvec::smallvec;
use std::sync::Arc;

pub(super) fn collective(c: &Collective, b: &Batch<'_>, mut x: Args) -> Args {
    if b.frame.name().is_none_or(|name| *name != c.axis) {
        return elsewhere(c, b, x);
    }
    let n = b.size();
    if let CollectiveKind::Index = c.kind {
        let ty = TensorType::new([n], DType::I32);
        return batched(Value::create(b.below, Op::Iota { ty, axis: 0 }));
    }
    let x = x.pop().expect("one input");
    let reduced = |kind: Reduction, x: Value| Value::apply1(Op::Reduce { kind, axes: smallvec![0] }, x);
    let times = |x: Value| {
        let number = Number::Int(n as i64);
        x.binary(Binary::Mul, Term::Number(number))
    };
    match &c.kind {
        CollectiveKind::Sum if x.batched => same(reduced(Reduction::Sum, x.value)),
        CollectiveKind::Sum => same(times(x.value)),
        CollectiveKind::Max if x.batched => same(reduced(Reduction::Max, x.value)),
        CollectiveKind::Min if x.batched => same(reduced(Reduction::Min, x.value)),
        CollectiveKind::Max | CollectiveKind::Min => same(x.value),
        CollectiveKind::AllGather { axis } => same(x.lanes(n).move_axis(0, *axis as isize)),
        CollectiveKind::SumScatter { axis } => {
            let sum = if x.batched { reduced(Reduction::Sum, x.value) } else { times(x.value) };
            batched(sum.move_axis(*axis as isize, 0))
        }
        CollectiveKind::AllToAll { split, concat } => {
            // [lanes l, .. k ..] becomes [lanes k, .. l ..].
            let parted = x.lanes(n).move_axis(*split as isize + 1, 0);
            batched(parted.move_axis(1, *concat as isize + 1))
        }
        CollectiveKind::Permute { pairs } => {
            if !x.batched && pairs.len() == n {
                return same(x.value);
            }
            batched(permuted(x.lanes(n), pairs, n))
        }
        CollectiveKind::Index => unreachable!("it returned above"),
        CollectiveKind::Vary => unreachable!("what varies over the lanes of vmap is not tracked in types"),
    }
}

/// Lane `to` is lane `from`, for each pair; others are zero.
fn permuted(x: Value, pairs: &[(usize, usize)], n: usize) -> Value {
    let mut from = vec![n as i32; n];
    for &(source, target) in pairs {
        from[target] = source as i32;
    }
    // A lane of zeros behind the others is what nobody sends.
    let nothing = zeros(Some(&x), x.engine(), x.ty().with_shape(x.shape().without(&[0]).insert(0, 1)));
    let all = match pairs.len() == n {
        true => x,
        false => Value::concatenate([x, nothing].into_iter().collect(), 0),
    };
    let places = Value::create(all.engine(), Op::Constant(Array::new(from, [n, 1])));
    let rank = all.rank();
    let gather = Gather {
        offset_axes: (1..rank).collect(),
        collapsed_axes: smallvec![0],
        operand_batching_axes: smallvec![],
        indices_batching_axes: smallvec![],
        start_index_map: smallvec![0],
        sizes: std::iter::once(1).chain(all.shape()[1..].iter().copied()).collect(),
        mode: IndexMode::PromiseInBounds,
    };
    Value::apply2(Op::Gather(Arc::new(gather)), all, places)
}

/// Another layer's axis: the lanes of this one are one more axis of the values.
fn elsewhere(c: &Collective, b: &Batch<'_>, x: Args) -> Args {
    use CollectiveKind::*;
    let kind = match &c.kind {
        Sum | Max | Min | Vary | Permute { .. } => c.kind.clone(),
        AllGather { axis } => AllGather { axis: axis + 1 },
        SumScatter { axis } => SumScatter { axis: axis + 1 },
        AllToAll { split, concat } => AllToAll { split: split + 1, concat: concat + 1 },
        Index => unreachable!("it has no inputs, and its axis is not this one"),
    };
    b.all(&Op::Collective(Arc::new(c.with(kind))), x)
}
