//! Products of all elements but one, without a division: right for any number of zeros, and in every order of
//! derivative. By prefix and suffix products in log n steps of doubling.

use super::T;
use plywood_core::op::Padding;
use plywood_core::{DType, Number, Value, shape::Axes};

/// Along the last axis: the product of all other elements.
pub(super) fn others_along_last(x: &T) -> T {
    let same = |_: usize| None;
    exclusive(x, false, &same) * exclusive(x, true, &same)
}

/// For each element of `u`, the product of the others with the same number in `places`.
pub(super) fn products_of_others(u: &T, places: &T) -> T {
    // Elements of one place become neighbours.
    let n = u.len();
    let number = T::of(u.value().iota(u.ty().with_dtype(DType::I32).with_shape([n]), 0));
    let sort = |key: &T, rest: [&T; 2]| {
        let values = [key, rest[0], rest[1]].map(|t| t.value().clone()).into_iter().collect();
        let mut sorted = Value::sort_together(values, 0, 1).into_iter().map(T::of);
        [(); 3].map(|_| sorted.next().expect("three operands"))
    };
    let [places, values, order] = sort(&places.flatten(), [&u.flatten(), &number]);
    let neighbours = |by: usize| {
        // Whether the element `by` before is of the same place.
        let before = shift(&places, by, 0, false);
        Some(before.eq(&places))
    };
    let neighbours_behind = |by: usize| {
        let behind = shift(&places, by, 0, true);
        Some(behind.eq(&places))
    };
    let products = exclusive(&values, false, &neighbours) * exclusive(&values, true, &neighbours_behind);
    let [_, products, _] = sort(&order, [&products, &order]);
    products.reshape(u.shape())
}

/// Products of all elements before (or, backwards, behind) each along the last axis, as far as `same` says that the
/// element at that distance belongs to it.
fn exclusive(x: &T, backwards: bool, same: &dyn Fn(usize) -> Option<T>) -> T {
    let n = x.shape()[x.rank() - 1];
    let join = |y: T, by: usize| match same(by) {
        Some(same) => same.select(y, 1),
        None => y,
    };
    let mut product = join(shift(x, 1, 1, backwards), 1);
    let mut by = 1;
    while by < n {
        // `product` at i covers `by` elements; the one at distance `by` covers those before them.
        let further = join(shift(&product, by, 1, backwards), by);
        product *= further;
        by *= 2;
    }
    product
}

/// Moved along the last axis; what comes in is `fill`.
fn shift(x: &T, by: usize, fill: i64, backwards: bool) -> T {
    let (last, n) = (x.rank() - 1, x.shape()[x.rank() - 1]);
    let by = by.min(n);
    let mut padding = vec![Padding::default(); x.rank()];
    let (start, end) = if backwards { (by, n) } else { (0, n - by) };
    let part = x.value().clone().slice_axis(last, start, end);
    let side = &mut padding[last];
    *(if backwards { &mut side.high } else { &mut side.low }) = by as isize;
    T::of(part.pad(plywood_core::Term::Number(Number::Int(fill)), &padding))
}

/// All axes in `axes` as one last axis, and the permutation that was applied.
pub(super) fn gathered_last(x: &T, axes: &[usize]) -> (T, Axes) {
    let kept: Axes = (0..x.rank()).filter(|d| !axes.contains(d)).collect();
    let permutation: Axes = kept.iter().chain(axes).copied().collect();
    let moved = x.value().clone().permute(permutation.clone());
    let n: usize = axes.iter().map(|&d| x.shape()[d]).product();
    let shape = kept.iter().map(|&d| x.shape()[d]).chain([n]).collect();
    (T::of(moved.reshape_to(shape)), permutation)
}
