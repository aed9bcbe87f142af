//! What random graphs have found, each as the smallest graph that shows it.

use plywood_autodiff::Differentiate;
use plywood_backend_cpu::Cpu;
use plywood_core::op::{Binary, Call, Policy, Rule, Scan, Unary};
use plywood_core::record::{argument, extract};
use plywood_core::{
    Array, Backend, DType, Equation, Graph, Number, Op, Step, TensorType, Trace, Value, Values, Var, at,
};
use std::sync::Arc;

fn ty(dtype: DType, shape: &[usize]) -> TensorType {
    TensorType::new(shape, dtype)
}

fn symbol(ty: TensorType) -> Value {
    argument(Trace::ENGINE, ty, Trace::ENGINE.device(None))
}

fn one_call(graph: Graph, inputs: &[Array]) -> Values {
    let outputs: Vec<TensorType> = graph.output_types().cloned().collect();
    let call = Call { graph: Arc::new(graph), rule: Rule::Through(Policy::Everything) };
    let inputs = inputs.iter().map(|x| Value::create(Cpu::ENGINE, Op::Constant(x.clone()))).collect();
    Cpu::ENGINE.execute(Step { op: &Op::Call(Arc::new(call)), outputs: &outputs, at: at::caller() }, inputs)
}

/// Numbers outside of an integer type wrap when they fill a tensor alone, and become the nearest in a kernel.
#[test]
fn numbers_out_of_range_wrap_in_kernels() {
    let x = symbol(ty(DType::I32, &[2]));
    let number = x.full(Number::Int(0x9E37_79B9), ty(DType::I32, &[2]));
    let y = Value::apply2(Op::Binary(Binary::Mul), x.clone(), number);
    let y = Value::apply2(Op::Binary(Binary::Add), y.clone(), y);
    let graph = extract(&[x], &[y]).0;
    let input = Array::new(vec![1i32, 3], [2]);
    let alone = graph
        .replay(Cpu::ENGINE, Values::from_iter([Value::create(Cpu::ENGINE, Op::Constant(input.clone()))]));
    assert_eq!(one_call(graph, &[input])[0].array("fused"), alone[0].array("alone"));
}

/// A group of which nothing is read is a kernel without a store.
#[test]
fn groups_that_nobody_reads_do_not_run() {
    let x = symbol(ty(DType::F32, &[2]));
    let y = x.clone().unary(Unary::Sin).unary(Unary::Cos);
    let recorded = extract(&[x], &[y]).0;
    let variables = (0..3).map(|i| recorded.ty(Var(i)).clone()).collect();
    let equations: Vec<Equation> = recorded.equations().to_vec();
    let inputs = recorded.inputs().to_vec();
    let graph = Graph::new(inputs.clone(), 0, equations, inputs, variables);
    let input = Array::new(vec![1f32, 3.0], [2]);
    assert_eq!(one_call(graph, std::slice::from_ref(&input))[0].array("fused"), input);
}

/// Of a scan only what is scanned is differentiated, and the body does not read it: its cotangent is zero.
#[test]
fn a_scan_that_does_not_read_what_is_differentiated() {
    let (state, slice) = (symbol(ty(DType::F32, &[])), symbol(ty(DType::F32, &[])));
    let next = state.clone().unary(Unary::Sin);
    let body = Arc::new(extract(&[state, slice], &[next]).0);
    let scan = Scan { body, constants: 0, carries: 1, length: 5, reverse: false };
    let (state, xs) = (symbol(ty(DType::F32, &[])), symbol(ty(DType::F32, &[5])));
    let fixed = state.clone().stop_gradient();
    let y = Value::apply(&Op::Scan(Arc::new(scan)), Values::from_iter([fixed, xs.clone()])).remove(0);
    assert_eq!(extract(&[state, xs], &[y]).0.vjp().outputs().len(), 3);
}

/// Floats saturate where integers wrap: a cast by way of a float that holds all of them is not the cast itself.
#[test]
fn integers_by_way_of_floats_saturate() {
    let cases = [
        (DType::I32, DType::U32),
        (DType::I8, DType::U64),
        (DType::U32, DType::I32),
        (DType::I32, DType::I64),
    ];
    for (from, to) in cases {
        let x = symbol(ty(from, &[3]));
        let y = x.clone().cast(DType::F64).cast(to);
        let graph = extract(&[x], &[y]).0;
        let input = plywood_gauntlet::data::ints(from, [3], &[-5, 7, 3_000_000_000]);
        let value = || Values::from_iter([Value::create(Cpu::ENGINE, Op::Constant(input.clone()))]);
        let alone = graph.replay(Cpu::ENGINE, value())[0].array("alone");
        let improved =
            plywood_fusion::passes::optimized(&graph).replay(Cpu::ENGINE, value())[0].array("improved");
        assert_eq!(improved, alone, "{from} to {to}");
    }
}
