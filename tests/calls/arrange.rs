//! Splitting, joining, rolling, padding, diagonals, grids; and making tensors by counting.

use super::Call;
use super::V;
use plywood::prelude::*;

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call("jnp.split(x, 2, axis=1)", |x| x[0].split(2, 1)),
        Call("jnp.split(x, [1, 3], axis=-1)", |x| x[0].split([1, 3], -1)),
        Call("jnp.array_split(x, 3)", |x| x[0].array_split(3, 0)),
        Call("jnp.array_split(x, [2, 2, 5])", |x| x[0].array_split([2, 2, 5], 0)),
        Call("jnp.vsplit(x, 3)", |x| x[0].vsplit(3)),
        Call("jnp.hsplit(x, 2)", |x| x[0].hsplit(2)),
        Call("jnp.dsplit(x, 2)", |x| x[0].dsplit(2)),
        Call("jnp.tile(x, 2)", |x| vec![x[0].tile([2])]),
        Call("jnp.tile(x, (2, 1, 2))", |x| vec![x[0].tile([2, 1, 2])]),
        Call("jnp.repeat(x, 2)", |x| vec![x[0].ravel().repeat(2, 0)]),
        Call("jnp.repeat(x, 3, axis=1)", |x| vec![x[0].repeat(3, 1)]),
        Call("jnp.repeat(x, jnp.array([0, 2, 1]), axis=0)", |x| {
            vec![x[0].repeat(&Tensor::from([0, 2, 1]), 0)]
        }),
        Call("jnp.roll(x, 1, axis=0)", |x| vec![x[0].roll(1, 0)]),
        Call("jnp.roll(x, (1, -6), axis=(0, 1))", |x| vec![x[0].roll([1, -6], [0, 1])]),
        Call("jnp.roll(x, 2)", |x| vec![x[0].ravel().roll(2, 0).reshape([3, 4])]),
        Call("jnp.rot90(x)", |x| vec![x[0].rot90(1, (0, 1))]),
        Call("jnp.rot90(x, 2)", |x| vec![x[0].rot90(2, (0, 1))]),
        Call("jnp.rot90(x, -1, axes=(1, 2))", |x| vec![x[0].rot90(-1, (1, 2))]),
        Call("jnp.fliplr(x)", |x| vec![x[0].fliplr()]),
        Call("jnp.flipud(x)", |x| vec![x[0].flipud()]),
        Call("jnp.flip(x, (0, -1))", |x| vec![x[0].flip([0, -1])]),
        Call("jnp.squeeze(x)", |x| vec![x[0].squeeze_all()]),
        Call("jnp.squeeze(x, axis=-1)", |x| vec![x[0].squeeze(-1)]),
        Call("jnp.ravel(x)", |x| vec![x[0].ravel()]),
        Call("jnp.atleast_1d(x)", |x| vec![x[0].atleast_1d()]),
        Call("jnp.atleast_2d(x)", |x| vec![x[0].atleast_2d()]),
        Call("jnp.atleast_3d(x)", |x| vec![x[0].atleast_3d()]),
        Call("jnp.atleast_3d(x[None])", |x| vec![x[0].get((NewAxis, ..)).atleast_3d()]),
        Call("jnp.moveaxis(x, 0, -1)", |x| vec![x[0].moveaxis(0, -1)]),
        Call("jnp.swapaxes(x, 0, 2)", |x| vec![x[0].swapaxes(0, 2)]),
        Call("jnp.meshgrid(x, y)", |x| meshgrid([&x[0], &x[1]], Indexing::Xy)),
        Call("jnp.meshgrid(x, y, z, indexing='ij')", |x| meshgrid([&x[0], &x[1], &x[2]], Indexing::Ij)),
        Call("jnp.ix_(jnp.arange(2), jnp.arange(3))", |_| ix_([&Tensor::arange(2), &Tensor::arange(3)])),
        Call("jnp.tril(x)", |x| vec![x[0].tril(0)]),
        Call("jnp.tril(x, -1)", |x| vec![x[0].tril(-1)]),
        Call("jnp.triu(x, 1)", |x| vec![x[0].triu(1)]),
        Call("jnp.triu(x > 0)", |x| vec![x[0].gt(0).triu(0)]),
        Call("jnp.diag(x)", |x| vec![x[0].diag(0)]),
        Call("jnp.diag(x, 2)", |x| vec![x[0].diag(2)]),
        Call("jnp.diag(x, k=-1)", |x| vec![x[0].diag(-1)]),
        Call("jnp.diag(x, -1)", |x| vec![x[0].diag(-1)]),
        Call("jnp.diag(x, 9)", |x| vec![x[0].diag(9)]),
        Call("jnp.diagflat(x, 1)", |x| vec![x[0].diagflat(1)]),
        Call("jnp.diagonal(x, 1)", |x| vec![x[0].diagonal(1)]),
        Call("jnp.diagonal(x, -1, axis1=2, axis2=0)", |x| vec![x[0].diagonal_axes(-1, (2, 0))]),
        Call("jnp.trace(x)", |x| vec![x[0].trace(0)]),
        Call("jnp.trace(x, 1, axis1=-2, axis2=-1)", |x| vec![x[0].trace_axes(1, (-2, -1))]),
        Call("jnp.vstack([x, y])", |x| vec![vstack([&x[0], &x[1]])]),
        Call("jnp.hstack([x, y])", |x| vec![hstack([&x[0], &x[1]])]),
        Call("jnp.hstack([x, y, x])", |x| vec![hstack([&x[0], &x[1], &x[0]])]),
        Call("jnp.dstack([x, y])", |x| vec![dstack([&x[0], &x[1]])]),
        Call("jnp.column_stack([x, y])", |x| vec![column_stack([&x[0], &x[1]])]),
        Call("jnp.append(x, y)", |x| vec![x[0].ravel().append(&x[1], 0)]),
        Call("jnp.append(x, y, axis=1)", |x| vec![x[0].append(&x[1], 1)]),
        Call("jnp.insert(x, 1, y, axis=1)", |x| vec![x[0].insert(1, &x[1], 1)]),
        Call("jnp.insert(x, -1, y, axis=0)", |x| vec![x[0].insert(-1, &x[1], 0)]),
        Call("jnp.delete(x, 1, axis=0)", |x| vec![x[0].delete(1, 0)]),
        Call("jnp.delete(x, np.array([0, -1]), axis=1)", |x| vec![x[0].delete([0, -1], 1)]),
        Call("jnp.pad(x, 1, constant_values=3)", |x| vec![x[0].pad([(1, 1), (1, 1)], 3)]),
        Call("jnp.pad(x, ((2, 1), (0, 3)), mode='edge')", |x| {
            vec![x[0].pad_mode([(2, 1), (0, 3)], PadMode::Edge)]
        }),
        Call("jnp.pad(x, ((2, 5), (1, 0)), mode='reflect')", |x| {
            vec![x[0].pad_mode([(2, 5), (1, 0)], PadMode::Reflect)]
        }),
        Call("jnp.pad(x, ((2, 7), (1, 0)), mode='symmetric')", |x| {
            vec![x[0].pad_mode([(2, 7), (1, 0)], PadMode::Symmetric)]
        }),
        Call("jnp.pad(x, ((4, 8), (1, 0)), mode='wrap')", |x| {
            vec![x[0].pad_mode([(4, 8), (1, 0)], PadMode::Wrap)]
        }),
        Call("jnp.pad(x, (20, 30), mode='reflect')", |x| vec![x[0].pad_mode([(20, 30)], PadMode::Reflect)]),
        Call("jnp.where(x > y, x, y[0])", |x| vec![where_(&x[0].gt(&x[1]), &x[0], x[1].get(0))]),
        Call("jnp.where(x > 0, jnp.sqrt(x), 0)", |x| vec![where_(&x[0].gt(0), x[0].sqrt(), 0)]),
        Call("jnp.where(x > 0, x, 0.1)", |x| vec![where_(&x[0].gt(0), &x[0], 0.1)]),
        Call("jnp.select([x > 1, x > 0], [x, y], 5)", |x| {
            vec![plywood::select([&x[0].gt(1), &x[0].gt(0)], [&x[0], &x[1]], 5)]
        }),
        Call("jnp.broadcast_arrays(x, y)", |x| broadcast_arrays([&x[0], &x[1]])),
        Call("jnp.stack([x, y], axis=1)", |x| vec![stack([&x[0], &x[1]], 1)]),
        Call("jnp.logspace(0, 2, 5)", |_| vec![V::logspace(0.0, 2.0, 5, 10.0, DType::F64)]),
        Call("jnp.logspace(1, 3, 4, base=2.0, dtype=f32)", |_| {
            vec![V::logspace(1.0, 3.0, 4, 2.0, DType::F32)]
        }),
        Call("jnp.geomspace(1, 1000, 4)", |_| vec![V::geomspace(1.0, 1000.0, 4, DType::F64)]),
        Call("jnp.geomspace(-2, -32, 5)", |_| vec![V::geomspace(-2.0, -32.0, 5, DType::F64)]),
        Call("jnp.linspace(2, 3, 5)", |_| vec![V::linspace(2.0, 3.0, 5, DType::F64)]),
        Call("jnp.linspace(2, 3, 5, endpoint=False)", |_| {
            vec![V::linspace_to(2.0, 3.0, 5, false, DType::F64)]
        }),
        Call("jnp.linspace(2, 3, 1)", |_| vec![V::linspace(2.0, 3.0, 1, DType::F64)]),
        Call("jnp.eye(3, 4, k=1, dtype=f32)", |_| vec![V::eye_at(3, 4, 1, DType::F32)]),
        Call("jnp.eye(3, k=-1, dtype=i32)", |_| vec![V::eye_at(3, 3, -1, DType::I32)]),
        Call("jnp.identity(3)", |_| vec![V::identity(3, DType::F64)]),
        Call("jnp.tri(3, 4, 1, dtype=f32)", |_| vec![V::tri(3, 4, 1, DType::F32)]),
        Call("jnp.tril_indices(3, 1, 4)", |_| {
            let (i, j) = V::tril_indices(3, 4, 1);
            vec![i, j]
        }),
        Call("jnp.triu_indices(3)", |_| {
            let (i, j) = V::triu_indices(3, 3, 0);
            vec![i, j]
        }),
        Call("jnp.indices((2, 3))", |_| vec![V::indices([2, 3])]),
        Call("jnp.vander(x)", |x| vec![x[0].vander(3, false)]),
        Call("jnp.vander(x, 4, increasing=True)", |x| vec![x[0].vander(4, true)]),
        Call("nn.one_hot(x, 3)", |x| vec![x[0].one_hot(3, DType::F64)]),
        Call("nn.one_hot(x, 3, axis=0, dtype=f32)", |x| vec![x[0].one_hot_axis(3, 0, DType::F32)]),
        Call("nn.one_hot(x, 3, dtype=i32)", |x| vec![x[0].one_hot(3, DType::I32)]),
    ]
}
