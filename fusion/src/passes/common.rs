//! What is computed twice is computed once: equations of one operation on the same inputs are one. (Operations depend on
//! nothing but their inputs; random numbers come from keys.)

use super::Rewrite;
use plywood_core::{Graph, Op, OpKind, Var};
use smallvec::SmallVec;
use std::collections::HashMap;

/// Without the second of two equal equations.
pub fn common(graph: &Graph) -> Graph {
    let mut new = Rewrite::new(graph);
    // By kind and inputs, those equations of the new graph that may be equal.
    let mut known: HashMap<(OpKind, SmallVec<[Var; 3]>), Vec<usize>> = HashMap::new();
    for e in graph.equations() {
        // Data are compared as numbers, where 0 is -0; they are not worth more.
        if let Op::Constant(_) = e.op {
            new.keep(e);
            continue;
        }
        let inputs = new.inputs_of(e);
        let candidates = known.entry((e.op.kind(), inputs)).or_default();
        match candidates.iter().find(|&&i| new.equations[i].op == e.op) {
            Some(&i) => {
                let outputs = new.equations[i].outputs.clone();
                new.define(&e.outputs, outputs);
            }
            None => {
                candidates.push(new.equations.len());
                new.keep(e);
            }
        }
    }
    new.finish()
}

#[cfg(test)]
mod tests {
    use super::super::dead;
    use super::super::tests::{graph, names};
    use super::*;

    #[test]
    fn equal_equations_are_one() {
        let g = graph(2, |x| vec![(x[0].sin() + x[1].cos()) * (x[0].sin() + x[1].cos()), x[1].sin()]);
        assert_eq!(names(&common(&g)), ["sin", "cos", "add", "mul", "sin"]);
        // The order of operands counts, and so do attributes.
        let g = graph(2, |x| vec![&x[0] - &x[1], &x[1] - &x[0], &x[0] * 2.0, &x[0] * 3.0]);
        assert_eq!(dead(&common(&g)).equations().len(), g.equations().len());
        let g = graph(1, |x| vec![&x[0] * 0.0, &x[0] * -0.0]);
        assert_eq!(names(&common(&g)), ["full", "mul", "full", "mul"]);
    }
}
