//! [`Layout`]: how the elements of a shape lie in storage, and loops over several layouts at once.
//!
//! A layout belongs to a value's shape: a stride for each axis (of any sign, 0 where an axis repeats) and the place of
//! the first element, all in elements. [`Nest`] merges the axes that several operands step through alike, so that
//! most loops have one or two levels; [`Odometer`] counts through the outer ones.

use plywood_core::op::Slice;
use smallvec::SmallVec;

/// A stride for each axis, in elements.
pub type Strides = SmallVec<[isize; 4]>;

/// Where the elements of a shape lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// A stride for each axis.
    pub strides: Strides,
    /// The place of the element whose indices are all 0.
    pub offset: usize,
}

/// The strides of row-major order.
#[inline]
pub fn row_major(shape: &[usize]) -> Strides {
    if shape.is_empty() {
        return Strides::new();
    }
    let mut strides = Strides::from_elem(1, shape.len());
    for d in (1..shape.len()).rev() {
        strides[d - 1] = strides[d] * shape[d] as isize;
    }
    strides
}

/// The strides of a transposition: axis `i` is what was axis `permutation[i]`.
#[inline]
pub fn transposed(strides: &[isize], permutation: &[usize]) -> Strides {
    permutation.iter().map(|&d| strides[d]).collect()
}

/// The strides of a broadcast of the shape `from` to the shape `to`, in which axis `i` becomes axis `axes[i]`; what is
/// repeated has stride 0.
#[inline]
pub fn broadcast(strides: &[isize], from: &[usize], to: &[usize], axes: &[usize]) -> Strides {
    let mut repeated = Strides::from_elem(0, to.len());
    for (d, &axis) in axes.iter().enumerate() {
        if from[d] == to[axis] {
            repeated[axis] = strides[d];
        }
    }
    repeated
}

impl Layout {
    /// Row-major, from the start of the storage.
    #[inline]
    pub fn row_major(shape: &[usize]) -> Layout {
        Layout { strides: row_major(shape), offset: 0 }
    }

    /// One element, repeated along all axes.
    #[inline]
    pub fn constant(rank: usize) -> Layout {
        Layout { strides: Strides::from_elem(0, rank), offset: 0 }
    }

    /// Whether the elements lie side by side in row-major order. (Strides of axes of size 1 do not matter, nor any
    /// where there are no elements.)
    #[inline]
    pub fn is_contiguous(&self, shape: &[usize]) -> bool {
        let mut expected = 1;
        for (&n, &stride) in shape.iter().zip(&self.strides).rev() {
            if n == 0 {
                return true;
            }
            if n != 1 && stride != expected {
                return shape.contains(&0);
            }
            expected *= n as isize;
        }
        true
    }

    /// Whether all indices lead to one element.
    #[inline]
    pub fn is_constant(&self, shape: &[usize]) -> bool {
        shape.iter().zip(&self.strides).all(|(&n, &stride)| n == 1 || stride == 0)
    }

    /// The layout of the same elements, in row-major order, under another shape; `None` where no strides do it.
    #[inline]
    pub fn reshape(&self, from: &[usize], to: &[usize]) -> Option<Layout> {
        if to.contains(&0) || self.is_contiguous(from) {
            return Some(Layout { strides: row_major(to), offset: self.offset });
        }
        // Runs of old axes that step alike, and the new axes that divide each run.
        let nest = Nest::new(from, &[&self.strides]);
        let mut strides = Strides::from_elem(0, to.len());
        let mut d = to.len();
        for (&size, &stride) in nest.sizes.iter().zip(&nest.strides[0]).rev() {
            let mut inner = 1;
            while inner < size {
                d = d.checked_sub(1)?;
                strides[d] = stride * inner as isize;
                inner *= to[d];
            }
            if inner != size {
                return None;
            }
        }
        Some(Layout { strides, offset: self.offset })
    }

    /// The layout of a transposition: axis `i` is what was axis `permutation[i]`.
    #[inline]
    pub fn transposed(&self, permutation: &[usize]) -> Layout {
        Layout { strides: transposed(&self.strides, permutation), offset: self.offset }
    }

    /// The layout of a broadcast of the shape `from` to the shape `to`, in which axis `i` becomes axis `axes[i]`; what is
    /// repeated has stride 0.
    #[inline]
    pub fn broadcast(&self, from: &[usize], to: &[usize], axes: &[usize]) -> Layout {
        Layout { strides: broadcast(&self.strides, from, to, axes), offset: self.offset }
    }

    /// The layout of the same shape with axes turned round: their strides change sign, and the first element is the last
    /// one.
    #[inline]
    pub fn reversed(&self, shape: &[usize], axes: &[usize]) -> Layout {
        let mut layout = self.clone();
        if !shape.contains(&0) {
            for &d in axes {
                let last = (shape[d] as isize - 1) * layout.strides[d];
                layout.offset = (layout.offset as isize + last) as usize;
                layout.strides[d] = -layout.strides[d];
            }
        }
        layout
    }

    /// The layout of a slice, whose result has the shape `to`: along each axis every `strides[d]`-th element from
    /// `starts[d]` on.
    #[inline]
    pub fn sliced(&self, to: &[usize], slice: &Slice) -> Layout {
        let mut layout = self.clone();
        if !to.contains(&0) {
            for d in 0..to.len() {
                let first = slice.starts[d] as isize * layout.strides[d];
                layout.offset = (layout.offset as isize + first) as usize;
                layout.strides[d] *= slice.strides[d] as isize;
            }
        }
        layout
    }
}

/// Nested loops over a shape with as few levels as the operands' strides allow. There is always an innermost one.
#[derive(Clone, Debug, PartialEq)]
pub struct Nest {
    /// Sizes of the levels, outermost first.
    pub sizes: SmallVec<[usize; 4]>,
    /// For each operand its strides.
    pub strides: SmallVec<[Strides; 3]>,
}

impl Nest {
    /// The loops over `shape` for operands with these strides.
    #[inline]
    pub fn new(shape: &[usize], operands: &[&[isize]]) -> Nest {
        let mut sizes: SmallVec<[usize; 4]> = SmallVec::new();
        let mut strides: SmallVec<[Strides; 3]> = operands.iter().map(|_| Strides::new()).collect();
        for (d, &n) in shape.iter().enumerate() {
            if n == 1 {
                continue;
            }
            let merges = !sizes.is_empty()
                && operands.iter().zip(&strides).all(|(of, s)| s.last() == Some(&(of[d] * n as isize)));
            if merges {
                *sizes.last_mut().expect("not empty") *= n;
            } else {
                sizes.push(n);
            }
            for (of, s) in operands.iter().zip(&mut strides) {
                if merges {
                    s.pop();
                }
                s.push(of[d]);
            }
        }
        if sizes.is_empty() {
            sizes.push(1);
            strides.iter_mut().for_each(|s| s.push(1));
        }
        Nest { sizes, strides }
    }

    /// The size of the innermost level.
    #[inline]
    pub fn inner(&self) -> usize {
        self.sizes[self.sizes.len() - 1]
    }
}

/// Counts through indices in row-major order and keeps the offsets of N operands up to date.
#[derive(Clone, Debug)]
pub struct Odometer<'a, const N: usize> {
    sizes: &'a [usize],
    strides: [&'a [isize]; N],
    index: SmallVec<[usize; 4]>,
    /// Where each operand's current element is.
    pub offsets: [isize; N],
}

impl<'a, const N: usize> Odometer<'a, N> {
    /// At the `flat`-th index of `sizes` in row-major order; `offsets` are those of the first.
    #[inline]
    pub fn at(
        sizes: &'a [usize],
        strides: [&'a [isize]; N],
        mut offsets: [isize; N],
        mut flat: usize,
    ) -> Odometer<'a, N> {
        let mut index = SmallVec::from_elem(0, sizes.len());
        for d in (0..sizes.len()).rev() {
            if flat == 0 {
                break;
            }
            index[d] = flat % sizes[d];
            flat /= sizes[d];
            for (offset, strides) in offsets.iter_mut().zip(&strides) {
                *offset += index[d] as isize * strides[d];
            }
        }
        Odometer { sizes, strides, index, offsets }
    }

    /// To the next index; after the last one it is at the first again.
    #[inline]
    pub fn advance(&mut self) {
        for d in (0..self.sizes.len()).rev() {
            self.index[d] += 1;
            if self.index[d] < self.sizes[d] {
                for (offset, strides) in self.offsets.iter_mut().zip(&self.strides) {
                    *offset += strides[d];
                }
                return;
            }
            for (offset, strides) in self.offsets.iter_mut().zip(&self.strides) {
                *offset -= strides[d] * (self.sizes[d] as isize - 1);
            }
            self.index[d] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nests_merge_what_all_operands_step_through_alike() {
        let cases: [(&[usize], &[&[isize]], &[usize]); 7] = [
            (&[2, 3, 4], &[&[12, 4, 1]], &[24]),
            (&[2, 3, 4], &[&[12, 4, 1], &[0, 0, 0]], &[24]),
            (&[2, 3, 4], &[&[12, 4, 1], &[0, 4, 1]], &[2, 12]),
            (&[2, 3, 4], &[&[12, 4, 1], &[12, 4, -1]], &[6, 4]),
            (&[2, 1, 4], &[&[4, 99, 1]], &[8]),
            (&[], &[&[]], &[1]),
            (&[1, 1], &[&[7, 7]], &[1]),
        ];
        for (shape, strides, want) in cases {
            assert_eq!(Nest::new(shape, strides).sizes[..], *want, "{shape:?} {strides:?}");
        }
    }

    #[test]
    fn reshapes_are_views_where_strides_allow() {
        let cases: [(&[usize], &[isize], &[usize], Option<&[isize]>); 7] = [
            (&[6], &[1], &[2, 3], Some(&[3, 1])),
            (&[6], &[-1], &[2, 3], Some(&[-3, -1])),
            (&[3, 4], &[1, 3], &[12], None),
            (&[3, 4], &[1, 3], &[3, 1, 2, 2], Some(&[1, 1, 6, 3])),
            (&[2, 3], &[0, 0], &[6], Some(&[0])),
            (&[2, 3, 4], &[1, 8, 2], &[2, 12], Some(&[1, 2])),
            (&[2, 3, 4], &[1, 8, 2], &[6, 4], None),
        ];
        for (from, strides, to, want) in cases {
            let layout = Layout { strides: strides.into(), offset: 0 };
            let got = layout.reshape(from, to);
            assert_eq!(got.as_ref().map(|l| &l.strides[..]), want, "{from:?} {strides:?} to {to:?}");
        }
    }

    #[test]
    fn views_lead_to_the_elements_that_they_show() {
        let (shape, layout) = ([2, 3], Layout { strides: Strides::from_slice(&[3, 1]), offset: 5 });
        let of = |strides: &[isize], offset| Layout { strides: strides.into(), offset };
        assert_eq!(layout.transposed(&[1, 0]), of(&[1, 3], 5));
        assert_eq!(layout.broadcast(&shape, &[2, 4, 3], &[0, 2]), of(&[3, 0, 1], 5));
        assert_eq!(layout.broadcast(&[1, 3], &[2, 3], &[0, 1]), of(&[0, 1], 5));
        assert_eq!(layout.reversed(&shape, &[1]), of(&[3, -1], 7));
        assert_eq!(layout.reversed(&shape, &[0, 1]), of(&[-3, -1], 10));
        let axes = |x: [usize; 2]| x.into_iter().collect();
        let slice = Slice { starts: axes([1, 0]), limits: axes([2, 3]), strides: axes([1, 2]) };
        assert_eq!(layout.sliced(&[1, 2], &slice), of(&[3, 2], 8));
        // Of nothing there is no first element to go to.
        assert_eq!(layout.reversed(&[0, 3], &[0]), layout);
    }

    #[test]
    fn an_odometer_counts_from_anywhere() {
        let (sizes, strides) = ([2, 3, 2], [6, -2, 1]);
        let mut counted = Odometer::at(&sizes, [&strides[..]], [4], 0);
        for flat in 0..12 {
            assert_eq!(Odometer::at(&sizes, [&strides[..]], [4], flat).offsets, counted.offsets, "{flat}");
            counted.advance();
        }
        assert_eq!(counted.offsets, [4]);
    }
}
