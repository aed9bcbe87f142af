//! [`tree_map`]: trees of one structure, leaf by leaf (JAX's `tree.map`).
//!
//! Trees come by value and their tensors are handed on by value, held by nobody else, so that what `f` computes may
//! overwrite them. That the structures are equal is checked first: a mismatch names its path, and no wrong leaves pair.

use super::{Path, Plain, SelfTree, Visitor, leaves};
use crate::backend::Values;
use crate::{Backend, Tensor, Value};

/// The tree whose tensors are `f` of the tensors at the same place in `trees`, which have one structure.
///
/// Panics where the structures differ, with the path. Shapes are the business of `f`.
///
/// ```
/// # use plywood::prelude::*;
/// let params = (Tensor::<Cpu>::from([1.0f32, 2.0]), Tensor::<Cpu>::scalar(3.0f32));
/// let grads = (Tensor::from([10.0f32, 0.0]), Tensor::scalar(20.0f32));
/// let (w, b) = tree_map([params, grads], |[p, g]| p - 0.1 * g);
/// assert_eq!(w.to_vec::<f32>(), [0.0, 2.0]);
/// assert_eq!(b.item::<f32>(), 1.0);
/// ```
#[track_caller]
pub fn tree_map<B: Backend, T: SelfTree<B>, const N: usize>(
    trees: [T; N],
    mut f: impl FnMut([Tensor<B>; N]) -> Tensor<B>,
) -> T {
    const { assert!(N > 0, "tree_map takes at least one tree") };
    let mut check = Check::default();
    for tree in &trees {
        tree.visit(Path::root(), &mut check);
        check.finish_tree();
    }
    let mut trees = trees.into_iter();
    let first = trees.next().expect("there is at least one");
    let mut others = Columns(trees.map(|tree| leaves(&tree).into_iter()).collect());
    first.map(&mut |x| {
        let mut row = others.beside(x.into_value()).into_iter();
        f(std::array::from_fn(|_| Tensor::of(row.next().expect("a tensor of each tree"))))
    })
}

/// The tensors of all trees but the first.
struct Columns(Vec<std::vec::IntoIter<Value>>);

impl Columns {
    /// The next tensor of each, after that of the first.
    fn beside(&mut self, first: Value) -> Values {
        std::iter::once(first).chain(self.0.iter_mut().filter_map(Iterator::next)).collect()
    }
}

/// Compares structures: what a visit of the first tree shows, the others must show.
#[derive(Default)]
struct Check {
    /// The first tree's tensors (`None`) and plain data, as they print.
    expected: Vec<Option<String>>,
    tree: usize,
    at: usize,
    /// The first place where a tree differs.
    difference: Option<String>,
}

impl Check {
    fn meet(&mut self, path: Path<'_>, found: Option<String>) {
        if self.tree == 0 {
            return self.expected.push(found);
        }
        let expected = self.expected.get(self.at);
        self.at += 1;
        if expected != Some(&found) && self.difference.is_none() {
            let expected = expected.map_or("nothing", name);
            let text = format!("{} in tree {}, {expected} in tree 0", name(&found), self.tree);
            self.difference = Some(format!("{path}: {text}"));
        }
    }

    /// Panics where the tree that was visited differs from the first.
    #[track_caller]
    fn finish_tree(&mut self) {
        if let Some(difference) = &self.difference {
            panic!("tree_map: structures differ at {difference}")
        }
        let complete = self.tree == 0 || self.at == self.expected.len();
        assert!(complete, "tree_map: structures differ: tree {} ends before tree 0", self.tree);
        (self.tree, self.at) = (self.tree + 1, 0);
    }
}

fn name(leaf: &Option<String>) -> &str {
    leaf.as_deref().unwrap_or("a tensor")
}

impl Visitor for Check {
    fn tensor(&mut self, path: Path<'_>, _: &Value) {
        self.meet(path, None)
    }
    fn plain(&mut self, path: Path<'_>, data: &dyn Plain) {
        self.meet(path, Some(format!("{data:?}")))
    }
}
