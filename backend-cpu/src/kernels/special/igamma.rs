//! The regularised incomplete gamma functions and their derivatives by both operands.
//!
//! P is the power series and Q the continued fraction (DLMF 8.7.1, 8.9.2); near x = a, for large a, both are Temme's
//! uniform expansion (DLMF 8.12), and Q of a small a is a series that does not take 1 from P. Derivatives by a are the
//! same algorithms in power series of a; those by x are polynomials times the density.

use super::gamma::{
    digamma, digamma_less_log, erfc, factorial, gamma, less_log1p, lgamma1p, polygamma, stirling,
};
use super::jet::{Jet, alternating};
use super::tables::{ETA, TEMME};
use std::f64::consts::PI;

/// From here on series by 1/a are used.
const LARGE: f64 = 10.0;

/// P or Q, and which.
enum Part<const N: usize> {
    Lower(Jet<N, 1>),
    Upper(Jet<N, 1>),
}

/// P(a, x).
pub(super) fn lower(a: f64, x: f64) -> f64 {
    derivative::<1>(a, x, 0, false)
}

/// Q(a, x).
pub(super) fn upper(a: f64, x: f64) -> f64 {
    derivative::<1>(a, x, 0, true)
}

/// The derivative of P, or of Q, of order N - 1 by a and of order `by_x` by x.
pub(super) fn derivative<const N: usize>(a: f64, x: f64, by_x: usize, of_upper: bool) -> f64 {
    let (infinite, sign) = (x == f64::INFINITY, if of_upper { -1.0 } else { 1.0 });
    let none = a.is_nan() || x.is_nan() || a < 0.0 || x < 0.0 || (a == 0.0 && x == 0.0);
    if none || a.is_infinite() && infinite {
        return f64::NAN;
    }
    if by_x > 0 {
        return sign * density::<N>(a, x, by_x - 1);
    }
    if N > 1 && a == 0.0 {
        // There Γ has a pole, and P no power series that goes to negative a.
        return f64::NAN;
    }
    if x == 0.0 || infinite || a == 0.0 || a.is_infinite() {
        let all = infinite || a == 0.0;
        return if N > 1 { 0.0 } else { f64::from(u8::from(all != of_upper)) };
    }
    match (part::<N>(a, x), of_upper) {
        (Part::Lower(p), false) => p.last(),
        (Part::Upper(q), true) => q.last(),
        (Part::Lower(y) | Part::Upper(y), _) if N == 1 => 1.0 - y.last(),
        (Part::Lower(y) | Part::Upper(y), _) => -y.last(),
    }
}

/// Of positive numbers, the smaller of both as a rule.
fn part<const N: usize>(a: f64, x: f64) -> Part<N> {
    if a > 20.0 && (x - a).abs() < 0.3 * a {
        return temme(a, x);
    }
    if x > 1.1 {
        return if x < a { Part::Lower(series(a, x)) } else { Part::Upper(fraction(a, x)) };
    }
    let mostly_below = if x <= 0.5 { -0.4 / x.ln() < a } else { 1.1 * x < a };
    if mostly_below { Part::Lower(series(a, x)) } else { Part::Upper(small(a, x)) }
}

/// x^a e^-x / Γ(a + 1).
fn prefix<const N: usize>(a: f64, x: f64) -> Jet<N, 1> {
    let (value, slope);
    if a < LARGE {
        value = if (1e-20..600.0).contains(&x) {
            x.powf(a) * (-x).exp() / gamma(a + 1.0)
        } else {
            (a * x.ln() - x - gamma(a + 1.0).ln()).exp()
        };
        slope = x.ln() - digamma(a + 1.0);
    } else {
        let mu = (x - a) / a;
        let near = mu.abs() < 0.5;
        let log = if near { mu.ln_1p() } else { (x / a).ln() };
        let far = if near { a * less_log1p(mu) } else { a * (mu - log) };
        value = (-far - stirling(a)).exp() / (2.0 * PI * a).sqrt();
        slope = log - (digamma_less_log(a) + 1.0 / a);
    }
    let log = |k: usize| if k == 1 { slope } else { -polygamma(k - 1, a + 1.0) / factorial(k) };
    Jet::from_fn(|k, _| if k == 0 { 0.0 } else { log(k) }).exp_of_rest(value)
}

/// P = x^a e^-x / Γ(a + 1) (1 + x / (a + 1) + x² / ((a + 1) (a + 2)) + ..).
fn series<const N: usize>(a: f64, x: f64) -> Jet<N, 1> {
    let mut term = Jet::<N, 1>::of(1.0);
    let mut sum = term;
    let mut n = a;
    for _ in 0..1_000_000 {
        n += 1.0;
        term = (term * x).over(n, 1.0, 0.0);
        sum = sum + term;
        if term.is_lost_in(&sum) {
            break;
        }
    }
    prefix(a, x) * sum
}

/// Q = x^a e^-x / Γ(a) / (x + 1 - a - 1 (1 - a) / (x + 3 - a - 2 (2 - a) / (x + 5 - a - ..))).
fn fraction<const N: usize>(a: f64, x: f64) -> Jet<N, 1> {
    // How many terms: Lentz's method tells, and derivatives take some more.
    let (mut c, mut d) = (x + 1.0 - a, 0.0);
    let mut terms = 1;
    while terms < 100_000 {
        let n = terms as f64;
        let (over, under) = (-n * (n - a), x + 2.0 * n + 1.0 - a);
        c = under + over / c;
        d = 1.0 / (under + over * d);
        terms += 1;
        if (c * d - 1.0).abs() < f64::EPSILON {
            break;
        }
    }
    if N > 1 {
        terms += terms / 2 + 10;
    }
    let mut rest = Jet::<N, 1>::linear(x + 2.0 * terms as f64 + 1.0 - a, -1.0, 0.0);
    for n in (1..=terms).rev().map(|n| n as f64) {
        let over = Jet::linear(-n * (n - a), n, 0.0);
        rest = Jet::linear(x + 2.0 * n - 1.0 - a, -1.0, 0.0) + over * rest.recip();
    }
    prefix(a, x) * Jet::linear(a, 1.0, 0.0) * rest.recip()
}

/// Q of a small x, where P is near 1: 1 - x^a / Γ(a + 1) - x^a / Γ(a) Σ (-x)^n / (n! (a + n)) over n from 1 on.
fn small<const N: usize>(a: f64, x: f64) -> Jet<N, 1> {
    let log = |k: usize| match k {
        0 => a * x.ln() - lgamma1p(a),
        1 => x.ln() - digamma(a + 1.0),
        k => -polygamma(k - 1, a + 1.0) / factorial(k),
    };
    let log = Jet::<N, 1>::from_fn(|k, _| log(k));
    let power = log.exp_of_rest(log.value().exp());
    let (mut factor, mut sum) = (1.0, Jet::<N, 1>::of(0.0));
    for n in 1..200 {
        let n = n as f64;
        factor *= -x / n;
        let term = Jet::of(factor).over(a + n, 1.0, 0.0);
        sum = sum + term;
        if term.is_lost_in(&sum) {
            break;
        }
    }
    let mut minus_expm1 = -power;
    minus_expm1.0[0][0] = -log.value().exp_m1();
    minus_expm1 - power * Jet::linear(a, 1.0, 0.0) * sum
}

/// Both, for a large a and x near it: erfc(±η √(a/2)) / 2 ± e^(-aη²/2) / √(2πa) Σ C_k(η) a^-k.
fn temme<const N: usize>(a: f64, x: f64) -> Part<N> {
    let inverse = Jet::<N, 1>::from_fn(|k, _| alternating(k) / a.powi(k as i32 + 1));
    let mut mu = inverse * x;
    mu.0[0][0] = (x - a) / a;
    let eta = mu.poly(&ETA);
    let root = Jet::<N, 1>::linear(a, 1.0, 0.0).compose(|k| binomial(0.5, k) * a.powf(0.5 - k as f64));
    // e^(-aη²/2): the derivative of the exponent by a is log(x / a).
    let log = |k: usize| match k {
        0 => 0.0,
        1 => mu.value().ln_1p(),
        k => -alternating(k) / ((k * (k - 1)) as f64 * a.powi(k as i32 - 1)),
    };
    let far = a * less_log1p(mu.value());
    let density = Jet::<N, 1>::from_fn(|k, _| log(k)).exp_of_rest((-far).exp());
    let mut sum = Jet::<N, 1>::of(0.0);
    for row in TEMME.iter().rev() {
        sum = sum * inverse + eta.poly(row);
    }
    let correction = density * sum * root * inverse * (1.0 / (2.0 * PI).sqrt());
    let is_upper = x >= a;
    let y = eta * root * if is_upper { 0.5f64.sqrt() } else { -(0.5f64.sqrt()) };
    let at = y.value();
    let slope = -(-far).exp() * 2.0 / PI.sqrt();
    let half =
        y.compose(|k| 0.5 * if k == 0 { erfc(at) } else { slope * hermite(k - 1, -at) / factorial(k) });
    if is_upper { Part::Upper(half + correction) } else { Part::Lower(half - correction) }
}

/// The polynomial with which e^-x² is multiplied when it is differentiated n times: H_n(-x).
fn hermite(n: usize, x: f64) -> f64 {
    let (mut last, mut this) = (0.0, 1.0);
    for k in 0..n {
        (last, this) = (this, 2.0 * x * this - 2.0 * k as f64 * last);
    }
    this
}

/// r (r - 1) .. (r - k + 1) / k!.
fn binomial(r: f64, k: usize) -> f64 {
    (0..k).map(|i| (r - i as f64) / (i + 1) as f64).product()
}

/// The derivative of x^(a-1) e^-x / Γ(a) of order N - 1 by a and `m` by x.
fn density<const N: usize>(a: f64, x: f64, m: usize) -> f64 {
    if x == f64::INFINITY || a.is_infinite() || a == 0.0 {
        return if N == 1 || a > 0.0 { 0.0 } else { f64::NAN };
    }
    if x == 0.0 {
        return density_at_zero::<N>(a, m);
    }
    let p = prefix::<N>(a, x) * Jet::linear(a, 1.0, 0.0) * (1.0 / x);
    if p.value() == 0.0 {
        return 0.0;
    }
    // The logarithm as a power series of x.
    let log = |k: usize| {
        let power = -alternating(k) / (k as f64 * x.powi(k as i32));
        Jet::linear(if k == 1 { (a - 1.0 - x) / x } else { (a - 1.0) * power }, power, 0.0)
    };
    (p * exp_series(m, log)).last()
}

/// m! times the coefficient of order m of e^s, for a series s without a constant whose k-th coefficient is `of(k)`.
pub(super) fn exp_series<const A: usize, const B: usize>(
    m: usize,
    of: impl Fn(usize) -> Jet<A, B>,
) -> Jet<A, B> {
    let mut e = vec![Jet::of(1.0)];
    for n in 1..=m {
        let sum = (1..=n).fold(Jet::of(0.0), |sum, k| sum + of(k) * e[n - k] * k as f64);
        e.push(sum * (1.0 / n as f64));
    }
    e[m] * factorial(m)
}

/// The same where x is 0.
fn density_at_zero<const N: usize>(a: f64, m: usize) -> f64 {
    // x^(a-1) differentiated as often as it has powers of x, and once more, is what decides.
    let falling = |k: usize| (1..=k).map(|i| a - i as f64).product::<f64>();
    let whole = a.floor() == a;
    if a - 1.0 > m as f64 {
        return 0.0;
    }
    if N == 1 && whole {
        // The coefficient of x^m in the power series, times m!.
        let low = a as usize - 1;
        let sign = alternating(m - low);
        return sign * factorial(m) / factorial(m - low) / gamma(a);
    }
    let by_a = -alternating(N);
    f64::INFINITY.copysign(by_a * if whole { 1.0 } else { falling(m) })
}
