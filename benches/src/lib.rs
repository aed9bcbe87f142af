//! Nothing here: the benchmarks are in `benches/`, and run with `cargo bench -p plywood-benches`.
