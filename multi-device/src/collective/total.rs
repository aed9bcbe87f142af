//! Sums and extremes of the parts, element by element, as one kernel that reads each part once.
//!
//! Floats of 16 bits are added in 32; otherwise the dtype's own arithmetic, from the first rank to the last.

use plywood_core::at;
use plywood_core::op::{Binary, Call, CollectiveKind, Policy, Rule};
use plywood_core::record::{argument, extract};
use plywood_core::{Backend, DType, Graph, Op, Step, TensorType, Term, Trace, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock};

/// Graphs that are kept; a program has a few.
const GRAPHS: usize = 512;

/// The parts taken together.
pub(super) fn total(kind: &CollectiveKind, parts: &[Value]) -> Value {
    let [first, _, ..] = parts else { return parts[0].clone() };
    let ty = first.ty().clone();
    let binary = match kind {
        CollectiveKind::Sum => Binary::Add,
        CollectiveKind::Max => Binary::Max,
        CollectiveKind::Min => Binary::Min,
        CollectiveKind::AllGather { .. } | CollectiveKind::SumScatter { .. } => unreachable!("{kind:?}"),
        CollectiveKind::AllToAll { .. } | CollectiveKind::Permute { .. } => unreachable!("{kind:?}"),
        CollectiveKind::Index | CollectiveKind::Vary => unreachable!("{kind:?}"),
    };
    let op = graph(binary, &ty, parts.len());
    let step = Step { op: &op, outputs: std::slice::from_ref(&ty), at: at::caller() };
    first.engine().execute(step, parts.iter().cloned().collect()).remove(0)
}

/// The call of the graph that combines so many parts.
fn graph(binary: Binary, ty: &TensorType, n: usize) -> Op {
    type Kept = Mutex<HashMap<(Binary, TensorType, usize), Op>>;
    static KEPT: OnceLock<Kept> = OnceLock::new();
    let mut kept = KEPT.get_or_init(Kept::default).lock().unwrap_or_else(|e| e.into_inner());
    if kept.len() >= GRAPHS {
        kept.clear();
    }
    let make = || {
        let graph: Arc<Graph> = Arc::new(made(binary, ty, n));
        Op::Call(Arc::new(Call { graph, rule: Rule::Through(Policy::Everything) }))
    };
    kept.entry((binary, ty.clone(), n)).or_insert_with(make).clone()
}

fn made(binary: Binary, ty: &TensorType, n: usize) -> Graph {
    let engine = <Trace as Backend>::ENGINE;
    let parts: Vec<Value> = (0..n).map(|_| argument(engine, ty.clone(), engine.device(None))).collect();
    let wide = match (binary, ty.dtype) {
        (Binary::Add, DType::F16 | DType::BF16) => DType::F32,
        (_, dtype) => dtype,
    };
    let sum = parts
        .iter()
        .map(|x| x.clone().cast(wide))
        .reduce(|a, b| a.binary(binary, Term::Value(b)))
        .expect("there are parts");
    extract(&parts, &[sum.cast(ty.dtype)]).0
}
