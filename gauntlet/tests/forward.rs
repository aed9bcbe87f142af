//! Every operation on the CPU gives what the oracle gives: one test for each operation.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, OpKind};
use plywood_gauntlet::{Oracle, for_each_kind, properties};

macro_rules! tests { ($($name:ident $Kind:ident;)*) => { $(
    #[test]
    fn $name() {
        let oracle = Oracle::load(OpKind::$Kind).unwrap();
        properties::check(OpKind::$Kind, |_| true, |sample| properties::forward(Cpu::ENGINE, sample, &oracle));
    }
)* } }
for_each_kind!(tests);
