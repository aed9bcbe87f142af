//! A program made ready for tiles: each operation a step that knows where its operands lie and where its result goes.
//!
//! A *tile* holds one lane for each of some elements. Values of loops have tiles, which are used again after their
//! last use; what is the same for a whole row has a *slot*, a tile with one lane a row, which is never used again.
//! Constants have neither.

use super::super::ir::{Id, Op, Program, StageKind, Type, Unary, Width};
use super::super::semantics;

/// Where an operand lies.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Source {
    /// A tile with a lane an element.
    Tile(u32),
    /// A constant.
    Const(u32),
    /// A slot with a lane a row; `spread` is the tile that has them once an element, where a loop reads it.
    Row { slot: u32, spread: u32 },
}

/// One operation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// What is done. The operands' numbers are meaningless here.
    pub(super) op: Op,
    /// The type of the first operand; where there is none, that of the result.
    pub(super) ty: Type,
    /// The operands.
    pub(super) sources: [Source; 3],
    /// The tile or slot of the result (of a reduction: its slot).
    pub(super) out: u32,
    /// Of a reduction: which it is in its stage.
    pub(super) reduction: u32,
}

/// A stage.
#[derive(Clone, Debug)]
pub(super) struct StagePlan {
    pub(super) kind: StageKind,
    /// What a loop does once a row, before it: loads of splat arguments.
    pub(super) before: Vec<Step>,
    /// What a loop needs once an element of what is there once a row: slots and tiles.
    pub(super) spreads: Vec<(u32, u32)>,
    pub(super) steps: Vec<Step>,
    /// The reductions among them.
    pub(super) reductions: Vec<Step>,
}

/// A program that is ready to run on any machine.
#[derive(Clone, Debug)]
pub struct Plan {
    pub(super) program: Program,
    pub(super) stages: Vec<StagePlan>,
    /// The lanes of the constants.
    pub(super) constants: Vec<u64>,
    /// How many tiles and slots there are.
    pub(super) tiles: usize,
    /// The most reductions of a stage.
    pub(super) reductions: usize,
}

/// Where a value is.
#[derive(Clone, Copy)]
enum Place {
    Nowhere,
    Tile(u32),
    Const(u32),
    Slot(u32),
}

struct Planner<'a> {
    program: &'a Program,
    /// For every value the one whose lanes it has: itself, or what it is the bits of.
    roots: Vec<Id>,
    /// For every root the last operation that reads it.
    last_use: Vec<Id>,
    places: Vec<Place>,
    free: Vec<u32>,
    tiles: u32,
    spreads: Vec<(u32, u32)>,
}

impl Plan {
    /// Plans a program. Nothing in it depends on the machine.
    pub fn new(program: &Program) -> Plan {
        let n = program.ops().len();
        let mut roots: Vec<Id> = (0..n as Id).collect();
        let mut last_use = vec![0; n];
        for (id, op) in program.ops().iter().enumerate() {
            for x in op.operands() {
                last_use[roots[x as usize] as usize] = id as Id;
            }
            if let Op::Unary(Unary::Bits(_), a) = op {
                roots[id] = roots[*a as usize];
            }
        }
        let mut constants = Vec::new();
        let mut places = vec![Place::Nowhere; n];
        for (place, op) in places.iter_mut().zip(program.ops()) {
            if let Op::Const(ty, bits) = *op {
                *place = Place::Const(constants.len() as u32);
                constants.push(match program.width() {
                    Width::W32 => semantics::constant::<u32>(ty, bits) as u64,
                    Width::W64 => semantics::constant::<u64>(ty, bits),
                });
            }
        }
        let mut planner =
            Planner { program, roots, last_use, places, free: Vec::new(), tiles: 0, spreads: Vec::new() };
        let stages: Vec<_> = (0..program.stages().len()).map(|i| planner.stage(i)).collect();
        let reductions = stages.iter().map(|s| s.reductions.len()).max().unwrap_or(0);
        Plan { program: program.clone(), stages, constants, tiles: planner.tiles as usize, reductions }
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }
}

impl Planner<'_> {
    fn stage(&mut self, index: usize) -> StagePlan {
        let stage = self.program.stages()[index].clone();
        let in_loop = stage.kind == StageKind::Loop;
        let mut plan = StagePlan {
            kind: stage.kind,
            before: Vec::new(),
            spreads: Vec::new(),
            steps: Vec::new(),
            reductions: Vec::new(),
        };
        // Tiles of loops that are through are free, but not those of this stage's slots and spreads, which the first
        // tile of elements must leave for the second.
        self.spreads.clear();
        let mut dense = Vec::new();
        // Slots first: no tile that a slot takes is ever taken by anything else.
        for id in stage.ops.clone() {
            let op = self.program.ops()[id as usize];
            let once_a_row = match op {
                Op::Const(..) => false,
                Op::Reduce(..) => true,
                Op::Load(arg) => !in_loop || self.program.args()[arg as usize].splat,
                Op::Column
                | Op::Store(..)
                | Op::While(_)
                | Op::Unary(..)
                | Op::Binary(..)
                | Op::Fma(..)
                | Op::Compare(..)
                | Op::Select(..) => !in_loop,
            };
            if once_a_row && self.roots[id as usize] == id && op.has_value() {
                let slot = self.fresh();
                self.places[id as usize] = Place::Slot(slot);
            }
        }
        for id in stage.ops.clone() {
            let op = self.program.ops()[id as usize];
            if matches!(op, Op::Const(..) | Op::Unary(Unary::Bits(_), _)) {
                continue;
            }
            let mut sources = [Source::Const(0); 3];
            let mut ty = self.program.ty(id);
            for (i, x) in op.operands().enumerate() {
                if i == 0 {
                    ty = self.program.ty(x);
                }
                sources[i] = self.source(x, in_loop);
            }
            let mut step = Step { op, ty, sources, out: u32::MAX, reduction: 0 };
            match (op, self.places[id as usize]) {
                (Op::Load(_), Place::Slot(slot)) if in_loop => {
                    step.out = slot;
                    plan.before.push(step);
                    continue;
                }
                (Op::Reduce(..), Place::Slot(slot)) => {
                    step.out = slot;
                    step.reduction = plan.reductions.len() as u32;
                    plan.reductions.push(step);
                }
                (Op::Store(..) | Op::While(_), _) => {}
                (_, Place::Slot(slot)) => step.out = slot,
                (_, Place::Nowhere | Place::Tile(_) | Place::Const(_)) => {
                    // Before the operands' tiles are free: no step writes what it reads.
                    let tile = self.free.pop().unwrap_or_else(|| self.fresh());
                    self.places[id as usize] = Place::Tile(tile);
                    dense.push(tile);
                    step.out = tile;
                }
            }
            plan.steps.push(step);
            for x in op.operands() {
                let root = self.roots[x as usize];
                if let Place::Tile(tile) = self.places[root as usize]
                    && self.last_use[root as usize] == id
                    && !self.free.contains(&tile)
                {
                    self.free.push(tile);
                }
            }
        }
        // What nobody read is free too, and so are the spreads.
        plan.spreads = self.spreads.clone();
        for tile in dense.into_iter().chain(plan.spreads.iter().map(|s| s.1)) {
            if !self.free.contains(&tile) {
                self.free.push(tile);
            }
        }
        plan
    }

    fn fresh(&mut self) -> u32 {
        self.tiles += 1;
        self.tiles - 1
    }

    fn source(&mut self, id: Id, in_loop: bool) -> Source {
        match self.places[self.roots[id as usize] as usize] {
            Place::Tile(tile) => Source::Tile(tile),
            Place::Const(i) => Source::Const(i),
            Place::Slot(slot) if !in_loop => Source::Row { slot, spread: u32::MAX },
            Place::Slot(slot) => {
                let known = self.spreads.iter().find(|s| s.0 == slot).map(|s| s.1);
                let spread = known.unwrap_or_else(|| {
                    let tile = self.fresh();
                    self.spreads.push((slot, tile));
                    tile
                });
                Source::Row { slot, spread }
            }
            Place::Nowhere => panic!("value {id} is read before it is made"),
        }
    }
}
