//! Runs functions of the kernel language on slices, and counts how far results are from the right ones.

#![allow(dead_code)]

use plywood_backend_cpu::kernel::interp::Plan;
use plywood_backend_cpu::kernel::{Builder, V, Width};
use plywood_core::DType;

/// A function of one operand.
pub type Unary = for<'b> fn(V<'b>) -> V<'b>;
/// A function of two operands.
pub type Binary = for<'b> fn(V<'b>, V<'b>) -> V<'b>;

/// A function of one or two operands.
#[derive(Clone, Copy)]
pub enum Function {
    One(Unary),
    Two(Binary),
}

/// A float type that functions are tried with.
pub trait Float: Copy + Default + Sync + Send {
    const DTYPE: DType;
    fn number(self) -> f64;
    /// Bits as a number that grows with the float's: neighbours differ by 1, and zeros are one.
    fn order(self) -> i128;
}

impl Float for f32 {
    const DTYPE: DType = DType::F32;
    fn number(self) -> f64 {
        self as f64
    }
    fn order(self) -> i128 {
        let magnitude = (self.to_bits() & 0x7fff_ffff) as i128;
        if self.is_sign_negative() { -magnitude } else { magnitude }
    }
}

impl Float for f64 {
    const DTYPE: DType = DType::F64;
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
    plan: Plan,
    pub operations: usize,
}

impl Ready {
    pub fn new<T: Float>(function: Function) -> Ready {
        let b = Builder::new(Width::of(T::DTYPE));
        let y = match function {
            Function::One(f) => f(b.input(T::DTYPE)),
            Function::Two(f) => {
                let x = b.input(T::DTYPE);
                f(x, b.input(T::DTYPE))
            }
        };
        b.output(T::DTYPE, y);
        let program = b.finish();
        let constant = |op: &_| matches!(op, plywood_backend_cpu::kernel::ir::Op::Const(..));
        let operations = program.ops().iter().filter(|&op| !constant(op)).count();
        Ready { plan: Plan::new(&program), operations }
    }

    pub fn run<T: Float>(&self, inputs: &[&[T]]) -> Vec<T> {
        let n = inputs[0].len();
        assert!(inputs.iter().all(|x| x.len() == n));
        let mut out = vec![T::default(); n];
        let mut block = vec![1, n, 0];
        for x in inputs {
            block.extend([x.as_ptr() as usize, 0]);
        }
        block.extend([out.as_mut_ptr() as usize, 0]);
        // SAFETY: all slices have as many elements as the call has columns.
        unsafe { self.plan.run(&mut block) };
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
