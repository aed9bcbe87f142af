//! Every operation under vmap on the CPU is the stack of the operation over slices, and so are its derivatives: two tests for
//! each operation.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, OpKind};
use plywood_gauntlet::samples::samples;
use plywood_gauntlet::{Sample, for_each_kind, properties};

/// Of all others there are samples to differentiate; `tests/derivatives.rs` says why of these there are none.
const NO_DERIVATIVE: [OpKind; 8] = [
    OpKind::Bits,
    OpKind::Compare,
    OpKind::Bitcast,
    OpKind::ArgReduce,
    OpKind::Full,
    OpKind::Iota,
    OpKind::Constant,
    OpKind::Random,
];

macro_rules! tests { ($($name:ident $Kind:ident;)*) => { $(
    mod $name {
        use super::*;
        #[test]
        fn forward() {
            properties::check(OpKind::$Kind, |_| true, |s| properties::vmap(Cpu::ENGINE, s));
        }
        #[test]
        fn derivatives() {
            if NO_DERIVATIVE.contains(&OpKind::$Kind) {
                assert!(samples(OpKind::$Kind).iter().all(|s| !s.smooth));
                return;
            }
            let property = |s: &Sample| properties::vmap_of_derivatives(Cpu::ENGINE, s);
            properties::check(OpKind::$Kind, |s| s.smooth, property);
        }
    }
)* } }
for_each_kind!(tests);
