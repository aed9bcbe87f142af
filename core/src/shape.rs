//! Shapes and axes: sizes of any rank, axes that count from either end, NumPy's broadcasting.

use smallvec::SmallVec;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::{Deref, DerefMut};

/// Axes (or a permutation of them), already counted from the front. Up to four need no allocation.
pub type Axes = SmallVec<[usize; 4]>;

/// Up to this rank a shape is stored in place.
const INLINE: usize = 4;

/// The sizes of a tensor's axes; rank 0 is a scalar. Up to rank 4 it needs no allocation.
#[derive(Clone)]
pub struct Shape(Sizes);

/// Every value has a shape and every operation makes one, so a clone is a copy of a few words.
#[derive(Clone)]
enum Sizes {
    Inline(u8, [usize; INLINE]),
    Heap(Box<[usize]>),
}

impl Shape {
    /// The shape of a scalar.
    #[inline]
    pub const fn scalar() -> Self {
        Shape(Sizes::Inline(0, [0; INLINE]))
    }

    /// How many axes there are.
    #[inline]
    pub fn rank(&self) -> usize {
        self.len()
    }

    /// How many elements a tensor of this shape has.
    #[inline]
    pub fn elements(&self) -> usize {
        self.iter().product()
    }

    /// This shape with another axis of `size` before `axis`.
    pub fn insert(&self, axis: usize, size: usize) -> Shape {
        let (front, back) = self.split_at(axis);
        front.iter().copied().chain([size]).chain(back.iter().copied()).collect()
    }

    /// This shape without the given axes.
    pub fn without(&self, axes: &[usize]) -> Shape {
        self.iter().enumerate().filter(|(d, _)| !axes.contains(d)).map(|(_, &n)| n).collect()
    }

    /// This shape with size 1 at the given axes.
    pub fn ones_at(&self, axes: &[usize]) -> Shape {
        self.iter().enumerate().map(|(d, &n)| if axes.contains(&d) { 1 } else { n }).collect()
    }

    /// The strides, in elements, of a tensor of this shape in row-major order.
    pub fn row_major(&self) -> SmallVec<[isize; 4]> {
        let mut strides: SmallVec<[isize; 4]> = SmallVec::from_elem(1, self.rank());
        for d in (1..self.rank()).rev() {
            strides[d - 1] = strides[d] * self[d] as isize;
        }
        strides
    }

    /// The shape that two shapes broadcast to, by NumPy's rule: aligned at the end, sizes equal or 1.
    ///
    /// ```
    /// use plywood_core::Shape;
    /// let (a, b) = (Shape::from([4, 1, 3]), Shape::from([2, 1]));
    /// assert_eq!(a.broadcast(&b), Some(Shape::from([4, 2, 3])));
    /// ```
    pub fn broadcast(&self, other: &Shape) -> Option<Shape> {
        let rank = self.rank().max(other.rank());
        let size = |s: &Shape, d: usize| if d + s.rank() < rank { 1 } else { s[d + s.rank() - rank] };
        (0..rank)
            .map(|d| match (size(self, d), size(other, d)) {
                (1, n) | (n, 1) => Some(n),
                (n, m) if n == m => Some(n),
                _ => None,
            })
            .collect()
    }
}

impl Deref for Shape {
    type Target = [usize];
    #[inline]
    fn deref(&self) -> &[usize] {
        match &self.0 {
            Sizes::Inline(rank, sizes) => &sizes[..*rank as usize],
            Sizes::Heap(sizes) => sizes,
        }
    }
}
impl DerefMut for Shape {
    fn deref_mut(&mut self) -> &mut [usize] {
        match &mut self.0 {
            Sizes::Inline(rank, sizes) => &mut sizes[..*rank as usize],
            Sizes::Heap(sizes) => sizes,
        }
    }
}
impl Default for Shape {
    fn default() -> Self {
        Shape::scalar()
    }
}
impl PartialEq for Shape {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            // What is behind the rank is zero.
            (Sizes::Inline(a, x), Sizes::Inline(b, y)) => a == b && x == y,
            _ => self[..] == other[..],
        }
    }
}
impl Eq for Shape {}
impl Hash for Shape {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self[..].hash(state)
    }
}
impl FromIterator<usize> for Shape {
    fn from_iter<I: IntoIterator<Item = usize>>(sizes: I) -> Self {
        let mut inline = [0; INLINE];
        let mut sizes = sizes.into_iter();
        for rank in 0..INLINE {
            match sizes.next() {
                Some(n) => inline[rank] = n,
                None => return Shape(Sizes::Inline(rank as u8, inline)),
            }
        }
        match sizes.next() {
            None => Shape(Sizes::Inline(INLINE as u8, inline)),
            Some(next) => Shape(Sizes::Heap(inline.into_iter().chain([next]).chain(sizes).collect())),
        }
    }
}
impl From<&[usize]> for Shape {
    fn from(sizes: &[usize]) -> Self {
        sizes.iter().copied().collect()
    }
}
impl<const N: usize> From<[usize; N]> for Shape {
    fn from(sizes: [usize; N]) -> Self {
        sizes.into_iter().collect()
    }
}
impl<const N: usize> PartialEq<[usize; N]> for Shape {
    fn eq(&self, other: &[usize; N]) -> bool {
        self[..] == other[..]
    }
}
impl PartialEq<Vec<usize>> for Shape {
    fn eq(&self, other: &Vec<usize>) -> bool {
        self[..] == other[..]
    }
}
impl PartialEq<&[usize]> for Shape {
    fn eq(&self, other: &&[usize]) -> bool {
        self[..] == **other
    }
}
impl<const N: usize> PartialEq<&[usize; N]> for Shape {
    fn eq(&self, other: &&[usize; N]) -> bool {
        self[..] == other[..]
    }
}
impl fmt::Debug for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self[..])
    }
}
impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &self[..])
    }
}

/// What can be given as a shape: arrays, slices and vectors of `usize`, and another tensor's [`Shape`].
pub trait IntoShape {
    /// The shape.
    fn into_shape(self) -> Shape;
}
impl IntoShape for Shape {
    fn into_shape(self) -> Shape {
        self
    }
}
impl IntoShape for &Shape {
    fn into_shape(self) -> Shape {
        self.clone()
    }
}
impl IntoShape for &[usize] {
    fn into_shape(self) -> Shape {
        self.into()
    }
}
impl IntoShape for Vec<usize> {
    fn into_shape(self) -> Shape {
        self[..].into()
    }
}
impl<const N: usize> IntoShape for [usize; N] {
    fn into_shape(self) -> Shape {
        self.into()
    }
}
impl<const N: usize> IntoShape for &[usize; N] {
    fn into_shape(self) -> Shape {
        self[..].into()
    }
}

/// Signed numbers that name axes or sizes; a negative axis counts from the end.
pub type Signed = SmallVec<[isize; 4]>;

/// One axis, or one size that may be `-1`: any of `i32`, `isize`, `usize`.
pub trait Axis: Copy {
    /// As a signed number.
    fn signed(self) -> isize;
}
impl Axis for i32 {
    fn signed(self) -> isize {
        self as isize
    }
}
impl Axis for isize {
    fn signed(self) -> isize {
        self
    }
}
impl Axis for usize {
    fn signed(self) -> isize {
        self as isize
    }
}

/// What can be given as a list of axes (or as sizes with a `-1`): one number, an array, a slice, a vector, a shape.
pub trait IntoAxes {
    /// The numbers.
    fn into_axes(self) -> Signed;
}
impl<A: Axis, const N: usize> IntoAxes for [A; N] {
    fn into_axes(self) -> Signed {
        self.into_iter().map(Axis::signed).collect()
    }
}
impl<A: Axis, const N: usize> IntoAxes for &[A; N] {
    fn into_axes(self) -> Signed {
        self.iter().map(|a| a.signed()).collect()
    }
}
impl<A: Axis> IntoAxes for &[A] {
    fn into_axes(self) -> Signed {
        self.iter().map(|a| a.signed()).collect()
    }
}
impl<A: Axis> IntoAxes for Vec<A> {
    fn into_axes(self) -> Signed {
        self.iter().map(|a| a.signed()).collect()
    }
}
impl IntoAxes for &Shape {
    fn into_axes(self) -> Signed {
        self.iter().map(|a| a.signed()).collect()
    }
}
impl IntoAxes for Shape {
    fn into_axes(self) -> Signed {
        (&self).into_axes()
    }
}
macro_rules! one_axis { ($($T:ty)*) => { $( impl IntoAxes for $T {
    fn into_axes(self) -> Signed { SmallVec::from_slice(&[self as isize]) }
} )* } }
one_axis!(i32 isize usize);

/// Counts one axis from the front, or panics with the operation's name and the shape.
#[track_caller]
pub fn normalize_axis(operation: &str, axis: isize, shape: &Shape) -> usize {
    let rank = shape.rank() as isize;
    if (-rank..rank).contains(&axis) {
        return (if axis < 0 { axis + rank } else { axis }) as usize;
    }
    panic!(
        "{operation}: axis {axis} of a tensor of shape {shape}; {}",
        match rank {
            0 => "a scalar has no axes".to_string(),
            _ => format!("axes go from {} to {}", -rank, rank - 1),
        }
    )
}

/// Counts each axis from the front and sorts them; panics where one is out of range or named twice.
#[track_caller]
pub fn normalize_axes(operation: &str, axes: &[isize], shape: &Shape) -> Axes {
    let mut out: Axes = SmallVec::new();
    for &axis in axes {
        let d = normalize_axis(operation, axis, shape);
        assert!(!out.contains(&d), "{operation}: axis {axis} is named twice in {axes:?} (shape {shape})");
        out.push(d);
    }
    out.sort_unstable();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_broadcast_as_in_numpy() {
        let cases: [(&[usize], &[usize], Option<&[usize]>); 7] = [
            (&[], &[2, 3], Some(&[2, 3])),
            (&[3], &[2, 3], Some(&[2, 3])),
            (&[2, 1], &[1, 3], Some(&[2, 3])),
            (&[0], &[1], Some(&[0])),
            (&[2, 0], &[2, 1], Some(&[2, 0])),
            (&[2], &[3], None),
            (&[0], &[2], None),
        ];
        for (a, b, want) in cases {
            assert_eq!(Shape::from(a).broadcast(&b.into()), want.map(Shape::from), "{a:?} with {b:?}");
            assert_eq!(Shape::from(b).broadcast(&a.into()), want.map(Shape::from), "{b:?} with {a:?}");
        }
    }

    #[test]
    fn shapes_of_any_rank_hold_their_sizes() {
        for rank in 0..9 {
            let sizes: Vec<usize> = (1..=rank).collect();
            let shape = Shape::from(&sizes[..]);
            assert_eq!(shape, sizes);
            assert_eq!(shape.insert(rank / 2, 7).without(&[rank / 2]), shape);
            assert_eq!(shape.elements(), sizes.iter().product());
        }
    }

    #[test]
    fn strides_are_row_major() {
        assert_eq!(Shape::from([2, 3, 4]).row_major()[..], [12, 4, 1]);
        assert_eq!(Shape::from([0, 3]).row_major()[..], [3, 1]);
        assert!(Shape::scalar().row_major().is_empty());
    }

    #[test]
    #[should_panic(expected = "sum: axis 2 of a tensor of shape [2, 3]; axes go from -2 to 1")]
    fn an_axis_out_of_range_says_what_there_is() {
        normalize_axis("sum", 2, &[2, 3].into());
    }
}
