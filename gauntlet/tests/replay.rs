//! A recorded operation, and its recorded pullback, replay on the CPU as they run: one test for each operation.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, OpKind};
use plywood_gauntlet::properties;

/// Declares a test for each kind of operation; one that is missing does not compile.
macro_rules! tests { ($($name:ident $Kind:ident;)*) => {
    $( #[test]
    fn $name() {
        properties::check(OpKind::$Kind, |_| true, |sample| properties::replay(Cpu::ENGINE, sample));
    } )*

    /// Does not compile without a test for a new operation.
    #[allow(dead_code)]
    fn every_kind_has_a_test(kind: OpKind) {
        match kind { $(OpKind::$Kind => {})* }
    }
} }

tests! {
    unary Unary;
    integer_pow IntegerPow;
    reduce_precision ReducePrecision;
    binary Binary;
    bits Bits;
    compare Compare;
    select Select;
    clamp Clamp;
    cast Cast;
    bitcast Bitcast;
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
    arg_reduce ArgReduce;
    sort Sort;
    dot Dot;
    full Full;
    iota Iota;
    constant Constant;
    random Random;
    stop_gradient StopGradient;
}
