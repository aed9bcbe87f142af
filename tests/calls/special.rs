//! Special functions.

use super::{Call, V};
use plywood::prelude::*;

/// The derivative of the sum of f by its last operand.
fn derivative(
    f: fn(
        &[Tensor<Autodiff<Autodiff<Cpu>>>],
        Tensor<Autodiff<Autodiff<Cpu>>>,
    ) -> Tensor<Autodiff<Autodiff<Cpu>>>,
    a: &[V],
    x: &V,
) -> V {
    let a: Vec<_> = a.iter().map(|a| a.lift()).collect();
    grad(move |x| f(&a, x).sum())(x.clone())
}

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call("S.erfc(x)", |x| vec![x[0].erfc()]),
        Call("S.erfc(x) # f32", |x| vec![x[0].erfc()]),
        Call("S.gammaln(x)", |x| vec![x[0].gammaln()]),
        Call("lax.lgamma(x)", |x| vec![x[0].lgamma()]),
        Call("S.digamma(x)", |x| vec![x[0].digamma()]),
        Call("S.polygamma(0, x)", |x| vec![x[0].polygamma(0)]),
        Call("S.polygamma(1, x)", |x| vec![x[0].polygamma(1)]),
        Call("S.polygamma(3, x)", |x| vec![x[0].polygamma(3)]),
        Call("S.gammainc(a_, x)", |x| vec![x[0].gammainc(&x[1])]),
        Call("S.gammaincc(a_, x)", |x| vec![x[0].gammaincc(&x[1])]),
        Call("lax.igamma(a_, x)", |x| vec![x[0].igamma(&x[1])]),
        Call("lax.igammac(a_, x)", |x| vec![x[0].igammac(&x[1])]),
        Call("jax.grad(lambda x: S.gammainc(a_, x).sum())(x)", |x| {
            vec![derivative(|a, x| a[0].igamma(&x), &x[..1], &x[1])]
        }),
        Call("S.betainc(a_, b, x)", |x| vec![x[0].betainc(&x[1], &x[2])]),
        Call("jax.grad(lambda x: S.betainc(a_, b, x).sum())(x)", |x| {
            vec![derivative(|a, x| a[0].betainc(&a[1], &x), &x[..2], &x[2])]
        }),
        Call("S.betaln(a_, b)", |x| vec![x[0].betaln(&x[1])]),
        Call("S.beta(a_, b)", |x| vec![x[0].beta(&x[1])]),
        Call("S.i0e(x)", |x| vec![x[0].i0e()]),
        Call("S.i1e(x)", |x| vec![x[0].i1e()]),
        Call("S.i0(x)", |x| vec![x[0].i0()]),
        Call("S.i1(x)", |x| vec![x[0].i1()]),
        Call("S.gamma(x)", |x| vec![x[0].gamma()]),
        Call("S.factorial(x)", |x| vec![x[0].factorial()]),
        Call("S.factorial(n)", |x| vec![x[0].factorial()]),
        Call("S.xlogy(x, y)", |x| vec![x[0].xlogy(&x[1])]),
        Call("S.xlogy(x, 2.0)", |x| vec![x[0].xlogy(2.0)]),
        Call("S.xlogy(x, y) # 0", |x| vec![x[0].xlogy(&x[1])]),
        Call("S.xlog1py(x, y)", |x| vec![x[0].xlog1py(&x[1])]),
        Call("S.entr(x)", |x| vec![x[0].entr()]),
        Call("S.entr(x) # outside", |x| vec![x[0].entr()]),
        Call("S.logit(x)", |x| vec![x[0].logit()]),
        Call("S.logit(x) # ends", |x| vec![x[0].logit()]),
        Call("S.expit(x)", |x| vec![x[0].expit()]),
        Call("S.ndtr(x)", |x| vec![x[0].ndtr()]),
        Call("S.ndtr(x) # f32", |x| vec![x[0].ndtr()]),
        Call("S.ndtri(p)", |x| vec![x[0].ndtri()]),
        Call("S.ndtri(p) # tails", |x| vec![x[0].ndtri()]),
        Call("S.log_ndtr(x)", |x| vec![x[0].log_ndtr()]),
        Call("S.log_ndtr(x) # far", |x| vec![x[0].log_ndtr()]),
        Call("S.rel_entr(p, q)", |x| vec![x[0].rel_entr(&x[1])]),
        Call("S.rel_entr(p, q) # outside", |x| vec![x[0].rel_entr(&x[1])]),
        Call("S.kl_div(p, q)", |x| vec![x[0].kl_div(&x[1])]),
        Call("S.multigammaln(x, 3)", |x| vec![x[0].multigammaln(3)]),
        Call("jax.nn.logsumexp(x)", |x| vec![x[0].logsumexp()]),
    ]
}
