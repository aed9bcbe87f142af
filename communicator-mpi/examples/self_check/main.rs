//! Whether MPI does on this machine what the crate promises: every operation on every element type, in both forms, on the world and
//! on parts of it. Run by `tools/check_mpi.sh`; the last line is the number of failures.
//!
//! With an argument it checks how a job ends: `--panic RANK`, `--exit RANK CODE`, `--hold FOLDER` (until one is killed); and what
//! takes long: `--large`.

mod ends;
mod errors;
mod operations;
mod threads;
mod values;

use plywood_communicator_mpi::{Error, Group, Reduction, Tuning, world};
use plywood_core::DType;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

static FAILURES: AtomicU64 = AtomicU64::new(0);

/// Counts and prints what does not hold.
pub fn expect(holds: bool, what: impl FnOnce() -> String) {
    if !holds && FAILURES.fetch_add(1, Ordering::Relaxed) < 20 {
        println!("FAILED: {}", what());
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match check(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn check(arguments: &[&str]) -> Result<ExitCode, Error> {
    let all = world()?;
    expect(Arc::ptr_eq(&all, &world()?), || "one world".to_string());
    match arguments {
        [] => everything(&all)?,
        ["--large"] => operations::large(&all)?,
        ["--panic", rank] => ends::panic(&all, number(rank))?,
        ["--exit", rank, code] => return ends::exit(&all, number(rank), number(code) as u8),
        ["--hold", folder] => ends::hold(&all, folder.as_ref())?,
        other => panic!("arguments {other:?}"),
    }
    let mut failures = FAILURES.load(Ordering::Relaxed).to_ne_bytes();
    all.all_reduce(Reduction::Sum, DType::U64, &mut failures)?;
    let failures = u64::from_ne_bytes(failures);
    if all.rank() == 0 {
        println!("{failures} failures");
    }
    Ok(if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn number(argument: &str) -> usize {
    argument.parse().unwrap_or_else(|_| panic!("{argument:?} is no number"))
}

fn everything(all: &Arc<Group>) -> Result<(), Error> {
    let (rank, size) = (all.rank(), all.size());
    let start = std::time::Instant::now();
    let told = |what: &str| {
        if rank == 0 {
            println!("{size} processes, {:.1} s: {what}", start.elapsed().as_secs_f64());
        }
    };
    expect(all.members() == (0..size).collect::<Vec<_>>(), || "members of the world".to_string());
    for dtype in DType::ALL {
        for n in [0, 1, 7, 100_000] {
            operations::check(all, dtype, n)?;
        }
    }
    told("the world");
    // All in another order; and halves, which work at the same time.
    let backwards: Vec<usize> = (0..size).rev().collect();
    let other = all.sub(&backwards, 1)?;
    expect(other.rank() == size - 1 - rank && other.members() == backwards, || "ranks backwards".to_string());
    let half: Vec<usize> = (0..size).filter(|r| r % 2 == rank % 2).collect();
    let half = all.sub(&half, 2 + rank as u32 % 2)?;
    for group in [&other, &half] {
        for dtype in DType::ALL {
            for n in [0, 1, 7, 3000] {
                operations::check(group, dtype, n)?;
            }
        }
        told(&group.to_string());
    }
    // Operands in pieces, and what is done where MPI is not known to combine in place.
    for in_place in [true, false] {
        all.set_tuning(Tuning { piece: 512, each: 0, moved: 4096, in_place });
        for dtype in DType::ALL {
            operations::check(all, dtype, 1000)?;
        }
    }
    all.set_tuning(Tuning::default());
    told("in pieces");
    operations::odd_addresses(all)?;
    operations::identical(all)?;
    threads::check(all)?;
    told("threads");
    errors::check(all)?;
    told("errors");
    Ok(())
}
