//! Tensors of the shared numbers, jobs of closures, and how their results become numbers.

use burn::tensor::{Device, Int, Tensor, TensorData};
use plywood_benches::families::numbers;
use plywood_benches::peers::protocol::Job;
use std::cell::RefCell;
use std::rc::Rc;

/// Names of cases, and what makes them.
pub type Cases = &'static [(&'static str, fn() -> Job)];

/// A million.
pub const M: usize = 1_000_000;

/// The shared numbers.
pub fn tensor<const D: usize>(shape: [usize; D], low: f32, high: f32) -> Tensor<D> {
    let data = numbers(shape.iter().product(), low, high);
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

/// To be differentiated by.
pub fn tracked<const D: usize>(x: Tensor<D>) -> Tensor<D> {
    x.autodiff().require_grad()
}

/// A tensor of whole numbers.
pub fn whole(data: Vec<i32>) -> Tensor<1, Int> {
    let shape = [data.len()];
    Tensor::from_data(TensorData::new(data, shape), &Device::flex())
}

/// The labels of `n` examples.
pub fn labels(n: usize) -> Tensor<2, Int> {
    whole((0..n as i32).map(|i| i % 10).collect()).unsqueeze_dim(1)
}

/// What is made of tensors, and read as numbers.
pub trait Leaves: 'static {
    /// Adds its numbers.
    fn tell(&self, all: &mut Vec<f64>);
}

impl<const D: usize> Leaves for Tensor<D> {
    fn tell(&self, all: &mut Vec<f64>) {
        all.extend(self.to_data().iter::<f64>());
    }
}

impl<const D: usize> Leaves for Tensor<D, Int> {
    fn tell(&self, all: &mut Vec<f64>) {
        all.extend(self.to_data().iter::<f64>());
    }
}

impl<T: Leaves> Leaves for Vec<T> {
    fn tell(&self, all: &mut Vec<f64>) {
        self.iter().for_each(|x| x.tell(all));
    }
}

impl<A: Leaves, B: Leaves> Leaves for (A, B) {
    fn tell(&self, all: &mut Vec<f64>) {
        self.0.tell(all);
        self.1.tell(all);
    }
}

fn flat<T: Leaves>(x: &T) -> Vec<f64> {
    let mut all = Vec::new();
    x.tell(&mut all);
    all
}

/// A job that calls `f`.
pub fn job<T: Leaves>(f: impl FnMut() -> T + 'static) -> Job {
    Job::new(f, flat::<T>, "")
}

/// A job whose result goes in next time.
pub fn carried<S: Leaves>(start: S, step: impl Fn(S) -> S + 'static) -> Job {
    let state = Rc::new(RefCell::new(Some(start)));
    let kept = state.clone();
    let call = move || {
        let before = state.take();
        *state.borrow_mut() = before.map(&step);
    };
    let result = move || kept.borrow().as_ref().map(flat).expect("a step gives a state");
    Job { call: Box::new(call), result: Box::new(result), how: "" }
}

/// A job on one tensor, which stays.
pub fn one<const D: usize, T: Leaves>(
    shape: [usize; D],
    (low, high): (f32, f32),
    f: impl Fn(Tensor<D>) -> T + 'static,
) -> Job {
    let x = tensor(shape, low, high);
    job(move || f(x.clone()))
}

/// A job on two tensors of numbers from -1 to 1, which stay.
pub fn two<const D: usize, const E: usize, T: Leaves>(
    x: [usize; D],
    y: [usize; E],
    f: impl Fn(Tensor<D>, Tensor<E>) -> T + 'static,
) -> Job {
    let (x, y) = (tensor(x, -1.0, 1.0), tensor(y, -1.0, 1.0));
    job(move || f(x.clone(), y.clone()))
}
