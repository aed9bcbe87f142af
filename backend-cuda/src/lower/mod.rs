//! Programs of the kernel language as kernels: which unit computes which elements, and where it finds them.
//!
//! A program runs over rows and columns. Without reductions every unit takes a few columns of one row ([`flat`]). With them a row is
//! a unit's, where neighbouring rows lie side by side or rows are short, or a cube's ([`rows`]): its units take turns along the
//! columns and combine what they have, and keep their elements in registers where the row is short enough, so that each element is
//! read once and written once.
//!
//! What a kernel is compiled for is its [`Key`]: the program, how each argument is stepped through, and the division of work.
//! Sizes, strides and offsets are numbers of the launch.

pub mod address;
mod flat;
mod rows;

use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, U32, Val, of, ops};
use crate::queue::Code;
use cubecl::ir::{BinaryOperator, Comparison};
use plywood_kernel::ir::{Arg, ArgId, Id, Op, Program};
use plywood_kernel::{Type, Width};
use smallvec::SmallVec;
use std::sync::Arc;

/// How an argument's elements of neighbouring columns lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Along {
    /// Side by side, and so that as many as a unit takes at a time can be loaded at once.
    Line,
    /// One for all columns.
    Same,
    /// Apart by a number of the launch.
    Apart,
    /// Not in memory: one number, which the launch gives.
    Number,
}

/// Who computes a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Work {
    /// Units take a few columns each; nothing is reduced.
    Flat,
    /// A unit takes a whole row.
    Unit,
    /// A cube of so many units, a power of two, takes a row.
    Cube {
        /// Its units.
        units: u32,
        /// How many times each unit takes columns, which it then keeps in registers; 0 where the row is too long for that.
        kept: u32,
        /// Whether that is exactly the row.
        exact: bool,
        /// How many units exchange values without shared memory: a power of two; 1 where the hardware cannot.
        plane: u32,
    },
}

/// All that a kernel's code depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// What is computed.
    pub program: Arc<Program>,
    /// For each argument.
    pub along: SmallVec<[Along; 8]>,
    /// Loops around the columns.
    pub levels: usize,
    /// Loops that the columns are counted in; where there are several, nothing lies in line.
    pub inner: usize,
    /// How many columns a unit takes at a time.
    pub vector: usize,
    /// The division of work.
    pub work: Work,
    /// How a bf16 is stored.
    pub bf16: Stored,
}

/// The numbers of a launch, in the order in which kernels ask for them.
#[derive(Clone, Debug, Default)]
pub struct Numbers(pub SmallVec<[u32; 32]>);

/// An argument in a kernel.
enum Argument {
    Memory(Box<address::Place>),
    /// A number, in lanes.
    Number(Val),
}

/// A kernel while it is written.
struct Writer<'a> {
    e: Emit,
    key: &'a Key,
    /// Of rows, and of columns (in vectors).
    rows: Val,
    columns: Val,
    /// Sizes of the loops around the columns, outermost first.
    sizes: SmallVec<[Val; 4]>,
    /// Sizes of the loops that the columns are counted in, outermost first.
    inner: SmallVec<[Val; 4]>,
    args: Vec<Argument>,
}

impl Code for Key {
    fn write(&self, e: Emit) -> Emit {
        let mut w = Writer::new(e, self);
        match self.work {
            Work::Flat => flat::write(&mut w),
            Work::Unit => rows::by_unit(&mut w),
            Work::Cube { units, kept, exact, plane } => {
                rows::by_cube(&mut w, rows::Cube { units, kept, exact, plane })
            }
        }
        w.e
    }

    #[cfg(feature = "offline")]
    fn moves(&self) -> Option<crate::offline::Moves> {
        let turns = match self.work {
            Work::Flat => 1,
            Work::Cube { kept, .. } if kept > 0 => kept as usize,
            Work::Cube { .. } | Work::Unit => return None,
        };
        let mut moves = crate::offline::Moves::default();
        for (i, arg) in self.program.args().iter().enumerate() {
            let each = match (self.along[i], arg.splat) {
                (Along::Number, _) => continue,
                (_, true) => 1,
                (Along::Line | Along::Same, false) => turns,
                (Along::Apart, false) => turns * self.vector,
            };
            let ops = || self.program.ops().iter();
            moves.loads += each * ops().any(|op| matches!(op, Op::Load(arg) if *arg == i as ArgId)) as usize;
            moves.stores +=
                each * ops().any(|op| matches!(op, Op::Store(arg, _) if *arg == i as ArgId)) as usize;
        }
        Some(moves)
    }
}

impl Key {
    /// The elements' type of an argument, so many at a time.
    fn elem(&self, arg: ArgId) -> cubecl::ir::Type {
        let lanes = if self.along[arg as usize] == Along::Line { self.vector } else { 1 };
        of(memory::elem(self.program.args()[arg as usize].dtype, self.bf16), lanes)
    }
}

impl<'a> Writer<'a> {
    /// Declares arguments and numbers.
    fn new(mut e: Emit, key: &'a Key) -> Writer<'a> {
        let lists: Vec<Option<Val>> = (0..key.program.args().len() as ArgId)
            .map(|arg| match key.along[arg as usize] {
                Along::Number => None,
                _ if key.program.writes(arg) => Some(e.output(key.elem(arg))),
                _ => Some(e.input(key.elem(arg))),
            })
            .collect();
        let (rows, columns) = (e.scalar(U32), e.scalar(U32));
        let sizes = (0..key.levels).map(|_| e.scalar(U32)).collect();
        let inner = (0..key.inner).map(|_| e.scalar(U32)).collect();
        let args = lists.iter().enumerate().map(|(arg, list)| match list {
            Some(list) => Argument::Memory(Box::new(address::Place::new(&mut e, *list, arg, key))),
            None => Argument::Number(number(&mut e, key.program.args()[arg], key.program.width())),
        });
        let args = args.collect();
        Writer { e, key, rows, columns, sizes, inner, args }
    }

    fn program(&self) -> &'a Program {
        &self.key.program
    }

    /// A value of an operation that is neither a load, a store nor a reduction. `column` is counted in vectors.
    fn computed(&mut self, id: Id, column: Option<Val>, value: &dyn Fn(Id) -> Val) -> Val {
        match self.program().ops()[id as usize] {
            Op::Column => self.column(column.expect("only loops count columns")),
            _ => ops::compute(&mut self.e, &self.key.program, id, value),
        }
    }

    /// The numbers of the columns at work, in the lanes' unsigned type.
    fn column(&mut self, column: Val) -> Val {
        let e = &mut self.e;
        let lane = ops::elem(self.key.program.width().unsigned());
        let start = match self.key.vector {
            1 => column,
            n => {
                let n = e.index(n);
                e.mul(column, n)
            }
        };
        let start = if lane == U32 { start } else { e.cast(start, lane) };
        let each = (0..self.key.vector)
            .map(|i| {
                let i = e.constant(of(lane, 1), i as u64);
                e.add(start, i)
            })
            .collect();
        e.vector(each)
    }

    /// What lies at the place of an argument for these columns, in lanes.
    fn load(&mut self, arg: ArgId, at: &address::At, column: Val) -> Val {
        let Arg { dtype, .. } = self.program().args()[arg as usize];
        let place = match &self.args[arg as usize] {
            Argument::Number(x) => return *x,
            Argument::Memory(place) => place,
        };
        let to = Type::of(dtype, self.program().width()).expect("the program was checked");
        let x = match place.along {
            Along::Line | Along::Same => {
                let index = place.index(&mut self.e, at, column);
                self.e.load(place.list, index)
            }
            Along::Apart | Along::Number => {
                let each = (0..self.key.vector)
                    .map(|i| {
                        let index = place.apart(&mut self.e, at, column, i, self.key.vector, &self.inner);
                        self.e.load(place.list, index)
                    })
                    .collect();
                self.e.vector(each)
            }
        };
        memory::widen(&mut self.e, dtype, x, to)
    }

    /// Writes the elements of an argument for these columns.
    fn store(&mut self, arg: ArgId, at: &address::At, column: Val, value: Val, from: Id) {
        let Arg { dtype, .. } = self.program().args()[arg as usize];
        let x = memory::narrow(&mut self.e, dtype, self.key.bf16, value, self.key.program.ty(from));
        let Argument::Memory(place) = &self.args[arg as usize] else {
            unreachable!("a number is not written")
        };
        match place.along {
            Along::Line => {
                let x = self.e.repeated(x, self.key.vector);
                let index = place.index(&mut self.e, at, column);
                self.e.store(place.list, index, x);
            }
            Along::Same => {
                let index = place.index(&mut self.e, at, column);
                self.e.store(place.list, index, x);
            }
            Along::Apart | Along::Number => {
                for i in 0..self.key.vector {
                    let index = place.apart(&mut self.e, at, column, i, self.key.vector, &self.inner);
                    let x = self.e.component(x, i);
                    self.e.store(place.list, index, x);
                }
            }
        }
    }

    /// What is done where a position is below a bound.
    fn below(&mut self, position: Val, bound: Val, body: impl FnOnce(&mut Self)) {
        let inside = self.e.compare(|x: BinaryOperator| Comparison::Lower(x), position, bound);
        self.when(inside, body);
    }

    fn when(&mut self, mask: Val, body: impl FnOnce(&mut Self)) {
        self.e.open();
        body(self);
        self.e.close_when(mask);
    }

    fn range(&mut self, start: Val, end: Val, step: Val, body: impl FnOnce(&mut Self, Val)) {
        let i = self.e.counter();
        self.e.open();
        body(self, i);
        self.e.close_range(i, start, end, step);
    }
}

/// A number of the launch in lanes, from its words.
pub fn number(e: &mut Emit, arg: Arg, width: Width) -> Val {
    let ty = Type::of(arg.dtype, width).expect("the program was checked");
    let low = e.scalar(U32);
    let word = match width {
        Width::W32 => low,
        Width::W64 => {
            let high = e.scalar(U32);
            let wide = ops::elem(Type::U64);
            let (low, high) = (e.cast(low, wide), e.cast(high, wide));
            let shift = e.constant(of(wide, 1), 32u64);
            let high = e.bitwise(cubecl::ir::Bitwise::ShiftLeft, high, shift);
            e.bitwise(cubecl::ir::Bitwise::BitwiseOr, low, high)
        }
    };
    match ty {
        Type::Mask => {
            let zero = e.constant(of(word.elem_type(), 1), 0u64);
            e.compare(|x: BinaryOperator| Comparison::NotEqual(x), word, zero)
        }
        _ => e.bits(word, ops::elem(ty)),
    }
}
