//! The family of random numbers.

use super::{Case, Table};
use plywood::prelude::*;

pub(super) fn random(table: &mut Table) {
    let key = random::key::<Cpu>(0);
    type Ours = fn(&Tensor<Cpu>, usize) -> Tensor<Cpu>;
    let draws: [(&str, Ours); 3] = [
        ("bits u32", |key, n| random::bits(key, [n], DType::U32)),
        ("uniform f32", |key, n| random::uniform(key, [n], DType::F32)),
        ("normal f32", |key, n| random::normal(key, [n], DType::F32)),
    ];
    for (name, ours) in draws {
        let key = key.clone();
        table.add("random", name, move |n| {
            let key = key.clone();
            Case::new(4 * n, move || ours(&key, n))
        });
    }
}
