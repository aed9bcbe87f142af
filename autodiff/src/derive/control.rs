//! Loops and branches, derived: a scan's derivative is a scan, a branch's a branch.
//!
//! What a backward pass needs of the inside of a step is stacked by step, unless it is the same in all of them: then it is
//! computed once, outside the loop. The cotangents of constants are added up in the state of the backward loop.

use super::{Backward, Joint, Tangent, floats, joint, needs, pushed, symbols, trace, zero};
use crate::engine::{self, Autodiff};
use crate::tape::Tape;
use plywood_core::op::{Binary, Call, Cond, Policy, Rule, Scan, While};
use plywood_core::record::extract;
use plywood_core::{Backend, Graph, Number, Op, TensorType, Term, Trace, Value, Values, Var, Varying};
use std::sync::Arc;

fn call(graph: Graph) -> Op {
    Op::Call(Arc::new(Call { graph: Arc::new(graph), rule: Rule::Through(Policy::Everything) }))
}

fn key(kind: &str, flags: impl IntoIterator<Item = bool>, numbers: &[u64]) -> Vec<u8> {
    let numbers = numbers.iter().flat_map(|n| n.to_le_bytes());
    kind.bytes().chain(flags.into_iter().map(u8::from)).chain(numbers).collect()
}

/// The items whose flag is set.
pub(crate) fn chosen<T: Clone>(all: &[T], flags: &[bool]) -> Vec<T> {
    all.iter().zip(flags).filter(|(_, f)| **f).map(|(x, _)| x.clone()).collect()
}

/// Which outputs of floats depend on the marked inputs.
fn reached(graph: &Graph, marked: &[bool]) -> Vec<bool> {
    let on = <Autodiff<Trace> as Backend>::ENGINE;
    let tape = Arc::new(Tape::new());
    let inputs = symbols(graph.input_types()).into_iter().zip(marked).map(|(x, &marked)| match marked {
        true => engine::tracked(on, x, tape.clone(), tape.variable()),
        false => engine::constant(on, x),
    });
    let outputs = graph.replay(on, inputs.collect());
    outputs.iter().map(|y| engine::slot_on(y, &tape).is_some()).collect()
}

/// The marks of a loop's inputs with those of the state that its own results reach.
pub(crate) fn fixpoint(
    mut marked: Vec<bool>,
    state: std::ops::Range<usize>,
    reached: impl Fn(&[bool]) -> Vec<bool>,
) -> Vec<bool> {
    loop {
        let found = reached(&marked);
        let new: Vec<usize> = state.clone().filter(|&i| found[i - state.start] && !marked[i]).collect();
        if new.is_empty() {
            return marked;
        }
        new.into_iter().for_each(|i| marked[i] = true);
    }
}

/// A scan forward and backward.
pub(crate) fn scan_backward(scan: &Scan, wanted: &[bool]) -> Arc<Backward> {
    let numbers = [scan.constants, scan.carries, scan.length, scan.reverse as usize].map(|n| n as u64);
    scan.body.memo().get(&key("scan", wanted.iter().copied(), &numbers), || {
        let (constants, state) = (scan.constants, scan.constants + scan.carries);
        let marked = fixpoint(wanted.to_vec(), constants..state, |marked| reached(&scan.body, marked));
        let joint = joint(&scan.body, &marked);
        let inputs = marked.len();
        let (x, ct) = joint.graph.inputs().split_at(inputs);
        let (c, k, xs) = (&x[..constants], &x[constants..state], &x[state..]);
        let late = joint.late(ct, &[k, xs].concat());
        let joint = &joint.graph;
        let (y, dx) = joint.outputs().split_at(scan.body.outputs().len());
        let (kept, saved) = needs(joint, x, &late, dx, &Policy::Everything);
        let varying = joint.dependents(&[k, xs].concat());
        let (stepped, hoisted): (Vec<Var>, Vec<Var>) = saved.into_iter().partition(|v| varying[v.0 as usize]);
        let of = |range: std::ops::Range<usize>| -> Vec<Var> {
            kept.iter().filter(|i| range.contains(i)).map(|&i| x[i]).collect()
        };
        let (kept_c, kept_k, kept_x) = (of(0..constants), of(constants..state), of(state..inputs));

        // Forward: the scan gives what varies by step as well, where it does not yet.
        let stacked_already = |v: &Var| y[scan.carries..].iter().position(|y| y == v);
        let more: Vec<Var> =
            stepped.iter().chain(&kept_k).filter(|v| stacked_already(v).is_none()).copied().collect();
        let body = joint.part(x, &[y, &more].concat());
        let hoist = joint.part(c, &hoisted);
        let arguments = scan_symbols(scan);
        let forward = Scan { body: Arc::new(body), ..scan.clone() };
        let mut results =
            Value::apply(&Op::Scan(Arc::new(forward)), arguments.iter().cloned().collect()).into_vec();
        let mut of_more = results.split_off(y.len()).into_iter();
        let stacked = stepped.iter().chain(&kept_k).map(|v| match stacked_already(v) {
            Some(i) => results[scan.carries + i].clone(),
            None => of_more.next().expect("one for each"),
        });
        let stacked: Vec<Value> = stacked.collect();
        let once = hoist.replay(trace(), arguments[..constants].iter().cloned().collect()).into_vec();
        let forward = extract(&arguments, &[results.clone(), once.clone(), stacked.clone()].concat()).0;

        // Backward: one step.
        let outputs: Vec<TensorType> = scan.body.output_types().cloned().collect();
        let float: Vec<bool> = outputs.iter().map(|ty| ty.dtype.is_float()).collect();
        let ct_of = |range: std::ops::Range<usize>, also: &dyn Fn(usize) -> bool| -> Vec<Var> {
            let mut all = ct.iter();
            let mut found = Vec::new();
            for i in (0..outputs.len()).filter(|&i| float[i]) {
                let v = *all.next().expect("one for each output of floats");
                if range.contains(&i) && also(i) {
                    found.push(v);
                }
            }
            found
        };
        let ct_k = ct_of(0..scan.carries, &|i| marked[constants + i]);
        let ct_y = ct_of(scan.carries..outputs.len(), &|_| true);
        let step =
            joint.part(&[&kept_c[..], &hoisted, &ct_k, &kept_x, &stepped, &kept_k, &ct_y].concat(), dx);
        let sums = marked[..constants].iter().filter(|&&m| m).count();
        let front = kept_c.len() + hoisted.len();
        let body = with_sums(&step, front, sums);
        let backward = Scan {
            body: Arc::new(body),
            constants: front,
            carries: sums + ct_k.len(),
            length: scan.length,
            reverse: !scan.reverse,
        };

        // Backward: the whole.
        let all_types: Vec<TensorType> = arguments.iter().map(|a| a.ty().clone()).collect();
        let kept_types: Vec<TensorType> =
            kept.iter().filter(|i| !(constants..state).contains(i)).map(|&i| all_types[i].clone()).collect();
        let kept_inputs = symbols(&kept_types);
        let saved = symbols(once.iter().chain(&stacked).map(Value::ty));
        let cts = symbols(results.iter().map(Value::ty).filter(|ty| ty.dtype.is_float()));
        let (given_c, given_x) = kept_inputs.split_at(kept_c.len());
        let (once, stacked) = saved.split_at(hoisted.len());
        let float_carries = float[..scan.carries].iter().filter(|&&f| f).count();
        let (last, of_ys) = cts.split_at(float_carries);
        let tracked: Vec<bool> =
            (0..scan.carries).filter(|&i| float[i]).map(|i| marked[constants + i]).collect();
        let zeros: Vec<Value> = chosen(&arguments[..constants], &marked[..constants])
            .iter()
            .map(|c| Value::create(trace(), Op::Full { number: Number::Int(0), ty: c.ty().clone() }))
            .collect();
        let inputs: Vec<Value> =
            [given_c, once, &zeros, &chosen(last, &tracked), given_x, stacked, of_ys].concat();
        let results = run(&backward, inputs);
        // What was not asked for was only needed inside the loop.
        let asked = chosen(wanted, &marked);
        let backward = extract(&[kept_inputs, saved, cts].concat(), &chosen(&results, &asked)).0;
        let inputs = kept.into_iter().filter(|i| !(constants..state).contains(i)).collect();
        Backward { forward: call(forward), inputs, backward: call(backward) }
    })
}

fn run(scan: &Scan, inputs: Vec<Value>) -> Vec<Value> {
    // A step that reads nothing, not even a cotangent, gives the same each time.
    if inputs.is_empty() {
        let results = scan.body.replay(trace(), Values::new());
        let stacked = |y: Value| {
            let axes = (1..=y.rank()).collect();
            let shape = y.shape().insert(0, scan.length);
            Value::apply1(Op::Broadcast { shape, axes }, y)
        };
        return results.into_iter().map(stacked).collect();
    }
    Value::apply(&Op::Scan(Arc::new(scan.clone())), inputs.into_iter().collect()).into_vec()
}

/// Symbols of a scan's inputs.
fn scan_symbols(scan: &Scan) -> Vec<Value> {
    let types = scan.body.input_types().enumerate().map(|(i, ty)| match i < scan.constants + scan.carries {
        true => ty.clone(),
        false => ty.with_shape(ty.shape.insert(0, scan.length)),
    });
    symbols(&types.collect::<Vec<_>>())
}

/// A step whose first `sums` outputs are added to as many inputs that come behind the first `front`.
fn with_sums(step: &Graph, front: usize, sums: usize) -> Graph {
    let x = symbols(step.input_types());
    let results = step.replay(trace(), x.iter().cloned().collect());
    let types: Vec<TensorType> = results[..sums].iter().map(|d| d.ty().clone()).collect();
    let totals = symbols(&types);
    let added =
        totals.iter().zip(&results).map(|(t, d)| t.clone().binary(Binary::Add, Term::Value(d.clone())));
    let outputs: Vec<Value> = added.chain(results[sums..].iter().cloned()).collect();
    let (first, rest) = x.split_at(front);
    extract(&[first, &totals, rest].concat(), &outputs).0
}

/// A scan with its tangents.
pub(crate) fn scan_tangent(scan: &Scan, given: &[bool]) -> Arc<Tangent> {
    let numbers = [scan.constants, scan.carries, scan.length, scan.reverse as usize].map(|n| n as u64);
    scan.body.memo().get(&key("scan", given.iter().copied(), &numbers), || {
        let (constants, state) = (scan.constants, scan.constants + scan.carries);
        let marked = fixpoint(given.to_vec(), constants..state, |marked| present(&scan.body, marked));
        let step = Step::new(&scan.body, &marked, constants, scan.carries);
        // Inputs in the order of a scan: each part with its tangents behind it.
        let part = |range: std::ops::Range<usize>, all: &[Value], tangents: &[Value]| -> Vec<Value> {
            let from = marked[..range.start].iter().filter(|&&m| m).count();
            let n = marked[range.clone()].iter().filter(|&&m| m).count();
            [&all[range], &tangents[from..from + n]].concat()
        };
        let inputs = step.x.len();
        let (c, k, xs) = (0..constants, constants..state, state..inputs);
        let order = |all: &[Value], tangents: &[Value]| {
            [c.clone(), k.clone(), xs.clone()].map(|range| part(range, all, tangents))
        };
        let [bc, bk, bx] = order(&step.x, &step.t);
        let (bcs, bks) = (bc.len(), bk.len());
        let body = extract(&[bc, bk, bx].concat(), &step.outputs).0;
        let pushed = Scan {
            body: Arc::new(body),
            constants: bcs,
            carries: bks,
            length: scan.length,
            reverse: scan.reverse,
        };

        let arguments = scan_symbols(scan);
        let t = symbols(chosen(&arguments, given).iter().map(Value::ty));
        let tangents = filled(&arguments, given, &marked, &t);
        let [c, k, xs] = order(&arguments, &tangents);
        let results = run(&pushed, [c, k, xs].concat());
        let (y, dy) = step.sorted(results, scan.carries);
        let graph = extract(&[arguments, t].concat(), &[y, dy].concat()).0;
        Tangent { call: call(graph), present: step.present }
    })
}

/// Which outputs have a tangent if the marked inputs have one.
fn present(graph: &Graph, marked: &[bool]) -> Vec<bool> {
    let x = symbols(graph.input_types());
    let t = symbols(chosen(&x, marked).iter().map(Value::ty));
    pushed(graph, &x, &t, marked).1.iter().map(Option::is_some).collect()
}

/// The tangents of marked inputs: those given, zeros for the others.
fn filled(x: &[Value], given: &[bool], marked: &[bool], t: &[Value]) -> Vec<Value> {
    let mut t = t.iter();
    let mut tangents = Vec::new();
    for ((x, &given), &marked) in x.iter().zip(given).zip(marked) {
        let found = given.then(|| t.next().expect("one for each that is given").clone());
        if marked {
            tangents.push(found.unwrap_or_else(|| zero(x)));
        }
    }
    tangents
}

/// One step of a loop with tangents: its state is the old one, then the tangents of the marked part.
struct Step {
    x: Vec<Value>,
    t: Vec<Value>,
    /// The state, its tangents, the other outputs, their tangents.
    outputs: Vec<Value>,
    /// Which outputs have a tangent.
    present: Vec<bool>,
}

impl Step {
    fn new(body: &Graph, marked: &[bool], constants: usize, carries: usize) -> Step {
        let x = symbols(body.input_types());
        let t = symbols(chosen(&x, marked).iter().map(Value::ty));
        let (y, dy) = pushed(body, &x, &t, marked);
        let present: Vec<bool> = dy
            .iter()
            .enumerate()
            .map(|(i, dy)| if i < carries { marked[constants + i] } else { dy.is_some() })
            .collect();
        let of = |range: std::ops::Range<usize>| -> Vec<Value> {
            let tangents =
                range.clone().filter(|&i| present[i]).map(|i| dy[i].clone().unwrap_or_else(|| zero(&y[i])));
            y[range.clone()].iter().cloned().chain(tangents.collect::<Vec<_>>()).collect()
        };
        let outputs = [of(0..carries), of(carries..y.len())].concat();
        Step { x, t, outputs, present }
    }

    /// Results in the order of `outputs`, apart: values, tangents.
    fn sorted(&self, results: Vec<Value>, carries: usize) -> (Vec<Value>, Vec<Value>) {
        let tangents = self.present[..carries].iter().filter(|&&p| p).count();
        let (state, rest) = results.split_at(carries + tangents);
        let (k, dk) = state.split_at(carries);
        let (y, dy) = rest.split_at(self.present.len() - carries);
        ([k, y].concat(), [dk, dy].concat())
    }
}

/// A loop with its tangents.
pub(crate) fn while_tangent(w: &While, given: &[bool]) -> Arc<Tangent> {
    let numbers = [w.condition_constants as u64, w.body_constants as u64, w.condition.memo().id()];
    w.body.memo().get(&key("while", given.iter().copied(), &numbers), || {
        let (n, m) = (w.condition_constants, w.body_constants);
        let carries = given.len() - n - m;
        let marked = fixpoint(given[n..].to_vec(), m..m + carries, |marked| present(&w.body, marked));
        let step = Step::new(&w.body, &marked, m, carries);
        let (tc, tk) = step.t.split_at(marked[..m].iter().filter(|&&m| m).count());
        let order = [&step.x[..m], tc, &step.x[m..], tk].concat();
        let (constants, count) = (m + tc.len(), tk.len());
        let body = extract(&order, &step.outputs).0;
        // The condition looks at the state alone.
        let x = symbols(w.condition.input_types());
        let unseen = symbols(tk.iter().map(Value::ty));
        let holds = w.condition.replay(trace(), x.iter().cloned().collect());
        let condition = extract(&[x, unseen].concat(), &holds).0;
        let pushed = While {
            condition: Arc::new(condition),
            body: Arc::new(body),
            condition_constants: n,
            body_constants: constants,
        };
        let types: Vec<TensorType> =
            w.condition.input_types().take(n).chain(w.body.input_types()).cloned().collect();
        let arguments = symbols(&types);
        let t = symbols(chosen(&arguments, given).iter().map(Value::ty));
        let marks: Vec<bool> = given[..n].iter().copied().chain(marked.iter().copied()).collect();
        // Tangents of the condition's constants count for nothing.
        let skip = given[..n].iter().filter(|&&g| g).count();
        let tangents = filled(&arguments, given, &marks, &t).split_off(skip);
        let (tc, tk) = tangents.split_at(constants - m);
        let inputs: Values =
            [&arguments[..n + m], tc, &arguments[n + m..], tk].concat().into_iter().collect();
        let results = Value::apply(&Op::While(Arc::new(pushed)), inputs).into_vec();
        debug_assert_eq!(results.len(), carries + count);
        let graph = extract(&[arguments, t].concat(), &results).0;
        Tangent { call: call(graph), present: step.present }
    })
}

fn cond_key(c: &Cond, flags: &[bool]) -> Vec<u8> {
    let ids: Vec<u64> = c.branches.iter().map(|b| b.memo().id()).collect();
    [key("cond", flags.iter().copied(), &ids), format!("{:?}", c.which).into_bytes()].concat()
}

/// A value as one that varies over what another one does.
fn as_varying(x: Value, like: &Value) -> Value {
    x.vary_to(&like.ty().varying)
}

/// Branches with their tangents: an output has one if it has in any.
pub(crate) fn cond_tangent(c: &Cond, given: &[bool]) -> Arc<Tangent> {
    c.branches[0].memo().get(&cond_key(c, given), || {
        let given = &given[1..];
        let of_branch: Vec<Vec<bool>> = c.branches.iter().map(|b| present(b, given)).collect();
        let any: Vec<bool> = (0..of_branch[0].len()).map(|i| of_branch.iter().any(|p| p[i])).collect();
        let branch = |b: &Arc<Graph>| {
            let x = symbols(b.input_types());
            let t = symbols(chosen(&x, given).iter().map(Value::ty));
            let (y, dy) = pushed(b, &x, &t, given);
            let dy: Vec<Value> =
                dy.into_iter().zip(&y).map(|(dy, y)| as_varying(dy.unwrap_or_else(|| zero(y)), y)).collect();
            Arc::new(extract(&[x, t].concat(), &[y, chosen(&dy, &any)].concat()).0)
        };
        let pushed = Cond { branches: c.branches.iter().map(branch).collect(), which: c.which.clone() };
        let which = c.choice();
        let arguments = symbols(std::iter::once(&which).chain(c.branches[0].input_types()));
        let t = symbols(chosen(&arguments[1..], given).iter().map(Value::ty));
        let inputs = [arguments.clone(), t.clone()].concat();
        let results = Value::apply(&Op::Cond(Arc::new(pushed)), inputs.iter().cloned().collect());
        Tangent { call: call(extract(&inputs, &results).0), present: any }
    })
}

/// Branches in two parts, `early` from some operands to `results` results and what the late part takes of the inside, `late`
/// from that and other operands to other results. What any branch leaves, all give; zeros, where it is another's. So it varies
/// over what the choice, `which`, does.
pub(crate) fn merged(branches: &[(&Graph, &Graph)], results: usize, which: &Varying) -> (Cond, Cond) {
    let left: Vec<(usize, TensorType)> = (branches.iter().enumerate())
        .flat_map(|(i, (early, _))| early.output_types().skip(results).map(move |ty| (i, ty)))
        .map(|(i, ty)| (i, ty.with_varying(ty.varying.union(which))))
        .collect();
    let early = branches.iter().enumerate().map(|(i, (early, _))| {
        let x = symbols(early.input_types());
        let found = early.replay(trace(), x.iter().cloned().collect()).into_vec();
        let (y, own) = found.split_at(results);
        let mut own = own.iter();
        let all = left.iter().map(|(j, ty)| match *j == i {
            true => own.next().expect("its own").clone().vary_to(&ty.varying),
            false => Value::create(trace(), Op::Full { number: Number::Int(0), ty: ty.clone() }),
        });
        let outputs: Vec<Value> = y.iter().cloned().chain(all).collect();
        Arc::new(extract(&x, &outputs).0)
    });
    let late = branches.iter().enumerate().map(|(i, (_, late))| {
        let all = symbols(left.iter().map(|(_, ty)| ty));
        let own = left.iter().zip(&all).filter(|((j, _), _)| *j == i).map(|(_, v)| v.clone());
        let mut inputs: Values = own.collect();
        let others = symbols(late.input_types().skip(inputs.len()));
        inputs.extend(others.iter().cloned());
        let outputs = late.replay(trace(), inputs);
        Arc::new(extract(&[all, others].concat(), &outputs).0)
    });
    let cond = |branches| Cond { branches, which: which.clone() };
    (cond(early.collect()), cond(late.collect()))
}

/// Branches forward and backward.
pub(crate) fn cond_backward(c: &Cond, wanted: &[bool]) -> Arc<Backward> {
    c.branches[0].memo().get(&cond_key(c, wanted), || {
        let wanted = &wanted[1..];
        let first = &c.branches[0];
        let (n, m) = (first.inputs().len(), first.outputs().len());
        let joints: Vec<Joint> = c.branches.iter().map(|b| joint(b, wanted)).collect();
        let needed: Vec<(Vec<usize>, Vec<Var>)> = (joints.iter())
            .map(|joint| {
                let (x, ct) = joint.graph.inputs().split_at(n);
                // What depends on no operand need not be kept, and would vary where it is kept.
                let of_operands = joint.graph.dependents(joint.graph.inputs());
                let late = joint.late(ct, x);
                let late: Vec<bool> = late.iter().zip(of_operands).map(|(late, of)| *late || !of).collect();
                needs(&joint.graph, x, &late, &joint.graph.outputs()[m..], &Policy::Everything)
            })
            .collect();
        let mut kept: Vec<usize> = needed.iter().flat_map(|(kept, _)| kept.iter().copied()).collect();
        kept.sort_unstable();
        kept.dedup();
        let parts: Vec<(Graph, Graph)> = (joints.iter().zip(&needed))
            .map(|(Joint { graph: joint, .. }, (_, saved))| {
                let (x, ct) = joint.inputs().split_at(n);
                let (y, dx) = joint.outputs().split_at(m);
                let kept: Vec<Var> = kept.iter().map(|&i| x[i]).collect();
                (joint.part(x, &[y, saved].concat()), joint.part(&[saved, &kept[..], ct].concat(), dx))
            })
            .collect();
        let (forward, backward) = merged(&parts.iter().map(|(f, b)| (f, b)).collect::<Vec<_>>(), m, &c.which);
        let kept_types: Vec<TensorType> = kept.iter().map(|&i| first.ty(first.inputs()[i]).clone()).collect();
        let saved_types: Vec<TensorType> = forward.branches[0].output_types().skip(m).cloned().collect();
        let which = c.choice();
        let forward = {
            let x = symbols(std::iter::once(&which).chain(first.input_types()));
            let results = Value::apply(&Op::Cond(Arc::new(forward)), x.iter().cloned().collect());
            call(extract(&x, &results).0)
        };
        // A backward graph gets the kept inputs, what was saved, the cotangents.
        let (sw, sk, ss, sc) =
            (symbols([&which]), symbols(&kept_types), symbols(&saved_types), symbols(&floats(first)));
        let given = [&sw[..], &ss, &sk, &sc].concat();
        let results = Value::apply(&Op::Cond(Arc::new(backward)), given.into_iter().collect());
        let backward = call(extract(&[sw, sk, ss, sc].concat(), &results).0);
        let inputs = std::iter::once(0).chain(kept.iter().map(|&k| k + 1)).collect();
        Backward { forward, inputs, backward }
    })
}
