//! A branch for all lanes. Where the choice is the same for all, it is a branch; else each function runs for all lanes, and
//! each lane takes the results of its own.
//!
//! What a function gives for lanes that do not take it is never seen, but its derivative there would be: zero times an
//! infinite slope is NaN. So to derivatives the operands of such lanes are constants. A function of more than element-wise
//! operations runs only if some lane takes it, and for the others on the operands of a lane that does, so that a loop
//! inside ends, and what is computed from operands that all lanes share stays clean.

use super::{flags, refuse_collectives};
use crate::derive::{graph, in_lanes, key, symbols, trace};
use crate::frame::zeros;
use crate::rules::{Arg, Args, Batch, led};
use plywood_core::op::{ArgReduction, Compare, Cond, Gather, IndexMode, Reduction};
use plywood_core::record::extract;
use plywood_core::{DType, Graph, Number, Op, Term, Value, Values};
use smallvec::smallvec;
use std::sync::Arc;

pub(in crate::rules) fn cond(c: &Cond, b: &Batch<'_>, mut x: Args) -> Args {
    let which = x.remove(0);
    if !which.batched {
        return chosen_by_all(c, b, which.value, x);
    }
    let graphs: Vec<&Graph> = c.branches.iter().map(|g| &**g).collect();
    refuse_collectives("cond", "lanes take different branches", &graphs, b.frame);
    let which = which.value;
    let results: Vec<Vec<Value>> = (c.branches.iter().enumerate())
        .map(|(i, branch)| {
            let takes = takes(&which, i, c.branches.len());
            let operands = x.iter().map(|x| Arg { value: x.value.clone(), batched: x.batched }).collect();
            match is_light(branch) {
                true => for_all(branch, b, &takes, operands),
                false => for_some(branch, b, &takes, operands),
            }
        })
        .collect();
    let choice = |j: usize| {
        let cases = results.iter().map(|results| results[j].clone());
        let which = which.clone().broadcast_in(results[0][j].shape().clone(), led(0, &[]));
        let value = Value::apply_all(Op::Select, std::iter::once(which).chain(cases).collect());
        Arg { value, batched: true }
    };
    (0..b.outputs.len()).map(choice).collect()
}

/// The choice is the same for all lanes.
fn chosen_by_all(c: &Cond, b: &Batch<'_>, which: Value, x: Args) -> Args {
    struct Whole {
        cond: Arc<Cond>,
        outputs: Vec<bool>,
    }
    let given = flags(&x);
    let ids: Vec<u64> = c.branches.iter().map(|g| g.memo().id()).collect();
    let key = [key("cond", &[&given], &ids, b.frame), format!("{:?}", c.which).into_bytes()].concat();
    let whole = c.branches[0].memo().get(&key, || {
        let mut outputs = vec![false; b.outputs.len()];
        for branch in &c.branches {
            let found = graph(branch, &given, &[], b.frame);
            outputs.iter_mut().zip(&found.outputs).for_each(|(o, &f)| *o |= f);
        }
        let branches = c.branches.iter().map(|g| graph(g, &given, &outputs, b.frame).graph.clone()).collect();
        Whole { cond: Arc::new(Cond { branches, which: c.which.clone() }), outputs }
    });
    let inputs = std::iter::once(which).chain(x.into_iter().map(|x| x.value)).collect();
    let results = b.run(&Op::Cond(whole.cond.clone()), inputs);
    results.into_iter().zip(&whole.outputs).map(|(value, &batched)| Arg { value, batched }).collect()
}

/// Which lanes take branch `i`: bool `[lanes]`. An index out of range takes the nearest.
fn takes(which: &Value, i: usize, branches: usize) -> Value {
    let number = Term::Number(Number::Int(i as i64));
    let compare = match (i, branches) {
        (_, 1) => return which.full(Number::Bool(true), which.ty().with_dtype(DType::Bool)),
        (0, _) => Compare::Le,
        (i, n) if i + 1 == n => Compare::Ge,
        _ => Compare::Eq,
    };
    which.clone().compare(compare, number)
}

/// A lane's flag for each of its elements.
fn spread(flag: &Value, like: &Value) -> Value {
    flag.clone().broadcast_in(like.shape().clone(), led(0, &[]))
}

/// Where a lane takes the branch `x`, else `other`.
fn either(takes: &Value, x: Value, other: Value) -> Value {
    let takes = spread(takes, &x);
    Value::apply_all(Op::Select, [takes, other, x].into_iter().collect())
}

/// Runs a function for all lanes; derivatives reach the operands only of those that take it.
fn for_all(branch: &Graph, b: &Batch<'_>, takes: &Value, x: Args) -> Vec<Value> {
    let reached: Args = x
        .into_iter()
        .map(|x| match x.value.dtype().is_float() {
            true => {
                let value = x.lanes(b.size());
                let constant = value.clone().stop_gradient();
                Arg { value: either(takes, value, constant), batched: true }
            }
            false => x,
        })
        .collect();
    let derived = graph(branch, &flags(&reached), &vec![true; b.outputs.len()], b.frame);
    derived.graph.replay(b.below, reached.into_iter().map(|x| x.value).collect()).into_vec()
}

/// Runs a function if any lane takes it; lanes that do not have the operands of one that does.
fn for_some(branch: &Arc<Graph>, b: &Batch<'_>, takes: &Value, x: Args) -> Vec<Value> {
    let given = flags(&x);
    let which = &takes.ty().varying;
    let key = [key("if any", &[&given], &[], b.frame), format!("{which:?}").into_bytes()].concat();
    let cond = branch.memo().get(&key, || {
        let all = vec![true; b.outputs.len()];
        let taken = graph(branch, &given, &all, b.frame).graph.clone();
        let types = branch.input_types().zip(&given).map(|(ty, &batched)| in_lanes(ty, batched, b.frame));
        let symbols = symbols(types);
        let nothing: Vec<Value> = taken.output_types().map(|ty| zeros(None, trace(), ty.clone())).collect();
        let nothing = Arc::new(extract(&symbols, &nothing).0);
        Cond { branches: vec![nothing, taken], which: which.clone() }
    });
    let integers = takes.ty().with_dtype(DType::I32);
    let any = Value::apply1(Op::Reduce { kind: Reduction::Or, axes: smallvec![0] }, takes.clone());
    let first = Op::ArgReduce { kind: ArgReduction::Max, axis: 0, dtype: DType::I32 };
    let first = Value::apply1(first, takes.clone().cast(DType::I32));
    let first = first.broadcast_in(integers.shape.clone(), smallvec![]);
    let lane = either(takes, takes.iota(integers, 0), first);
    let operands = x.into_iter().map(|x| match (x.batched, x.value.dtype().is_float()) {
        (false, _) => x.value,
        (true, false) => of_lanes(x.value, &lane),
        (true, true) => {
            let other = of_lanes(x.value.clone(), &lane).stop_gradient();
            either(takes, x.value, other)
        }
    });
    let inputs: Values = std::iter::once(any.cast(DType::I32)).chain(operands).collect();
    b.run(&Op::Cond(cond), inputs).into_vec()
}

/// The elements of chosen lanes.
fn of_lanes(x: Value, lane: &Value) -> Value {
    let gather = Gather {
        offset_axes: (1..x.rank()).collect(),
        collapsed_axes: smallvec![0],
        operand_batching_axes: smallvec![],
        indices_batching_axes: smallvec![],
        start_index_map: smallvec![0],
        sizes: led(1, &x.shape()[1..]),
        mode: IndexMode::PromiseInBounds,
    };
    Value::apply2(Op::Gather(Arc::new(gather)), x, lane.clone().expand_dims(1))
}

/// Whether a function costs no more than it would to look whether any lane takes it, and surely ends.
fn is_light(graph: &Graph) -> bool {
    graph.equations().iter().all(|e| match &e.op {
        Op::Unary(_) | Op::IntegerPow { .. } | Op::ReducePrecision { .. } | Op::Binary(_) | Op::Bits(_) => {
            true
        }
        Op::Compare(_) | Op::Select | Op::Clamp | Op::Cast { .. } | Op::Bitcast { .. } => true,
        Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } | Op::Reverse { .. } => true,
        Op::Slice(_) | Op::Pad { .. } | Op::Concatenate { .. } | Op::Reduce { .. } | Op::ArgReduce { .. } => {
            true
        }
        Op::Full { .. } | Op::Iota { .. } | Op::Constant(_) | Op::StopGradient | Op::Name { .. } => true,
        Op::Call(c) => is_light(&c.graph),
        Op::Cond(c) => c.branches.iter().all(|g| is_light(g)),
        Op::DynamicSlice { .. } | Op::DynamicUpdate | Op::Gather(_) | Op::Scatter(_) => false,
        Op::Sort { .. } | Op::TopK { .. } | Op::Cumulative { .. } | Op::Dot(_) | Op::Conv(_) => false,
        Op::Window { .. } | Op::Fft { .. } | Op::Linalg(_) | Op::Special(_) | Op::Random(_) => false,
        Op::Scan(_) | Op::While(_) | Op::Collective(_) | Op::Pmap(_) => false,
    })
}
