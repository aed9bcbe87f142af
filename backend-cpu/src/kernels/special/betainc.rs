//! The regularised incomplete beta function and its derivatives by all operands.
//!
//! The continued fraction DLMF 8.17.22 on the side of the mean where it converges, and the power series where b is small;
//! for a and b beyond 3·10^8 the uniform expansion DLMF 8.18.9, whose second term is lost there. Derivatives by a and b
//! are the same in power series of them; those by x are polynomials times the density.

use super::gamma::{digamma, digamma_less_log, erfc, factorial, gamma, less_log1p, polygamma, stirling};
use super::igamma::exp_series;
use super::jet::{Jet, alternating};
use std::f64::consts::PI;

/// From here on series by 1/a are used.
const LARGE: f64 = 10.0;
/// Most terms of a continued fraction; of operands that take more there is no result.
const MOST: usize = 50_000_000;

/// The derivative of orders A - 1 by a, B - 1 by b, and `by_x` by x.
pub(super) fn derivative<const A: usize, const B: usize>(a: f64, b: f64, x: f64, by_x: usize) -> f64 {
    let value = A == 1 && B == 1 && by_x == 0;
    if a.is_nan() || b.is_nan() || !(0.0..=1.0).contains(&x) || a < 0.0 || b < 0.0 {
        return f64::NAN;
    }
    if a == 0.0 || b == 0.0 || a.is_infinite() || b.is_infinite() {
        let both = (a == 0.0 && b == 0.0) || (a.is_infinite() && b.is_infinite());
        return match value && !both {
            // All weight lies at an end.
            true if a == 0.0 || b.is_infinite() => f64::from(u8::from(x > 0.0 || a == 0.0)),
            true => f64::from(u8::from(x >= 1.0)),
            false => f64::NAN,
        };
    }
    if by_x > 0 {
        return density::<A, B>(a, b, x, by_x - 1);
    }
    if x == 0.0 || x == 1.0 {
        return if value { x } else { 0.0 };
    }
    let y = 1.0 - x;
    let direct = (b * x <= 1.0 && (x <= 0.95 || (b < 0.1 && x <= 0.995))).then(|| series::<A, B>(a, b, x, y));
    if let Some(sum) = direct {
        return sum.last();
    }
    if a.min(b) > 3e8 && value {
        return far(a, b, x, y);
    }
    if x <= (a + 1.0) / (a + b + 2.0) {
        return fraction::<A, B>(a, b, x, y).last();
    }
    // 1 - I of the other side, whose first operand is b.
    let other = if a * y <= 1.0 { series::<B, A>(b, a, y, x) } else { fraction::<B, A>(b, a, y, x) };
    if value { 1.0 - other.last() } else { -other.last() }
}

/// x^a y^b / (a B(a, b)), where x + y = 1. Of small operands the factors of Γ that have poles at 0 are taken out, so that
/// derivatives do not cancel there.
fn prefix<const A: usize, const B: usize>(a: f64, b: f64, x: f64, y: f64) -> Jet<A, B> {
    // How far x is from the mean: the ratios of x and y to a / (a + b) and b / (a + b), less 1. The product that cancels
    // is fused.
    let product = a * y;
    let miss = x.mul_add(b, -product) - a.mul_add(y, -product);
    let (u, v, total) = (miss / a, -miss / b, a + b);
    let log_ratio = |u: f64, ratio: f64| if u.abs() < 0.5 { u.ln_1p() } else { ratio.ln() };
    let (log_u, log_v) = (log_ratio(u, x * (total / a)), log_ratio(v, y * (total / b)));
    let value = match (a < LARGE, b < LARGE) {
        (false, false) => {
            let exponent = -(a * less_log1p(u)) - b * less_log1p(v);
            let rest = stirling(total) - stirling(a) - stirling(b);
            (exponent + rest).exp() * (a / total * (b / (2.0 * PI))).sqrt()
        }
        (false, true) => mixed(a, b, y, log_u),
        (true, false) => mixed(b, a, x, log_v),
        (true, true) => x.powf(a) * y.powf(b) * gamma(total + 1.0) / gamma(a + 1.0) / gamma(b + 1.0),
    };
    let at = |z: f64| if z < LARGE { z + 1.0 } else { z };
    let at_total = if a < LARGE && b < LARGE { total + 1.0 } else { total };
    let less = digamma_less_log;
    let by_a = match a < LARGE {
        true => x.ln() - digamma(a + 1.0) + digamma(at_total),
        false => log_u + (less(total) - less(a)),
    };
    let by_b = match b < LARGE {
        true => y.ln() - digamma(b + 1.0) + digamma(at_total),
        false => log_v + (less(total) - less(b)),
    };
    let log = Jet::<A, B>::from_fn(|i, j| {
        if (i, j) == (0, 0) {
            return 0.0;
        }
        if (i, j) == (1, 0) {
            return by_a;
        }
        if (i, j) == (0, 1) {
            return by_b;
        }
        let joint = polygamma(i + j - 1, at_total) / (factorial(i) * factorial(j));
        let own = match (i, j) {
            (i, 0) => polygamma(i - 1, at(a)) / factorial(i),
            (0, j) => polygamma(j - 1, at(b)) / factorial(j),
            _ => 0.0,
        };
        joint - own
    });
    let core = log.exp_of_rest(value);
    match (a < LARGE, b < LARGE) {
        (false, false) => core.over(a, 1.0, 0.0),
        (false, true) => (core * Jet::linear(b, 0.0, 1.0)).over(a, 1.0, 0.0),
        (true, false) => core,
        (true, true) => (core * Jet::linear(b, 0.0, 1.0)).over(total, 1.0, 1.0),
    }
}

/// x^a y^b / (b B(a, b)) where a is large and b is not; `log_u` is log(x (a + b) / a).
fn mixed(a: f64, b: f64, y: f64, log_u: f64) -> f64 {
    let total = a + b;
    let exponent = a * log_u - 0.5 * (b / a).ln_1p() - b + (stirling(total) - stirling(a));
    exponent.exp() * (y * total).powf(b) / gamma(b + 1.0)
}

/// x^a / (a B(a, b)) (1 + a Σ (1 - b) .. (n - b) / n! x^n / (a + n)) over n from 1 on.
fn series<const A: usize, const B: usize>(a: f64, b: f64, x: f64, y: f64) -> Jet<A, B> {
    let mut term = Jet::<A, B>::of(1.0);
    let mut sum = Jet::<A, B>::of(0.0);
    for n in 1..20_000 {
        let n = n as f64;
        term = term * Jet::linear(n - b, 0.0, -1.0) * (x / n);
        let next = term.over(a + n, 1.0, 0.0);
        sum = sum + next;
        if next.is_lost_in(&sum) {
            break;
        }
    }
    // Without y^b: the exponent less b log y.
    let power = Jet::<A, B>::linear(0.0, 0.0, -y.ln()).exp_of_rest(y.powf(-b));
    let mut all = sum * Jet::linear(a, 1.0, 0.0);
    all.0[0][0] += 1.0;
    prefix(a, b, x, y) * power * all
}

/// The n-th numerator of the continued fraction, n from 1 on.
fn numerator<const A: usize, const B: usize>(n: usize, a: f64, b: f64, x: f64) -> Jet<A, B> {
    let m = (n / 2) as f64;
    if n.is_multiple_of(2) {
        let over = Jet::linear(b - m, 0.0, 1.0) * (-m * x);
        return -over.over(a + 2.0 * m - 1.0, 1.0, 0.0).over(a + 2.0 * m, 1.0, 0.0);
    }
    let over = Jet::linear(a + m, 1.0, 0.0) * Jet::linear(a + b + m, 1.0, 1.0) * -x;
    over.over(a + 2.0 * m, 1.0, 0.0).over(a + 2.0 * m + 1.0, 1.0, 0.0)
}

/// x^a y^b / (a B(a, b)) / (1 + d₁ / (1 + d₂ / (1 + ..))).
fn fraction<const A: usize, const B: usize>(a: f64, b: f64, x: f64, y: f64) -> Jet<A, B> {
    // How many terms: Lentz's method tells, and derivatives take some more.
    let number = |n: usize| numerator::<1, 1>(n, a, b, x).value();
    let (mut c, mut d, mut terms) = (1.0, 0.0, 0);
    loop {
        terms += 1;
        if terms > MOST {
            return Jet::of(f64::NAN);
        }
        let over = number(terms);
        d = 1.0 / (1.0 + over * d);
        c = 1.0 + over / c;
        if (c * d - 1.0).abs() < f64::EPSILON && terms > 2 {
            break;
        }
    }
    if A + B > 2 {
        terms += terms / 2 + 10;
    }
    let mut rest = Jet::<A, B>::of(1.0);
    for n in (1..=terms).rev() {
        rest = numerator(n, a, b, x) * rest.recip();
        rest.0[0][0] += 1.0;
    }
    prefix(a, b, x, y) * rest.recip()
}

/// Of very large a and b.
fn far(a: f64, b: f64, x: f64, y: f64) -> f64 {
    let total = a + b;
    let product = a * y;
    let miss = x.mul_add(b, -product) - a.mul_add(y, -product);
    let (u, v, mean) = (miss / a, -miss / b, a / total);
    // (a + b) η² / 2.
    let exponent = a * less_log1p(u) + b * less_log1p(v);
    if !exponent.is_finite() {
        return f64::from(u8::from(miss > 0.0));
    }
    let spread = (mean * (b / total)).sqrt();
    let eta = (2.0 * exponent / total).sqrt().copysign(miss);
    // 1/η - √(x₀ (1 - x₀)) / (x - x₀), whose limit is known.
    let distance = miss / total;
    let c =
        if eta.abs() < 1e-7 { (1.0 - 2.0 * mean) / (3.0 * spread) } else { 1.0 / eta - spread / distance };
    0.5 * erfc(-exponent.sqrt().copysign(miss)) + (-exponent).exp() / (2.0 * PI * total).sqrt() * c
}

/// The derivative of x^(a-1) (1 - x)^(b-1) / B(a, b) of orders A - 1 by a, B - 1 by b and `m` by x.
fn density<const A: usize, const B: usize>(a: f64, b: f64, x: f64, m: usize) -> f64 {
    if x == 0.0 || x == 1.0 {
        let (power, other) = if x == 0.0 { (a, b) } else { (b, a) };
        return match power - 1.0 - m as f64 {
            rest if rest > 0.0 => 0.0,
            // The least power of x is x^0: 1 / B(1, b) = b.
            rest if rest == 0.0 && A == 1 && B == 1 && m == 0 => other,
            rest if m == 0 && rest < 0.0 && A == 1 && B == 1 => f64::INFINITY,
            _ => f64::NAN,
        };
    }
    let y = 1.0 - x;
    let p = prefix::<A, B>(a, b, x, y) * Jet::linear(a, 1.0, 0.0);
    if p.value() == 0.0 {
        return 0.0;
    }
    // The logarithm as a power series of x.
    let log = |k: usize| {
        let scale = 1.0 / k as f64;
        let of_a = -alternating(k) * scale / x.powi(k as i32);
        let of_b = -scale / y.powi(k as i32);
        let value = match k {
            1 => ((a - 1.0) * y - (b - 1.0) * x) / (x * y),
            _ => (a - 1.0) * of_a + (b - 1.0) * of_b,
        };
        Jet::linear(value, of_a, of_b)
    };
    (p * exp_series(m, log) * (1.0 / (x * y))).last()
}
