//! Programs for many devices: meshes of one, two, three and two by two places; what is cut along some axis or by two axes of
//! the mesh, what is the same for all, scalars, nothing; every collective; loops, branches and functions that speak.
//!
//! A sample is named `pmap/dense f64 ..`: the program's name is what the oracle finds its own program by. Each is there with types that
//! say what varies (`shard_map`) and without (`pmap`).

use super::control::{Branch, S, apply, call_op, cond_op, graph, scan_op, types_of, while_op};
use crate::data::{distinct, ints, small, uniform};
use crate::{Class, Sample};
use plywood_core::op::{Collective, CollectiveKind, Pmap, Policy, Spec};
use plywood_core::{Array, Backend, DType, Op, Shape, TensorType, Trace, Value, Varying};
use std::sync::Arc;

/// The axes of a mesh, and whether types say what varies.
#[derive(Clone, Debug)]
pub struct On {
    /// Names and sizes.
    pub mesh: Arc<[(Arc<str>, usize)]>,
    /// Whether types say what varies.
    pub tracked: bool,
}

impl On {
    /// A mesh of these axes.
    pub fn new(axes: &[(&str, usize)], tracked: bool) -> On {
        On { mesh: axes.iter().map(|&(name, size)| (name.into(), size)).collect(), tracked }
    }

    /// How many places there are.
    pub fn places(&self) -> usize {
        self.mesh.iter().map(|(_, size)| size).product()
    }

    /// A spec as it prints, without parentheses: `i,_`, `_,i+j`, and nothing for what is the same for all.
    pub fn spec(&self, text: &str) -> Spec {
        let axis = |name: &str| {
            let found = self.mesh.iter().position(|(axis, _)| **axis == *name);
            found.unwrap_or_else(|| panic!("{text}: no axis {name}")) as u8
        };
        let dimension = |part: &str| if part == "_" { vec![] } else { part.split('+').map(axis).collect() };
        let parts = text.split(',').filter(|part| !part.is_empty());
        Spec(parts.map(|part| dimension(part).into_iter().collect()).collect())
    }

    /// The collective, as an operation.
    pub fn collective(&self, axis: &str, kind: CollectiveKind) -> Op {
        let size = self.mesh.iter().find(|(name, _)| **name == *axis).expect("an axis of the mesh").1;
        Op::Collective(Arc::new(Collective { axis: axis.into(), size, kind, tracked: self.tracked }))
    }

    fn speak(&self, axis: &str, kind: CollectiveKind, x: &S) -> S {
        S::of(Value::apply1(self.collective(axis, kind), x.value().clone()))
    }

    fn sum(&self, axis: &str, x: &S) -> S {
        self.speak(axis, CollectiveKind::Sum, x)
    }

    fn index(&self, axis: &str) -> S {
        S::of(Value::create(Trace::ENGINE, self.collective(axis, CollectiveKind::Index)))
    }

    /// The type of a block of a tensor that is cut so.
    pub fn block(&self, ty: &TensorType, spec: &Spec) -> TensorType {
        let blocks = |d: usize| spec.axes(d).iter().map(|&a| self.mesh[a as usize].1).product::<usize>();
        let shape: Shape = ty.shape.iter().enumerate().map(|(d, n)| n / blocks(d)).collect();
        let varying = if self.tracked { spec.varying(&self.mesh) } else { Varying::NOTHING };
        ty.with_shape(shape).with_varying(varying)
    }

    /// A program for tensors of these types, cut so, with results that lie so.
    pub fn program(
        &self,
        inputs: &[(TensorType, &str)],
        outputs: &[&str],
        f: impl FnOnce(&[S]) -> Vec<S>,
    ) -> Op {
        let specs =
            |all: &mut dyn Iterator<Item = &&str>| all.map(|text| self.spec(text)).collect::<Vec<_>>();
        let of_inputs = specs(&mut inputs.iter().map(|(_, spec)| spec));
        let of_outputs = specs(&mut outputs.iter());
        let blocks: Vec<TensorType> =
            inputs.iter().zip(&of_inputs).map(|((ty, _), spec)| self.block(ty, spec)).collect();
        let graph = graph(&blocks, |x| {
            let results = f(x).into_iter().zip(&of_outputs);
            results
                .map(|(y, spec)| if self.tracked { vary(&y, &spec.varying(&self.mesh)) } else { y })
                .collect()
        });
        let (mesh, tracked) = (self.mesh.clone(), self.tracked);
        Op::Pmap(Arc::new(Pmap {
            graph,
            mesh,
            devices: None,
            inputs: of_inputs,
            outputs: of_outputs,
            tracked,
        }))
    }

    fn sample(
        &self,
        name: &str,
        inputs: &[(Array, &str)],
        outputs: &[&str],
        f: impl FnOnce(&[S]) -> Vec<S>,
    ) -> Sample {
        let types: Vec<(TensorType, &str)> = inputs.iter().map(|(x, spec)| (x.ty(), *spec)).collect();
        let op = self.program(&types, outputs, f);
        let cut: Vec<String> = inputs.iter().map(|(x, spec)| format!("{}({spec})", x.shape())).collect();
        let axes: Vec<String> = self.mesh.iter().map(|(_, size)| size.to_string()).collect();
        let tracked = if self.tracked { "tracked" } else { "copies" };
        let name =
            format!("pmap/{name} on {} {tracked} {} to {}", axes.join("x"), cut.join(" "), outputs.join(" "));
        Sample::new(name, op, inputs.iter().map(|(x, _)| x.clone()))
    }
}

/// As one that varies over these axes, too.
fn vary(x: &S, varying: &Varying) -> S {
    S::of(x.value().clone().vary_to(varying))
}

/// As one that varies over what another does.
fn vary_like(x: &S, like: &S) -> S {
    vary(x, &like.ty().varying)
}

const SQUARE: &[(&str, usize)] = &[("i", 2), ("j", 2)];
const MESHES: &[&[(&str, usize)]] = &[&[("i", 1)], &[("i", 2)], &[("i", 3)], SQUARE];

pub(super) fn pmap() -> Vec<Sample> {
    let mut samples = Vec::new();
    for on in MESHES.iter().flat_map(|axes| [On::new(axes, false), On::new(axes, true)]) {
        samples.extend(moved(&on));
        samples.extend(spoken(&on));
        for dtype in [DType::F64, DType::F32] {
            let of_dtype = programs(&on, dtype).into_iter();
            samples.extend(of_dtype.map(|s| s.class(Class::Norm(32)).smooth_if(dtype == DType::F64)));
        }
        samples.extend(loops(&on));
    }
    samples
}

/// Every way to be cut; nothing is computed but a transposition.
fn moved(on: &On) -> Vec<Sample> {
    let n = on.places();
    let ways: &[(&str, &str)] = match on.mesh.len() {
        1 => &[("i", "_,i"), ("_,i", "i"), ("", "")],
        _ => &[
            ("i,j", "j,i"),
            ("j,i", "i,j"),
            ("i+j", "_,i+j"),
            ("j+i", "_,j+i"),
            ("_,i", "i"),
            ("j", "_,j"),
            ("", ""),
        ],
    };
    let mut all = Vec::new();
    for dtype in DType::ALL {
        for &(from, to) in ways {
            let x = small(dtype, [2 * n, 3 * n], "x");
            all.push(on.sample(&format!("turned {dtype}"), &[(x, from)], &[to], |x| vec![x[0].t()]));
        }
    }
    for shape in [[0, 6], [6, 0], [0, 0]] {
        let x = small(DType::F32, shape, "x");
        all.push(on.sample("turned f32", &[(x, ways[0].0)], &[ways[0].1], |x| vec![x[0].t()]));
    }
    // As it came, once as a part and once for all; and what nothing reads.
    let (x, w) = (small(DType::I32, [n, 2], "x"), small(DType::F32, [3], "w"));
    let inputs = [(x.clone(), "i"), (w, ""), (x, "")];
    all.push(on.sample("same i32", &inputs, &["i", ""], |x| vec![x[0].clone(), x[1].clone()]));
    // Made from nothing.
    all.push(on.sample("nothing", &[], &["i"], |_| vec![on.index("i").reshape([1])]));
    all
}

/// One collective, over the mesh's first axis, and over its last.
fn spoken(on: &On) -> Vec<Sample> {
    use CollectiveKind::*;
    let mut all = Vec::new();
    let (last, n) = on.mesh.last().map(|(name, n)| (&**name, *n)).expect("a mesh has axes");
    let ring = |pairs: &mut dyn Iterator<Item = (usize, usize)>| Permute { pairs: pairs.collect() };
    // With the shape of a block; the result is cut along the first axis, if it has one.
    let cases: Vec<(&str, CollectiveKind, Vec<usize>)> = vec![
        ("psum", Sum, vec![2, 3]),
        ("psum", Sum, vec![]),
        ("psum", Sum, vec![0]),
        ("pmax", Max, vec![4]),
        ("pmin", Min, vec![4]),
        ("all_gather_0", AllGather { axis: 0 }, vec![2]),
        ("all_gather_0", AllGather { axis: 0 }, vec![]),
        ("all_gather_2", AllGather { axis: 2 }, vec![2, 3]),
        ("psum_scatter_0", SumScatter { axis: 0 }, vec![n, 2]),
        ("psum_scatter_1", SumScatter { axis: 1 }, vec![2, n]),
        ("all_to_all_0_0", AllToAll { split: 0, concat: 0 }, vec![n, 2]),
        ("all_to_all_0_1", AllToAll { split: 0, concat: 1 }, vec![n, 2]),
        ("all_to_all_1_0", AllToAll { split: 1, concat: 0 }, vec![2, n, 3]),
        ("ppermute_ring", ring(&mut (0..n).map(|k| (k, (k + 1) % n))), vec![2]),
        ("ppermute_none", Permute { pairs: vec![] }, vec![2]),
        ("ppermute_line", ring(&mut (1..n).map(|k| (k - 1, k))), vec![2]),
    ];
    for dtype in
        [DType::F64, DType::F32, DType::BF16, DType::F16, DType::I64, DType::I32, DType::U8, DType::Bool]
    {
        for (name, kind, shape) in &cases {
            let adds = matches!(kind, Sum | SumScatter { .. });
            if dtype == DType::Bool && adds {
                continue;
            }
            // A scalar is an element of a row.
            let (scalar, cut) =
                (shape.is_empty(), on.mesh.iter().map(|(name, _)| &**name).collect::<Vec<_>>().join("+"));
            let mut whole = if scalar { vec![1] } else { shape.clone() };
            whole[0] *= on.places();
            let smooth = dtype == DType::F64 && !whole.contains(&0);
            let data =
                if smooth { distinct(dtype, &whole[..], name) } else { small(dtype, &whole[..], name) };
            let f = |x: &[S]| {
                let x = if scalar { x[0].reshape([0isize; 0]) } else { x[0].clone() };
                let y = on.speak(last, kind.clone(), &x);
                vec![if y.rank() == 0 { y.reshape([1]) } else { y }]
            };
            let title = format!("{name} {dtype}");
            all.push(
                on.sample(&title, &[(data.clone(), &cut)], &[&cut], f)
                    .class(Class::Ulps(2))
                    .smooth_if(smooth),
            );
            // What all have alike, as one.
            let alike = matches!(kind, Sum | Max | Min) && on.mesh.len() == 1;
            if alike {
                all.push(
                    on.sample(&title, &[(data, &cut)], &[""], f).class(Class::Ulps(2)).smooth_if(smooth),
                );
            }
        }
    }
    all
}

fn programs(on: &On, dtype: DType) -> Vec<Sample> {
    let n = on.mesh[0].1;
    let data = |shape: &[usize], name: &str| uniform(dtype, shape, name, -1.0, 1.0);
    let i32 = |x: i64| ints(DType::I32, [], &[x]);
    let mut all = Vec::new();
    let title = |name: &str| format!("{name} {dtype}");

    for cut in ["i,_", "_,i", ""] {
        let inputs = [(data(&[n, n], "x"), cut), (data(&[], "w"), "")];
        all.push(on.sample(&title("affine"), &inputs, &[cut], |x| vec![x[0].sin() * &x[1] + &x[1]]));
    }
    // What is contracted is cut: a sum of all is the product.
    let inputs = [(data(&[2, 2 * n], "x"), "_,i"), (data(&[2 * n, 3], "w"), "i")];
    all.push(on.sample(&title("contract"), &inputs, &[""], |x| vec![on.sum("i", &x[0].matmul(&x[1]))]));

    // A layer: examples are cut, weights are the same for all, and so is the loss.
    let inputs = [(data(&[2 * n, 3], "x"), "i"), (data(&[3, 2], "w"), ""), (data(&[2], "b"), "")];
    all.push(on.sample(&title("loss"), &inputs, &["", "i"], |x| {
        let y = (x[0].matmul(&x[1]) + &x[2]).tanh();
        vec![on.sum("i", &(&y * &y).sum()), y]
    }));

    // Several types, and which device it is.
    let inputs = [(data(&[n, 2], "x"), "i"), (i32(3), ""), (small(DType::Bool, [n, 2], "p"), "i")];
    all.push(on.sample(&title("mixed"), &inputs, &["i", "", "i"], |x| {
        let k = on.index("i") + &x[1];
        let y = x[2].select(&(&x[0] * k.cast(dtype)), x[0].zeros_like());
        vec![y, on.sum("i", &k), x[2].logical_not()]
    }));

    // A sum over the devices within a step of a loop.
    let inputs = [(data(&[n], "k"), "i"), (data(&[4, n], "x"), "_,i")];
    all.push(on.sample(&title("scan"), &inputs, &["i", "_,i"], |x| {
        let parts = types_of(x);
        let step = |x: &[S]| {
            let total = on.sum("i", &(&x[0] * &x[1])).sin();
            vec![vary_like(&(&total + &x[1]), &x[0]), vary_like(&total, &x[0])]
        };
        apply(scan_op([&[], &parts[..1], &parts[1..]], 4, false, step), x)
    }));

    // A branch that all devices take.
    for which in [0, 1] {
        let inputs = [(i32(which), ""), (data(&[n, 2], "x"), "i")];
        all.push(on.sample(&format!("{} branch {which}", title("cond")), &inputs, &["i"], |x| {
            let branches: [Branch<'_>; 2] =
                [&|x| vec![vary_like(&(on.sum("i", &x[0].sin()) * &x[0]), &x[0])], &|x| vec![x[0].cos()]];
            apply(cond_op(&types_of(&x[1..]), &branches), x)
        }));
    }

    // A function that is computed again.
    let inputs = [(data(&[n, 2], "x"), "i"), (data(&[2], "w"), "")];
    all.push(on.sample(&title("call"), &inputs, &["i"], |x| {
        let f = |x: &[S]| {
            let y = on.sum("i", &(&x[0] * &x[1]).exp());
            vec![vary_like(&(y.log() * &x[0]), &x[0])]
        };
        apply(call_op(&types_of(x), Policy::Nothing, f), x)
    }));

    if on.mesh.len() == 2 {
        let inputs = [(data(&[2, 3], "x"), "i"), (data(&[3, 4], "w"), "_,j"), (data(&[4], "b"), "j")];
        all.push(on.sample(&title("dense"), &inputs, &["i,j", "", "j"], |x| {
            let y = (x[0].matmul(&x[1]) + &x[2]).tanh();
            let of_i = on.sum("i", &y.sum_axes(0));
            let loss = on.sum("j", &on.sum("i", &(&y * &y).sum()));
            vec![y, loss, of_i]
        }));
        let inputs = [(data(&[4, 2], "x"), "i,j")];
        all.push(on.sample(&title("crossing"), &inputs, &["i,j", "j+i"], |x| {
            let along_j = on.speak("j", CollectiveKind::AllGather { axis: 0 }, &x[0]);
            let along_i = on.sum("i", &(&along_j * &along_j));
            let back = on.speak("j", CollectiveKind::SumScatter { axis: 0 }, &along_i);
            let next = on.speak("i", CollectiveKind::Permute { pairs: vec![(0, 1)] }, &x[0]);
            vec![&back * &x[0], next.sin()]
        }));
    }
    all
}

/// Loops that end when the data say so: together.
fn loops(on: &On) -> Vec<Sample> {
    let n = on.mesh[0].1;
    let x = uniform(DType::F64, [n], "x", 1.0, 2.0);
    let inputs = [(ints(DType::I32, [], &[3]), ""), (x.clone(), "i")];
    let counted = on.sample("while f64", &inputs, &["i"], |x| {
        let state = [x[0].clone(), x[1].clone()];
        let body = |x: &[S]| vec![&x[0] - 1, vary_like(&(on.sum("i", &x[1]) * 0.25 + &x[1]), &x[1])];
        let op = while_op([&[], &[], &types_of(&state)], |x| x[0].gt(0), body);
        vec![apply(op, &state).remove(1)]
    });
    let inputs = [(x, "i")];
    let until = on.sample("until f64", &inputs, &["i"], |x| {
        let goes_on = |x: &[S]| on.speak("i", CollectiveKind::Max, &x[0]).max().gt(0.5);
        apply(while_op([&[], &[], &types_of(x)], goes_on, |x| vec![&x[0] * 0.5]), x)
    });
    vec![counted.class(Class::Norm(16)), until]
}
