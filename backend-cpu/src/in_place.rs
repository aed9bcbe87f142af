//! Tests of which buffers results take over: those that nobody else holds, and no others.

use crate::data::data;
use crate::engine::Cpu;
use plywood_core::op::{Binary, Unary};
use plywood_core::{Array, Backend, DType, Op, Term, Value};

/// Where a value's storage begins; it is not inline.
fn address(x: &Value) -> *const u8 {
    data(x).storage.bytes().as_ptr()
}

fn vector(shape: &[usize]) -> Value {
    let n: usize = shape.iter().product();
    let elements: Vec<f32> = (0..n).map(|i| (i * 37 % 65) as f32 - 30.0).collect();
    Value::create(Cpu::ENGINE, Op::Constant(Array::new(elements, shape)))
}

#[test]
fn buffers_are_reused_where_nobody_holds_them() {
    let vector = || vector(&[50, 100]);
    let data = vector().to_vec::<f32>();
    let negative: Vec<f32> = data.iter().map(|x| -x).collect();
    let neg = |x: Value| x.unary(Unary::Neg);
    // Moved and unshared: the same buffer.
    let x = vector();
    let before = address(&x);
    let y = neg(x);
    assert_eq!((address(&y), y.to_vec::<f32>()), (before, negative));
    // Another dtype of the same size too.
    let y = y.cast(DType::I32);
    assert_eq!((address(&y), y.dtype()), (before, DType::I32));
    // The second operand's, with the first a view that must be gathered.
    let (x, row) = (vector(), self::vector(&[100]).broadcast_to("test", &[50, 100].into()));
    let (before, want) =
        (address(&x), row.to_vec::<f32>().iter().zip(&data).map(|(a, b)| a - b).collect::<Vec<_>>());
    let y = row.binary(Binary::Sub, Term::Value(x));
    assert_eq!((address(&y), y.to_vec::<f32>()), (before, want));
    // A value that somebody else holds stays as it is, as does a buffer that another value shows.
    let x = vector();
    for held in [x.clone(), x.clone().t(), x.clone().slice_axis(0, 0, 3), x.clone().reshape(&[-1])] {
        let (before, shown) = (address(&x), held.to_vec::<f32>());
        let given = x.clone().reshape(&[5000]);
        let y = neg(given);
        assert_ne!(address(&y), before);
        assert_eq!((x.to_vec::<f32>(), held.to_vec::<f32>()), (data.clone(), shown));
    }
    // A view that does not show all of its buffer in order is not the place for the result.
    for view in [
        vector().t(),
        vector().slice_axis(0, 10, 20),
        vector().slice_axis(0, 0, 20),
        vector().slice_axis(1, 0, 5),
        vector().flip(&[0]),
    ] {
        let (before, want) = (address(&view), view.to_vec::<f32>().iter().map(|x| -x).collect::<Vec<_>>());
        let y = neg(view);
        assert_ne!(address(&y), before);
        assert_eq!(y.to_vec::<f32>(), want);
    }
    // x + x: one value twice.
    let x = vector();
    let y = x.clone().binary(Binary::Add, Term::Value(x));
    assert_eq!(y.to_vec::<f32>(), data.iter().map(|x| x + x).collect::<Vec<_>>());
}
