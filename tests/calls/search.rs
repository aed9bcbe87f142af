//! Places, distinct elements, sets, counting, histograms, segments.

use super::Call;
use super::V;
use plywood::prelude::*;

fn unique(x: &V) -> Vec<V> {
    let all = x.unique_all();
    vec![all.values, all.indices, all.inverse, all.counts]
}

fn pair((x, y): (V, V)) -> Vec<V> {
    vec![x, y]
}

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call("jnp.nonzero(x)", |x| x[0].nonzero()),
        Call("jnp.argwhere(x)", |x| vec![x[0].argwhere()]),
        Call("jnp.flatnonzero(x > 0)", |x| vec![x[0].gt(0).flatnonzero()]),
        Call("jnp.count_nonzero(x)", |x| vec![x[0].count_nonzero()]),
        Call("jnp.count_nonzero(x, axis=0)", |x| vec![x[0].count_nonzero_axes(0)]),
        Call("jnp.unique(x)", |x| vec![x[0].unique()]),
        Call("jnp.unique(x, return_index=True, return_inverse=True, return_counts=True)", |x| unique(&x[0])),
        Call("jnp.unique(x + 0.5)", |x| vec![(&x[0] + 0.5).unique()]),
        Call("jnp.unique_all(x)", |x| unique(&x[0])),
        Call("jnp.isin(x, jnp.array([1, 3]))", |x| vec![x[0].isin(&Tensor::from([1, 3]))]),
        Call("jnp.intersect1d(x, y)", |x| vec![x[0].intersect1d(&x[1])]),
        Call("jnp.union1d(x, y)", |x| vec![x[0].union1d(&x[1])]),
        Call("jnp.setdiff1d(x, y)", |x| vec![x[0].setdiff1d(&x[1])]),
        Call("jnp.setxor1d(x, y)", |x| vec![x[0].setxor1d(&x[1])]),
        Call("jnp.bincount(x)", |x| vec![x[0].bincount()]),
        Call("jnp.bincount(x, length=4)", |x| vec![x[0].bincount_to(4)]),
        Call("jnp.bincount(i, y, length=5)", |x| vec![x[0].bincount_weighted(&x[1], 5)]),
        Call("jnp.histogram(x)", |x| pair(x[0].histogram(10))),
        Call("jnp.histogram(x, 4, range=(-1., 1.))", |x| pair(x[0].histogram((4, (-1.0, 1.0))))),
        Call("jnp.histogram(x, bins=jnp.array([-1., 0., 0.5, 2.]))", |x| {
            pair(x[0].histogram(&Tensor::from([-1.0, 0.0, 0.5, 2.0])))
        }),
        Call("jnp.histogram(x, 3, weights=y)", |x| pair(x[0].histogram_weighted(3, &x[1]))),
        Call("jnp.histogram(x, 3, density=True)", |x| pair(x[0].histogram_density(3))),
        Call("jnp.histogram(x, 2)", |x| pair(x[0].histogram(2))),
        Call("jnp.histogram_bin_edges(x, 3)", |x| vec![x[0].histogram_bin_edges(3)]),
        Call("jax.ops.segment_sum(x, i, 4)", |x| vec![x[0].segment_sum(&x[1], 4)]),
        Call("jax.ops.segment_max(x, i, 4)", |x| vec![x[0].segment_max(&x[1], 4)]),
        Call("jax.ops.segment_min(x, i, 3)", |x| vec![x[0].segment_min(&x[1], 3)]),
        Call("jax.ops.segment_prod(x, i, 3, unique_indices=True)", |x| vec![x[0].segment_prod(&x[1], 3)]),
        Call("jax.ops.segment_max(i, i, 2)", |x| vec![x[0].segment_max(&x[0], 2)]),
        Call("jnp.argmax(x)", |x| vec![x[0].argmax_all()]),
        Call("jnp.argmin(x)", |x| vec![x[0].argmin_all()]),
    ]
}
