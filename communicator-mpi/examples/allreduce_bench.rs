//! `all_reduce` of f32 beside the plain call, in turns: `mpirun -n 2 target/release/examples/allreduce_bench`. Medians of rank 0, in
//! microseconds, and the least time in brackets. `plain` is `MPI_Allreduce` from one buffer into another, `in place` the same
//! with `MPI_IN_PLACE` (Open MPI's).
//!
//! Then what is left of a call that was started before a pause, here and of `MPI_Iallreduce`.

// The plain call is made without the crate.
#![allow(unsafe_code)]

use mpi::ffi;
use plywood_communicator_mpi::{Error, Group, Reduction, world};
use plywood_core::DType;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn plain(from: *const f32, into: &mut [f32]) {
    let (n, into) = (into.len() as i32, into.as_mut_ptr());
    // SAFETY: `from` is another buffer with as many floats, or MPI's word for the same; the call returns before they are looked at.
    let code = unsafe {
        ffi::MPI_Allreduce(
            from.cast(),
            into.cast(),
            n,
            ffi::RSMPI_FLOAT,
            ffi::RSMPI_SUM,
            ffi::RSMPI_COMM_WORLD,
        )
    };
    assert_eq!(code, 0);
}

struct Times(Vec<f64>);

impl Times {
    fn take(&mut self, repeats: usize, mut f: impl FnMut()) {
        let start = Instant::now();
        (0..repeats).for_each(|_| f());
        self.0.push(start.elapsed().as_secs_f64() * 1e6 / repeats as f64);
    }

    fn median(&mut self) -> f64 {
        self.0.sort_by(f64::total_cmp);
        self.0[self.0.len() / 2]
    }

    fn print(&mut self) {
        print!("{:>20}", format!("{:.1} ({:.1})", self.median(), self.0[0]));
    }
}

fn main() -> Result<(), Error> {
    let all = world()?;
    let longest: usize = std::env::args().nth(1).map_or(64 << 20, |bytes| bytes.parse().expect("bytes"));
    let first = all.rank() == 0;
    if first {
        println!("{} processes", all.size());
        print!("{:>10}", "bytes");
        for name in ["plain", "in place", "all_reduce", "started", "in order", "bf16", "max"] {
            print!("{name:>20}");
        }
        println!();
    }
    let sizes = (0..).map(|k| 4usize << (2 * k)).take_while(|&bytes| bytes <= longest);
    for bytes in sizes {
        let mut times = row(&all, bytes)?;
        if first {
            print!("{bytes:>10}");
            times.iter_mut().for_each(Times::print);
            println!();
        }
    }
    for bytes in [256 << 10, 4 << 20, 32 << 20].into_iter().filter(|&bytes| bytes <= longest) {
        overlap(&all, bytes)?;
    }
    Ok(())
}

fn row(all: &Arc<Group>, bytes: usize) -> Result<[Times; 7], Error> {
    let from = vec![1f32; bytes / 4];
    let mut into = vec![0f32; bytes / 4];
    let mut data = Some(vec![0u8; bytes]);
    let (rounds, repeats) = match bytes {
        0..=4096 => (21, 50),
        4097..=1_000_000 => (21, 5),
        _ => (11, 1),
    };
    let mut times = [(); 7].map(|_| Times(Vec::new()));
    for _ in 0..rounds {
        for (kind, times) in times.iter_mut().enumerate() {
            all.barrier()?;
            let reduce = |how, dtype, data: &mut Option<Vec<u8>>| {
                all.all_reduce(how, dtype, data.as_mut().expect("given back")).expect("MPI works")
            };
            match kind {
                0 => times.take(repeats, || plain(from.as_ptr(), &mut into)),
                1 => times.take(repeats, || plain(std::ptr::without_provenance(1), &mut into)),
                2 => times.take(repeats, || reduce(Reduction::Sum, DType::F32, &mut data)),
                3 => times.take(repeats, || {
                    let started =
                        all.start_all_reduce(Reduction::Sum, DType::F32, data.take().expect("given back"));
                    data = Some(started.wait().expect("MPI works"));
                }),
                4 => times.take(repeats, || reduce(Reduction::SumInOrder, DType::F32, &mut data)),
                5 => times.take(repeats, || reduce(Reduction::Sum, DType::BF16, &mut data)),
                _ => times.take(repeats, || reduce(Reduction::Max, DType::F32, &mut data)),
            }
            black_box((&into, &data));
        }
    }
    Ok(times)
}

/// What is left of a call of `MPI_Iallreduce` after a pause, as its own progress leaves it.
fn plain_started(from: &[f32], into: &mut [f32], pause: Duration) -> Duration {
    let mut request = std::mem::MaybeUninit::uninit();
    // SAFETY: both buffers have as many floats, and are not looked at before the request is completed.
    unsafe {
        let (n, from, into) = (from.len() as i32, from.as_ptr().cast(), into.as_mut_ptr().cast());
        let (ty, op, world) = (ffi::RSMPI_FLOAT, ffi::RSMPI_SUM, ffi::RSMPI_COMM_WORLD);
        assert_eq!(ffi::MPI_Iallreduce(from, into, n, ty, op, world, request.as_mut_ptr()), 0);
        std::thread::sleep(pause);
        let start = Instant::now();
        assert_eq!(ffi::MPI_Wait(request.as_mut_ptr(), ffi::RSMPI_STATUS_IGNORE), 0);
        start.elapsed()
    }
}

/// How much of a call is left after a pause, in which this thread calls nothing, as while it computes or waits for a device.
fn overlap(all: &Arc<Group>, bytes: usize) -> Result<(), Error> {
    let from = vec![1f32; bytes / 4];
    let mut into = vec![0f32; bytes / 4];
    let mut data = vec![0u8; bytes];
    let mut times = [(); 3].map(|_| Times(Vec::new()));
    for round in 0..14 {
        let [alone, started, plain] = &mut times;
        all.barrier()?;
        alone.take(1, || all.all_reduce(Reduction::Sum, DType::F32, &mut data).expect("MPI works"));
        // Twice as long as a call has taken on rank 0.
        let mut pause = (alone.median() * 2.0).to_ne_bytes();
        all.broadcast(0, &mut pause)?;
        let pause = Duration::from_secs_f64(f64::from_ne_bytes(pause) / 1e6);
        all.barrier()?;
        let call = all.start_all_reduce(Reduction::Sum, DType::F32, std::mem::take(&mut data));
        std::thread::sleep(pause);
        let start = Instant::now();
        data = call.wait()?;
        started.0.push(start.elapsed().as_secs_f64() * 1e6);
        all.barrier()?;
        plain.0.push(plain_started(&from, &mut into, pause).as_secs_f64() * 1e6);
        // The first rounds find the pause.
        if round == 2 {
            started.0.clear();
            plain.0.clear();
        }
    }
    if all.rank() == 0 {
        let [alone, started, plain] = times.map(|mut times| times.median());
        println!(
            "{bytes} bytes: a call takes {alone:.0}; after a pause of twice that {started:.0} are left of a started one, \
             {plain:.0} of MPI_Iallreduce"
        );
    }
    Ok(())
}
