//! What a table of timings must say about where it was made.

use std::process::Command;

/// One line: processor, what of its instructions matters here, cores, versions.
pub fn describe() -> String {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let rustc = output("rustc", &["--version"]).unwrap_or_else(|| "rustc".into());
    let commit = output("git", &["describe", "--always", "--dirty"]).unwrap_or_else(|| "no commit".into());
    let (model, features) = (processor(), features());
    let plywood = env!("CARGO_PKG_VERSION");
    format!("{model}, {cores} cores ({features}); plywood {plywood} at {commit}, {rustc}")
}

/// What a program prints, without its line's end.
fn output(program: &str, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|o| o.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_string())
}

/// What the processor says of itself under this name.
fn field(name: &str) -> Option<String> {
    let info = std::fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = info.lines().find(|l| l.split(':').next().is_some_and(|k| k.trim() == name))?;
    Some(line.split_once(':')?.1.trim().to_string())
}

/// The processor's name.
pub fn processor() -> String {
    field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_string())
}

/// Those of its extensions that kernels are written for.
fn features() -> String {
    let flags = field("flags").unwrap_or_default();
    let wanted = ["avx2", "fma", "avx512f", "avx512_bf16", "avx512_fp16", "amx_bf16"];
    let has: Vec<_> = wanted.into_iter().filter(|w| flags.split(' ').any(|f| f == *w)).collect();
    if has.is_empty() { "no vector extensions known".into() } else { has.join(" ") }
}

/// Nanoseconds, in the unit that suits them.
pub fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e3 => format!("{ns:.0} ns"),
        ns if ns < 1e6 => format!("{} µs", digits(ns / 1e3)),
        ns if ns < 1e9 => format!("{} ms", digits(ns / 1e6)),
        ns => format!("{} s", digits(ns / 1e9)),
    }
}

/// A positive number with three digits that matter.
pub fn digits(x: f64) -> String {
    match x {
        x if x < 0.1 => format!("{x:.4}"),
        x if x < 1.0 => format!("{x:.3}"),
        x if x < 10.0 => format!("{x:.2}"),
        x if x < 100.0 => format!("{x:.1}"),
        x => format!("{x:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (ns, text) in [(7.4, "7 ns"), (1234.0, "1.23 µs"), (56_789.0, "56.8 µs"), (2.5e9, "2.50 s")] {
            assert_eq!(time(ns), text);
        }
    }
}
