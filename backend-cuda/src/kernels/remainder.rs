//! Quotients and remainders of integers, and remainders of floats: what the language of formulas lacks, by the device's own integer
//! division.
//!
//! What always holds: no device divides by 0, nor the lowest integer by -1, of which each makes something else. The remainder of
//! floats is exact: it is found as that of their digits, as integers, a few at a time.

use super::Queue;
use crate::data::{Buffer, GpuData, Storage, data};
use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, U32, Val, of, ops};
use crate::queue::{Code, queue};
use cubecl::ir::{Bitwise, Builtin, Comparison};
use cubecl::prelude::Runtime;
use plywood_core::{DType, TensorType, Value, Values};
use plywood_kernel::{Type, Width};
use std::sync::Arc;

/// Units of a cube.
const UNITS: u32 = 256;

/// The quotient, or the remainder, of elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    dtype: DType,
    remainder: bool,
    bf16: Stored,
}

/// x / y of integers.
pub fn quotient<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values) -> Value {
    elements(queue, ty, x, false)
}

/// The rest of x / y, with the sign of x.
pub fn remainder<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values) -> Value {
    elements(queue, ty, x, true)
}

fn elements<R: Runtime>(of: &Queue<'_, R>, ty: TensorType, x: Values, remainder: bool) -> Value {
    let bf16 = of.client.facts.bf16;
    let elem = crate::emit::of(memory::elem(ty.dtype, bf16), 1);
    let result = of.empty(&ty);
    let number = |n: usize| u32::try_from(n).unwrap_or_else(|_| panic!("{}: {n} elements", of.client.device));
    let mut arguments: Vec<(Buffer, u32)> = Vec::new();
    for x in x {
        let x = of.contiguous(x);
        let GpuData { layout, storage: Storage::Device(buffer), .. } = data(&x) else {
            unreachable!("it is in memory")
        };
        arguments.push((buffer.clone(), number(layout.offset)));
    }
    let [(x, first_x), (y, first_y)] = &arguments[..] else { unreachable!("two inputs") };
    let n = ty.elements();
    let numbers = [number(n), *first_x, *first_y];
    let code = Arc::new(Key { dtype: ty.dtype, remainder, bf16 });
    let cubes = n.div_ceil(UNITS as usize);
    queue(of.client, "remainder", code, &[(x, elem), (y, elem), (&result, elem)], &numbers, UNITS, cubes);
    of.filled(ty, result)
}

impl Code for Key {
    fn write(&self, mut e: Emit) -> Emit {
        let elem = of(memory::elem(self.dtype, self.bf16), 1);
        let (x, y, to) = (e.input(elem), e.input(elem), e.output(elem));
        let [n, first_x, first_y] = [(); 3].map(|()| e.scalar(U32));
        let position = e.builtin(Builtin::AbsolutePos);
        let inside = e.compare(Comparison::Lower, position, n);
        e.when(inside, |e| {
            let lanes = Type::of(self.dtype, Width::of(self.dtype)).expect("it is as wide");
            let load = |e: &mut Emit, list: Val, first: Val| {
                let place = e.add(position, first);
                let x = e.load(list, place);
                memory::widen(e, self.dtype, x, lanes)
            };
            let (x, y) = (load(e, x, first_x), load(e, y, first_y));
            let result = match lanes {
                Type::F32 | Type::F64 => Digits::new(lanes).remainder(e, x, y),
                Type::I32 | Type::I64 => signed(e, lanes, x, y, self.remainder),
                Type::U32 | Type::U64 => unsigned(e, lanes, x, y, self.remainder),
                Type::Mask => unreachable!("the shape rule lets no bool here"),
            };
            let result = memory::narrow(e, self.dtype, self.bf16, result, lanes);
            e.store(to, position, result);
        });
        e
    }
}

/// Of unsigned integers: by 0 all bits, and x is left.
fn unsigned(e: &mut Emit, ty: Type, x: Val, y: Val, remainder: bool) -> Val {
    let [zero, one, ones] = [0, 1, u64::MAX].map(|n| word(e, ty, n));
    let by_zero = e.compare(Comparison::Equal, y, zero);
    let safe = e.select(by_zero, one, y);
    match remainder {
        true => {
            let rest = e.rem(x, safe);
            e.select(by_zero, x, rest)
        }
        false => {
            let quotient = e.div(x, safe);
            e.select(by_zero, ones, quotient)
        }
    }
}

/// Of signed integers, by that of their sizes: the lowest integer has a size as an unsigned one.
fn signed(e: &mut Emit, ty: Type, x: Val, y: Val, remainder: bool) -> Val {
    let wide = if ty == Type::I32 { Type::U32 } else { Type::U64 };
    let none = word(e, wide, 0);
    let opposite = |e: &mut Emit, mask: Val, x: Val| {
        let other = e.sub(none, x);
        e.select(mask, other, x)
    };
    let zero = word(e, ty, 0);
    let size = |e: &mut Emit, x: Val| {
        let negative = e.compare(Comparison::Lower, x, zero);
        let x = e.bits(x, ops::elem(wide));
        (negative, opposite(e, negative, x))
    };
    let ((x_negative, x_size), (y_negative, y_size)) = (size(e, x), size(e, y));
    let result = unsigned(e, wide, x_size, y_size, remainder);
    let result = match remainder {
        true => opposite(e, x_negative, result),
        false => {
            // By 0 there is -1, whatever the signs.
            let different = e.compare(Comparison::NotEqual, x_negative, y_negative);
            let by_zero = e.compare(Comparison::Equal, y, zero);
            let some = e.not(by_zero);
            let turns = e.and(different, some);
            opposite(e, turns, result)
        }
    };
    e.bits(result, ops::elem(ty))
}

/// An integer of a type, by its bits.
fn word(e: &mut Emit, ty: Type, bits: u64) -> Val {
    let bits = if ty.width() == Some(Width::W32) { bits & u32::MAX as u64 } else { bits };
    ops::constant(e, ty, bits)
}

/// A format of floats.
struct Digits {
    float: Type,
    word: Type,
    /// Bits of the fraction, and of all.
    fraction: u8,
    bits: u8,
}

impl Digits {
    fn new(float: Type) -> Digits {
        match float {
            Type::F32 => Digits { float, word: Type::U32, fraction: 23, bits: 32 },
            _ => Digits { float, word: Type::U64, fraction: 52, bits: 64 },
        }
    }

    fn number(&self, e: &mut Emit, n: u64) -> Val {
        word(e, self.word, n)
    }

    /// The digits of a float without its sign as an integer, and its exponent, from 1.
    fn parts(&self, e: &mut Emit, size: Val) -> (Val, Val) {
        let shift = self.number(e, self.fraction as u64);
        let [zero, one, unit] = [0, 1, 1 << self.fraction].map(|n| self.number(e, n));
        let mask = self.number(e, (1 << self.fraction) - 1);
        let exponent = e.bitwise(Bitwise::ShiftRight, size, shift);
        let fraction = e.bitwise(Bitwise::BitwiseAnd, size, mask);
        let subnormal = e.compare(Comparison::Equal, exponent, zero);
        let normal = e.bitwise(Bitwise::BitwiseOr, fraction, unit);
        (e.select(subnormal, fraction, normal), e.select(subnormal, one, exponent))
    }

    /// Both have digits times a power of two: with x = m 2^d, y = n in units of y's last digit, the rest of m 2^d by n, where 2^d
    /// is multiplied in by as many digits at a time as the word has room for.
    fn remainder(&self, e: &mut Emit, x: Val, y: Val) -> Val {
        let elem = ops::elem(self.word);
        let (x, y) = (e.bits(x, elem), e.bits(y, elem));
        let magnitude = self.number(e, u64::MAX >> (65 - self.bits as u32));
        let infinite =
            self.number(e, (u64::MAX >> (65 - self.bits as u32)) >> self.fraction << self.fraction);
        let [zero, one] = [0, 1].map(|n| self.number(e, n));
        let x_size = e.bitwise(Bitwise::BitwiseAnd, x, magnitude);
        let y_size = e.bitwise(Bitwise::BitwiseAnd, y, magnitude);
        let sign = e.bitwise(Bitwise::BitwiseXor, x, x_size);
        let ((m, x_exponent), (n, y_exponent)) = (self.parts(e, x_size), self.parts(e, y_size));
        let none = e.compare(Comparison::Equal, n, zero);
        let n = e.select(none, one, n);
        // Of a smaller x nothing is taken: its own bits are chosen in the end.
        let smaller = e.compare(Comparison::Lower, x_size, y_size);
        let distance = e.sub(x_exponent, y_exponent);
        let distance = e.select(smaller, zero, distance);
        let room = self.number(e, (self.bits - self.fraction - 1) as u64);
        let (times, left) = (e.div(distance, room), e.rem(distance, room));
        let rest = e.rem(m, n);
        let rest = e.variable(rest);
        let times = if elem == U32 { times } else { e.cast(times, U32) };
        let (from, step) = (e.index(0), e.index(1));
        let i = e.counter();
        e.open();
        let now = e.current(rest);
        let now = e.bitwise(Bitwise::ShiftLeft, now, room);
        let now = e.rem(now, n);
        e.assign(rest, now);
        e.close_range(i, from, times, step);
        let rest = e.current(rest);
        let rest = e.bitwise(Bitwise::ShiftLeft, rest, left);
        let rest = e.rem(rest, n);
        let size = self.joined(e, rest, y_exponent);
        let size = e.select(smaller, x_size, size);
        let result = e.bitwise(Bitwise::BitwiseOr, size, sign);
        // Infinite or NaN x, NaN y, and y = 0 have no remainder.
        let (x_out, y_out) = (
            e.compare(Comparison::GreaterEqual, x_size, infinite),
            e.compare(Comparison::Greater, y_size, infinite),
        );
        let out = e.or(x_out, y_out);
        let out = e.or(out, none);
        let quiet = self.number(
            e,
            (1 << (self.fraction - 1))
                | ((u64::MAX >> (65 - self.bits as u32)) >> self.fraction << self.fraction),
        );
        let result = e.select(out, quiet, result);
        e.bits(result, ops::elem(self.float))
    }

    /// Digits and an exponent as a float's bits: moved up as far as there is room and exponent.
    fn joined(&self, e: &mut Emit, digits: Val, exponent: Val) -> Val {
        let (mut digits, mut exponent) = (digits, exponent);
        for step in [32u8, 16, 8, 4, 2, 1].into_iter().filter(|&step| step <= self.fraction) {
            let bound = self.number(e, 1 << (self.fraction + 1 - step));
            let by = self.number(e, step as u64);
            let low = e.compare(Comparison::Lower, digits, bound);
            let enough = e.compare(Comparison::Greater, exponent, by);
            let moves = e.and(low, enough);
            let (moved, less) = (e.bitwise(Bitwise::ShiftLeft, digits, by), e.sub(exponent, by));
            (digits, exponent) = (e.select(moves, moved, digits), e.select(moves, less, exponent));
        }
        // The first digit of a normal number is one more in the exponent.
        let (one, shift) = (self.number(e, 1), self.number(e, self.fraction as u64));
        let exponent = e.sub(exponent, one);
        let exponent = e.bitwise(Bitwise::ShiftLeft, exponent, shift);
        let size = e.add(digits, exponent);
        let zero = self.number(e, 0);
        let none = e.compare(Comparison::Equal, digits, zero);
        e.select(none, zero, size)
    }
}
