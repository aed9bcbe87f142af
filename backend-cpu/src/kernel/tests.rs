//! Programs as such: how they print, what tells them apart, what is refused.

use super::ir::{Compare, Op, Reduce, Rounding};
use super::{Builder, Program, Type, Width};
use plywood_core::DType;
use std::panic::catch_unwind;

fn softmax_like() -> Program {
    let b = Builder::new(Width::W32);
    let (x, y) = (b.arg(DType::F32), b.arg(DType::BF16));
    let top = b.load(x).reduce(Reduce::Max);
    b.next_loop();
    let e = b.load(x) - top;
    b.store(y, e);
    let sum = e.reduce(Reduce::Sum);
    b.row();
    b.output(DType::F32, 1.0 / sum);
    b.finish()
}

#[test]
fn a_program_prints_as_a_listing() {
    let want = "\
kernel($0: f32, $1: bf16, $2: f32 splat) {
  loop {
    %0: f32 = load $0
    %1: f32 = reduce.max %0
  }
  loop {
    %2: f32 = load $0
    %3: f32 = sub %2 %1
    store $1 %3
    %5: f32 = reduce.sum %3
  }
  row {
    %6: f32 = 1.0
    %7: f32 = div %6 %5
    store $2 %7
  }
}";
    assert_eq!(softmax_like().to_string(), want);
}

#[test]
fn digests_tell_programs_apart() {
    let unary = |dtype, f: fn(super::V<'_>) -> super::V<'_>| {
        let b = Builder::new(Width::of(dtype));
        let y = f(b.input(dtype));
        b.output(dtype, y);
        b.finish()
    };
    let programs = [
        softmax_like(),
        unary(DType::F32, |x| x),
        unary(DType::F64, |x| x),
        unary(DType::BF16, |x| x),
        unary(DType::F32, |x| x + 1.0),
        unary(DType::F32, |x| x + 2.0),
        unary(DType::F32, |x| x - 1.0),
        unary(DType::F32, |x| x.round(Rounding::Up)),
        unary(DType::F32, |x| x.round(Rounding::Down)),
        unary(DType::I32, |x| x.shl(1)),
        unary(DType::I32, |x| x.shl(2)),
        unary(DType::U32, |x| x.shl(2)),
    ];
    for (i, p) in programs.iter().enumerate() {
        for (j, q) in programs.iter().enumerate() {
            assert_eq!(p.digest() == q.digest(), i == j, "{p} {q}");
            assert_eq!(p == q, i == j);
        }
    }
    assert_eq!(softmax_like().digest(), softmax_like().digest());
}

#[test]
fn mistakes_are_refused_with_a_reason() {
    let cases: [(&str, fn(&Builder)); 12] = [
        ("operands are F32 and I32", |b| _ = b.c(1.0) + b.int(1)),
        ("Div is not of I32", |b| _ = b.int(1) / b.int(2)),
        ("Shl(32) is not of I32", |b| _ = b.int(1).shl(32)),
        ("not compared", |b| {
            let m = b.c(1.0).lt(b.c(2.0));
            m.compare(Compare::Eq, m);
        }),
        ("a choice is by a mask", |b| _ = b.c(1.0).select(b.c(1.0), b.c(2.0))),
        ("does not fit lanes", |b| _ = b.input(DType::F64)),
        ("holds f32, not I32", |b| b.output(DType::F32, b.int(1))),
        ("known after its loop only", |b| {
            let s = b.input(DType::F32).reduce(Reduce::Sum);
            _ = s + s;
        }),
        ("made in an earlier loop", |b| {
            let x = b.input(DType::F32);
            b.next_loop();
            _ = x + x;
        }),
        ("has an element a column", |b| {
            let x = b.arg(DType::F32);
            b.row();
            b.load(x);
        }),
        ("no element of its own", |b| {
            let x = b.splat_arg(DType::F32);
            b.store(x, b.c(1.0));
        }),
        ("is of integers", |b| _ = b.c(1.0).reduce(Reduce::Xor)),
    ];
    for (reason, mistake) in cases {
        let caught = catch_unwind(|| mistake(&Builder::new(Width::W32))).expect_err(reason);
        let message = caught.downcast_ref::<String>().expect("a message");
        assert!(message.contains(reason), "{message:?} does not say {reason:?}");
    }
}

#[test]
fn a_constant_is_kept_once() {
    let b = Builder::new(Width::W32);
    let x = b.input(DType::F32);
    b.output(DType::F32, (x + 1.0) * 1.0);
    let constants = b.finish().ops().iter().filter(|op| matches!(op, Op::Const(Type::F32, _))).count();
    assert_eq!(constants, 1);
}
