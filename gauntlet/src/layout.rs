//! How a sample's data lie in memory when an operation meets them.
//!
//! The same logical array is made in several ways: an operation on the host's data and a view of it. Kernels must give
//! the same result for each. What lies beside a view is poisoned, so that a kernel that reads it is caught.

use crate::bits::{bits_of, from_bits};
use crate::data::poison;
use plywood_core::shape::Axes;
use plywood_core::{Array, Engine, Op, Shape, Value};

/// How an input is made from its data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Row-major, nothing beside it.
    Plain,
    /// A transposed view of the transposed data: the first axis runs fastest.
    Transposed,
    /// Every other element, from the second, of each axis of a poisoned array.
    Strided,
    /// A reversed view of the reversed data: all strides are negative.
    Reversed,
    /// A contiguous part of a larger poisoned array along the first axis: the data do not begin at its start.
    Offset,
    /// Stride 0 along the axes on which the data do not change.
    Broadcast,
    /// The very value of an earlier input.
    Same(usize),
}

impl Layout {
    /// The views, which a table's plain samples are also run with.
    pub const VIEWS: &'static [Layout] =
        &[Layout::Transposed, Layout::Strided, Layout::Reversed, Layout::Offset, Layout::Broadcast];

    /// Whether the layout differs from a plain one for this array.
    pub fn fits(self, array: &Array) -> bool {
        let shape = array.shape();
        match self {
            Layout::Plain | Layout::Same(_) | Layout::Strided | Layout::Offset => true,
            Layout::Transposed => shape.rank() >= 2,
            Layout::Reversed => shape.iter().any(|&n| n > 1),
            Layout::Broadcast => !constant_axes(array).is_empty(),
        }
    }

    /// The value on an engine; `earlier` are the inputs that were made before it.
    pub fn place(self, engine: &'static dyn Engine, array: &Array, earlier: &[Value]) -> Value {
        let constant = |a: Array| Value::create(engine, Op::Constant(a));
        let shape = array.shape();
        match self {
            Layout::Plain => constant(array.clone()),
            Layout::Same(i) => earlier[i].clone(),
            Layout::Transposed => {
                let reversed: Shape = shape.iter().rev().copied().collect();
                constant(rearranged(array, reversed, |place| place.iter().rev().copied().collect())).t()
            }
            Layout::Reversed => {
                let turned = rearranged(array, shape.clone(), |place| {
                    place.iter().zip(shape.iter()).map(|(&i, &n)| n - 1 - i).collect()
                });
                let axes: Vec<isize> = (0..shape.rank() as isize).collect();
                constant(turned).flip(&axes)
            }
            // A scalar is cut out of a vector.
            Layout::Strided | Layout::Offset if shape.rank() == 0 => {
                let vector = from_bits(array.dtype(), [1], &bits_of(array));
                let value = self.place(engine, &vector, earlier);
                value.reshape_to(Shape::scalar())
            }
            Layout::Strided => {
                let sizes: Shape = shape.iter().map(|&n| 2 * n + 1).collect();
                let whole = embedded(array, &sizes, |place| place.iter().map(|&i| 2 * i + 1).collect());
                let starts = Axes::from_elem(1, shape.rank());
                let limits = sizes.iter().copied().collect();
                constant(whole).slice(starts, limits, Axes::from_elem(2, shape.rank()))
            }
            Layout::Offset => {
                let mut sizes = shape.clone();
                sizes[0] += 2;
                let whole = embedded(array, &sizes, |place| {
                    place.iter().enumerate().map(|(d, &i)| i + usize::from(d == 0)).collect()
                });
                constant(whole).slice_axis(0, 1, 1 + shape[0])
            }
            Layout::Broadcast => {
                let small = shape.ones_at(&constant_axes(array));
                let part = rearranged(array, small, |place| place.iter().copied().collect());
                constant(part).broadcast_in(shape.clone(), (0..shape.rank()).collect())
            }
        }
    }
}

/// The axes, longer than 1, along which the data do not change.
pub fn constant_axes(array: &Array) -> Axes {
    let (shape, bits) = (array.shape(), bits_of(array));
    let strides = shape.row_major();
    (0..shape.rank())
        .filter(|&d| {
            let (n, stride) = (shape[d], strides[d] as usize);
            n > 1
                && !bits.is_empty()
                && (0..bits.len()).all(|i| bits[i] == bits[i - (i / stride % n) * stride])
        })
        .collect()
}

/// The places of a shape, in row-major order.
pub fn places(shape: &Shape) -> impl Iterator<Item = Axes> + '_ {
    let strides = shape.row_major();
    (0..shape.elements())
        .map(move |i| (0..shape.rank()).map(|d| i / strides[d] as usize % shape[d]).collect())
}

/// The row-major number of a place.
fn number(shape: &Shape, place: &[usize]) -> usize {
    place.iter().zip(shape.iter()).fold(0, |at, (&i, &n)| at * n + i)
}

/// An array of `shape` whose element at a place is that of `array` at `from(place)`.
fn rearranged(array: &Array, shape: Shape, from: impl Fn(&[usize]) -> Axes) -> Array {
    let bits = bits_of(array);
    let moved: Vec<u64> = places(&shape).map(|p| bits[number(array.shape(), &from(&p))]).collect();
    from_bits(array.dtype(), shape, &moved)
}

/// A poisoned array of `shape` that has the element of `array` at each place at `to(place)`.
fn embedded(array: &Array, shape: &Shape, to: impl Fn(&[usize]) -> Axes) -> Array {
    let mut all = vec![poison(array.dtype()); shape.elements()];
    for (place, bits) in places(array.shape()).zip(bits_of(array)) {
        all[number(shape, &to(&place))] = bits;
    }
    from_bits(array.dtype(), shape.clone(), &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constant_axes_are_found() {
        let x = Array::new(vec![1, 1, 1, 2, 2, 2], [1, 2, 3]);
        assert_eq!(constant_axes(&x)[..], [2]);
        assert!(Layout::Broadcast.fits(&x));
        assert!(constant_axes(&Array::new(Vec::<f32>::new(), [0, 3])).is_empty());
    }
}
