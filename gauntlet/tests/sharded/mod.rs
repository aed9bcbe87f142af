//! Random programs whose tensors are cut: each is a list of steps that is read in two ways, by a device for its blocks, with
//! collectives, and by one device for the whole, without.
//!
//! What always holds: a value is cut by each axis of the mesh at most once, and varies at least over the axes that cut it.

pub mod steps;

use plywood_gauntlet::data::Numbers;
use std::collections::BTreeSet;
use steps::Step;

/// For each dimension the axes of the mesh that cut it, the first one outermost.
pub type Cuts = Vec<Vec<usize>>;

/// A value, as it is known before the program runs.
#[derive(Clone, Debug)]
pub struct Known {
    pub shape: Vec<usize>,
    pub cuts: Cuts,
    /// Over which axes it varies.
    pub varies: BTreeSet<usize>,
}

/// A random program.
#[derive(Clone, Debug)]
pub struct Program {
    /// Sizes of the mesh's axes.
    pub mesh: Vec<usize>,
    /// The inputs, and then what each step gives.
    pub values: Vec<Known>,
    pub inputs: usize,
    pub steps: Vec<Step>,
    /// Which values come out.
    pub outputs: Vec<usize>,
}

/// All of them have products that divide each size.
const MESHES: [&[usize]; 9] = [&[1], &[2], &[3], &[4], &[2, 2], &[2, 3], &[3, 2], &[1, 2], &[3, 1, 2]];
const SIZES: [usize; 2] = [12, 24];

impl Program {
    /// The program of this number.
    pub fn random(number: u64) -> Program {
        let mut n = Numbers::of(&format!("program {number}"));
        let mesh = choose(&mut n, &MESHES).to_vec();
        let mut p = Program { mesh, values: Vec::new(), inputs: 0, steps: Vec::new(), outputs: Vec::new() };
        p.inputs = 2 + below(&mut n, 3);
        for k in 0..p.inputs {
            let rank = if k == 0 { 2 } else { 1 + below(&mut n, 2) };
            let shape: Vec<usize> = (0..rank).map(|_| choose(&mut n, &SIZES)).collect();
            let cuts = p.cuts(&mut n, rank);
            let varies = cuts.iter().flatten().copied().collect();
            p.values.push(Known { shape, cuts, varies });
        }
        let steps = 3 + below(&mut n, 8);
        while p.steps.len() < steps {
            p.step(&mut n);
        }
        let last = p.values.len() - 1;
        p.outputs = vec![last, last - below(&mut n, 3).min(last)];
        p
    }

    /// Each axis cuts some dimension, or none.
    fn cuts(&self, n: &mut Numbers, rank: usize) -> Cuts {
        let mut cuts: Cuts = vec![vec![]; rank];
        let mut axes: Vec<usize> = (0..self.mesh.len()).collect();
        (1..axes.len()).rev().for_each(|i| axes.swap(i, below(n, i + 1)));
        for axis in axes {
            if let Some(cuts) = cuts.get_mut(below(n, rank + 1)) {
                cuts.push(axis);
            }
        }
        cuts
    }

    fn push(&mut self, step: Step, known: Known) -> usize {
        self.steps.push(step);
        self.values.push(known);
        self.values.len() - 1
    }

    /// One that fits, the latest more often.
    fn pick(&self, n: &mut Numbers, fits: impl Fn(&Known) -> bool) -> Option<usize> {
        let all: Vec<usize> = (0..self.values.len()).rev().filter(|&i| fits(&self.values[i])).collect();
        let among = if below(n, 2) == 0 { all.len().min(2) } else { all.len() };
        (among > 0).then(|| all[below(n, among)])
    }

    fn gather(&mut self, x: usize, dim: usize) -> usize {
        let mut known = self.values[x].clone();
        let axis = known.cuts[dim].pop().expect("it is cut");
        known.varies.insert(axis);
        self.push(Step::Gather { x, dim, axis }, known)
    }

    fn slice(&mut self, x: usize, dim: usize, axis: usize) -> usize {
        let mut known = self.values[x].clone();
        known.cuts[dim].push(axis);
        known.varies.insert(axis);
        self.push(Step::Slice { x, dim, axis }, known)
    }

    /// The same value, cut otherwise.
    fn aligned(&mut self, x: usize, cuts: &Cuts) -> usize {
        let mut x = x;
        for (dim, wanted) in cuts.iter().enumerate() {
            while !wanted.starts_with(&self.values[x].cuts[dim]) {
                x = self.gather(x, dim);
            }
        }
        for (dim, wanted) in cuts.iter().enumerate() {
            while let Some(&axis) = wanted.get(self.values[x].cuts[dim].len()) {
                x = self.slice(x, dim, axis);
            }
        }
        x
    }

    fn step(&mut self, n: &mut Numbers) -> Option<usize> {
        let what = below(n, 13);
        let wide = what == 4 || (5..9).contains(&what);
        let x = self.pick(n, |x| !wide || x.shape.len() == 2)?;
        let known = self.values[x].clone();
        let rank = known.shape.len();
        let dim = below(n, rank);
        let function = below(n, 5);
        Some(match what {
            0 | 1 => self.push(Step::Unary { x, function }, known),
            2 | 3 => {
                let y = self.pick(n, |y| y.shape == known.shape)?;
                let y = self.aligned(y, &known.cuts);
                let varies = known.varies.union(&self.values[y].varies).copied().collect();
                self.push(Step::Binary { x, y, function }, Known { varies, ..known })
            }
            4 => {
                let y = self.pick(n, |y| y.shape == known.shape[1..])?;
                let y = self.aligned(y, &vec![known.cuts[1].clone()]);
                let varies = known.varies.union(&self.values[y].varies).copied().collect();
                // A row meets every row.
                self.push(Step::Binary { x, y, function }, Known { varies, ..known })
            }
            5..8 => {
                let y = self.pick(n, |y| y.shape.len() == 2 && y.shape[0] == known.shape[1])?;
                let used: Vec<usize> = known.cuts.concat();
                let mut columns = self.values[y].cuts[1].clone();
                columns.retain(|axis| !used.contains(axis));
                let over = known.cuts[1].clone();
                let y = self.aligned(y, &vec![over.clone(), columns.clone()]);
                let mut varies: BTreeSet<usize> =
                    known.varies.union(&self.values[y].varies).copied().collect();
                varies.retain(|axis| !over.contains(axis));
                let shape = vec![known.shape[0], self.values[y].shape[1]];
                let mut cuts = vec![known.cuts[0].clone(), columns];
                // The sum, or of the sum a block.
                let scatter = (over.len() == 1 && below(n, 2) == 0).then_some(dim);
                if let Some(dim) = scatter {
                    cuts[dim].push(over[0]);
                    varies.insert(over[0]);
                }
                self.push(Step::Matmul { x, y, over, scatter }, Known { shape, cuts, varies })
            }
            8 => {
                let (mut shape, mut cuts) = (known.shape, known.cuts);
                shape.reverse();
                cuts.reverse();
                self.push(Step::Transpose { x }, Known { shape, cuts, varies: known.varies })
            }
            9 | 10 => {
                let mut known = known;
                if rank == 1 {
                    return None;
                }
                known.shape.remove(dim);
                let over = known.cuts.remove(dim);
                known.varies.retain(|axis| !over.contains(axis));
                self.push(Step::Reduce { x, dim, over, largest: what == 10 }, known)
            }
            11 => {
                let free: Vec<usize> = (0..self.mesh.len())
                    .filter(|axis| !known.cuts.iter().flatten().any(|a| a == axis))
                    .collect();
                match (known.cuts[dim].is_empty(), free.is_empty()) {
                    (false, _) => self.gather(x, dim),
                    (true, false) => self.slice(x, dim, choose(n, &free)),
                    (true, true) => return None,
                }
            }
            _ => {
                let (from, to) = (dim, 1 - dim.min(1));
                let mut known = known;
                if rank == 1 || known.cuts[from].is_empty() {
                    return None;
                }
                let axis = known.cuts[from].pop().expect("it is cut");
                known.cuts[to].push(axis);
                known.varies.insert(axis);
                self.push(Step::Move { x, from, to, axis }, known)
            }
        })
    }
}

/// A number below `n`.
pub fn below(numbers: &mut Numbers, n: usize) -> usize {
    numbers.int(0, n as i64 - 1) as usize
}

fn choose<T: Clone>(numbers: &mut Numbers, all: &[T]) -> T {
    all[below(numbers, all.len())].clone()
}
