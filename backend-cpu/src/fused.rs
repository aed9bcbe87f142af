//! Recorded functions: a graph's plan, run. A group of element-wise equations is one program of the kernel language, built from
//! the same formulas as the operations alone, so that its results are the same bits.
//!
//! Plans stay with their graphs, and kernels with the process; a second call builds nothing.

use crate::Cpu;
use crate::data::{self, CpuData};
use crate::elementwise::{Bytes, Source, source};
use crate::kernel::cache::compile;
use crate::kernel::ir::Type;
use crate::kernel::launch::{Operand, launch};
use crate::kernel::{Builder, Kernel, Program, V, Width, cast};
use crate::kernels::{binary, compare, select, unary};
use crate::layout::{Layout, Nest, Strides};
use crate::storage::Storage;
use plywood_core::op::Binary;
use plywood_core::{
    Backend, DType, Equation, Graph, Number, Op, Step as Execute, TensorType, Value, Values, Var,
};
use plywood_fusion::plan::{Group, Plan, Step, plan};
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A graph's plan, and the kernels of its groups.
struct Planned {
    plan: Plan,
    /// For each step, by which operands repeat along the columns.
    kernels: Vec<Mutex<SmallVec<[(u32, &'static Kernel); 1]>>>,
}

/// Runs a graph.
pub fn call(graph: &Arc<Graph>, inputs: Values) -> Values {
    let planned = graph.memo().get(b"cpu plan", || {
        let plan = plan(graph, &computes);
        let kernels = plan.steps.iter().map(|_| Mutex::default()).collect();
        Planned { plan, kernels }
    });
    run(graph, &planned, inputs)
}

fn run(graph: &Graph, planned: &Planned, inputs: Values) -> Values {
    let mut env: HashMap<Var, Value> =
        HashMap::with_capacity(graph.inputs().len() + planned.plan.steps.len());
    for (&v, x) in graph.inputs().iter().zip(inputs) {
        env.insert(v, x);
    }
    for ((step, dead), kernels) in planned.plan.steps.iter().zip(&planned.plan.dead).zip(&planned.kernels) {
        let mut read = |vars: &[Var]| -> Values {
            let mut one = |(k, v): (usize, &Var)| match dead.contains(v) && !vars[k + 1..].contains(v) {
                true => env.remove(v),
                false => env.get(v).cloned(),
            };
            vars.iter().enumerate().map(|x| one(x).expect("a step reads what stands before it")).collect()
        };
        match step {
            Step::One(i) => {
                let e = &graph.equations()[*i];
                let inputs = read(&e.inputs);
                let types: SmallVec<[TensorType; 1]> =
                    e.outputs.iter().map(|&v| graph.ty(v).clone()).collect();
                let results = Cpu::ENGINE.execute(Execute { op: &e.op, outputs: &types, at: e.at }, inputs);
                env.extend(e.outputs.iter().copied().zip(results));
            }
            Step::Group(group) => {
                let inputs = read(&group.inputs);
                let results = fused(graph, group, inputs, kernels);
                env.extend(group.outputs.iter().copied().zip(results));
            }
        }
    }
    graph.outputs().iter().map(|v| env[v].clone()).collect()
}

/// One kernel: all outputs of a group.
fn fused(
    graph: &Graph,
    group: &Group,
    mut inputs: Values,
    kernels: &Mutex<SmallVec<[(u32, &'static Kernel); 1]>>,
) -> Vec<Value> {
    let types: Vec<TensorType> = group.outputs.iter().map(|&v| graph.ty(v).clone()).collect();
    let n = group.shape.elements();
    // An input that nobody else holds becomes an output of its dtype.
    let mut taken: SmallVec<[Option<usize>; 12]> = SmallVec::from_elem(None, inputs.len());
    let mut storages: Vec<Storage> = Vec::new();
    for (j, ty) in types.iter().enumerate() {
        let own = (0..inputs.len()).find_map(|i| {
            let fits = taken[i].is_none() && inputs[i].dtype() == ty.dtype;
            Some((i, fits.then(|| data::take(&mut inputs[i])).flatten()?))
        });
        storages.push(match own {
            Some((i, storage)) => {
                taken[i] = Some(j);
                storage
            }
            None => Storage::overwritten(ty.bytes()),
        });
    }
    if n > 0 {
        let outputs: Vec<&mut [u8]> = (storages.iter_mut().zip(&types))
            .map(|(s, ty)| &mut s.as_mut_slice::<u8>().expect("new, or nobody else holds it")[..ty.bytes()])
            .collect();
        fill(graph, group, &inputs, &taken, outputs, kernels);
    }
    let layout = Layout::row_major(&group.shape);
    types.into_iter().zip(storages).map(|(ty, storage)| data::value(ty, layout.clone(), storage)).collect()
}

fn fill(
    graph: &Graph,
    group: &Group,
    inputs: &[Value],
    taken: &[Option<usize>],
    outputs: Vec<&mut [u8]>,
    kernels: &Mutex<SmallVec<[(u32, &'static Kernel); 1]>>,
) {
    let row_major = crate::layout::row_major(&group.shape);
    let sources: Vec<Option<Source<'_>>> = (inputs.iter().zip(taken))
        .map(|(x, taken)| taken.is_none().then(|| operand(x, &row_major)))
        .collect();
    let mut all: SmallVec<[&[isize]; 12]> = sources.iter().flatten().map(|s| &s.strides[..]).collect();
    all.push(&row_major);
    let nest = Nest::new(&group.shape, &all);
    let last = nest.sizes.len() - 1;
    let of_outputs = nest.strides.last().expect("the outputs'");
    let mut strides = nest.strides.iter();
    let inner: Vec<&Strides> = (sources.iter())
        .map(|s| if s.is_some() { strides.next().expect("one for each") } else { of_outputs })
        .collect();
    let splats = (0..inputs.len()).filter(|&i| inner[i][last] == 0).fold(0u32, |all, i| all | 1 << i);
    let kernel = {
        let mut known = kernels.lock().unwrap_or_else(|e| e.into_inner());
        match known.iter().find(|(s, _)| *s == splats) {
            Some(&(_, kernel)) => kernel,
            None => {
                let kernel = compile(&program(graph, group, splats));
                known.push((splats, kernel));
                kernel
            }
        }
    };
    let in_bytes =
        |strides: &[isize], size: usize| strides.iter().map(|s| s * size as isize).collect::<Strides>();
    let outputs: Vec<Operand<'_>> = (outputs.into_iter().zip(&group.outputs))
        .map(|(out, &v)| {
            let size = graph.ty(v).dtype.size();
            Operand::write(out, 0, &nest.sizes, &in_bytes(of_outputs, size), size)
        })
        .collect();
    let mut operands: Vec<Operand<'_>> = (sources.iter().zip(taken).zip(&inner))
        .map(|((source, taken), strides)| match (source, taken) {
            (Some(s), _) => {
                Operand::read(&s.bytes, s.offset * s.size, &nest.sizes, &in_bytes(strides, s.size), s.size)
            }
            (None, taken) => outputs[taken.expect("it is taken")].alias(),
        })
        .collect();
    operands.extend(outputs);
    launch(kernel, &nest.sizes, &operands, 0, 1);
}

/// An operand whose innermost stride is 0 or 1; a single element repeats as it is.
fn operand<'a>(x: &'a Value, row_major: &[isize]) -> Source<'a> {
    let CpuData { layout, storage } = data::data(x);
    if layout.is_constant(x.shape()) {
        let strides = Strides::from_elem(0, x.rank());
        return Source {
            bytes: Bytes::Own(storage.bytes()),
            offset: layout.offset,
            strides,
            size: x.dtype().size(),
        };
    }
    source(x, row_major)
}

/// A group's program: inputs in order, then outputs.
fn program(graph: &Graph, group: &Group, splats: u32) -> Program {
    let equations = || group.equations.iter().map(|&i| &graph.equations()[i]);
    let types = group.inputs.iter().chain(equations().flat_map(|e| e.inputs.iter().chain(&e.outputs)));
    let width = types.map(|&v| Width::of(graph.ty(v).dtype)).fold(Width::W32, Width::max);
    let numbers = numbers(graph);
    let b = Builder::new(width);
    {
        let mut env: HashMap<Var, V<'_>> = HashMap::new();
        for (i, &v) in group.inputs.iter().enumerate() {
            let dtype = graph.ty(v).dtype;
            env.insert(v, if splats >> i & 1 == 1 { b.splat(dtype) } else { b.input(dtype) });
        }
        for e in equations() {
            let x: SmallVec<[V<'_>; 3]> = (e.inputs.iter())
                .map(|v| match env.get(v) {
                    Some(&x) => x,
                    None => number(&b, graph.ty(*v).dtype, numbers[v]),
                })
                .collect();
            env.insert(e.outputs[0], formula(&e.op, &x));
        }
        for v in &group.outputs {
            cast::output(&b, graph.ty(*v).dtype, env[v]);
        }
    }
    b.finish()
}

/// The variables that are one number everywhere.
fn numbers(graph: &Graph) -> HashMap<Var, Number> {
    let full = |e: &Equation| match &e.op {
        Op::Full { number, .. } => Some((e.outputs[0], *number)),
        _ => None,
    };
    graph.equations().iter().filter_map(full).collect()
}

/// A number in lanes, as a tensor of that dtype has it.
fn number<'b>(b: &'b Builder, dtype: DType, number: Number) -> V<'b> {
    let ty = Type::of(dtype, b.width()).expect("the width was chosen for it");
    match (ty, number) {
        (Type::I64, Number::Int(x)) => b.bits(ty, x as u64),
        _ => b.number(ty, number.to_f64()),
    }
}

/// The dtype in which a kernel computes an equation, if one does: there the operation is a formula, and its numbers are
/// exactly the lanes' own.
fn computes(graph: &Graph, e: &Equation) -> Option<DType> {
    let ty = |i: usize| graph.ty(e.inputs[i]).dtype;
    let own =
        |dtype: DType| matches!(dtype, DType::F32 | DType::F64 | DType::I32 | DType::I64).then_some(dtype);
    let float = |dtype: DType| own(dtype).filter(|d| d.is_float());
    match &e.op {
        Op::Unary(_) | Op::IntegerPow { .. } | Op::Clamp | Op::Compare(_) => own(ty(0)),
        Op::Binary(Binary::Add | Binary::Sub | Binary::Mul | Binary::Max | Binary::Min) => own(ty(0)),
        Op::Binary(Binary::Div | Binary::Pow | Binary::Atan2) => float(ty(0)),
        Op::Binary(Binary::Rem | Binary::NextAfter) => None,
        Op::Select => (ty(0) == DType::Bool).then(|| own(ty(1))).flatten(),
        Op::StopGradient | Op::Name { .. } => own(ty(0)),
        Op::ReducePrecision { .. } | Op::Bits(_) | Op::Cast { .. } | Op::Bitcast { .. } | Op::Special(_) => {
            None
        }
        Op::Reshape { .. } | Op::Transpose { .. } | Op::Broadcast { .. } | Op::Reverse { .. } => None,
        Op::Slice(_) | Op::DynamicSlice { .. } | Op::DynamicUpdate | Op::Pad { .. } => None,
        Op::Concatenate { .. }
        | Op::Gather(_)
        | Op::Scatter(_)
        | Op::Reduce { .. }
        | Op::ArgReduce { .. } => None,
        Op::Sort { .. } | Op::TopK { .. } | Op::Cumulative { .. } | Op::Dot(_) | Op::Conv(_) => None,
        Op::Window { .. } | Op::Fft { .. } | Op::Linalg(_) | Op::Full { .. } | Op::Iota { .. } => None,
        Op::Constant(_) | Op::Random(_) | Op::Call(_) | Op::Scan(_) | Op::While(_) | Op::Cond(_) => None,
        Op::Collective(_) => None,
    }
}

/// The formula of an equation that [`computes`] lets into a kernel.
fn formula<'b>(op: &Op, x: &[V<'b>]) -> V<'b> {
    match op {
        Op::Unary(u) => unary::formula(*u, x[0]),
        Op::IntegerPow { exponent } => unary::power(x[0], *exponent),
        Op::Binary(b) => binary::formula(*b, x[0], x[1]),
        Op::Compare(c) => compare::formula(*c, x[0], x[1]),
        Op::Select => select::choose(x[0], x[1], x[2]),
        Op::Clamp => binary::min(binary::max(x[1], x[0]), x[2]),
        Op::StopGradient | Op::Name { .. } => x[0],
        _ => unreachable!("{op}: no kernel holds it"),
    }
}
