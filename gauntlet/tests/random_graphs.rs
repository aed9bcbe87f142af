//! Random graphs, optimised and fused, give on the CPU what their operations give one at a time: values, gradients, and both
//! for many lanes at once.
//!
//! `GAUNTLET_CASES=5000 cargo test -p plywood-gauntlet --test random_graphs` takes more of them, `GAUNTLET_SEED=1` others.

use plywood_backend_cpu::Cpu;
use plywood_core::op::Binary;
use plywood_core::{Backend, Graph, Op, OpKind, Var};
use plywood_gauntlet::random::{self, check};
use std::collections::BTreeSet;
use std::panic::catch_unwind;

#[test]
fn forward() {
    check(2000, |program| random::forward(Cpu::ENGINE, program));
}

#[test]
fn gradient() {
    check(1500, |program| random::gradient(Cpu::ENGINE, program));
}

#[test]
fn vmap() {
    check(1500, |program| random::vmap(Cpu::ENGINE, program));
}

#[test]
fn vmap_of_gradient() {
    check(1000, |program| random::vmap_of_gradient(Cpu::ENGINE, program));
}

/// A comparison that is too strict for sums in another order would fail here.
#[test]
fn what_is_close_passes() {
    check(700, |program| random::tolerance(Cpu::ENGINE, program));
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

/// A graph with the operands of every subtraction exchanged.
fn turned(graph: &Graph) -> Graph {
    let mut equations = graph.equations().to_vec();
    for e in equations.iter_mut().filter(|e| e.op == Op::Binary(Binary::Sub)) {
        e.inputs.reverse();
    }
    let variables = graph.inputs().len() + equations.iter().map(|e| e.outputs.len()).sum::<usize>();
    let types = (0..variables as u32).map(|i| graph.ty(Var(i)).clone()).collect();
    Graph::new(graph.inputs().to_vec(), 0, equations, graph.outputs().to_vec(), types)
}

#[test]
fn a_wrong_pass_is_found_and_shrinks() {
    let wrong = || check(300, |program| random::improved(Cpu::ENGINE, program, &turned));
    let panic = catch_unwind(wrong).expect_err("the pass is wrong");
    let text = panic.downcast_ref::<String>().expect("a message");
    assert!(text.contains(" sub ") && text.matches("Instruction {").count() <= 5, "{text}");
}
