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
use plywood_core::DType;
use plywood_kernel::{Type, Width};

/// What is sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum From {
    /// Elements, whose places are their columns.
    Elements,
    /// Pairs.
    Pairs,
    /// Pairs, where the sorted ones go.
    Itself,
}

/// What is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum To {
    /// Places alone.
    Places,
    /// Pairs.
    Pairs,
}

/// Steps within tiles, in the memory that a cube shares: a tile is a piece of a row, or a few whole rows. A unit compares one pair of
/// pairs a step. Runs are counted from the start of a group: of a row, or of a tile that is sorted by itself.
///
/// Arguments: what is sorted (elements; keys and places), what is kept (keys, places). Numbers: places of all rows, the log of a row's
/// power of two, the length of a row, the log of a group, how many of a group are kept, the first and the last round, the first element.
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
    /// What is sorted.
    pub from: From,
    /// What is kept.
    pub to: To,
}

/// A few steps of a round between pairs that may be in different tiles. A unit takes the pairs that they bring together.
///
/// Arguments: keys, places. Numbers: how many units, the log of a row's power of two, the round, the log of the last step's distance.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Far {
    /// Of the elements.
    pub dtype: DType,
    /// How many steps.
    pub steps: u32,
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

impl Pairs {
    fn get(self, e: &mut Emit, at: Val) -> (Val, Val) {
        (e.load(self.keys, at), e.load(self.places, at))
    }

    fn put(self, e: &mut Emit, at: Val, (key, place): (Val, Val)) {
        e.store(self.keys, at, key);
        e.store(self.places, at, place);
    }
}

/// Where elements or pairs come from, and the numbers about it.
struct Source {
    elements: Option<Val>,
    pairs: Option<Pairs>,
    total: Val,
    row: Val,
    columns: Val,
    offset: Val,
}

impl Code for Tiles {
    fn write(&self, mut e: Emit) -> Emit {
        let (word, place) = (of(word(self.dtype), 1), of(U32, 1));
        let elements =
            (self.from == From::Elements).then(|| e.input(of(memory::elem(self.dtype, self.bf16), 1)));
        let pairs = (self.from == From::Pairs).then(|| Pairs { keys: e.input(word), places: e.input(place) });
        let keys = (self.to == To::Pairs).then(|| e.output(word));
        let places = e.output(place);
        let own = keys.map(|keys| Pairs { keys, places });
        let [total, row, columns, group, keep, first, last, offset] = [(); 8].map(|()| e.scalar(U32));
        let source = Source { elements, pairs: pairs.or(own), total, row, columns, offset };
        let length = 1 << self.log;
        let tile = Pairs { keys: e.shared(word, length), places: e.shared(place, length) };
        let (cube, unit) = (e.builtin(Builtin::CubePos), e.builtin(Builtin::UnitPos));
        let length = e.index(length);
        let start = e.mul(cube, length);
        let inside = e.compare(Comparison::Lower, start, total);
        e.when(inside, |e| {
            for half in 0..2 {
                let shift = e.index(half << (self.log - 1));
                let here = e.add(unit, shift);
                let at = e.add(start, here);
                let pair = self.read(e, &source, at);
                tile.put(e, here, pair);
            }
            e.meet();
            let one = e.index(1);
            let within = mask(e, group);
            let rounds = e.add(last, one);
            range(e, first, rounds, |e, round| {
                let most = e.index(self.log as usize);
                let short = e.compare(Comparison::Lower, round, most);
                let steps = e.select(short, round, most);
                let zero = e.index(0);
                range(e, zero, steps, |e, step| {
                    let next = e.add(step, one);
                    let log = e.sub(steps, next);
                    let a = spread(e, unit, log, 1);
                    let distance = e.bitwise(Bitwise::ShiftLeft, one, log);
                    let b = e.add(a, distance);
                    let at = e.add(start, a);
                    let column = e.bitwise(Bitwise::BitwiseAnd, at, within);
                    let ascends = ascends(e, column, round);
                    let (x, y) = (tile.get(e, a), tile.get(e, b));
                    let wrong = wrong(e, x, y, ascends);
                    e.when(wrong, |e| {
                        tile.put(e, a, y);
                        tile.put(e, b, x);
                    });
                    e.meet();
                });
            });
            for half in 0..2 {
                let shift = e.index(half << (self.log - 1));
                let here = e.add(unit, shift);
                let at = e.add(start, here);
                let column = e.bitwise(Bitwise::BitwiseAnd, at, within);
                let (there, kept) =
                    (e.compare(Comparison::Lower, at, total), e.compare(Comparison::Lower, column, keep));
                let kept = e.and(there, kept);
                e.when(kept, |e| {
                    let group = e.bitwise(Bitwise::ShiftRight, at, group);
                    let before = e.mul(group, keep);
                    let to = e.add(before, column);
                    let (key, place) = tile.get(e, here);
                    e.store(places, to, place);
                    if let Some(keys) = keys {
                        e.store(keys, to, key);
                    }
                });
            }
        });
        e
    }
}

impl Tiles {
    /// The pair at a place of all rows.
    fn read(&self, e: &mut Emit, source: &Source, at: Val) -> (Val, Val) {
        let within = mask(e, source.row);
        let column = e.bitwise(Bitwise::BitwiseAnd, at, within);
        let row = e.bitwise(Bitwise::ShiftRight, at, source.row);
        let there = e.compare(Comparison::Lower, at, source.total);
        let real = e.compare(Comparison::Lower, column, source.columns);
        let real = e.and(there, real);
        let before = e.mul(row, source.columns);
        let from = e.add(before, column);
        let from = e.add(from, source.offset);
        // What is not there reads the first one, and forgets it.
        let from = e.select(real, from, source.offset);
        let (key, place) = match (source.elements, source.pairs) {
            (Some(elements), _) => {
                let x = e.load(elements, from);
                let lane = Type::of(self.dtype, Width::of(self.dtype)).expect("it is its own width");
                let x = memory::widen(e, self.dtype, x, lane);
                let program = single(Single::SortKey(self.dtype, self.descending));
                (ops::apply(e, &program, &[x])[0], column)
            }
            (None, pairs) => pairs.expect("there are pairs").get(e, from),
        };
        let width = Width::of(self.dtype);
        let greatest = ops::constant(e, width.unsigned(), u64::MAX >> (64 - 8 * width.bytes()));
        // Behind all that have the greatest key; beyond the columns no place is an element's.
        let behind = match self.from {
            From::Elements => column,
            From::Pairs | From::Itself => {
                let high = e.constant(of(U32, 1), 1u64 << 31);
                e.bitwise(Bitwise::BitwiseOr, column, high)
            }
        };
        (e.select(real, key, greatest), e.select(real, place, behind))
    }
}

impl Code for Far {
    fn write(&self, mut e: Emit) -> Emit {
        let pairs = Pairs { keys: e.output(of(word(self.dtype), 1)), places: e.output(of(U32, 1)) };
        let [units, row, round, log] = [(); 4].map(|()| e.scalar(U32));
        let position = e.builtin(Builtin::AbsolutePos);
        let inside = e.compare(Comparison::Lower, position, units);
        e.when(inside, |e| {
            let first = spread(e, position, log, self.steps as usize);
            let within = mask(e, row);
            let column = e.bitwise(Bitwise::BitwiseAnd, first, within);
            let ascends = ascends(e, column, round);
            let places: Vec<Val> = (0..1 << self.steps)
                .map(|i| {
                    let i = e.index(i);
                    let far = e.bitwise(Bitwise::ShiftLeft, i, log);
                    e.add(first, far)
                })
                .collect();
            let mut all: Vec<(Val, Val)> = places.iter().map(|&at| pairs.get(e, at)).collect();
            for bit in (0..self.steps).rev().map(|step| 1 << step) {
                for a in (0..all.len()).filter(|a| a & bit == 0) {
                    let (x, y) = (all[a], all[a | bit]);
                    let wrong = wrong(e, x, y, ascends);
                    all[a] = (e.select(wrong, y.0, x.0), e.select(wrong, y.1, x.1));
                    all[a | bit] = (e.select(wrong, x.0, y.0), e.select(wrong, x.1, y.1));
                }
            }
            places.into_iter().zip(all).for_each(|(at, pair)| pairs.put(e, at, pair));
        });
        e
    }
}

/// The bits below one: of numbers below 2^log.
fn mask(e: &mut Emit, log: Val) -> Val {
    let one = e.index(1);
    let size = e.bitwise(Bitwise::ShiftLeft, one, log);
    e.sub(size, one)
}

/// A number with so many zeros put in from bit `log` on.
fn spread(e: &mut Emit, i: Val, log: Val, zeros: usize) -> Val {
    let mask = mask(e, log);
    let low = e.bitwise(Bitwise::BitwiseAnd, i, mask);
    let (high, zeros) = (e.sub(i, low), e.index(zeros));
    let high = e.bitwise(Bitwise::ShiftLeft, high, zeros);
    e.add(high, low)
}

/// Whether the run of a column ascends in a round.
fn ascends(e: &mut Emit, column: Val, round: Val) -> Val {
    let (one, zero) = (e.index(1), e.index(0));
    let run = e.bitwise(Bitwise::ShiftRight, column, round);
    let odd = e.bitwise(Bitwise::BitwiseAnd, run, one);
    e.compare(Comparison::Equal, odd, zero)
}

/// Whether two pairs are not in the order of their run.
fn wrong(e: &mut Emit, x: (Val, Val), y: (Val, Val), ascends: Val) -> Val {
    let above = e.compare(Comparison::Greater, x.0, y.0);
    let same = e.compare(Comparison::Equal, x.0, y.0);
    let behind = e.compare(Comparison::Greater, x.1, y.1);
    let behind = e.and(same, behind);
    let greater = e.or(above, behind);
    e.compare(Comparison::Equal, greater, ascends)
}

/// What is done for each number from `start` up to `end`.
fn range(e: &mut Emit, start: Val, end: Val, body: impl FnOnce(&mut Emit, Val)) {
    let (i, one) = (e.counter(), e.index(1));
    e.open();
    body(e, i);
    e.close_range(i, start, end, one);
}
