//! The platforms of this build, their devices, and what is asked for on the command line.

use crate::{bench, conformance};
use plywood_core::{Backend, Device, Engine, Error};
use std::process::ExitCode;

/// What is asked for on the command line.
pub struct Args {
    /// Only samples of these dtypes (and bool).
    pub dtypes: Option<Vec<String>>,
    gauntlet: bool,
    bench: bool,
}

/// A platform of this build.
pub struct Platform {
    pub engine: &'static dyn Engine,
    found: fn() -> Result<Vec<Device>, Error>,
    /// Whether its compiler keeps IEEE's arithmetic.
    pub exact: bool,
    bench: fn(),
}

fn platforms() -> Vec<Platform> {
    vec![
        #[cfg(feature = "cuda")]
        Platform {
            engine: plywood_backend_cuda::Cuda::ENGINE,
            found: plywood_backend_cuda::Cuda::found,
            exact: true,
            bench: bench::table::<plywood_backend_cuda::Cuda>,
        },
        #[cfg(feature = "wgpu")]
        Platform {
            engine: plywood_backend_cuda::Wgpu::ENGINE,
            found: plywood_backend_cuda::Wgpu::found,
            exact: false,
            bench: bench::table::<plywood_backend_cuda::Wgpu>,
        },
    ]
}

fn args() -> Option<Args> {
    let mut args = Args { dtypes: None, gauntlet: true, bench: true };
    let mut words = std::env::args().skip(1);
    while let Some(word) = words.next() {
        match &word[..] {
            "--dtypes" => args.dtypes = Some(words.next()?.split(',').map(String::from).collect()),
            "--no-gauntlet" => args.gauntlet = false,
            "--no-bench" => args.bench = false,
            _ => return None,
        }
    }
    Some(args)
}

/// Checks every device there is.
pub fn run() -> ExitCode {
    let Some(args) = args() else {
        eprintln!("usage: check [--dtypes f32,i32] [--no-gauntlet] [--no-bench]");
        return ExitCode::FAILURE;
    };
    let (mut devices, mut failures) = (0, 0);
    for platform in platforms() {
        let found = match (platform.found)() {
            Ok(found) => found,
            Err(e) => {
                println!("{e}");
                continue;
            }
        };
        #[cfg(feature = "nccl")]
        if platform.engine.id() == plywood_backend_cuda::Cuda::ENGINE.id() {
            failures += crate::collectives::run(&found);
        }
        for device in found {
            devices += 1;
            println!("\n{device}");
            plywood_backend_cuda::on_device(device.index, || {
                if args.gauntlet {
                    failures += conformance::run(&platform, &args);
                }
                if args.bench {
                    (platform.bench)();
                }
            });
        }
    }
    println!("\n{devices} devices, {failures} failures");
    if failures == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
