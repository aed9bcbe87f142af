//! Attention: softmax(scale q kᵀ + bias) v, for any number of heads, key heads shared by groups of query heads.

use super::T;
use crate::op::Dot;
use crate::shape::Axes;
use crate::{DType, Op, Value};
use std::sync::Arc;

/// What may be asked for beside the three tensors.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub bias: Option<T>,
    pub mask: Option<T>,
    pub scale: Option<f64>,
    pub causal: bool,
    /// How far behind and ahead of itself a query sees.
    pub window: Option<(usize, usize)>,
}

/// Contracted with results (and sums) of a wider type.
fn dot(x: &T, y: &T, contracting: (usize, usize), batch: (&[usize], &[usize]), dtype: DType) -> T {
    let dot = Dot {
        lhs_contracting: [contracting.0].into_iter().collect(),
        rhs_contracting: [contracting.1].into_iter().collect(),
        lhs_batch: batch.0.into(),
        rhs_batch: batch.1.into(),
        dtype,
    };
    T::of(Value::apply2(Op::Dot(Arc::new(dot)), x.value().clone(), y.value().clone()))
}

fn permuted(x: T, axes: &[usize]) -> T {
    T::of(x.into_value().permute(Axes::from_slice(axes)))
}

/// Queries `[batch, T, heads, size]`, keys and values `[batch, S, key heads, size]`.
#[track_caller]
pub fn attention(q: &T, k: &T, v: &T, options: &Options) -> T {
    let shapes = || format!("dot_product_attention: query {}, key {}, value {}", q.ty(), k.ty(), v.ty());
    assert!(q.rank() == 4 && k.rank() == 4, "{}: they are [batch, length, heads, size]", shapes());
    let [b, t, n, h] = [0, 1, 2, 3].map(|d| q.shape()[d]);
    let [s, heads] = [1, 2].map(|d| k.shape()[d]);
    assert!(v.shape() == k.shape(), "{}: key and value have one shape", shapes());
    assert!(k.shape()[0] == b && k.shape()[3] == h, "{}: batch and head size are the same", shapes());
    assert!(
        q.dtype() == k.dtype() && k.dtype() == v.dtype() && q.dtype().is_float(),
        "{}: one float dtype",
        shapes()
    );
    assert!(
        heads > 0 && n.is_multiple_of(heads),
        "{}: the query's heads are a multiple of the key's",
        shapes()
    );
    let (group, dtype) = (n / heads, q.dtype());
    let wide = dtype.promote(DType::F32);
    // Places of queries and keys are the last two axes, heads of a group beside the queries.
    let grouped = q.reshape([b, t, heads, group, h]);
    let scale = options.scale.unwrap_or(1.0 / (h as f64).sqrt());
    let mut logits = dot(&grouped, k, (4, 3), (&[0, 2], &[0, 2]), wide) * scale;
    let sizes = [b, heads, group, t, s];
    if let Some(bias) = &options.bias {
        logits += aligned("bias", bias, sizes).cast(wide);
    }
    let mut seen: Option<T> = None;
    if let Some(mask) = &options.mask {
        assert!(mask.dtype() == DType::Bool, "dot_product_attention: a mask is bool, not {}", mask.ty());
        seen = Some(aligned("mask", mask, sizes));
    }
    if options.causal || options.window.is_some() {
        let place = |axis: usize| {
            let ty = q.ty().with_dtype(DType::I32).with_shape([t, 1, s]);
            T::of(q.value().iota(ty, axis))
        };
        let ahead = place(2) - place(0);
        let mut visible = options.causal.then(|| ahead.le(0));
        if let Some((behind, before)) = options.window {
            let near = ahead.ge(-(behind as i64)).logical_and(&ahead.le(before as i64));
            visible = Some(visible.map_or(near.clone(), |v| v.logical_and(&near)));
        }
        let visible = visible.expect("one of both is asked for");
        seen = Some(seen.map_or(visible.clone(), |m| m.logical_and(&visible)));
    }
    if let Some(seen) = seen {
        // A large number, not infinity: a query that sees nothing has equal weights, and no NaN.
        let low = match wide {
            DType::F64 => -0.7 * f64::from(f32::MAX),
            _ => -0.7 * f64::from(if dtype == DType::F16 { 65504.0 } else { f32::MAX }),
        };
        logits = seen.select(logits, low);
    }
    let weights = logits.softmax(-1).cast(dtype);
    let out = dot(&weights, v, (4, 1), (&[0, 1], &[0, 2]), dtype);
    permuted(out, &[0, 2, 1, 3, 4]).reshape([b, t, n, h])
}

/// What broadcasts to `[batch, heads, T, S]`, as the products lie: `[batch, key heads, T, group, S]`.
#[track_caller]
fn aligned(name: &str, x: &T, [b, heads, group, t, s]: [usize; 5]) -> T {
    let full = [b, heads * group, t, s];
    let fits = x.rank() <= 4 && x.shape().broadcast(&full.into()) == Some(full.into());
    assert!(fits, "dot_product_attention: the {name} of shape {} does not broadcast to {full:?}", x.shape());
    permuted(x.broadcast_to(full).reshape([b, heads, group, t, s]), &[0, 1, 3, 2, 4])
}
