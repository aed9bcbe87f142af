//! Many threads on the same values: right results, nothing left. And a run that panics: others learn of it.

use super::random_programs::{Dice, OPERATIONS, apply};
use super::{L, Lazy, alone, stats};
use plywood::prelude::*;
use plywood::{Array, Engine, Error, Step, Value, Values};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

#[test]
fn threads_share_values() {
    let _alone = alone();
    let before = stats();
    for seed in 0..6 {
        let start = |i: usize| -> Vec<f64> { (0..9).map(|j| ((i * 9 + j) as f64).cos()).collect() };
        let make =
            |i| (Tensor::<Lazy>::from_vec(start(i), [3, 3]), Tensor::<Cpu>::from_vec(start(i), [3, 3]));
        // What threads take from and put to.
        let shared: Mutex<Vec<(Tensor<Lazy>, Tensor<Cpu>)>> = Mutex::new((0..8).map(make).collect());
        let pick = |dice: &mut Dice| {
            let all = shared.lock().unwrap();
            all[dice.below(all.len())].clone()
        };
        thread::scope(|scope| {
            for t in 0..6 {
                let (pick, shared) = (&pick, &shared);
                scope.spawn(move || {
                    let mut dice = Dice(seed * 100 + t);
                    for _ in 0..60 {
                        let (x, y) = (pick(&mut dice), pick(&mut dice));
                        let which = dice.below(OPERATIONS);
                        let lazy = apply(which, &x.0, &y.0).swap_remove(0);
                        let eager = apply(which, &x.1, &y.1).swap_remove(0);
                        match dice.below(4) {
                            0 => assert_eq!(lazy.to_vec::<f64>(), eager.to_vec::<f64>()),
                            1 => assert_eq!(x.0.to_vec::<f64>(), x.1.to_vec::<f64>()),
                            _ => {}
                        }
                        let mut all = shared.lock().unwrap();
                        let i = dice.below(all.len());
                        let old = std::mem::replace(&mut all[i], (lazy, eager));
                        drop(all);
                        drop(old);
                    }
                });
            }
        });
        for (lazy, eager) in shared.into_inner().unwrap() {
            assert_eq!(lazy.to_vec::<f64>(), eager.to_vec::<f64>());
        }
    }
    assert_eq!((stats().pending, stats().values), (before.pending, before.values));
}

#[test]
fn threads_read_one_chain_at_once() {
    let _alone = alone();
    let before = stats();
    for round in 0..30 {
        let x = L::from(vec![round as f64 / 100.0; 100]);
        let mut all = vec![x];
        for _ in 0..40 {
            all.push(all[all.len() - 1].sin());
        }
        let want = (0..40).fold(Tensor::<Cpu>::from(vec![round as f64 / 100.0; 100]), |x, _| x.sin());
        let last = all.pop().unwrap();
        thread::scope(|scope| {
            for t in 0..8 {
                let (middle, last) = (all[t * 5].clone(), last.clone());
                let want = &want;
                scope.spawn(move || {
                    let middle = (0..40 - t * 5).fold(middle, |x, _| x.sin());
                    assert_eq!(middle.to_vec::<f64>(), want.to_vec::<f64>());
                    drop(middle);
                    assert_eq!(last.to_vec::<f64>(), want.to_vec::<f64>());
                });
            }
            drop(all);
        });
    }
    assert_eq!((stats().pending, stats().values), (before.pending, before.values));
}

/// The CPU, which fails when it is told to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Failing;
static FAILS: AtomicBool = AtomicBool::new(false);

impl Backend for Failing {
    const ENGINE: &'static dyn Engine = &Failing;
}
impl Engine for Failing {
    fn execute(&'static self, step: Step<'_>, x: Values) -> Values {
        assert!(!FAILS.load(Ordering::Relaxed), "the device failed at {}", step.at);
        let below = x.iter().map(|x| x.data::<Value>().clone()).collect();
        drop(x);
        let wrap = |y: Value| Value::new(self, y.ty().clone(), y);
        Cpu::ENGINE.execute(step, below).into_iter().map(wrap).collect()
    }
    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        value.data::<Value>().read()
    }
    fn device(&'static self, _: Option<&Value>) -> Device {
        Device::cpu(0)
    }
    fn name(&self) -> String {
        "Failing".to_string()
    }
}

#[test]
fn a_run_that_panics_loses_only_what_it_had_taken() {
    let _alone = alone();
    type F = Tensor<Fusion<Failing>>;
    let before = stats();
    {
        let (held, given) = (F::from([1.0, 2.0]), F::from([3.0, 4.0]));
        let (a, b) = (held.sin(), given.sin());
        drop(given);
        let fails = |x: &F| {
            FAILS.store(true, Ordering::Relaxed);
            let result = catch_unwind(AssertUnwindSafe(|| x.to_vec::<f64>()));
            FAILS.store(false, Ordering::Relaxed);
            *result.expect_err("it fails").downcast::<String>().unwrap()
        };
        assert!(fails(&a).contains("the device failed at tests/lazy/threads.rs"));
        assert!(fails(&b).contains("the device failed"));
        // What was held is there, and computed when it is asked for again.
        assert_eq!(a.to_vec::<f64>(), [1.0f64.sin(), 2.0f64.sin()]);
        let message = fails(&(b + 1.0));
        assert!(message.contains("the run that computed with it panicked"), "{message}");
    }
    assert_eq!((stats().pending, stats().values), (before.pending, before.values));
}
