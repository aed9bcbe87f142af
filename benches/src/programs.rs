//! Composites of several operations as one program of the CPU's kernel language, built by hand: what `jit` is to make of
//! them. Each gives what the eager composite gives (the tests below compare them).

use crate::families::{Case, numbers};
use crate::measure::keep;
use plywood_backend_cpu::kernel::ir::Reduce;
use plywood_backend_cpu::kernel::launch::{Operand, launch, small};
use plywood_backend_cpu::kernel::{Builder, Program, Width, compile, math};
use plywood_core::DType;
use std::hint::black_box;

/// `1.05 * (x if x > 0 else 1.67 exp(x) - 1.67)`.
pub fn selu() -> Program {
    let b = Builder::new(Width::W32);
    let x = b.input(DType::F32);
    let below = math::exp(x) * 1.67 - 1.67;
    b.output(DType::F32, x.gt(b.c(0.0)).select(x, below) * 1.05);
    b.finish()
}

/// Each row's exponentials over their sum; from the row's largest number, so that none overflows. They are computed twice:
/// that takes less time than writing them and reading them again, as the output can be written past the caches.
pub fn softmax() -> Program {
    let b = Builder::new(Width::W32);
    let (x, y) = (b.arg(DType::F32), b.arg(DType::F32));
    let largest = b.load(x).reduce(Reduce::Max);
    b.next_loop();
    let sum = math::exp(b.load(x) - largest).reduce(Reduce::Sum);
    b.row();
    let scale = 1.0 / sum;
    b.next_loop();
    b.store(y, math::exp(b.load(x) - largest) * scale);
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

/// Makes the case of writing a program's code.
type Emission = Box<dyn Fn() -> Case>;

/// Programs whose code is written for this machine, where it runs code.
pub fn emissions() -> Vec<(&'static str, Emission)> {
    #[cfg(target_arch = "x86_64")]
    {
        use plywood_backend_cpu::kernel::target::Target;
        use plywood_backend_cpu::kernel::x64::{Isa, emit};
        let isa = match Target::current() {
            Target::Avx512 => Isa::Avx512,
            Target::Avx2 => Isa::Avx2,
            Target::Portable => return vec![],
        };
        let case = move |program: Program| -> Emission {
            Box::new(move || {
                let program = program.clone();
                Case { ours: keep(move || emit(&program, isa)), reference: None, bytes: 0 }
            })
        };
        vec![("selu", case(selu())), ("softmax", case(softmax())), ("layer norm", case(layer_norm(1000)))]
    }
    #[cfg(not(target_arch = "x86_64"))]
    vec![]
}

/// Finding a compiled program again.
pub fn finding() -> Case {
    let program = selu();
    let find = move || {
        black_box(compile(black_box(&program)));
    };
    Case { ours: Box::new(find), reference: None, bytes: 0 }
}

/// A call of a kernel on so few elements that the call itself counts, beside the loop over them.
pub fn tiny(n: usize) -> Case {
    let x = numbers(n, -3.0, 3.0);
    let (y, mut out, mut loops) = (x.clone(), vec![0.0; n], vec![0.0; n]);
    let b = Builder::new(Width::W32);
    let v = b.input(DType::F32);
    b.output(DType::F32, v * 1.05);
    let kernel = compile(&b.finish());
    Case {
        ours: Box::new(move || small(kernel, n, &[bytes_of(&x)], bytes_of_mut(&mut out))),
        reference: Some(Box::new(move || {
            black_box(&mut loops).iter_mut().zip(black_box(&y)).for_each(|(out, x)| *out = 1.05 * x)
        })),
        bytes: 8 * n,
    }
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
    use crate::families;
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
