//! The CUDA C++ of every kernel, into a folder, on a machine without a GPU: `sources --out DIR [--sample]`.
//!
//! What is run are the gauntlet's samples (operations over every kind of view, derivatives, lanes, and each of these as one call), and
//! functions as they are jitted: activations, rows, training steps. Nothing is compared, since results are zeros; a panic is a
//! failure. `index.tsv` says of each file its family (the kernel's name and the operation that it was first launched for), the types of
//! its arguments, whether only a call launches it, its units, and what a unit loads and stores, where that is known.
//! With `--sample` one kernel of each family and type is written, and all that only calls launch; fewer samples are run for it.
//! `tools/nvrtc.py` compiles them.

use plywood::prelude::*;
use plywood_backend_cuda::Offline;
use plywood_backend_cuda::offline::{self, Source};
use plywood_core::{Backend, OpKind};
use plywood_gauntlet::properties::{self, Nearness, Part};
use plywood_gauntlet::samples::samples;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Zeros are as near to zeros as they have to be.
const NEAR: Nearness = Nearness { ulps: 0, epsilons: 0.0, flushes: true, finite: true };
/// Samples of an operation with the same types, where not all are run.
const FEW: usize = 2;

/// Whether a panic is caught, and reported at the end.
static CAUGHT: AtomicBool = AtomicBool::new(false);

fn main() {
    let (out, sample) = arguments();
    std::fs::create_dir_all(&out).expect("the folder can be made");
    let mut collected = Collected { sample, ..Collected::default() };
    let says = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !CAUGHT.load(Ordering::Relaxed) {
            says(panic);
        }
    }));
    for &kind in OpKind::ALL {
        operations(&mut collected, kind);
    }
    functions(&mut collected);
    collected.write(&out);
    for failure in &collected.failures {
        eprintln!("failed: {failure}");
    }
    println!(
        "{} distinct kernels, {} written to {}; {} failures",
        collected.kernels,
        collected.kept.len(),
        out.display(),
        collected.failures.len()
    );
    std::process::exit(!collected.failures.is_empty() as i32);
}

fn arguments() -> (PathBuf, bool) {
    let (mut out, mut sample) = (None, false);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--out" => out = arguments.next().map(PathBuf::from),
            "--sample" => sample = true,
            _ => out = None,
        }
    }
    let usage = || {
        eprintln!("usage: sources --out DIR [--sample]");
        std::process::exit(2)
    };
    (out.unwrap_or_else(usage), sample)
}

/// The samples of an operation.
fn operations(collected: &mut Collected, kind: OpKind) {
    let mut ran: HashMap<String, usize> = HashMap::new();
    for sample in samples(kind) {
        if collected.sample {
            let types: Vec<_> = sample.types().iter().map(|ty| ty.dtype).collect();
            let ran = ran.entry(format!("{types:?}")).or_default();
            *ran += 1;
            if *ran > FEW {
                continue;
            }
        }
        for part in Part::ALL {
            // Lanes of what has lanes already: without inputs there is nothing that says whose they are.
            if part == Part::Vmap && kind == OpKind::Collective {
                continue;
            }
            collected.run(
                &format!("{kind:?}"),
                &format!("{part:?} of {}", sample.name),
                part == Part::Fused,
                || {
                    // What differs are zeros from what an operation gives without a kernel.
                    let _ = properties::device(Offline::ENGINE, Offline::ENGINE, &sample, part, NEAR);
                },
            );
        }
    }
}

/// Jits a function of one tensor, and the gradient of the sum of its squares.
macro_rules! jitted {
    ($collected:expr, $shapes:expr; $($f:ident: $formula:expr;)*) => { $({
        fn $f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
            let f: fn(Tensor<B>) -> Tensor<B> = $formula;
            f(x)
        }
        fn squares<B: Backend>(x: Tensor<B>) -> Tensor<B> {
            $f(x).square().sum()
        }
        for shape in $shapes {
            for dtype in [DType::F32, DType::F64, DType::F16, DType::BF16] {
                let (name, what) = (stringify!($f), format!("{} of {dtype} {shape:?}", stringify!($f)));
                let x = || zeros(&shape).cast(dtype);
                // What is launched already one operation at a time is not the call's own.
                $collected.run(name, &what, false, || eval($f(x())));
                $collected.run(name, &what, true, || eval(jit($f)(x())));
                let what = format!("gradient of {what}");
                $collected.run(name, &what, false, || eval(grad(squares)(x())));
                $collected.run(name, &what, true, || eval(jit(grad(squares))(x())));
            }
        }
    })* };
}

/// Functions, jitted.
fn functions(collected: &mut Collected) {
    jitted! { collected, [[1 << 16]];
        selu: |x| 1.05 * x.gt(0.0).select(&x, 1.67 * x.exp() - 1.67);
        gelu: |x| x.gelu();
        chain: |x| ((x.square() + 1.0).sqrt() / (&x + 4.0) - 0.3).maximum(0.0);
    }
    jitted! { collected, [[512, 1024], [512, 1000], [512, 16], [4, 1 << 17]];
        softmax: |x| x.softmax(-1);
        log_softmax: |x| x.log_softmax(-1);
        layer_norm: |x| x.standardize(-1, 1e-5);
    }
    for n in [1000, 1 << 16] {
        collected.run("adam", "Adam", true, || {
            let step = jit(adam);
            let x = || zeros(&[n]);
            step(x(), x(), x(), x()).into_iter().for_each(eval);
        });
    }
    collected.run("mlp", "a step of an MLP", true, || {
        let step = jit(mlp);
        let layers = [[64, 128], [128, 10]].map(|shape| (zeros(&shape), zeros(&shape[1..])));
        let layers = step(layers.to_vec(), zeros(&[32, 64]), zeros(&[32, 10]));
        layers.into_iter().for_each(|(w, b)| [w, b].into_iter().for_each(eval));
    });
}

/// In memory: one number for all would be an argument of kernels.
fn zeros(shape: &[usize]) -> Tensor<Offline> {
    Tensor::from_slice(&vec![0f32; shape.iter().product()], shape)
}

fn eval(x: Tensor<Offline>) {
    x.value().array("sources");
}

/// A step of Adam's: the parameters, the means of the gradient and of its squares.
fn adam<B: Backend>(p: Tensor<B>, m: Tensor<B>, v: Tensor<B>, g: Tensor<B>) -> Vec<Tensor<B>> {
    let (m, v) = (0.9 * m + 0.1 * &g, 0.999 * v + 0.001 * g.square());
    vec![p - 1e-3 * &m / (v.sqrt() + 1e-8), m, v]
}

type Layers<B> = Vec<(Tensor<B>, Tensor<B>)>;

/// A step of gradient descent of a classifier.
fn mlp<B: Backend>(layers: Layers<B>, x: Tensor<B>, y: Tensor<B>) -> Layers<B> {
    fn loss<B: Backend>(layers: Layers<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
        let last = layers.len() - 1;
        let out = layers.into_iter().enumerate().fold(x, |x, (i, (w, b))| {
            let y = x.matmul(&w) + b;
            if i == last { y } else { y.relu() }
        });
        -(y * out.log_softmax(-1)).sum_axes(-1).mean()
    }
    let gradients = grad(loss)(layers.clone(), x, y);
    tree_map([layers, gradients], |[p, g]| p - 0.1 * g)
}

/// What is written.
#[derive(Default)]
struct Collected {
    sample: bool,
    kernels: usize,
    kept: Vec<(String, bool, Source)>,
    /// Families with types, of which there is one.
    known: HashSet<(String, BTreeSet<String>)>,
    codes: HashSet<String>,
    failures: Vec<String>,
}

impl Collected {
    /// Runs something and takes the kernels that are new.
    fn run(&mut self, kind: &str, what: &str, fused: bool, f: impl FnOnce()) {
        CAUGHT.store(true, Ordering::Relaxed);
        let done = catch_unwind(AssertUnwindSafe(f));
        CAUGHT.store(false, Ordering::Relaxed);
        if let Err(panic) = done {
            let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            self.failures.push(format!("{what}: {text}"));
        }
        for source in offline::sources() {
            let code = match &source.code {
                Ok(code) => code.clone(),
                Err(e) => {
                    self.failures.push(format!("{what}: no CUDA C++: {e}"));
                    continue;
                }
            };
            // Kernels may differ in what does not show.
            if !self.codes.insert(code) {
                continue;
            }
            self.kernels += 1;
            let family = format!("{} {kind}", source.name);
            let new = self.known.insert((family.clone(), distinct(&source)));
            if new || fused || !self.sample {
                self.kept.push((family, fused, source));
            }
        }
    }

    fn write(&self, out: &Path) {
        let mut index = "file\tfamily\ttypes\tfused\tunits\tloads\tstores\n".to_string();
        for (n, (family, fused, source)) in self.kept.iter().enumerate() {
            let file = format!("{n:05}.cu");
            std::fs::write(out.join(&file), source.code.as_ref().expect("it was checked"))
                .expect("files can be written");
            let moves = match source.moves {
                Some(moves) => format!("{}\t{}", moves.loads, moves.stores),
                None => "\t".to_string(),
            };
            let (types, units) = (types(source), source.units);
            writeln!(index, "{file}\t{family}\t{types}\t{}\t{units}\t{moves}", *fused as u8)
                .expect("strings grow");
        }
        std::fs::write(out.join("index.tsv"), index).expect("files can be written");
    }
}

/// The types of a kernel's arguments, in any order.
fn distinct(source: &Source) -> BTreeSet<String> {
    source.arguments.iter().map(|a| a.elements.clone()).collect()
}

/// The types of a kernel's arguments, whatever number of elements is moved at a time.
fn types(source: &Source) -> String {
    source.arguments.iter().map(|a| a.elements.clone()).collect::<Vec<_>>().join(",")
}
