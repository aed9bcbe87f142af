//! [`Jet`]: truncated power series in two small numbers, with which the algorithms of this folder compute derivatives.
//!
//! What always holds: coefficient `[i][j]` belongs to α^i β^j, for i < A and j < B; products drop what is beyond.
//! A `Jet<1, 1>` is a number.

use std::ops::{Add, Mul, Neg, Sub};

/// (-1)^k.
pub(super) fn alternating(k: usize) -> f64 {
    if k.is_multiple_of(2) { 1.0 } else { -1.0 }
}

/// A truncated power series.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Jet<const A: usize, const B: usize>(pub(super) [[f64; B]; A]);

impl<const A: usize, const B: usize> Jet<A, B> {
    /// A constant.
    pub(super) fn of(x: f64) -> Self {
        let mut c = [[0.0; B]; A];
        c[0][0] = x;
        Jet(c)
    }

    /// x + da α + db β.
    pub(super) fn linear(x: f64, da: f64, db: f64) -> Self {
        Self::of(x).with(1, 0, da).with(0, 1, db)
    }

    /// With another coefficient, where it is kept.
    pub(super) fn with(mut self, i: usize, j: usize, x: f64) -> Self {
        if i < A && j < B {
            self.0[i][j] = x;
        }
        self
    }

    /// Coefficients by their orders.
    pub(super) fn from_fn(f: impl Fn(usize, usize) -> f64) -> Self {
        let mut c = [[0.0; B]; A];
        for (i, row) in c.iter_mut().enumerate() {
            for (j, c) in row.iter_mut().enumerate() {
                *c = f(i, j);
            }
        }
        Jet(c)
    }

    /// The number itself.
    pub(super) fn value(&self) -> f64 {
        self.0[0][0]
    }

    /// The derivative of the highest orders.
    pub(super) fn last(&self) -> f64 {
        let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
        self.0[A - 1][B - 1] * factorial(A - 1) * factorial(B - 1)
    }

    /// f of it, given the coefficients of f's power series at its value.
    pub(super) fn compose(self, series: impl Fn(usize) -> f64) -> Self {
        let mut rest = self;
        rest.0[0][0] = 0.0;
        let mut sum = Self::of(series(A + B - 2));
        for k in (0..A + B - 2).rev() {
            sum = sum * rest;
            sum.0[0][0] += series(k);
        }
        sum
    }

    /// `value` e^(what is beyond the value of self).
    pub(super) fn exp_of_rest(self, value: f64) -> Self {
        let factorial = |n: usize| (1..=n).map(|k| k as f64).product::<f64>();
        self.compose(|k| value / factorial(k))
    }

    /// 1 / self.
    pub(super) fn recip(self) -> Self {
        let one = 1.0 / self.value();
        self.compose(|k| alternating(k) * one.powi(k as i32 + 1))
    }

    /// Divided by x + da α + db β.
    pub(super) fn over(self, x: f64, da: f64, db: f64) -> Self {
        let mut q = self;
        for i in 0..A {
            for j in 0..B {
                let a = if i > 0 && da != 0.0 { da * q.0[i - 1][j] } else { 0.0 };
                let b = if j > 0 && db != 0.0 { db * q.0[i][j - 1] } else { 0.0 };
                q.0[i][j] = (q.0[i][j] - a - b) / x;
            }
        }
        q
    }

    /// The polynomial of it, coefficients from the lowest order.
    pub(super) fn poly(self, coefficients: &[f64]) -> Self {
        let mut sum = Self::of(0.0);
        for &c in coefficients.iter().rev() {
            sum = sum * self;
            sum.0[0][0] += c;
        }
        sum
    }

    /// Whether no coefficient of this term changes the sum.
    pub(super) fn is_lost_in(&self, sum: &Self) -> bool {
        let mut pairs = self.0.iter().flatten().zip(sum.0.iter().flatten());
        pairs.all(|(t, s)| t.abs() <= f64::EPSILON / 4.0 * s.abs())
    }
}

macro_rules! by_coefficient {
    ($($Trait:ident $name:ident $op:tt),*) => { $(
        impl<const A: usize, const B: usize> $Trait for Jet<A, B> {
            type Output = Self;
            fn $name(self, r: Self) -> Self {
                Self::from_fn(|i, j| self.0[i][j] $op r.0[i][j])
            }
        }
    )* };
}
by_coefficient!(Add add +, Sub sub -);

impl<const A: usize, const B: usize> Neg for Jet<A, B> {
    type Output = Self;
    fn neg(self) -> Self {
        self * -1.0
    }
}

impl<const A: usize, const B: usize> Mul<f64> for Jet<A, B> {
    type Output = Self;
    fn mul(self, x: f64) -> Self {
        Self::from_fn(|i, j| self.0[i][j] * x)
    }
}

impl<const A: usize, const B: usize> Mul for Jet<A, B> {
    type Output = Self;
    #[inline]
    fn mul(self, r: Self) -> Self {
        let mut c = [[0.0; B]; A];
        for (i, row) in c.iter_mut().enumerate() {
            for (j, sum) in row.iter_mut().enumerate() {
                for k in 0..=i {
                    for l in 0..=j {
                        *sum += self.0[k][l] * r.0[i - k][j - l];
                    }
                }
            }
        }
        Jet(c)
    }
}
