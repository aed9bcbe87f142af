//! Every function of one operand, of every dtype, on every kind of view, against a naive loop; and at the edges.

mod common;

use common::*;
use plywood_core::half::{bf16, f16};
use plywood_core::op::Unary;
use plywood_core::{DType, Op};
use std::collections::HashMap;

/// The integral that defines it, by Simpson's rule.
fn erf(x: f64) -> f64 {
    let (n, f) = (8000, |t: f64| (-t * t).exp());
    let h = x / n as f64;
    let inner: f64 = (1..n).map(|i| if i % 2 == 1 { 4.0 } else { 2.0 } * f(i as f64 * h)).sum();
    (f(0.0) + inner + f(x)) * h / 3.0 * 2.0 / std::f64::consts::PI.sqrt()
}

fn erf_inv(y: f64) -> f64 {
    if y.is_nan() || y.abs() > 1.0 {
        return f64::NAN;
    }
    if y.abs() == 1.0 {
        return y * f64::INFINITY;
    }
    let (mut low, mut high) = (-6.0, 6.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if libm::erf(middle) < y { low = middle } else { high = middle }
    }
    if y == 0.0 { 0.0 } else { low }
}

/// e^-|x| I_n(x): the integral over [0, π] of e^(x cos t - |x|) cos(n t) / π, by the trapezoidal rule.
fn bessel(n: i32, x: f64) -> f64 {
    if x == 0.0 {
        return f64::from(1 - n);
    }
    let steps = 400;
    let f = |t: f64| (x * t.cos() - x.abs()).exp() * (f64::from(n) * t).cos();
    let h = std::f64::consts::PI / f64::from(steps);
    let inner: f64 = (1..steps).map(|i| f(f64::from(i) * h)).sum();
    (inner + 0.5 * (f(0.0) + f(std::f64::consts::PI))) / f64::from(steps)
}

fn unary(op: Unary, x: f64) -> f64 {
    match op {
        Unary::Abs => x.abs(),
        Unary::Neg => -x,
        Unary::Sign => {
            if x == 0.0 || x.is_nan() {
                x
            } else {
                x.signum()
            }
        }
        Unary::Square => x * x,
        Unary::Floor => x.floor(),
        Unary::Ceil => x.ceil(),
        Unary::Round => (x.abs() + 0.5).floor() * x.signum(),
        Unary::RoundEven => {
            let down = x.floor();
            if x - down > 0.5 || (x - down == 0.5 && down % 2.0 != 0.0) { down + 1.0 } else { down }
        }
        Unary::IsFinite => x.is_finite() as u8 as f64,
        Unary::Exp => x.exp(),
        Unary::Exp2 => 2f64.powf(x),
        Unary::Expm1 => x.exp_m1(),
        Unary::Log => x.ln(),
        Unary::Log1p => x.ln_1p(),
        Unary::Sqrt => x.sqrt(),
        Unary::Rsqrt => x.powf(-0.5),
        Unary::Cbrt => x.abs().powf(1.0 / 3.0) * x.signum(),
        Unary::Sin => x.sin(),
        Unary::Cos => x.cos(),
        Unary::Tan => x.sin() / x.cos(),
        Unary::Asin => x.asin(),
        Unary::Acos => x.acos(),
        Unary::Atan => x.atan(),
        Unary::Sinh => x.sinh(),
        Unary::Cosh => x.cosh(),
        Unary::Tanh => x.tanh(),
        Unary::Asinh => x.asinh(),
        Unary::Acosh => x.acosh(),
        Unary::Atanh => x.atanh(),
        Unary::Logistic => 1.0 / (1.0 + (-x).exp()),
        Unary::Erf => erf(x),
        Unary::ErfInv => erf_inv(x),
        Unary::Erfc => libm::erfc(x),
        Unary::Lgamma if x <= 0.0 && x.floor() == x => f64::INFINITY,
        Unary::Lgamma => libm::lgamma(x),
        Unary::BesselI0e => bessel(0, x),
        Unary::BesselI1e => bessel(1, x),
    }
}

#[test]
fn unary_functions_of_every_dtype_and_view() {
    for &op in Unary::ALL {
        let mut known = HashMap::new();
        for dtype in DType::ALL {
            if !(dtype.is_float() || (op.takes_integers() && dtype.is_integer())) {
                continue;
            }
            // Simpson's rule and bisection are not as good as the functions; and small results of f16 have few digits.
            let oracle = match op {
                // At zeros of negative numbers.
                Unary::Lgamma if dtype == DType::F32 => 1e-4,
                Unary::Erf | Unary::ErfInv | Unary::Lgamma | Unary::BesselI0e | Unary::BesselI1e => 1e-12,
                Unary::Erfc if dtype == DType::F16 => 3e-3,
                _ => 0.0,
            };
            for shape in shapes() {
                for (view, x) in views(dtype, &shape) {
                    let (input, y) = (numbers(&x), apply(Op::Unary(op), &[&x]));
                    let wanted = input.iter().map(|&x| {
                        let y = *known.entry(x.to_bits()).or_insert_with(|| unary(op, x));
                        // Where f16 has few digits, the nearest of its numbers.
                        if op == Unary::Erfc && dtype == DType::F16 { f16::from_f64(y).to_f64() } else { y }
                    });
                    let want: Vec<f64> = match dtype.is_unsigned() && op == Unary::Neg {
                        true => wanted.map(|x| x.rem_euclid(2f64.powi(dtype.bits() as i32))).collect(),
                        false => wanted.collect(),
                    };
                    let what = format!("{} of {view} {}", op.name(), x.ty());
                    assert_close(&numbers(&y), &want, tolerance(dtype) + oracle, &what);
                }
            }
        }
    }
}

#[test]
fn unary_functions_at_the_edges() {
    let (inf, nan) = (f32::INFINITY, f32::NAN);
    let tiny = f32::from_bits(1);
    let cases: [(Unary, &[(f32, f32)]); 23] = [
        (Unary::Erfc, &[(inf, 0.0), (-inf, 2.0), (nan, nan), (9.0, 4.137_032e-37)]),
        (Unary::Lgamma, &[(0.0, inf), (-2.0, inf), (-inf, inf), (inf, inf), (nan, nan), (-0.5, 1.265_512_1)]),
        (Unary::BesselI0e, &[(inf, 0.0), (-inf, 0.0), (nan, nan), (0.0, 1.0)]),
        (Unary::BesselI1e, &[(inf, 0.0), (-inf, -0.0), (nan, nan), (-0.0, -0.0)]),
        (Unary::Sign, &[(nan, nan), (-0.0, -0.0), (-inf, -1.0), (tiny, 1.0)]),
        (Unary::Round, &[(0.5, 1.0), (-0.5, -1.0), (2.5, 3.0), (0.499_999_97, 0.0), (inf, inf)]),
        (Unary::RoundEven, &[(0.5, 0.0), (1.5, 2.0), (2.5, 2.0), (-2.5, -2.0)]),
        (Unary::IsFinite, &[(inf, 0.0), (nan, 0.0), (f32::MAX, 1.0)]),
        (Unary::Exp, &[(-inf, 0.0), (inf, inf), (89.0, inf), (0.0, 1.0)]),
        (Unary::Expm1, &[(1e-10, 1e-10), (-inf, -1.0)]),
        (Unary::Log, &[(0.0, -inf), (-1.0, nan), (inf, inf)]),
        (Unary::Log1p, &[(1e-10, 1e-10), (-1.0, -inf)]),
        (Unary::Sqrt, &[(-1.0, nan), (-0.0, -0.0)]),
        (Unary::Rsqrt, &[(0.0, inf), (4.0, 0.5), (inf, 0.0)]),
        (Unary::Cbrt, &[(-27.0, -3.0)]),
        (Unary::Tanh, &[(50.0, 1.0), (-inf, -1.0), (1e-20, 1e-20)]),
        (Unary::Asinh, &[(1e-20, 1e-20), (-inf, -inf), (3e38, 89.289_99)]),
        (
            Unary::Acosh,
            &[
                (0.5, nan),
                (-1.0, nan),
                (-16.0, nan),
                (-1234.0, nan),
                (-inf, nan),
                (nan, nan),
                (1.0, 0.0),
                (3e38, 89.289_99),
            ],
        ),
        (Unary::Atanh, &[(1.0, inf), (2.0, nan), (1e-20, 1e-20)]),
        (Unary::Logistic, &[(-inf, 0.0), (inf, 1.0), (-100.0, 3.783_5e-44), (200.0, 1.0), (nan, nan)]),
        (Unary::Erf, &[(inf, 1.0), (-inf, -1.0), (1e-20, 1.128_379_2e-20), (nan, nan)]),
        (Unary::ErfInv, &[(1.0, inf), (-1.0, -inf), (1.1, nan), (0.5, 0.476_936_28)]),
        (Unary::Abs, &[(-0.0, 0.0), (-inf, inf), (nan, nan)]),
    ];
    for (op, pairs) in cases {
        let x: Vec<f32> = pairs.iter().map(|p| p.0).collect();
        let y = elements::<f32>(&apply(Op::Unary(op), &[&value(&x, &[x.len()])]));
        for (&(x, want), got) in pairs.iter().zip(y) {
            let fits = close(got as f64, want as f64, 3e-7)
                && (want != 0.0 || got.is_sign_negative() == want.is_sign_negative());
            assert!(fits, "{} of {x:?} is {got:?}, not {want:?}", op.name());
        }
    }
    let x = value(&[i8::MIN, -3, 0, 5], &[4]);
    assert_eq!(apply(Op::Unary(Unary::Abs), &[&x]).to_vec::<i8>(), [i8::MIN, 3, 0, 5]);
    assert_eq!(apply(Op::Unary(Unary::Neg), &[&x]).to_vec::<i8>(), [i8::MIN, 3, 0, -5]);
    assert_eq!(apply(Op::Unary(Unary::Square), &[&x]).to_vec::<i8>(), [0, 9, 0, 25]);
    assert_eq!(apply(Op::Unary(Unary::Sign), &[&value(&[0u64, u64::MAX], &[2])]).to_vec::<u64>(), [0, 1]);
}

#[test]
fn integer_powers() {
    let x = value(&[-2f32, 0.0, 0.5, 3.0], &[4]);
    let cases: [(i32, [f32; 4]); 5] = [
        (0, [1.0, 1.0, 1.0, 1.0]),
        (1, [-2.0, 0.0, 0.5, 3.0]),
        (2, [4.0, 0.0, 0.25, 9.0]),
        (5, [-32.0, 0.0, 0.03125, 243.0]),
        (-2, [0.25, f32::INFINITY, 4.0, 1.0 / 9.0]),
    ];
    for (exponent, want) in cases {
        assert_eq!(apply(Op::IntegerPow { exponent }, &[&x]).to_vec::<f32>(), want, "{exponent}");
    }
    let bytes = value(&[3u8, 2, 255], &[3]);
    assert_eq!(apply(Op::IntegerPow { exponent: 9 }, &[&bytes]).to_vec::<u8>(), [227, 0, 255]);
    let half = value(&[bf16::from_f32(1.5)], &[]);
    assert_eq!(apply(Op::IntegerPow { exponent: 3 }, &[&half]).item::<bf16>(), bf16::from_f32(3.375));
}

#[test]
fn reduced_precision_rounds_as_the_format_does() {
    let x: Vec<f32> = (0..2000)
        .map(|i| f32::from_bits((i as u32).wrapping_mul(2_147_483_659) ^ 0x3f80_1234))
        .chain([0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, 65519.9, 65520.0, 1e-6])
        .collect();
    let y = |exponent_bits, mantissa_bits| {
        let op = Op::ReducePrecision { exponent_bits, mantissa_bits };
        apply(op, &[&value(&x, &[x.len()])]).to_vec::<f32>()
    };
    for ((x, half), brain) in x.iter().zip(y(5, 10)).zip(y(8, 7)) {
        let want = f16::from_f32(*x);
        // The format's subnormals become zero.
        let want = if want.is_normal() || !want.is_finite() { want.to_f32() } else { 0f32.copysign(*x) };
        let rounds_up = want == 0.0 && half.abs() == f16::MIN_POSITIVE.to_f32();
        assert!(close(half as f64, want as f64, 0.0) || rounds_up, "f16 {x:?}: {half:?}");
        let want = bf16::from_f32(*x);
        assert!(close(brain as f64, want.to_f32() as f64, 0.0) || want.to_f32().abs() < f32::MIN_POSITIVE);
    }
    assert!(y(8, 23).iter().zip(&x).all(|(a, b)| a.to_bits() == b.to_bits()));
    let op = Op::ReducePrecision { exponent_bits: 3, mantissa_bits: 1 };
    let few = [1.2, 1.25, 1.75, 13.0, 14.0, 0.2, 0.25, -100.0];
    let want = [1.0, 1.0, 2.0, 12.0, f64::INFINITY, 0.0, 0.25, f64::NEG_INFINITY];
    assert_eq!(apply(op, &[&of(DType::F64, &few, &[8])]).to_vec::<f64>(), want);
}
