//! Random programs on every executor, which must agree to the bit and touch nothing beside their arguments.
//!
//! A case is made of a seed: a program, its arguments' places and elements ([`generate`]). The interpreter compiled
//! without special instructions says what is right; it runs on memory between guard pages as the others do. A case
//! that fails is made smaller ([`shrink`]) and printed with its seed. What the language does not promise is left out
//! ([`promise`]).
#![allow(unsafe_code)]

mod generate;
mod memory;
mod promise;
mod shrink;
pub mod values;

use super::interp::{self, Plan};
use super::target::Target;
use super::x64::{self, BLOCK_HEAD, Form};
use generate::Case;
use memory::Guarded;
use values::{element, is_nan};

/// What runs a program.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Executor {
    /// Emitted code, in a form.
    Code(x64::Isa, Form),
    /// The interpreter, compiled for an instruction set.
    Tiles(interp::Isa),
}

/// All of them that this machine has, but the one that the others are compared with.
fn executors() -> Vec<Executor> {
    let mut all = Vec::new();
    for target in Target::available() {
        let isa = match target {
            Target::Avx512 => x64::Isa::Avx512,
            Target::Avx2 => x64::Isa::Avx2,
            Target::Portable => continue,
        };
        for copies in [None, Some(1), Some(2), Some(4), Some(8)] {
            all.push(Executor::Code(isa, Form { copies, streams: false }));
        }
        for copies in [None, Some(2)] {
            all.push(Executor::Code(isa, Form { copies, streams: true }));
        }
    }
    all.extend(interp::Isa::available().filter(|&isa| isa != interp::Isa::Portable).map(Executor::Tiles));
    all
}

/// Bytes of an argument's memory.
const ROOM: usize = 1 << 18;

/// Bytes beside an argument's elements that are looked at too.
const MARGIN: usize = 128;

/// Memory for arguments and code.
struct Bench {
    args: Vec<Guarded>,
    code: Guarded,
}

/// An argument's elements, and what is between and beside them.
type Bytes = Vec<u8>;

impl Bench {
    fn new() -> Bench {
        Bench { args: Vec::new(), code: Guarded::new(1 << 20) }
    }

    /// The bytes of arguments after a case ran; or what the emitter's panic says.
    fn run(&mut self, case: &Case, executor: Executor) -> Result<Vec<Bytes>, String> {
        let args = case.program.args();
        while self.args.len() < args.len() {
            self.args.push(Guarded::new(ROOM));
        }
        let spans: Vec<Span> = (0..args.len()).map(|n| Span::of(case, n)).collect();
        let mut block = vec![case.rows, case.columns, case.first];
        assert_eq!(block.len(), BLOCK_HEAD);
        for (n, place) in case.places.iter().enumerate() {
            let span = &spans[place.of];
            if place.of == n {
                span.fill(case, n, self.args[n].bytes());
            }
            block.push(self.args[place.of].address() + span.first);
            block.push(place.stride as usize);
        }
        memory::at_work(case.seed);
        match executor {
            Executor::Code(isa, form) => {
                let emit = || x64::emit_as(&case.program, isa, form);
                let emitted = std::panic::catch_unwind(emit).map_err(|panic| {
                    let text = panic.downcast_ref::<String>().cloned();
                    text.or(panic.downcast_ref::<&str>().map(|s| s.to_string())).unwrap_or_default()
                })?;
                // SAFETY: the code is that of a program whose arguments have all rows and columns.
                unsafe { self.code.run(&emitted.bytes, &mut block) }
            }
            // SAFETY: the arguments have all rows and columns.
            Executor::Tiles(isa) => unsafe { Plan::new(&case.program).run_on(isa, &mut block) },
        }
        let bytes = |(span, memory): (&Span, &mut Guarded)| memory.bytes()[span.seen.clone()].to_vec();
        Ok(spans.iter().zip(&mut self.args).map(bytes).collect())
    }
}

/// Where in its memory an argument lies.
struct Span {
    /// The first element of the first row.
    first: usize,
    /// All elements, and a margin.
    seen: std::ops::Range<usize>,
}

impl Span {
    fn of(case: &Case, n: usize) -> Span {
        let (arg, place) = (case.program.args()[n], case.places[n]);
        let row = arg.dtype.size() * if arg.splat { 1 } else { case.columns };
        let far = (case.rows as isize - 1) * place.stride;
        let bytes = far.unsigned_abs() + row;
        assert!(bytes <= ROOM, "{case:?}");
        let start = if case.guard_behind { ROOM - bytes } else { 0 };
        let first = if far < 0 { start + far.unsigned_abs() } else { start };
        Span { first, seen: start.saturating_sub(MARGIN)..(start + bytes + MARGIN).min(ROOM) }
    }

    fn fill(&self, case: &Case, n: usize, memory: &mut [u8]) {
        let (dtype, kind) = (case.program.args()[n].dtype, case.places[n].kind);
        memory[self.seen.clone()].fill(0xa5);
        let row = if case.program.args()[n].splat { 1 } else { case.columns };
        for r in 0..case.rows {
            let at = self.first.wrapping_add_signed(r as isize * case.places[n].stride);
            for c in 0..row {
                let number = (case.seed << 8 ^ n as u64) << 20 ^ (r * 4096 + c) as u64;
                let bits = element(dtype, kind, number).to_le_bytes();
                memory[at + c * dtype.size()..][..dtype.size()].copy_from_slice(&bits[..dtype.size()]);
            }
        }
    }
}

/// Whether code that stores past the caches may run this case, and has something to store.
fn may_stream(case: &Case) -> bool {
    let streamed = x64::streamed(&case.program);
    let fits = |n: usize| {
        let (of, stride) = (case.places[n].of, case.places[n].stride.unsigned_abs());
        let size = case.program.args()[n].dtype.size();
        let align = if streamed.count_ones() > 1 { x64::LINE } else { size };
        // Memory begins at a page.
        Span::of(case, of).first.is_multiple_of(align) && (case.rows == 1 || stride.is_multiple_of(align))
    };
    streamed != 0 && (0..case.places.len()).filter(|n| streamed >> n & 1 == 1).all(fits)
}

/// How this executor's run differs from what is right.
fn difference(bench: &mut Bench, case: &Case, want: &[Bytes], executor: Executor) -> Option<String> {
    if matches!(executor, Executor::Code(_, Form { streams: true, .. })) && !may_stream(case) {
        return None;
    }
    let found = match bench.run(case, executor) {
        Ok(found) => found,
        Err(panic) => return Some(panic),
    };
    for (n, (want, found)) in want.iter().zip(&found).enumerate() {
        if want == found {
            continue;
        }
        let (dtype, span) = (case.program.args()[n].dtype, Span::of(case, n));
        let size = dtype.size();
        // Elements begin at multiples of their size from the first one.
        let skip = (span.first - span.seen.start) % size;
        let read = |bytes: &[u8], i: usize| {
            let mut word = [0; 8];
            word[..size].copy_from_slice(&bytes[i..i + size]);
            u64::from_le_bytes(word)
        };
        for i in (skip..want.len() + 1 - size).step_by(size) {
            let (x, y) = (read(want, i), read(found, i));
            if x != y && !(is_nan(dtype, x) && is_nan(dtype, y)) {
                let at = (i + span.seen.start) as isize - span.first as isize;
                return Some(format!("argument {n}, {at} bytes from its first element: {y:#x}, not {x:#x}"));
            }
        }
        if want[..skip] != found[..skip] {
            return Some(format!("bytes before argument {n} changed"));
        }
    }
    None
}

/// Runs a case on all executors; says what differs, of the smallest case.
fn check(bench: &mut Bench, executors: &[Executor], seed: u64) -> Result<(), String> {
    let case = Case::random(seed);
    let want = right(bench, &case);
    let differs = |&&executor: &&Executor| difference(bench, &case, &want, executor).is_some();
    match executors.iter().find(differs) {
        Some(&executor) => Err(report(case, executor)),
        None => Ok(()),
    }
}

/// What all executors must give.
fn right(bench: &mut Bench, case: &Case) -> Vec<Bytes> {
    bench.run(case, Executor::Tiles(interp::Isa::Portable)).expect("the interpreter emits nothing")
}

#[cold]
fn report(case: Case, executor: Executor) -> String {
    let bench = std::cell::RefCell::new(Bench::new());
    let differs = |case: &Case| {
        let mut bench = bench.borrow_mut();
        let want = right(&mut bench, case);
        difference(&mut bench, case, &want, executor)
    };
    let small = shrink::shrink(case, |case| differs(case).is_some());
    let what = differs(&small).expect("it fails");
    let Case { seed, program, rows, columns, first, places, guard_behind } = &small;
    let places: Vec<String> = places.iter().map(|p| format!("${} {} {:?}", p.of, p.stride, p.kind)).collect();
    format!(
        "seed {seed}, {executor:?}: {what}\n{rows} rows, {columns} columns from {first}, guard behind: {guard_behind}, \
         places (whose, stride): {}\n{program}",
        places.join(", ")
    )
}

/// Runs programs of these seeds on so many threads.
fn fuzz(seeds: std::ops::Range<u64>, threads: u64) {
    let executors = &executors();
    let run = |thread: u64| {
        let mut bench = Bench::new();
        let seeds = seeds.clone().skip(thread as usize).step_by(threads as usize);
        seeds.filter_map(|seed| check(&mut bench, executors, seed).err()).take(3).collect::<Vec<String>>()
    };
    let failures: Vec<String> = std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..threads).map(|thread| scope.spawn(move || run(thread))).collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread of the fuzzer")).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

#[test]
fn random_programs_agree_on_all_executors() {
    fuzz(0..2000, 2);
}

#[test]
fn many_random_programs_store_past_the_caches() {
    let streaming = (0..2000).filter(|&seed| may_stream(&Case::random(seed))).count();
    assert!(streaming > 200, "{streaming} of 2000");
}

/// `PLYWOOD_FUZZ=200000 cargo test --release -p plywood-backend-cpu --lib fuzz -- --ignored`; `PLYWOOD_FUZZ_FROM` is the
/// first seed, `PLYWOOD_FUZZ_THREADS` how many threads there are.
#[test]
#[ignore = "as long as one likes"]
fn many_random_programs() {
    let number = |name: &str, otherwise: u64| {
        std::env::var(name)
            .map_or(otherwise, |n| n.parse().unwrap_or_else(|_| panic!("{name}={n} is no number")))
    };
    let from = number("PLYWOOD_FUZZ_FROM", 1_000_000);
    fuzz(from..from + number("PLYWOOD_FUZZ", 20_000), number("PLYWOOD_FUZZ_THREADS", 2));
}
