//! Closed forms, sums that are 1, recurrences, and derivatives against differences, where both are exact; the oracle of
//! the gauntlet has mpmath's numbers.

use super::{betainc, function, gamma, igamma};
use plywood_core::op::{Special, SpecialFunction};

#[track_caller]
fn near(got: f64, want: f64, tolerance: f64, what: &str) {
    let close = got == want || (got - want).abs() <= tolerance * want.abs();
    assert!(close, "{what}: {got:e}, not {want:e}");
}

#[test]
fn incomplete_gamma_has_its_closed_forms() {
    for x in [1e-8, 0.01, 0.3, 1.0, 1.2, 3.0, 20.0, 80.0] {
        near(igamma::lower(1.0, x), -(-x).exp_m1(), 1e-14, "P(1, x)");
        near(igamma::upper(1.0, x), (-x).exp(), 1e-13, "Q(1, x)");
        near(igamma::upper(2.0, x), (1.0 + x) * (-x).exp(), 1e-13, "Q(2, x)");
        near(igamma::derivative::<1>(1.0, x, 3, false), (-x).exp(), 1e-13, "the third derivative of P(1, x)");
    }
}

#[test]
fn incomplete_gamma_agrees_with_itself_where_its_methods_meet() {
    // P(a, x) - P(a + 1, x) = x^a e^-x / Γ(a + 1) = dP/dx(a + 1, x).
    for (a, x) in [
        (0.2, 0.4),
        (0.2, 0.6),
        (1.0, 1.1),
        (3.0, 2.9),
        (19.9, 14.1),
        (20.1, 14.0),
        (20.1, 26.2),
        (300.0, 390.1),
        (1e7, 1e7),
    ] {
        let density = igamma::derivative::<1>(a + 1.0, x, 1, false);
        let difference = if x < a {
            igamma::lower(a, x) - igamma::lower(a + 1.0, x)
        } else {
            igamma::upper(a + 1.0, x) - igamma::upper(a, x)
        };
        near(difference, density, 2e-9, &format!("P({a}, {x}) less the next"));
        // The same by a, of both orders.
        let by_a = |f: fn(f64, f64, usize, bool) -> f64| f(a, x, 0, true) + f(a, x, 0, false);
        near(by_a(igamma::derivative::<2>), 0.0, 0.0, "the derivatives of P and Q");
    }
}

#[test]
fn incomplete_beta_has_its_closed_forms() {
    for x in [1e-6, 0.1, 0.5, 0.9, 0.999] {
        for a in [0.01, 0.5, 3.0, 40.0, 1e5] {
            near(betainc::derivative::<1, 1>(a, 1.0, x, 0), x.powf(a), 1e-12, &format!("I_{x}({a}, 1)"));
            let power = -(a * (-x).ln_1p()).exp_m1();
            near(betainc::derivative::<1, 1>(1.0, a, x, 0), power, 1e-11, &format!("I_{x}(1, {a})"));
            let by_a = x.powf(a) * x.ln();
            near(betainc::derivative::<2, 1>(a, 1.0, x, 0), by_a, 1e-11, &format!("by a: I_{x}({a}, 1)"));
            near(
                betainc::derivative::<3, 1>(a, 1.0, x, 0),
                by_a * x.ln(),
                1e-10,
                &format!("twice: I_{x}({a}, 1)"),
            );
        }
    }
    for a in [1.0, 50.0, 1e6, 1e9, 3e10, 1e15] {
        near(betainc::derivative::<1, 1>(a, a, 0.5, 0), 0.5, 1e-12, &format!("I_½({a}, {a})"));
    }
    // A standard deviation from the mean, on both sides of the change of methods: a normal distribution but for 1/√a.
    for a in [2.9e8, 3.1e8] {
        let x = 0.5 + 0.5 / (2.0 * a + 1.0f64).sqrt();
        near(
            betainc::derivative::<1, 1>(a, a, x, 0),
            0.841_344_746_068_542_9,
            1e-8,
            &format!("I_x({a}, {a})"),
        );
    }
}

#[test]
fn polygamma_has_its_recurrence() {
    for n in [0, 1, 2, 3, 7, 20, 60, 150] {
        for x in [0.1, 0.9, 1.4, 5.0, 30.0] {
            let step = gamma::polygamma(n, x) - gamma::polygamma(n, x + 1.0);
            let sign = if n % 2 == 0 { -1.0 } else { 1.0 };
            let want = sign * gamma::factorial(n) * f64::powi(x, -(n as i32) - 1);
            // Of large x both terms are near each other.
            let scale = gamma::polygamma(n, x).abs() / want.abs();
            near(step, want, 1e-14 * scale.max(1.0) + 1e-13, &format!("ψ_{n}({x}) less the next"));
        }
    }
}

#[test]
fn every_order_the_shape_rule_lets_in_is_there() {
    for &f in SpecialFunction::ALL {
        let most = f.most_orders();
        for a in 0..=most[0].min(20) {
            for b in 0..=most[1].min(5) {
                for c in 0..=most[2].min(3) {
                    let y = function(Special { function: f, orders: [a, b, c] }).0([1.5, 0.75, 0.25]);
                    assert!(y.is_finite(), "{} {a} {b} {c}: {y}", f.name());
                }
            }
        }
    }
}
