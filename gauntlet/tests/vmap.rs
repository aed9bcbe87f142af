//! Every operation under vmap on the CPU is the stack of the operation over slices, and so are its derivatives: two tests for
//! each operation.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, OpKind};
use plywood_gauntlet::{for_each_kind, properties};

macro_rules! tests { ($($name:ident $Kind:ident;)*) => { $(
    mod $name {
        use super::*;
        #[test]
        fn forward() {
            properties::check(OpKind::$Kind, |_| true, |s| properties::vmap(Cpu::ENGINE, s));
        }
        #[test]
        fn derivatives() {
            let smooth = plywood_gauntlet::samples::samples(OpKind::$Kind).iter().any(|s| s.smooth);
            let chosen = |s: &plywood_gauntlet::Sample| s.smooth || !smooth;
            properties::check(OpKind::$Kind, chosen, |s| match s.smooth {
                true => properties::vmap_of_derivatives(Cpu::ENGINE, s),
                false => Ok(()),
            });
        }
    }
)* } }
for_each_kind!(tests);
