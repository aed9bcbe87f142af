//! Functions of one operand: special values and numbers of all magnitudes, numbers where the function does something,
//! and smooth points for derivatives.

use super::{FLOATS, INTEGERS, elementwise};
use crate::data::{Numbers, fill, floats, mixed};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::Unary;
use plywood_core::{DType, Op};

/// Where a function is looked at.
struct Domain {
    /// Where it is neither constant nor infinite nor undefined.
    lively: (f64, f64),
    /// Intervals without kinks, poles, and extreme slopes; none where there is no derivative.
    smooth: &'static [(f64, f64)],
    /// How far results may be off.
    class: Class,
}

fn domain(f: Unary) -> Domain {
    let d = |lively, smooth, class| Domain { lively, smooth, class };
    let few = Class::Ulps(4);
    match f {
        Unary::Abs => d((-3.0, 3.0), &[(0.3, 2.0), (-2.0, -0.3)], Class::Exact),
        Unary::Neg => d((-3.0, 3.0), &[(-2.0, 2.0)], Class::Exact),
        Unary::Sign => d((-3.0, 3.0), &[(0.3, 2.0), (-2.0, -0.3)], Class::Exact),
        Unary::Square => d((-3.0, 3.0), &[(-2.0, 2.0)], Class::Exact),
        Unary::Floor | Unary::Ceil => d((-9.0, 9.0), &[(0.2, 0.8), (-1.8, -1.2)], Class::Exact),
        Unary::Round | Unary::RoundEven => d((-9.0, 9.0), &[(0.6, 1.4), (-1.4, -0.6)], Class::Exact),
        Unary::IsFinite => d((-9.0, 9.0), &[], Class::Exact),
        Unary::Exp => d((-90.0, 90.0), &[(-2.0, 2.0)], few),
        Unary::Exp2 => d((-140.0, 140.0), &[(-2.0, 2.0)], few),
        Unary::Expm1 => d((-2.0, 2.0), &[(-2.0, 2.0)], few),
        Unary::Log => d((0.0, 4.0), &[(0.4, 3.0)], few),
        Unary::Log1p => d((-1.0, 3.0), &[(-0.6, 2.0)], few),
        Unary::Sqrt => d((0.0, 9.0), &[(0.4, 3.0)], Class::Exact),
        Unary::Rsqrt => d((0.0, 9.0), &[(0.4, 3.0)], few),
        Unary::Cbrt => d((-9.0, 9.0), &[(0.4, 3.0), (-3.0, -0.4)], few),
        Unary::Sin | Unary::Cos => d((-20.0, 20.0), &[(-3.0, 3.0)], few),
        Unary::Tan => d((-20.0, 20.0), &[(-1.2, 1.2)], few),
        Unary::Asin | Unary::Acos => d((-1.0, 1.0), &[(-0.8, 0.8)], few),
        Unary::Atan => d((-4.0, 4.0), &[(-3.0, 3.0)], few),
        Unary::Sinh | Unary::Cosh => d((-9.0, 9.0), &[(-2.0, 2.0)], few),
        Unary::Tanh => d((-4.0, 4.0), &[(-2.0, 2.0)], few),
        Unary::Asinh => d((-9.0, 9.0), &[(-3.0, 3.0)], few),
        Unary::Acosh => d((1.0, 9.0), &[(1.4, 4.0)], few),
        Unary::Atanh => d((-1.0, 1.0), &[(-0.8, 0.8)], few),
        Unary::Logistic => d((-20.0, 20.0), &[(-3.0, 3.0)], few),
        Unary::Erf => d((-3.0, 3.0), &[(-2.0, 2.0)], few),
        Unary::Erfc => d((-6.0, 9.0), &[(-2.0, 2.0)], few),
        // Of negative numbers there are samples of their own: at zeros there it is exact in relation to 1.
        Unary::Lgamma => d((0.0, 9.0), &[(0.4, 3.0), (5.0, 9.0)], few),
        Unary::BesselI0e | Unary::BesselI1e => d((-20.0, 20.0), &[(0.3, 6.0), (-6.0, -0.3)], few),
        Unary::ErfInv => d((-1.0, 1.0), &[(-0.8, 0.8)], Class::Ulps(8)),
    }
}

/// Special values, all magnitudes, and the lively part; 97 in all for floats.
fn values(dtype: DType, name: &str, (low, high): (f64, f64)) -> Vec<Wide> {
    let mut all = mixed(dtype, name);
    if dtype.is_float() {
        let mut numbers = Numbers::of(name);
        while all.len() < 97 {
            all.push(Wide::Float(numbers.between(low, high)));
        }
    }
    all
}

pub(super) fn unary() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &f in Unary::ALL {
        let domain = domain(f);
        let name = f.name();
        for dtype in FLOATS {
            let mut values = values(dtype, name, domain.lively);
            if f == Unary::Lgamma {
                let negative = [-0.25, -0.75, -1.5, -2.5, -3.25, -4.75, -7.5, -10.25].map(Wide::Float);
                samples.push(
                    Sample::new(
                        format!("unary/lgamma {dtype} negative"),
                        Op::Unary(f),
                        [fill(dtype, [8], |i| negative[i])],
                    )
                    .class(Class::Norm(4)),
                );
                // Whole numbers, where it is infinite, stay.
                values.retain(|v| !matches!(v, Wide::Float(x) if *x < 0.0 && x.floor() != *x));
            }
            let name = format!("unary/{name} {dtype}");
            samples.extend(elementwise(&name, &Op::Unary(f), &[(dtype, &values)], domain.class));
            if !domain.smooth.is_empty() {
                let mut numbers = Numbers::of(f.name());
                let x = fill(dtype, [2, 3], |i| {
                    let (low, high) = domain.smooth[i % domain.smooth.len()];
                    Wide::Float(numbers.between(low, high))
                });
                samples.push(
                    Sample::new(format!("{name} smooth"), Op::Unary(f), [x]).class(domain.class).smooth(),
                );
            }
        }
        for dtype in INTEGERS.into_iter().filter(|_| f.takes_integers()) {
            let values = values(dtype, name, domain.lively);
            let name = format!("unary/{name} {dtype}");
            samples.extend(elementwise(&name, &Op::Unary(f), &[(dtype, &values)], domain.class));
        }
    }
    samples
}

pub(super) fn integer_pow() -> Vec<Sample> {
    let mut samples = Vec::new();
    for exponent in [-7, -2, -1, 0, 1, 2, 3, 5, 10, 31] {
        let op = Op::IntegerPow { exponent };
        let name = |dtype: DType| format!("integer_pow/{exponent} {dtype}");
        // A chain of products and one quotient; each product adds half a unit for each factor before it.
        let class = Class::Ulps(2 + 2 * exponent.unsigned_abs());
        for dtype in FLOATS {
            let mut values = values(dtype, "integer_pow", (-2.0, 2.0));
            // A negative power is the reciprocal of a positive one, as in XLA: where that overflows the result is 0,
            // though it would be a subnormal number. Not asked for.
            let (_, _, most) = crate::data::format(dtype);
            let subnormal = |x: f64| {
                let log = x.abs().log2() * exponent.unsigned_abs() as f64;
                log.is_finite() && log > (most - 1) as f64
            };
            values.retain(|v| exponent >= 0 || !matches!(v, Wide::Float(x) if subnormal(*x)));
            samples.extend(elementwise(&name(dtype), &op, &[(dtype, &values)], class));
            let x = floats(dtype, [2, 3], &[0.5, -0.75, 1.25, 1.0, -1.5, 0.875]);
            samples
                .push(Sample::new(format!("{} smooth", name(dtype)), op.clone(), [x]).class(class).smooth());
        }
        for dtype in INTEGERS.into_iter().filter(|_| exponent >= 0) {
            let values = mixed(dtype, "integer_pow");
            samples.extend(elementwise(&name(dtype), &op, &[(dtype, &values)], class));
        }
    }
    samples
}

pub(super) fn reduce_precision() -> Vec<Sample> {
    let mut samples = Vec::new();
    for (exponent_bits, mantissa_bits) in
        [(11, 52), (8, 23), (8, 7), (5, 10), (5, 2), (4, 3), (8, 0), (11, 4)]
    {
        for dtype in FLOATS {
            let op = Op::ReducePrecision { exponent_bits, mantissa_bits };
            let name = format!("reduce_precision/e{exponent_bits}m{mantissa_bits} {dtype}");
            let values = values(dtype, "reduce_precision", (-9.0, 9.0));
            samples.extend(elementwise(&name, &op, &[(dtype, &values)], Class::Exact));
            if (exponent_bits, mantissa_bits) == (11, 52) {
                let x = floats(dtype, [2, 3], &[0.5, -0.75, 1.25, 1.0, -1.5, 0.875]);
                samples.push(Sample::new(format!("{name} smooth"), op, [x]).smooth());
            }
        }
    }
    samples
}
