//! What emission costs, and how fast the code is:
//! `cargo test --release -p plywood-backend-cpu --lib x64::tests::measure -- --ignored --nocapture`.

use super::programs::{exp, layer_norm, mapped, row, selu, softmax, threefry};
use super::{BLOCK_HEAD, Form, Isa, emit_as, isas, place};
use crate::kernel::Program;
use crate::kernel::ir::Reduce;
use plywood_core::DType;
use std::time::Instant;

/// The least time of many, of `n` calls each.
fn least(n: usize, mut f: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut least = f64::MAX;
    while start.elapsed().as_millis() < 60 {
        let start = Instant::now();
        (0..n).for_each(|_| f());
        least = least.min(start.elapsed().as_secs_f64() / n as f64);
    }
    least
}

fn programs() -> Vec<(&'static str, Program)> {
    let f32 = DType::F32;
    vec![
        ("copy", mapped(f32, f32, |x| x)),
        ("exp", mapped(f32, f32, exp)),
        ("selu", mapped(f32, f32, selu)),
        ("exp f64", mapped(DType::F64, DType::F64, exp)),
        ("f32 to bf16", mapped(f32, DType::BF16, |x| x)),
        ("bf16 selu", mapped(DType::BF16, DType::BF16, selu)),
        ("f32 to f64", mapped(f32, DType::F64, |x| x)),
        ("softmax", softmax()),
        ("layer norm", layer_norm(1000)),
        ("sum", row(Reduce::Sum, f32, f32)),
        ("max i64", row(Reduce::Max, DType::I64, DType::I64)),
        ("threefry", threefry()),
    ]
}

#[test]
#[ignore = "a measurement"]
fn emission_and_code() {
    for isa in isas() {
        println!(
            "{isa:?}: emission us, bytes, copies, pinned, spills; ns of a call of 0, 1 and 16; ns/element of 1000 and 8192; ns a row of 10, of 100 (100 rows)"
        );
        for (name, program) in programs() {
            if isa == Isa::Avx2
                && std::panic::catch_unwind(|| emit_as(&program, isa, Form::default())).is_err()
            {
                continue;
            }
            let emission = least(20, || {
                std::hint::black_box(emit_as(&program, isa, Form::default()));
            });
            let stats = emit_as(&program, isa, Form::default()).stats;
            let code = place(&program, isa, Form::default());
            let room = vec![[0.25f64; 8]; 2000 * program.args().len()];
            let base = room.as_ptr() as usize;
            let time = |rows: usize, columns: usize| {
                let mut block = [0usize; BLOCK_HEAD + 6];
                least((20_000 / (rows * columns + 50)).max(1), || {
                    block[..BLOCK_HEAD].copy_from_slice(&[rows, columns, 0]);
                    for n in 0..program.args().len() {
                        let stride = program.args()[n].dtype.size() * columns;
                        block[BLOCK_HEAD + 2 * n] = base + 8 * 16_000 * n;
                        block[BLOCK_HEAD + 2 * n + 1] = stride;
                    }
                    // SAFETY: there is room for 16,000 elements of 8 bytes for each argument.
                    unsafe { code.call(block.as_mut_ptr()) }
                })
            };
            print!(
                "{name:12} {:6.2} {:5} {:?} {:?} {}",
                emission * 1e6,
                stats.code,
                stats.copies,
                stats.pinned,
                stats.spills
            );
            print!("; {:.1} {:.1} {:.1}", time(1, 0) * 1e9, time(1, 1) * 1e9, time(1, 16) * 1e9);
            print!("; {:.3} {:.3}", time(1, 1000) * 1e6, time(1, 8192) * 1e9 / 8192.0);
            println!("; {:.1} {:.1}", time(100, 10) * 1e7, time(100, 100) * 1e7);
        }
    }
}
