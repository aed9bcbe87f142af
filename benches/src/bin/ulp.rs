//! How exact the mathematical functions are in f32, tried over every input there is:
//! `cargo run --release -p plywood-benches --bin ulp -- [function...] [--stride N] [--target avx512|avx2|interpreter] [--time]`
//!
//! Of functions of one operand all 2^32 inputs, or every `--stride`-th; of two, a sample of pairs. What an error of so
//! many ulp is stands in `backend-cpu/tests/ulp/mod.rs`. It fails where one is more than 2, or an odd function is not.
//! `--time` prints instead the nanoseconds that an element takes on one thread, of the usual arguments, 1e6 of f32 in
//! warm memory, beside a loop over the standard library's function.

#[path = "../../../backend-cpu/tests/ulp/mod.rs"]
mod ulp;

use plywood_backend_cpu::kernel::target::Target;
use plywood_benches::machine;
use plywood_benches::measure::{Timing, Work, in_turns, keep};
use plywood_core::DType;
use std::process::ExitCode;
use std::time::Instant;
use ulp::{BINARY, Binary, Function, Ready, UNARY, Unary, Worst, alone};

/// What results may be off, in ulp.
const MOST: f64 = 2.0;
/// What the logarithm of Γ may: for negative numbers the table's |y| + 4 is rounded once more, by half a unit.
const MOST_OF_LGAMMA: f64 = 2.5;
/// How many pairs a function of two operands is tried with, where every float is one of a function of one.
const PAIRS: u64 = 1 << 28;

struct Options {
    functions: Vec<String>,
    stride: u64,
    target: Target,
    time: bool,
}

fn options() -> Result<Options, String> {
    let mut options = Options { functions: Vec::new(), stride: 1, target: Target::current(), time: false };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match word.as_str() {
            "--time" => options.time = true,
            "--stride" => {
                let stride = words.next().and_then(|n| n.parse().ok()).filter(|&n| n > 0);
                options.stride = stride.ok_or("--stride takes a number above 0")?;
            }
            "--target" => {
                let name = words.next().ok_or("--target takes a name")?;
                let found = Target::available().iter().find(|target| target.name() == name);
                options.target = *found.ok_or(format!("this machine has no {name}"))?;
            }
            name if names().any(|known| known == name) => options.functions.push(name.to_string()),
            other => {
                return Err(format!(
                    "{other} is no function; there are {}",
                    Vec::from_iter(names()).join(" ")
                ));
            }
        }
    }
    Ok(options)
}

fn names() -> impl Iterator<Item = &'static str> {
    UNARY.iter().map(|f| f.name).chain(BINARY.iter().map(|f| f.name))
}

fn main() -> ExitCode {
    let options = match options() {
        Ok(options) => options,
        Err(message) => {
            eprintln!("ulp: {message}");
            return ExitCode::from(2);
        }
    };
    println!("{}; {}\n", machine::describe(), options.target);
    let wanted = |name: &str| options.functions.is_empty() || options.functions.iter().any(|f| f == name);
    let unary: Vec<&Unary> = UNARY.iter().filter(|f| wanted(f.name)).collect();
    let binary: Vec<&Binary> = BINARY.iter().filter(|f| wanted(f.name)).collect();
    match options.time {
        true => times(&unary, &binary, options.target),
        false => return sweeps(&unary, &binary, &options),
    }
    ExitCode::SUCCESS
}

/// Prints the table of errors.
fn sweeps(unary: &[&Unary], binary: &[&Binary], options: &Options) -> ExitCode {
    println!(
        "| function | inputs | worst, ulp | at | gives | exact | seconds |\n|---|---|---|---|---|---|---|"
    );
    let mut good = true;
    for function in unary {
        good &= row(function.name, 1, &|| ulp::sweep(function, options.stride, options.target));
    }
    for function in binary {
        good &= row(function.name, 2, &|| ulp::pairs(function, PAIRS / options.stride, options.target));
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// A function's row; whether it is as exact as it must be.
fn row(name: &str, operands: usize, worst: &dyn Fn() -> Worst) -> bool {
    let start = Instant::now();
    let w = worst();
    let (at, seconds) = (&w.input[..operands], start.elapsed().as_secs_f64());
    println!("| {name} | {} | {:.3} | {at:?} | {:e} | {:e} | {seconds:.1} |", w.tried, w.ulp, w.got, w.exact);
    if let Some(x) = w.not_odd {
        println!("{name} is not odd at {x:e}");
    }
    w.ulp <= if name == "lgamma" { MOST_OF_LGAMMA } else { MOST } && w.not_odd.is_none()
}

/// Elements that are timed.
const N: usize = 1_000_000;

/// Numbers that fill an interval, out of order.
fn between(low: f64, high: f64) -> Vec<f64> {
    let part = |i: usize| (i as f64 * 0.618_033_988_749_894_9).fract();
    (0..N).map(|i| low + (high - low) * part(i)).collect()
}

/// Prints the table of times.
fn times(unary: &[&Unary], binary: &[&Binary], target: Target) {
    println!(
        "| function | operations f32 (f64) | ns f32 | ns f64 | ns std f32 | std / f32 |\n|---|---|---|---|---|---|"
    );
    for f in unary {
        let (low, high) = f.usual;
        let standard = f.standard.map(|s| -> Standard { Box::new(move |x, _| s(x)) });
        timed(f.name, Function::One(f.function), &[between(low, high)], standard, target);
    }
    for f in binary {
        let (x, y) = (between(0.1, 10.0), between(-3.0, 3.0).into_iter().rev().collect());
        let standard = Box::new(f.standard);
        timed(f.name, Function::Two(f.function), &[x, y], Some(standard), target);
    }
}

/// The standard library's function.
type Standard = Box<dyn Fn(f32, f32) -> f32>;

fn timed(name: &str, function: Function, inputs: &[Vec<f64>], standard: Option<Standard>, target: Target) {
    let wide = inputs.to_vec();
    let narrow: Vec<Vec<f32>> = inputs.iter().map(|x| x.iter().map(|&x| x as f32).collect()).collect();
    let ready = [DType::F32, DType::F64].map(|dtype| Ready::new(function, dtype, target));
    let operations = ready.each_ref().map(|r| r.operations);
    let [ready32, ready64] = ready;
    let (mut out32, mut out64, mut out) = (vec![0f32; N], vec![0f64; N], vec![0f32; N]);
    let (x, y) = (narrow[0].clone(), narrow.last().expect("there is one").clone());
    let mut works: Vec<Work> = vec![
        keep(move || alone(|| ready32.write(&Vec::from_iter(narrow.iter().map(|x| &x[..])), &mut out32))),
        keep(move || alone(|| ready64.write(&Vec::from_iter(wide.iter().map(|x| &x[..])), &mut out64))),
    ];
    if let Some(f) = standard {
        works.push(keep(move || {
            out.iter_mut().zip(x.iter().zip(&y)).for_each(|(out, (&x, &y))| *out = f(x, y));
            std::hint::black_box(&mut out);
        }));
    }
    let mut turns: Vec<&mut Work> = works.iter_mut().collect();
    let each = |t: Option<&Timing>| t.map(|t| t.min / N as f64);
    let t = in_turns(&mut turns, 5, 0.1);
    let (ours, wide, theirs) = (t[0].min / N as f64, t[1].min / N as f64, each(t.get(2)));
    let theirs = theirs
        .map_or(["-".to_string(), "-".to_string()], |ns| [machine::digits(ns), machine::digits(ns / ours)]);
    println!(
        "| {name} | {} ({}) | {} | {} | {} | {} |",
        operations[0],
        operations[1],
        machine::digits(ours),
        machine::digits(wide),
        theirs[0],
        theirs[1]
    );
}
