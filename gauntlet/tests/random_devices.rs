//! Random graphs on many devices, with collectives between them, give what each device gives operation by operation; so do their
//! gradients, taken on each device, and of the whole.
//!
//! `GAUNTLET_PROGRAMS=5000 cargo test -p plywood-gauntlet --test random_devices` takes more of them, `GAUNTLET_SEED=1` others.

use plywood_backend_cpu::Cpu;
use plywood_core::Backend;
use plywood_gauntlet::random::{self, check};

fn programs(n: u32) -> u32 {
    std::env::var("GAUNTLET_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(n)
}

#[test]
fn forward() {
    check(programs(300), |program| random::on_many(Cpu::ENGINE, program));
}

#[test]
fn gradient() {
    check(programs(200), |program| random::gradient_on_many(Cpu::ENGINE, program));
}
