//! Loops over tiles: a function of lanes, handed out by [`semantics`](super::super::semantics), mapped or folded.
//!
//! Each loop is a function of its own for each function of lanes and each instruction set, small, and with arguments
//! that are known not to overlap: so it is compiled fast, to vector instructions.
#![allow(unsafe_code)]

use super::super::semantics::{Lane, With1, With2, With3};
use super::Isa;

/// Lanes that a loop computes at once. Tiles are computed in such chunks, lanes past the last element too.
pub(super) const CHUNK: usize = 32;

/// An operand: whole chunks of a tile, or one lane for all.
#[derive(Clone, Copy)]
pub(super) enum Src<'a, L> {
    Tile(&'a [L]),
    One(L),
}

impl<'a, L: Lane> Src<'a, L> {
    /// The first lane.
    pub(super) fn first(self) -> L {
        match self {
            Src::Tile(lanes) => lanes[0],
            Src::One(lane) => lane,
        }
    }

    /// The chunks; the only one, made in `room`, where there is one lane for all.
    #[inline(always)]
    pub(super) fn chunks(self, room: &'a mut [L; CHUNK]) -> &'a [[L; CHUNK]] {
        match self {
            Src::Tile(lanes) => lanes.as_chunks().0,
            Src::One(lane) => {
                room.fill(lane);
                std::slice::from_ref(room)
            }
        }
    }
}

/// Chunk `i`, or the one that stands for all.
#[inline(always)]
fn at<L>(chunks: &[[L; CHUNK]], i: usize) -> &[L; CHUNK] {
    &chunks[if chunks.len() == 1 { 0 } else { i }]
}

/// Defines functions that are compiled for every instruction set, and called with one.
///
/// # Safety
/// The functions' caller has made sure that the processor has the set.
macro_rules! compiled {
    ($($(#[$doc:meta])* $vis:vis fn $name:ident<$($G:ident: $B:path),*>($($x:ident: $T:ty),* $(,)?) $body:block)*) => { $(
        $(#[$doc])*
        ///
        /// # Safety
        /// The processor has the instruction set.
        #[inline(always)]
        $vis unsafe fn $name<$($G: $B),*>(isa: Isa, $($x: $T),*) {
            #[inline(always)]
            fn body<$($G: $B),*>($($x: $T),*) $body
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
            #[inline(never)]
            fn avx512<$($G: $B),*>($($x: $T),*) { body::<$($G),*>($($x),*) }
            #[cfg(target_arch = "x86_64")]
            #[target_feature(enable = "avx2,fma")]
            #[inline(never)]
            fn avx2<$($G: $B),*>($($x: $T),*) { body::<$($G),*>($($x),*) }
            #[inline(never)]
            fn portable<$($G: $B),*>($($x: $T),*) { body::<$($G),*>($($x),*) }
            match isa {
                // SAFETY: the caller's.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx512 => unsafe { avx512::<$($G),*>($($x),*) },
                // SAFETY: the caller's.
                #[cfg(target_arch = "x86_64")]
                Isa::Avx2 => unsafe { avx2::<$($G),*>($($x),*) },
                #[cfg(not(target_arch = "x86_64"))]
                Isa::Avx512 | Isa::Avx2 => unreachable!("not available"),
                Isa::Portable => portable::<$($G),*>($($x),*),
            }
        }
    )* };
}
pub(super) use compiled;

/// Maps what it is given over the operands, with the instructions of a set that the processor has.
pub(super) struct Map<'a, L, const N: usize> {
    pub(super) isa: Isa,
    pub(super) to: &'a mut [L],
    pub(super) of: [Src<'a, L>; N],
}

compiled! {
    fn map1<L: Lane, F: F1<L>>(to: &mut [L], a: Src<L>, f: F) {
        let room = &mut [L::default(); CHUNK];
        let a = a.chunks(room);
        for (i, to) in to.as_chunks_mut::<CHUNK>().0.iter_mut().enumerate() {
            for (to, &a) in to.iter_mut().zip(at(a, i)) {
                *to = f(a);
            }
        }
    }

    fn map2<L: Lane, F: F2<L>>(to: &mut [L], a: Src<L>, b: Src<L>, f: F) {
        let rooms = &mut [[L::default(); CHUNK]; 2];
        let [x, y] = rooms;
        let (a, b) = (a.chunks(x), b.chunks(y));
        for (i, to) in to.as_chunks_mut::<CHUNK>().0.iter_mut().enumerate() {
            for ((to, &a), &b) in to.iter_mut().zip(at(a, i)).zip(at(b, i)) {
                *to = f(a, b);
            }
        }
    }

    fn map3<L: Lane, F: F3<L>>(to: &mut [L], a: Src<L>, b: Src<L>, c: Src<L>, f: F) {
        let [x, y, z] = &mut [[L::default(); CHUNK]; 3];
        let (a, b, c) = (a.chunks(x), b.chunks(y), c.chunks(z));
        for (i, to) in to.as_chunks_mut::<CHUNK>().0.iter_mut().enumerate() {
            for (((to, &a), &b), &c) in to.iter_mut().zip(at(a, i)).zip(at(b, i)).zip(at(c, i)) {
                *to = f(a, b, c);
            }
        }
    }

    fn fold<L: Lane, F: F2<L>>(values: Src<L>, count: usize, partials: &mut [L], f: F) {
        match L::PARTIALS {
            64 => fold_into::<L, 64>(values, count, partials, f),
            32 => fold_into::<L, 32>(values, count, partials, f),
            n => panic!("a reduction has no {n} partial results"),
        }
    }

    fn fold_rows<L: Lane, F: F2<L>>(values: Src<L>, columns: usize, identity: L, to: &mut [L], f: F) {
        // Partial results that no value came to are the identity; combined with others they change nothing.
        let used = columns.next_power_of_two().min(L::PARTIALS);
        let mut room = [identity; MOST];
        for (row, to) in to.iter_mut().enumerate() {
            let partials = &mut room[..used];
            partials.fill(identity);
            match values {
                Src::Tile(values) => {
                    for chunk in values[row * columns..][..columns].chunks(L::PARTIALS) {
                        for (partial, &value) in partials.iter_mut().zip(chunk) {
                            *partial = f(value, *partial);
                        }
                    }
                }
                Src::One(value) => fold_one(value, columns, partials, &f),
            }
            *to = Tree(partials).with(&f);
        }
    }
}

macro_rules! function {
    ($($Name:ident($($x:ident)*)),*) => { $(
        /// A function of lanes. (A name for what the macro above can spell.)
        trait $Name<L>: Fn($(function!(@ $x L)),*) -> L {}
        impl<L, F: Fn($(function!(@ $x L)),*) -> L> $Name<L> for F {}
    )* };
    (@ $x:ident $L:ident) => { $L };
}
function!(F1(a), F2(a b), F3(a b c));

impl<L: Lane> With1<L> for Map<'_, L, 1> {
    type Out = ();
    #[inline(always)]
    fn with(self, f: impl Fn(L) -> L) {
        // SAFETY: `Map` names a set that the processor has.
        unsafe { map1(self.isa, self.to, self.of[0], f) }
    }
}

impl<L: Lane> With2<L> for Map<'_, L, 2> {
    type Out = ();
    #[inline(always)]
    fn with(self, f: impl Fn(L, L) -> L) {
        // SAFETY: `Map` names a set that the processor has.
        unsafe { map2(self.isa, self.to, self.of[0], self.of[1], f) }
    }
}

impl<L: Lane> With3<L> for Map<'_, L, 3> {
    type Out = ();
    #[inline(always)]
    fn with(self, f: impl Fn(L, L, L) -> L) {
        // SAFETY: `Map` names a set that the processor has.
        unsafe { map3(self.isa, self.to, self.of[0], self.of[1], self.of[2], f) }
    }
}

/// The most partial results of a reduction.
const MOST: usize = 64;

/// Combines values with partial results, of which there are [`Width::partials`](super::super::ir::Width::partials):
/// the first value with the first one, and so on round.
pub(super) struct Fold<'a, L> {
    pub(super) isa: Isa,
    pub(super) values: Src<'a, L>,
    /// How many values there are.
    pub(super) count: usize,
    pub(super) partials: &'a mut [L],
}

impl<L: Lane> With2<L> for Fold<'_, L> {
    type Out = ();
    #[inline(always)]
    fn with(self, f: impl Fn(L, L) -> L) {
        // SAFETY: `Fold` names a set that the processor has.
        unsafe { fold(self.isa, self.values, self.count, self.partials, f) }
    }
}

/// With `P` partial results, which are kept in registers: that takes that their number is known here.
#[inline(always)]
fn fold_into<L: Lane, const P: usize>(
    values: Src<L>,
    count: usize,
    partials: &mut [L],
    f: impl Fn(L, L) -> L,
) {
    let values = match values {
        Src::Tile(values) => &values[..count],
        Src::One(value) => return fold_one(value, count, partials, &f),
    };
    let mut sums: [L; P] = (&*partials).try_into().expect("as many as there are");
    let (chunks, rest) = values.as_chunks::<P>();
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum = f(value, *sum);
        }
    }
    partials.copy_from_slice(&sums);
    for (sum, &value) in partials.iter_mut().zip(rest) {
        *sum = f(value, *sum);
    }
}

/// The same value again and again.
#[inline(always)]
fn fold_one<L: Lane>(value: L, count: usize, partials: &mut [L], f: impl Fn(L, L) -> L) {
    for i in 0..count {
        let partial = &mut partials[i % L::PARTIALS];
        *partial = f(value, *partial);
    }
}

/// Combines partial results, by halves, into one.
pub(super) struct Tree<'a, L>(pub(super) &'a mut [L]);

impl<L: Lane> With2<L> for Tree<'_, L> {
    type Out = L;
    #[inline(always)]
    fn with(self, f: impl Fn(L, L) -> L) -> L {
        let mut n = self.0.len();
        while n > 1 {
            n /= 2;
            let (low, high) = self.0.split_at_mut(n);
            for (low, &high) in low.iter_mut().zip(high.iter()) {
                *low = f(high, *low);
            }
        }
        self.0[0]
    }
}

/// Reduces each of several short rows, which lie one behind the other, to a lane of `to`.
pub(super) struct FoldRows<'a, L> {
    pub(super) isa: Isa,
    pub(super) values: Src<'a, L>,
    pub(super) columns: usize,
    pub(super) identity: L,
    pub(super) to: &'a mut [L],
}

impl<L: Lane> With2<L> for FoldRows<'_, L> {
    type Out = ();
    #[inline(always)]
    fn with(self, f: impl Fn(L, L) -> L) {
        // SAFETY: `FoldRows` names a set that the processor has.
        unsafe { fold_rows(self.isa, self.values, self.columns, self.identity, self.to, f) }
    }
}
