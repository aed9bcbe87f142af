//! Indexing: numbers, ranges, new axes, index tensors and masks, read and updated; taking along an axis.

use super::{Call, V};
use plywood::prelude::*;

fn i32s(places: &[i32]) -> V {
    Tensor::from(places)
}

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call("x[i]", |x| vec![x[0].get(&x[1])]),
        Call("x[i, None]", |x| vec![x[0].get((&x[1], NewAxis))]),
        Call("x[None, i]", |x| vec![x[0].get((NewAxis, &x[1]))]),
        Call("x[None, i, :, None]", |x| vec![x[0].get((NewAxis, &x[1], .., NewAxis))]),
        Call("x[:, None, i]", |x| vec![x[0].get((.., NewAxis, &x[1]))]),
        Call("x[i, None, i]", |x| vec![x[0].get((&x[1], NewAxis, &x[1]))]),
        Call("x[i, ..., i]", |x| vec![x[0].get((&x[1], Ellipsis, &x[1]))]),
        Call("x[:, i, i]", |x| vec![x[0].get((.., &x[1], &x[1]))]),
        Call("x[i, :, i]", |x| vec![x[0].get((&x[1], .., &x[1]))]),
        Call("x[i, :, 1]", |x| vec![x[0].get((&x[1], .., 1))]),
        Call("x[..., None, i, ::-1]", |x| vec![x[0].get((Ellipsis, NewAxis, &x[1], step(.., -1)))]),
        Call("x[::-1, None, i, 1:3]", |x| vec![x[0].get((step(.., -1), NewAxis, &x[1], 1..3))]),
        Call("x[jnp.array(1)]", |x| vec![x[0].get(&V::scalar(1))]),
        Call("x[m]", |x| vec![x[0].get(&x[1])]),
        Call("x[mm]", |x| vec![x[0].get(&x[1])]),
        Call("x[:, m]", |x| vec![x[0].get((.., &x[1]))]),
        Call("x[..., m]", |x| vec![x[0].get((Ellipsis, &x[1]))]),
        Call("x[m, 1]", |x| vec![x[0].get((&x[1], 1))]),
        Call("x[m, None, 1:]", |x| vec![x[0].get((&x[1], NewAxis, 1..))]),
        Call("x[m, i]", |x| vec![x[0].get((&x[1], &x[2]))]),
        Call("x[x > 5]", |x| vec![x[0].get(&x[0].gt(5))]),
        Call("x[jnp.where(x > 0)]", |x| {
            let places = x[0].gt(0).nonzero();
            vec![x[0].get((&places[0], &places[1]))]
        }),
        Call("x.at[m].set(y)", |x| vec![x[0].at(&x[1]).set(&x[2])]),
        Call("x.at[m].set(7)", |x| vec![x[0].at(&x[1]).set(7)]),
        Call("jnp.where(m[:, None], y, x)", |x| vec![x[0].at(&x[1]).set(&x[2])]),
        Call("x.at[:, m].add(2)", |x| vec![x[0].at((.., &x[1])).add(2)]),
        Call("x.at[..., m].mul(3, unique_indices=True)", |x| vec![x[0].at((Ellipsis, &x[1])).mul(3)]),
        Call("x.at[mm].max(y)", |x| vec![x[0].at(&x[1]).max(&x[2])]),
        Call("x.at[mm].min(0)", |x| vec![x[0].at(&x[1]).min(0)]),
        Call("x.at[m, 1].set(y)", |x| vec![x[0].at((&x[1], 1)).set(&x[2])]),
        Call("x.at[None, i].set(y)", |x| vec![x[0].at((NewAxis, &x[1])).set(&x[2])]),
        Call("x.at[i, None].add(y)", |x| vec![x[0].at((&x[1], NewAxis)).add(&x[2])]),
        Call("x.at[:, None, i].mul(y, unique_indices=True)", |x| {
            vec![x[0].at((.., NewAxis, &x[1])).mul(&x[2])]
        }),
        Call("x.at[i, ..., i].add(y)", |x| vec![x[0].at((&x[1], Ellipsis, &x[1])).add(&x[2])]),
        Call("x.at[i].subtract(y)", |x| vec![x[0].at(&x[1]).sub(&x[2])]),
        Call("x.at[1].subtract(2)", |x| vec![x[0].at(1).sub(2)]),
        Call("x.at[i].divide(y, unique_indices=True)", |x| vec![x[0].at(&x[1]).divide(&x[2])]),
        Call("x.at[i].power(2, unique_indices=True)", |x| vec![x[0].at(&x[1]).power(2)]),
        Call("x.at[i].get()", |x| vec![x[0].at(&x[1]).get()]),
        Call("jnp.take(x, i)", |x| vec![x[0].ravel().take(&x[1], 0)]),
        Call("jnp.take(x, i, axis=1)", |x| vec![x[0].take(&x[1], 1)]),
        Call("jnp.take(x, jnp.array([5, -9, 1]), axis=1, mode='wrap')", |x| {
            vec![x[0].take_mode(&i32s(&[5, -9, 1]), 1, TakeMode::Wrap)]
        }),
        Call("jnp.take(x, jnp.array([5, -1, 1]), axis=1, mode='clip')", |x| {
            vec![x[0].take_mode(&i32s(&[5, -1, 1]), 1, TakeMode::Clip)]
        }),
        Call("jnp.take(x, jnp.array([5, -1, 1]), axis=1, mode='fill')", |x| {
            vec![x[0].take_mode(&i32s(&[5, -1, 1]), 1, TakeMode::Fill)]
        }),
        Call("jnp.take_along_axis(x, i, axis=0)", |x| vec![x[0].take_along_axis(&x[1], 0)]),
        Call("jnp.take_along_axis(x, i, axis=-1)", |x| vec![x[0].take_along_axis(&x[1], -1)]),
        Call("jnp.put_along_axis(x, i, y, axis=1, inplace=False)", |x| {
            vec![x[0].put_along_axis(&x[1], &x[2], 1)]
        }),
        Call("jnp.put_along_axis(x, i, 9, axis=0, inplace=False)", |x| {
            vec![x[0].put_along_axis(&x[1], 9, 0)]
        }),
        Call("jnp.compress(m, x, axis=0)", |x| vec![x[1].compress(&x[0], 0)]),
        Call("jnp.extract(mm, x)", |x| vec![x[1].extract(&x[0])]),
        Call("jnp.unravel_index(i, (3, 4))", |x| x[0].unravel_index([3, 4])),
        Call("jnp.ravel_multi_index((i, j), (3, 4))", |x| vec![ravel_multi_index([&x[0], &x[1]], [3, 4])]),
    ]
}
