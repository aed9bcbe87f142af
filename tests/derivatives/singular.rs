//! Singular points: zeros, infinities and overflow, in the operations and in what is composed of them.

use super::*;
use plywood::linalg;

/// The cotangent, and that of it.
fn twice(f: impl Fn(W) -> W + Copy + Send + Sync + 'static, g: fn(V) -> V, x: C) -> Vec<C> {
    [pull(g, (x.clone(),)), second(f, &x)].concat()
}

macro_rules! powi { ($x:expr; $($n:literal $name:literal),*) => {
    [$(($name, twice(|x: W| x.powi($n), |x: V| x.powi($n), $x))),*]
} }

macro_rules! pow { ($x:expr; $($n:literal $name:literal),*) => {
    [$(($name, pull(|x: V| x.pow($n), ($x,)))),*]
} }

/// A function of one operand and where it is taken.
type Unary = (&'static str, fn(V) -> V, &'static [f64]);

const GROWN: &[f64] = &[-1000., -20., -1., 0., 0.5, 5., 1000., INF];

const UNARY: &[Unary] = &[
    ("log", |x| x.log(), &[0., 1., -1.]),
    ("log1p", |x| x.log1p(), &[-1., 0., 1e-20]),
    ("rsqrt", |x| x.rsqrt(), &[0., 4., INF]),
    ("cbrt", |x| x.cbrt(), &[0., 8., -8.]),
    ("tanh", |x| x.tanh(), GROWN),
    ("logistic", |x| x.logistic(), GROWN),
    ("expm1", |x| x.expm1(), &[-1000., 1e-20, 0.]),
    ("asin", |x| x.asin(), &[-1., 0., 1., 2.]),
    ("acos", |x| x.acos(), &[-1., 0., 1.]),
    ("acosh", |x| x.acosh(), &[1., 2.]),
    ("atanh", |x| x.atanh(), &[-1., 0., 1.]),
    ("erf_inv", |x| x.erf_inv(), &[-1., 0., 1.]),
    ("atan", |x| x.atan(), &[-INF, 0., INF]),
    ("tan", |x| x.tan(), &[0., 1.]),
    ("erf", |x| x.erf(), &[-10., 0., 10.]),
    ("sqrt", |x| x.sqrt(), &[0., 1., 4., -1., INF]),
];

/// `x[i] *= u` for each of these places.
fn times<B: Backend>(x: Tensor<B>, u: Tensor<B>, places: &[i32]) -> Tensor<B> {
    x.at(&Tensor::from(places)).mul(u)
}

pub(super) fn cases() -> Vec<Case> {
    let points = || C::from([-2., 0., 3.]);
    let powers =
        || (C::from([0., 0., 0., 0., 0., 2., -2., -2.]), C::from([0., 0.5, 1., 2., -1., 0.5, 0.5, 3.]));
    let rows = || (C::from([[1., 2., 3.], [1000., 1001., -1000.], [-INF, 0., 0.]]),);
    let zeros = || C::from([[2., 3., 4., 5.], [0., 3., 4., 5.], [0., 3., 0., 5.], [0., 0., 0., 5.]]);
    let (x, u) = (|| [2., 0., 3., 4., 5.], || [2., 3., 5., 7., 0., 0., 5., 0.]);
    let unsymmetric = || (C::from([[4., 1.], [3., 5.]]),);
    let equal = || (C::from([[1., 0., 0.], [0., 1., 0.], [0., 0., 2.]]),);
    const PLACES: &[i32] = &[0, 0, 1, 1, 2, 2, 2, 3];
    let unary = UNARY.iter().map(|&(name, f, x)| (name, both(f, (C::from(x),))));
    let powi = powi!(points(); -2 "powi -2", -1 "powi -1", 0 "powi 0", 1 "powi 1", 2 "powi 2", 3 "powi 3");
    let pow = pow!(points(); 0.0 "pow 0.0", 0.5 "pow 0.5", 1.0 "pow 1.0", 2.0 "pow 2.0", 3.0 "pow 3.0");
    let others = vec![
        ("sqrt, zero cotangent", pull(|x: V| x.sqrt() * 0.0, (C::from([0., 1.]),))),
        ("square", twice(|x| x.square(), |x| x.square(), points())),
        ("pow", both(|x: V, y: V| x.pow(y), powers())),
        ("div", both(|x: V, y: V| x / y, (C::from([1., 0., 1., 3., INF]), C::from([0., 0., 2., INF, INF])))),
        ("atan2", both(|y: V, x: V| y.atan2(x), (C::from([0., 0., 1., 0.]), C::from([0., 1., 0., -1.])))),
        (
            "hypot",
            both(|x: V, y: V| x.hypot(y), (C::from([0., 3., 0., 1e200]), C::from([0., 4., 2., 1e200]))),
        ),
        (
            "logaddexp",
            both(
                |x: V, y: V| x.logaddexp(y),
                (C::from([0., -INF, INF, 1000., 2., -INF]), C::from([-INF, 0., 1., 1000., 2., -INF])),
            ),
        ),
        (
            "logaddexp, second",
            second(|x| x.logaddexp(x.flip([0])), &C::from([1., 2., 2., 1., 0., -1., 1., 2., 2., 1.])),
        ),
        ("logsumexp", both(|x: V| x.logsumexp_axes(1), rows())),
        ("logsumexp of inf", both(|x: V| x.logsumexp_axes(1), (C::from([[INF, 0.]]),))),
        ("logsumexp of -inf", both(|x: V| x.logsumexp_axes(1), (C::from([[-INF, -INF]]),))),
        ("softmax", both(|x: V| x.softmax(1), rows())),
        ("log_softmax", both(|x: V| x.log_softmax(1), rows())),
        ("softmax of inf", vec![C::from([INF, 0.]).softmax(0)]),
        ("softmax of -inf", vec![C::from([-INF, -INF]).softmax(0)]),
        (
            "reduce_prod",
            [
                pull(|x: V| x.prod_axes([1]), (zeros(),)),
                pull(|x: V| x.prod_axes([0]), (zeros(),)),
                pull(|x: V| x.prod(), (zeros().get(1..2),)),
            ]
            .concat(),
        ),
        ("reduce_prod, second", second(|x| x.prod_axes([1]), &zeros())),
        ("reduce_prod, third", pull(|x: V| first(|x: W| first(|x| x.prod_axes([1]), x), x), (zeros(),))),
        ("cholesky of an unsymmetric matrix", both(|x: V| linalg::cholesky(&x), unsymmetric())),
        ("eigh of an unsymmetric matrix", both(|x: V| linalg::eigh(&x).0, unsymmetric())),
        (
            "eigh of equal eigenvalues",
            [
                both(|x: V| linalg::eigh(&x).0, equal()),
                pull(|x: V| linalg::eigh(&x).1, equal()),
                pull(|x: V| linalg::eigh(&x).1, (equal().0.get((..2, ..2)),)),
            ]
            .concat(),
        ),
        ("at mul", both(|x: V, u: V| times(x, u, PLACES), (C::from(x()), C::from(u())))),
        ("at mul, second by x", second(|x| times(x.clone(), x.get(..4), &[1, 1, 2, 0]), &C::from(x()))),
        ("at mul, second by u", second(move |u| times(W::from(x()), u, PLACES), &C::from(u()))),
    ];
    unary.chain(powi).chain(pow).chain(others).collect()
}
