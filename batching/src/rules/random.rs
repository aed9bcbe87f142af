//! Random numbers: each key restarts its counter, so the lanes' keys give what each gives alone, and one key for all lanes
//! gives each the same.

use super::{Args, Batch};
use plywood_core::Op;
use plywood_core::op::Random;

pub(super) fn random(r: &Random, b: &Batch<'_>, x: Args) -> Args {
    match r {
        Random::Bits { .. } | Random::Uniform { .. } | Random::Normal { .. } | Random::Split { .. } => {
            b.all(&Op::Random(r.clone()), x)
        }
        // Keys and what is given for each sample go along with each other.
        Random::Gamma { .. } | Random::Poisson { .. } | Random::FoldIn => b.all(&Op::Random(r.clone()), x),
    }
}
