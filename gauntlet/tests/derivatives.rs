//! Reverse mode on the CPU gives what differences give, for every operation that has a derivative; its own derivative
//! does; and forward mode is its transpose. What has forward mode only has the tangents that differences give.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, OpKind};
use plywood_gauntlet::{properties, samples::samples};

/// Declares tests for each kind of operation with a derivative, and says which have none, and which have forward mode
/// only; one that is missing does not compile.
macro_rules! tests { (none: $($None:ident)*; forward: $($only:ident $Only:ident)*; $($name:ident $Kind:ident;)*) => {
    $( mod $name {
        use super::*;
        #[test]
        fn gradient() {
            properties::check(OpKind::$Kind, |s| s.smooth, |s| properties::gradient(Cpu::ENGINE, s));
        }
        #[test]
        fn jvp() {
            properties::check(OpKind::$Kind, |s| s.smooth, |s| properties::jvp(Cpu::ENGINE, s));
        }
        #[test]
        fn alone() {
            properties::check(OpKind::$Kind, |s| s.smooth, |s| properties::alone(Cpu::ENGINE, s));
        }
        #[test]
        fn mixtures() {
            properties::check(OpKind::$Kind, |s| s.smooth, |s| properties::mixtures(Cpu::ENGINE, s));
        }
        #[test]
        fn second_order() {
            properties::check(OpKind::$Kind, |s| s.smooth, |s| properties::second_order(Cpu::ENGINE, s));
        }
    } )*

    $( mod $only {
        use super::*;
        #[test]
        fn tangent() {
            properties::check(OpKind::$Only, |s| s.smooth, |s| properties::tangent(Cpu::ENGINE, s));
        }
        #[test]
        fn alone() {
            properties::check(OpKind::$Only, |s| s.smooth, |s| properties::alone(Cpu::ENGINE, s));
        }
        #[test]
        fn no_reverse() {
            properties::check(OpKind::$Only, |s| s.smooth, |s| properties::no_reverse(Cpu::ENGINE, s));
        }
    } )*

    #[test]
    fn only_these_kinds_have_no_reverse_mode() {
        for &kind in OpKind::ALL {
            let only = [$(OpKind::$Only),*].contains(&kind);
            assert!(samples(kind).iter().all(|s| s.has_reverse_mode() != only), "{kind:?}");
        }
    }

    #[test]
    fn operations_without_a_derivative_have_no_smooth_sample() {
        for kind in [$(OpKind::$None),*] {
            assert!(samples(kind).iter().all(|s| !s.smooth), "{kind:?}");
        }
    }

    /// Does not compile without a word on a new operation.
    #[allow(dead_code)]
    fn every_kind_is_named(kind: OpKind) {
        match kind { $(OpKind::$Kind => {})* $(OpKind::$Only => {})* $(OpKind::$None => {})* }
    }
} }

tests! {
    // Of random numbers, the derivative is not that of the draws: `backend-cpu/tests/random.rs` has it.
    none: Bits Compare Bitcast ArgReduce Full Iota Constant Random;
    // How many steps there are is known only afterwards.
    forward: while_loop While;
    unary Unary;
    integer_pow IntegerPow;
    reduce_precision ReducePrecision;
    binary Binary;
    select Select;
    clamp Clamp;
    cast Cast;
    reshape Reshape;
    transpose Transpose;
    broadcast Broadcast;
    reverse Reverse;
    slice Slice;
    dynamic_slice DynamicSlice;
    dynamic_update DynamicUpdate;
    pad Pad;
    concatenate Concatenate;
    gather Gather;
    scatter Scatter;
    reduce Reduce;
    sort Sort;
    top_k TopK;
    cumulative Cumulative;
    dot Dot;
    conv Conv;
    window Window;
    fft Fft;
    linalg Linalg;
    special Special;
    stop_gradient StopGradient;
    name Name;
    call Call;
    scan Scan;
    cond Cond;
    collective Collective;
    pmap Pmap;
}
