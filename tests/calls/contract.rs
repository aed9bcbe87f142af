//! Products: matmul, einsum, tensordot and their relatives.

use super::Call;
use plywood::prelude::*;

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call("jnp.matmul(x, y)", |x| vec![x[0].matmul(&x[1])]),
        Call("jnp.matmul(x, y).T", |x| vec![x[0].matmul(&x[1]).t()]),
        Call("jnp.matmul(x, y) # vector on the right", |x| vec![x[0].matmul(&x[1])]),
        Call("x @ y", |x| vec![x[0].matmul(&x[1])]),
        Call("jnp.dot(x, y)", |x| vec![x[0].dot(&x[1])]),
        Call("jnp.dot(x, y) # of many axes", |x| vec![x[0].dot(&x[1])]),
        Call("jnp.dot(x, y) # a scalar", |x| vec![x[0].dot(&x[1])]),
        Call("jnp.vdot(x, y)", |x| vec![x[0].vdot(&x[1])]),
        Call("jnp.inner(x, y)", |x| vec![x[0].inner(&x[1])]),
        Call("jnp.outer(x, y)", |x| vec![x[0].outer(&x[1])]),
        Call("jnp.kron(x, y)", |x| vec![x[0].kron(&x[1])]),
        Call("jnp.kron(x, y) # of different ranks", |x| vec![x[0].kron(&x[1])]),
        Call("jnp.tensordot(x, y, 2)", |x| vec![x[0].tensordot(&x[1], 2)]),
        Call("jnp.tensordot(x, y, 0)", |x| vec![x[0].tensordot(&x[1], 0)]),
        Call("jnp.tensordot(x, y, ((1, 2), (1, -3)))", |x| vec![x[0].tensordot(&x[1], ([1, 2], [1, -3]))]),
        Call("lax.dot_general(x, y, (((1,), (2,)), ((0,), (1,))))", |x| {
            vec![x[0].dot_general(&x[1], ([1], [2]), ([0], [1]))]
        }),
        Call("jnp.matmul(x, y) # of f16", |x| vec![x[0].matmul(&x[1])]),
        Call("jnp.matmul(x, y) # i32 and f32", |x| vec![x[0].matmul(&x[1])]),
        Call("jnp.einsum('ij,jk->ik', x, y)", |x| vec![einsum("ij,jk->ik", x)]),
        Call("jnp.einsum('ij,jk->ki', x, y)", |x| vec![einsum("ij,jk->ki", x)]),
        Call("jnp.einsum('ij,jk', x, y)", |x| vec![einsum("ij,jk", x)]),
        Call("jnp.einsum('ji,jk->ik', x, y)", |x| vec![einsum("ji,jk->ik", x)]),
        Call("jnp.einsum('ii', x)", |x| vec![einsum("ii", x)]),
        Call("jnp.einsum('ii->i', x)", |x| vec![einsum("ii->i", x)]),
        Call("jnp.einsum('ij->ji', x)", |x| vec![einsum("ij->ji", x)]),
        Call("jnp.einsum('ij->', x)", |x| vec![einsum("ij->", x)]),
        Call("jnp.einsum('ij->j', x)", |x| vec![einsum("ij->j", x)]),
        Call("jnp.einsum('i,j->ij', x, y)", |x| vec![einsum("i,j->ij", x)]),
        Call("jnp.einsum('i,i->i', x, y)", |x| vec![einsum("i,i->i", x)]),
        Call("jnp.einsum('i,i', x, y)", |x| vec![einsum("i,i", x)]),
        Call("jnp.einsum('bij,bjk->bik', x, y)", |x| vec![einsum("bij,bjk->bik", x)]),
        Call("jnp.einsum('bhqd,bhkd->bhqk', x, y)", |x| vec![einsum("bhqd,bhkd->bhqk", x)]),
        Call("jnp.einsum('...ij,...jk->...ik', x, y)", |x| vec![einsum("...ij,...jk->...ik", x)]),
        Call("jnp.einsum('...i,i->...', x, y)", |x| vec![einsum("...i,i->...", x)]),
        Call("jnp.einsum('ijk,ilm,njm,nlk->', x, y, z, w)", |x| vec![einsum("ijk,ilm,njm,nlk->", x)]),
        Call("jnp.einsum('ab,bc,cd,de->ae', x, y, z, w)", |x| vec![einsum("ab,bc,cd,de->ae", x)]),
        Call("jnp.einsum('iij,jk->ik', x, y)", |x| vec![einsum("iij,jk->ik", x)]),
        Call("jnp.einsum('ijj,j->i', x, y)", |x| vec![einsum("ijj,j->i", x)]),
        Call("jnp.einsum('ij,j->i', x, y)", |x| vec![einsum("ij,j->i", x)]),
        Call("jnp.einsum('i...,i...->...', x, y)", |x| vec![einsum("i...,i...->...", x)]),
        Call("jnp.einsum('ba,ca', x, y)", |x| vec![einsum("ba,ca", x)]),
        Call("jnp.einsum('xyz,xyw->wz', x, y)", |x| vec![einsum("xyz,xyw->wz", x)]),
        Call("jnp.einsum('i,ij,j->', x, y, z)", |x| vec![einsum("i,ij,j->", x)]),
        Call("jnp.einsum('i...->...', x)", |x| vec![einsum("i...->...", x)]),
        Call("jnp.einsum('ij,ij->ij', x, y)", |x| vec![einsum("ij,ij->ij", x)]),
        Call("jnp.einsum('abc->cab', x)", |x| vec![einsum("abc->cab", x)]),
        Call("jnp.einsum('ij , jk -> ik', x, y)", |x| vec![einsum("ij , jk -> ik", x)]),
        Call("jnp.einsum('a,b,c,d,e,f,g,h,ab->cdefgh', x, y, z, w, u, v, p, q, r)", |x| {
            vec![einsum("a,b,c,d,e,f,g,h,ab->cdefgh", x)]
        }),
    ]
}
