//! Attention.

use crate::library::attention::{Options, attention};
use crate::{Backend, Tensor};
use std::marker::PhantomData;

/// softmax(q kᵀ / √size) v: what each query finds (Vaswani et al., "Attention is all you need", 2017).
///
/// Queries `[batch, T, heads, size]`, keys and values `[batch, S, key heads, size]`; the result has the queries' shape.
/// The queries' heads are a multiple of the keys': groups of them share a key head. f16 and bf16 take their softmax in
/// f32. With options: [`DotProductAttention`].
#[track_caller]
pub fn dot_product_attention<B: Backend>(q: &Tensor<B>, k: &Tensor<B>, v: &Tensor<B>) -> Tensor<B> {
    DotProductAttention::new().call(q, k, v)
}

/// [`dot_product_attention`] with options.
///
/// ```
/// # use plywood::prelude::*;
/// let x = random::normal(&random::key::<Cpu>(0), [2, 5, 4, 8], DType::F32);
/// let y = nn::DotProductAttention::new().causal().call(&x, &x, &x);
/// assert_eq!(y.shape(), x.shape());
/// // The first query sees itself alone.
/// assert_eq!(y.get((0, 0)), x.get((0, 0)));
/// ```
#[derive(Clone, Debug)]
pub struct DotProductAttention<B: Backend> {
    options: Options,
    brand: PhantomData<fn() -> B>,
}

impl<B: Backend> Default for DotProductAttention<B> {
    fn default() -> Self {
        Self::new()
    }
}

impl<B: Backend> DotProductAttention<B> {
    /// Without any.
    pub fn new() -> Self {
        DotProductAttention { options: Options::default(), brand: PhantomData }
    }

    /// Added to the scaled products; broadcasts to `[batch, heads, T, S]`.
    pub fn bias(mut self, bias: &Tensor<B>) -> Self {
        self.options.bias = Some(bias.erased());
        self
    }

    /// bool, true where a query may see a key; broadcasts to `[batch, heads, T, S]`.
    pub fn mask(mut self, mask: &Tensor<B>) -> Self {
        self.options.mask = Some(mask.erased());
        self
    }

    /// The factor of the products, instead of 1/√size.
    pub fn scale(mut self, scale: f64) -> Self {
        self.options.scale = Some(scale);
        self
    }

    /// A query sees keys up to its own place.
    pub fn causal(mut self) -> Self {
        self.options.causal = true;
        self
    }

    /// A query sees so many keys before its own place, and so many behind.
    pub fn window(mut self, before: usize, behind: usize) -> Self {
        self.options.window = Some((before, behind));
        self
    }

    /// The result. Panics where shapes or dtypes do not fit.
    #[track_caller]
    pub fn call(&self, q: &Tensor<B>, k: &Tensor<B>, v: &Tensor<B>) -> Tensor<B> {
        attention(&q.erased(), &k.erased(), &v.erased(), &self.options).branded()
    }
}
