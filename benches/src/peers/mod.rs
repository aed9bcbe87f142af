//! The comparison with other libraries: its cases, and our side of it.
//!
//! A case has a name that all sides know, what bounds it, and how its results are compared. Sides are processes that speak by
//! [`protocol`]; `peers/` is the program that asks them in turns and prints the table.

pub mod devices;
pub mod eager;
pub mod models;
pub mod protocol;
pub mod sizes;

use crate::jitted;
use plywood::prelude::*;
use protocol::Job;

/// A case of the comparison.
pub struct Case {
    /// The name, which all sides know.
    pub name: &'static str,
    /// What bounds it, and is told beside its time.
    pub bound: Bound,
    /// How results are compared.
    pub check: Check,
    /// Makes it, with its data.
    pub build: fn() -> Job,
}

/// What bounds a case.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// The memory: bytes read and written.
    Bytes(usize),
    /// The arithmetic: floating-point operations.
    Flops(usize),
    /// The drawing of so many numbers.
    Numbers(usize),
    /// What comes before the work.
    Dispatch,
}

/// How the results of two sides are compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Check {
    /// Each number to so much of the mean size of all.
    Near(f64),
    /// The same of their absolute values: a factorisation's vectors have a sign of their own.
    Sizes(f64),
    /// Most of those shown, and the mean: places in an order that leaves open which of two equal elements comes first.
    Ties,
    /// Their mean and the mean of their sizes alone: each side draws its own.
    Statistics(f64),
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Case({})", self.name)
    }
}

impl Case {
    pub(crate) fn new(name: &'static str, bound: Bound, build: fn() -> Job) -> Case {
        Case { name, bound, check: Check::Near(1e-4), build }
    }

    pub(crate) fn checked(self, check: Check) -> Case {
        Case { check, ..self }
    }
}

/// All numbers of a tree, leaf after leaf.
fn numbers_of(tree: &impl Tree<Cpu>) -> Vec<f64> {
    // Without a cast where there need be none: the pool would keep its memory, and the case would be charged with it.
    let numbers = |x: &Tensor<Cpu>| match x.dtype() {
        DType::F32 => x.to_vec::<f32>().into_iter().map(f64::from).collect(),
        _ => x.cast(DType::F64).to_vec::<f64>(),
    };
    tree_leaves(tree).iter().flat_map(numbers).collect()
}

/// A job that is not compiled.
pub(crate) fn eager<T: Tree<Cpu> + 'static>(f: impl FnMut() -> T + 'static) -> Job {
    Job::new(f, numbers_of, "eager")
}

/// A job that calls a function by `jit`.
pub(crate) fn jitted<T: Tree<Cpu> + 'static>(f: impl FnMut() -> T + 'static) -> Job {
    Job::new(f, numbers_of, "jit")
}

/// A job whose result goes in next time.
pub(crate) fn carried<S: Tree<Cpu> + Clone + 'static>(start: S, step: impl Fn(S) -> S + 'static) -> Job {
    let state = std::rc::Rc::new(std::cell::RefCell::new(Some(start)));
    let last = state.clone();
    let call = move || {
        let before = state.take().expect("it is put back");
        state.replace(Some(step(before)));
    };
    let result = move || numbers_of(last.borrow().as_ref().expect("it is put back"));
    Job { call: Box::new(call), result: Box::new(result), how: "jit" }
}

/// All cases, in the order of the table.
pub fn cases() -> Vec<Case> {
    [eager::cases(), jitted::cases(), models::cases(), sizes::cases(), devices::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// Our side.
pub fn serve() -> std::io::Result<()> {
    let cases = cases();
    let version = concat!("plywood ", env!("CARGO_PKG_VERSION"));
    protocol::serve(version, |name| cases.iter().find(|case| case.name == name).map(|case| (case.build)()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// Names of the tables in `peers/*.py`.
    fn theirs() -> BTreeSet<&'static str> {
        let sources = [include_str!("../../peers/eager.py"), include_str!("../../peers/jitted.py")];
        let lines = sources.into_iter().flat_map(str::lines);
        lines.filter_map(|l| l.trim_start().strip_prefix("case(\"")?.split('"').next()).collect()
    }

    #[test]
    fn both_sides_know_the_same_cases() {
        let ours: BTreeSet<_> = cases().iter().map(|c| c.name).collect();
        assert_eq!(ours.len(), cases().len(), "each name once");
        assert_eq!(ours, theirs());
    }
}
