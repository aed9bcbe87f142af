//! How the totals of a cube's units meet: each unit learns that of all before it, and that of all.
//!
//! What always holds: all units come here together, and memory that they share is written again only when all have read it.

use super::scan::{State, Writer};
use crate::emit::{Val, ops};
use cubecl::ir::{BinaryOperator, Bitwise, Comparison, Plane};

impl Writer<'_> {
    /// Of the units' totals: those of all units before this one, and those of all.
    pub(super) fn across(&mut self, units: usize, unit: Val, own: State) -> (State, State) {
        let plane = (self.code.plane as usize).min(units);
        match plane > 1 && units / plane <= plane {
            true => self.by_planes(units, plane, unit, own),
            false => self.by_steps(units, unit, own),
        }
    }

    /// Within planes; then each plane looks at the totals of all.
    fn by_planes(&mut self, units: usize, plane: usize, unit: Val, own: State) -> (State, State) {
        let (size, last) = (self.e.index(plane), self.e.index(plane - 1));
        let lane = self.e.bitwise(Bitwise::BitwiseAnd, unit, last);
        let (mut before, mut total) = (self.first(), own);
        let zero = self.e.index(0);
        let mut distance = 1;
        while distance < plane {
            let bit = self.e.index(distance);
            let other = self.exchanged(&total, distance);
            let upper = self.e.bitwise(Bitwise::BitwiseAnd, lane, bit);
            let upper = self.e.compare(Comparison::Greater, upper, zero);
            let with = self.join(&other, &before);
            before = self.select(upper, &with, &before);
            total = self.join(&other, &total);
            distance *= 2;
        }
        let groups = units / plane;
        if groups == 1 {
            return (before, total);
        }
        let shared = self.shared(groups);
        // All have read what the tile before left.
        self.e.meet();
        let group = self.e.div(unit, size);
        let one = self.e.compare(Comparison::Equal, lane, zero);
        self.when(one, |w| w.put(&shared, group, &total));
        self.e.meet();
        let count = self.e.index(groups);
        let nothing = self.first();
        let there = self.e.compare(Comparison::Lower, lane, count);
        let from = self.e.select(there, lane, zero);
        let of_group = self.get(&shared, from);
        let earlier = self.e.compare(Comparison::Lower, lane, group);
        let (mut all, mut earlier) =
            (self.select(there, &of_group, &nothing), self.select(earlier, &of_group, &nothing));
        let mut distance = 1;
        while distance < plane {
            let other = self.exchanged(&all, distance);
            all = self.join(&other, &all);
            let other = self.exchanged(&earlier, distance);
            earlier = self.join(&other, &earlier);
            distance *= 2;
        }
        (self.join(&earlier, &before), all)
    }

    /// The state of the unit so far away in the plane.
    fn exchanged(&mut self, state: &[Val], distance: usize) -> State {
        let mask = self.e.index(distance);
        state
            .iter()
            .map(|&x| self.e.push(Plane::ShuffleXor(BinaryOperator { lhs: x, rhs: mask }), x.ty))
            .collect()
    }

    /// In shared memory, over twice the distance each time: read in one half and written in the other, in turns, so that a step waits
    /// but once.
    fn by_steps(&mut self, units: usize, unit: Val, own: State) -> (State, State) {
        let shared = self.shared(2 * units);
        let [zero, one, size] = [0, 1, units].map(|i| self.e.index(i));
        // All have read what the tile before left.
        self.e.meet();
        self.put(&shared, unit, &own);
        self.e.meet();
        let own = self.variables(&own);
        let steps = self.e.index(units.ilog2() as usize);
        self.range(zero, steps, one, |w, step| {
            let far = w.e.bitwise(Bitwise::ShiftLeft, one, step);
            let odd = w.e.bitwise(Bitwise::BitwiseAnd, step, one);
            let here = w.e.mul(odd, size);
            let there = w.e.sub(size, here);
            let has = w.e.compare(Comparison::GreaterEqual, unit, far);
            let from = w.e.sub(unit, far);
            let from = w.e.select(has, from, unit);
            let from = w.e.add(from, here);
            let (before, after) = (w.get(&shared, from), w.current(&own));
            let joined = w.join(&before, &after);
            let after = w.select(has, &joined, &after);
            w.assign(&own, &after);
            let to = w.e.add(unit, there);
            w.put(&shared, to, &after);
            w.e.meet();
        });
        let half = self.e.index((units.ilog2() as usize % 2) * units);
        let last = self.e.index(units - 1);
        let last = self.e.add(last, half);
        let has = self.e.compare(Comparison::Greater, unit, zero);
        let from = self.e.sub(unit, one);
        let from = self.e.select(has, from, zero);
        let from = self.e.add(from, half);
        let (before, nothing) = (self.get(&shared, from), self.first());
        (self.select(has, &before, &nothing), self.get(&shared, last))
    }

    /// A list of states in shared memory.
    fn shared(&mut self, length: usize) -> Vec<Val> {
        let types = self.steps.state.clone();
        types.into_iter().map(|ty| self.e.shared(ops::lanes(ty, 1), length)).collect()
    }
}
