//! Programs that tests and measurements share. Their functions are plain ones, not the library's.

use crate::kernel::ir::{Reduce, Rounding, Type};
use crate::kernel::{Builder, Program, V, Width};
use plywood_core::DType;

/// Of one argument, elsewhere.
pub(super) fn mapped(from: DType, to: DType, f: impl for<'b> Fn(V<'b>) -> V<'b>) -> Program {
    let b = Builder::new(Width::of(from).max(Width::of(to)));
    let y = f(b.input(from));
    b.output(to, y);
    b.finish()
}

/// e^x within a few ulp: a power of two, and a series.
pub(super) fn exp(x: V<'_>) -> V<'_> {
    let b = x.builder();
    let (low, high, terms) = if x.ty() == Type::F32 { (-104.0, 89.0, 7) } else { (-746.0, 710.0, 13) };
    let x = b.c(low).max(b.c(high).min(x));
    let n = (x * std::f64::consts::LOG2_E).round(Rounding::Nearest);
    let r = n.fnma(b.c(0.693145751953125), x);
    let r = n.fnma(b.c(1.428_606_820_309_417_3e-6), r);
    let mut factorial = 1.0;
    let series: Vec<f64> = (2..terms)
        .map(|k| {
            factorial *= k as f64;
            1.0 / factorial
        })
        .collect();
    let p = b.poly(r, &series).fma(r * r, r);
    (p + 1.0).scale(n)
}

pub(super) fn selu(x: V<'_>) -> V<'_> {
    let negative = (exp(x) - 1.0) * 1.673_263_242_354_377_2;
    x.gt(x.c(0.0)).select(x, negative) * 1.050_700_987_355_480_5
}

pub(super) fn softmax() -> Program {
    let b = Builder::new(Width::W32);
    let (x, y) = (b.arg(DType::F32), b.arg(DType::F32));
    let top = b.load(x).reduce(Reduce::Max);
    b.next_loop();
    let e = exp(b.load(x) - top);
    b.store(y, e);
    let sum = e.reduce(Reduce::Sum);
    b.row();
    let inverse = 1.0 / sum;
    b.next_loop();
    b.store(y, b.load(y) * inverse);
    b.finish()
}

pub(super) fn layer_norm(n: usize) -> Program {
    let b = Builder::new(Width::W32);
    let (x, y) = (b.arg(DType::F32), b.arg(DType::F32));
    let sum = b.load(x).reduce(Reduce::Sum);
    b.row();
    let mean = sum * (1.0 / n as f64);
    b.next_loop();
    let d = b.load(x) - mean;
    let squares = (d * d).reduce(Reduce::Sum);
    b.row();
    let scale = 1.0 / (squares * (1.0 / n as f64) + 1e-5).sqrt();
    b.next_loop();
    b.store(y, (b.load(x) - mean) * scale);
    b.finish()
}

pub(super) fn row(reduce: Reduce, from: DType, to: DType) -> Program {
    let b = Builder::new(Width::of(from));
    let v = b.input(from).reduce(reduce);
    b.row();
    b.output(to, v);
    b.finish()
}

/// Threefry's 20 rounds of the column and a key: random bits.
pub(super) fn threefry() -> Program {
    let b = Builder::new(Width::W32);
    let keys = [b.splat(DType::U32), b.splat(DType::U32)];
    let keys = [keys[0], keys[1], keys[0] ^ keys[1] ^ b.uint(0x1bd1_1bda)];
    let (mut x, mut y) = (b.column() + keys[0], keys[1]);
    for (group, rotations) in [[13, 15, 26, 6], [17, 29, 16, 24]].iter().cycle().take(5).enumerate() {
        for &n in rotations {
            x = x + y;
            y = y.rotl(n) ^ x;
        }
        x = x + keys[(group + 1) % 3];
        y = y + keys[(group + 2) % 3] + b.uint(group as u64 + 1);
    }
    b.output(DType::U32, x ^ y);
    b.finish()
}
