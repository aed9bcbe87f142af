//! Derivatives of running reductions. That of a sum runs the other way; those of the others follow the tree of a
//! parallel scan, as JAX's do: neighbours are combined, the half as long rest is scanned, and what lies between is filled
//! in. At a tie each side of a combination gets half, products give each side the other, and nothing is divided.

use super::{Keep, Pull, T};
use plywood_core::op::{Cumulation, Padding};
use plywood_core::shape::Axes;
use plywood_core::{DType, Op, Value};

pub(super) fn keep(kind: Cumulation) -> Keep {
    match kind {
        Cumulation::Sum => Keep::NOTHING,
        Cumulation::Prod | Cumulation::Max | Cumulation::Min | Cumulation::LogSumExp => {
            Keep::inputs([0]).and_outputs()
        }
    }
}

pub(super) fn vjp(kind: Cumulation, axis: usize, reverse: bool, r: &Pull<'_>, ct: T) -> T {
    let run =
        |x: &T, reverse| T::of(Value::apply1(Op::Cumulative { kind, axis, reverse }, x.value().clone()));
    if kind == Cumulation::Sum {
        return run(&ct, !reverse);
    }
    let (dtype, forward) = (ct.dtype(), |x: T| if reverse { x.flip([axis]) } else { x });
    // 16-bit floats are combined in f32, as by the operation.
    let (x, y) = match dtype {
        DType::F16 | DType::BF16 => {
            let x = r.x(0).cast(DType::F32);
            let y = run(&x, reverse);
            (x, y)
        }
        _ => (r.x(0).clone(), r.y().clone()),
    };
    let ct = ct.cast(x.dtype());
    forward(Tree { kind, axis }.pull(&forward(x), &forward(y), forward(ct))).cast(dtype)
}

struct Tree {
    kind: Cumulation,
    axis: usize,
}

impl Tree {
    /// The cotangent of `x`, given that of its running reduction `y`.
    fn pull(&self, x: &T, y: &T, ct: T) -> T {
        let n = x.shape()[self.axis];
        if n < 2 {
            return ct;
        }
        // Odd elements of y are the running reduction of pairs of neighbours.
        let (half, behind) = (n / 2, (n - 1) / 2);
        let (first, second) = (self.part(x, 0, n - 1), self.part(x, 1, n));
        let odd = self.part(y, 1, n);
        let mut ct_odd = self.part(&ct, 1, n);
        let mut ct_even = self.slice(&ct, 0, 1, 1);
        if behind > 0 {
            // Even ones, but the first, combine the one before with their own element.
            let (left, right) = (self.slice(&odd, 0, behind, 1), self.part(x, 2, n));
            let (ct_left, ct_right) = self.split(&left, &right, &self.part(y, 2, n), self.part(&ct, 2, n));
            ct_odd += self.pad(ct_left, 0, half - behind, 0);
            ct_even = self.pad(ct_even, 0, behind, 0) + self.pad(ct_right, 1, 0, 0);
        }
        let pairs = self.join(&first, &second);
        let ct_pairs = self.pull(&pairs, &odd, ct_odd);
        let (ct_first, ct_second) = self.split(&first, &second, &pairs, ct_pairs);
        let ct_even = ct_even + self.pad(ct_first, 0, behind + 1 - half, 0);
        self.pad(ct_even, 0, usize::from(n.is_multiple_of(2)), 1)
            + self.pad(ct_second, 1, usize::from(!n.is_multiple_of(2)), 1)
    }

    /// Two elements in one.
    fn join(&self, a: &T, b: &T) -> T {
        match self.kind {
            Cumulation::Sum => a + b,
            Cumulation::Prod => a * b,
            Cumulation::Max => a.maximum(b),
            Cumulation::Min => a.minimum(b),
            Cumulation::LogSumExp => a.logaddexp(b),
        }
    }

    /// The cotangents of two elements, given that of their combination.
    fn split(&self, a: &T, b: &T, joined: &T, ct: T) -> (T, T) {
        let winner = |wins: T| {
            let tie = a.eq(b).select(&ct * 0.5, 0);
            wins.select(&ct, tie)
        };
        let share = |x: &T| {
            // e^(x - joined), where 1 is meant by inf - inf and 0 by -inf - -inf.
            let exponent = x.eq(joined).select(0, x - joined);
            &ct * x.eq(f64::NEG_INFINITY).select(f64::NEG_INFINITY, exponent).exp()
        };
        match self.kind {
            Cumulation::Sum => (ct.clone(), ct),
            Cumulation::Prod => (&ct * b, &ct * a),
            Cumulation::Max => (winner(a.gt(b)), winner(b.gt(a))),
            Cumulation::Min => (winner(a.lt(b)), winner(b.lt(a))),
            Cumulation::LogSumExp => (share(a), share(b)),
        }
    }

    /// Every second element.
    fn part(&self, x: &T, start: usize, limit: usize) -> T {
        self.slice(x, start, limit, 2)
    }

    fn slice(&self, x: &T, start: usize, limit: usize, step: usize) -> T {
        let mut starts = Axes::from_elem(0, x.rank());
        let mut limits: Axes = x.shape().iter().copied().collect();
        let mut strides = Axes::from_elem(1, x.rank());
        (starts[self.axis], limits[self.axis], strides[self.axis]) = (start, limit, step);
        T::of(x.value().clone().slice(starts, limits, strides))
    }

    fn pad(&self, x: T, low: usize, high: usize, interior: usize) -> T {
        if [low, high, interior] == [0; 3] {
            return x;
        }
        let mut padding = vec![Padding::default(); x.rank()];
        padding[self.axis] = Padding { low: low as isize, high: high as isize, interior };
        T::of(x.into_value().pad_zeros(&padding))
    }
}
