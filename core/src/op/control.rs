//! Control flow as operations that hold graphs, so that it stays one operation under every transformation.
//!
//! What a body captured is among its inputs: constants, in front of what changes.

use crate::op::Types;
use crate::{DType, Graph, TensorType, Varying};
use std::sync::Arc;

/// Repeats a body over the leading axis of some tensors, with a state.
///
/// Inputs: constants, the first state, tensors `[length, ..]`. The body takes constants, state and a slice of each
/// tensor, and gives the next state and slices. Outputs: the last state, and the slices stacked `[length, ..]`.
#[derive(Clone, Debug)]
pub struct Scan {
    /// One step.
    pub body: Arc<Graph>,
    /// How many of the inputs are constants.
    pub constants: usize,
    /// How many tensors the state has.
    pub carries: usize,
    /// How many steps.
    pub length: usize,
    /// From the last slice to the first.
    pub reverse: bool,
}

/// Repeats a body as long as a condition holds of the state.
///
/// Inputs: constants of the condition, constants of the body, the first state. Outputs: the last state.
#[derive(Clone, Debug)]
pub struct While {
    /// From its constants and the state to a bool scalar.
    pub condition: Arc<Graph>,
    /// From its constants and the state to the next state.
    pub body: Arc<Graph>,
    /// How many constants the condition has.
    pub condition_constants: usize,
    /// How many constants the body has.
    pub body_constants: usize,
}

/// One of several functions of the same operands, chosen by a number.
///
/// Inputs: an i32 scalar (an index out of range takes the nearest branch), the operands. All branches take all operands, and
/// give the same types.
///
/// Where the choice differs along axes of a mesh, every operand and result varies over these. So no branch, which only some
/// devices take, has anything that all of them do together, in its derivatives neither.
#[derive(Clone, Debug)]
pub struct Cond {
    /// The functions.
    pub branches: Vec<Arc<Graph>>,
    /// Over which axes the choice varies.
    pub which: Varying,
}

/// Two loops are the same operation where they hold the same graphs, not equal ones.
impl PartialEq for Scan {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |s: &Scan| (s.constants, s.carries, s.length, s.reverse);
        Arc::ptr_eq(&self.body, &other.body) && numbers(self) == numbers(other)
    }
}
impl PartialEq for While {
    fn eq(&self, other: &Self) -> bool {
        let numbers = |w: &While| (w.condition_constants, w.body_constants);
        Arc::ptr_eq(&self.body, &other.body)
            && Arc::ptr_eq(&self.condition, &other.condition)
            && numbers(self) == numbers(other)
    }
}
impl PartialEq for Cond {
    fn eq(&self, other: &Self) -> bool {
        self.which == other.which
            && self.branches.len() == other.branches.len()
            && self.branches.iter().zip(&other.branches).all(|(a, b)| Arc::ptr_eq(a, b))
    }
}

#[track_caller]
fn check(name: &str, what: &str, found: &[TensorType], wanted: &[TensorType]) {
    assert!(found == wanted, "{name}: {what} {found:?}, not {wanted:?}");
}

fn inputs(graph: &Graph) -> Vec<TensorType> {
    graph.input_types().cloned().collect()
}

fn outputs(graph: &Graph) -> Vec<TensorType> {
    graph.output_types().cloned().collect()
}

impl Scan {
    #[track_caller]
    pub(super) fn infer(&self, x: &[&TensorType]) -> Types {
        let name = "scan";
        let fixed = self.constants + self.carries;
        let slice = |(i, ty): (usize, &&TensorType)| {
            if i < fixed {
                return (*ty).clone();
            }
            let fits = ty.shape.first() == Some(&self.length);
            assert!(fits, "{name}: {ty} is scanned over {} steps along its first axis", self.length);
            ty.with_shape(ty.shape.without(&[0]))
        };
        let given: Vec<TensorType> = x.iter().enumerate().map(slice).collect();
        check(name, "the body is called with", &given, &inputs(&self.body));
        let results = outputs(&self.body);
        let (carry, ys) = results.split_at(self.carries);
        check(name, "the body gives the state", carry, &given[self.constants..fixed]);
        let stacked = ys.iter().map(|ty| ty.with_shape(ty.shape.insert(0, self.length)));
        carry.iter().cloned().chain(stacked).collect()
    }
}

impl While {
    #[track_caller]
    pub(super) fn infer(&self, x: &[&TensorType]) -> Types {
        let name = "while_loop";
        let all: Vec<TensorType> = x.iter().map(|&ty| ty.clone()).collect();
        let (of_condition, rest) = all.split_at(self.condition_constants);
        let (of_body, carry) = rest.split_at(self.body_constants);
        check(
            name,
            "the condition is called with",
            &[of_condition, carry].concat(),
            &inputs(&self.condition),
        );
        check(name, "the body is called with", &[of_body, carry].concat(), &inputs(&self.body));
        let holds: Vec<TensorType> =
            outputs(&self.condition).iter().map(|ty| ty.with_varying(Varying::NOTHING)).collect();
        check(name, "the condition gives", &holds, &[TensorType::scalar(DType::Bool)]);
        check(name, "the body gives the state", &outputs(&self.body), carry);
        carry.iter().cloned().collect()
    }
}

impl Cond {
    /// The type of what chooses.
    pub fn choice(&self) -> TensorType {
        TensorType::scalar(DType::I32).with_varying(self.which.clone())
    }

    #[track_caller]
    pub(super) fn infer(&self, x: &[&TensorType]) -> Types {
        let name = "cond";
        let which = self.choice();
        assert!(*x[0] == which, "{name}: a branch is chosen by {which}, not {}", x[0]);
        assert!(!self.branches.is_empty(), "{name}: there are no branches");
        let operands: Vec<TensorType> = x[1..].iter().map(|&ty| ty.clone()).collect();
        let results = outputs(&self.branches[0]);
        for branch in &self.branches {
            check(name, "a branch is called with", &operands, &inputs(branch));
            check(name, "a branch gives", &outputs(branch), &results);
        }
        results.into_iter().collect()
    }
}
