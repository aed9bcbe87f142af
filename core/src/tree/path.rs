//! Key paths: where in a tree a leaf is, for errors: `args[0].layers[2].weight`.

use std::fmt;

/// A place in a tree. It lives on the stack of a visit; nothing is allocated until it is printed.
#[derive(Clone, Copy)]
pub struct Path<'a>(Node<'a>);

#[derive(Clone, Copy)]
enum Node<'a> {
    Root,
    Argument(usize),
    Field(&'a Path<'a>, &'static str),
    Index(&'a Path<'a>, usize),
    Key(&'a Path<'a>, &'a str),
}

impl<'a> Path<'a> {
    /// The tree itself.
    pub fn root() -> Path<'static> {
        Path(Node::Root)
    }

    /// An argument of a transformed function: `args[0]`.
    pub fn argument(index: usize) -> Path<'static> {
        Path(Node::Argument(index))
    }

    /// A field: `.weight`.
    pub fn field(&'a self, name: &'static str) -> Path<'a> {
        Path(Node::Field(self, name))
    }

    /// An element of a sequence or a tuple: `[2]`.
    pub fn index(&'a self, index: usize) -> Path<'a> {
        Path(Node::Index(self, index))
    }

    /// A key of a map, as it prints: `["weight"]`.
    pub fn key(&'a self, key: &'a str) -> Path<'a> {
        Path(Node::Key(self, key))
    }
}

/// One step of a path, from a tree to one of its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathStep<'a> {
    /// To an element of a sequence or a tuple, or to an argument.
    Index(usize),
    /// To a field.
    Field(&'static str),
    /// To what a map has under a key, as it prints.
    Key(&'a str),
}

impl<'a> Path<'a> {
    /// The steps from the root.
    pub fn steps(&self) -> Vec<PathStep<'a>> {
        let (mut steps, mut place) = (Vec::new(), self.0);
        loop {
            let (parent, step) = match place {
                Node::Root => break,
                Node::Argument(i) => {
                    steps.push(PathStep::Index(i));
                    break;
                }
                Node::Field(parent, name) => (parent, PathStep::Field(name)),
                Node::Index(parent, i) => (parent, PathStep::Index(i)),
                Node::Key(parent, key) => (parent, PathStep::Key(key)),
            };
            steps.push(step);
            place = parent.0;
        }
        steps.reverse();
        steps
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Node::Root => Ok(()),
            Node::Argument(i) => write!(f, "args[{i}]"),
            Node::Field(parent, name) => write!(f, "{parent}.{name}"),
            Node::Index(parent, i) => write!(f, "{parent}[{i}]"),
            Node::Key(parent, key) => write!(f, "{parent}[{key}]"),
        }
    }
}
impl fmt::Debug for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_the_expression() {
        let (args, key) = (Path::argument(0), "\"w\"");
        let (layers, map) = (args.field("layers"), args.key(key));
        let second = layers.index(2);
        assert_eq!(second.field("weight").to_string(), "args[0].layers[2].weight");
        assert_eq!(map.to_string(), "args[0][\"w\"]");
        let steps = [PathStep::Index(0), PathStep::Field("layers"), PathStep::Index(2)];
        assert_eq!(second.steps(), steps);
    }
}
