//! What the CPU backend must reach, as cases with their goals.

use crate::families::{Case, find};
use crate::programs;
use std::fmt;

/// What is to be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Goal {
    /// So many times as fast as the plain loop over the standard library's function, on as many threads.
    TimesLoop(f64),
    /// This percentage of the bandwidth of a plain parallel copy of the same bytes.
    OfCopy(f64),
    /// So many elements a second.
    PerSecond(f64),
    /// So many nanoseconds at most.
    Below(f64),
    /// So many nanoseconds at most more than the bare loop.
    OverLoop(f64),
}

/// A goal with its case.
pub struct Target {
    /// What is measured.
    pub name: String,
    /// How many elements.
    pub n: usize,
    /// What is to be reached.
    pub goal: Goal,
    /// Makes the case.
    pub build: Box<dyn Fn() -> Case>,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({} {:?})", self.name, self.goal)
    }
}

fn target(name: &str, n: usize, goal: Goal, build: impl Fn() -> Case + 'static) -> Target {
    Target { name: name.to_string(), n, goal, build: Box::new(build) }
}

/// All of them.
pub fn all() -> Vec<Target> {
    let mut all = Vec::new();
    let mut of_family = |family, name: &'static str, n, goal| {
        all.push(target(name, n, goal, move || find(family, name).build(n)));
    };
    for name in ["exp f32", "tanh f32", "log f32"] {
        of_family("unary", name, 1_000_000, Goal::TimesLoop(10.0));
    }
    let copy = Goal::OfCopy(80.0);
    let memory = [
        ("binary", "add f32"),
        ("binary", "mul f32"),
        ("cast", "f32 to bf16"),
        ("broadcast", "add a row of 2441"),
        ("reduce", "sum of all"),
        ("reduce", "max of all"),
        ("composite", "selu, one program"),
        ("composite", "softmax of rows of 1000, one program"),
        ("composite", "layer norm of rows of 1000, one program"),
    ];
    for (family, name) in memory {
        of_family(family, name, 10_000_000, copy);
    }
    let square = 4096 * 4096;
    all.push(target("transpose 4096x4096", square, Goal::OfCopy(50.0), || {
        find("indexing", "transpose of a square").build(4096 * 4096)
    }));
    for (name, build) in programs::emissions() {
        all.push(target(&format!("emission of {name}"), 1, Goal::Below(20_000.0), build));
    }
    all.push(target("finding a program", 1, Goal::Below(100.0), programs::finding));
    all.push(target("a kernel's call on 16 elements", 16, Goal::OverLoop(50.0), || programs::tiny(16)));
    all.push(target("normal 5000x6000", 30_000_000, Goal::PerSecond(4e8), || {
        find("random", "normal f32").build(30_000_000)
    }));
    all
}
