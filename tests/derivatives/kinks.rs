//! Ties and kinks: where a derivative is a convention, JAX's.

use super::*;

/// Ties, and NaN.
const PILE: [f64; 7] = [3., 1., 3., NAN, 2., 3., 1.];

/// Co-sorted by the first; the tensor of that number.
fn sorted(x: V, v: V, which: usize) -> V {
    let together = [x, v].into_iter().map(V::into_value).collect();
    V::of(Value::sort_together(together, 0, 1).remove(which))
}

pub(super) fn cases() -> Vec<Case> {
    let tied = || (C::from([1., 2., 3., 0., NAN, 1., INF]), C::from([1., 3., 2., -0., 1., NAN, INF]));
    let steps = || (C::from([-2.5, -1.5, -1., -0., 0., 0.5, 1., 1.5, 2.5]),);
    let bounds = || {
        let x = [0., 1., 2., 3., 4., 2.];
        (C::from([1., 1., 1., 1., 1., 2.]), C::from(x), C::from([3., 3., 3., 3., 3., 2.]))
    };
    let m = || (C::from([[1., 3., 3.], [2., 2., 2.]]),);
    let scattered = || (C::from([1., 2., 3., 4., 7.]), C::from([1., 3., 3., 5., 0., 3.]));
    let at = || V::from([0, 1, 1, 3, 3, 2]);
    let quotients = || (C::from([5.5, -5.5, 5.5, -5.5, 6., 0.]), C::from([2., 2., -2., -2., 3., 1.]));
    let unsorted = || C::from([3., 1., NAN, 1., 2., 0., -0., -INF]);
    let pick = || V::from([true, false]);
    let trap = || (C::from([0., 1.]),);
    vec![
        ("maximum", pull(|x: V, y: V| x.maximum(y), tied())),
        ("minimum", pull(|x: V, y: V| x.minimum(y), tied())),
        ("relu", both(|x: V| x.relu(), (C::from([-1., -0., 0., 1., INF]),))),
        ("max(x, 0)", pull(|x: V| x.maximum(0), (C::from([-1., 0., 1.]),))),
        ("clamp", pull(|low: V, x: V, high: V| x.clamp(low, high), bounds())),
        ("clip", pull(|x: V| x.clip(1, 3), (C::from([0., 1., 2., 3., 4.]),))),
        (
            "reduce_max",
            [pull(|x: V| x.max_axes([1]), m()), pull(|x: V| x.max_axes([0]), m()), pull(|x: V| x.max(), m())]
                .concat(),
        ),
        ("reduce_max of nan", pull(|x: V| x.max_axes([1]), (C::from([[1., NAN, 3.], [2., 2., 1.]]),))),
        (
            "reduce_min",
            [pull(|x: V| x.min_axes([1]), m()), pull(|x: V| x.min_axes([0]), m()), pull(|x: V| x.min(), m())]
                .concat(),
        ),
        ("at max", pull(move |x: V, u: V| x.at(&at()).max(u), scattered())),
        ("at min", pull(move |x: V, u: V| x.at(&at()).min(u), scattered())),
        ("at max, several there", pull(|x: V, u: V| x.at(0).max(u), (C::from([3., 4.]), C::scalar(3.)))),
        ("abs", pull(|x: V| x.abs(), steps())),
        ("sign", both(|x: V| x.sign(), steps())),
        ("floor", both(|x: V| x.floor(), steps())),
        ("ceil", both(|x: V| x.ceil(), steps())),
        ("round", both(|x: V| x.round(), steps())),
        ("round_half_away", both(|x: V| x.round_half_away(), steps())),
        ("compare", pull(|x: V| x.gt(0) * &x + x.is_finite().cast(x.dtype()), steps())),
        ("rem", both(|x: V, y: V| x % y, quotients())),
        ("remainder", both(|x: V, y: V| x.remainder(y), quotients())),
        ("sort", both(|x: V| x.sort(0), (unsorted(),))),
        (
            "sort together",
            [1, 0].map(|i| pull(move |x: V, v: V| sorted(x, v, i), (unsorted(), unsorted()))).concat(),
        ),
        (
            "top_k",
            [both(|x: V| x.top_k(5, 0).0, (C::from(PILE),)), vec![C::from(PILE).top_k(5, 0).1]].concat(),
        ),
        ("argsort", vec![C::from(PILE).argsort(0), C::from(PILE).argsort_descending(0)]),
        ("bits", pull(|x: V| (x.bitcast(DType::I64) & i64::MAX).bitcast(DType::F64) * x, steps())),
        (
            "select",
            pull(
                move |x: V, y: V| pick().select(x, y) * V::from([INF, NAN]),
                (C::from([1., 2.]), C::from([NAN, 3.])),
            ),
        ),
        ("select, the where-trap", pull(|x: V| x.gt(0).select(x.sqrt(), 0), trap())),
        ("select, guarded twice", pull(|x: V| x.gt(0).select(x.gt(0).select(&x, 1).sqrt(), 0), trap())),
    ]
}
