//! Where operands and outputs are, and how axes are cut into panels.

#![allow(unsafe_code)]

/// A pointer that threads share; each writes where no other does.
pub(super) struct Shared<T>(pub(super) *mut T);

impl<T> Shared<T> {
    /// The address `n` elements further. (A closure that calls this captures the whole, which may be shared.)
    pub(super) fn at(&self, n: usize) -> *mut T {
        self.0.wrapping_add(n)
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<T> Copy for Shared<T> {}

// SAFETY: threads write through it to disjoint elements, and the borrow it was made from outlives them.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

/// Where the output goes.
pub(super) struct Out<O> {
    /// The first element.
    pub(super) at: Shared<O>,
    /// Elements from row to row.
    pub(super) stride: usize,
}

/// An axis of the output in panels whose sizes are as even as can be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Panels {
    /// Elements of the axis.
    pub(super) size: usize,
    /// Elements that come together: one row, or the columns of a vector.
    pub(super) unit: usize,
    /// How many panels.
    pub(super) count: usize,
}

impl Panels {
    pub(super) fn new(size: usize, unit: usize, most: usize) -> Panels {
        Panels { size, unit, count: size.div_ceil(unit).div_ceil(most) }
    }

    /// Where panel `i` starts; `i` may be their number.
    #[inline]
    pub(super) fn start(&self, i: usize) -> usize {
        let units = self.size.div_ceil(self.unit);
        (i * (units / self.count) + i.min(units % self.count)) * self.unit
    }

    /// All panels, in whole units.
    pub(super) fn padded(&self) -> usize {
        self.size.next_multiple_of(self.unit)
    }
}

/// How kernels find an operand: bytes from the first element.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// In place: strides across and along the inner axis, in bytes, the latter for a step.
    There { at: *const u8, across: isize, along: isize },
    /// In panels, block by block; for each step so many elements in all.
    Packed { at: *const u8, width: usize },
}

// SAFETY: it is only read, from data that outlive the threads that share it.
unsafe impl Send for Side {}
// SAFETY: as above.
unsafe impl Sync for Side {}
