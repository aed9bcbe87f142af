//! A recorded operation, and its recorded pullback, replay on the CPU as they run: one test for each operation.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, OpKind};
use plywood_gauntlet::{for_each_kind, properties};

macro_rules! tests { ($($name:ident $Kind:ident;)*) => { $(
    #[test]
    fn $name() {
        properties::check(OpKind::$Kind, |_| true, |sample| properties::replay(Cpu::ENGINE, sample));
    }
)* } }
for_each_kind!(tests);
