//! The list of operations that a property's tests go over: one test for each.

use plywood_core::OpKind;

/// Hands a macro the name and the [`OpKind`](plywood_core::OpKind) of every operation, so that it declares a test for
/// each: `name Kind;` forty times.
#[macro_export]
macro_rules! for_each_kind {
    ($tests:ident) => {
        $tests! {
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
            top_k TopK;
            cumulative Cumulative;
            dot Dot;
            conv Conv;
            window Window;
            fft Fft;
            linalg Linalg;
            special Special;
            full Full;
            iota Iota;
            constant Constant;
            random Random;
            stop_gradient StopGradient;
            name Name;
            call Call;
            scan Scan;
            while_loop While;
            cond Cond;
            collective Collective;
            pmap Pmap;
        }
    };
}

macro_rules! complete { ($($name:ident $Kind:ident;)*) => {
    /// Does not compile where the list lacks an operation.
    const _: fn(OpKind) = |kind| match kind { $(OpKind::$Kind => {})* };
} }
for_each_kind!(complete);
