//! Element by element: single operations, operations with numbers, and the chains of activations.

use super::build::{Builder, Digits, Entry};
use super::program::{DTYPES, Instruction};
use plywood_core::op::{Binary, Bits, Compare, Special, SpecialFunction, Unary};
use plywood_core::{DType, Op, Shape, TensorType};

type Results = Option<Vec<Entry>>;

/// Numbers that fill tensors: neutral elements, their negatives, and others.
const NUMBERS: [f64; 12] = [1.0, 0.0, 2.0, 0.5, -1.0, -0.0, 3.0, 1e-3, 1.702, -2.5, 100.0, f64::INFINITY];

/// Functions after which more can follow: results of everyday size.
const TAME: [Unary; 12] = [
    Unary::Neg,
    Unary::Abs,
    Unary::Tanh,
    Unary::Sin,
    Unary::Logistic,
    Unary::Cos,
    Unary::Erf,
    Unary::Atan,
    Unary::Floor,
    Unary::Sign,
    Unary::Asinh,
    Unary::Cbrt,
];

pub(super) fn un(b: &Builder, unary: Unary, x: &Entry) -> Option<Entry> {
    b.one(Op::Unary(unary), &[x])
}

pub(super) fn bin(b: &Builder, binary: Binary, x: &Entry, y: &Entry) -> Option<Entry> {
    b.one(Op::Binary(binary), &[x, y])
}

/// With a number on its right.
pub(super) fn with(b: &Builder, binary: Binary, x: &Entry, number: f64) -> Option<Entry> {
    bin(b, binary, x, &b.full(number, x.ty())?)
}

fn takes(unary: Unary, dtype: DType) -> bool {
    dtype.is_float() || unary.takes_integers() && dtype.is_integer()
}

pub(super) fn unary(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let unary = match d.below(2) {
        0 => d.of(&TAME),
        _ => d.of(Unary::ALL),
    };
    let x = b.numeric(i.operands[0], &|dtype| takes(unary, dtype))?;
    b.op(Op::Unary(unary), &[&x])
}

fn arithmetic(d: &mut Digits) -> Binary {
    match d.below(2) {
        0 => d.of(&[Binary::Add, Binary::Mul, Binary::Sub, Binary::Max, Binary::Min]),
        _ => d.of(Binary::ALL),
    }
}

fn accepts(binary: Binary, dtype: DType) -> bool {
    match binary {
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => dtype != DType::Bool,
        Binary::Pow | Binary::Atan2 | Binary::NextAfter => dtype.is_float(),
        Binary::Max | Binary::Min => true,
    }
}

pub(super) fn binary(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let binary = arithmetic(d);
    let x = b.numeric(i.operands[0], &|dtype| accepts(binary, dtype))?;
    let y = b.partner(i.operands[1], x.ty())?;
    match d.below(2) {
        0 => b.op(Op::Binary(binary), &[&x, &y]),
        _ => b.op(Op::Binary(binary), &[&y, &x]),
    }
}

/// With a number, on either side.
pub(super) fn number(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let binary = arithmetic(d);
    let x = b.numeric(i.operands[0], &|dtype| accepts(binary, dtype))?;
    let number = b.full(d.of(&NUMBERS), x.ty())?;
    match d.below(3) {
        0 | 1 => b.op(Op::Binary(binary), &[&x, &number]),
        _ => b.op(Op::Binary(binary), &[&number, &x]),
    }
}

/// Several operations in a row, whose middle values others may read.
pub(super) fn chain(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.float(i.operands[0])?;
    match d.below(4) {
        // x sigmoid(1.702 x)
        0 => {
            let inner = with(b, Binary::Mul, &x, 1.702)?;
            let gate = un(b, Unary::Logistic, &inner)?;
            Some(vec![bin(b, Binary::Mul, &x, &gate)?, gate])
        }
        // gelu by tanh
        1 => {
            let cube = b.one(Op::IntegerPow { exponent: 3 }, &[&x])?;
            let sum = bin(b, Binary::Add, &x, &with(b, Binary::Mul, &cube, 0.044715)?)?;
            let t = un(b, Unary::Tanh, &with(b, Binary::Mul, &sum, 0.7978845608)?)?;
            let half = with(b, Binary::Mul, &x, 0.5)?;
            Some(vec![cube, bin(b, Binary::Mul, &half, &with(b, Binary::Add, &t, 1.0)?)?])
        }
        // (x - y)², and the same computed again
        2 => {
            let y = b.partner(i.operands[1], x.ty())?;
            let once = bin(b, Binary::Sub, &x, &y)?;
            let again = bin(b, Binary::Sub, &x, &y)?;
            Some(vec![bin(b, Binary::Mul, &once, &again)?, once])
        }
        // Several results of one operand, and a sum over all.
        _ => {
            let parts = [un(b, Unary::Sin, &x)?, un(b, Unary::Cos, &x)?, un(b, Unary::Square, &x)?];
            let sum = bin(b, Binary::Add, &parts[0], &bin(b, Binary::Mul, &parts[1], &parts[2])?)?;
            Some([&parts[..], &[sum]].concat())
        }
    }
}

pub(super) fn compare(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let compare = d.of(Compare::ALL);
    let x = b.pick(i.operands[0], |_| true)?;
    let y = match d.below(2) {
        0 => b.full(d.of(&NUMBERS), x.ty())?,
        _ => b.partner(i.operands[1], x.ty())?,
    };
    b.op(Op::Compare(compare), &[&x, &y])
}

pub(super) fn select(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.pick(i.operands[0], |_| true)?;
    let y = match d.below(2) {
        0 => b.partner(i.operands[1], x.ty())?,
        _ => b.full(d.of(&NUMBERS), x.ty())?,
    };
    let which = |dtype| x.ty().with_dtype(dtype);
    match d.below(4) {
        3 => {
            let which = b.partner(i.operands[2], &which(DType::I32))?;
            b.op(Op::Select, &[&which, &x, &y, &x])
        }
        order => {
            let which = b.partner(i.operands[2], &which(DType::Bool))?;
            let (x, y) = if order == 0 { (&x, &y) } else { (&y, &x) };
            b.op(Op::Select, &[&which, x, y])
        }
    }
}

pub(super) fn clamp(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.numeric(i.operands[0], &|dtype| dtype != DType::Bool)?;
    let bound = |b: &Builder, choice: u8, number: f64, d: &mut Digits| match d.below(2) {
        0 => b.full(number, x.ty()),
        _ => b.partner(choice, x.ty()),
    };
    let low = bound(b, i.operands[1], -1.0, d)?;
    let high = bound(b, i.operands[2], 2.0, d)?;
    b.op(Op::Clamp, &[&low, &x, &high])
}

pub(super) fn cast(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.pick(i.operands[0], |_| true)?;
    b.op(Op::Cast { dtype: d.of(DTYPES) }, &[&x])
}

pub(super) fn integer_pow(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.numeric(i.operands[0], &|dtype| dtype != DType::Bool)?;
    let exponent: i32 = d.of(&[2, 3, 0, 1, 5, -1, -2]);
    let exponent = if x.dtype().is_float() { exponent } else { exponent.abs() };
    b.op(Op::IntegerPow { exponent }, &[&x])
}

pub(super) fn reduce_precision(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.float(i.operands[0])?;
    let (exponent_bits, mantissa_bits) = d.of(&[(8, 7), (5, 10), (8, 23), (5, 2), (11, 52)]);
    b.op(Op::ReducePrecision { exponent_bits, mantissa_bits }, &[&x])
}

pub(super) fn bits(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let bits = d.of(Bits::ALL);
    let accept = |dtype: DType| dtype.is_integer() || dtype == DType::Bool && bits.takes_bool();
    let x = b.numeric(i.operands[0], &accept)?;
    match bits.arity() {
        1 => b.op(Op::Bits(bits), &[&x]),
        _ => b.op(Op::Bits(bits), &[&x, &b.partner(i.operands[1], x.ty())?]),
    }
}

pub(super) fn bitcast(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let x = b.numeric(i.operands[0], &|dtype| dtype != DType::Bool)?;
    let dtype = d.of(&DType::ALL);
    let (from, to) = (x.dtype().size(), dtype.size());
    if dtype == DType::Bool || from < to && x.shape().last() != Some(&(to / from)) {
        // To an integer of its size, which always fits.
        let same = |d: &DType| d.is_unsigned() && d.size() == from;
        return b.op(Op::Bitcast { dtype: DType::ALL.into_iter().find(same)? }, &[&x]);
    }
    b.op(Op::Bitcast { dtype }, &[&x])
}

/// On few elements: the series take time.
pub(super) fn special(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let function = d.of(SpecialFunction::ALL);
    let x = b.float(i.operands[0])?;
    let small: Shape = if x.ty().elements() > 100 { [5].into() } else { x.shape().clone() };
    let ty = TensorType::new(small, x.dtype());
    let x = b.fit(&x, &ty)?;
    let mut operands = vec![x];
    for k in 1..function.inputs() {
        operands.push(b.partner(i.operands[k], &ty)?);
    }
    b.op(Op::Special(Special::of(function)), &operands.iter().collect::<Vec<_>>())
}

pub(super) fn stop_gradient(b: &mut Builder, i: &Instruction, _: &mut Digits) -> Results {
    b.op(Op::StopGradient, &[&b.pick(i.operands[0], |_| true)?])
}

pub(super) fn name(b: &mut Builder, i: &Instruction, d: &mut Digits) -> Results {
    let name = d.of(&["kept", "other"]).into();
    b.op(Op::Name { name }, &[&b.pick(i.operands[0], |_| true)?])
}
