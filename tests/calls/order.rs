//! Sorting, running reductions, searching in sorted vectors.

use super::{Call, V};
use plywood::prelude::*;
use plywood::{Side, lexsort, sort_together};

fn pair((a, b): (V, V)) -> Vec<V> {
    vec![a, b]
}

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call("jnp.sort(x)", |x| vec![x[0].sort(-1)]),
        Call("jnp.sort(x, axis=0)", |x| vec![x[0].sort(0)]),
        Call("jnp.sort(x, descending=True)", |x| vec![x[0].sort_descending(0)]),
        Call("jnp.sort(n)", |x| vec![x[0].sort(0)]),
        Call("jnp.argsort(x)", |x| vec![x[0].argsort(0)]),
        Call("jnp.argsort(x, axis=0)", |x| vec![x[0].argsort(0)]),
        Call("jnp.argsort(x, descending=True)", |x| vec![x[0].argsort_descending(0)]),
        Call("lax.sort((k, x), dimension=0, num_keys=1)", |x| sort_together([&x[0], &x[1]], 0, 1)),
        Call("lax.sort((x, y, z), dimension=1, num_keys=2)", |x| sort_together(x, 1, 2)),
        Call("jnp.lexsort((x, y))", |x| vec![lexsort(x, 0)]),
        Call("lax.top_k(x, 2)", |x| pair(x[0].top_k(2, -1))),
        Call("lax.top_k(x, 3, axis=0)", |x| pair(x[0].top_k(3, 0))),
        Call("lax.top_k(n, 4)", |x| pair(x[0].top_k(4, 0))),
        Call("jnp.searchsorted(x, y)", |x| vec![x[0].searchsorted(&x[1], Side::Left)]),
        Call("jnp.searchsorted(x, y, side='right')", |x| vec![x[0].searchsorted(&x[1], Side::Right)]),
        Call("jnp.searchsorted(n, y)", |x| vec![x[0].searchsorted(&x[1], Side::Left)]),
        Call("jnp.digitize(x, bins)", |x| vec![x[0].digitize(&x[1], false)]),
        Call("jnp.digitize(x, bins, right=True)", |x| vec![x[0].digitize(&x[1], true)]),
        Call("jnp.digitize(x, bins_that_fall)", |x| vec![x[0].digitize(&x[1], false)]),
        Call("jnp.cumsum(x, axis=1)", |x| vec![x[0].cumsum(1)]),
        Call("jnp.cumsum(x, axis=0)", |x| vec![x[0].cumsum(0)]),
        Call("jnp.cumsum(b)", |x| vec![x[0].cast(DType::Bool).cumsum(0)]),
        Call("lax.cumsum(x, axis=0, reverse=True)", |x| vec![x[0].cumsum_reverse(0)]),
        Call("jnp.cumprod(x)", |x| vec![x[0].cumprod(0)]),
        Call("jnp.cumprod(x, axis=0)", |x| vec![x[0].cumprod(0)]),
        Call("jnp.cumprod(zeros)", |x| vec![x[0].cumprod(0)]),
        Call("jnp.cumprod(n)", |x| vec![x[0].cast(DType::I8).cumprod(0)]),
        Call("lax.cumprod(x, axis=0, reverse=True)", |x| vec![x[0].cumprod_reverse(0)]),
        Call("lax.cummax(x, axis=0)", |x| vec![x[0].cummax(0)]),
        Call("lax.cummax(ties, axis=0)", |x| vec![x[0].cummax(0)]),
        Call("lax.cummax(x, axis=1, reverse=True)", |x| vec![x[0].cummax_reverse(1)]),
        Call("lax.cummin(x, axis=0)", |x| vec![x[0].cummin(0)]),
        Call("lax.cummin(ties, axis=0, reverse=True)", |x| vec![x[0].cummin_reverse(0)]),
        Call("lax.cumlogsumexp(x, axis=0)", |x| vec![x[0].cumlogsumexp(0)]),
        Call("lax.cumlogsumexp(x, axis=1, reverse=True)", |x| vec![x[0].cumlogsumexp_reverse(1)]),
        Call("lax.cumlogsumexp(large, axis=0)", |x| vec![x[0].cumlogsumexp(0)]),
        Call("jnp.diff(x)", |x| vec![x[0].diff(1, 0)]),
        Call("jnp.diff(x, n=2, axis=0)", |x| vec![x[0].diff(2, 0)]),
        Call("jax.grad(lambda x: jnp.sum(jnp.cumprod(x) ** 2))(x)", |x| {
            vec![grad(|x: Tensor<Autodiff<Autodiff<Cpu>>>| x.cumprod(0).square().sum())(x[0].clone())]
        }),
        Call("jax.grad(lambda x: jnp.sum(lax.top_k(x, 2)[0] ** 3))(x)", |x| {
            vec![grad(|x: Tensor<Autodiff<Autodiff<Cpu>>>| x.top_k(2, 0).0.powi(3).sum())(x[0].clone())]
        }),
    ]
}
