//! What the benchmarks share: how work is timed, what it is compared with, and the table of cases.
//!
//! - `cargo bench -p plywood-benches` runs criterion's benches (`benches/`), every family of operations beside its
//!   reference loop and the copy of the same bytes.
//! - `cargo run --release -p plywood-benches --bin ratios [filter]` prints the same cases as ratios, and the goals.
//! - `cargo run --release -p plywood-benches --bin baseline` fails where a part has become slower than it was (`baselines/`), `--bin
//!   instructions` where a call's instructions have become more.
//! - `peers/`, a workspace of its own, compares with burn, candle, JAX and PyTorch (its README).
//! - `cargo run --release -p plywood-benches --bin first_call` prints what first calls of jitted functions cost.
//! - `cargo run -p plywood-benches --bin multi_device_costs` measures nothing: it prints what training on many devices costs on
//!   paper.

pub mod baseline;
pub mod costs;
pub mod families;
pub mod goals;
pub mod jitted;
pub mod machine;
pub mod mapped;
pub mod measure;
pub mod peers;
pub mod programs;
pub mod reference;
