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

/// Operations by name, with how many allocations they may make once kernels and blocks are there.
type Case = (&'static str, usize, Box<dyn FnOnce() -> Value>);

fn cases() -> Vec<Case> {
    let (x, y) = (value(&[1.0f32], &[]), value(&[2.0f32], &[]));
    let vector = || of(DType::F32, &ramp(100), &[100]);
    let (v, w, m) = (vector(), vector(), of(DType::F32, &ramp(10_000), &[100, 100]));
    let turned = m.clone().t();
    let two = Term::Number(Number::Float(2.0));
    let full = Op::Full { number: Number::Int(1), ty: TensorType::new([1000, 1000], DType::F64) };
    let row = v.clone().reshape(&[1, 100]).broadcast_to("test", &[100, 100].into());
    let (own_scalar, own_vector) = (value(&[1.0f32], &[]), vector());
    let axes = |sizes: &[usize]| sizes.iter().copied().collect();
    let [v1, v2] = [&v; 2].map(Clone::clone);
    let [m1, m2, m3, m4, m5] = [&m; 5].map(Clone::clone);
    let x1 = x.clone();
    vec![
        ("scalar + scalar", 1, Box::new(move || add(&x, &y))),
        ("exp(scalar)", 1, Box::new(move || x1.unary(Unary::Exp))),
        ("vector + vector", 1, Box::new(move || add(&v, &w))),
        // One for the number, one for the product.
        ("vector * number", 2, Box::new(move || v1.binary(Binary::Mul, two))),
        ("matrix + row", 1, Box::new(move || add(&m1, &row))),
        ("matrix + its transpose", 1, Box::new(move || add(&m2, &turned))),
        ("sum", 1, Box::new(move || v2.reduce_axes(Reduction::Sum, axes(&[0])))),
        ("transpose", 1, Box::new(move || m3.t())),
        ("slice", 2, Box::new(move || m4.slice_axis(0, 1, 5))),
        ("reshape", 1, Box::new(move || m5.reshape(&[-1]))),
        ("full", 1, Box::new(move || Value::create(Cpu::ENGINE, full))),
        // What nobody else holds is its own output.
        ("a scalar given up", 0, Box::new(move || own_scalar.unary(Unary::Exp))),
        ("a vector given up", 1, Box::new(move || own_vector.unary(Unary::Exp))),
    ]
}

#[test]
fn operations_allocate_what_they_must() {
    // What is made once is made: kernels, and blocks of the pool.
    cases().into_iter().for_each(|(_, _, run)| drop(run()));
    for (name, want, run) in cases() {
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
