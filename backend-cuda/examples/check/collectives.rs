//! Collective operations by NCCL over all of CUDA's devices: every call and dtype, and how fast large ones are.

#[path = "../../tests/common/collectives.rs"]
mod cases;

use plywood_backend_cuda::nccl::{Communicator, Fold, version};
use plywood_core::{DType, Device, Error, Value};
use std::time::Instant;

/// Checks and measures; gives how many cases fail.
pub fn run(devices: &[Device]) -> usize {
    let all = match Communicator::of(devices) {
        Ok(all) => all,
        Err(e) => {
            println!("\ncollectives: {e}");
            return 0;
        }
    };
    let waits = if all.waits() { "; the host waits, since the driver is older than CUDA 12.5" } else { "" };
    println!("\ncollectives of {} devices, NCCL {}{waits}", devices.len(), version().unwrap_or_default());
    let (count, failures) = cases::run(&all, true);
    println!("{count} cases, {} fail", failures.len());
    failures.iter().take(40).for_each(|why| println!("  {why}"));
    if let Err(e) = bandwidth(&all) {
        println!("  all_reduce of large tensors: {e}");
        return failures.len() + 1;
    }
    failures.len()
}

/// Sums of f32, in bytes of a rank's tensor a second; a ring sends 2 (n - 1)/n times as many.
fn bandwidth(all: &Communicator) -> Result<(), Error> {
    println!("| all_reduce of | seconds | GB/s | GB/s of a ring's |");
    println!("|---|---|---|---|");
    for bytes in [4 << 10, 1 << 20, 16 << 20, 256 << 20] {
        let x: Vec<Value> = all
            .devices()
            .iter()
            .map(|device| cases::on(device.index, cases::array(DType::F32, &[bytes / 4], |i| (i % 3) as f64)))
            .collect();
        let x: Vec<&Value> = x.iter().collect();
        let call = || -> Result<f64, Error> {
            let start = Instant::now();
            let results = all.all_reduce(Fold::Sum, &x)?;
            results[0].engine().eval(&results)?;
            Ok(start.elapsed().as_secs_f64())
        };
        call()?;
        let times = (0..10).map(|_| call()).collect::<Result<Vec<f64>, Error>>()?;
        let best = times.into_iter().fold(f64::INFINITY, f64::min);
        let (n, rate) = (all.size() as f64, bytes as f64 / best / 1e9);
        println!("| {bytes} bytes | {best:.2e} | {rate:.1} | {:.1} |", rate * 2.0 * (n - 1.0) / n);
    }
    Ok(())
}
