//! The gauntlet: every sample, its derivative, many lanes and one call, against the CPU.

use crate::devices::{Args, Platform};
use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, DType, OpKind};
use plywood_gauntlet::properties::{self, Nearness, Part};
use plywood_gauntlet::samples::samples;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

/// Runs all of it on the device at work; gives how many samples fail.
pub fn run(platform: &Platform, args: &Args) -> usize {
    let near = if platform.exact { Nearness::IEEE } else { Nearness::GRAPHICS };
    let start = Instant::now();
    let (mut checked, mut failed, mut left_out) = (0, 0, 0);
    std::panic::set_hook(Box::new(|_| {}));
    for &kind in OpKind::ALL {
        let all = samples(kind);
        let (of_it, others): (Vec<_>, Vec<_>) = all.iter().partition(|s| {
            s.types()
                .iter()
                .chain(s.outputs().iter())
                .all(|ty| wanted(args, ty.dtype) && has(platform, ty.dtype))
        });
        left_out += others.len();
        for sample in of_it {
            for part in Part::ALL {
                checked += 1;
                let check = || properties::device(platform.engine, Cpu::ENGINE, sample, part, near);
                let result = catch_unwind(AssertUnwindSafe(check));
                let why = match result {
                    Ok(Ok(())) => continue,
                    Ok(Err(why)) => why,
                    Err(panic) => properties::message(&*panic),
                };
                failed += 1;
                if failed <= 40 {
                    println!("  {} {part:?}: {why}", sample.name);
                }
            }
        }
    }
    let _ = std::panic::take_hook();
    let seconds = start.elapsed().as_secs_f64();
    println!(
        "gauntlet: {checked} checks in {seconds:.0} s, {failed} fail; {left_out} samples of other dtypes left out"
    );
    failed
}

fn wanted(args: &Args, dtype: DType) -> bool {
    args.dtypes.as_ref().is_none_or(|all| dtype == DType::Bool || all.contains(&dtype.to_string()))
}

/// Whether the device has a dtype.
fn has(platform: &Platform, dtype: DType) -> bool {
    plywood_backend_cuda::dtypes(platform.engine).contains(&dtype)
}
