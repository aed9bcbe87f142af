//! erf, trigonometry and roots in f32 against f64: at most 2 ulp.
//!
//! A stride of all floats; `ULP_STRIDE=1 cargo test --release -p plywood-backend-cpu --test ulp_f32_trig` tries all.
#![allow(unsafe_code)]

mod ulp;

use plywood_backend_cpu::kernel::math;
use rayon::prelude::*;
use ulp::{Function, Ready, apart};

fn check(name: &str, function: ulp::Unary, right: impl Fn(&[f64]) -> Vec<f64> + Sync, limit: i128) {
    let stride: u64 = std::env::var("ULP_STRIDE").map_or(1009, |s| s.parse().expect("a number"));
    let ready = Ready::new::<f32>(Function::One(function));
    let block = 1 << 20;
    let worst = (0..(1u64 << 32).div_ceil(stride * block))
        .into_par_iter()
        .map(|i| {
            let first = i * stride * block;
            let bits = (0..block).map(|k| first + k * stride).take_while(|&bits| bits < 1 << 32);
            let x: Vec<f32> = bits.map(|bits| f32::from_bits(bits as u32)).collect();
            let y = ready.run(&[&x[..]]);
            let want = right(&x.iter().map(|&x| x as f64).collect::<Vec<_>>());
            let far = (0..x.len()).map(|k| (apart(y[k], want[k] as f32), k)).max().expect("not empty");
            let ulp = (0..x.len())
                .filter(|&k| {
                    want[k].is_finite() && (want[k] as f32).abs() >= f32::MIN_POSITIVE && y[k].is_finite()
                })
                .map(|k| {
                    let unit = 2f64.powi(((want[k].to_bits() >> 52) & 2047) as i32 - 1023 - 23);
                    ((y[k] as f64 - want[k]).abs() / unit, k)
                })
                .max_by(|a, b| a.0.total_cmp(&b.0))
                .map_or((0.0, 0.0), |(ulp, k)| (ulp, x[k]));
            (far.0, x[far.1], y[far.1], want[far.1], ulp)
        })
        .reduce(
            || (0, 0.0, 0.0, 0.0, (0.0, 0.0)),
            |a, b| {
                let ulp = if a.4.0 > b.4.0 { a.4 } else { b.4 };
                let (f, x, y, w, _) = if a.0 >= b.0 { a } else { b };
                (f, x, y, w, ulp)
            },
        );
    let (far, x, y, want, (ulp, at)) = worst;
    println!(
        "{name}: {} operations, {ulp:.3} ulp at {at:e}; {far} floats apart at {x:e}: {y:e}, {want:e}",
        ready.operations
    );
    assert!(far <= limit, "{name}({x:e}) is {y:e}, not {want:e}");
}

/// A function of f64 on slices.
fn each(f: impl Fn(f64) -> f64 + Sync) -> impl Fn(&[f64]) -> Vec<f64> + Sync {
    move |x| x.iter().map(|&x| f(x)).collect()
}

#[test]
fn sin() {
    check("sin", math::sin, each(f64::sin), 2);
}

#[test]
fn cos() {
    check("cos", math::cos, each(f64::cos), 2);
}

#[test]
fn tan() {
    check("tan", math::tan, each(f64::tan), 2);
}

#[test]
fn asin() {
    check("asin", math::asin, each(f64::asin), 2);
}

#[test]
fn acos() {
    check("acos", math::acos, each(f64::acos), 2);
}

#[test]
fn atan() {
    check("atan", math::atan, each(f64::atan), 2);
}

#[test]
fn erf() {
    check("erf", math::erf, each(libm::erf), 2);
}

#[test]
fn erf_inv() {
    let wide = Ready::new::<f64>(Function::One(math::erf_inv));
    check("erf_inv", math::erf_inv, |x| wide.run(&[x]), 2);
}

#[test]
fn rsqrt() {
    check("rsqrt", math::rsqrt, each(|x| 1.0 / x.sqrt()), 2);
}

#[test]
fn cbrt() {
    check("cbrt", math::cbrt, each(f64::cbrt), 2);
}
