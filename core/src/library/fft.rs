//! Fourier transforms over any axes, of any length.

use super::T;
use crate::backend::Values;
use crate::op::{FftKind, Padding};
use crate::shape::{Axes, Signed, normalize_axes, normalize_axis};
use crate::{DType, Op, Shape, Value};

/// Which factor a transform has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Norm {
    /// Forward none, back 1 / n.
    #[default]
    Backward,
    /// Both 1 / √n.
    Ortho,
    /// Forward 1 / n, back none.
    Forward,
}

/// What is transformed.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Which axes; without, as many of the last as there are sizes, or the default of the function.
    pub axes: Option<Signed>,
    /// To what sizes they are cut, or padded with zeros, first.
    pub sizes: Option<Axes>,
    /// With what factor.
    pub norm: Norm,
    /// Whether, without axes and sizes, all are meant and not only the last.
    pub all: bool,
}

/// Transforms; `x` has as many tensors as the kind takes.
#[track_caller]
pub fn transform(name: &str, kind: FftKind, x: Vec<T>, options: &Options) -> Vec<T> {
    let float = |d: DType| if d == DType::F64 { d } else { DType::F32 };
    let dtype = float(x.iter().fold(x[0].dtype(), |d, x| d.promote(x.dtype())));
    let shape = x[0].shape().clone();
    for other in &x {
        let same = *other.shape() == shape;
        assert!(same, "{name}: a real part of shape {shape} and an imaginary one of {}", other.shape());
    }
    let rank = shape.rank();
    let axes = axes_of(name, options, &shape);
    let sizes = sizes_of(name, kind, options, &axes, &shape);
    let Some((&last, before)) = sizes.split_last() else { panic!("{name}: no axes to transform") };
    let kept: Axes = (0..rank).filter(|d| !axes.contains(d)).collect();
    let order: Axes = kept.iter().chain(&axes).copied().collect();
    let read =
        |i: usize| if kind == FftKind::InverseReal && i == before.len() { last / 2 + 1 } else { sizes[i] };
    let inputs: Values = x
        .into_iter()
        .map(|x| {
            let x = x.cast(dtype).into_value().permute(order.clone());
            (0..sizes.len()).fold(x, |x, i| resized(x, kept.len() + i, read(i)))
        })
        .collect();
    let n = sizes.iter().product::<usize>() as f64;
    let forward = matches!(kind, FftKind::Forward | FftKind::Real);
    let factor = match (options.norm, forward) {
        (Norm::Backward, _) => None,
        (Norm::Ortho, true) => Some(1.0 / n.sqrt()),
        (Norm::Ortho, false) => Some(n.sqrt()),
        (Norm::Forward, true) => Some(1.0 / n),
        (Norm::Forward, false) => Some(n),
    };
    let mut back = Axes::from_elem(0, rank);
    order.iter().enumerate().for_each(|(i, &d)| back[d] = i);
    let finished = |y: Value| {
        let y = T::of(y.permute(back.clone()));
        factor.map_or(y.clone(), |f| y * f)
    };
    Value::apply(&Op::Fft { kind, sizes }, inputs).into_iter().map(finished).collect()
}

#[track_caller]
fn axes_of(name: &str, options: &Options, shape: &Shape) -> Axes {
    let rank = shape.rank();
    match (&options.axes, &options.sizes) {
        (Some(axes), _) => {
            let places: Axes = axes.iter().map(|&d| normalize_axis(name, d, shape)).collect();
            let twice = places.iter().enumerate().any(|(i, d)| places[..i].contains(d));
            assert!(!twice, "{name}: axes {axes:?} of shape {shape} name one twice");
            places
        }
        (None, Some(sizes)) => {
            assert!(sizes.len() <= rank, "{name}: {} sizes for shape {shape}", sizes.len());
            (rank - sizes.len()..rank).collect()
        }
        (None, None) if options.all => (0..rank).collect(),
        (None, None) => [normalize_axis(name, -1, shape)].into_iter().collect(),
    }
}

/// Sizes of the transform, before the halving of a real one.
#[track_caller]
fn sizes_of(name: &str, kind: FftKind, options: &Options, axes: &[usize], shape: &Shape) -> Axes {
    let sizes: Axes = match &options.sizes {
        Some(sizes) => {
            let (n, m) = (sizes.len(), axes.len());
            assert!(n == m, "{name}: {n} sizes for {m} axes");
            sizes.clone()
        }
        None => {
            let mut sizes: Axes = axes.iter().map(|&d| shape[d]).collect();
            if let (FftKind::InverseReal, Some(last)) = (kind, sizes.last_mut()) {
                *last = 2 * last.saturating_sub(1);
            }
            sizes
        }
    };
    let fits = sizes.iter().all(|&n| n > 0);
    assert!(fits, "{name}: sizes {sizes:?} along axes {axes:?} of shape {shape}; all must be at least 1");
    sizes
}

/// Cut, or padded with zeros, to a size.
fn resized(x: Value, axis: usize, size: usize) -> Value {
    let n = x.shape()[axis];
    if n < size {
        let mut padding = vec![Padding::default(); x.rank()];
        padding[axis].high = (size - n) as isize;
        return x.pad_zeros(&padding);
    }
    if n > size { x.slice_axis(axis, 0, size) } else { x }
}

/// Moved round along axes, by half of their size, rounded up or down.
#[track_caller]
pub fn shift(name: &str, x: T, axes: Option<Signed>, back: bool) -> T {
    let axes = match axes {
        Some(axes) => normalize_axes(name, &axes, x.shape()),
        None => (0..x.rank()).collect(),
    };
    axes.into_iter().fold(x, |x, axis| {
        let n = x.shape()[axis];
        let cut = if back { n / 2 } else { n.div_ceil(2) };
        if n < 2 {
            return x;
        }
        let part = |start, limit| x.value().clone().slice_axis(axis, start, limit);
        T::of(Value::concatenate([part(cut, n), part(0, cut)].into_iter().collect(), axis as isize))
    })
}
