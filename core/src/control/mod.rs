//! Control flow that stays one operation under every transformation: `scan`, `while_loop`, `fori_loop`, `cond`, `switch`,
//! `associative_scan`.
//!
//! Bodies are recorded once, where the function is called, on [`Traced`]; what they capture they lift (`w.lift()`). A body may
//! not look at values: which branch, and how many steps, is for the operation to decide.

mod associative;
mod branch;
pub mod interpret;
mod scan;
mod while_loop;

pub use associative::associative_scan;
pub use branch::{Branches, cond, switch};
pub use scan::{Scan, fori_loop, scan};
pub use while_loop::{WhileLoop, while_loop};

use crate::at::{At, caller};
use crate::record::{argument, extract};
use crate::tree::leaves;
use crate::{Backend, Graph, Path, Plain, Tensor, TensorType, Traced, Tree, Value, Values, Visitor};

/// A symbol of a type.
fn symbol<B: Backend>(like: &Value, ty: TensorType) -> Value {
    argument(Traced::<B>::ENGINE, ty, like.device())
}

/// A tree below as symbols, which are appended to `symbols`; `ty` says the type of each.
fn symbols<B: Backend, T: Tree<B>>(
    tree: T,
    symbols: &mut Vec<Value>,
    ty: impl Fn(&Value) -> TensorType,
) -> T::On<Traced<B>> {
    tree.map::<Traced<B>>(&mut |x| {
        let symbol = symbol::<B>(x.value(), ty(x.value()));
        symbols.push(symbol.clone());
        Tensor::of(symbol)
    })
}

/// A recorded function and what it captured.
struct Recorded {
    graph: Graph,
    captured: Values,
}

fn recorded(arguments: &[Value], outputs: &[Value]) -> Recorded {
    let (graph, captured) = extract(arguments, outputs);
    Recorded { graph, captured }
}

/// A loop as panics name it; `made` is where its options were given a body, if that is not where it runs.
#[derive(Clone, Copy)]
struct Site {
    name: &'static str,
    made: Option<At>,
}

impl Site {
    #[track_caller]
    fn panic(self, what: String) -> ! {
        let name = self.name;
        match self.made {
            Some(made) => panic!("{name}: {what} (in the {name} made at {made})"),
            None => panic!("{name}: {what}"),
        }
    }

    /// The line of the loop.
    #[track_caller]
    fn at(self) -> At {
        let here = caller();
        self.made.unwrap_or(here)
    }
}

/// Panics where a loop's body gives another structure or other types than it got, with the path.
#[track_caller]
fn check_state<B: Backend, C: Backend, S: Tree<B>, R: Tree<C>>(site: Site, given: &S, result: &R) {
    let (before, after) = (shown(given), shown(result));
    let difference = before.iter().zip(&after).find(|(a, b)| a != b);
    if let Some(((path, a), (_, b))) = difference {
        let path = place(path);
        site.panic(format!(
            "the state goes into the body as {a} and comes out as {b}{path}; cast or reshape it there"
        ))
    }
    if before.len() != after.len() {
        let (before, after) = (before.len(), after.len());
        site.panic(format!("the state goes into the body with {before} leaves and comes out with {after}"))
    }
}

/// A path as panics show it: nothing for the tree itself.
fn place(path: &str) -> String {
    if path.is_empty() { String::new() } else { format!(" ({path})") }
}

/// The leaves of a tree with their paths, as text.
fn shown<B: Backend, T: Tree<B>>(tree: &T) -> Vec<(String, String)> {
    struct Shown(Vec<(String, String)>);
    impl Visitor for Shown {
        fn tensor(&mut self, path: Path<'_>, value: &Value) {
            self.0.push((path.to_string(), value.ty().to_string()));
        }
        fn plain(&mut self, path: Path<'_>, data: &dyn Plain) {
            self.0.push((path.to_string(), format!("{data:?}")));
        }
    }
    let mut all = Shown(Vec::new());
    tree.visit(Path::root(), &mut all);
    all.0
}

/// The engine of the first of some values, or that of the brand.
fn engine_of<B: Backend>(values: &[Value]) -> &'static dyn crate::Engine {
    values.first().map_or(B::ENGINE, Value::engine)
}

fn all<B: Backend, T: Tree<B>>(tree: &T) -> Vec<Value> {
    leaves(tree)
}
