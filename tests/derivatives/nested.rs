//! Derivatives of derivatives.

use super::*;

fn tanh<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.tanh().sum()
}

fn held<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    (x.square() * x.stop_gradient()).sum()
}

fn cube<B: Backend>(x: Tensor<B>) -> Tensor<B> {
    x.powi(3).sum()
}

pub(super) fn cases() -> Vec<Case> {
    let x = || C::from([-1., 0., 0.5, 2.]);
    let twice = |f: fn(W) -> W| second(f, &C::from([-1., 0., 1., 0.]));
    vec![
        (
            "tanh, first to third",
            vec![
                grad(tanh)(x()),
                grad(|x: V| grad(tanh)(x).sum())(x()),
                grad(|x: V| grad(|x: W| grad(tanh)(x).sum())(x).sum())(x()),
            ],
        ),
        (
            "a pullback, differentiated",
            pull(
                |x: V| {
                    let (_, back) = vjp(|x: W| x.sin(), (x.clone(),));
                    back(x.clone()).0 * x
                },
                (x(),),
            ),
        ),
        (
            "stop_gradient, twice",
            vec![
                grad(held)(x()),
                grad(|x: V| grad(held)(x).sum())(x()),
                grad(|x: V| (grad(cube)(x.clone()).stop_gradient() * x).sum())(x()),
            ],
        ),
        (
            "two variables",
            vec![grad(|x: V| {
                let outer = x.clone();
                (grad(move |y: W| (outer.lift() * &y * y).sum())(x.clone()) * x).sum()
            })(x())],
        ),
        ("abs, second", twice(|x| x.abs())),
        ("relu, second", twice(|x| x.relu())),
        ("max, second", twice(|x| x.maximum(&x * &x))),
        ("sort, second", twice(|x| x.sort(0).square())),
        ("logsumexp, second", twice(|x| x.logsumexp())),
        ("softmax, second", twice(|x| x.softmax(0))),
        ("reduce_max, second", twice(|x| x.max().square())),
        ("sqrt, second", twice(|x| (x + 1).sqrt())),
        ("logistic, second", twice(|x| x.logistic())),
        ("at max, second", twice(|x| x.at(&W::from([0, 0])).max(x.get(2..)).square())),
    ]
}

#[test]
fn a_pullback_can_be_called_again() {
    let (y, back) = vjp(|x: V, y: V| (x * &y).sort(0) * y, (C::from([3., 1.]), C::from([1., 2.])));
    let cotangents = [[1., 1.], [0., 0.], [1., 1.], [10., 20.]];
    let [a, _, b, c] = cotangents.map(|ct| {
        let (dx, dy) = back(C::from(ct));
        (dx.to_vec::<f64>(), dy.to_vec::<f64>())
    });
    assert_eq!(y.to_vec::<f64>(), [2., 6.]);
    assert_eq!(a, b);
    assert_eq!(a, (vec![2., 2.], vec![8., 4.]));
    assert_eq!(c, (vec![40., 20.], vec![140., 70.]));
}
