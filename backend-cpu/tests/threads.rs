//! Results do not depend on the number of threads, bit for bit; and what the number may be.

mod common;

use common::*;
use plywood_backend_cpu::Cpu;
use plywood_core::{DType, Tensor, concatenate, math, random};

type T = Tensor<Cpu>;

fn floats(shape: &[usize], seed: u64) -> T {
    random::normal(&random::key::<Cpu>(seed), shape, DType::F32)
}

fn places(shape: &[usize], bound: i32) -> T {
    random::randint(&random::key::<Cpu>(9), shape, 0, bound)
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    // Large enough for several pieces.
    let (x, y) = (floats(&[301, 1003], 1), floats(&[301, 1003], 2));
    let cube = floats(&[61, 67, 71], 3);
    let (at, elements) = (places(&[2000], 301), places(&[300_000], 1003));
    let new = floats(&[2000, 1003], 4);
    let key = random::key::<Cpu>(5);
    type Case<'a> = (&'a str, Box<dyn Fn() -> T + 'a>);
    let cases: Vec<Case<'_>> = vec![
        ("add", Box::new(|| &x + &y)),
        ("exp", Box::new(|| x.exp())),
        ("a broadcast", Box::new(|| &x * &y.sum_keep(1))),
        ("select of a view", Box::new(|| x.t().gt(0.0).select(y.t(), 1.0))),
        ("cast", Box::new(|| x.cast(DType::BF16))),
        ("sum", Box::new(|| x.sum())),
        ("sum of rows", Box::new(|| x.sum_axes(1))),
        ("sum of columns", Box::new(|| x.sum_axes(0))),
        ("sum of the middle", Box::new(|| cube.sum_axes(1))),
        ("sum of outer axes", Box::new(|| cube.sum_axes([0, 2]))),
        ("mean of a view", Box::new(|| cube.transpose([2, 0, 1]).mean_axes(0))),
        ("sum of bf16", Box::new(|| x.cast(DType::BF16).sum_axes(0))),
        ("max", Box::new(|| x.max())),
        ("argmax of rows", Box::new(|| x.argmax(1))),
        ("argmax of columns", Box::new(|| x.argmax(0))),
        ("sort", Box::new(|| x.sort(1))),
        ("softmax", Box::new(|| x.softmax(-1))),
        ("transpose", Box::new(|| x.t().reshape([-1]))),
        ("permutation", Box::new(|| cube.transpose([1, 2, 0]).reshape([-1]))),
        ("concatenation", Box::new(|| concatenate([&x, &y], 1))),
        ("padding", Box::new(|| x.pad([(1, 2), (3, 4)], 7.0))),
        ("rows", Box::new(|| x.get(&at))),
        ("columns", Box::new(|| x.get((.., &at)))),
        ("rows added", Box::new(|| x.at(&at).add(&new))),
        ("rows multiplied", Box::new(|| x.at(&at).mul(&new))),
        ("elements added", Box::new(|| y.reshape([-1]).at(&elements).add(x.reshape([-1]).get(..300_000)))),
        ("columns added", Box::new(|| x.t().at((.., &at)).add(new.t()))),
        ("a matrix times a vector", Box::new(|| x.matmul(&y.get(0)))),
        ("a matrix whose columns lie in line times a vector", Box::new(|| x.t().matmul(&x.get((.., 0))))),
        ("a product of integers", Box::new(|| (&x * 10.0).cast(DType::I32).matmul(&y.cast(DType::I32).t()))),
        ("normal", Box::new(|| random::normal(&key, [300_001], DType::F32))),
        ("bits", Box::new(|| random::bits(&key, [300_001], DType::U32))),
        ("tanh of f64", Box::new(|| math::tanh(x.cast(DType::F64)))),
    ];
    for (name, run) in &cases {
        let bits = |threads| -> Vec<u64> {
            let result = Cpu::with_threads(threads, run);
            numbers(result.value()).into_iter().map(f64::to_bits).collect()
        };
        let want = bits(1);
        for threads in [2, 3, 4] {
            assert!(bits(threads) == want, "{name} differs with {threads} threads");
        }
    }
}

#[test]
fn the_number_is_set_for_the_process_or_a_scope() {
    let first = Cpu::thread_count();
    assert!(first > 0);
    Cpu::with_threads(3, || {
        assert_eq!(Cpu::thread_count(), 3);
        Cpu::with_threads(1, || assert_eq!(Cpu::thread_count(), 1));
        let unwound = std::panic::catch_unwind(|| Cpu::with_threads(7, || panic!("unwinds")));
        assert!(unwound.is_err());
        assert_eq!(Cpu::thread_count(), 3);
        // A scope is a thread's own.
        std::thread::scope(|s| s.spawn(|| assert_eq!(Cpu::thread_count(), first)).join().expect("no panic"));
    });
    Cpu::threads(first + 1);
    assert_eq!(Cpu::thread_count(), first + 1);
    Cpu::threads(first);
}

#[test]
fn no_threads_is_a_mistake() {
    for mistake in [|| Cpu::threads(0), || Cpu::with_threads(0, || ())] {
        let panic = std::panic::catch_unwind(mistake).expect_err("0 is refused");
        let message = panic.downcast_ref::<&str>().expect("a message");
        assert!(message.contains("0 threads"), "{message}");
    }
}
