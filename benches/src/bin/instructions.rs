//! Instructions of the paths whose time is too short and too noisy to be held to: what a call costs besides its arithmetic.
//! `cargo run --release -p plywood-benches --bin instructions -- [--write] [filter]...` (Linux, with valgrind)
//!
//! A path is run by callgrind twice, some hundred calls apart, on one thread; the difference, by call, is its number. One that is 5 % above
//! the committed file's ends the program with an error. `--write` makes the file.

use plywood::prelude::*;
use plywood_benches::baseline::{Baseline, Numbers, losses, path};
use plywood_benches::jitted;
use plywood_benches::machine;
use plywood_benches::measure::{Work, keep};
use std::hint::black_box;
use std::process::{Command, ExitCode};

/// What a path may lose: counts hardly change, but compilers do.
const TOLERANCE: f64 = 0.05;
/// Calls of the shorter run, which is no part of the count, and of what is counted.
const CALLS: [usize; 2] = [20, 200];

/// A hundred operations on a scalar, of which each needs the one before.
fn chain<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    (0..100).fold(x.clone(), |y, _| &y * &x)
}

fn of<T: 'static>(x: Tensor<Cpu>, f: impl Fn(Tensor<Cpu>) -> T + 'static) -> Work {
    keep(move || f(black_box(x.clone())))
}

type Path = (&'static str, fn() -> Work);

fn scalar() -> Tensor<Cpu> {
    Tensor::scalar(0.99f32)
}

fn sixteen() -> Tensor<Cpu> {
    Tensor::full([16], 0.5, DType::F32)
}

/// All paths.
const PATHS: &[Path] = &[
    ("add of scalars", || of(scalar(), |x| &x + &x)),
    ("add of a number", || of(scalar(), |x| x + 1.0)),
    ("add of 16", || of(sixteen(), |x| &x + &x)),
    ("sum of 16", || of(sixteen(), |x| x.sum())),
    ("matmul of 4x4", || of(Tensor::full([4, 4], 0.5, DType::F32), |x| x.matmul(&x))),
    ("chain of 100", || of(scalar(), chain)),
    ("gradient of a chain of 100", || of(scalar(), grad(chain))),
    ("second derivative of a chain of 100", || of(scalar(), grad(grad(chain)))),
    ("tangent of a chain of 100", || of(scalar(), |x| jvp(chain, (x.clone(),), (x,)))),
    ("vmap of a chain of 100", || of(sixteen(), vmap(chain))),
    ("recording of a chain of 100", || of(scalar(), trace(chain))),
    ("jit of x + 1", || of(sixteen(), jit(|x: Tensor<_>| x + 1.0))),
    ("jit of a tiny network's gradient", || {
        let (layers, x, y) = jitted::tiny_arguments();
        let gradient = jit(grad(jitted::tiny));
        keep(move || gradient(layers.clone(), x.clone(), y.clone()))
    }),
    ("a jitted chain of 100, made anew", || of(scalar(), |x| jit(chain)(x))),
];

/// All instructions of so many calls of a path.
fn counted(name: &str, calls: usize) -> Result<f64, String> {
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null", "--smc-check=all"]).arg(this);
    command.args(["run", name, &calls.to_string()]).env("RAYON_NUM_THREADS", "1");
    let output = command.output().map_err(|e| format!("valgrind, of Linux's packages: {e}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok());
    collected.filter(|_| output.status.success()).ok_or_else(|| format!("{name}: {}\n{said}", output.status))
}

fn run(name: &str, calls: usize) {
    let (_, make) = PATHS.iter().find(|path| path.0 == name).expect("there is such a path");
    let mut work = make();
    (0..calls).for_each(|_| work());
}

fn check(write: bool, filters: &[String]) -> Result<bool, String> {
    let wanted = |name: &str| filters.is_empty() || filters.iter().any(|f| name.contains(f.as_str()));
    let mut now = Numbers::new();
    for (name, _) in PATHS.iter().filter(|path| wanted(path.0)) {
        let [few, many] = [counted(name, CALLS[0])?, counted(name, CALLS[0] + CALLS[1])?];
        let each = ((many - few) / CALLS[1] as f64).round();
        println!("{each:>9}  {name}");
        now.insert(name.to_string(), each);
    }
    let path = path("instructions");
    if write {
        let head = vec!["Instructions of a call, by `--bin instructions`".into(), machine::describe()];
        std::fs::write(&path, Baseline { head, numbers: now }.text()).map_err(|e| e.to_string())?;
        return Ok(true);
    }
    let text = std::fs::read_to_string(&path).map_err(|e| format!("{}: {e}", path.display()))?;
    let baseline = Baseline::parse(&text)?.numbers;
    let lost = losses(&baseline, &now, TOLERANCE);
    for loss in &lost {
        println!("lost  {loss}");
    }
    println!("{} of {} paths lost more than {:.0} %", lost.len(), now.len(), 100.0 * TOLERANCE);
    Ok(lost.is_empty())
}

fn main() -> ExitCode {
    let mut args: Vec<String> = std::env::args().skip(1).collect();
    if let [word, name, calls] = &args[..]
        && word == "run"
    {
        run(name, calls.parse().expect("a number of calls"));
        return ExitCode::SUCCESS;
    }
    let before = args.len();
    args.retain(|arg| arg != "--write");
    match check(args.len() < before, &args) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
