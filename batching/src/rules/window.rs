//! Sliding windows: of one lane's elements each. Places of extremes count within a lane.

use super::{Args, Batch, batched, led};
use plywood_core::op::{Binary, Compare, Padding, Window, WindowKind};
use plywood_core::{DType, Number, Op, Term};
use std::sync::Arc;

pub(super) fn window(kind: WindowKind, window: &Window, b: &Batch<'_>, mut x: Args) -> Args {
    let x = x.pop().expect("one input").value;
    let elements = x.ty().elements() / b.size();
    let windows = Window {
        sizes: led(1, &window.sizes),
        strides: led(1, &window.strides),
        dilation: led(1, &window.dilation),
        padding: std::iter::once(Padding::default()).chain(window.padding.iter().copied()).collect(),
    };
    let found = plywood_core::Value::apply1(Op::Window { kind, window: Arc::new(windows) }, x);
    match kind {
        WindowKind::Sum | WindowKind::Max | WindowKind::Min => batched(found),
        WindowKind::ArgMax | WindowKind::ArgMin => {
            // Of padding alone there is no place: -1.
            let number = |n: i64| Term::Number(Number::Int(n));
            let lane = found.iota(found.ty().with_dtype(DType::I32), 0);
            let first = lane.binary(Binary::Mul, number(elements as i64));
            let none = found.clone().compare(Compare::Lt, number(0));
            let within = found.clone().binary(Binary::Sub, Term::Value(first));
            batched(plywood_core::Value::apply_all(Op::Select, [none, within, found].into_iter().collect()))
        }
    }
}
