//! The table itself: names are unique, shape rules accept every sample, and the oracle has exactly its keys.

use plywood_core::OpKind;
use plywood_gauntlet::sample::Expect;
use plywood_gauntlet::samples::samples;
use plywood_gauntlet::{Oracle, Sample};
use std::collections::{HashMap, HashSet};

fn all() -> Vec<Sample> {
    OpKind::ALL.iter().flat_map(|&kind| samples(kind)).collect()
}

#[test]
fn names_are_unique_and_shapes_fit() {
    let mut names = HashMap::new();
    for sample in all() {
        let _ = sample.outputs();
        if let Some(other) = names.insert(sample.name.clone(), sample.key()) {
            panic!("two samples are named {} ({other:016x} and {:016x})", sample.name, sample.key());
        }
    }
    assert!(names.len() > 5000, "only {} samples", names.len());
}

#[test]
fn every_kind_of_operation_is_sampled() {
    for &kind in OpKind::ALL {
        let of_kind = samples(kind);
        assert!(!of_kind.is_empty(), "{kind:?}");
        assert!(of_kind.iter().all(|s| s.op.kind() == kind), "{kind:?}: samples of another operation");
    }
}

#[test]
fn smooth_samples_are_small_and_have_something_to_differentiate() {
    for sample in all().into_iter().filter(|s| s.smooth) {
        let elements: usize = sample.inputs.iter().map(|i| i.data.shape().elements()).sum();
        assert!(elements <= 400, "{}: {elements} elements", sample.name);
        let constant = sample.op == plywood_core::Op::StopGradient;
        assert!(constant || !sample.differentiable().is_empty(), "{}", sample.name);
    }
}

#[test]
fn the_oracle_has_exactly_the_table() {
    for &kind in OpKind::ALL {
        let oracle = Oracle::load(kind).unwrap();
        let (mut keys, mut missing) = (HashSet::new(), Vec::new());
        for sample in samples(kind).iter().filter(|s| s.expect == Expect::Oracle) {
            keys.insert(sample.key());
            if let Err(e) = oracle.expected(sample) {
                missing.push(format!("{}: {e}", sample.name));
            }
        }
        assert!(missing.is_empty(), "{kind:?}: {} missing, of which {:?}", missing.len(), missing.first());
        let superfluous = oracle.superfluous(|key| keys.contains(&key));
        let first = superfluous.first();
        assert!(superfluous.is_empty(), "{kind:?}: {} superfluous, of which {first:?}", superfluous.len());
    }
}
