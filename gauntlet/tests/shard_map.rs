//! Random programs on random meshes, with tensors cut at random: value and gradient, taken inside and outside, are those of the
//! program on one device; and a result that varies over more than its spec says is refused.
//!
//! `GAUNTLET_PROGRAMS=5000 cargo test -p plywood-gauntlet --test shard_map` takes more of them.

mod sharded;

use plywood_autodiff::grad;
use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, Tensor};
use plywood_gauntlet::properties::message;
use plywood_multi_device::{Lying, Mesh, Names, ShardMap, Specs, spec};
use sharded::steps::{AXES, inputs};
use sharded::{Cuts, Program};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

fn mesh(p: &Program) -> Mesh {
    match p.mesh[..] {
        [n] => Mesh::new([(AXES[0], n)]),
        [n, m] => Mesh::new([(AXES[0], n), (AXES[1], m)]),
        [n, m, k] => Mesh::new([(AXES[0], n), (AXES[1], m), (AXES[2], k)]),
        _ => panic!("meshes have up to three axes"),
    }
}

struct Axes<'a>(&'a [usize]);
impl plywood_multi_device::Cut for Axes<'_> {
    fn cut(self) -> Vec<String> {
        self.0.iter().map(|&axis| AXES[axis].to_string()).collect()
    }
}

fn names(cuts: &Cuts) -> Names {
    match &cuts[..] {
        [] => spec(()),
        [a] => spec((Axes(a),)),
        [a, b] => spec((Axes(a), Axes(b))),
        _ => panic!("tensors have up to two axes"),
    }
}

/// For a function of a vector of tensors: one argument.
fn of_inputs(p: &Program) -> Lying {
    Lying::Parts(vec![like_inputs(p)])
}

fn like_inputs(p: &Program) -> Lying {
    Lying::Parts(p.values[..p.inputs].iter().map(|x| names(&x.cuts).lying()).collect())
}

fn of_outputs(p: &Program) -> Lying {
    Lying::Parts(p.outputs.iter().map(|&i| names(&p.values[i].cuts).lying()).collect())
}

fn near(what: &str, got: &[Tensor<Cpu>], expected: &[Tensor<Cpu>]) -> Result<(), String> {
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        if got.ty() != expected.ty() {
            return Err(format!("{what} {i}: {}, expected {}", got.ty(), expected.ty()));
        }
        let (a, b) = (got.to_vec::<f64>(), expected.to_vec::<f64>());
        let size = b.iter().fold(1.0, |m: f64, x| m.max(x.abs()));
        if let Some(k) = (0..a.len()).find(|&k| (a[k] - b[k]).abs() > 1e-9 * size || a[k].is_nan()) {
            return Err(format!("{what} {i}: element {k} is {}, expected {}", a[k], b[k]));
        }
    }
    Ok(())
}

/// How many programs a test tries; `GAUNTLET_PROGRAMS` is another number.
fn check(programs: u64, property: impl Fn(&Arc<Program>, u64) -> Result<(), String>) {
    let programs = std::env::var("GAUNTLET_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(programs);
    for number in 0..programs {
        let p = Arc::new(Program::random(number));
        let result = catch_unwind(AssertUnwindSafe(|| property(&p, number)));
        let result = result.unwrap_or_else(|panic| Err(format!("panicked: {}", message(&*panic))));
        result.unwrap_or_else(|why| panic!("program {number}: {why}\n{p:#?}"));
    }
}

#[test]
fn values() {
    check(200, |p, number| {
        let x = inputs::<Cpu>(p, number);
        let q = p.clone();
        let f = move |x: Vec<Tensor<_>>| q.settled(x);
        let got = ShardMap::new(&mesh(p)).in_specs(of_inputs(p)).out_specs(of_outputs(p)).of(f)(x.clone());
        near("result", &got, &p.whole(x))
    });
}

fn gradient<B: Backend>(p: &Arc<Program>, x: Vec<Tensor<B>>) -> Vec<Tensor<B>> {
    let q = p.clone();
    grad(move |x: Vec<Tensor<_>>| q.loss_of_blocks(x))(x)
}

#[test]
fn gradients() {
    check(200, |p, number| {
        let x = inputs::<Cpu>(p, number);
        let q = p.clone();
        let expected = grad(move |x: Vec<Tensor<_>>| q.loss(x))(x.clone());
        let q = p.clone();
        let inside = move |x: Vec<Tensor<_>>| gradient(&q, x);
        let inside = ShardMap::new(&mesh(p)).in_specs(of_inputs(p)).out_specs(like_inputs(p)).of(inside);
        near("gradient inside", &inside(x.clone()), &expected)?;
        let q = p.clone();
        let whole = move |x: Vec<Tensor<_>>| {
            let r = q.clone();
            let f = move |x: Vec<Tensor<_>>| r.loss_of_blocks(x);
            ShardMap::new(&mesh(&q)).in_specs(of_inputs(&q)).of(f)(x)
        };
        near("gradient outside", &grad(whole)(x.clone()), &expected)?;
        // Of results that stay cut.
        let q = p.clone();
        let whole = move |x: Vec<Tensor<_>>| {
            let r = q.clone();
            let f = move |x: Vec<Tensor<_>>| r.settled(x);
            let y = ShardMap::new(&mesh(&q)).in_specs(of_inputs(&q)).out_specs(of_outputs(&q)).of(f)(x);
            y.iter().map(|y| (y * y.sin()).sum()).reduce(|a, b| a + b).expect("there is a result")
        };
        near("gradient of what is cut", &grad(whole)(x), &expected)
    });
}

#[test]
fn claims() {
    let refused = std::cell::Cell::new(0);
    check(200, |p, number| {
        let first = &p.values[p.outputs[0]];
        // What it varies over and no spec names: refused, whichever axis it is, and however it came to vary.
        for &axis in &first.varies {
            let cuts: Cuts =
                first.cuts.iter().map(|c| c.iter().copied().filter(|a| *a != axis).collect()).collect();
            let q = p.clone();
            let f = move |x: Vec<Tensor<_>>| q.blocks(x).remove(0);
            let program = ShardMap::new(&mesh(p)).in_specs(of_inputs(p)).out_specs(names(&cuts)).of(f);
            let result = catch_unwind(AssertUnwindSafe(|| program(inputs::<Cpu>(p, number))));
            let said = result.err().map(|panic| message(&*panic)).unwrap_or_default();
            let name = format!("{:?}", AXES[axis]);
            if !said.contains("which differs between devices over") || !said.contains(&name) {
                return Err(format!("without {name} it says {said:?}"));
            }
            refused.set(refused.get() + 1);
        }
        Ok(())
    });
    assert!(refused.get() > 100, "{} claims were refused", refused.get());
}
