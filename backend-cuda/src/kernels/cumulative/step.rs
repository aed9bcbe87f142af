//! What a running reduction keeps of the elements so far, and how it goes on: programs over loaded lanes.
//!
//! What always holds: joined with `first`, a state stays what it is, in either order; states may be joined in any grouping. 16-bit floats
//! are kept in f32. Extremes of floats are integers in their order, as in reductions; of a logarithm there are the largest element and
//! the sum of e^(x - largest).

use plywood_core::DType;
use plywood_core::op::{Cumulation, Reduction};
use plywood_kernel::formulas::reduce;
use plywood_kernel::{Builder, Program, Type, Width, cast, math};

/// The programs of a kind of running reduction of one dtype.
pub struct Steps {
    /// What the lanes of a state hold.
    pub state: Vec<Type>,
    /// The state of no elements, by its bits.
    pub first: Vec<u64>,
    /// An element to the state of it alone.
    pub enter: Program,
    /// Two states in one, the earlier elements' first.
    pub join: Program,
    /// A state to a result.
    pub leave: Program,
}

/// The dtype that fills lanes of a type.
pub fn dtype(ty: Type) -> DType {
    match ty {
        Type::F32 => DType::F32,
        Type::I32 => DType::I32,
        Type::U32 => DType::U32,
        Type::F64 => DType::F64,
        Type::I64 => DType::I64,
        Type::U64 => DType::U64,
        Type::Mask => DType::Bool,
    }
}

impl Steps {
    /// Of a kind and the elements' dtype.
    pub fn new(kind: Cumulation, of: DType) -> Steps {
        match kind {
            Cumulation::Sum => Steps::reduction(Reduction::Sum, of),
            Cumulation::Prod => Steps::reduction(Reduction::Prod, of),
            Cumulation::Max => Steps::reduction(Reduction::Max, of),
            Cumulation::Min => Steps::reduction(Reduction::Min, of),
            Cumulation::LogSumExp => Steps::exponentials(of),
        }
    }

    fn reduction(kind: Reduction, of: DType) -> Steps {
        let width = Width::of(of);
        let lane = Type::of(of, width).expect("it is its own width");
        let extreme = matches!(kind, Reduction::Max | Reduction::Min);
        let state = if extreme && lane.is_float() { width.signed() } else { lane };
        // -0 + x is x, whatever its sign.
        let zero = 1 << (8 * width.bytes() - 1);
        let sum = kind == Reduction::Sum && lane.is_float();
        let first = if sum { zero } else { reduce::step(kind).identity(state) };
        let enter = {
            let b = Builder::new(width);
            let x = reduce::encode(kind, b.input(of));
            b.output(dtype(state), x);
            b.finish()
        };
        let join = {
            let b = Builder::new(width);
            let [old, new] = [(); 2].map(|()| b.input(dtype(state)));
            b.output(dtype(state), reduce::combine(kind, new, old));
            b.finish()
        };
        let leave = {
            let b = Builder::new(width);
            let all = reduce::decode(kind, of, b.input(dtype(state)));
            cast::output(&b, of, all);
            b.finish()
        };
        Steps { state: vec![state], first: vec![first], enter, join, leave }
    }

    fn exponentials(of: DType) -> Steps {
        let width = Width::of(of);
        let (float, none) = match width {
            Width::W32 => (DType::F32, f32::NEG_INFINITY.to_bits() as u64),
            Width::W64 => (DType::F64, f64::NEG_INFINITY.to_bits()),
        };
        let enter = {
            let b = Builder::new(width);
            let x = b.input(of);
            b.output(float, x);
            // e^-infinity adds nothing.
            b.output(float, x.eq(b.c(f64::NEG_INFINITY)).select(b.c(0.0), b.c(1.0)));
            b.finish()
        };
        let join = {
            let b = Builder::new(width);
            let [old, old_sum, new, new_sum] = [(); 4].map(|()| b.input(float));
            // NaN is above all.
            let first = old.gt(new) | old.is_nan();
            let (high, low) = (first.select(old, new), first.select(new, old));
            let (most, least) = (first.select(old_sum, new_sum), first.select(new_sum, old_sum));
            // Of equal infinities the difference is NaN.
            let power = low.eq(high).select(b.c(1.0), math::exp(low - high));
            let sum = least.fma(power, most);
            b.output(float, high);
            b.output(float, sum);
            b.finish()
        };
        let leave = {
            let b = Builder::new(width);
            let [high, sum] = [(); 2].map(|()| b.input(float));
            cast::output(&b, of, high + math::log(sum));
            b.finish()
        };
        Steps { state: vec![width.float(); 2], first: vec![none, 0], enter, join, leave }
    }
}
