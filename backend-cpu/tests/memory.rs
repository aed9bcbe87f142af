//! How many allocations operations make, counted on the test's own thread.

mod common;

use common::*;
use plywood_backend_cpu::Cpu;
use plywood_core::op::{Binary, Unary};
use plywood_core::{Backend, DType, Number, Op, Term, TensorType, Value};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! { static COUNT: Cell<usize> = const { Cell::new(0) }; }

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

#[allow(unsafe_code)]
// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        COUNT.set(COUNT.get() + 1);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc_zeroed(layout) }
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Allocations that `f` makes on this thread, and its result.
fn counted<R>(f: impl FnOnce() -> R) -> (usize, R) {
    let before = COUNT.get();
    let result = f();
    (COUNT.get() - before, result)
}

fn add(x: Value, y: Value) -> Value {
    x.binary(Binary::Add, Term::Value(y))
}

#[test]
fn operations_allocate_what_they_must() {
    let scalar = |x: f32| value(&[x], &[]);
    let vector = || of(DType::F32, &ramp(100), &[100]);
    let matrix = || of(DType::F32, &ramp(10_000), &[100, 100]);
    let (x, y, v, w, m) = (scalar(1.0), scalar(2.0), vector(), vector(), matrix());
    let number = Term::Number(Number::Float(2.0));
    let full = Op::Full { number: Number::Int(1), ty: TensorType::new([1000, 1000], DType::F64) };
    let row = v.clone().reshape(&[1, 100]).broadcast_to("test", &[100, 100].into());
    let cases: Vec<(&str, usize, Box<dyn FnOnce() -> Value>)> = vec![
        (
            "scalar + scalar",
            1,
            Box::new({
                let x = x.clone();
                move || add(x, y)
            }),
        ),
        ("exp(scalar)", 1, Box::new(move || x.unary(Unary::Exp))),
        (
            "vector + vector",
            2,
            Box::new({
                let (v, w) = (v.clone(), w.clone());
                move || add(v, w)
            }),
        ),
        // One for the number, two for the product.
        (
            "vector * number",
            3,
            Box::new({
                let v = v.clone();
                move || v.binary(Binary::Mul, number)
            }),
        ),
        (
            "matrix + row",
            2,
            Box::new({
                let m = m.clone();
                move || add(m, row)
            }),
        ),
        (
            "matrix + its transpose",
            2,
            Box::new({
                let (m, t) = (m.clone(), m.clone().t());
                move || add(m, t)
            }),
        ),
        (
            "transpose",
            1,
            Box::new({
                let m = m.clone();
                move || m.t()
            }),
        ),
        (
            "slice",
            2,
            Box::new({
                let m = m.clone();
                move || m.slice_axis(0, 1, 5)
            }),
        ),
        (
            "reshape",
            1,
            Box::new({
                let m = m.clone();
                move || m.reshape(&[-1])
            }),
        ),
        ("full", 1, Box::new(move || Value::create(Cpu::ENGINE, full))),
        (
            "unshared vector",
            1,
            Box::new({
                let v = vector();
                move || v.unary(Unary::Exp)
            }),
        ),
    ];
    for (name, want, run) in cases {
        let (got, _result) = counted(run);
        assert_eq!(got, want, "allocations of {name}");
    }
    drop((v, w));
}
