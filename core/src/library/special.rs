//! Special functions of several operands, and those that are short formulas of others.

use super::T;
use crate::op::{Special, SpecialFunction, Unary};
use crate::value::Term;
use crate::{DType, Op, TensorType, Value, Values};
use std::f64::consts::{FRAC_1_SQRT_2, PI};

fn unary(x: &T, f: Unary) -> T {
    T::of(x.value().clone().unary(f))
}

/// Floats of the tensor's type; of integers f32.
fn float(x: &T) -> T {
    x.cast(x.dtype().to_float())
}

/// All operands with one float dtype and one shape.
#[track_caller]
fn alike<const N: usize>(name: &str, operands: [Term; N]) -> [T; N] {
    let example = operands.iter().find_map(|term| match term {
        Term::Value(x) => Some(x.clone()),
        Term::Number(_) => None,
    });
    let example = example.unwrap_or_else(|| panic!("{name}: no operand is a tensor"));
    let mut ty = TensorType::scalar(example.dtype());
    for term in &operands {
        ty.dtype = match term {
            Term::Value(x) => ty.dtype.promote(x.dtype()),
            Term::Number(number) => number.promote(ty.dtype),
        };
        if let Term::Value(x) = term {
            let shape = ty.shape.broadcast(x.shape());
            ty.shape = shape
                .unwrap_or_else(|| panic!("{name}: shapes {} and {} do not broadcast", ty.shape, x.shape()));
        }
    }
    ty.dtype = ty.dtype.to_float();
    operands.map(|term| {
        T::of(match term {
            Term::Value(x) => x.cast(ty.dtype).broadcast_to(name, &ty.shape),
            Term::Number(number) => example.full(number, ty.clone()),
        })
    })
}

#[track_caller]
fn special<const N: usize>(s: Special, operands: [Term; N]) -> T {
    let operands: Values = alike(s.function.name(), operands).into_iter().map(T::into_value).collect();
    T::of(Value::apply(&Op::Special(s), operands).remove(0))
}

#[track_caller]
pub fn polygamma(n: usize, x: T) -> T {
    let order = u8::try_from(n).unwrap_or_else(|_| panic!("polygamma: order {n}; the highest is 255"));
    let s = Special { function: SpecialFunction::Digamma, orders: [order, 0, 0] };
    special(s, [Term::Value(x.into_value())])
}

#[track_caller]
pub fn igamma(a: Term, x: Term) -> T {
    special(Special::of(SpecialFunction::Igamma), [a, x])
}

#[track_caller]
pub fn igammac(a: Term, x: Term) -> T {
    special(Special::of(SpecialFunction::Igammac), [a, x])
}

#[track_caller]
pub fn betainc(a: Term, b: Term, x: Term) -> T {
    special(Special::of(SpecialFunction::Betainc), [a, b, x])
}

/// The sign of Γ(x); NaN at its poles.
fn gamma_sign(x: &T) -> T {
    let whole = x.floor();
    let odd = (&whole * 0.5).floor().ne(&whole * 0.5);
    let negative = odd.select(-1, x.full_like(1));
    let left = whole.eq(x).select(f64::NAN, negative);
    // At 0 the sign is that of the zero.
    x.lt(0).select(left, x.eq(0).select(x.full_like(1) / x, 1).sign())
}

#[track_caller]
pub fn gamma(x: T) -> T {
    let x = float(&x);
    gamma_sign(&x).stop_gradient() * unary(&x, Unary::Lgamma).exp()
}

#[track_caller]
pub fn factorial(n: T) -> T {
    let n = float(&n);
    n.lt(0).select(0, unary(&(&n + 1), Unary::Lgamma).exp())
}

#[track_caller]
pub fn betaln(a: Term, b: Term) -> T {
    let [a, b] = alike("betaln", [a, b]);
    log_beta(&a, &b)
}

fn log_beta(a: &T, b: &T) -> T {
    let lgamma = |x: &T| unary(x, Unary::Lgamma);
    // The larger one's Γ is near that of the sum: their difference first.
    let (large, small) = (a.maximum(b), a.minimum(b));
    lgamma(&small) + (lgamma(&large) - lgamma(&(a + b)))
}

#[track_caller]
pub fn beta(a: Term, b: Term) -> T {
    let [a, b] = alike("beta", [a, b]);
    let sign = gamma_sign(&a) * gamma_sign(&b) * gamma_sign(&(&a + &b));
    sign.stop_gradient() * log_beta(&a, &b).exp()
}

#[track_caller]
pub fn multigammaln(a: T, d: usize) -> T {
    let a = float(&a);
    let constant = 0.25 * (d * d.saturating_sub(1)) as f64 * PI.ln();
    (0..d).fold(a.full_like(constant), |sum, i| sum + unary(&(&a - 0.5 * i as f64), Unary::Lgamma))
}

#[track_caller]
pub fn i0(x: T) -> T {
    x.abs().exp() * unary(&x, Unary::BesselI0e)
}

#[track_caller]
pub fn i1(x: T) -> T {
    x.abs().exp() * unary(&x, Unary::BesselI1e)
}

/// x times `log`, which is infinite where `end`; there, at x = 0, it is 0, and steep: the root's slope is infinite, too.
fn times_log(x: &T, log: &T, end: &T) -> T {
    let zero = x.eq(0).logical_and(end);
    let safe = zero.select(1, log);
    let root = zero.select(x, 0).sqrt();
    zero.select(log.sign().stop_gradient() * root, x * safe)
}

#[track_caller]
pub fn xlogy(x: Term, y: Term) -> T {
    let [x, y] = alike("xlogy", [x, y]);
    let end = y.le(0).logical_or(&y.is_inf());
    let inside = x.eq(0).logical_and(&end).select(y.sign().maximum(0).stop_gradient() + 0.5, &y);
    times_log(&x, &inside.log(), &end)
}

#[track_caller]
pub fn xlog1py(x: Term, y: Term) -> T {
    let [x, y] = alike("xlog1py", [x, y]);
    let end = y.le(-1).logical_or(&y.is_inf());
    let inside = x.eq(0).logical_and(&end).select((&y + 1).sign().maximum(0).stop_gradient() - 0.5, &y);
    times_log(&x, &inside.log1p(), &end)
}

#[track_caller]
pub fn entr(x: T) -> T {
    let x = float(&x);
    let zero = x.eq(0);
    let inside = x.le(0).select(1, &x);
    let y = zero.select(zero.select(&x, 0).sqrt(), -(&inside * inside.log()));
    // NaN is not below 0.
    x.lt(0).select(f64::NEG_INFINITY, y)
}

#[track_caller]
pub fn rel_entr(p: Term, q: Term) -> T {
    let [p, q] = alike("rel_entr", [p, q]);
    relative_entropy(&p, &q)
}

fn relative_entropy(p: &T, q: &T) -> T {
    let both = p.gt(0).logical_and(&q.gt(0));
    let (a, b) = (both.select(p, 1), both.select(q, 1));
    let none = p.eq(0).logical_and(&q.ge(0));
    both.select(&a * (&a / &b).log(), none.select(p.full_like(0), f64::INFINITY))
}

#[track_caller]
pub fn kl_div(p: Term, q: Term) -> T {
    let [p, q] = alike("kl_div", [p, q]);
    relative_entropy(&p, &q) - p + q
}

#[track_caller]
pub fn logit(x: T) -> T {
    let x = float(&x);
    x.log() - (-x).log1p()
}

#[track_caller]
pub fn ndtr(x: T) -> T {
    0.5 * unary(&(x * -FRAC_1_SQRT_2), Unary::Erfc)
}

/// In f32 at least: 16-bit floats do not hold the tails.
fn wide(x: T, f: impl Fn(&T) -> T) -> T {
    let dtype = x.dtype().to_float();
    if dtype.size() == 2 { f(&x.cast(DType::F32)).cast(dtype) } else { f(&x.cast(dtype)) }
}

#[track_caller]
pub fn log_ndtr(x: T) -> T {
    wide(x, log_normal_distribution)
}

fn log_normal_distribution(x: &T) -> T {
    // Below, erfc is no number, and the asymptotic series is exact.
    let end = if x.dtype() == DType::F64 { -35.0 } else { -12.0 };
    let (far, right) = (x.lt(end), x.gt(0));
    // Selected, so that no derivative is lost at the ends.
    let middle = far.logical_or(&right).select(-1, x);
    let left = (0.5 * unary(&(middle * -FRAC_1_SQRT_2), Unary::Erfc)).log();
    let upper = (-0.5 * unary(&(right.select(x, 1) * FRAC_1_SQRT_2), Unary::Erfc)).log1p();
    let t = far.select(x, 2.0 * end);
    let inverse = t.powi(-2);
    // Σ (-1)^n (2n - 1)!! / x^2n from n = 1 on.
    let terms = [-10395.0, 945.0, -105.0, 15.0, -3.0, 1.0];
    let sum = terms.iter().fold(t.full_like(0), |sum, &c| (sum + c) * &inverse);
    let lower = -0.5 * t.square() - (-&t).log() - 0.5 * (2.0 * PI).ln() + (-sum).log1p();
    far.select(lower, right.select(upper, left))
}

#[track_caller]
pub fn ndtri(p: T) -> T {
    wide(p, normal_quantile)
}

fn normal_quantile(p: &T) -> T {
    // By symmetry of the smaller tail.
    let upper = p.gt(0.5);
    let q = upper.select(1.0 - p, p);
    let tail = q.lt(0.1);
    let central = tail.select(0.5, p);
    let centre = std::f64::consts::SQRT_2 * (2.0 * central - 1.0).erf_inv();
    // Hastings' approximation (Abramowitz and Stegun 26.2.23), which is off by 5e-4, and two of Halley's steps for the
    // logarithm of the distribution.
    let inside = tail.logical_and(&q.gt(0)).select(&q, 0.05);
    let log = inside.log();
    let t = (-2.0 * &log).sqrt();
    let top = (&t * 0.010328 + 0.802853) * &t + 2.515517;
    let bottom = ((&t * 0.001308 + 0.189269) * &t + 1.432788) * &t + 1.0;
    let mut x = top / bottom - &t;
    for _ in 0..2 {
        let value = log_normal_distribution(&x);
        // The slope of the logarithm.
        let slope = (-0.5 * x.square() - 0.5 * (2.0 * PI).ln() - &value).exp();
        let step = (value - &log) / &slope;
        x = &x - &step / (1.0 + 0.5 * &step * (&x + slope));
    }
    let x = tail.select(upper.select(-&x, &x), centre);
    let end = upper.select(f64::INFINITY, p.full_like(f64::NEG_INFINITY));
    let x = q.eq(0).select(end, x);
    // NaN is not below or above anything.
    p.ge(0).logical_and(&p.le(1)).select(x, f64::NAN)
}
