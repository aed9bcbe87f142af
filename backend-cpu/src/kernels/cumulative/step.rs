//! What a running reduction keeps, and how it goes on.

use crate::math::Num;
use bytemuck::Pod;
use half::{bf16, f16};

/// A kind of running reduction of elements of type `T`. What is called in loops is inlined.
pub(super) trait Step<T: Pod>: Send + Sync {
    /// What is kept of the elements so far.
    type Sum: Pod + Send + Sync;
    /// Of no elements.
    const FIRST: Self::Sum;
    /// Nanoseconds an element.
    const WORK: f64 = 0.6;
    /// Whether a step costs more than waiting for the one before it.
    const COSTLY: bool = false;
    /// With another element.
    fn add(sum: Self::Sum, x: T) -> Self::Sum;
    /// Of the elements of both.
    fn join(a: Self::Sum, b: Self::Sum) -> Self::Sum;
    /// The result.
    fn give(sum: Self::Sum) -> T;
}

pub(super) struct Sum;
pub(super) struct Prod;
pub(super) struct Max;
pub(super) struct Min;
pub(super) struct LogSumExp;

/// A step that keeps a number of type `$Sum`.
macro_rules! steps { ($($Kind:ident $T:ty as $Sum:ty, $first:expr, $join:expr, $wide:expr, $narrow:expr;)*) => { $(
    impl Step<$T> for $Kind {
        type Sum = $Sum;
        const FIRST: $Sum = $first;
        #[inline(always)]
        fn add(sum: $Sum, x: $T) -> $Sum { $join(sum, $wide(x)) }
        #[inline(always)]
        fn join(a: $Sum, b: $Sum) -> $Sum { $join(a, b) }
        #[inline(always)]
        fn give(sum: $Sum) -> $T { $narrow(sum) }
    }
)* } }

/// Steps of one type, whose elements are themselves what is kept.
macro_rules! own { ($($T:ty)*) => { steps! { $(
    Max $T as $T, <$T as Num>::LOWEST, Num::max, |x| x, |x| x;
    Min $T as $T, <$T as Num>::HIGHEST, Num::min, |x| x, |x| x;
)* } } }
macro_rules! integers { ($($T:ty)*) => { steps! { $(
    Sum $T as $T, 0, <$T>::wrapping_add, |x| x, |x| x;
    Prod $T as $T, 1, <$T>::wrapping_mul, |x| x, |x| x;
)* } } }
own!(f64 f32 f16 bf16 i64 i32 i16 i8 u64 u32 u16 u8);
integers!(i64 i32 i16 i8 u64 u32 u16 u8);
// -0 is what a sum of nothing is: -0 + x is x, whatever its sign.
steps! {
    Sum f32 as f64, -0.0, |a: f64, b: f64| a + b, |x: f32| x as f64, |x: f64| x as f32;
    Sum f16 as f64, -0.0, |a: f64, b: f64| a + b, |x: f16| x.to_f32() as f64, |x: f64| f16::from_f32(x as f32);
    Sum bf16 as f64, -0.0, |a: f64, b: f64| a + b, |x: bf16| x.to_f32() as f64, |x: f64| bf16::from_f32(x as f32);
    Prod f64 as f64, 1.0, |a: f64, b: f64| a * b, |x| x, |x| x;
    Prod f32 as f64, 1.0, |a: f64, b: f64| a * b, |x: f32| x as f64, |x: f64| x as f32;
    Prod f16 as f64, 1.0, |a: f64, b: f64| a * b, |x: f16| x.to_f32() as f64, |x: f64| f16::from_f32(x as f32);
    Prod bf16 as f64, 1.0, |a: f64, b: f64| a * b, |x: bf16| x.to_f32() as f64, |x: f64| bf16::from_f32(x as f32);
}

/// A sum, and what its roundings have lost.
impl Step<f64> for Sum {
    type Sum = [f64; 2];
    const FIRST: [f64; 2] = [-0.0, -0.0];

    #[inline(always)]
    fn add([sum, lost]: [f64; 2], x: f64) -> [f64; 2] {
        // The rounding error of an addition is a float, and this is it.
        let total = sum + x;
        let part = total - sum;
        [total, lost + ((sum - (total - part)) + (x - part))]
    }

    #[inline(always)]
    fn join([sum, lost]: [f64; 2], [x, also]: [f64; 2]) -> [f64; 2] {
        let [total, lost] = Self::add([sum, lost], x);
        [total, lost + also]
    }

    #[inline(always)]
    fn give([sum, lost]: [f64; 2]) -> f64 {
        // Of an infinite sum the loss is NaN; of zeros it has no sign.
        let exact = sum + lost;
        if sum.is_finite() && lost != 0.0 { exact } else { sum }
    }
}

/// The largest, and the sum of e^(x - largest).
struct Exponentials;

impl Exponentials {
    const FIRST: [f64; 2] = [f64::NEG_INFINITY, 0.0];

    #[inline(always)]
    fn add([high, sum]: [f64; 2], x: f64) -> [f64; 2] {
        if x == f64::NEG_INFINITY {
            [high, sum]
        } else if x == high {
            [high, sum + 1.0]
        } else if x < high {
            [high, sum + (x - high).exp()]
        } else {
            // Larger, or NaN.
            [x, sum * (high - x).exp() + 1.0]
        }
    }

    #[inline(always)]
    fn join([a, sum]: [f64; 2], [b, other]: [f64; 2]) -> [f64; 2] {
        if a == f64::NEG_INFINITY {
            return [b, other];
        }
        let high = Num::max(a, b);
        let part = |x: f64, sum: f64| if x == high { sum } else { sum * (x - high).exp() };
        [high, part(a, sum) + part(b, other)]
    }

    #[inline(always)]
    fn give([high, sum]: [f64; 2]) -> f64 {
        high + sum.ln()
    }
}

macro_rules! exponentials { ($($T:ty, $wide:expr, $narrow:expr;)*) => { $(
    impl Step<$T> for LogSumExp {
        type Sum = [f64; 2];
        const FIRST: [f64; 2] = Exponentials::FIRST;
        const WORK: f64 = 15.0;
        const COSTLY: bool = true;
        #[inline(always)]
        fn add(sum: [f64; 2], x: $T) -> [f64; 2] { Exponentials::add(sum, $wide(x)) }
        #[inline(always)]
        fn join(a: [f64; 2], b: [f64; 2]) -> [f64; 2] { Exponentials::join(a, b) }
        #[inline(always)]
        fn give(sum: [f64; 2]) -> $T { $narrow(Exponentials::give(sum)) }
    }
)* } }
exponentials! {
    f64, |x| x, |x| x;
    f32, |x: f32| x as f64, |x: f64| x as f32;
    f16, |x: f16| x.to_f32() as f64, |x: f64| f16::from_f32(x as f32);
    bf16, |x: bf16| x.to_f32() as f64, |x: f64| bf16::from_f32(x as f32);
}
