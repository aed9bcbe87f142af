//! How many allocations operations make, counted on the test's own thread.

mod common;

use common::*;
use plywood_autodiff::grad;
use plywood_backend_cpu::Cpu;
use plywood_core::op::{Binary, Reduction, Unary};
use plywood_core::{Backend, DType, Number, Op, Tensor, TensorType, Term, Value, math};
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

fn add(x: &Value, y: &Value) -> Value {
    x.clone().binary(Binary::Add, Term::Value(y.clone()))
}

#[test]
fn operations_allocate_what_they_must() {
    let (x, y) = (value(&[1.0f32], &[]), value(&[2.0f32], &[]));
    let vector = || of(DType::F32, &ramp(100), &[100]);
    let (v, w, m) = (vector(), vector(), of(DType::F32, &ramp(10_000), &[100, 100]));
    let turned = m.clone().t();
    let two = Term::Number(Number::Float(2.0));
    let full = Op::Full { number: Number::Int(1), ty: TensorType::new([1000, 1000], DType::F64) };
    let row = v.clone().reshape(&[1, 100]).broadcast_to("test", &[100, 100].into());
    let (own_scalar, own_vector) = (value(&[1.0f32], &[]), vector());
    let axes = |sizes: &[usize]| sizes.iter().copied().collect();
    type Case<'a> = (&'a str, usize, Box<dyn FnOnce() -> Value + 'a>);
    let cases: Vec<Case<'_>> = vec![
        ("scalar + scalar", 1, Box::new(|| add(&x, &y))),
        ("exp(scalar)", 1, Box::new(|| x.clone().unary(Unary::Exp))),
        ("vector + vector", 2, Box::new(|| add(&v, &w))),
        // One for the number, two for the product.
        ("vector * number", 3, Box::new(|| v.clone().binary(Binary::Mul, two))),
        ("matrix + row", 2, Box::new(|| add(&m, &row))),
        ("matrix + its transpose", 2, Box::new(|| add(&m, &turned))),
        ("sum", 1, Box::new(|| v.clone().reduce_axes(Reduction::Sum, axes(&[0])))),
        ("transpose", 1, Box::new(|| m.clone().t())),
        ("slice", 2, Box::new(|| m.clone().slice_axis(0, 1, 5))),
        ("reshape", 1, Box::new(|| m.clone().reshape(&[-1]))),
        ("full", 1, Box::new(|| Value::create(Cpu::ENGINE, full))),
        // What nobody else holds is its own output.
        ("a scalar given up", 0, Box::new(|| own_scalar.unary(Unary::Exp))),
        ("a vector given up", 1, Box::new(|| own_vector.unary(Unary::Exp))),
    ];
    for (name, want, run) in cases {
        let (got, _result) = counted(run);
        assert!(got <= want, "allocations of {name}: {got}, at most {want}");
    }
}

/// A hundred operations, each of which needs the one before.
fn chain<B: Backend>(x: Tensor<B>, step: impl Fn(Tensor<B>) -> Tensor<B>) -> Tensor<B> {
    (0..100).fold(x, |y, _| step(y))
}

#[test]
fn a_gradient_allocates_at_most_ten_times_an_operation() {
    // Matrices of rank 2 to 4: what shapes take, no operation allocates.
    fn products<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        chain(x.clone(), |y| &y * &x).sum()
    }
    fn sines<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        chain(x, math::sin).sum()
    }
    fn turns<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        chain(x, |y| y.t()).sum()
    }
    fn numbers<B: Backend>(x: Tensor<B>) -> Tensor<B> {
        chain(x, |y| y * 1.01).sum()
    }
    let run = |f: &dyn Fn(Tensor<Cpu>) -> Tensor<Cpu>, x: &Tensor<Cpu>| {
        f(x.clone()); // what is made once is made
        counted(|| f(x.clone())).0
    };
    let gradients: [(&str, Box<dyn Fn(Tensor<Cpu>) -> Tensor<Cpu>>); 4] = [
        ("products", grad(products)),
        ("sines", grad(sines)),
        ("turns", grad(turns)),
        ("numbers", grad(numbers)),
    ];
    for shape in [&[][..], &[7], &[3, 4], &[2, 3, 2, 3]] {
        let x = Tensor::<Cpu>::full(shape, 0.5, DType::F64);
        for (name, f) in &gradients {
            let count = run(f, &x);
            assert!(count <= 1000 + 20, "{name} of shape {shape:?}: {count} allocations for 100 operations");
        }
    }
}
