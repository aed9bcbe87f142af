//! `cond` and `switch`: one of several functions, chosen by a value.

use super::{all, engine_of, place, recorded, shown, symbols};
use crate::backend::Step;
use crate::op;
use crate::record::capturing;
use crate::tree::{leaves, rebuild};
use crate::{
    Backend, DType, Graph, Number, Op, Operand, SelfTree, TensorType, Term, Trace, Traced, Value, Values,
    Varying, at,
};
use std::sync::Arc;

/// `yes(args)` where `pred` is true (not zero), else `no(args)`. Only the one that is chosen runs.
///
/// `pred` is a scalar. Both functions take one tree (a tuple, for several), and give the same structure and types; panics
/// where they do not.
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::scalar(4.0);
/// let y = cond(x.gt(0.0), |x: Tensor<_>| x.sqrt(), |x: Tensor<_>| -x, x);
/// assert_eq!(y.item::<f64>(), 2.0);
/// ```
#[track_caller]
pub fn cond<B: Backend, A, Out, Yes, No>(pred: impl Operand<B>, yes: Yes, no: No, args: A) -> Out::On<B>
where
    A: SelfTree<B>,
    Out: SelfTree<Traced<B>>,
    Yes: Fn(A::On<Traced<B>>) -> Out,
    No: Fn(A::On<Traced<B>>) -> Out,
{
    let which = match pred.term() {
        Term::Value(x) => x.truth().cast(DType::I32),
        Term::Number(n) => number::<B>(&all(&args), Number::Int((n.to_f64() != 0.0) as i64)),
    };
    choose::<B, A, Out>("cond", which, &[&no, &yes], args)
}

/// `branches[index](args)`; an index out of range takes the nearest. Only the one that is chosen runs.
///
/// `index` is an integer scalar, `branches` a tuple of functions.
///
/// ```
/// use plywood::prelude::*;
/// let i = Tensor::<Cpu>::scalar(1);
/// let branches = (|x: Tensor<_>| x, |x: Tensor<_>| x * 10.0, |x: Tensor<_>| -x);
/// assert_eq!(switch(i, branches, Tensor::scalar(3.0)).item::<f64>(), 30.0);
/// ```
#[track_caller]
pub fn switch<B: Backend, A, Out, F>(index: impl Operand<B>, branches: F, args: A) -> Out::On<B>
where
    A: SelfTree<B>,
    Out: SelfTree<Traced<B>>,
    F: Branches<A::On<Traced<B>>, Out>,
{
    let which = match index.term() {
        Term::Value(x) => {
            assert!(x.dtype().is_integer(), "switch: an index is an integer, not {}", x.ty());
            x.cast(DType::I32)
        }
        Term::Number(n) => number::<B>(&all(&args), n),
    };
    choose::<B, A, Out>("switch", which, &branches.list(), args)
}

/// A number as an i32 scalar.
fn number<B: Backend>(like: &[Value], number: Number) -> Value {
    let ty = TensorType::scalar(DType::I32);
    match like.first() {
        Some(x) => x.full(number, ty),
        None => Value::create(B::ENGINE, Op::Full { number, ty }),
    }
}

/// A tuple of functions of one argument and one result.
pub trait Branches<A, Out> {
    /// The functions in order.
    fn list(&self) -> Vec<&dyn Fn(A) -> Out>;
}
macro_rules! branches { ($($F:ident $i:tt),*) => {
    impl<A, Out, $($F: Fn(A) -> Out),*> Branches<A, Out> for ($($F,)*) {
        fn list(&self) -> Vec<&dyn Fn(A) -> Out> { vec![$(&self.$i),*] }
    }
} }
branches!(F 0);
branches!(F 0, G 1);
branches!(F 0, G 1, H 2);
branches!(F 0, G 1, H 2, I 3);
branches!(F 0, G 1, H 2, I 3, J 4);
branches!(F 0, G 1, H 2, I 3, J 4, K 5);
branches!(F 0, G 1, H 2, I 3, J 4, K 5, L 6);
branches!(F 0, G 1, H 2, I 3, J 4, K 5, L 6, M 7);
impl<A, Out> Branches<A, Out> for Vec<Box<dyn Fn(A) -> Out + '_>> {
    fn list(&self) -> Vec<&dyn Fn(A) -> Out> {
        self.iter().map(|f| &**f as &dyn Fn(A) -> Out).collect()
    }
}

#[track_caller]
fn choose<B: Backend, A: SelfTree<B>, Out: SelfTree<Traced<B>>>(
    name: &str,
    which: Value,
    branches: &[&dyn Fn(A::On<Traced<B>>) -> Out],
    args: A,
) -> Out::On<B> {
    assert!(which.rank() == 0, "{name}: a branch is chosen by a scalar, not by {}", which.ty());
    assert!(!branches.is_empty(), "{name}: there are no branches");
    let over = which.ty().varying.clone();
    let operands: Vec<Value> = all(&args).into_iter().map(|x| x.vary_to(&over)).collect();
    let args = rebuild::<B, B, A>(&args, operands.iter().cloned());
    let mut outs: Vec<(Vec<Value>, Out)> = Vec::new();
    for branch in branches {
        let mut arguments = Vec::new();
        let symbols = symbols::<B, A>(args.clone(), &mut arguments, |x| x.ty().clone());
        let out = capturing(&over, || branch(symbols));
        outs.push((arguments, out));
    }
    let (arguments, mut outs): (Vec<_>, Vec<Out>) = outs.into_iter().unzip();
    vary_alike::<Traced<B>, Out>(&mut outs, &over);
    let found: Vec<_> =
        arguments.iter().zip(&outs).map(|(arguments, out)| recorded(arguments, &leaves(out))).collect();
    let first = shown::<Traced<B>, Out>(&outs[0]);
    for (i, out) in outs.iter().enumerate().skip(1) {
        let other = shown::<Traced<B>, Out>(out);
        let difference = first.iter().zip(&other).find(|(a, b)| a != b);
        if let Some(((path, a), (_, b))) = difference {
            let path = place(path);
            panic!("{name}: branch 0 gives {a} and branch {i} {b}{path}; all give the same types")
        }
        assert!(
            first.len() == other.len(),
            "{name}: branch 0 gives {} leaves and branch {i} {}",
            first.len(),
            other.len()
        );
    }
    // Every branch takes what any of them captured.
    let captured: Vec<Value> = found.iter().flat_map(|r| r.captured.iter().cloned()).collect();
    let mut start = 0;
    let graphs = found.iter().map(|r| {
        let own = start..start + r.captured.len();
        start = own.end;
        Arc::new(widened(&r.graph, own, &captured))
    });
    let op = Op::Cond(Arc::new(op::Cond { branches: graphs.collect(), which: over }));
    let engine = engine_of::<B>(std::slice::from_ref(&which));
    let inputs: Values = std::iter::once(which).chain(captured.iter().cloned()).chain(operands).collect();
    let outputs = op.infer(&inputs.iter().map(Value::ty).collect::<Vec<_>>());
    let results = engine.execute(Step { op: &op, outputs: &outputs, at: at::caller() }, inputs);
    rebuild::<Traced<B>, B, _>(&outs.swap_remove(0), results)
}

/// On many devices: what varies after one of the branches does so after all, and over what the choice varies.
fn vary_alike<B: Backend, Out: SelfTree<B>>(outs: &mut [Out], which: &Varying) {
    let mut results: Vec<Vec<Value>> = outs.iter().map(leaves::<B, Out>).collect();
    let n = results.iter().map(Vec::len).min().unwrap_or(0);
    let over = |i: usize| results.iter().fold(which.clone(), |all, y| all.union(&y[i].ty().varying));
    let wanted: Vec<Varying> = (0..n).map(over).collect();
    if wanted.iter().all(Varying::is_nothing) {
        return;
    }
    for (out, results) in outs.iter_mut().zip(&mut results) {
        let varied = std::mem::take(results).into_iter().enumerate();
        let varied: Vec<Value> = varied.map(|(i, y)| if i < n { y.vary_to(&wanted[i]) } else { y }).collect();
        *out = rebuild::<B, B, Out>(out, varied);
    }
}

/// A graph that takes all captured values, of which it reads its own.
fn widened(graph: &Graph, own: std::ops::Range<usize>, captured: &[Value]) -> Graph {
    let engine = <Trace as Backend>::ENGINE;
    let symbol = |ty: &TensorType| crate::record::argument(engine, ty.clone(), engine.device(None));
    let given: Vec<Value> = captured.iter().map(|v| symbol(v.ty())).collect();
    let arguments: Vec<Value> = graph.input_types().skip(own.len()).map(symbol).collect();
    let inputs: Values = given[own].iter().chain(&arguments).cloned().collect();
    let outputs = graph.replay(engine, inputs);
    crate::record::extract(&[given, arguments].concat(), &outputs).0
}
