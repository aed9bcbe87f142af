//! The gamma function's relatives of one operand: log Γ(1 + x), digamma, polygamma; and what series are made of.

use super::tables::{BERNOULLI, DIGAMMA_AT_ZERO, DIGAMMA_ZERO, ZETA_TAIL};
use std::f64::consts::PI;

/// Euler's constant.
const GAMMA: f64 = 0.577_215_664_901_532_9;
/// From here on series by 1/x are used.
const LARGE: f64 = 10.0;

/// A polynomial, coefficients from the lowest order.
pub(super) fn poly(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |p, &c| p.mul_add(x, c))
}

pub(super) fn factorial(n: usize) -> f64 {
    (1..=n).map(|k| k as f64).product()
}

/// log Γ(1 + x) for x from -1/2 to 3/2; where it is small, in relation to it.
pub(super) fn lgamma1p(x: f64) -> f64 {
    let near = |t: f64| t * (1.0 - GAMMA + t * poly(t, &ZETA_TAIL)); // log Γ(2 + t)
    if x > 0.5 { near(x - 1.0) } else { near(x) - x.ln_1p() }
}

/// Γ(x) for x from 0 to 25.
pub(super) fn gamma(mut x: f64) -> f64 {
    if x < 0.5 {
        return lgamma1p(x).exp() / x;
    }
    let mut product = 1.0;
    while x > 2.5 {
        x -= 1.0;
        product *= x;
    }
    product * lgamma1p(x - 1.0).exp()
}

/// log Γ(x) of x from 0 on.
pub(crate) fn lgamma(x: f64) -> f64 {
    match x {
        x if x < 0.5 => lgamma1p(x) - x.ln(),
        x if x < 2.5 => lgamma1p(x - 1.0),
        x if x < LARGE => gamma(x).ln(),
        x => (x - 0.5) * x.ln() - x + 0.5 * (2.0 * PI).ln() + stirling(x),
    }
}

/// log Γ(x) - (x - 1/2) log x + x - log(2π) / 2, for x from [`LARGE`] on.
pub(super) fn stirling(x: f64) -> f64 {
    let square = 1.0 / (x * x);
    let term = |j: usize| BERNOULLI[j] / ((2 * j + 2) * (2 * j + 1)) as f64;
    (0..9).rev().fold(0.0, |sum, j| sum * square + term(j)) / x
}

/// ψ(x) - log x for x from [`LARGE`] on.
pub(super) fn digamma_less_log(x: f64) -> f64 {
    let square = 1.0 / (x * x);
    let sum = (0..9).rev().fold(0.0, |sum, j| sum * square + BERNOULLI[j] / (2 * j + 2) as f64);
    -0.5 / x - sum * square
}

/// ψ(x).
pub(super) fn digamma(x: f64) -> f64 {
    if x.is_nan() || x == f64::INFINITY {
        return x;
    }
    if x <= 0.0 {
        if x.floor() == x {
            return f64::NAN;
        }
        return digamma(1.0 - x) - PI * cot_pi(x);
    }
    let from_zero = (x - DIGAMMA_ZERO[0]) - DIGAMMA_ZERO[1];
    if from_zero.abs() < 0.54 {
        return from_zero * poly(from_zero, &DIGAMMA_AT_ZERO);
    }
    // One step leads there.
    if x < 1.0 {
        return digamma(x + 1.0) - 1.0 / x;
    }
    if x < 2.9 {
        return digamma(x - 1.0) + 1.0 / (x - 1.0);
    }
    let (mut x, mut less) = (x, 0.0);
    while x < LARGE {
        less += 1.0 / x;
        x += 1.0;
    }
    x.ln() + digamma_less_log(x) - less
}

/// cot(π x), of numbers that are not whole.
fn cot_pi(x: f64) -> f64 {
    let r = x - x.round();
    if r.abs() == 0.5 {
        0.0
    } else if r.abs() > 0.25 {
        ((0.5 - r.abs()) * PI).tan().copysign(r)
    } else {
        1.0 / (r * PI).tan()
    }
}

/// x^s ζ(s, x), the sum of (1 + k / x)^-s over k from 0 on, for x > 0 and s > 1: Euler and Maclaurin's.
fn scaled_zeta(s: f64, x: f64) -> f64 {
    let whole =
        if s < 60.0 { (LARGE + s / 2.0 - x).ceil().max(0.0) } else { (LARGE + s - x).ceil().max(0.0) };
    let power = |k: f64| (-s * (k / x).ln_1p()).exp();
    let (mut sum, mut k) = (0.0, 0.0);
    while k < whole {
        let term = power(k);
        if k > 0.0 && term < sum * 1e-18 {
            return sum;
        }
        sum += term;
        k += 1.0;
    }
    let (end, at) = (power(k), x + k);
    // at^-s (at / (s - 1) + 1/2 + Σ B_2j / (2j)! s (s+1) .. (s+2j-2) / at^(2j-1)).
    let mut tail = at / (s - 1.0) + 0.5;
    let mut factor = s / at;
    let mut fact = 2.0;
    for (j, b) in BERNOULLI.iter().enumerate() {
        let term = factor * b / fact;
        tail += term;
        if term.abs() < tail * 1e-18 {
            break;
        }
        let m = (2 * j + 1) as f64;
        factor *= (s + m) * (s + m + 1.0) / (at * at);
        fact *= (m + 2.0) * (m + 3.0);
    }
    sum + end * tail
}

/// The n-th derivative of ψ.
pub(super) fn polygamma(n: usize, x: f64) -> f64 {
    if n == 0 {
        return digamma(x);
    }
    let odd = n % 2 == 1;
    let sign = if odd { 1.0 } else { -1.0 };
    if x.is_nan() {
        return x;
    }
    if x == f64::INFINITY {
        return sign * 0.0;
    }
    if x <= 0.0 {
        if x.floor() == x {
            return if odd { f64::INFINITY } else { f64::NAN };
        }
        // ψₙ(1 - x) - (-1)ⁿ ψₙ(x) = (-1)ⁿ π dⁿ/dxⁿ cot(π x).
        let reflected = polygamma(n, 1.0 - x);
        return if odd { -reflected } else { reflected } - PI * cot_pi_derivative(n, x);
    }
    let s = (n + 1) as f64;
    let zeta = scaled_zeta(s, x);
    let direct = factorial(n) * x.powf(-s);
    if direct.is_normal() {
        return sign * direct * zeta;
    }
    // n! alone, or the power alone, is no number.
    let log = (s - 0.5) * s.ln() - s + 0.5 * (2.0 * PI).ln() + stirling(s.max(LARGE)) - s * x.ln();
    sign * if n < 30 { direct * zeta } else { (log + zeta.ln()).exp() }
}

/// dⁿ/dxⁿ cot(π x): the power series of c, with c' = -π (1 + c²).
fn cot_pi_derivative(n: usize, x: f64) -> f64 {
    let mut c = vec![cot_pi(x)];
    for k in 0..n {
        let square: f64 = (0..=k).map(|i| c[i] * c[k - i]).sum();
        c.push(-PI * (square + f64::from(u8::from(k == 0))) / (k + 1) as f64);
    }
    c[n] * factorial(n)
}

/// erfc(x) of a number from -∞ to ∞, within a few units in the last place.
pub(super) fn erfc(x: f64) -> f64 {
    match x {
        x if x > 27.3 => 0.0,
        x if x < -6.0 => 2.0,
        x if x < 0.0 => 1.0 + super::igamma::lower(0.5, x * x),
        x => super::igamma::upper(0.5, x * x),
    }
}

/// x - log(1 + x), exact near 0.
pub(super) fn less_log1p(x: f64) -> f64 {
    if !(-0.4..0.6).contains(&x) {
        return x - x.ln_1p();
    }
    let s = x / (2.0 + x);
    let square = s * s;
    // log(1 + x) = 2 (s + s³/3 + s⁵/5 + ..), and x - 2 s = x s.
    let tail = (0..20).rev().fold(0.0, |sum, k| sum * square + 1.0 / (2 * k + 3) as f64);
    s * (x - 2.0 * square * tail)
}
