//! Products: matmul, einsum, tensordot and their relatives.

use super::Call;

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call("jnp.matmul(x, y)", |x| vec![x[0].matmul(&x[1])]),
        Call("jnp.dot(x, y)", |x| vec![x[0].dot(&x[1])]),
    ]
}
