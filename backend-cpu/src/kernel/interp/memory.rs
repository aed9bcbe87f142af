//! Loads and stores of tiles: the one place where the interpreter touches the memory of arguments.
#![allow(unsafe_code)]

use super::super::element::{self, Element, WithElement};
use super::super::semantics::Lane;
use super::Isa;
use super::ops::{CHUNK, Src, compiled};
use plywood_core::DType;

/// Rows of consecutive elements.
#[derive(Clone, Copy, Debug)]
pub(super) struct Region {
    /// The first element.
    pub(super) at: usize,
    /// Bytes from one row to the next.
    pub(super) stride: isize,
    pub(super) rows: usize,
    /// The elements of a row.
    pub(super) columns: usize,
}

impl Region {
    /// The same elements as one row, where the rows lie one behind the other.
    #[inline(always)]
    fn joined<E>(self) -> Region {
        match self.stride == (self.columns * size_of::<E>()) as isize {
            true => Region { rows: 1, columns: self.rows * self.columns, ..self },
            false => self,
        }
    }

    #[inline(always)]
    fn row<E>(&self, row: usize) -> *mut E {
        self.at.wrapping_add_signed(self.stride.wrapping_mul(row as isize)) as *mut E
    }
}

compiled! {
    fn read<L: Lane, E: Element>(from: Region, to: &mut [L]) {
        let from = from.joined::<E>();
        for row in 0..from.rows {
            let elements: *const E = from.row(row);
            for (i, to) in to[row * from.columns..][..from.columns].iter_mut().enumerate() {
                // SAFETY: the caller of `load` vouches for the region's elements; `i` is less than its columns.
                *to = unsafe { elements.add(i).read_unaligned() }.widen();
            }
        }
    }

    fn write<L: Lane, E: Element>(lanes: &[L], to: Region) {
        let to = to.joined::<E>();
        for row in 0..to.rows {
            let elements: *mut E = to.row(row);
            for (i, &lane) in lanes[row * to.columns..][..to.columns].iter().enumerate() {
                // SAFETY: the caller of `store` vouches for the region's elements; `i` is less than its columns.
                unsafe { elements.add(i).write_unaligned(E::narrow(lane)) };
            }
        }
    }
}

struct Load<'a, L> {
    isa: Isa,
    from: Region,
    to: &'a mut [L],
}

impl<L: Lane> WithElement for Load<'_, L> {
    type Out = ();
    #[inline(always)]
    fn with<E: Element>(self) {
        // SAFETY: the caller of `load` vouches for the instruction set.
        unsafe { read::<L, E>(self.isa, self.from, self.to) }
    }
}

/// Reads elements into the first lanes of a tile.
///
/// # Safety
/// The region's elements can be read, and the processor has the instruction set.
pub(super) unsafe fn load<L: Lane>(isa: Isa, dtype: DType, from: Region, to: &mut [L]) {
    element::of(dtype, L::WIDTH, Load { isa, from, to });
}

struct Store<'a, L> {
    isa: Isa,
    lanes: &'a [L],
    to: Region,
}

impl<L: Lane> WithElement for Store<'_, L> {
    type Out = ();
    #[inline(always)]
    fn with<E: Element>(self) {
        // SAFETY: the caller of `store` vouches for the instruction set.
        unsafe { write::<L, E>(self.isa, self.lanes, self.to) }
    }
}

/// Writes lanes, a tile's first ones or one for all, to elements.
///
/// # Safety
/// The region's elements can be written, and the processor has the instruction set.
pub(super) unsafe fn store<L: Lane>(isa: Isa, dtype: DType, lanes: Src<L>, to: Region) {
    match lanes {
        Src::Tile(lanes) => element::of(dtype, L::WIDTH, Store { isa, lanes, to }),
        Src::One(lane) => {
            let lanes = &[lane; CHUNK];
            for row in 0..to.rows {
                for column in (0..to.columns).step_by(CHUNK) {
                    let piece = Region {
                        at: to.row::<u8>(row) as usize + column * dtype.size(),
                        rows: 1,
                        columns: CHUNK.min(to.columns - column),
                        ..to
                    };
                    element::of(dtype, L::WIDTH, Store { isa, lanes, to: piece });
                }
            }
        }
    }
}
