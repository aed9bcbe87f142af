//! Tensors of the shared numbers, jobs of closures, and how their results become numbers.

use candle_core::{DType, Device, Result, Shape, Tensor, Var};
use plywood_benches::families::numbers;
use plywood_benches::peers::protocol::Job;
use std::cell::RefCell;
use std::rc::Rc;

/// Names of cases, and what makes them.
pub type Cases = &'static [(&'static str, fn() -> Result<Job>)];

/// A million.
pub const M: usize = 1_000_000;

/// The shared numbers.
pub fn tensor(shape: impl Into<Shape>, low: f32, high: f32) -> Result<Tensor> {
    let shape = shape.into();
    Tensor::from_vec(numbers(shape.elem_count(), low, high), shape, &Device::Cpu)
}

/// The shared numbers, to be differentiated by.
pub fn variable(shape: impl Into<Shape>, low: f32, high: f32) -> Result<Var> {
    Var::from_tensor(&tensor(shape, low, high)?)
}

/// The labels of `n` examples.
pub fn labels(n: usize) -> Result<Tensor> {
    Tensor::from_iter((0..n as u32).map(|i| i % 10), &Device::Cpu)
}

/// The gradients of `y` by what was made as variables.
pub fn gradients<'a>(y: &Tensor, by: impl IntoIterator<Item = &'a Tensor>) -> Result<Vec<Tensor>> {
    let mut all = y.backward()?;
    Ok(by.into_iter().map(|x| all.remove(x).expect("a variable has a gradient")).collect())
}

/// What is made of tensors, and read as numbers.
pub trait Leaves: 'static {
    /// Adds its numbers.
    fn tell(&self, all: &mut Vec<f64>) -> Result<()>;
}

impl Leaves for Tensor {
    fn tell(&self, all: &mut Vec<f64>) -> Result<()> {
        all.extend(self.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?);
        Ok(())
    }
}

impl<T: Leaves> Leaves for Vec<T> {
    fn tell(&self, all: &mut Vec<f64>) -> Result<()> {
        self.iter().try_for_each(|x| x.tell(all))
    }
}

impl<A: Leaves, B: Leaves> Leaves for (A, B) {
    fn tell(&self, all: &mut Vec<f64>) -> Result<()> {
        self.0.tell(all)?;
        self.1.tell(all)
    }
}

fn flat<T: Leaves>(x: &T) -> Vec<f64> {
    let mut all = Vec::new();
    x.tell(&mut all).expect("tensors are read");
    all
}

/// A job that calls `f`.
pub fn job<T: Leaves>(mut f: impl FnMut() -> Result<T> + 'static) -> Result<Job> {
    Ok(Job::new(move || f().expect("a case works"), flat::<T>, ""))
}

/// A job whose result goes in next time.
pub fn carried<S: Leaves>(start: S, step: impl Fn(S) -> Result<S> + 'static) -> Result<Job> {
    let state = Rc::new(RefCell::new(Some(start)));
    let kept = state.clone();
    let call = move || {
        let before = state.take();
        *state.borrow_mut() = before.map(|state| step(state).expect("a step works"));
    };
    let result = move || kept.borrow().as_ref().map(flat).expect("a step gives a state");
    Ok(Job { call: Box::new(call), result: Box::new(result), how: "" })
}

/// A job on one tensor.
pub fn one<T: Leaves>(
    shape: impl Into<Shape>,
    (low, high): (f32, f32),
    f: impl Fn(&Tensor) -> Result<T> + 'static,
) -> Result<Job> {
    let x = tensor(shape, low, high)?;
    job(move || f(&x))
}

/// A job on two tensors of numbers from -1 to 1.
pub fn two<T: Leaves>(
    x: impl Into<Shape>,
    y: impl Into<Shape>,
    f: impl Fn(&Tensor, &Tensor) -> Result<T> + 'static,
) -> Result<Job> {
    let (x, y) = (tensor(x, -1.0, 1.0)?, tensor(y, -1.0, 1.0)?);
    job(move || f(&x, &y))
}
