//! [`Graph`]: a recorded function, as typed variables and equations in the order of the program.
//!
//! A graph owns no tensors: what a function captured is among its inputs (closure conversion), so that no layer can
//! overlook a value that it tracks. It prints itself like a jaxpr and replays on any engine.

mod memo;
mod part;
mod print;
mod prune;

pub use memo::Memo;

use crate::at::At;
use crate::backend::{Engine, Step, Values};
use crate::{Backend, Op, Tensor, TensorType, Value};
use smallvec::SmallVec;

/// A variable of a graph: defined once, by an input or an equation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Var(pub u32);

impl Var {
    fn index(self) -> usize {
        self.0 as usize
    }
}

/// One operation of a graph.
#[derive(Clone, Debug)]
pub struct Equation {
    /// The operation.
    pub op: Op,
    /// What it takes.
    pub inputs: SmallVec<[Var; 3]>,
    /// What it defines.
    pub outputs: SmallVec<[Var; 1]>,
    /// The user's line.
    pub at: At,
}

/// A recorded function.
#[derive(Clone)]
pub struct Graph {
    inputs: Vec<Var>,
    captured: usize,
    equations: Vec<Equation>,
    outputs: Vec<Var>,
    types: Vec<TensorType>,
    /// For each variable, the last equation that reads it; the number of equations if the graph returns it.
    last_use: Vec<usize>,
    memo: Memo,
}

impl Graph {
    /// A graph of its parts. `types` has the type of each variable; the first `captured` inputs are captured values.
    pub fn new(
        inputs: Vec<Var>,
        captured: usize,
        equations: Vec<Equation>,
        outputs: Vec<Var>,
        types: Vec<TensorType>,
    ) -> Self {
        let mut last_use = vec![0; types.len()];
        for (i, e) in equations.iter().enumerate() {
            e.inputs.iter().for_each(|v| last_use[v.index()] = i);
        }
        outputs.iter().for_each(|v| last_use[v.index()] = equations.len());
        Graph { inputs, captured, equations, outputs, types, last_use, memo: Memo::default() }
    }

    /// The inputs: first the captured values, then the arguments.
    pub fn inputs(&self) -> &[Var] {
        &self.inputs
    }

    /// How many inputs are captured values.
    pub fn captured(&self) -> usize {
        self.captured
    }

    /// The operations, in the order of the program.
    pub fn equations(&self) -> &[Equation] {
        &self.equations
    }

    /// What the function returns.
    pub fn outputs(&self) -> &[Var] {
        &self.outputs
    }

    /// The types of the inputs.
    pub fn input_types(&self) -> impl Iterator<Item = &TensorType> {
        self.inputs.iter().map(|&v| self.ty(v))
    }

    /// The types of the outputs.
    pub fn output_types(&self) -> impl Iterator<Item = &TensorType> {
        self.outputs.iter().map(|&v| self.ty(v))
    }

    /// Whether an operation in it, or in a graph that it holds, speaks over the axis of this name.
    pub fn mentions(&self, axis: &str) -> bool {
        self.equations.iter().any(|e| e.op.mentions(axis))
    }

    /// What was derived from this graph.
    pub fn memo(&self) -> &Memo {
        &self.memo
    }

    /// The types of all variables, by number.
    pub fn types(&self) -> &[TensorType] {
        &self.types
    }

    /// The type of a variable.
    pub fn ty(&self, var: Var) -> &TensorType {
        &self.types[var.index()]
    }

    /// Runs the function on `engine`, of which the inputs are values. A value is dropped after its last use.
    #[track_caller]
    pub fn replay(&self, engine: &'static dyn Engine, inputs: Values) -> Values {
        self.check(&inputs);
        let mut env: Vec<Option<Value>> = vec![None; self.types.len()];
        for (v, x) in self.inputs.iter().zip(inputs) {
            // An input that nothing reads is dropped at once.
            env[v.index()] = Some(x);
        }
        for (i, e) in self.equations.iter().enumerate() {
            let mut values = Values::new();
            for (k, v) in e.inputs.iter().enumerate() {
                let again = e.inputs[k + 1..].contains(v);
                let slot = &mut env[v.index()];
                let value = if self.last_use[v.index()] == i && !again { slot.take() } else { slot.clone() };
                values.push(value.expect("an equation reads what stands before it"));
            }
            let step = |outputs| Step { op: &e.op, outputs, at: e.at };
            let results = match e.outputs[..] {
                [v] => engine.execute(step(std::slice::from_ref(self.ty(v))), values),
                _ => {
                    let types: Vec<TensorType> = e.outputs.iter().map(|&v| self.ty(v).clone()).collect();
                    engine.execute(step(&types), values)
                }
            };
            for (v, y) in e.outputs.iter().zip(results) {
                env[v.index()] = Some(y);
            }
        }
        self.outputs.iter().map(|v| env[v.index()].clone().expect("every output is defined")).collect()
    }

    #[track_caller]
    fn check(&self, inputs: &[Value]) {
        let want = self.inputs.len();
        assert!(inputs.len() == want, "replay: {} inputs for a graph that takes {want}", inputs.len());
        for (i, (v, x)) in self.inputs.iter().zip(inputs).enumerate() {
            assert!(
                x.ty() == self.ty(*v),
                "replay: input {i} is {}, the graph takes {}",
                x.ty(),
                self.ty(*v)
            );
        }
    }

    /// Runs the function on tensors of any backend: captured values first, then arguments.
    #[track_caller]
    pub fn call<B: Backend>(&self, inputs: &[Tensor<B>]) -> Vec<Tensor<B>> {
        let inputs: Values = inputs.iter().map(|t| t.value().clone()).collect();
        let engine = inputs.first().map_or(B::ENGINE, Value::engine);
        self.replay(engine, inputs).into_iter().map(Tensor::of).collect()
    }
}
