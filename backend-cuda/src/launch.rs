//! Launches of programs: from operands over a domain to a kernel's key, its numbers and the division of work.
//!
//! What always holds: operands are made for the whole of their domain, and units are bounded by its rows and columns, so that no unit
//! leaves the memory of an argument (kernels check no bounds).

use crate::client::{Client, Facts};
use crate::data::{Buffer, Storage};
use crate::emit::memory;
use crate::lower::{Along, Key, Numbers, Work};
use crate::queue::queue;
use cubecl::ir::Type;
use cubecl::prelude::Runtime;
use plywood_core::DType;
use plywood_kernel::ir::{ArgId, Op};
use plywood_kernel::layout::{Nest, Strides};
use plywood_kernel::{Program, Width};
use smallvec::SmallVec;
use std::sync::Arc;

/// Units of a cube where each has work of its own.
pub const UNITS: u32 = 256;
/// Values that a unit keeps in registers, at most.
const KEPT: usize = 64;
/// Columns of a row that a unit takes alone, at most, where its neighbours' elements do not lie beside its own.
const ALONE: usize = 32;

/// An argument of a program: where its elements lie over the domain.
#[derive(Clone, Debug)]
pub struct Operand {
    /// The elements.
    pub storage: Storage,
    /// Of the domain's first element, in elements.
    pub offset: usize,
    /// Along the domain's axes, in elements.
    pub strides: Strides,
}

/// A program over a domain.
#[derive(Debug)]
pub struct Job<'a> {
    /// What is computed.
    pub program: Arc<Program>,
    /// The domain.
    pub shape: &'a [usize],
    /// How many of its last axes are columns; 0 where it does not matter, of a program that neither reduces nor counts.
    pub columns: usize,
    /// The program's arguments, in order.
    pub operands: Vec<Operand>,
}

/// The loops of a job.
struct Loops {
    /// Around the columns, outermost first.
    outer: SmallVec<[usize; 4]>,
    /// That columns are counted in, outermost first.
    inner: SmallVec<[usize; 4]>,
    /// For each operand, along the loops around the columns, and along those of the columns.
    strides: Vec<(Strides, Strides)>,
}

impl Loops {
    fn new(job: &Job<'_>) -> Loops {
        let strides: SmallVec<[&[isize]; 8]> = job.operands.iter().map(|x| &x.strides[..]).collect();
        if job.columns == 0 {
            let nest = Nest::new(job.shape, &strides);
            let (&columns, outer) = nest.sizes.split_last().expect("there is an innermost loop");
            let split = |s: &Strides| {
                let (&step, outer) = s.split_last().expect("there is an innermost loop");
                (outer.into(), Strides::from_elem(step, 1))
            };
            let strides = nest.strides.iter().map(split).collect();
            return Loops { outer: outer.into(), inner: SmallVec::from_elem(columns, 1), strides };
        }
        let (rows, columns) = job.shape.split_at(job.shape.len() - job.columns);
        let part = |part: std::ops::Range<usize>, shape: &[usize]| {
            let of: SmallVec<[&[isize]; 8]> = strides.iter().map(|s| &s[part.clone()]).collect();
            Nest::new(shape, &of)
        };
        let (inner, outer) = (part(rows.len()..job.shape.len(), columns), part(0..rows.len(), rows));
        let strides = outer.strides.into_iter().zip(inner.strides).collect();
        Loops { outer: outer.sizes, inner: inner.sizes, strides }
    }

    fn rows(&self) -> usize {
        self.outer.iter().product()
    }

    fn columns(&self) -> usize {
        self.inner.iter().product()
    }

    /// The stride between neighbouring columns.
    fn step(&self, operand: usize) -> isize {
        *self.strides[operand].1.last().expect("there are columns")
    }
}

/// Puts a program in the device's queue.
pub fn launch<R: Runtime>(client: &Client<R>, job: &Job<'_>) {
    let loops = Loops::new(job);
    let (program, facts) = (&job.program, &client.facts);
    // Of columns there may be none: reductions of nothing.
    let reduces = program.ops().iter().any(|op| matches!(op, Op::Reduce(..)));
    if loops.rows() == 0 || (loops.columns() == 0 && !reduces) {
        return;
    }
    let writes: Vec<bool> = (0..job.operands.len()).map(|arg| program.writes(arg as ArgId)).collect();
    let is_number = |i: usize| matches!(job.operands[i].storage, Storage::Number(_)) && !writes[i];
    let reads_rows = |i: usize| program.args()[i].splat;
    let by_unit = reduces && is_units(facts, &loops, reads_rows);
    let vector = if by_unit { 1 } else { vector(facts, job, &loops) };
    let work = match (reduces, by_unit) {
        (false, _) => Work::Flat,
        (true, true) => Work::Unit,
        (true, false) => cube(facts, &loops, program, vector),
    };
    let along = |i: usize| match loops.step(i) {
        _ if is_number(i) => Along::Number,
        _ if reads_rows(i) => Along::Same,
        0 if loops.inner.len() == 1 => Along::Same,
        1 if loops.inner.len() == 1 && work != Work::Unit => Along::Line,
        _ => Along::Apart,
    };
    let along: SmallVec<[Along; 8]> = (0..job.operands.len()).map(along).collect();
    let key = Key {
        program: program.clone(),
        along: along.clone(),
        levels: loops.outer.len(),
        inner: loops.inner.len(),
        vector,
        work,
        bf16: facts.bf16,
    };
    let lines = loops.columns() / vector;
    let mut numbers = Numbers::default();
    numbers.0.extend([loops.rows(), lines].map(|n| whole(client, n)));
    numbers.0.extend(loops.outer.iter().chain(&loops.inner).map(|&n| n as u32));
    let mut buffers: SmallVec<[(Buffer, DType, Along); 8]> = SmallVec::new();
    for (i, operand) in job.operands.iter().enumerate() {
        let dtype = program.args()[i].dtype;
        match (&operand.storage, along[i]) {
            (Storage::Number(bytes), Along::Number) => numbers.push_number(dtype, program.width(), bytes),
            (storage, along) => {
                let per = if along == Along::Line { vector as isize } else { 1 };
                let (outer, inner) = &loops.strides[i];
                let outer: Strides = outer.iter().map(|s| s / per).collect();
                let inner: &[isize] = if along == Along::Apart { inner } else { &[] };
                whole(client, operand.offset);
                numbers.push_place(operand.offset as isize / per, &outer, inner);
                buffers.push((storage.on(client, dtype.size()), dtype, along));
            }
        }
    }
    let (units, cubes) = match work {
        Work::Flat => (UNITS, (loops.rows() * lines).div_ceil(UNITS as usize)),
        Work::Unit => (64, loops.rows().div_ceil(64)),
        Work::Cube { units, .. } => (units, loops.rows()),
    };
    let arguments: SmallVec<[(&Buffer, Type); 8]> = buffers
        .iter()
        .map(|(buffer, dtype, along)| {
            let lanes = if *along == Along::Line { vector } else { 1 };
            (buffer, crate::emit::of(memory::elem(*dtype, facts.bf16), lanes))
        })
        .collect();
    queue(client, name(work), Arc::new(key), &arguments, &numbers.0, units, cubes);
}

fn name(work: Work) -> &'static str {
    match work {
        Work::Flat => "elementwise",
        Work::Unit => "rows_by_unit",
        Work::Cube { .. } => "rows_by_cube",
    }
}

/// A count that kernels hold in 32 bits.
pub fn whole<R: Runtime>(client: &Client<R>, n: usize) -> u32 {
    u32::try_from(n).unwrap_or_else(|_| panic!("{}: {n} elements are more than kernels count", client.device))
}

/// Whether a row of a program that reduces is a unit's, and not a cube's: where rows are short, or where what is reduced lies across
/// and neighbouring rows side by side.
fn is_units(facts: &Facts, loops: &Loops, reads_rows: impl Fn(usize) -> bool) -> bool {
    let elements = || (0..loops.strides.len()).filter(|&i| !reads_rows(i));
    let across = elements().any(|i| loops.step(i).abs() > 1);
    let beside = elements().all(|i| loops.strides[i].0.last().is_none_or(|s| s.abs() <= 1));
    let (rows, columns) = (loops.rows(), loops.columns());
    let short = columns <= ALONE && (rows >= 64 || columns <= 8);
    short || (across && beside && rows >= 64) || facts.units < 64
}

/// How many columns a unit takes at a time: as many as every argument that lies in line can be loaded at once.
fn vector(facts: &Facts, job: &Job<'_>, loops: &Loops) -> usize {
    if loops.columns() == 0 || loops.inner.len() > 1 {
        return 1;
    }
    let widest = job.program.args().iter().map(|arg| arg.dtype.size()).max().unwrap_or(4);
    let lanes = job.program.width().bytes().max(widest);
    let mut vector = facts.vector.min(16 / lanes);
    let fits = |vector: usize| {
        let line = |i: usize| {
            let operand = &job.operands[i];
            let aligned = operand.offset.is_multiple_of(vector)
                && loops.strides[i].0.iter().all(|s| s % vector as isize == 0);
            loops.step(i) != 1 || job.program.args()[i].splat || aligned
        };
        loops.columns().is_multiple_of(vector) && (0..job.operands.len()).all(line)
    };
    while vector > 1 && !fits(vector) {
        vector /= 2;
    }
    vector.max(1)
}

/// The division of a cube's row among units.
fn cube(facts: &Facts, loops: &Loops, program: &Program, vector: usize) -> Work {
    let lines = loops.columns() / vector;
    let most = facts.units.min(1024).min((facts.shared / program.width().bytes()) as u32 / 8);
    let most = 1 << most.ilog2();
    let least = 32.max(facts.plane).min(most);
    // Two lines each, and more where the row is longer than the cube.
    let units = (lines.div_ceil(2).next_power_of_two() as u32).clamp(least, most.min(256));
    let units = if lines > 8 * units as usize { most } else { units };
    let kept = lines.div_ceil(units as usize);
    let values =
        kept * vector * program.args().iter().filter(|arg| !arg.splat).count() * program.width().bytes() / 4;
    let kept = if values <= KEPT { kept as u32 } else { 0 };
    Work::Cube { units, kept, exact: kept as usize * units as usize == lines, plane: facts.plane.min(units) }
}

impl Numbers {
    /// A number as lanes have it: one word, or the low and the high one.
    fn push_number(&mut self, dtype: DType, width: Width, bytes: &[u8; 8]) {
        let lane = crate::views::lane(dtype, width, bytes);
        self.0.push(lane as u32);
        if width == Width::W64 {
            self.0.push((lane >> 32) as u32);
        }
    }
}
