//! The steps of a program, and what they are to a device and to the whole.

use super::{Known, Program};
use plywood_core::collective::{all_gather, all_to_all, axis_index, pmax, pmean, psum, psum_scatter};
use plywood_core::{Backend, DType, Tensor};

/// Of values before it.
#[derive(Clone, Debug)]
pub enum Step {
    /// A function of each element.
    Unary { x: usize, function: usize },
    /// A function of two elements; the second operand may be a row.
    Binary { x: usize, y: usize, function: usize },
    /// A product; what is contracted is cut by these axes. Its sum, or of the sum a block along a dimension.
    Matmul { x: usize, y: usize, over: Vec<usize>, scatter: Option<usize> },
    /// Rows for columns.
    Transpose { x: usize },
    /// The mean or the largest along a dimension that is cut by these axes.
    Reduce { x: usize, dim: usize, over: Vec<usize>, largest: bool },
    /// All blocks along a dimension, for all.
    Gather { x: usize, dim: usize, axis: usize },
    /// To each its block.
    Slice { x: usize, dim: usize, axis: usize },
    /// Cut along another dimension.
    Move { x: usize, from: usize, to: usize, axis: usize },
}

/// Names of the mesh's axes.
pub const AXES: [&str; 3] = ["i", "j", "k"];

fn unary<B: Backend>(x: &Tensor<B>, function: usize) -> Tensor<B> {
    match function {
        0 => x.sin(),
        1 => x.tanh(),
        2 => x * x * 0.5,
        3 => x.cos() + x,
        _ => (x.sin() + 1.5).log(),
    }
}

fn binary<B: Backend>(x: &Tensor<B>, y: &Tensor<B>, function: usize) -> Tensor<B> {
    match function {
        0 => x + y,
        1 => x * y.sin(),
        2 => x - y,
        3 => x / (y * y + 1.0),
        _ => (x + y).tanh(),
    }
}

/// A dimension in two, of which the first has `n` elements.
fn split<B: Backend>(x: &Tensor<B>, dim: usize, n: usize) -> Tensor<B> {
    let mut shape: Vec<isize> = x.shape().iter().map(|&n| n as isize).collect();
    shape[dim] /= n as isize;
    shape.insert(dim, n as isize);
    x.reshape(&shape[..])
}

/// A dimension and the next one as one.
fn merged<B: Backend>(x: &Tensor<B>, dim: usize) -> Tensor<B> {
    let mut shape: Vec<isize> = x.shape().iter().map(|&n| n as isize).collect();
    let n = shape.remove(dim);
    shape[dim] *= n;
    x.reshape(&shape[..])
}

impl Program {
    /// All values: of the whole, or of a device's blocks.
    fn all<B: Backend>(&self, x: Vec<Tensor<B>>, blocks: bool) -> Vec<Tensor<B>> {
        let mut all = x;
        for step in &self.steps {
            let y = if blocks { self.of_blocks(step, &all) } else { self.of_whole(step, &all) };
            all.push(y);
        }
        all
    }

    fn of_whole<B: Backend>(&self, step: &Step, all: &[Tensor<B>]) -> Tensor<B> {
        match *step {
            Step::Unary { x, function } => unary(&all[x], function),
            Step::Binary { x, y, function } => binary(&all[x], &all[y], function),
            Step::Matmul { x, y, .. } => all[x].matmul(&all[y]) * 0.1,
            Step::Transpose { x } => all[x].t(),
            Step::Reduce { x, dim, largest: true, .. } => all[x].max_axes([dim as isize]),
            Step::Reduce { x, dim, largest: false, .. } => all[x].mean_axes([dim as isize]),
            Step::Gather { x, .. } | Step::Slice { x, .. } | Step::Move { x, .. } => all[x].clone(),
        }
    }

    fn of_blocks<B: Backend>(&self, step: &Step, all: &[Tensor<B>]) -> Tensor<B> {
        let n = |axis: usize| self.mesh[axis];
        match *step {
            Step::Unary { x, function } => unary(&all[x], function),
            Step::Binary { x, y, function } => binary(&all[x], &all[y], function),
            Step::Matmul { x, y, ref over, scatter } => {
                let part = all[x].matmul(&all[y]) * 0.1;
                match scatter {
                    None => over.iter().fold(part, |y, &axis| psum(y, AXES[axis])),
                    Some(dim) => {
                        let of_each = split(&part, dim, n(over[0])).moveaxis(dim as isize, 0);
                        psum_scatter(of_each, AXES[over[0]])
                    }
                }
            }
            Step::Transpose { x } => all[x].t(),
            Step::Reduce { x, dim, ref over, largest: true } => {
                over.iter().fold(all[x].max_axes([dim as isize]), |y, &axis| pmax(y, AXES[axis]))
            }
            Step::Reduce { x, dim, ref over, largest: false } => {
                over.iter().fold(all[x].mean_axes([dim as isize]), |y, &axis| pmean(y, AXES[axis]))
            }
            Step::Gather { x, dim, axis } => {
                merged(&all_gather(all[x].clone(), AXES[axis]).moveaxis(0, dim as isize), dim)
            }
            Step::Slice { x, dim, axis } => {
                let zero = || axis_index::<B>(AXES[axis]).zeros_like();
                let size = all[x].shape()[dim] / n(axis);
                let starts: Vec<Tensor<B>> = (0..all[x].rank())
                    .map(|d| if d == dim { axis_index::<B>(AXES[axis]) * size as i32 } else { zero() })
                    .collect();
                let mut sizes: Vec<usize> = all[x].shape().to_vec();
                sizes[dim] = size;
                all[x].dynamic_slice(&starts, &sizes[..])
            }
            Step::Move { x, from, to, axis } => {
                // Its block of each device along `to`, for each block of its own along `from`.
                let parts = split(&all[x], to, n(axis));
                let (split, concat) = (to as isize, from as isize);
                merged(&all_to_all(parts, AXES[axis], split, concat), from)
            }
        }
    }

    /// The results of the whole.
    pub fn whole<B: Backend>(&self, x: Vec<Tensor<B>>) -> Vec<Tensor<B>> {
        let all = self.all(x, false);
        self.outputs.iter().map(|&i| all[i].clone()).collect()
    }

    /// A device's blocks of the results; what varies although it is not cut, as it is.
    pub fn blocks<B: Backend>(&self, x: Vec<Tensor<B>>) -> Vec<Tensor<B>> {
        let all = self.all(x, true);
        self.outputs.iter().map(|&i| all[i].clone()).collect()
    }

    /// The axes over which a value varies although it is the same.
    pub fn beyond(&self, known: &Known) -> Vec<usize> {
        known.varies.iter().copied().filter(|axis| !known.cuts.iter().flatten().any(|a| a == axis)).collect()
    }

    /// The blocks of the results, varying over what cuts them and no more.
    pub fn settled<B: Backend>(&self, x: Vec<Tensor<B>>) -> Vec<Tensor<B>> {
        let settle = |(y, &i): (Tensor<B>, &usize)| {
            self.beyond(&self.values[i]).into_iter().fold(y, |y, axis| pmean(y, AXES[axis]))
        };
        self.blocks(x).into_iter().zip(&self.outputs).map(settle).collect()
    }

    /// A number of the whole.
    pub fn loss<B: Backend>(&self, x: Vec<Tensor<B>>) -> Tensor<B> {
        let all = self.whole(x).iter().map(|y| (y * y.sin()).sum()).collect::<Vec<_>>();
        all.into_iter().reduce(|a, b| a + b).expect("there is a result")
    }

    /// The same number, of blocks.
    pub fn loss_of_blocks<B: Backend>(&self, x: Vec<Tensor<B>>) -> Tensor<B> {
        let of = |(y, &i): (&Tensor<B>, &usize)| {
            let cuts = self.values[i].cuts.iter().flatten();
            cuts.fold((y * y.sin()).sum(), |sum, &axis| psum(sum, AXES[axis]))
        };
        let all = self.settled(x).iter().zip(&self.outputs).map(of).collect::<Vec<_>>();
        all.into_iter().reduce(|a, b| a + b).expect("there is a result")
    }
}

/// Of f64, between -1 and 1.
pub fn inputs<B: Backend>(p: &Program, number: u64) -> Vec<Tensor<B>> {
    let one = |(k, known): (usize, &Known)| {
        let name = format!("input {k} of {number}");
        let array = plywood_gauntlet::data::uniform(DType::F64, &known.shape[..], &name, -1.0, 1.0);
        Tensor::of(plywood_core::Value::create(B::ENGINE, plywood_core::Op::Constant(array)))
    };
    p.values[..p.inputs].iter().enumerate().map(one).collect()
}
