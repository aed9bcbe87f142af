//! Every family of operations at 1e3, 1e5 and 1e7 elements, beside the plain loop and the copy of the same bytes.
//!
//! `cargo bench -p plywood-benches --bench families -- reduce` runs one family. The ratios are printed by
//! `cargo run --release -p plywood-benches --bin ratios`, from the same table.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use plywood_benches::families::{SIZES, all};
use plywood_benches::reference;
use std::time::Duration;

fn families(c: &mut Criterion) {
    for entry in all() {
        let mut group = c.benchmark_group(format!("{}: {}", entry.family, entry.name));
        // Some hundred cases: a short while each.
        group
            .warm_up_time(Duration::from_millis(200))
            .measurement_time(Duration::from_secs(1))
            .sample_size(20);
        for n in SIZES {
            // A case is built when its first bench runs: a filter would otherwise wait for all of them.
            let mut case = None;
            group.throughput(Throughput::Elements(n as u64));
            group.bench_function(BenchmarkId::new("plywood", n), |b| {
                let case = case.get_or_insert_with(|| entry.build(n));
                b.iter(&mut case.ours)
            });
            group.bench_function(BenchmarkId::new("loop", n), |b| {
                let case = case.get_or_insert_with(|| entry.build(n));
                match &mut case.reference {
                    Some(reference) => b.iter(reference),
                    None => b.iter(|| ()),
                }
            });
            group.bench_function(BenchmarkId::new("copy", n), |b| {
                let case = case.get_or_insert_with(|| entry.build(n));
                let mut copy = reference::copy(case.bytes);
                b.iter(&mut copy)
            });
        }
        group.finish();
    }
}

criterion_group!(benches, families);
criterion_main!(benches);
