//! Compares with JAX and PyTorch: `cargo run --release -p plywood-benches --bin peers -- [options] [filter]...`
//!
//! Every side is a process of its own, ours too; they are asked for one case at a time, in turns, over a few rounds.
//! So what else the machine does meets all of them, and nobody's threads run beside another's.

use plywood_benches::machine::{self, digits, time};
use plywood_benches::measure::Timing;
use plywood_benches::peers::{Answer, Bound, Case, cases, serve};
use std::collections::BTreeSet;
use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "peers [--threads N] [--rounds N] [--seconds S a case, side and round] [filter]...";

/// Between two sides: the threads of the last one stop spinning.
const PAUSE: Duration = Duration::from_millis(30);

struct Options {
    threads: usize,
    rounds: usize,
    seconds: f64,
    filters: Vec<String>,
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn options(args: &[String]) -> Result<Options> {
    let mut options = Options { threads: cores(), rounds: 5, seconds: 0.2, filters: Vec::new() };
    let mut args = args.iter();
    while let Some(arg) = args.next() {
        let mut value = || args.next().ok_or_else(|| format!("{arg} wants a value; {USAGE}"));
        match arg.as_str() {
            "--threads" => options.threads = value()?.parse()?,
            "--rounds" => options.rounds = value()?.parse()?,
            "--seconds" => options.seconds = value()?.parse()?,
            flag if flag.starts_with('-') => return Err(format!("{flag} is not an option; {USAGE}").into()),
            filter => options.filters.push(filter.to_string()),
        }
    }
    match (1..=cores()).contains(&options.threads) && options.rounds > 0 {
        true => Ok(options),
        false => Err(format!("threads: 1 to {}, rounds: 1 or more; {USAGE}", cores()).into()),
    }
}

/// The folder of this package.
fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The interpreter of the environment named by `PEERS_VENV`, or of ours in the target folder, made if need be.
fn python(folder: &Path) -> Result<PathBuf> {
    if let Some(venv) = std::env::var_os("PEERS_VENV") {
        let python = Path::new(&venv).join("bin/python");
        return match python.exists() {
            true => Ok(python),
            false => Err(format!("PEERS_VENV: there is no {}", python.display()).into()),
        };
    }
    let (venv, wanted) = (folder.join("venv"), package().join("peers/requirements.txt"));
    let (python, complete) = (venv.join("bin/python"), venv.join("complete"));
    let list = std::fs::read_to_string(&wanted)?;
    if std::fs::read_to_string(&complete).is_ok_and(|done| done == list) {
        return Ok(python);
    }
    eprintln!("installing into {} (once)", venv.display());
    let run = |command: &mut Command| match command.stdout(Stdio::null()).status()? {
        status if status.success() => Ok(()),
        status => Err(Box::<dyn Error>::from(format!("{command:?}: {status}"))),
    };
    run(Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    run(Command::new(&python).args(["-m", "pip", "install", "--requirement"]).arg(&wanted))?;
    std::fs::write(complete, list)?;
    Ok(python)
}

/// A process that answers for one side.
struct Side {
    name: &'static str,
    version: String,
    child: Child,
    /// What it is asked through; nothing once it has gone.
    lines: Option<(ChildStdin, BufReader<ChildStdout>)>,
}

impl Side {
    /// Starts a side on so many cores; its errors go to a file of its name.
    fn start(
        name: &'static str,
        folder: &Path,
        threads: usize,
        program: &Path,
        args: &[&str],
    ) -> Result<Side> {
        let mut command = match threads < cores() && cfg!(target_os = "linux") {
            true => {
                let mut taskset = Command::new("taskset");
                taskset.arg("--cpu-list").arg(format!("0-{}", threads - 1)).arg(program);
                taskset
            }
            false => Command::new(program),
        };
        command.args(args).env("RAYON_NUM_THREADS", threads.to_string());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        command.stderr(File::create(folder.join(format!("{name}.log")))?);
        let mut child = command.spawn().map_err(|e| format!("{command:?}: {e}"))?;
        let input = child.stdin.take().expect("it was asked for");
        let mut output = BufReader::new(child.stdout.take().expect("it was asked for"));
        let mut line = String::new();
        output.read_line(&mut line)?;
        let (version, lines) = match line.trim_end().split_once('\t') {
            Some(("ready", version)) => (version.to_string(), Some((input, output))),
            Some((_, error)) => (format!("{error}: left out"), None),
            None => (format!("{name} did not start, see {name}.log: left out"), None),
        };
        Ok(Side { name, version, child, lines })
    }

    /// The answer to a case; `None` where the side does not know it, or has gone.
    fn ask(&mut self, case: &str, seconds: f64) -> Option<Answer> {
        let (input, output) = self.lines.as_mut()?;
        std::thread::sleep(PAUSE);
        let mut line = String::new();
        let asked = writeln!(input, "{case}\t{seconds}").and_then(|()| input.flush());
        match asked.and_then(|()| output.read_line(&mut line)) {
            Ok(read) if read > 0 => Answer::parse(&line),
            _ => {
                eprintln!("{} went away at {case}: see its log", self.name);
                self.lines = None;
                None
            }
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        // It ends with its input.
        self.lines = None;
        let _ = self.child.wait();
    }
}

/// What the rounds gave: the smallest of the minima, the middle one of the medians.
fn together(answers: Vec<Answer>) -> Option<Answer> {
    let how = answers.first()?.how.clone();
    let min = answers.iter().map(|a| a.timing.min).fold(f64::INFINITY, f64::min);
    let median = Timing::of(answers.iter().map(|a| a.timing.median).collect()).median;
    Some(Answer { timing: Timing { min, median }, how })
}

/// A cell: the minimum, the median in brackets, and how it was done.
fn cell(answer: &Option<Answer>) -> String {
    answer.as_ref().map_or("-".to_string(), |a| {
        let how = if a.how.is_empty() { String::new() } else { format!(" {}", a.how) };
        format!("{} ({}){how}", time(a.timing.min), time(a.timing.median))
    })
}

/// What our time is, beside the case's bound; `copy` is the time of the copy of the same bytes.
fn rate(bound: Bound, ours: Timing, copy: Option<&Answer>) -> String {
    match bound {
        Bound::Bytes(bytes) => {
            let part = copy.map_or(String::new(), |c| {
                let bandwidth = bytes as f64 / c.timing.min;
                format!(", {:.0} % of copy's {}", 100.0 * c.timing.min / ours.min, digits(bandwidth))
            });
            format!("{} GB/s{part}", digits(bytes as f64 / ours.min))
        }
        Bound::Flops(flops) => format!("{} GFLOP/s", digits(flops as f64 / ours.min)),
        Bound::Numbers(n) => format!("{} M/s", digits(1e3 * n as f64 / ours.min)),
        Bound::Dispatch => String::new(),
    }
}

fn row(case: &Case, sides: &mut [Side], options: &Options) -> String {
    let mut answers = vec![Vec::new(); sides.len()];
    let mut copies = Vec::new();
    for _ in 0..options.rounds {
        for (side, answers) in sides.iter_mut().zip(&mut answers) {
            answers.extend(side.ask(case.name, options.seconds));
        }
        if let Bound::Bytes(_) = case.bound {
            copies.extend(sides[0].ask("copy", options.seconds / 4.0));
        }
    }
    let answers: Vec<_> = answers.into_iter().map(together).collect();
    let best =
        |f: fn(&Timing) -> f64| answers[1..].iter().flatten().map(|a| f(&a.timing)).min_by(f64::total_cmp);
    let ratio = |f: fn(&Timing) -> f64| {
        let ours = answers[0].as_ref().map(|a| f(&a.timing));
        ours.zip(best(f)).map_or("-".to_string(), |(ours, best)| digits(best / ours))
    };
    let rate =
        answers[0].as_ref().map_or(String::new(), |a| rate(case.bound, a.timing, together(copies).as_ref()));
    let cells: Vec<_> = answers.iter().map(cell).collect();
    let (min, median) = (ratio(|t| t.min), ratio(|t| t.median));
    format!("| {} | {} | {min} ({median}) | {rate} |", case.name, cells.join(" | "))
}

fn main() -> Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    if args == ["serve"] {
        return Ok(serve()?);
    }
    let options = options(&args)?;
    let folder = package().parent().expect("the package is in the workspace").join("target/peers");
    std::fs::create_dir_all(&folder)?;
    let python = python(&folder)?;
    let script = package().join("peers/peer.py").display().to_string();
    let threads = options.threads.to_string();
    let start =
        |name, program: &Path, args: &[&str]| Side::start(name, &folder, options.threads, program, args);
    let mut sides = [
        start("plywood", &std::env::current_exe()?, &["serve"])?,
        start("jax", &python, &[&script, "jax", &threads])?,
        start("torch", &python, &[&script, "torch", &threads])?,
    ];
    println!("{}; {threads} threads each.", machine::describe());
    println!("{}.", sides.iter().map(|s| s.version.as_str()).collect::<Vec<_>>().join("; "));
    println!("Times: the minimum (the median). Ratio: the better peer's time over ours.\n");
    println!("| case | Plywood | JAX | PyTorch | ratio | ours |");
    println!("|---|---|---|---|---|---|");
    let mut unused: BTreeSet<_> = options.filters.iter().collect();
    for case in cases() {
        let matching: Vec<_> = options.filters.iter().filter(|f| case.name.contains(f.as_str())).collect();
        if matching.is_empty() && !options.filters.is_empty() {
            continue;
        }
        unused.retain(|f| !matching.contains(f));
        println!("{}", row(&case, &mut sides, &options));
    }
    match unused.is_empty() {
        true => Ok(()),
        false => Err(format!("no case has {unused:?} in its name").into()),
    }
}
