//! What the language says about single lanes, by tables.

use super::super::element::{f16_to_f32, f32_to_bf16, f32_to_f16};
use super::super::ir::{Binary, Compare, Id, Op, Type, Unary, Width};
use super::{Lane, With1, With2, With3, binary, compare, constant, fma, select, unary};
use half::{bf16, f16};

/// Applies the function it is given to these lanes.
struct Apply<L, const N: usize>([L; N]);

impl<L: Lane> With1<L> for Apply<L, 1> {
    type Out = L;
    #[inline(always)]
    fn with(self, f: impl Fn(L) -> L) -> L {
        f(self.0[0])
    }
}

impl<L: Lane> With2<L> for Apply<L, 2> {
    type Out = L;
    #[inline(always)]
    fn with(self, f: impl Fn(L, L) -> L) -> L {
        f(self.0[0], self.0[1])
    }
}

impl<L: Lane> With3<L> for Apply<L, 3> {
    type Out = L;
    #[inline(always)]
    fn with(self, f: impl Fn(L, L, L) -> L) -> L {
        f(self.0[0], self.0[1], self.0[2])
    }
}

/// One lane of the result of an operation on values alone, given the types of values and their lanes.
///
/// `None` for what depends on the place in the program or in memory: columns, loads, stores, reductions.
fn evaluate<L: Lane>(op: Op, ty: impl Fn(Id) -> Type, lane: impl Fn(Id) -> L) -> Option<L> {
    Some(match op {
        Op::Const(ty, bits) => constant(ty, bits),
        Op::Unary(op, a) => unary(op, ty(a), Apply([lane(a)])),
        Op::Binary(op, a, b) => binary(op, ty(a), Apply([lane(a), lane(b)])),
        Op::Fma(op, a, b, c) => fma(op, Apply([lane(a), lane(b), lane(c)])),
        Op::Compare(op, a, b) => compare(op, ty(a), Apply([lane(a), lane(b)])),
        Op::Select(a, b, c) => select(Apply([lane(a), lane(b), lane(c)])),
        Op::Column | Op::Load(_) | Op::Store(..) | Op::While(_) | Op::Reduce(..) => return None,
    })
}

/// The operation of lanes of one type.
fn apply<L: Lane>(op: Op, ty: Type, lanes: &[u64]) -> u64 {
    evaluate(op, |_| ty, |id| L::from_u64(lanes[id as usize])).expect("of values alone").to_u64()
}

fn f(x: f32) -> u64 {
    x.to_bits() as u64
}

fn d(x: f64) -> u64 {
    x.to_bits()
}

#[test]
fn floats_convert_to_integers_or_to_the_marks_of_what_does_not_fit() {
    let low = i32::MIN as u32 as u64;
    let cases: [(f32, u64, u64); 13] = [
        (0.0, 0, 0),
        (-0.0, 0, 0),
        (1.9, 1, 1),
        (-0.9, 0, 0),
        (-1.0, u32::MAX as u64, u32::MAX as u64),
        (-1.9, u32::MAX as u64, u32::MAX as u64),
        (2147483520.0, 2147483520, 2147483520),
        (2147483648.0, low, 2147483648),
        (-2147483648.0, low, u32::MAX as u64),
        (4294967040.0, low, 4294967040),
        (4294967296.0, low, u32::MAX as u64),
        (f32::NEG_INFINITY, low, u32::MAX as u64),
        (f32::NAN, low, u32::MAX as u64),
    ];
    for (x, signed, unsigned) in cases {
        let convert = |to| apply::<u32>(Op::Unary(Unary::Convert(to), 0), Type::F32, &[f(x)]);
        assert_eq!(convert(Type::I32), signed, "{x}");
        assert_eq!(convert(Type::U32), unsigned, "{x}");
    }
    let low = i64::MIN as u64;
    let cases: [(f64, u64, u64); 8] = [
        (-0.9, 0, 0),
        (-1.0, u64::MAX, u64::MAX),
        (9007199254740993.0, 9007199254740992, 9007199254740992),
        (9223372036854775808.0, low, 1 << 63),
        (-9223372036854775808.0, low, u64::MAX),
        (18446744073709549568.0, low, 18446744073709549568),
        (18446744073709551616.0, low, u64::MAX),
        (f64::NAN, low, u64::MAX),
    ];
    for (x, signed, unsigned) in cases {
        let convert = |to| apply::<u64>(Op::Unary(Unary::Convert(to), 0), Type::F64, &[d(x)]);
        assert_eq!(convert(Type::I64), signed, "{x}");
        assert_eq!(convert(Type::U64), unsigned, "{x}");
    }
}

#[test]
fn shifts_by_too_much_leave_nothing_but_the_sign() {
    let cases: [(Binary, Type, u64, u64, u64); 10] = [
        (Binary::Shl, Type::I32, 3, 31, 1 << 31),
        (Binary::Shl, Type::U32, 3, 32, 0),
        (Binary::Shl, Type::U32, 3, u32::MAX as u64, 0),
        (Binary::Shr, Type::U32, 1 << 31, 31, 1),
        (Binary::Shr, Type::U32, 1 << 31, 32, 0),
        (Binary::Shr, Type::I32, 1 << 31, 31, u32::MAX as u64),
        (Binary::Shr, Type::I32, 1 << 31, 32, u32::MAX as u64),
        (Binary::Shr, Type::I32, 1 << 30, u32::MAX as u64, 0),
        (Binary::Shr, Type::I64, 1 << 63, 64, u64::MAX),
        (Binary::Shr, Type::U64, 1 << 63, 1 << 40, 0),
    ];
    for (op, ty, a, b, want) in cases {
        let op = Op::Binary(op, 0, 1);
        let got = if ty.width() == Some(Width::W32) { apply::<u32> } else { apply::<u64> }(op, ty, &[a, b]);
        assert_eq!(got, want, "{op:?} of {ty:?} {a:#x} by {b}");
    }
}

#[test]
fn the_second_operand_of_min_and_max_keeps_a_nan() {
    let nan = f32::NAN;
    let cases = [
        (Binary::Min, 1.0, 2.0, 1.0),
        (Binary::Max, 1.0, 2.0, 2.0),
        (Binary::Min, nan, 2.0, 2.0),
        (Binary::Max, nan, 2.0, 2.0),
        (Binary::Min, 0.0, -0.0, -0.0),
        (Binary::Max, -0.0, 0.0, 0.0),
    ];
    for (op, a, b, want) in cases {
        assert_eq!(apply::<u32>(Op::Binary(op, 0, 1), Type::F32, &[f(a), f(b)]), f(want), "{op:?} {a} {b}");
    }
    for op in [Binary::Min, Binary::Max] {
        let got = apply::<u32>(Op::Binary(op, 0, 1), Type::F32, &[f(1.0), f(nan)]);
        assert!(f32::from_bits(got as u32).is_nan());
    }
}

#[test]
fn nan_compares_unequal_to_all_and_nothing_else() {
    let all = u32::MAX as u64;
    let cases = [
        (Compare::Lt, 0),
        (Compare::Le, 0),
        (Compare::Eq, 0),
        (Compare::Ne, all),
        (Compare::Gt, 0),
        (Compare::Ge, 0),
    ];
    for (op, want) in cases {
        for (a, b) in [(f32::NAN, 1.0), (1.0, f32::NAN), (f32::NAN, f32::NAN)] {
            assert_eq!(apply::<u32>(Op::Compare(op, 0, 1), Type::F32, &[f(a), f(b)]), want, "{op:?} {a} {b}");
        }
    }
}

/// x * 2^n, rounded once, in integers: the mantissa is cut where the result's last bit is.
fn scaled(bits: u64, n: i64) -> u64 {
    let (sign, exponent, fraction) = (bits & 1 << 63, (bits >> 52 & 0x7ff) as i64, bits & ((1 << 52) - 1));
    if exponent == 0x7ff || bits << 1 == 0 {
        return bits;
    }
    // The value is mantissa * 2^(power - 1074), with the mantissa's highest bit at 52.
    let (mut mantissa, mut power) =
        if exponent == 0 { (fraction, 0) } else { (fraction | 1 << 52, exponent - 1) };
    let up = mantissa.leading_zeros() as i64 - 11;
    mantissa <<= up;
    power += n - up;
    if power >= 0 {
        return sign | if power >= 2046 { 0x7ff << 52 } else { ((power as u64) << 52) + mantissa };
    }
    if power < -54 {
        return sign;
    }
    let (kept, lost) = (mantissa >> -power, mantissa & ((1 << -power) - 1));
    let half = 1 << (-power - 1);
    sign | (kept + (lost > half || lost == half && kept & 1 == 1) as u64)
}

#[test]
fn scale_rounds_once() {
    let mut state = 1u64;
    let mut random = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        state ^ state >> 29
    };
    let scale = Op::Binary(Binary::Scale, 0, 1);
    for i in 0..200_000 {
        let n = (random() >> 33) as i64 % 1101 * if i % 2 == 0 { 1 } else { -1 };
        // Half of the numbers have few bits, so that halves are met.
        let x = random() & if i % 4 < 2 { u64::MAX } else { u64::MAX << 49 };
        let got = apply::<u64>(scale, Type::F64, &[x, d(n as f64)]);
        if f64::from_bits(x).is_nan() {
            assert!(f64::from_bits(got).is_nan());
        } else {
            assert_eq!(got, scaled(x, n), "{x:#x} * 2^{n}");
        }
        let (x, n) = (x >> 32, n % 301);
        let got = apply::<u32>(scale, Type::F32, &[x, f(n as f32)]);
        let wide = f32::from_bits(x as u32) as f64;
        if wide.is_nan() {
            assert!(f32::from_bits(got as u32).is_nan());
        } else {
            assert_eq!(got, f(f64::from_bits(scaled(wide.to_bits(), n)) as f32), "{x:#x} * 2^{n}");
        }
    }
}

#[test]
fn halves_are_those_of_the_crate() {
    for bits in 0..=u16::MAX {
        let (x, want) = (f16_to_f32(f16::from_bits(bits)), f16::from_bits(bits).to_f32());
        assert!(x.to_bits() == want.to_bits() || x.is_nan() && want.is_nan(), "{bits:#x}");
        if !x.is_nan() {
            assert_eq!(f32_to_f16(x).to_bits(), bits);
        }
    }
    for bits in (0..=u32::MAX).step_by(4099).chain((0..1 << 16).map(|i| i << 16 | 0x8000)) {
        let x = f32::from_bits(bits);
        if x.is_nan() {
            assert!(f32_to_f16(x).is_nan() && f32_to_bf16(x).is_nan(), "{bits:#x}");
        } else {
            assert_eq!(f32_to_f16(x).to_bits(), f16::from_f32_const(x).to_bits(), "{bits:#x}");
            assert_eq!(f32_to_bf16(x).to_bits(), bf16::from_f32_const(x).to_bits(), "{bits:#x}");
        }
    }
}
