//! Running what is put off: as one call of an optimised graph on the engine below, where its plan stays with the graph.
//!
//! What always holds: an operation is in one run at a time; a run waits for no other, so runs always end; nothing is locked while a
//! graph is optimised or runs, so that threads which need different values run at the same time.

use super::collect::{Found, Run, collect};
use crate::{graphs, numbers, passes};
use plywood_core::at::{self, At};
use plywood_core::op::{Call, Policy, Rule};
use plywood_core::{Engine, Error, Graph, Op, Step, TensorType, Value, Values};
use std::sync::{Arc, Condvar, Mutex};

/// A run that others may wait for.
#[derive(Default)]
pub(super) struct Flight {
    over: Mutex<bool>,
    ended: Condvar,
}

impl Flight {
    pub fn end(&self) {
        *self.over.lock().unwrap_or_else(|e| e.into_inner()) = true;
        self.ended.notify_all();
    }

    fn wait(&self) {
        let over = self.over.lock().unwrap_or_else(|e| e.into_inner());
        drop(self.ended.wait_while(over, |over| !*over).unwrap_or_else(|e| e.into_inner()));
    }
}

/// Computes these values of the lazy engine, all together.
pub(super) fn flush(below: &'static dyn Engine, roots: &[Value]) -> Result<(), Error> {
    loop {
        match collect(roots) {
            Found::Nothing => return Ok(()),
            Found::Busy(flight) => flight.wait(),
            Found::Lost => return Err(lost()),
            // Once it has run, the roots are done; a look shows it.
            Found::Run(run) => execute(below, *run),
        }
    }
}

fn lost() -> Error {
    Error::Unreadable(
        "this value depends on one that is gone: the run that computed with it panicked".to_string(),
    )
}

fn execute(below: &'static dyn Engine, mut run: Run) {
    let at = run.at();
    let recorded = std::mem::replace(&mut run.graph, Graph::new(vec![], 0, vec![], vec![], vec![]));
    let inputs = std::mem::take(&mut run.inputs);
    let engine = inputs.first().map_or(below, Value::engine);
    let (lifted, numbers) = numbers::lifted(&passes::fold(&passes::inline(&recorded)));
    let inputs = numbers.into_iter().map(|number| number.on(engine)).chain(inputs).collect();
    let (graph, _) = graphs::optimized(lifted);
    let results = call(below, &graph, inputs, at);
    run.finish(results);
}

/// Executes a graph as one operation.
fn call(below: &'static dyn Engine, graph: &Arc<Graph>, inputs: Values, at: At) -> Values {
    let engine = inputs.first().map_or(below, Value::engine);
    let outputs: Vec<TensorType> = graph.output_types().cloned().collect();
    let call = Call { graph: graph.clone(), rule: Rule::Through(Policy::Everything) };
    let step = Step { op: &Op::Call(Arc::new(call)), outputs: &outputs, at };
    at::within(at, || engine.execute(step, inputs))
}
