//! Collectives among three lanes, and one: the lanes are the first axis of inputs and outputs.

use super::{FLOATS, INTEGERS};
use crate::data::{cycle, distinct, mixed, small};
use crate::{Class, Sample};
use plywood_core::op::{Collective, CollectiveKind};
use plywood_core::{Array, DType, Op};
use std::sync::Arc;

fn op(size: usize, kind: CollectiveKind) -> Op {
    Op::Collective(Arc::new(Collective { axis: "i".into(), size, kind, tracked: false }))
}

/// Each kind that takes an input of this many lanes, with the shape of a lane's.
fn cases(lanes: usize) -> Vec<(CollectiveKind, Vec<usize>)> {
    use CollectiveKind::*;
    let mut all = vec![
        (Sum, vec![]),
        (Sum, vec![2, 3]),
        (Max, vec![4]),
        (Min, vec![4]),
        (AllGather { axis: 0 }, vec![]),
        (AllGather { axis: 0 }, vec![2]),
        (AllGather { axis: 2 }, vec![2, 4]),
        (SumScatter { axis: 0 }, vec![lanes]),
        (SumScatter { axis: 1 }, vec![2, lanes]),
        (AllToAll { split: 0, concat: 0 }, vec![lanes, 2]),
        (AllToAll { split: 0, concat: 1 }, vec![lanes, 2]),
        (AllToAll { split: 1, concat: 0 }, vec![2, lanes, 4]),
        (AllToAll { split: 0, concat: 0 }, vec![lanes]),
        (Permute { pairs: (0..lanes).map(|i| (i, (i + 1) % lanes)).collect() }, vec![2]),
        (Permute { pairs: vec![] }, vec![2]),
        (Sum, vec![0]),
    ];
    if lanes > 1 {
        all.push((Permute { pairs: vec![(0, 1)] }, vec![2, 3]));
    }
    if lanes > 2 {
        all.push((Permute { pairs: vec![(2, 0), (0, 2)] }, vec![]));
    }
    all
}

pub(super) fn collective() -> Vec<Sample> {
    [1, 3].into_iter().flat_map(among).collect()
}

/// Among so many lanes.
pub fn among(lanes: usize) -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in FLOATS.into_iter().chain(INTEGERS).chain([DType::Bool]) {
        for (kind, shape) in cases(lanes) {
            let adds = matches!(kind, CollectiveKind::Sum | CollectiveKind::SumScatter { .. });
            if dtype == DType::Bool && adds {
                continue;
            }
            let shape: Vec<usize> = std::iter::once(lanes).chain(shape).collect();
            let op = op(lanes, kind.clone());
            let name = format!("collective/{} {dtype} {shape:?} {kind:?}", op.name());
            let x: Array = small(dtype, &shape[..], &name);
            samples.push(Sample::new(&name, op.clone(), [x]).class(Class::Equal));
            let extreme = matches!(kind, CollectiveKind::Max | CollectiveKind::Min);
            if extreme {
                let x = cycle(dtype, &shape[..], &mixed(dtype, "collective"));
                samples.push(Sample::new(format!("{name} special"), op.clone(), [x]).class(Class::Equal));
            }
            let few = lanes != 1 && matches!(dtype, DType::F64 | DType::F32);
            if few && !shape.contains(&0) {
                let x = distinct(dtype, &shape[..], "smooth");
                let sample = Sample::new(format!("{name} smooth"), op, [x]).class(Class::Ulps(2));
                samples.push(sample.smooth());
            }
        }
    }
    let index = Sample::new(format!("collective/axis_index {lanes}"), op(lanes, CollectiveKind::Index), []);
    samples.push(index);
    samples
}
