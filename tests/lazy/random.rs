//! Random programs: values made of others, dropped, cloned, read, computed together; each is what the CPU has.

use super::{Lazy, alone, stats};
use plywood::prelude::*;

/// Numbers that look random (splitmix64).
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ z >> 31) % n as u64) as usize
    }
}

/// An operation of that number; all are of one shape.
pub fn apply<B: Backend>(which: usize, x: &Tensor<B>, y: &Tensor<B>) -> Vec<Tensor<B>> {
    vec![match which {
        0 => x + y,
        1 => x * y,
        2 => x.sin(),
        3 => x.tanh() - y,
        4 => x.t(),
        5 => x.matmul(y).tanh(),
        6 => x.gt(y).select(x, y),
        7 => x.cumsum(0).sin(),
        8 => x.sum() * y * 0.01,
        9 => x * 1.0,
        10 => jit(|x: Tensor<_>, y: Tensor<_>| (x - y).cos())(x.clone(), y.clone()),
        11 => x.full_like(0.5),
        12 => math::exp(x.clone().sin()),
        _ => return plywood::sort_together(&[x.clone(), y.clone()], 1, 1),
    }]
}
pub const OPERATIONS: usize = 14;

fn one(seed: u64) {
    let mut dice = Dice(seed);
    let start = |i: usize| -> Vec<f64> { (0..9).map(|j| ((i * 9 + j) as f64).sin()).collect() };
    let mut pairs: Vec<(Tensor<Lazy>, Tensor<Cpu>)> =
        (0..3).map(|i| (Tensor::from_vec(start(i), [3, 3]), Tensor::from_vec(start(i), [3, 3]))).collect();
    let check = |(lazy, eager): &(Tensor<Lazy>, Tensor<Cpu>)| {
        let bits = |all: Vec<f64>| all.into_iter().map(f64::to_bits).collect::<Vec<_>>();
        assert_eq!(bits(lazy.to_vec()), bits(eager.to_vec()), "seed {seed}");
    };
    for _ in 0..60 {
        let (i, j) = (dice.below(pairs.len()), dice.below(pairs.len()));
        match dice.below(12) {
            0 if pairs.len() > 2 => drop(pairs.swap_remove(i)),
            1 => pairs.push(pairs[i].clone()),
            2 => check(&pairs[i]),
            3 => eval(&(pairs[i].0.clone(), pairs[j].0.clone())),
            _ => {
                let which = dice.below(OPERATIONS);
                let lazy = apply(which, &pairs[i].0, &pairs[j].0);
                let eager = apply(which, &pairs[i].1, &pairs[j].1);
                // Of several results sometimes one is dropped at once.
                let first = dice.below(lazy.len());
                pairs.extend(lazy.into_iter().zip(eager).skip(first));
            }
        }
    }
    while !pairs.is_empty() {
        let pair = pairs.swap_remove(dice.below(pairs.len()));
        if dice.below(3) > 0 {
            check(&pair);
        }
    }
}

#[test]
fn random_programs_give_the_same_bits_and_leave_nothing() {
    let _alone = alone();
    let before = stats();
    (0..60).for_each(one);
    assert_eq!((stats().pending, stats().values), (before.pending, before.values));
}
