//! A contraction one batch at a time, by whoever has the batch's operand at hand: what a chain of steps does with each while it is warm.
//!
//! What always holds: a batch's product has the bits that it has among all ([`Problem::run`]).

use super::{Multiply, Problem, blank, product};
use crate::data::View;
use crate::gemm::{Matrix, Small};
use plywood_core::op::Dot;
use plywood_core::{DType, Value};

/// An operand.
#[derive(Clone, Copy)]
pub enum Side<'a> {
    /// All batches are there.
    There(&'a Value),
    /// A batch is given each time, of a tensor of this shape that would lie in order, with these strides.
    Given(&'a [usize], &'a [isize]),
}

/// A contraction, batch by batch.
pub trait Slices: Sync {
    /// Writes a batch's product to `out`; what is `given` is the batch of the operand that is.
    fn product(&self, batch: usize, given: &[u8], out: &mut [u8]);

    /// Nanoseconds of one batch, about.
    fn work(&self) -> f64;

    /// Bytes of one batch's product.
    fn bytes(&self) -> usize;
}

/// A contraction of f32 or f64, the batches of whose output lie in order.
pub fn slices<'a>(sides: [Side<'a>; 2], dot: &Dot) -> Box<dyn Slices + 'a> {
    match dot.dtype {
        DType::F32 => Box::new(Of::<f32>::new(sides, dot)),
        DType::F64 => Box::new(Of::<f64>::new(sides, dot)),
        other => unreachable!("no chain has a product of {other}"),
    }
}

struct Of<'a, T: Multiply> {
    problem: Problem<'a, T>,
    small: Option<(Small<T>, bool)>,
    is_given: [bool; 2],
}

impl<'a, T: Multiply> Of<'a, T> {
    fn new(sides: [Side<'a>; 2], dot: &Dot) -> Self {
        let [x, y] = sides.map(|side| match side {
            Side::There(x) => View::<T>::of(x),
            Side::Given(shape, strides) => View { data: &[], shape, strides, offset: 0 },
        });
        let problem = Problem::of(x, y, dot);
        let small = problem.small();
        Of { problem, small, is_given: sides.map(|side| matches!(side, Side::Given(..))) }
    }
}

impl<T: Multiply> Slices for Of<'_, T> {
    fn product(&self, batch: usize, given: &[u8], out: &mut [u8]) {
        let (x, y) = self.problem.matrices(batch).next().expect("there are so many batches");
        let given = |of| Matrix { data: bytemuck::cast_slice(given), offset: 0, ..of };
        let (x, y) = match self.is_given {
            [true, _] => (given(x), y),
            [_, true] => (x, given(y)),
            [false, false] => (x, y),
        };
        let out: &mut [T] = bytemuck::cast_slice_mut(out);
        match &self.small {
            Some((small, true)) => small.multiply(out, y.transposed(), x.transposed()),
            Some((small, false)) => small.multiply(out, x, y),
            None => {
                let size = [self.problem.m, self.problem.k, self.problem.n];
                blank(size, out);
                product(size, out, x, y, false);
            }
        }
    }

    fn work(&self) -> f64 {
        let [m, k, n] = [self.problem.m, self.problem.k, self.problem.n].map(|n| n as f64);
        m * n * k * T::WORK
    }

    fn bytes(&self) -> usize {
        self.problem.m * self.problem.n * size_of::<T>()
    }
}
