//! [`Explanation`]: what runs when a graph is called, and what it costs; data, and a table that prints.
//!
//! What always holds: the first line that prints is the number of kernels, or says why there is no plan; what is not known is said
//! to be unknown.

mod flops;
mod print;

pub use flops::Flops;

use crate::at::At;
use crate::{Equation, Shape};

/// What runs when a graph is called. It prints as a table whose first line is the number of kernels: `1 kernel`.
///
/// ```
/// use plywood::prelude::*;
/// let f = Jit::new().of(|x: Tensor<_>| (2.0 * x.sin()).exp());
/// f.call((Tensor::<Cpu>::from([0.5, 1.0]),));
/// let plan = f.explain();
/// assert_eq!(plan.to_string().lines().next(), Some("1 kernel"));
/// assert_eq!((plan.kernels(), plan.steps.len(), plan.peak), (1, 1, 16));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Explanation {
    /// Why there is no plan, if there is none.
    pub unplanned: Option<String>,
    /// What runs, in order.
    pub steps: Vec<ExplainedStep>,
    /// Bytes of results that live at a time, beyond inputs, at most. A kernel that overwrites what it reads last adds nothing, which
    /// this number does not know; nor does it know what a step holds while it runs.
    pub peak: usize,
    /// What else there is to say, a line each: how often a function was recorded, and why.
    pub notes: Vec<String>,
}

/// What kind of step it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum StepKind {
    /// Operations as one kernel.
    Kernel,
    /// A contraction, and what is done with its output while it is warm.
    Contraction,
    /// One operation that computes, by a kernel of its own.
    Operation,
    /// A loop.
    Loop,
    /// A function with a derivative of its own, or one that is computed again for the backward pass.
    Call,
    /// A view of a value, or a number: nothing is computed.
    View,
}

/// An operation of a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExplainedOp {
    /// Its name, as a graph prints it.
    pub name: &'static str,
    /// The user's line.
    pub at: At,
}

/// What runs at a time.
#[derive(Clone, Debug, PartialEq)]
pub struct ExplainedStep {
    /// What it is.
    pub kind: StepKind,
    /// The operations that it holds.
    pub operations: Vec<ExplainedOp>,
    /// The shape that it goes over; of a single operation that of its first output.
    pub shape: Shape,
    /// Bytes that it reads; of a loop, of what goes in.
    pub read: usize,
    /// Bytes that it writes; of a loop, of what comes out.
    pub written: usize,
    /// Arithmetic operations.
    pub flops: Flops,
    /// Seconds, where they were measured: the least of a few runs, of which the first compiles.
    pub seconds: Option<f64>,
    /// How many steps a loop has, where that is known.
    pub length: Option<usize>,
    /// What a loop does in each step, or a call does, where that has a plan.
    pub inside: Option<Box<Explanation>>,
}

impl ExplainedOp {
    /// Of an equation.
    pub fn of(e: &Equation) -> Self {
        ExplainedOp { name: e.op.name(), at: e.at }
    }
}

impl Explanation {
    /// An explanation that says why there is no plan.
    pub fn unplanned(why: impl Into<String>) -> Self {
        Explanation { unplanned: Some(why.into()), ..Self::default() }
    }

    /// How many kernels run: contractions and single operations that compute among them, views and numbers not, and not what
    /// loops run.
    pub fn kernels(&self) -> usize {
        let kernels = |step: &ExplainedStep| match step.kind {
            StepKind::Kernel | StepKind::Contraction | StepKind::Operation => 1,
            StepKind::Call => step.inside.as_ref().map_or(1, |inside| inside.kernels()),
            StepKind::Loop | StepKind::View => 0,
        };
        self.steps.iter().map(kernels).sum()
    }

    /// How many loops run.
    pub fn loops(&self) -> usize {
        let loops = |step: &ExplainedStep| match step.kind {
            StepKind::Loop => 1,
            StepKind::Call => step.inside.as_ref().map_or(0, |inside| inside.loops()),
            StepKind::Kernel | StepKind::Contraction | StepKind::Operation | StepKind::View => 0,
        };
        self.steps.iter().map(loops).sum()
    }

    /// Arithmetic operations of all steps.
    pub fn flops(&self) -> Flops {
        self.steps.iter().fold(Flops::Total(0), |all, step| all.and(step.flops))
    }

    /// Seconds of all steps, where all were measured.
    pub fn seconds(&self) -> Option<f64> {
        self.steps.iter().map(|step| step.seconds).sum()
    }
}
