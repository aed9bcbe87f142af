//! `jax.nn`: activations, softmax and its relatives, attention.

use super::Call;
use plywood::prelude::*;

pub(super) fn calls() -> Vec<Call> {
    vec![
        Call("nn.softplus(x)", |x| vec![x[0].softplus()]),
        Call("nn.sparse_plus(x)", |x| vec![x[0].sparse_plus()]),
        Call("nn.soft_sign(x)", |x| vec![x[0].soft_sign()]),
        Call("nn.sparse_sigmoid(x)", |x| vec![x[0].sparse_sigmoid()]),
        Call("nn.silu(x)", |x| vec![x[0].silu()]),
        Call("nn.mish(x)", |x| vec![x[0].mish()]),
        Call("nn.log_sigmoid(x)", |x| vec![x[0].log_sigmoid()]),
        Call("nn.selu(x)", |x| vec![x[0].selu()]),
        Call("nn.relu6(x)", |x| vec![x[0].relu6()]),
        Call("nn.hard_sigmoid(x)", |x| vec![x[0].hard_sigmoid()]),
        Call("nn.hard_silu(x)", |x| vec![x[0].hard_silu()]),
        Call("nn.hard_tanh(x)", |x| vec![x[0].hard_tanh()]),
        Call("nn.softplus(x) # far", |x| vec![x[0].softplus()]),
        Call("nn.silu(x) # far", |x| vec![x[0].silu()]),
        Call("nn.mish(x) # far", |x| vec![x[0].mish()]),
        Call("nn.log_sigmoid(x) # far", |x| vec![x[0].log_sigmoid()]),
        Call("nn.selu(x) # far", |x| vec![x[0].selu()]),
        Call("nn.gelu(x)", |x| vec![x[0].gelu()]),
        Call("nn.gelu(x, approximate=False)", |x| vec![x[0].gelu_exact()]),
        Call("nn.gelu(x) # of f32", |x| vec![x[0].gelu()]),
        Call("nn.relu(x)", |x| vec![x[0].relu()]),
        Call("nn.sigmoid(x)", |x| vec![x[0].sigmoid()]),
        Call("nn.squareplus(x)", |x| vec![x[0].squareplus(4.0)]),
        Call("nn.squareplus(x, 1)", |x| vec![x[0].squareplus(1.0)]),
        Call("nn.elu(x)", |x| vec![x[0].elu(1.0)]),
        Call("nn.elu(x, 0.5)", |x| vec![x[0].elu(0.5)]),
        Call("nn.celu(x)", |x| vec![x[0].celu(1.0)]),
        Call("nn.celu(x, 2.0)", |x| vec![x[0].celu(2.0)]),
        Call("nn.leaky_relu(x)", |x| vec![x[0].leaky_relu(0.01)]),
        Call("nn.leaky_relu(x, 0.2)", |x| vec![x[0].leaky_relu(0.2)]),
        Call("nn.log1mexp(x)", |x| vec![x[0].log1mexp()]),
        Call("nn.glu(x)", |x| vec![x[0].glu(-1)]),
        Call("nn.glu(x, axis=0)", |x| vec![x[0].glu(0)]),
        Call("nn.softmax(x)", |x| vec![x[0].softmax(-1)]),
        Call("nn.softmax(x, axis=0)", |x| vec![x[0].softmax(0)]),
        Call("nn.log_softmax(x)", |x| vec![x[0].log_softmax(-1)]),
        Call("nn.logsumexp(x, axis=1)", |x| vec![x[0].logsumexp_axes(1)]),
        Call("nn.logmeanexp(x, axis=(0, 1))", |x| vec![x[0].logmeanexp([0, 1])]),
        Call("nn.standardize(x, epsilon=1e-3)", |x| vec![x[0].standardize(-1, 1e-3)]),
        Call("nn.standardize(x, axis=(0, 1))", |x| vec![x[0].standardize([0, 1], 1e-5)]),
        Call("nn.dot_product_attention(x, y, z)", |x| vec![nn::dot_product_attention(&x[0], &x[1], &x[2])]),
        Call("nn.dot_product_attention(x, y, z, is_causal=True)", |x| {
            vec![nn::DotProductAttention::new().causal().call(&x[0], &x[1], &x[2])]
        }),
        Call("nn.dot_product_attention(x, y, z, scale=0.3, local_window_size=(1, 0))", |x| {
            vec![nn::DotProductAttention::new().scale(0.3).window(1, 0).call(&x[0], &x[1], &x[2])]
        }),
        Call("nn.dot_product_attention(x, y, z, bias=b)", |x| {
            vec![nn::DotProductAttention::new().bias(&x[3]).call(&x[0], &x[1], &x[2])]
        }),
        Call("nn.dot_product_attention(x, y, z, mask=m.astype(bool))", |x| {
            vec![nn::DotProductAttention::new().mask(&x[3].cast(DType::Bool)).call(&x[0], &x[1], &x[2])]
        }),
    ]
}
