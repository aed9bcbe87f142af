//! Every operation on the lazy backend over the CPU gives what the oracle gives, and recorded operations and pullbacks replay as
//! they run: two tests for each operation.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, OpKind};
use plywood_fusion::Fusion;
use plywood_gauntlet::{Oracle, for_each_kind, properties};

macro_rules! tests { ($($name:ident $Kind:ident;)*) => { $(
    mod $name {
        use super::*;
        #[test]
        fn forward() {
            let oracle = Oracle::load(OpKind::$Kind).unwrap();
            let engine = Fusion::<Cpu>::ENGINE;
            properties::check(OpKind::$Kind, |_| true, |sample| properties::forward(engine, sample, &oracle));
        }
        #[test]
        fn replay() {
            properties::check(OpKind::$Kind, |_| true, |s| properties::replay(Fusion::<Cpu>::ENGINE, s));
        }
    }
)* } }
for_each_kind!(tests);
