//! Composites of several operations as one program of the CPU's kernel language, built by hand: what `jit` is to make of
//! them. Each gives what the eager composite gives (the tests below compare them).

use plywood_backend_cpu::kernel::ir::Reduce;
use plywood_backend_cpu::kernel::launch::{Operand, launch};
use plywood_backend_cpu::kernel::{Builder, Program, Width, compile, math};
use plywood_core::DType;

/// `1.05 * (x if x > 0 else 1.67 exp(x) - 1.67)`.
pub fn selu() -> Program {
    let b = Builder::new(Width::W32);
    let x = b.input(DType::F32);
    let below = math::exp(x) * 1.67 - 1.67;
    b.output(DType::F32, x.gt(b.c(0.0)).select(x, below) * 1.05);
    b.finish()
}

/// Each row's exponentials over their sum; from the row's largest number, so that none overflows.
pub fn softmax() -> Program {
    let b = Builder::new(Width::W32);
    let (x, y) = (b.arg(DType::F32), b.arg(DType::F32));
    let largest = b.load(x).reduce(Reduce::Max);
    b.next_loop();
    let e = math::exp(b.load(x) - largest);
    b.store(y, e);
    let sum = e.reduce(Reduce::Sum);
    b.row();
    let scale = 1.0 / sum;
    b.next_loop();
    b.store(y, b.load(y) * scale);
    b.finish()
}

/// Each row of `columns` less its mean, over the root of its variance and 1e-5.
pub fn layer_norm(columns: usize) -> Program {
    let b = Builder::new(Width::W32);
    let (x, y) = (b.arg(DType::F32), b.arg(DType::F32));
    let each = 1.0 / columns as f64;
    let sum = b.load(x).reduce(Reduce::Sum);
    b.row();
    let mean = sum * each;
    b.next_loop();
    let centred = b.load(x) - mean;
    let squares = (centred * centred).reduce(Reduce::Sum);
    b.row();
    let scale = math::rsqrt(squares * each + 1e-5);
    b.next_loop();
    b.store(y, (b.load(x) - mean) * scale);
    b.finish()
}

/// Runs a program of one input and one output over rows that lie side by side.
pub fn run(program: &Program, x: &[f32], columns: usize, out: &mut [f32]) {
    let sizes = [x.len() / columns, columns];
    let strides = [4 * columns as isize, 4];
    let operands = [
        Operand::read(bytes_of(x), 0, &sizes, &strides, 4),
        Operand::write(bytes_of_mut(out), 0, &sizes, &strides, 4),
    ];
    launch(compile(program), &sizes, &operands, 0, 1);
}

fn bytes_of(x: &[f32]) -> &[u8] {
    bytemuck::cast_slice(x)
}

fn bytes_of_mut(x: &mut [f32]) -> &mut [u8] {
    bytemuck::cast_slice_mut(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::families::{self, numbers};
    use plywood::prelude::*;

    #[test]
    fn programs_give_what_eager_operations_give() {
        let (rows, columns) = (7, 1000);
        let x = numbers(rows * columns, -3.0, 3.0);
        let t = Tensor::<Cpu>::from_slice(&x, [rows, columns]);
        let cases: [(&str, Program, Tensor<Cpu>); 3] = [
            ("selu", selu(), families::selu(&t)),
            ("softmax", softmax(), t.softmax(-1)),
            ("layer norm", layer_norm(columns), families::layer_norm(&t)),
        ];
        for (name, program, want) in cases {
            let mut out = vec![0.0; x.len()];
            run(&program, &x, columns, &mut out);
            for (i, (&got, want)) in out.iter().zip(want.to_vec::<f32>()).enumerate() {
                assert!((got - want).abs() <= 2e-6 * want.abs().max(0.1), "{name}, {i}: {got}, {want}");
            }
        }
    }
}
