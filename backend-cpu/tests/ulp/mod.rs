//! How far the kernel language's functions are from the right results: what the tests of accuracy share with
//! `benches/src/bin/ulp.rs`, which tries all there is.
//!
//! An error in `F32` is the real distance from the exact value (a reference in f64, whose own error is a
//! millionth of a unit) in units of the last place of the correctly rounded result. In subnormal results the
//! unit is the smallest subnormal, and infinity counts as 2^128 where the right result is finite. It is infinite where
//! one of the two is NaN and the other is not, where the exact value is infinite and the result is not, and where a
//! zero has the wrong sign.

#![allow(dead_code, unused_imports)]

mod sweep;
mod table;

pub use sweep::{Worst, alone, pairs, sweep};
pub use table::{BINARY, Binary, Exact, Function, UNARY, Unary};

use bytemuck::Pod;
use plywood_backend_cpu::kernel::ir::Op;
use plywood_backend_cpu::kernel::launch::flat;
use plywood_backend_cpu::kernel::target::Target;
use plywood_backend_cpu::kernel::{Builder, Kernel, Width};
use plywood_core::DType;

/// A float type that functions are tried with.
pub trait Float: Pod + Default + Send + Sync {
    fn number(self) -> f64;
    /// Bits as a number that grows with the float's: neighbours differ by 1, and zeros are one.
    fn order(self) -> i128;
}

impl Float for f32 {
    fn number(self) -> f64 {
        self as f64
    }
    fn order(self) -> i128 {
        let magnitude = (self.to_bits() & 0x7fff_ffff) as i128;
        if self.is_sign_negative() { -magnitude } else { magnitude }
    }
}

impl Float for f64 {
    fn number(self) -> f64 {
        self
    }
    fn order(self) -> i128 {
        let magnitude = (self.to_bits() & (u64::MAX >> 1)) as i128;
        if self.is_sign_negative() { -magnitude } else { magnitude }
    }
}

/// A function made ready to run.
pub struct Ready {
    kernel: Kernel,
    /// How many operations it takes, without constants.
    pub operations: usize,
}

impl Ready {
    /// For lanes of this type.
    pub fn new(function: Function, dtype: DType, target: Target) -> Ready {
        let b = Builder::new(Width::of(dtype));
        let y = match function {
            Function::One(f) => f(b.input(dtype)),
            Function::Two(f) => {
                let x = b.input(dtype);
                f(x, b.input(dtype))
            }
        };
        b.output(dtype, y);
        let program = b.finish();
        let operations = program.ops().iter().filter(|op| !matches!(op, Op::Const(..))).count();
        Ready { kernel: Kernel::new(&program, target), operations }
    }

    /// Writes the results of `out.len()` inputs.
    pub fn write<T: Float>(&self, inputs: &[&[T]], out: &mut [T]) {
        let n = out.len();
        assert!(inputs.iter().all(|x| x.len() == n));
        let bytes = |i: usize| inputs.get(i).map(|x| bytemuck::cast_slice(x));
        let all = [bytes(0), bytes(1)];
        flat(&self.kernel, n, &all[..inputs.len()], bytemuck::cast_slice_mut(out));
    }

    /// The results.
    pub fn run<T: Float>(&self, inputs: &[&[T]]) -> Vec<T> {
        let mut out = vec![T::default(); inputs[0].len()];
        self.write(inputs, &mut out);
        out
    }
}

/// How many floats apart two results are; NaN is apart from all but NaN, and a zero from one of the other sign.
pub fn apart<T: Float>(got: T, want: T) -> i128 {
    match (got.number().is_nan(), want.number().is_nan()) {
        (true, true) => 0,
        (false, false) => {
            let zeros = got.number() == 0.0 && want.number() == 0.0;
            let wrong = zeros && got.number().is_sign_negative() != want.number().is_sign_negative();
            if wrong { i128::MAX } else { (got.order() - want.order()).abs() }
        }
        _ => i128::MAX,
    }
}

/// How far a result is from the exact value, in units of the last place (see above).
pub fn ulp(got: f32, exact: f64) -> f64 {
    let got = got as f64;
    if got.is_nan() || exact.is_nan() {
        return if got.is_nan() && exact.is_nan() { 0.0 } else { f64::INFINITY };
    }
    let wrong_zero = got == 0.0 && got.is_sign_negative() != exact.is_sign_negative();
    if exact.is_infinite() || wrong_zero {
        return if got == exact && !wrong_zero { 0.0 } else { f64::INFINITY };
    }
    const END: f64 = 2.0 * (1u128 << 127) as f64;
    let (got, exact) =
        if got.is_infinite() { (got.clamp(-END, END), exact.clamp(-END, END)) } else { (got, exact) };
    // The exponent of the rounded value, which is that of a float32.
    let rounded = exact as f32;
    let exponent = ((rounded.to_bits() >> 23) & 255).clamp(1, 254) as u64;
    let unit = f64::from_bits((exponent + 1023 - 127 - 23) << 52);
    (got - exact).abs() / unit
}
