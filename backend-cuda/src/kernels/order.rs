//! Items in the order of their places, and of their own numbers where places are the same.
//!
//! A bitonic network: for n items (a power of two) log n (log n + 1) / 2 kernels, each of which compares every item with one other.
//! No two items are the same, so the order is the only one.

use super::{Queue, placed};
use crate::data::{Buffer, Storage};
use crate::emit::{Emit, U32, of};
use crate::launch::{Operand, UNITS, whole};
use crate::programs::Single;
use crate::queue::{Code, queue as enqueue};
use cubecl::ir::{Bitwise, Builtin, Comparison};
use cubecl::prelude::{KernelBuilder, Runtime};
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
    let code = Arc::new(Exchange);
    let mut block = 2;
    while block <= n {
        let mut apart = block / 2;
        while apart > 0 {
            let numbers = [n / 2, apart, block].map(|n| whole(queue.client, n));
            let arguments = [(places, of(U32, 1)), (&buffer, of(U32, 1))];
            let cubes = (n / 2).div_ceil(UNITS as usize);
            enqueue(queue.client, "order", code.clone(), &arguments, &numbers, UNITS, cubes);
            apart /= 2;
        }
        block *= 2;
    }
    buffer
}

/// A step of the network: pairs that lie some way apart are put in order, upwards in every other block.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Exchange;

impl Code for Exchange {
    fn write(&self, builder: KernelBuilder) -> KernelBuilder {
        let mut e = Emit::new(builder);
        let word = of(U32, 1);
        let [places, items] = [(); 2].map(|()| e.output(word));
        let [pairs, apart, block] = [(); 3].map(|()| e.scalar(U32));
        let position = e.builtin(Builtin::AbsolutePos);
        let inside = e.compare(Comparison::Lower, position, pairs);
        e.when(inside, |e| {
            let (before, within) = (e.div(position, apart), e.rem(position, apart));
            let two = e.index(2);
            let before = e.mul(before, two);
            let start = e.mul(before, apart);
            let low = e.add(start, within);
            let high = e.add(low, apart);
            let [a, b] = [low, high].map(|at| (e.load(places, at), e.load(items, at)));
            let above = e.compare(Comparison::Greater, a.0, b.0);
            let same = e.compare(Comparison::Equal, a.0, b.0);
            let later = e.compare(Comparison::Greater, a.1, b.1);
            let later = e.and(same, later);
            let greater = e.or(above, later);
            let bit = e.bitwise(Bitwise::BitwiseAnd, low, block);
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
        });
        e.finish()
    }
}
