//! The bitonic network (Batcher, "Sorting networks and their applications", 1968), of pairs of a key and a place.
//!
//! What always holds: a row is a power of two long, what it lacks has the greatest key and places from its length on; no two pairs of a
//! row are equal, so that the network, which is not stable, sorts stably. Rounds are counted as `log`: the `log`-th one makes runs of
//! 2^log that ascend and descend in turns; its steps compare what is 2^(log - 1), .., 2, 1 apart.

use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, U32, Val, of, ops};
use crate::programs::{Single, single};
use crate::queue::Code;
use cubecl::ir::{Bitwise, Builtin, Comparison, ElemType};
use cubecl::prelude::KernelBuilder;
use plywood_core::DType;
use plywood_kernel::{Type, Width};

/// What a cube does with its tile: a piece of a row, or a few whole rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// From elements to places in order: rows fit the tile.
    Whole,
    /// From elements to pairs in memory.
    First,
    /// Pairs in memory, whose far steps were done.
    Near,
}

/// Steps within tiles in the memory that a cube shares. A unit compares one pair of pairs a step.
///
/// Arguments: the elements, where they are read; keys, where pairs are kept; places. Numbers: places of all rows, the length of a row,
/// the log of a row's power of two, the first and the last round, the first element.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tiles {
    /// Of the elements.
    pub dtype: DType,
    /// How a bf16 is stored.
    pub bf16: Stored,
    /// Whether the largest come first.
    pub descending: bool,
    /// The log of a tile's length: of twice the units.
    pub log: u32,
    /// What is read and written.
    pub stage: Stage,
}

/// A step between pairs that may be in different tiles; a unit compares one pair of pairs.
///
/// Arguments: keys, places. Numbers: how many comparisons, the log of a row's power of two, the round, the log of the distance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Far {
    /// Of the elements.
    pub dtype: DType,
}

/// The dtype of keys.
pub fn key(dtype: DType) -> DType {
    match Width::of(dtype) {
        Width::W32 => DType::U32,
        Width::W64 => DType::U64,
    }
}

/// The element type of keys.
fn word(dtype: DType) -> ElemType {
    ops::elem(Width::of(dtype).unsigned())
}

/// The pairs: a list of keys and one of places.
#[derive(Clone, Copy)]
struct Pairs {
    keys: Val,
    places: Val,
}

impl Code for Tiles {
    fn write(&self, builder: KernelBuilder) -> KernelBuilder {
        let mut e = Emit::new(builder);
        let (word, place) = (of(word(self.dtype), 1), of(U32, 1));
        let elements = (self.stage != Stage::Near).then(|| e.input(of(memory::elem(self.dtype, self.bf16), 1)));
        let keys = (self.stage != Stage::Whole).then(|| e.output(word));
        let places = e.output(place);
        let [total, n, row, first, last, offset] = [(); 6].map(|()| e.scalar(U32));
        let length = 1 << self.log;
        let tile = Pairs { keys: e.shared(word, length), places: e.shared(place, length) };
        let (cube, unit) = (e.builtin(Builtin::CubePos), e.builtin(Builtin::UnitPos));
        let length = e.index(length);
        let start = e.mul(cube, length);
        let inside = lower(&mut e, start, total);
        e.when(inside, |e| {
            let one = e.index(1);
            let size = e.bitwise(Bitwise::ShiftLeft, one, row);
            let mask = e.sub(size, one);
            for half in 0..2 {
                let shift = e.index(half << (self.log - 1));
                let here = e.add(unit, shift);
                let at = e.add(start, here);
                let (key, place) = match elements {
                    Some(elements) => self.fresh(e, elements, at, [total, n, row, mask, offset]),
                    None => (e.load(keys.expect("pairs are kept"), at), e.load(places, at)),
                };
                e.store(tile.keys, here, key);
                e.store(tile.places, here, place);
            }
            e.meet();
            let rounds = e.add(last, one);
            range(e, first, rounds, |e, round| {
                let most = e.index(self.log as usize);
                let short = lower(e, round, most);
                let steps = e.select(short, round, most);
                let zero = e.index(0);
                range(e, zero, steps, |e, step| {
                    let next = e.add(step, one);
                    let log = e.sub(steps, next);
                    let (a, b) = pair(e, unit, log);
                    let at = e.add(start, a);
                    let column = e.bitwise(Bitwise::BitwiseAnd, at, mask);
                    exchange(e, tile, a, b, column, round);
                    e.meet();
                });
            });
            for half in 0..2 {
                let shift = e.index(half << (self.log - 1));
                let here = e.add(unit, shift);
                let at = e.add(start, here);
                let place = e.load(tile.places, here);
                match keys {
                    Some(keys) => {
                        let key = e.load(tile.keys, here);
                        e.store(keys, at, key);
                        e.store(places, at, place);
                    }
                    // Rows lie side by side without what was added.
                    None => {
                        let column = e.bitwise(Bitwise::BitwiseAnd, at, mask);
                        let (there, real) = (lower(e, at, total), lower(e, column, n));
                        let real = e.and(there, real);
                        e.when(real, |e| {
                            let row = e.bitwise(Bitwise::ShiftRight, at, row);
                            let before = e.mul(row, n);
                            let to = e.add(before, column);
                            e.store(places, to, place);
                        });
                    }
                }
            }
        });
        e.finish()
    }
}

impl Tiles {
    /// The pair of an element, by its place in all rows.
    fn fresh(&self, e: &mut Emit, elements: Val, at: Val, [total, n, row, mask, offset]: [Val; 5]) -> (Val, Val) {
        let column = e.bitwise(Bitwise::BitwiseAnd, at, mask);
        let row = e.bitwise(Bitwise::ShiftRight, at, row);
        let (there, real) = (lower(e, at, total), lower(e, column, n));
        let real = e.and(there, real);
        let before = e.mul(row, n);
        let from = e.add(before, column);
        let from = e.add(from, offset);
        // What is not there reads the first element, and forgets it.
        let from = e.select(real, from, offset);
        let x = e.load(elements, from);
        let lane = Type::of(self.dtype, Width::of(self.dtype)).expect("it is its own width");
        let x = memory::widen(e, self.dtype, x, lane);
        let program = single(Single::SortKey(self.dtype, self.descending));
        let key = ops::apply(e, &program, &[x])[0];
        let greatest = ops::constant(e, Width::of(self.dtype).unsigned(), u64::MAX >> (64 - 8 * key_bytes(self.dtype)));
        (e.select(real, key, greatest), column)
    }
}

impl Code for Far {
    fn write(&self, builder: KernelBuilder) -> KernelBuilder {
        let mut e = Emit::new(builder);
        let pairs = Pairs { keys: e.output(of(word(self.dtype), 1)), places: e.output(of(U32, 1)) };
        let [comparisons, row, round, log] = [(); 4].map(|()| e.scalar(U32));
        let position = e.builtin(Builtin::AbsolutePos);
        let inside = lower(&mut e, position, comparisons);
        e.when(inside, |e| {
            let (a, b) = pair(e, position, log);
            let one = e.index(1);
            let size = e.bitwise(Bitwise::ShiftLeft, one, row);
            let mask = e.sub(size, one);
            let column = e.bitwise(Bitwise::BitwiseAnd, a, mask);
            exchange(e, pairs, a, b, column, round);
        });
        e.finish()
    }
}

fn key_bytes(dtype: DType) -> u64 {
    key(dtype).size() as u64
}

/// Which two the `i`-th comparison of a step takes: 2^log apart.
fn pair(e: &mut Emit, i: Val, log: Val) -> (Val, Val) {
    let one = e.index(1);
    let distance = e.bitwise(Bitwise::ShiftLeft, one, log);
    let mask = e.sub(distance, one);
    let low = e.bitwise(Bitwise::BitwiseAnd, i, mask);
    let high = e.sub(i, low);
    let twice = e.add(high, high);
    let a = e.add(twice, low);
    (a, e.add(a, distance))
}

/// Brings two pairs in the order of their round: `column` is the first one's.
fn exchange(e: &mut Emit, pairs: Pairs, a: Val, b: Val, column: Val, round: Val) {
    let (key_a, key_b) = (e.load(pairs.keys, a), e.load(pairs.keys, b));
    let (place_a, place_b) = (e.load(pairs.places, a), e.load(pairs.places, b));
    let above = e.compare(Comparison::Greater, key_a, key_b);
    let same = e.compare(Comparison::Equal, key_a, key_b);
    let behind = e.compare(Comparison::Greater, place_a, place_b);
    let behind = e.and(same, behind);
    let greater = e.or(above, behind);
    let (one, zero) = (e.index(1), e.index(0));
    let run = e.bitwise(Bitwise::ShiftRight, column, round);
    let odd = e.bitwise(Bitwise::BitwiseAnd, run, one);
    let ascends = e.compare(Comparison::Equal, odd, zero);
    let wrong = e.compare(Comparison::Equal, greater, ascends);
    e.when(wrong, |e| {
        e.store(pairs.keys, a, key_b);
        e.store(pairs.keys, b, key_a);
        e.store(pairs.places, a, place_b);
        e.store(pairs.places, b, place_a);
    });
}

fn lower(e: &mut Emit, a: Val, b: Val) -> Val {
    e.compare(Comparison::Lower, a, b)
}

/// What is done for each number from `start` up to `end`.
fn range(e: &mut Emit, start: Val, end: Val, body: impl FnOnce(&mut Emit, Val)) {
    let (i, one) = (e.counter(), e.index(1));
    e.open();
    body(e, i);
    e.close_range(i, start, end, one);
}
