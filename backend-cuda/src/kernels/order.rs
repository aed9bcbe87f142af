//! Items in the order of their places, and of their own numbers where places are the same.
//!
//! A bitonic network: for n items (a power of two) log n (log n + 1) / 2 steps, each of which compares every item with one other.
//! Steps whose pairs lie near each other are done in memory that a cube shares, many in one kernel: of up to 2^11 items all steps,
//! and above that those of which the pairs are further apart have a kernel each ((log n - 11) (log n - 10) / 2).
//! No two items are the same, so the order is the only one.

use super::{Queue, placed};
use crate::data::{Buffer, Storage};
use crate::emit::{Emit, U32, Val, of};
use crate::launch::{Operand, UNITS, whole};
use crate::programs::Single;
use crate::queue::{Code, queue as enqueue};
use cubecl::ir::{Bitwise, Builtin, Comparison};
use cubecl::prelude::Runtime;
use plywood_core::{DType, TensorType};
use plywood_kernel::layout::{Layout, Strides};
use std::sync::Arc;

/// How much memory `count` places need to be sorted.
pub fn room(count: usize) -> usize {
    count.next_power_of_two()
}

/// Sorts places, and gives the items in their order.
pub fn sort<R: Runtime>(queue: &Queue<'_, R>, places: &Buffer, count: usize) -> Buffer {
    let n = room(count);
    let items = TensorType::new([n], DType::U32);
    let buffer = queue.empty(&items);
    let list = |buffer: &Buffer, offset: usize| {
        placed(buffer, Layout { strides: Strides::from_slice(&[1]), offset })
    };
    queue.run(Single::Iota(DType::U32), &[n], 1, vec![list(&buffer, 0)]);
    // What is not there comes last.
    let last = Operand { storage: Storage::Number([0xff; 8]), offset: 0, strides: Strides::from_slice(&[0]) };
    queue.copy(DType::U32, &[n - count], last, list(places, count));
    // Two items a unit, and two words an item.
    let facts = &queue.client.facts;
    let most = (facts.units as usize).min(facts.shared / 16).min(1 << 10).min(n / 2).max(1);
    let units = 1 << most.ilog2();
    let (near, all) = ((2 * units as usize).trailing_zeros(), n.trailing_zeros());
    let (far, within) = (Arc::new(Exchange), Arc::new(Within { near }));
    let arguments = [(places, of(U32, 1)), (&buffer, of(U32, 1))];
    let share = |first: u32, end: u32| {
        let cubes = (n / 2).div_ceil(units as usize);
        enqueue(
            queue.client,
            "order_within",
            within.clone(),
            &arguments,
            &[cubes as u32, first, end],
            units,
            cubes,
        );
    };
    share(1, all.min(near) + 1);
    for step in near + 1..=all {
        for apart in (near..step).rev() {
            let numbers = [whole(queue.client, n / 2), 1 << apart, 1 << step];
            let cubes = (n / 2).div_ceil(UNITS as usize);
            enqueue(queue.client, "order", far.clone(), &arguments, &numbers, UNITS, cubes);
        }
        share(step, step + 1);
    }
    buffer
}

/// Two items as they lie somewhere: their places, their numbers, and where.
struct Pair {
    places: Val,
    items: Val,
    low: Val,
    high: Val,
}

impl Pair {
    /// Puts them in order: upwards where the bit of `block` is not set in the number of the first.
    fn exchange(&self, e: &mut Emit, first: Val, block: Val) {
        let Pair { places, items, low, high } = *self;
        let [a, b] = [low, high].map(|at| (e.load(places, at), e.load(items, at)));
        let above = e.compare(Comparison::Greater, a.0, b.0);
        let same = e.compare(Comparison::Equal, a.0, b.0);
        let later = e.compare(Comparison::Greater, a.1, b.1);
        let later = e.and(same, later);
        let greater = e.or(above, later);
        let bit = e.bitwise(Bitwise::BitwiseAnd, first, block);
        let zero = e.index(0);
        let upwards = e.compare(Comparison::Equal, bit, zero);
        let downwards = e.not(upwards);
        let less = e.not(greater);
        let (up, down) = (e.and(upwards, greater), e.and(downwards, less));
        let swap = e.or(up, down);
        e.when(swap, |e| {
            for (at, x) in [(low, b), (high, a)] {
                e.store(places, at, x.0);
                e.store(items, at, x.1);
            }
        });
    }
}

/// The first of the pair of that number, of pairs that lie so far apart.
fn first_of(e: &mut Emit, pair: Val, apart: Val) -> Val {
    let (before, within) = (e.div(pair, apart), e.rem(pair, apart));
    let two = e.index(2);
    let before = e.mul(before, two);
    let start = e.mul(before, apart);
    e.add(start, within)
}

/// A step of the network: pairs that lie some way apart are put in order, upwards in every other block.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Exchange;

impl Code for Exchange {
    fn write(&self, mut e: Emit) -> Emit {
        let word = of(U32, 1);
        let [places, items] = [(); 2].map(|()| e.output(word));
        let [pairs, apart, block] = [(); 3].map(|()| e.scalar(U32));
        let position = e.builtin(Builtin::AbsolutePos);
        let inside = e.compare(Comparison::Lower, position, pairs);
        e.when(inside, |e| {
            let low = first_of(e, position, apart);
            let high = e.add(low, apart);
            Pair { places, items, low, high }.exchange(e, low, block);
        });
        e
    }
}

/// Steps in a cube's memory, for blocks of 2^first up to below 2^end items; of each step those whose pairs lie in one part of 2^near
/// items, as many as a cube has.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Within {
    near: u32,
}

impl Code for Within {
    fn write(&self, mut e: Emit) -> Emit {
        let word = of(U32, 1);
        let [places, items] = [(); 2].map(|()| e.output(word));
        let [cubes, first, end] = [(); 3].map(|()| e.scalar(U32));
        let (cube, unit) = (e.builtin(Builtin::CubePos), e.builtin(Builtin::UnitPos));
        let inside = e.compare(Comparison::Lower, cube, cubes);
        e.when(inside, |e| {
            let size = e.index(1 << self.near);
            let units = e.index(1 << (self.near - 1));
            let start = e.mul(cube, size);
            let [own_places, own_items] = [(); 2].map(|()| e.shared(word, 1 << self.near));
            let other = e.add(unit, units);
            let lists = [(places, own_places), (items, own_items)];
            for (list, own) in lists {
                for at in [unit, other] {
                    let from = e.add(start, at);
                    let x = e.load(list, from);
                    e.store(own, at, x);
                }
            }
            e.meet();
            let (zero, one, near) = (e.index(0), e.index(1), e.index(self.near as usize));
            e.count(first, end, |e, step| {
                let block = e.bitwise(Bitwise::ShiftLeft, one, step);
                let is_near = e.compare(Comparison::Lower, step, near);
                let turns = e.select(is_near, step, near);
                e.count(zero, turns, |e, turn| {
                    let left = e.sub(turns, turn);
                    let left = e.sub(left, one);
                    let apart = e.bitwise(Bitwise::ShiftLeft, one, left);
                    let low = first_of(e, unit, apart);
                    let high = e.add(low, apart);
                    let number = e.add(start, low);
                    Pair { places: own_places, items: own_items, low, high }.exchange(e, number, block);
                    e.meet();
                });
            });
            for (list, own) in lists {
                for at in [unit, other] {
                    let to = e.add(start, at);
                    let x = e.load(own, at);
                    e.store(list, to, x);
                }
            }
        });
        e
    }
}
