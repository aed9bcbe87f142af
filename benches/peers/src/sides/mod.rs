//! The sides of the comparison: processes that answer for a library. Those in Rust are this program, called again.

pub mod burn;
pub mod candle;
pub mod machine;
mod process;
mod python;

pub use process::Side;

use crate::Result;
use crate::options::Options;
use std::path::Path;
use std::time::Instant;

/// The name of ours.
pub const OURS: &str = "plywood";
/// The side that measures what the machine can do.
pub const MACHINE: &str = "machine";

/// Answers for a side, if it is one in Rust.
pub fn serve(name: &str) -> Result<()> {
    match name {
        OURS => plywood_benches::peers::serve()?,
        "burn" => burn::serve()?,
        "candle" => candle::serve()?,
        MACHINE => machine::serve()?,
        _ => return Err(format!("{name} is no side in Rust").into()),
    }
    Ok(())
}

/// The version of a crate in the lock file.
fn version(name: &str) -> &'static str {
    let lock = include_str!("../../Cargo.lock");
    let rest = lock.split_once(&format!("name = \"{name}\"\nversion = \"")).map_or("", |parts| parts.1);
    rest.split('"').next().unwrap_or_default()
}

/// Adds 16 numbers, as a program would that does nothing else.
pub fn start(name: &str) -> Result<()> {
    match name {
        OURS => {
            let x = plywood::Tensor::<plywood::Cpu>::from_vec(vec![1f32; 16], [16]);
            std::hint::black_box((&x + &x).to_vec::<f32>());
        }
        "burn" => burn::start(),
        "candle" => candle::start(),
        _ => return Err(format!("{name} is no side in Rust").into()),
    }
    Ok(())
}

/// The program of a side, and its first arguments.
fn program(
    name: &str,
    folder: &Path,
    threads: usize,
    word: &str,
) -> Result<(std::path::PathBuf, Vec<String>)> {
    let words = |all: &[&str]| all.iter().map(|s| s.to_string()).collect();
    match name {
        "jax" | "torch" => {
            let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("peer.py").display().to_string();
            let mut args: Vec<String> = words(&[&script, name, &threads.to_string()]);
            args.extend((word == "start").then(|| word.to_string()));
            Ok((python::interpreter(folder)?, args))
        }
        _ => Ok((std::env::current_exe()?, words(&[word, name]))),
    }
}

/// Starts a side; its errors go to a file of its name in the folder.
pub fn begin(name: &str, folder: &Path, options: &Options) -> Result<Side> {
    let (program, args) = program(name, folder, options.threads, "serve")?;
    Side::start(name, folder, options.threads, &program, &args)
}

/// Nanoseconds from the start of a process that adds 16 numbers to its end: the least of so many.
pub fn startup(name: &str, folder: &Path, options: &Options) -> Result<f64> {
    let (program, args) = program(name, folder, options.threads, "start")?;
    let mut least = f64::INFINITY;
    for _ in 0..options.rounds.min(3) {
        let start = Instant::now();
        let status = process::pinned(&program, &args, options.threads).output()?.status;
        if !status.success() {
            return Err(format!("{name}: {status}").into());
        }
        least = least.min(start.elapsed().as_nanos() as f64);
    }
    Ok(least)
}

#[cfg(test)]
mod tests {
    use super::version;

    #[test]
    fn versions_are_the_locks() {
        for name in ["burn", "candle-core"] {
            assert!(version(name).starts_with("0."), "{name}: {:?}", version(name));
        }
        assert_eq!(version("no such crate"), "");
    }
}
