//! Parameters of several ranks, and a step of gradient descent on them.

use super::tensors::{Leaves, carried, tracked};
use burn::tensor::{Gradients, Tensor};
use plywood_benches::peers::protocol::Job;

/// The rate of gradient descent.
const RATE: f64 = 0.001;

/// Tensors that are trained together.
pub trait Parameters: Leaves + Clone {
    /// To be differentiated by.
    fn tracked(self) -> Self;
    /// The gradients by them.
    fn gradients(&self, all: &mut Gradients) -> Self;
    /// Less the gradients by the rate.
    fn descended(self, all: &mut Gradients) -> Self;
}

impl<const D: usize> Parameters for Tensor<D> {
    fn tracked(self) -> Self {
        tracked(self)
    }

    fn gradients(&self, all: &mut Gradients) -> Self {
        self.grad_remove(all).expect("a tracked tensor has a gradient")
    }

    fn descended(self, all: &mut Gradients) -> Self {
        let gradient = self.gradients(all);
        self.inner() - gradient * RATE
    }
}

impl<T: Parameters> Parameters for Vec<T> {
    fn tracked(self) -> Self {
        self.into_iter().map(T::tracked).collect()
    }

    fn gradients(&self, all: &mut Gradients) -> Self {
        self.iter().map(|x| x.gradients(all)).collect()
    }

    fn descended(self, all: &mut Gradients) -> Self {
        self.into_iter().map(|x| x.descended(all)).collect()
    }
}

impl<A: Parameters, B: Parameters> Parameters for (A, B) {
    fn tracked(self) -> Self {
        (self.0.tracked(), self.1.tracked())
    }

    fn gradients(&self, all: &mut Gradients) -> Self {
        (self.0.gradients(all), self.1.gradients(all))
    }

    fn descended(self, all: &mut Gradients) -> Self {
        (self.0.descended(all), self.1.descended(all))
    }
}

/// A job that takes a step of gradient descent a call: the parameters, and the loss before.
pub fn descent<P: Parameters>(start: P, loss: impl Fn(P) -> Tensor<1> + 'static) -> Job {
    let before = Tensor::zeros([1], &burn::tensor::Device::flex());
    carried((start, before), move |(parameters, _)| {
        let parameters = parameters.tracked();
        let loss = loss(parameters.clone());
        let mut gradients = loss.backward();
        (parameters.descended(&mut gradients), loss.inner())
    })
}
