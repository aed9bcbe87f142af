//! What emission costs, and how fast the code is:
//! `cargo test --release -p plywood-backend-cpu --lib x64::tests::measure -- --ignored --nocapture`.

use super::programs::{exp, layer_norm, mapped, row, selu, softmax, threefry};
use super::{BLOCK_HEAD, Form, Isa, emit_as, isas, place};
use crate::kernel::ir::Reduce;
use crate::kernel::{Builder, Program, V, Width};
use plywood_core::DType;
use std::time::Instant;

/// The least time of many, of `n` calls each.
fn least(n: usize, mut f: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut least = f64::MAX;
    while start.elapsed().as_millis() < 100 {
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

/// Both codes of a kernel, in turns, on outputs of 10^7 elements.
#[test]
#[ignore = "a measurement"]
fn streaming() {
    let binary = |f: for<'b> fn(V<'b>, V<'b>) -> V<'b>| {
        let b = Builder::new(Width::W32);
        let (x, y) = (b.input(DType::F32), b.input(DType::F32));
        b.output(DType::F32, f(x, y));
        b.finish()
    };
    let f32 = DType::F32;
    let all = [
        ("add", binary(|x, y| x + y), 1),
        ("negate", mapped(f32, f32, |x| -x), 1),
        ("selu", mapped(f32, f32, selu), 1),
        ("f32 to bf16", mapped(f32, DType::BF16, |x| x), 1),
        ("bf16 to f32", mapped(DType::BF16, f32, |x| x), 1),
        ("bf16 selu", mapped(DType::BF16, DType::BF16, selu), 1),
        ("column", binary(|x, _| x.builder().column().convert(crate::kernel::ir::Type::F32)), 1),
        ("add, rows of 100000", binary(|x, y| x + y), 100),
        ("add, rows of 2441", binary(|x, y| x + y), 4096),
        ("add, rows of 1000", binary(|x, y| x + y), 10_000),
        ("add, rows of 256", binary(|x, y| x + y), 39_062),
        ("add, rows of 250", binary(|x, y| x + y), 40_000),
        ("layer norm of 1000", layer_norm(1000), 10_000),
        ("layer norm of 1024", layer_norm(1024), 9765),
    ];
    let n = 10_000_000;
    let mut room: Vec<Vec<u8>> = (0..3).map(|_| vec![1u8; 4 * n + 64]).collect();
    let starts: Vec<usize> =
        room.iter_mut().map(|r| (r.as_mut_ptr() as usize).next_multiple_of(64)).collect();
    for isa in isas() {
        println!(
            "{isa:?}: ms of the ordinary and of the streaming code, least and middle; 1 thread, 2 threads"
        );
        for (name, program, rows) in &all {
            let columns = n / rows;
            let codes = [false, true].map(|streams| place(program, isa, Form { copies: None, streams }));
            print!("{name:22}");
            for threads in [1, 2] {
                // By columns where there is one row, else by rows.
                let (high, wide) =
                    if *rows == 1 { (1, columns / threads / 64 * 64) } else { (rows / threads, columns) };
                let mut times = [vec![], vec![]];
                for i in 0..80 {
                    let code = codes[i % 2];
                    let start = Instant::now();
                    std::thread::scope(|scope| {
                        for thread in 0..threads {
                            let starts = &starts;
                            scope.spawn(move || {
                                let mut block = vec![high, wide, thread * wide];
                                for (arg, start) in program.args().iter().zip(starts) {
                                    let size = arg.dtype.size();
                                    block.push(start + thread * high * wide * size);
                                    block.push(columns * size);
                                }
                                // SAFETY: there is room for 10^7 elements of 4 bytes for each argument.
                                unsafe { code.call(block.as_mut_ptr()) }
                            });
                        }
                    });
                    times[i % 2].push(start.elapsed().as_secs_f64() * 1e3);
                }
                for times in &mut times {
                    times.sort_by(f64::total_cmp);
                    print!(" {:6.2} {:6.2}", times[0], times[times.len() / 2]);
                }
                let gain = |n: usize| (times[0][n] / times[1][n] - 1.0) * 100.0;
                print!(" ({:+.0} % {:+.0} %);", gain(0), gain(20));
            }
            println!();
        }
    }
}

/// Both codes, where another kernel reads the output right after, and its output the first one's input.
#[test]
#[ignore = "a measurement"]
fn streaming_in_turns() {
    let program = mapped(DType::F32, DType::F32, |x| x + 1.0);
    for n in [1 << 20, 1 << 21, 1 << 22, 1 << 23, 1 << 24] {
        let (mut x, mut y) = (vec![1f32; n + 16], vec![1f32; n + 16]);
        let [x, y] = [&mut x, &mut y].map(|v| (v.as_mut_ptr() as usize).next_multiple_of(64));
        let codes = [false, true].map(|streams| place(&program, isas()[0], Form { copies: None, streams }));
        let mut times = [vec![], vec![]];
        for i in 0..60 {
            let start = Instant::now();
            for (from, to) in [(x, y), (y, x), (x, y), (y, x)] {
                // SAFETY: there is room for all elements.
                unsafe { codes[i % 2].call([1, n, 0, from, 0, to, 0].as_mut_ptr()) }
            }
            times[i % 2].push(start.elapsed().as_secs_f64() * 1e3 / 4.0);
        }
        times.iter_mut().for_each(|t| t.sort_by(f64::total_cmp));
        let show = |t: &[f64]| format!("{:.3} {:.3}", t[0], t[t.len() / 2]);
        println!("{n:9}: {} ms, streaming {} ms", show(&times[0]), show(&times[1]));
    }
}

/// Emission alone, of the programs that take longest, for a profiler.
#[test]
#[ignore = "a measurement"]
fn emission() {
    for isa in isas() {
        for (name, program) in programs() {
            let time = least(20, || {
                std::hint::black_box(emit_as(&program, isa, Form::default()));
            });
            let ops = program.ops().len();
            println!(
                "{isa:?} {name:12} {:6.2} us of {ops} operations, {:.0} ns each",
                time * 1e6,
                time * 1e9 / ops as f64
            );
        }
    }
}
