//! What the tables share: values from numbers, and views of every kind with what they should show.

#![allow(dead_code)]

use plywood_backend_cpu::Cpu;
use plywood_core::convert::{cast, from_number, to_f64};
use plywood_core::shape::Axes;
use plywood_core::{Array, Backend, DType, Element, Number, Op, Shape, Value, with_dtype};

/// Runs one operation.
pub fn apply(op: Op, inputs: &[&Value]) -> Value {
    Value::apply_all(op, inputs.iter().map(|&v| v.clone()).collect())
}

/// A value of host data.
pub fn value<T: Element>(elements: &[T], shape: &[usize]) -> Value {
    Value::create(Cpu::ENGINE, Op::Constant(Array::new(elements.to_vec(), shape)))
}

/// A value of the dtype, cast on the host from f64.
pub fn of(dtype: DType, elements: &[f64], shape: &[usize]) -> Value {
    with_dtype!(dtype, T => {
        let cast: Vec<T> = elements.iter().map(|&x| from_number(Number::Float(x))).collect();
        value(&cast, shape)
    })
}

/// The elements as f64 (exact but for large 64-bit integers).
pub fn numbers(x: &Value) -> Vec<f64> {
    with_dtype!(x.dtype(), T => x.to_vec::<T>().into_iter().map(to_f64).collect())
}

/// The elements as T, which they are cast to.
pub fn elements<T: Element>(x: &Value) -> Vec<T> {
    with_dtype!(x.dtype(), U => x.to_vec::<U>().into_iter().map(cast::<U, T>).collect())
}

/// Elements between -4 and 4 in some order.
pub fn ramp(n: usize) -> Vec<f64> {
    (0..n).map(|i| ((i * 37 + 11) % 65) as f64 / 8.0 - 4.0).collect()
}

/// Whether two floats are equal, NaN to NaN, or within `tolerance` of each other, relative to what is wanted.
pub fn close(got: f64, want: f64, tolerance: f64) -> bool {
    got == want || (got.is_nan() && want.is_nan()) || (got - want).abs() <= tolerance * want.abs().max(1e-30)
}

pub fn assert_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (&g, &w)) in got.iter().zip(want).enumerate() {
        assert!(close(g, w, tolerance), "{what}: element {i} is {g:?}, not {w:?}");
    }
}

/// Indices of a shape in row-major order.
pub fn indices(shape: &[usize]) -> Vec<Vec<usize>> {
    let mut all = vec![vec![]];
    for &n in shape {
        all = all.iter().flat_map(|i| (0..n).map(move |j| [&i[..], &[j]].concat())).collect();
    }
    all
}

/// The element at an index of row-major data.
pub fn at<T: Copy>(data: &[T], shape: &[usize], index: &[usize]) -> T {
    data[index.iter().zip(shape).fold(0, |flat, (&i, &n)| flat * n + i)]
}

/// A name and a value that shows `shape`, of numbers from `ramp`, made by some view of larger data.
pub fn views(dtype: DType, shape: &[usize]) -> Vec<(&'static str, Value)> {
    let rank = shape.len();
    let full = |shape: &[usize]| of(dtype, &ramp(shape.iter().product()), shape);
    let permutation: Axes = (0..rank).rev().collect();
    let turned: Vec<usize> = shape.iter().rev().copied().collect();
    let larger: Vec<usize> = shape.iter().map(|n| 2 * n + 3).collect();
    let limits = shape.iter().map(|n| if *n == 0 { 1 } else { 2 * n }).collect();
    let mut all = vec![
        ("contiguous", full(shape)),
        ("transposed", apply(Op::Transpose { permutation }, &[&full(&turned)])),
        ("reversed", apply(Op::Reverse { axes: (0..rank).collect() }, &[&full(shape)])),
        ("strided", full(&larger).slice(Axes::from_elem(1, rank), limits, Axes::from_elem(2, rank))),
        (
            "number",
            Value::create(
                Cpu::ENGINE,
                Op::Full { number: Number::Float(1.5), ty: plywood_core::TensorType::new(shape, dtype) },
            ),
        ),
    ];
    if rank > 0 {
        let rows = Op::Broadcast { shape: shape.into(), axes: (1..rank).collect() };
        all.push(("row", apply(rows, &[&full(&shape[1..])])));
        let columns = Op::Broadcast { shape: shape.into(), axes: (0..rank - 1).collect() };
        all.push(("column", apply(columns, &[&full(&shape[..rank - 1])])));
        let mut starts = Axes::from_elem(0, rank);
        starts[0] = 1;
        let mut bigger = shape.to_vec();
        bigger[0] += 1;
        let limits = bigger.iter().copied().collect();
        all.push(("tail", full(&bigger).slice(starts, limits, Axes::from_elem(1, rank))));
    }
    for (name, view) in &all {
        assert_eq!(view.shape()[..], *shape, "{name}");
    }
    all
}

/// Shapes of every kind: scalar, empty, small, and long enough for several tiles.
pub fn shapes() -> Vec<Shape> {
    let shapes: [&[usize]; 9] =
        [&[], &[0], &[5], &[3, 0, 2], &[1, 4], &[2, 3, 4], &[17, 5], &[3, 1500], &[70, 3, 31]];
    shapes.into_iter().map(Shape::from).collect()
}

/// Relative error that a function of one or two floats may have beside the rounding of its result.
pub fn tolerance(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => 1e-14,
        DType::F32 => 6e-7,
        DType::F16 => 1.01 / 1024.0,
        DType::BF16 => 1.01 / 128.0,
        _ => 0.0,
    }
}
