//! Programs rewritten for a target: what it has no instruction for is said in operations that it has, with the same
//! results to the bit. So emitters write one instruction for an operation.
//!
//! What always holds: a rewritten program has the arguments, the stages and the reductions of the original, and reads
//! and writes the same elements in the same order.

use super::ir::{Binary, Compare, Op, Program, Type, Unary, Width};
use super::{Builder, V};
use std::borrow::Cow;

/// The program in operations that AVX2 has.
///
/// Missing are: the scaling by a power of two; rotations; products, minima, maxima and arithmetic shifts of 64-bit
/// integers; conversions but those between `I32` and `F32`; comparisons of integers but `==` and, of signed ones, `>`.
pub fn avx2(program: &Program) -> Cow<'_, Program> {
    let misses = |op: &Op| misses(op, |id| program.ty(id));
    if program.ops().iter().any(misses) { Cow::Owned(rewritten(program)) } else { Cow::Borrowed(program) }
}

/// Whether AVX2 has no instruction for an operation.
fn misses(op: &Op, ty: impl Fn(u32) -> Type) -> bool {
    let is_long = |x: u32| matches!(ty(x), Type::I64 | Type::U64);
    match *op {
        Op::Unary(Unary::Not, x) => ty(x) == Type::Mask,
        Op::Unary(Unary::Shr(_), x) => ty(x) == Type::I64,
        Op::Unary(Unary::Rotl(_), _) => true,
        Op::Unary(Unary::Convert(to), x) => {
            !matches!((ty(x), to), (Type::I32, Type::F32) | (Type::F32, Type::I32))
        }
        Op::Unary(Unary::Sqrt | Unary::Round(_) | Unary::Shl(_) | Unary::Bits(_), _) => false,
        Op::Binary(Binary::Mul | Binary::Min | Binary::Max, x, _) => is_long(x),
        Op::Binary(Binary::Shr, x, _) => ty(x) == Type::I64,
        Op::Binary(Binary::Scale, ..) => true,
        Op::Binary(Binary::Add | Binary::Sub | Binary::MulLow | Binary::Div, ..) => false,
        Op::Binary(Binary::And | Binary::Or | Binary::Xor | Binary::Shl, ..) => false,
        Op::Compare(op, x, _) => {
            !(ty(x).is_float() || op == Compare::Eq || op == Compare::Gt && ty(x).is_signed())
        }
        Op::Const(..) | Op::Column | Op::Load(_) | Op::Store(..) | Op::While(_) => false,
        Op::Fma(..) | Op::Select(..) | Op::Reduce(..) => false,
    }
}

fn rewritten(program: &Program) -> Program {
    let b = Builder::new(program.width());
    for arg in program.args() {
        match arg.splat {
            true => b.splat_arg(arg.dtype),
            false => b.arg(arg.dtype),
        };
    }
    let n = program.ops().len();
    let mut rewriter = Avx2 { b: &b, values: Vec::with_capacity(n), negated: vec![None; n] };
    for stage in program.stages() {
        b.stage(stage.kind);
        for i in stage.ops.clone() {
            let value = rewriter.op(program.ops()[i as usize]);
            rewriter.values.push(value);
        }
    }
    b.finish()
}

struct Avx2<'b> {
    b: &'b Builder,
    /// What stands for each of the program's values.
    values: Vec<V<'b>>,
    /// For values that are the negation of a mask, that mask.
    negated: Vec<Option<V<'b>>>,
}

impl<'b> Avx2<'b> {
    fn op(&mut self, op: Op) -> V<'b> {
        let v = |id: u32| self.values[id as usize];
        match op {
            Op::Unary(unary, x) => self.unary(unary, v(x)),
            Op::Binary(binary, x, y) => self.binary(binary, v(x), v(y)),
            Op::Compare(compare, x, y) => self.compare(compare, v(x), v(y)),
            Op::Select(mask, x, y) => match self.negated[mask as usize] {
                Some(mask) => mask.select(v(y), v(x)),
                None => v(mask).select(v(x), v(y)),
            },
            Op::Const(..) | Op::Column | Op::Load(_) => self.b.push(op),
            Op::Store(..) | Op::While(_) | Op::Fma(..) | Op::Reduce(..) => self.b.push(op.map(|x| v(x).id())),
        }
    }

    /// A mask turned round; choices by it are made by the mask itself.
    fn not(&mut self, mask: V<'b>) -> V<'b> {
        self.negated[self.values.len()] = Some(mask);
        !mask
    }

    fn unary(&mut self, op: Unary, x: V<'b>) -> V<'b> {
        let keep = || self.b.push(Op::Unary(op, x.id()));
        match op {
            Unary::Sqrt | Unary::Round(_) | Unary::Shl(_) | Unary::Bits(_) => keep(),
            Unary::Not if x.ty() == Type::Mask => self.not(x),
            Unary::Not => keep(),
            Unary::Shr(n) if x.ty() == Type::I64 => {
                // The sign's place after the shift: turned round and subtracted it fills what is above.
                let sign = self.b.int((1u64 << (63 - n)) as i64);
                ((x.bits(Type::U64).shr(n).bits(Type::I64)) ^ sign) - sign
            }
            Unary::Shr(_) => keep(),
            Unary::Rotl(0) => x,
            Unary::Rotl(n) => x.shl(n) | x.shr(8 * self.b.width().bytes() as u8 - n),
            Unary::Convert(to) => match (x.ty(), to) {
                (Type::I32, Type::F32) | (Type::F32, Type::I32) => keep(),
                (Type::U32, _) => self.u32_to_f32(x),
                (Type::F32, _) => self.f32_to_u32(x),
                (Type::I64 | Type::U64, _) => self.long_to_f64(x),
                (Type::F64, to) => self.f64_to_long(x, to),
                (Type::I32 | Type::Mask, _) => unreachable!("{op:?} of {} passed the checks", x.ty()),
            },
        }
    }

    /// Both halves are exact, and their sum is rounded once.
    fn u32_to_f32(&self, x: V<'b>) -> V<'b> {
        let half = |x: V<'b>| x.bits(Type::I32).convert(Type::F32);
        half(x.shr(16)).fma(self.b.c(65536.0), half(x & self.b.uint(0xffff)))
    }

    /// From 2^31 on, that is subtracted before and put back after, as the sign bit.
    fn f32_to_u32(&self, x: V<'b>) -> V<'b> {
        let top = self.b.c(2f64.powi(31));
        let below = x.convert(Type::I32);
        let above = (x - top).convert(Type::I32) ^ self.b.int(i32::MIN as i64);
        let valid = x.gt(self.b.c(-1.0)) & x.lt(self.b.c(2f64.powi(32)));
        let result = valid.select(x.lt(top).select(below, above), self.b.int(-1));
        result.bits(Type::U32)
    }

    /// The low half's bits under the exponent of 2^52 are 2^52 more than it; the high half's, under that of 2^84, are
    /// 2^84 more than it (and 2^63 more, by its sign turned round). The first subtraction is exact.
    fn long_to_f64(&self, x: V<'b>) -> V<'b> {
        let b = self.b;
        let signed = x.ty() == Type::I64;
        let x = x.bits(Type::U64);
        let (two52, two84) = (2f64.powi(52), 2f64.powi(84));
        let low = (x & b.uint(u32::MAX as u64)) | b.uint(two52.to_bits());
        let (sign, shift) = if signed { (1 << 31, 2f64.powi(63)) } else { (0, 0.0) };
        let high = x.shr(32) ^ b.uint(two84.to_bits() | sign);
        (high.bits(Type::F64) - b.c(two84 + shift + two52)) + low.bits(Type::F64)
    }

    /// An integral float in halves of 32 bits, which become the low bits of larger floats.
    fn f64_to_long(&self, x: V<'b>, to: Type) -> V<'b> {
        use super::ir::Rounding::{Down, Zero};
        let b = self.b;
        let (least, end, other) = match to == Type::I64 {
            true => (-(2f64.powi(63)), 2f64.powi(63), b.bits(to, 1 << 63)),
            false => (0.0, 2f64.powi(64), b.bits(to, u64::MAX)),
        };
        let x = x.round(Zero);
        let high = (x * 2f64.powi(-32)).round(Down);
        let low = high.fnma(b.c(2f64.powi(32)), x);
        // Of the high half only the lowest 32 bits are kept, which are right of negative numbers too.
        let high = (high + 1.5 * 2f64.powi(52)).bits(Type::U64).shl(32);
        let low = (low + 2f64.powi(52)).bits(Type::U64) ^ b.uint(2f64.powi(52).to_bits());
        let valid = x.ge(b.c(least)) & x.lt(b.c(end));
        valid.select((high | low).bits(to), other)
    }

    fn binary(&self, op: Binary, x: V<'b>, y: V<'b>) -> V<'b> {
        let keep = || self.b.push(Op::Binary(op, x.id(), y.id()));
        let long = matches!(x.ty(), Type::I64 | Type::U64);
        match op {
            Binary::Add | Binary::Sub | Binary::MulLow | Binary::Div => keep(),
            Binary::And | Binary::Or | Binary::Xor | Binary::Shl => keep(),
            Binary::Mul if long => {
                let (ty, x, y) = (x.ty(), x.bits(Type::U64), y.bits(Type::U64));
                let mixed = x.shr(32).mul_low(y) + y.shr(32).mul_low(x);
                (mixed.shl(32) + x.mul_low(y)).bits(ty)
            }
            Binary::Mul => keep(),
            Binary::Min if long => self.ordered(y).gt(self.ordered(x)).select(x, y),
            Binary::Max if long => self.ordered(x).gt(self.ordered(y)).select(x, y),
            Binary::Min | Binary::Max => keep(),
            Binary::Shr if x.ty() == Type::I64 => {
                // Of a negative number the complement is shifted, which is not negative.
                let zero = self.b.int(0);
                let sign = zero.gt(x).select(self.b.int(-1), zero);
                let shifted = (x ^ sign).bits(Type::U64).shr_by(y.bits(Type::U64));
                shifted.bits(Type::I64) ^ sign
            }
            Binary::Shr => keep(),
            Binary::Scale => self.scale(x, y),
        }
    }

    /// Two products: the exponent's part that is a normal float's comes last, so that only the last product rounds to
    /// what is not 0 (compare `float_scale` in `semantics`).
    fn scale(&self, x: V<'b>, n: V<'b>) -> V<'b> {
        let b = self.b;
        let (mantissa, bias) = match b.width() {
            Width::W32 => (23u8, 127.0),
            Width::W64 => (52u8, 1023.0),
        };
        // The sum's lowest bits are the exponent's.
        let magic = 1.5 * 2f64.powi(mantissa as i32) + bias;
        let power = |n: V<'b>| (n + magic).to_bits().shl(mantissa).from_bits();
        let most = n.min(b.c(bias)).max(b.c(1.0 - bias));
        x * power(n - most) * power(most)
    }

    /// An integer as a signed one in the same order.
    fn ordered(&self, x: V<'b>) -> V<'b> {
        let signed = self.b.width().signed();
        match x.ty().is_signed() {
            true => x,
            false => (x ^ self.b.uint(1 << (8 * self.b.width().bytes() - 1))).bits(signed),
        }
    }

    fn compare(&mut self, op: Compare, x: V<'b>, y: V<'b>) -> V<'b> {
        if x.ty().is_float() {
            return self.b.push(Op::Compare(op, x.id(), y.id()));
        }
        let (a, b) = (self.ordered(x), self.ordered(y));
        match op {
            Compare::Eq => x.eq(y),
            Compare::Ne => self.not(x.eq(y)),
            Compare::Gt => a.gt(b),
            Compare::Lt => b.gt(a),
            Compare::Le => self.not(a.gt(b)),
            Compare::Ge => self.not(b.gt(a)),
        }
    }
}
