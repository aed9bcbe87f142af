//! What the pool does, seen from outside: statistics, and that a loop's results never come from fresh pages. The
//! statistics are the whole process's, so the tests take turns.

mod common;

use common::*;
use plywood_backend_cpu::Cpu;
use plywood_core::op::{Binary, Reduction, Unary};
use plywood_core::{DType, Term, Value};
use std::sync::{Mutex, MutexGuard};

static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(|e| e.into_inner())
}

fn add(x: &Value, y: &Value) -> Value {
    x.clone().binary(Binary::Add, Term::Value(y.clone()))
}

/// A step of a loop: its results are dropped, so that the next step finds their blocks.
fn step(x: &Value, y: &Value, at: &Value) {
    let sum = add(x, y);
    let _copy = sum.clone().t().reshape(&[-1]);
    let _exp = sum.clone().unary(Unary::Exp);
    let _mean = sum.clone().reduce_axes(Reduction::Sum, [1usize].into_iter().collect());
    let _wide = sum.cast(DType::F64);
    let _rows = x.clone().get(&[plywood_core::value::IndexItem::Tensor(at.clone())]);
}

#[test]
fn large_outputs_in_a_loop_never_come_from_fresh_pages() {
    let _turn = turn();
    // Small, from 64 KiB on, mapped, of huge pages; powers of two and others.
    for n in [40usize, 128, 300, 1000, 1024] {
        let (x, y) = (of(DType::F32, &ramp(n * n), &[n, n]), of(DType::F32, &ramp(n * n), &[n, n]));
        let at = value(&(0..n as i32).rev().collect::<Vec<_>>(), &[n]);
        // Threads take part as they come: for a few turns blocks move between them.
        let mut last = Cpu::memory().misses;
        let mut turns = 0;
        let mut quiet = 0;
        while quiet < 20 {
            step(&x, &y, &at);
            let misses = Cpu::memory().misses;
            (quiet, turns, last) = (if misses == last { quiet + 1 } else { 0 }, turns + 1, misses);
            assert!(turns < 40, "{n}: after 40 turns the system is still asked for memory");
        }
    }
}

#[test]
fn sizes_that_differ_a_little_share_blocks() {
    let _turn = turn();
    let make = |n: usize| of(DType::F32, &vec![1.0; n], &[n]);
    drop(add(&make(1_000_000), &make(1_000_000)));
    let (x, y) = (make(999_000), make(998_000));
    let before = Cpu::memory();
    drop(add(&x, &x));
    drop(add(&y, &y));
    let after = Cpu::memory();
    assert_eq!(after.misses, before.misses);
    assert!(after.hits >= before.hits + 2);
}

#[test]
fn statistics_say_what_is_held_and_what_waits() {
    let _turn = turn();
    Cpu::trim();
    let before = Cpu::memory();
    assert!(before.cap > 0);
    let bytes = 48 << 20;
    let x = Value::create(
        <Cpu as plywood_core::Backend>::ENGINE,
        plywood_core::Op::Iota { ty: plywood_core::TensorType::new([bytes / 4], DType::F32), axis: 0 },
    );
    let held = Cpu::memory();
    assert_eq!(held.in_use - before.in_use, bytes);
    assert!(held.peak >= held.in_use && held.misses > before.misses);
    drop(x);
    let kept = Cpu::memory();
    assert_eq!((kept.in_use, kept.kept - held.kept), (before.in_use, bytes));
    assert!(kept.peak >= held.in_use);
    Cpu::reset_memory_peak();
    assert_eq!(Cpu::memory().peak, kept.in_use);
    Cpu::trim();
    assert!(Cpu::memory().kept < 1 << 20, "{:?}", Cpu::memory());
}

#[test]
fn a_cap_holds() {
    let _turn = turn();
    let before = Cpu::memory().cap;
    let make = || of(DType::F32, &vec![1.0; 1 << 20], &[1 << 20]);
    Cpu::set_memory_cap(10 << 20);
    drop((0..4).map(|_| make()).collect::<Vec<_>>());
    let capped = Cpu::memory();
    assert!(capped.kept <= (10 << 20) + (6 << 20) && capped.kept >= 8 << 20, "{capped:?}");
    // Nothing at all: not even a small block.
    Cpu::set_memory_cap(0);
    let small = of(DType::F32, &[1.0; 100], &[100]);
    drop(add(&small, &small));
    drop(make());
    let misses = Cpu::memory().misses;
    drop(add(&small, &small));
    assert!(Cpu::memory().misses > misses);
    Cpu::set_memory_cap(before);
    assert_eq!(Cpu::memory().cap, before);
    drop(add(&small, &small));
    let misses = Cpu::memory().misses;
    drop(add(&small, &small));
    assert_eq!(Cpu::memory().misses, misses);
}

#[test]
fn blocks_find_their_way_back_from_other_threads() {
    let _turn = turn();
    let (large, small) = (of(DType::F32, &ramp(300_000), &[300_000]), of(DType::F32, &ramp(300), &[300]));
    let mut last = usize::MAX as u64;
    for round in 0..30 {
        let made: Vec<Value> =
            (0..100).map(|i| if i % 20 == 0 { add(&large, &large) } else { add(&small, &small) }).collect();
        // Dropped by a thread that ends.
        std::thread::spawn(move || drop(made)).join().expect("no panic");
        let misses = Cpu::memory().misses;
        assert!(round < 5 || misses == last, "round {round} asks the system for memory");
        last = misses;
    }
}

#[test]
fn what_one_thread_holds_another_may_drop_while_it_ends() {
    let _turn = turn();
    thread_local! { static LAST: std::cell::RefCell<Option<Value>> = const { std::cell::RefCell::new(None) }; }
    let before = Cpu::memory().in_use;
    for _ in 0..10 {
        std::thread::spawn(|| {
            // Set before the thread first uses the pool, dropped after its own part of it is gone, or the other way.
            LAST.with(|_| ());
            let x = of(DType::F32, &ramp(1000), &[1000]);
            LAST.set(Some(add(&x, &x)));
        })
        .join()
        .expect("no panic");
    }
    assert_eq!(Cpu::memory().in_use, before);
}
