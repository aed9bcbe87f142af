//! What no kernel of ours does: the operands are read, the CPU computes, and the results are brought back.
//!
//! That waits for the device, and is said once for each operation.

use crate::kernels::Queue;
use cubecl::prelude::Runtime;
use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, Op, Step, Value, Values};
use std::collections::HashSet;
use std::sync::{LazyLock, Mutex};

/// Executes a step on the host.
pub fn execute<R: Runtime>(queue: &Queue<'_, R>, step: Step<'_>, inputs: Values) -> Values {
    static SAID: LazyLock<Mutex<HashSet<&str>>> = LazyLock::new(Default::default);
    if SAID.lock().unwrap_or_else(|e| e.into_inner()).insert(step.op.name()) {
        log::warn!("{} runs on the host: {} has no kernel for it", step.op.name(), queue.client.device);
    }
    let read = |x: &Value| {
        let array = queue.read(x).unwrap_or_else(|e| panic!("{}: {e}, at {}", step.op.name(), step.at));
        Value::create(Cpu::ENGINE, Op::Constant(array))
    };
    let inputs: Values = inputs.iter().map(read).collect();
    let results = Cpu::ENGINE.execute(step, inputs);
    results.iter().map(|y| queue.upload(&y.array(step.op.name()))).collect()
}
