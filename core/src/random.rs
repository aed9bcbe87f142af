//! Random numbers from explicit keys: the bits of `jax.random` for the same seed.
//!
//! A key is a tensor of two u32. A function of a key gives the same numbers whenever and wherever it is called, so it
//! can be transformed, recorded and distributed like any other; who needs more numbers makes more keys, with
//! [`split`] or [`fold_in`]. The generator is threefry2x32 (Salmon et al., "Parallel random numbers: as easy as 1, 2,
//! 3", 2011), one operation ([`op::Random`](crate::op::Random)); what is here is made of it and of arithmetic.
//!
//! What always holds: a batch of keys `[keys.., 2]` gives `[keys.., shape..]`, for each key what it gives alone.
//! Equal to JAX to the bit are [`bits`], [`split`], [`fold_in`], [`uniform`], [`randint`], [`bernoulli`],
//! [`permutation`], [`shuffle`] and [`choice`]; [`poisson`] but where a comparison of its rejection falls within rounding; the
//! others within a few units in the last place of their `log`,
//! `exp` and `erf_inv`.

mod distributions;
mod draw;
mod public;

pub use public::*;

use crate::backend::Values;
use crate::{Array, Backend, DType, IntoShape, Op, Operand, Tensor, Value};

/// The key of a seed: u32 of shape `[2]`, (0, seed mod 2³²).
///
/// ```
/// # use plywood::prelude::*;
/// let key = random::key::<Cpu>(0);
/// let x = random::uniform(&key, [3], DType::F32);
/// assert_eq!(x.to_vec::<f32>(), [0.947667, 0.9785799, 0.33229148]);
/// ```
#[track_caller]
pub fn key<B: Backend>(seed: u64) -> Tensor<B> {
    Tensor::of(Value::create(B::ENGINE, Op::Constant(Array::new(vec![0, seed as u32], [2]))))
}

/// `N` new keys, each u32 of shape `[2]`: child i is T(key, i), both words of the generator's block.
///
/// ```
/// # use plywood::prelude::*;
/// let [weights, order] = random::split(&random::key::<Cpu>(0));
/// assert_eq!(weights.to_vec::<u32>(), [1797259609, 2579123966]);
/// assert_eq!(order.to_vec::<u32>(), [928981903, 3453687069]);
/// ```
#[track_caller]
pub fn split<B: Backend, const N: usize>(key: &Tensor<B>) -> [Tensor<B>; N] {
    let keys: Values = draw::split_apart(key.value().clone(), N);
    std::array::from_fn(|i| Tensor::of(keys[i].clone()))
}

/// `n` new keys as one tensor: u32 of shape `[n, 2]`; row i is what [`split`] gives as the i-th.
#[track_caller]
pub fn split_n<B: Backend>(key: &Tensor<B>, n: usize) -> Tensor<B> {
    Tensor::of(draw::split(key.value().clone(), n))
}

/// A new key out of a key and an integer, mod 2³²: T(key, number), u32 of shape `[2]`. The number may be a tensor: the
/// step of a loop, for example.
#[track_caller]
pub fn fold_in<B: Backend>(key: &Tensor<B>, number: impl Operand<B>) -> Tensor<B> {
    Tensor::of(draw::fold_in(key.value().clone(), number.term()))
}

/// Uniform bits of an unsigned integer type, of any shape.
#[track_caller]
pub fn bits<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    Tensor::of(draw::bits(key.value().clone(), shape.into_shape(), dtype))
}

/// Floats of any shape, uniform in [0, 1), at equal distances: the mantissa is random.
#[track_caller]
pub fn uniform<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    Tensor::of(draw::uniform(key.value().clone(), shape.into_shape(), dtype))
}

/// Floats of any shape, uniform in [low, high): max(low, u (high - low) + low), u [`uniform`]. The bounds broadcast to
/// the shape.
///
/// ```
/// # use plywood::prelude::*;
/// let x = random::uniform_range(&random::key::<Cpu>(1), [100], DType::F32, -1.0, 1.0);
/// assert!(x.ge(-1.0).logical_and(&x.lt(1.0)).all().item::<bool>());
/// ```
#[track_caller]
pub fn uniform_range<B: Backend>(
    key: &Tensor<B>,
    shape: impl IntoShape,
    dtype: DType,
    low: impl Operand<B>,
    high: impl Operand<B>,
) -> Tensor<B> {
    Tensor::of(draw::uniform_range(key.value().clone(), shape.into_shape(), dtype, low.term(), high.term()))
}

/// Floats of any shape of the standard normal distribution: √2 erf⁻¹(u), u uniform in (-1, 1).
#[track_caller]
pub fn normal<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    Tensor::of(draw::normal(key.value().clone(), shape.into_shape(), dtype))
}

/// Floats of any shape of the standard normal distribution between two bounds, which are excluded and broadcast to the
/// shape: √2 erf⁻¹(u), u uniform in [erf(lower / √2), erf(upper / √2)).
#[track_caller]
pub fn truncated_normal<B: Backend>(
    key: &Tensor<B>,
    shape: impl IntoShape,
    dtype: DType,
    lower: impl Operand<B>,
    upper: impl Operand<B>,
) -> Tensor<B> {
    let (lower, upper) = (lower.term(), upper.term());
    Tensor::of(draw::truncated_normal(key.value().clone(), shape.into_shape(), dtype, lower, upper))
}

/// Floats of any shape of the exponential distribution of rate 1: -log(1 - u), u [`uniform`].
#[track_caller]
pub fn exponential<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    Tensor::of(draw::exponential(key.value().clone(), shape.into_shape(), dtype))
}

/// Floats of any shape of the standard Gumbel distribution: -log(-log u), u uniform from the smallest normal number to 1.
#[track_caller]
pub fn gumbel<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, dtype: DType) -> Tensor<B> {
    Tensor::of(draw::gumbel(key.value().clone(), shape.into_shape(), dtype))
}

/// i32 of any shape, uniform in [low, high); `low` where there is nothing between.
///
/// Two words of 32 bits are reduced modulo high - low, as in JAX; the bias is below (high - low) / 2³².
///
/// ```
/// # use plywood::prelude::*;
/// assert_eq!(random::randint(&random::key::<Cpu>(0), [5], 0, 10).to_vec::<i32>(), [9, 0, 2, 3, 1]);
/// ```
#[track_caller]
pub fn randint<B: Backend>(key: &Tensor<B>, shape: impl IntoShape, low: i32, high: i32) -> Tensor<B> {
    Tensor::of(draw::randint(key.value().clone(), shape.into_shape(), low, high))
}

/// bool of any shape, true with the probability `p`: u < p, u [`uniform`] of the type of `p` (f32 for a plain number).
/// `p` broadcasts to the shape.
#[track_caller]
pub fn bernoulli<B: Backend>(key: &Tensor<B>, p: impl Operand<B>, shape: impl IntoShape) -> Tensor<B> {
    Tensor::of(draw::bernoulli(key.value().clone(), p.term(), shape.into_shape()))
}

/// Indices into the last axis of `logits`, i32, drawn with the probabilities softmax(logits): argmax(logits + g), g
/// [`gumbel`]. The shape is that of the sample followed by the other axes of `logits`: of logits `[3, n]`, shape
/// `[10, 3]` draws ten times from each of three distributions.
#[track_caller]
pub fn categorical<B: Backend>(key: &Tensor<B>, logits: &Tensor<B>, shape: impl IntoShape) -> Tensor<B> {
    Tensor::of(draw::categorical(key.value().clone(), logits.value().clone(), shape.into_shape()))
}

/// The numbers 0, 1, .., n - 1 in random order, i32 of shape `[n]`: sorted by random bits, as often as is needed to make
/// ties improbable.
///
/// ```
/// # use plywood::prelude::*;
/// assert_eq!(random::permutation(&random::key::<Cpu>(0), 5).to_vec::<i32>(), [0, 1, 4, 3, 2]);
/// ```
#[track_caller]
pub fn permutation<B: Backend>(key: &Tensor<B>, n: usize) -> Tensor<B> {
    Tensor::of(draw::permutation(key.value().clone(), n))
}

/// The tensor with the places of its first axis in the order of [`permutation`]: the same shape and dtype.
#[track_caller]
pub fn shuffle<B: Backend>(key: &Tensor<B>, x: &Tensor<B>) -> Tensor<B> {
    Tensor::of(draw::shuffle(key.value().clone(), x.value().clone()))
}

/// Numbers of 0, 1, .., n - 1, i32 of any shape, all equally probable; without `replace`, each at most once.
///
/// With replacement it is [`randint`], without it is the head of a [`permutation`]. Panics where there is nothing (or,
/// without replacement, too little) to choose from.
#[track_caller]
pub fn choice<B: Backend>(key: &Tensor<B>, n: usize, shape: impl IntoShape, replace: bool) -> Tensor<B> {
    Tensor::of(draw::choice(key.value().clone(), n, shape.into_shape(), replace))
}
