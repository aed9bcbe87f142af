//! Every family of operations as a table of cases: ours, the plain loop, and how many bytes must move.
//!
//! criterion's benches and the ratios go over the same tables. A case is an [`Entry`] that is built for a number of
//! elements when it is its turn.

mod elementwise;
mod indexing;
mod matmul;
mod random;
mod rows;

pub use rows::{by_program, layer_norm, selu};

use crate::measure::{Work, keep};
use plywood::prelude::*;
use std::fmt;

/// The sizes every entry is measured at.
pub const SIZES: [usize; 3] = [1_000, 100_000, 10_000_000];

/// A case built: ours beside what it is compared with.
pub struct Case {
    /// What the backend does.
    pub ours: Work,
    /// The plain loop over slices, where there is one worth the name.
    pub reference: Option<Work>,
    /// Bytes that must be read and written, together.
    pub bytes: usize,
}

/// A line of a family's table.
pub struct Entry {
    /// The family's name.
    pub family: &'static str,
    /// What is done.
    pub name: String,
    make: Box<dyn Fn(usize) -> Case>,
}

impl Entry {
    /// The case of (about) `n` elements.
    pub fn build(&self, n: usize) -> Case {
        (self.make)(n)
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Entry({} {})", self.family, self.name)
    }
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Case({} bytes)", self.bytes)
    }
}

/// All families, in order.
pub fn all() -> Vec<Entry> {
    let mut table = Table::default();
    elementwise::unary(&mut table);
    elementwise::binary(&mut table);
    elementwise::compare(&mut table);
    elementwise::cast(&mut table);
    elementwise::broadcast(&mut table);
    rows::reduce(&mut table);
    rows::composite(&mut table);
    random::random(&mut table);
    indexing::indexing(&mut table);
    matmul::matmul(&mut table);
    table.entries
}

/// The entry of this family and name.
///
/// # Panics
///
/// If there is none.
#[track_caller]
pub fn find(family: &str, name: &str) -> Entry {
    let found = all().into_iter().find(|e| e.family == family && e.name == name);
    found.unwrap_or_else(|| panic!("no entry {family} {name}"))
}

#[derive(Default)]
struct Table {
    entries: Vec<Entry>,
}

impl Table {
    fn add(&mut self, family: &'static str, name: impl Into<String>, make: impl Fn(usize) -> Case + 'static) {
        self.entries.push(Entry { family, name: name.into(), make: Box::new(make) });
    }
}

impl Case {
    fn new<T: 'static>(bytes: usize, ours: impl FnMut() -> T + 'static) -> Case {
        Case { ours: keep(ours), reference: None, bytes }
    }

    fn against(self, reference: Work) -> Case {
        Case { reference: Some(reference), ..self }
    }
}

/// `n` numbers without an order between `low` and `high`, always the same.
pub fn numbers(n: usize, low: f32, high: f32) -> Vec<f32> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let number = |_| {
        state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        low + (high - low) * ((state >> 40) as f32 / (1 << 24) as f32)
    };
    (0..n).map(number).collect()
}

/// A tensor of such numbers.
pub fn tensor(shape: &[usize], low: f32, high: f32) -> Tensor<Cpu> {
    Tensor::from_vec(numbers(shape.iter().product(), low, high), shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_entry_runs_and_has_a_name_of_its_own() {
        let mut names = Vec::new();
        for entry in all() {
            for n in [1, 1000] {
                let mut case = entry.build(n);
                (case.ours)();
                case.reference.iter_mut().for_each(|f| f());
                assert!(case.bytes > 0, "{entry:?}");
            }
            names.push((entry.family, entry.name));
        }
        let count = names.len();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), count, "a name twice in {names:?}");
    }
}
