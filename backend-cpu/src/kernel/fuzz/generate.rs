//! Random programs: of all operations and types, with stages, reductions, splats, and arguments that are one place.

use super::promise;
use super::values::{Kind, Rng};
use crate::kernel::ir::{Arg, Binary, Compare, Fma, Op, Program, Reduce, Rounding, StageKind, Type, Unary};
use crate::kernel::{Builder, MAX_ARGS, V, Width};
use plywood_core::DType;

/// A program and how it is called.
#[derive(Clone, Debug)]
pub struct Case {
    pub seed: u64,
    pub program: Program,
    pub rows: usize,
    pub columns: usize,
    pub first: usize,
    pub places: Vec<Place>,
    /// Whether the guard page lies behind the arguments, and not before them.
    pub guard_behind: bool,
}

/// Where an argument lies.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Place {
    /// The argument whose memory it is: itself, or an earlier one.
    pub of: usize,
    /// Bytes from row to row.
    pub stride: isize,
    pub kind: Kind,
}

/// The most elements of an argument.
const MOST: usize = 12_000;

impl Case {
    pub fn random(seed: u64) -> Case {
        let mut rng = Rng(seed.wrapping_mul(0x2545_f491_4f6c_dd1d));
        let program = program(&mut rng);
        assert!(promise::is_kept(&program), "seed {seed}: {program}");
        let columns = match rng.below(20) {
            0 => 0,
            1..=6 => 1 + rng.below(17),
            7..=14 => rng.below(200),
            15..=18 => 64 * (1 + rng.below(4)) + rng.pick(&[0, 0, 1, 63]),
            _ => 1000 + rng.below(1200),
        };
        let rows = match rng.below(20) {
            0..=8 => 1,
            9..=17 => 2 + rng.below(4),
            _ => 2 + rng.below(70),
        };
        let rows = rows.min(MOST / (columns + 3)).max(1);
        let first = match rng.below(3) {
            0 => 0,
            1 => rng.below(1000),
            _ => (u32::MAX as usize).wrapping_sub(rng.below(300)),
        };
        let mut places: Vec<Place> = Vec::new();
        for (n, &arg) in program.args().iter().enumerate() {
            let twin = (0..n).rfind(|&m| program.args()[m] == arg && places[m].of == m);
            let place = match twin {
                Some(m) if rng.one_in(2) && aliases(&program, &places, m, n) => Place { ..places[m] },
                _ => Place {
                    of: n,
                    stride: stride(&mut rng, arg, columns, program.writes(n as u8)),
                    kind: rng.pick(&[Kind::Special, Kind::Ordinary]),
                },
            };
            places.push(place);
        }
        Case { seed, program, rows, columns, first, places, guard_behind: rng.one_in(2) }
    }
}

/// Whether two arguments may be one place: what is written must not lie in rows that overlap.
fn aliases(program: &Program, places: &[Place], m: usize, n: usize) -> bool {
    let args = program.args();
    let overlaps = places[m].stride == args[m].dtype.size() as isize && !args[m].splat;
    !(overlaps && program.writes(n as u8))
}

fn stride(rng: &mut Rng, arg: Arg, columns: usize, written: bool) -> isize {
    let columns = if arg.splat { 1 } else { columns };
    let size = arg.dtype.size() as isize;
    let dense = columns as isize * size;
    match rng.below(8) {
        0..=2 => dense,
        3 => dense + size,
        4 => -dense,
        5 => -dense - 3 * size,
        6 if !written => size,
        _ => 0,
    }
}

struct Gen<'b> {
    rng: &'b mut Rng,
    b: &'b Builder,
    kind: StageKind,
    args: Vec<Arg>,
    /// Values that may be read now.
    values: Vec<V<'b>>,
    most_args: usize,
}

fn program(rng: &mut Rng) -> Program {
    let width = rng.pick(&[Width::W32, Width::W64]);
    let b = Builder::new(width);
    generate(rng, &b);
    b.finish()
}

fn generate(rng: &mut Rng, b: &Builder) {
    let most_args = if rng.one_in(8) { MAX_ARGS - 4 } else { 8 };
    let stages = rng.pick(&[1, 1, 2, 3, 5]);
    // Now and then more values than there are registers.
    let most_ops = rng.pick(&[4, 10, 20, 60]);
    let mut g = Gen { rng, b, kind: StageKind::Loop, args: Vec::new(), values: Vec::new(), most_args };
    let mut all: Vec<V<'_>> = Vec::new();
    for _ in 0..stages {
        let kind = if g.rng.one_in(3) { StageKind::Row } else { StageKind::Loop };
        g.begin(kind, &all);
        let old = g.values.len();
        for _ in 0..1 + g.rng.below(most_ops) {
            g.op();
        }
        all.extend(&g.values[old..]);
        if g.kind == StageKind::Loop {
            for _ in 0..g.rng.pick(&[0, 1, 1, 2]) {
                all.extend(g.reduction());
            }
        }
        if g.kind == StageKind::Row && g.rng.one_in(6) {
            let mask = g.of(Type::Mask);
            g.b.go_on_while(mask);
        }
        for _ in 0..1 + g.rng.below(3) {
            g.store();
        }
    }
    g.begin(StageKind::Row, &all);
    for _ in 0..g.values.len().min(3) {
        g.store();
    }
    g.begin(StageKind::Loop, &all);
    g.store();
}

/// The type in memory that holds a lane as it is, or a narrower one.
fn memory(rng: &mut Rng, ty: Type) -> DType {
    let fits: Vec<DType> = DType::ALL.into_iter().filter(|&d| plywood_kernel::storable(d, ty)).collect();
    let width = ty.width();
    let fits: Vec<DType> = fits.into_iter().filter(|&d| width.is_none_or(|w| Width::of(d) <= w)).collect();
    rng.pick(&fits)
}

impl<'b> Gen<'b> {
    fn width(&self) -> Width {
        self.b.width()
    }

    fn ty(&mut self) -> Type {
        let w = self.width();
        self.rng.pick(&[w.float(), w.float(), w.signed(), w.unsigned(), Type::Mask])
    }

    /// Starts a stage, which reads what of all values earlier stages leave to it.
    fn begin(&mut self, kind: StageKind, all: &[V<'b>]) {
        self.kind = kind;
        self.b.stage(kind);
        let is_visible = |v: &&V<'b>| match v.ty() {
            Type::Mask => self.b.fits(Op::Unary(Unary::Not, v.id())),
            ty => self.b.fits(Op::Unary(Unary::Bits(ty), v.id())),
        };
        self.values = all.iter().filter(is_visible).copied().collect();
    }

    /// A value, more often a late one.
    fn value(&mut self) -> V<'b> {
        if self.values.is_empty() {
            return self.load();
        }
        let n = self.values.len();
        match self.rng.one_in(2) {
            true => self.values[n - 1 - self.rng.below(n.min(6))],
            false => self.values[self.rng.below(n)],
        }
    }

    /// A value of this type; a constant where there is none, and sometimes else.
    fn of(&mut self, ty: Type) -> V<'b> {
        let fits: Vec<V<'b>> = self.values.iter().copied().filter(|v| v.ty() == ty).collect();
        if fits.is_empty() || self.rng.one_in(10) {
            return self.constant(ty);
        }
        self.rng.pick(&fits)
    }

    fn constant(&mut self, ty: Type) -> V<'b> {
        let kind = self.rng.pick(&[Kind::Special, Kind::Ordinary]);
        let dtype = match ty {
            Type::F32 => DType::F32,
            Type::I32 => DType::I32,
            Type::U32 => DType::U32,
            Type::F64 => DType::F64,
            Type::I64 => DType::I64,
            Type::U64 => DType::U64,
            Type::Mask => DType::Bool,
        };
        self.b.bits(ty, super::values::element(dtype, kind, self.rng.next()))
    }

    /// An argument that may be loaded here, and is maybe new.
    fn load(&mut self) -> V<'b> {
        let row = self.kind == StageKind::Row;
        let fits: Vec<u8> =
            (0..self.args.len()).filter(|&n| !row || self.args[n].splat).map(|n| n as u8).collect();
        if !fits.is_empty() && (self.args.len() >= self.most_args || self.rng.one_in(2)) {
            let arg = self.rng.pick(&fits);
            return self.b.load(arg);
        }
        if self.args.len() >= self.most_args {
            let ty = self.ty();
            return self.constant(ty);
        }
        let width = self.width();
        let all: Vec<DType> = DType::ALL.into_iter().filter(|&d| Width::of(d) <= width).collect();
        let dtype = self.rng.pick(&all);
        let splat = row || self.rng.one_in(5);
        let arg = self.declare(Arg { dtype, splat });
        self.b.load(arg)
    }

    fn declare(&mut self, arg: Arg) -> u8 {
        self.args.push(arg);
        if arg.splat { self.b.splat_arg(arg.dtype) } else { self.b.arg(arg.dtype) }
    }

    /// Stores a value, to an argument that is there already or to a new one.
    fn store(&mut self) {
        let v = self.value();
        let splat = self.kind == StageKind::Row;
        let fits = |a: &Arg| a.splat == splat && plywood_kernel::storable(a.dtype, v.ty());
        let old: Vec<u8> = (0..self.args.len()).filter(|&n| fits(&self.args[n])).map(|n| n as u8).collect();
        // One place is kept for the program's last store.
        let full = self.args.len() + 1 >= MAX_ARGS;
        let arg = match !old.is_empty() && (full || self.rng.one_in(4)) {
            true => self.rng.pick(&old),
            false if self.args.len() < MAX_ARGS => {
                let dtype = memory(self.rng, v.ty());
                self.declare(Arg { dtype, splat })
            }
            false => return,
        };
        self.b.store(arg, v);
    }

    /// Without NaN, whose bits nobody knows.
    fn known(&mut self, x: V<'b>) -> V<'b> {
        let other = x.c(0.5);
        match self.rng.one_in(2) {
            true => x.eq(x).select(x, other),
            false => x.ne(x).select(other, x),
        }
    }

    fn operand(&mut self, x: V<'b>, op: Op) -> V<'b> {
        let looks = matches!(
            op,
            Op::Unary(Unary::Bits(_), _) | Op::Binary(Binary::And | Binary::Or | Binary::Xor, ..)
        );
        if looks && x.ty().is_float() { self.known(x) } else { x }
    }

    fn reduction(&mut self) -> Option<V<'b>> {
        use Reduce::{And, Max, Min, Or, Product, Sum, Xor};
        let op = self.rng.pick(&[Sum, Sum, Product, Max, Min, And, Or, Xor]);
        let v = self.value();
        self.b.try_push(Op::Reduce(op, v.id()))
    }

    fn op(&mut self) {
        for _ in 0..20 {
            if let Some(v) = self.try_op() {
                self.values.push(v);
                return;
            }
        }
    }

    fn try_op(&mut self) -> Option<V<'b>> {
        let bits = 8 * self.width().bytes();
        match self.rng.below(20) {
            0..=3 => Some(self.load()),
            4 => self.b.try_push(Op::Column),
            5 => {
                let ty = self.ty();
                Some(self.constant(ty))
            }
            6..=9 => {
                use Rounding::{Down, Nearest, Up, Zero};
                let n = self.rng.below(bits) as u8;
                let ty = self.ty();
                let op = self.rng.pick(&[
                    Unary::Sqrt,
                    Unary::Round(Nearest),
                    Unary::Round(Down),
                    Unary::Round(Up),
                    Unary::Round(Zero),
                    Unary::Not,
                    Unary::Shl(n),
                    Unary::Shr(n),
                    Unary::Rotl(n),
                    Unary::Convert(ty),
                    Unary::Convert(ty),
                    Unary::Bits(ty),
                    Unary::Bits(ty),
                ]);
                let x = self.value();
                self.b.fits(Op::Unary(op, x.id())).then_some(())?;
                let x = self.operand(x, Op::Unary(op, 0));
                self.b.try_push(Op::Unary(op, x.id()))
            }
            10..=14 => {
                use Binary::{Add, And, Div, Max, Min, Mul, MulLow, Or, Scale, Shl, Shr, Sub, Xor};
                let op =
                    self.rng.pick(&[Add, Sub, Mul, MulLow, Div, Min, Max, And, Or, Xor, Shl, Shr, Scale]);
                let x = self.value();
                let y = self.of(x.ty());
                self.b.fits(Op::Binary(op, x.id(), y.id())).then_some(())?;
                let y = match op {
                    Scale => {
                        let most = promise::most(y.ty());
                        y.c(most).min(y).max(y.c(-most)).round(Rounding::Nearest)
                    }
                    Xor if x.ty().is_float() && self.rng.one_in(2) => return Some(-x),
                    And if x.ty().is_float() && self.rng.one_in(2) => return Some(x.abs()),
                    _ => self.operand(y, Op::Binary(op, 0, 0)),
                };
                let x = self.operand(x, Op::Binary(op, 0, 0));
                self.b.try_push(Op::Binary(op, x.id(), y.id()))
            }
            15 | 16 => {
                let op = self.rng.pick(&[Fma::Add, Fma::Sub, Fma::Neg]);
                let x = self.of(self.width().float());
                let (y, z) = (self.of(x.ty()), self.of(x.ty()));
                self.b.try_push(Op::Fma(op, x.id(), y.id(), z.id()))
            }
            17 => {
                use Compare::{Eq, Ge, Gt, Le, Lt, Ne};
                let op = self.rng.pick(&[Lt, Le, Eq, Ne, Gt, Ge]);
                let x = self.value();
                let y = self.of(x.ty());
                self.b.try_push(Op::Compare(op, x.id(), y.id()))
            }
            _ => {
                let m = self.of(Type::Mask);
                let x = self.value();
                let y = self.of(x.ty());
                self.b.try_push(Op::Select(m.id(), x.id(), y.id()))
            }
        }
    }
}
