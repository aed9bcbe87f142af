//! Several threads of a process at once: on groups of their own, and with calls that were started before others.

use crate::expect;
use plywood_communicator_mpi::{Error, Group, Reduction};
use plywood_core::DType;
use std::sync::Arc;
use std::thread;

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.as_chunks().0.iter().map(|&x| f32::from_ne_bytes(x)).collect()
}

fn bytes(x: f32, n: usize) -> Vec<u8> {
    x.to_ne_bytes().repeat(n)
}

pub fn check(all: &Arc<Group>) -> Result<(), Error> {
    started_in_order(all)?;
    // Where one thread makes all calls, members' orders must agree across groups: threads that come as they like do not.
    if std::env::var("PLYWOOD_MPI_THREADS").is_ok_and(|threads| threads == "one") {
        return Ok(());
    }
    side_by_side(all)
}

/// Started calls of many sizes, a call that waits among them: each gets its own partners' operands.
fn started_in_order(all: &Arc<Group>) -> Result<(), Error> {
    let (size, sum) = (all.size() as f32, |k: usize| (0..all.size()).map(|r| (r + k) as f32).sum::<f32>());
    let pending: Vec<_> = (0..20)
        .map(|k| {
            let n = [1, 100, 60_000][k % 3];
            (k, all.start_all_reduce(Reduction::Sum, DType::F32, bytes((all.rank() + k) as f32, n)))
        })
        .collect();
    let mut last = bytes(1.0, 3);
    all.all_reduce(Reduction::Sum, DType::F32, &mut last)?;
    expect(floats(&last) == [size; 3], || "a call after started ones".to_string());
    for (k, pending) in pending.into_iter().rev() {
        expect(pending.is_done(), || "calls before one that is done are done".to_string());
        let got = floats(&pending.wait()?);
        expect(got.iter().all(|&x| x == sum(k)), || format!("started call {k}"));
    }
    // Not waited for, and not lost.
    drop(all.start_barrier());
    all.barrier()
}

/// Threads with a group each, which come in another order on every member.
fn side_by_side(all: &Arc<Group>) -> Result<(), Error> {
    let members: Vec<usize> = (0..all.size()).collect();
    let groups: Vec<Arc<Group>> = (0..4).map(|k| all.sub(&members, 10 + k)).collect::<Result<_, _>>()?;
    let size = all.size() as f32;
    thread::scope(|scope| {
        for (k, group) in groups.iter().enumerate() {
            scope.spawn(move || {
                for round in 0..30 {
                    let n = [2, 1000, 50_000][(round + k) % 3];
                    if (round * 7 + k * 3 + group.rank() * 5) % 4 == 0 {
                        thread::sleep(std::time::Duration::from_micros(300));
                    }
                    let started = group.start_all_reduce(
                        Reduction::Max,
                        DType::F32,
                        bytes((group.rank() + k) as f32, n),
                    );
                    let mut data = bytes(k as f32, n);
                    let done = group.all_reduce(Reduction::Sum, DType::F32, &mut data);
                    expect(done.is_ok() && floats(&data) == vec![size * k as f32; n], || {
                        format!("thread {k}")
                    });
                    let started = started.wait().map(|data| floats(&data));
                    expect(started == Ok(vec![size - 1.0 + k as f32; n]), || {
                        format!("started by thread {k}")
                    });
                }
            });
        }
    });
    Ok(())
}
