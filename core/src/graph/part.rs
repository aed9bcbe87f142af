//! Parts of graphs: what computes some variables from some others.

use super::{Equation, Graph, Var, prune};
use crate::TensorType;
use smallvec::SmallVec;
use std::collections::HashMap;

impl Graph {
    /// The equation that defines each variable; none for an input.
    pub fn definitions(&self) -> Vec<Option<usize>> {
        let mut definitions = vec![None; self.types.len()];
        for (i, e) in self.equations.iter().enumerate() {
            e.outputs.iter().for_each(|v| definitions[v.index()] = Some(i));
        }
        definitions
    }

    /// The variables that depend on any of `sources`, which themselves do.
    pub fn dependents(&self, sources: &[Var]) -> Vec<bool> {
        let mut depends = vec![false; self.types.len()];
        sources.iter().for_each(|v| depends[v.index()] = true);
        for e in &self.equations {
            if e.inputs.iter().any(|v| depends[v.index()]) {
                e.outputs.iter().for_each(|v| depends[v.index()] = true);
            }
        }
        depends
    }

    /// The same graph, of whose inputs the first `captured` are captured values.
    pub fn with_captured(self, captured: usize) -> Graph {
        Graph { captured, memo: Default::default(), ..self }
    }

    /// What a loop computes anew in each step, though it is the same: from the first `constants` inputs to values that depend on
    /// nothing else, and the rest of the graph, whose inputs are those of the constants that it still reads (which: the
    /// flags), the values, then the other inputs. None where there is nothing such. (Numbers that fill a tensor stay inside:
    /// they cost nothing there.)
    pub fn hoisted(&self, constants: usize) -> Option<(Graph, Vec<bool>, Graph)> {
        let (fixed, changing) = self.inputs.split_at(constants);
        let varies = self.dependents(changing);
        let mut made = vec![false; self.types.len()];
        let still = |e: &&Equation| !e.inputs.is_empty() && e.inputs.iter().all(|v| !varies[v.index()]);
        self.equations.iter().filter(still).flat_map(|e| &e.outputs).for_each(|v| made[v.index()] = true);
        let varying = self.equations.iter().filter(|e| e.inputs.iter().any(|v| varies[v.index()]));
        let mut read = vec![false; self.types.len()];
        varying.flat_map(|e| &e.inputs).chain(&self.outputs).for_each(|v| read[v.index()] = true);
        let all = (0..self.types.len() as u32).map(Var);
        let values: Vec<Var> = all.filter(|v| made[v.index()] && read[v.index()]).collect();
        if values.is_empty() {
            return None;
        }
        let left: Vec<bool> = fixed.iter().map(|v| read[v.index()]).collect();
        let kept = fixed.iter().zip(&left).filter(|(_, left)| **left).map(|(v, _)| *v);
        let inputs: Vec<Var> = kept.chain(values.iter().copied()).chain(changing.iter().copied()).collect();
        Some((self.part(fixed, &values), left, self.part(&inputs, &self.outputs)))
    }

    /// The graph that computes `outputs` from `inputs`, which may be any variables: equations that the outputs need and
    /// the inputs do not give, in their order; those that hold graphs only as far as their results are read. Panics where an input of this graph is needed that is not among `inputs`.
    pub fn part(&self, inputs: &[Var], outputs: &[Var]) -> Graph {
        let definitions = self.definitions();
        let mut needed = vec![false; self.equations.len()];
        let mut work: Vec<Var> = outputs.to_vec();
        let mut seen = vec![false; self.types.len()];
        inputs.iter().for_each(|v| seen[v.index()] = true);
        while let Some(v) = work.pop() {
            if std::mem::replace(&mut seen[v.index()], true) {
                continue;
            }
            let Some(i) = definitions[v.index()] else {
                panic!("part: the outputs depend on {v:?}, which is not among the inputs")
            };
            if !std::mem::replace(&mut needed[i], true) {
                work.extend(self.equations[i].inputs.iter().copied());
            }
        }
        let mut types: Vec<TensorType> = Vec::new();
        let mut names: HashMap<Var, Var> = HashMap::new();
        let fresh = |v: Var, types: &mut Vec<TensorType>| {
            types.push(self.ty(v).clone());
            Var(types.len() as u32 - 1)
        };
        let mut new_inputs = Vec::new();
        for &v in inputs {
            let new = fresh(v, &mut types);
            new_inputs.push(new);
            names.insert(v, new);
        }
        let mut read = vec![false; self.types.len()];
        let kept = self.equations.iter().zip(&needed).filter(|(_, needed)| **needed).map(|(e, _)| e);
        outputs.iter().chain(kept.flat_map(|e| &e.inputs)).for_each(|v| read[v.index()] = true);
        let mut equations = Vec::new();
        for e in self.equations.iter().zip(&needed).filter(|(_, needed)| **needed).map(|(e, _)| e) {
            let from = e.inputs.iter().map(|v| names[v]).collect();
            let mut to = SmallVec::new();
            let used: SmallVec<[bool; 8]> = e.outputs.iter().map(|v| read[v.index()]).collect();
            let (op, left) = match prune::pruned(&e.op, &used) {
                Some((op, left)) => (op, left),
                None => (e.op.clone(), vec![true; used.len()]),
            };
            for (&v, _) in e.outputs.iter().zip(left).filter(|(_, left)| *left) {
                let new = fresh(v, &mut types);
                to.push(new);
                // What is given stays what readers see.
                names.entry(v).or_insert(new);
            }
            equations.push(Equation { op, inputs: from, outputs: to, at: e.at });
        }
        let outputs = outputs.iter().map(|v| names[v]).collect();
        Graph::new(new_inputs, 0, equations, outputs, types)
    }
}
