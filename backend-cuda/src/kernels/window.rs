//! Reductions of sliding windows: rows of a program over a view in which windows overlap.
//!
//! What always holds: no row leaves the operand, since padding is put there first, as what changes no result. The place of an extreme
//! is the least of the places that hold it, which come along as numbers of their own, so that padding has a number beyond them all.

use super::slice::padded;
use super::{Queue, create, operand, shape, written};
use crate::launch::Operand;
use crate::programs::Single;
use crate::views;
use cubecl::prelude::Runtime;
use plywood_core::op::{Reduction, Window, WindowKind};
use plywood_core::{DType, Number, Shape, TensorType, Value};

/// A reduction of each window.
pub fn window<R: Runtime>(
    queue: &Queue<'_, R>,
    ty: TensorType,
    x: Value,
    kind: WindowKind,
    window: &Window,
) -> Value {
    let dtype = x.dtype();
    let reduce = |kind| Single::Reduce(kind, dtype, ty.dtype);
    let place = |largest| Single::PlaceOfExtreme(largest, dtype, ty.dtype);
    // The program, and what padding counts as: of integers, the nearest number there is.
    let (what, none) = match kind {
        WindowKind::Sum => (reduce(Reduction::Sum), 0.0),
        WindowKind::Max => (reduce(Reduction::Max), f64::NEG_INFINITY),
        WindowKind::Min => (reduce(Reduction::Min), f64::INFINITY),
        WindowKind::ArgMax => (place(true), f64::NEG_INFINITY),
        WindowKind::ArgMin => (place(false), f64::INFINITY),
    };
    let mut of = vec![(x.clone(), Number::Float(none))];
    if let Single::PlaceOfExtreme(..) = what {
        of.push((places(queue, &x), Number::UInt(u32::MAX as u64)));
    }
    let buffer = queue.empty(&ty);
    // Without axes there is one column.
    let domain: Vec<usize> = ty.shape.iter().chain(&window.sizes).copied().chain([1]).collect();
    let mut to = written(&buffer, &ty);
    to.strides.resize(domain.len(), 0);
    let around = |(x, none): (Value, Number)| {
        let none = views::element(none, x.dtype());
        windows(&padded(queue, x, &window.padding, none), window)
    };
    let operands = of.into_iter().map(around).chain([to]).collect();
    queue.run(what, &domain, window.sizes.len() + 1, operands);
    queue.filled(ty, buffer)
}

/// The row-major numbers of a tensor's elements.
fn places<R: Runtime>(queue: &Queue<'_, R>, x: &Value) -> Value {
    let all = TensorType::new(Shape::from([x.ty().elements()]), DType::U32);
    let ty = x.ty().with_dtype(DType::U32);
    shape::reshape(queue, ty, create::iota(queue, all, 0))
}

/// A tensor over windows, then elements of a window.
fn windows(x: &Value, window: &Window) -> Operand {
    let from = operand(x);
    let by = |steps: &[usize]| -> Vec<isize> {
        from.strides.iter().zip(steps).map(|(s, &step)| s * step as isize).collect()
    };
    let strides = by(&window.strides).into_iter().chain(by(&window.dilation)).chain([0]).collect();
    Operand { strides, ..from }
}
