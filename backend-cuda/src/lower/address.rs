//! Where an argument's elements of a row are: the offset, a stride for each loop around the columns, and how columns lie.
//!
//! All of it is counted as the list is: in vectors where columns are taken as lines. Strides may be negative: sums wrap.

use super::{Along, Key, Numbers};
use crate::emit::{Emit, U32, Val};
use smallvec::SmallVec;

/// An argument's list and the launch's numbers about it.
pub struct Place {
    pub list: Val,
    pub along: Along,
    arg: usize,
    offset: Val,
    strides: SmallVec<[Val; 4]>,
    /// Along the loops of columns, where they lie apart.
    steps: SmallVec<[Val; 4]>,
}

/// Where a row begins, in each argument.
pub struct At(pub Vec<Val>);

impl Place {
    /// Declares the numbers.
    pub fn new(e: &mut Emit, list: Val, arg: usize, key: &Key) -> Place {
        let along = key.along[arg];
        let offset = e.scalar(U32);
        let strides = (0..key.levels).map(|_| e.scalar(U32)).collect();
        let apart = if along == Along::Apart { key.inner } else { 0 };
        let steps = (0..apart).map(|_| e.scalar(U32)).collect();
        Place { list, along, arg, offset, strides, steps }
    }

    /// Where a row begins whose numbers in the loops around the columns are these.
    pub fn start(&self, e: &mut Emit, loops: &[Val]) -> Val {
        loops.iter().zip(&self.strides).fold(self.offset, |sum, (&i, &stride)| {
            let steps = e.mul(i, stride);
            e.add(sum, steps)
        })
    }

    /// The place of a line, or of the one element for all columns.
    pub fn index(&self, e: &mut Emit, at: &At, column: Val) -> Val {
        let start = at.of(self);
        match self.along {
            Along::Line => e.add(start, column),
            Along::Same => start,
            Along::Apart | Along::Number => unreachable!("its columns lie apart"),
        }
    }

    /// The place of the `i`-th column of a vector, where columns lie apart. `inner`: the sizes of their loops.
    pub fn apart(&self, e: &mut Emit, at: &At, column: Val, i: usize, vector: usize, inner: &[Val]) -> Val {
        let start = at.of(self);
        let column = match vector {
            1 => column,
            n => {
                let (n, i) = (e.index(n), e.index(i));
                let first = e.mul(column, n);
                e.add(first, i)
            }
        };
        let loops = loops(e, column, inner);
        loops.iter().zip(&self.steps).fold(start, |sum, (&i, &step)| {
            let steps = e.mul(i, step);
            e.add(sum, steps)
        })
    }
}

impl At {
    fn of(&self, place: &Place) -> Val {
        self.0[place.arg]
    }
}

impl Numbers {
    /// Of one argument: in elements of its list.
    pub fn push_place(&mut self, offset: isize, strides: &[isize], steps: &[isize]) {
        self.0.push(offset as u32);
        self.0.extend(strides.iter().map(|&s| s as u32));
        self.0.extend(steps.iter().map(|&s| s as u32));
    }
}

/// A row's numbers in the loops around the columns, from its number.
pub fn loops(e: &mut Emit, row: Val, sizes: &[Val]) -> SmallVec<[Val; 4]> {
    let mut left = row;
    let mut loops: SmallVec<[Val; 4]> = SmallVec::new();
    for (d, &size) in sizes.iter().enumerate().rev() {
        if d == 0 {
            loops.push(left);
        } else {
            let i = e.rem(left, size);
            loops.push(i);
            left = e.div(left, size);
        }
    }
    loops.reverse();
    loops
}
