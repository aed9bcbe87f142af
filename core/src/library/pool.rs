//! Pooling.

use super::T;
use super::conv::pairs;
use crate::nn::{Padding, Windows};
use crate::op::{Padding as Widths, Window, WindowKind};
use crate::shape::Axes;
use crate::{DType, Number, Op, Shape, Value};
use std::sync::Arc;

#[track_caller]
pub fn reduce(name: &str, x: T, kind: WindowKind, windows: &Windows) -> T {
    let axes = windows.sizes.len();
    assert!(axes <= x.rank(), "{name}: windows of {:?} on a tensor of shape {}", windows.sizes, x.shape());
    let list = |what: &str, list: &Option<Axes>| -> Axes {
        let list = list.clone().unwrap_or(Axes::from_elem(1, axes));
        assert!(
            list.len() == axes && list.iter().all(|&n| n >= 1),
            "{name}: {what} {list:?} for windows of {:?}; each is at least 1",
            windows.sizes
        );
        list
    };
    let (sizes, strides) = (list("sizes", &Some(windows.sizes.clone())), list("strides", &windows.strides));
    let between = list("base_dilation", &windows.base_dilation);
    let dilation = list("window_dilation", &windows.window_dilation);
    let same = matches!(windows.padding, Padding::Same | Padding::SameLower);
    assert!(
        !same || between.iter().all(|&n| n == 1),
        "{name}: padding {:?} with base_dilation {between:?}; give the padding as pairs",
        windows.padding
    );
    let idle = x.rank() - axes;
    let reach: Axes = sizes.iter().zip(&dilation).map(|(&n, &apart)| (n - 1) * apart + 1).collect();
    let widths = pairs(name, &windows.padding, &x.shape()[idle..], &reach, &strides);
    let widths =
        (widths.iter().zip(&between)).map(|(&(low, high), &n)| Widths { low, high, interior: n - 1 });
    let ones = |list: Axes| std::iter::repeat_n(1, idle).chain(list).collect();
    let window = Window {
        sizes: ones(sizes),
        strides: ones(strides),
        dilation: ones(dilation),
        padding: std::iter::repeat_n(Widths::default(), idle).chain(widths).collect(),
    };
    T::of(Value::apply1(Op::Window { kind, window: Arc::new(window) }, x.into_value()))
}

#[track_caller]
pub fn mean(x: T, windows: &Windows, count_include_pad: bool) -> T {
    let name = "avg_pool";
    let x = if x.dtype().is_float() { x } else { x.cast(DType::F32) };
    if count_include_pad {
        let n: usize = windows.sizes.iter().product();
        return reduce(name, x, WindowKind::Sum, windows) / n as f64;
    }
    // How many are inside is the same for all tensors of the axes in front.
    let idle = x.rank().saturating_sub(windows.sizes.len());
    let inner: Shape = x.shape()[idle..].iter().copied().collect();
    let ones = T::of(x.value().full(Number::Int(1), x.ty().with_shape(inner)));
    let counts = reduce(name, ones, WindowKind::Sum, windows);
    reduce(name, x, WindowKind::Sum, windows) / counts
}
