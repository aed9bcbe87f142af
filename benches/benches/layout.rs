//! Copies, transposes, gathers, scatters and slices, each beside a plain copy by as many threads in the same run.
//!
//! Not by criterion: what counts is the ratio to the copy, so all cases take turns, and the best time of each is
//! printed with the bandwidth (bytes read and written, each once) and that bandwidth as a share of the copy's.

use plywood::prelude::*;
use std::hint::black_box;
use std::time::Instant;

/// A name, the bytes that must be read and written, and what is measured.
type Case = (&'static str, usize, Box<dyn FnMut()>);

fn main() {
    // `cargo test` only sees whether everything runs.
    let rounds = if std::env::args().any(|a| a == "--bench") { 25 } else { 1 };
    let filter = std::env::args().skip(1).find(|a| !a.starts_with("--")).unwrap_or_default();
    let mut cases = cases();
    cases.retain(|(name, ..)| name.starts_with("copy") || name.contains(&filter));
    let mut best = vec![f64::INFINITY; cases.len()];
    for _ in 0..rounds {
        for ((_, _, run), best) in cases.iter_mut().zip(&mut best) {
            run(); // warm: the blocks of its size, and what it reads
            for _ in 0..2 {
                let start = Instant::now();
                run();
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
    }
    let bandwidth = |i: usize| cases[i].1 as f64 / best[i] / 1e9;
    println!("{:44} {:>9} {:>7} {:>8}", "", "µs", "GB/s", "of copy");
    for (i, (name, ..)) in cases.iter().enumerate() {
        let share = 100.0 * bandwidth(i) / bandwidth(0);
        println!("{name:44} {:9.0} {:7.2} {share:7.0}%", best[i] * 1e6, bandwidth(i));
    }
}

fn numbers(shape: &[usize]) -> Tensor<Cpu> {
    Tensor::<Cpu>::full(shape, 0.5, DType::F32) + random::uniform(&random::key::<Cpu>(1), shape, DType::F32)
}

/// So many places below a bound, in no order.
fn places(shape: &[usize], bound: usize) -> Tensor<Cpu> {
    random::randint(&random::key::<Cpu>(2), shape, 0, bound as i32)
}

fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = vec![];
    let mut case = |name, bytes, run: Box<dyn FnMut()>| cases.push((name, bytes, run));

    let (from, mut to) = (vec![1.5f32; 1 << 24], vec![0.5f32; 1 << 24]);
    case("copy, 64 MiB, all threads", 128 << 20, Box::new(move || copy(&from, &mut to)));

    let square = numbers(&[4096, 4096]);
    let (x, y) = (square.clone(), square.clone());
    case("transpose 4096x4096 f32", 128 << 20, Box::new(move || materialise(&x.t())));
    case("every second row, 4096x4096 f32", 64 << 20, Box::new(move || materialise(&y.get(step(.., 2)))));
    let x = square.clone();
    case(
        "every second column, 4096x4096 f32",
        64 << 20,
        Box::new(move || materialise(&x.get((.., step(.., 2))))),
    );
    let x = square.clone();
    case(
        "reversed rows, 4096x4096 f32",
        128 << 20,
        Box::new(move || materialise(&x.get((.., step(.., -1))))),
    );
    let x = numbers(&[4000, 4000]);
    case("transpose 4000x4000 f32", 128_000_000, Box::new(move || materialise(&x.t())));
    let x = numbers(&[2048, 4096]).cast(DType::F64);
    case("transpose 2048x4096 f64", 128 << 20, Box::new(move || materialise(&x.t())));
    let x = square.cast(DType::BF16);
    case("transpose 4096x4096 bf16", 64 << 20, Box::new(move || materialise(&x.t())));
    let x = square.cast(DType::U8);
    case("transpose 4096x4096 u8", 32 << 20, Box::new(move || materialise(&x.t())));
    let x = numbers(&[64, 224, 224, 3]);
    case(
        "NHWC to NCHW, 64x224x224x3 f32",
        77_070_336,
        Box::new(move || materialise(&x.transpose([0, 3, 1, 2]))),
    );
    let x = numbers(&[64, 3, 224, 224]);
    case(
        "NCHW to NHWC, 64x3x224x224 f32",
        77_070_336,
        Box::new(move || materialise(&x.transpose([0, 2, 3, 1]))),
    );
    let x = numbers(&[8, 512, 16, 64]);
    case(
        "attention heads, 8x512x16x64 (0, 2, 1, 3)",
        33_554_432,
        Box::new(move || materialise(&x.transpose([0, 2, 1, 3]))),
    );
    let x = numbers(&[128, 256, 256]);
    case(
        "all axes reversed, 128x256x256 f32",
        64 << 20,
        Box::new(move || materialise(&x.transpose([2, 1, 0]))),
    );

    let (x, at) = (numbers(&[100_000, 64]), places(&[200_000], 100_000));
    let bytes = 200_000 * (4 + 2 * 64 * 4);
    case("get 2e5 rows of 1e5x64 f32", bytes, Box::new(move || drop(black_box(x.get(&at)))));
    let (x, at) = (square.clone(), places(&[4096], 4096));
    case("get 4096 columns of 4096x4096 f32", 128 << 20, Box::new(move || drop(black_box(x.get((.., &at))))));
    let (x, at) = (numbers(&[1_000_000]), places(&[5_000_000], 1_000_000));
    case("get 5e6 elements of 1e6 f32", 5_000_000 * 12, Box::new(move || drop(black_box(x.get(&at)))));

    let (x, at) = (numbers(&[100_000, 16]), places(&[1_000_000], 100_000));
    let new = numbers(&[1_000_000, 16]);
    let bytes = 1_000_000 * (4 + 16 * 4 * 3);
    case("add 1e6 rows of 16 to 1e5x16 f32", bytes, Box::new(move || drop(black_box(x.at(&at).add(&new)))));
    let (x, at, new) = (numbers(&[1_000_000]), places(&[1_000_000], 1_000_000), numbers(&[1_000_000]));
    case(
        "add 1e6 elements to 1e6 f32",
        1_000_000 * 16,
        Box::new(move || drop(black_box(x.at(&at).add(&new)))),
    );
    let (x, at, new) = (numbers(&[64, 10_000]), places(&[100_000], 10_000), numbers(&[64, 100_000]));
    let bytes = 64 * 100_000 * 12;
    case(
        "add 1e5 columns to 64x1e4 f32",
        bytes,
        Box::new(move || drop(black_box(x.at((.., &at)).add(&new)))),
    );

    let (x, y) = (numbers(&[4096, 2048]), numbers(&[4096, 2048]));
    case(
        "concatenate 2 of 4096x2048 f32, columns",
        128 << 20,
        Box::new(move || drop(black_box(concatenate([&x, &y], 1)))),
    );
    let x = square;
    case(
        "pad 4096x4096 f32 by 1",
        128 << 20,
        Box::new(move || drop(black_box(x.pad([(1, 1), (1, 1)], 0.0)))),
    );
    cases
}

/// The elements in row-major order: of a view that no other shape expresses, a copy.
fn materialise(x: &Tensor<Cpu>) {
    drop(black_box(x.reshape([-1])));
}

/// A copy by all threads, each its part.
fn copy(from: &[f32], to: &mut [f32]) {
    let part = from.len().div_ceil(Cpu::thread_count());
    std::thread::scope(|scope| {
        for (from, to) in from.chunks(part).zip(to.chunks_mut(part)) {
            scope.spawn(|| to.copy_from_slice(from));
        }
    });
    black_box(to);
}
