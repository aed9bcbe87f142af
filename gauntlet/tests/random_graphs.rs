//! Random graphs, optimised and fused, give on the CPU what their operations give one at a time: values, gradients, and both
//! for many lanes at once.
//!
//! `GAUNTLET_CASES=5000 cargo test -p plywood-gauntlet --test random_graphs` takes more of them, `GAUNTLET_SEED=1` others.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, OpKind};
use plywood_gauntlet::random::{self, check};
use std::collections::BTreeSet;

#[test]
fn forward() {
    check(250, |program| random::forward(Cpu::ENGINE, program));
}

#[test]
fn gradient() {
    check(100, |program| random::gradient(Cpu::ENGINE, program));
}

#[test]
fn vmap() {
    check(120, |program| random::vmap(Cpu::ENGINE, program));
}

#[test]
fn vmap_of_gradient() {
    check(60, |program| random::vmap_of_gradient(Cpu::ENGINE, program));
}

/// A comparison that is too strict for sums in another order would fail here.
#[test]
fn what_is_close_passes() {
    check(60, |program| random::tolerance(Cpu::ENGINE, program));
}

#[test]
fn every_operation_occurs() {
    let mut found = BTreeSet::new();
    check(600, |program| {
        found.extend(random::kinds(program));
        Ok(())
    });
    let missing: Vec<&OpKind> = OpKind::ALL.iter().filter(|kind| !found.contains(kind)).collect();
    assert!(missing.is_empty(), "in no graph: {missing:?}");
}
