//! Plywood beside burn, candle, JAX and PyTorch: all on the same cases, in one run.
//!
//! Every side is a process of its own, ours too, bound to the same cores and given as many threads; they are asked for one case at a time,
//! in turns, over a few rounds. So what else the machine does meets all of them, and nobody's threads run beside another's. Before a case
//! is timed, its numbers are compared. What the machine itself can do is a side too, and takes its turns.

mod compare;
mod measure;
mod options;
mod plot;
mod report;
mod sides;

use options::Options;
use plywood_benches::machine::describe;
use plywood_benches::peers::cases;
use report::Report;
use sides::{MACHINE, OURS};
use std::collections::BTreeSet;
use std::path::Path;

/// What went wrong is said, and ends the run.
pub type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn run(options: &Options) -> Result<()> {
    let unknown: BTreeSet<_> =
        options.filters.iter().filter(|f| !cases().iter().any(|c| c.name.contains(*f))).collect();
    if !unknown.is_empty() {
        return Err(format!("no case has {unknown:?} in its name").into());
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    std::fs::create_dir_all(&folder)?;
    let names: Vec<&str> = std::iter::once(OURS).chain(options.sides.iter().map(String::as_str)).collect();
    let mut all =
        names.iter().map(|name| sides::begin(name, &folder, options)).collect::<Result<Vec<_>>>()?;
    let mut machine = sides::begin(MACHINE, &folder, options)?;
    let mut report = Report {
        machine: format!("{}; {} threads each", describe(), options.threads),
        sides: all.iter().map(|side| (side.name.clone(), side.version.clone())).collect(),
        startup: Vec::new(),
        rows: Vec::new(),
    };
    println!("{}", report.head());
    for case in cases().iter().filter(|case| options.takes(case.name)) {
        let Some(row) = measure::row(case, &mut all, &mut machine, options) else { continue };
        println!("{}", report.line(&row));
        report.rows.push(row);
    }
    drop((all, machine));
    if options.filters.is_empty() {
        for name in names {
            match sides::startup(name, &folder, options) {
                Ok(time) => report.startup.push((name.to_string(), time)),
                Err(error) => eprintln!("start-up of {name}: {error}"),
            }
        }
    }
    println!("\n{}", report.foot());
    if let Some(path) = &options.json {
        std::fs::write(path, format!("{:#}\n", report.json()))?;
    }
    if let Some(path) = &options.markdown {
        std::fs::write(path, report.markdown())?;
    }
    if let Some(folder) = &options.plots {
        plot::all(&report, folder)?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let args: Vec<_> = std::env::args().skip(1).collect();
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", side] => sides::serve(side),
        ["start", side] => sides::start(side),
        _ => run(&Options::parse(&args)?),
    }
}
