//! What is put together from runs of an axis: rolling, and padding with what is there.

use super::super::T;
use crate::Values;
use crate::op::IndexMode;
use crate::shape::normalize_axis;
use crate::{PadMode, Value};

/// Places of one axis, in any order: each run of neighbours is a slice, turned round or repeated.
#[track_caller]
fn assemble(x: Value, axis: usize, places: &[usize]) -> Value {
    let mut runs = Values::new();
    let mut rest = places;
    while let Some(&first) = rest.first() {
        let step = |i: usize| rest[i] as isize - rest[i - 1] as isize;
        let by = if rest.len() > 1 && step(1).abs() <= 1 { step(1) } else { 1 };
        let mut n = 1;
        while n < rest.len() && step(n) == by {
            n += 1;
        }
        let run = match by {
            0 => {
                let one = x.clone().slice_axis(axis, first, first + 1);
                let mut shape = one.shape().clone();
                shape[axis] = n;
                one.broadcast_to("pad", &shape)
            }
            -1 => x.clone().slice_axis(axis, first + 1 - n, first + 1).flip(&[axis as isize]),
            _ => x.clone().slice_axis(axis, first, first + n),
        };
        runs.push(run);
        rest = &rest[n..];
    }
    match runs.len() {
        0 => x.slice_axis(axis, 0, 0),
        1 => runs.remove(0),
        2..=16 => Value::concatenate(runs, axis as isize),
        // So many pieces are cheaper as one gather.
        _ => {
            let n = places.len();
            let places = crate::Array::new(places.iter().map(|&p| p as i32).collect(), [n]);
            let places = x.constant(places);
            x.take(places, axis, IndexMode::Clip)
        }
    }
}

/// Axes turned cyclically; one shift or one axis stands for all.
#[track_caller]
pub fn roll(x: &T, shifts: &[isize], axes: &[isize]) -> T {
    let n = shifts.len().max(axes.len());
    let fits = |k: usize| k == n || k == 1;
    assert!(
        fits(shifts.len()) && fits(axes.len()),
        "roll: {} shifts for {} axes (shape {})",
        shifts.len(),
        axes.len(),
        x.shape()
    );
    let mut y = x.value().clone();
    for i in 0..n {
        let axis = normalize_axis("roll", axes[i.min(axes.len() - 1)], x.shape());
        let size = x.shape()[axis];
        if size > 0 {
            let start = (-shifts[i.min(shifts.len() - 1)]).rem_euclid(size as isize) as usize;
            let places: Vec<usize> = (start..size).chain(0..start).collect();
            y = assemble(y, axis, &places);
        }
    }
    T::of(y)
}

/// Padded with the tensor's own elements.
#[track_caller]
pub fn pad(x: &T, widths: &[(usize, usize)], mode: PadMode) -> T {
    assert!(widths.len() == x.rank(), "pad: {} paddings for shape {}", widths.len(), x.shape());
    let mut y = x.value().clone();
    for (axis, &(before, after)) in widths.iter().enumerate() {
        let n = x.shape()[axis] as isize;
        if before == 0 && after == 0 {
            continue;
        }
        assert!(n > 0, "pad: axis {axis} of shape {} is empty: there is nothing to pad with", x.shape());
        let source = |i: isize| match mode {
            PadMode::Edge => i.clamp(0, n - 1),
            PadMode::Wrap => i.rem_euclid(n),
            PadMode::Symmetric => {
                let i = i.rem_euclid(2 * n);
                i.min(2 * n - 1 - i)
            }
            PadMode::Reflect if n == 1 => 0,
            PadMode::Reflect => {
                let i = i.rem_euclid(2 * n - 2);
                i.min(2 * n - 2 - i)
            }
        };
        let places: Vec<usize> =
            (-(before as isize)..n + after as isize).map(|i| source(i) as usize).collect();
        y = assemble(y, axis, &places);
    }
    T::of(y)
}
