//! Devices that are late, that fail, that leave something out: a program gives its result or ends with an error that says where,
//! within a time limit, and the next one runs well; also where many programs are started at once on devices that overlap.

mod mischief;

use mischief::{Act, Shaky, plan};
use plywood_backend_cpu::Cpu;
use plywood_core::op::{Binary, Collective, CollectiveKind, Pmap, Spec};
use plywood_core::record::{argument, extract};
use plywood_core::{Array, Backend, DType, Device, Op, Step, TensorType, Trace, Value, Values, at};
use plywood_multi_device::MultiDevice;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::channel;
use std::time::Duration;

/// Longer than any program takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

/// SplitMix64.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % n as u64) as usize
    }
}

/// What a program does with the number that each device has: collectives over axes of the mesh, and additions between.
#[derive(Clone, Copy, Debug)]
enum Move {
    /// The sum over an axis.
    Sum(usize),
    /// The largest over an axis.
    Max(usize),
    /// From each to the next along an axis.
    Next(usize),
    /// The number of the move is added.
    Add,
}

#[derive(Clone, Debug)]
struct Program {
    mesh: Vec<usize>,
    devices: Vec<usize>,
    moves: Vec<Move>,
}

const AXES: [&str; 3] = ["i", "j", "k"];

impl Program {
    fn random(n: &mut Numbers) -> Program {
        let meshes: [&[usize]; 7] = [&[2], &[3], &[4], &[2, 2], &[2, 3], &[4, 2], &[2, 2, 2]];
        let mesh = meshes[n.below(meshes.len())].to_vec();
        let places: usize = mesh.iter().product();
        let mut devices: Vec<usize> = (0..8).collect();
        (1..8).rev().for_each(|i| devices.swap(i, n.below(i + 1)));
        devices.truncate(places);
        let moves = (0..2 + n.below(6)).map(|_| {
            let axis = n.below(mesh.len());
            [Move::Sum(axis), Move::Max(axis), Move::Next(axis), Move::Sum(axis), Move::Add][n.below(5)]
        });
        let mut moves: Vec<Move> = moves.collect();
        if moves.iter().all(|m| matches!(m, Move::Add)) {
            moves[0] = Move::Sum(0);
        }
        Program { mesh, devices, moves }
    }

    fn collectives(&self) -> usize {
        self.moves.iter().filter(|m| !matches!(m, Move::Add)).count()
    }

    /// The devices along an axis with each.
    fn groups(&self, axis: usize) -> Vec<Vec<usize>> {
        let step: usize = self.mesh[axis + 1..].iter().product();
        let places = self.devices.len();
        (0..places)
            .filter(|place| (place / step).is_multiple_of(self.mesh[axis]))
            .map(|first| (0..self.mesh[axis]).map(|k| first + k * step).collect())
            .collect()
    }

    /// What each device has in the end.
    fn expected(&self, x: &[i64]) -> Vec<i64> {
        let mut x = x.to_vec();
        for (k, m) in self.moves.iter().enumerate() {
            let before = x.clone();
            let (axis, of): (usize, &dyn Fn(&[i64], usize) -> i64) = match *m {
                Move::Add => {
                    x.iter_mut().for_each(|x| *x = x.wrapping_add(k as i64));
                    continue;
                }
                Move::Sum(axis) => (axis, &|all, _| all.iter().fold(0, |a, b| a.wrapping_add(*b))),
                Move::Max(axis) => (axis, &|all, _| *all.iter().max().expect("there are some")),
                Move::Next(axis) => (axis, &|all, rank| all[(rank + all.len() - 1) % all.len()]),
            };
            for group in self.groups(axis) {
                let all: Vec<i64> = group.iter().map(|&place| before[place]).collect();
                group.iter().enumerate().for_each(|(rank, &place)| x[place] = of(&all, rank));
            }
        }
        x
    }

    fn op(&self) -> Pmap {
        let ty = |n: usize| TensorType::new([n], DType::I64);
        let symbol = |ty: TensorType| argument(Trace::ENGINE, ty, Trace::ENGINE.device(None));
        let number = symbol(TensorType::scalar(DType::I64));
        let x = symbol(ty(1));
        let mut y = x.clone();
        for (k, m) in self.moves.iter().enumerate() {
            let speak = |axis: usize, kind: CollectiveKind| {
                let size = self.mesh[axis];
                Op::Collective(Arc::new(Collective { axis: AXES[axis].into(), size, kind, tracked: false }))
            };
            let op = match *m {
                Move::Add => {
                    let more = y.full(plywood_core::Number::Int(k as i64), ty(1));
                    y = Value::apply2(Op::Binary(Binary::Add), y, more);
                    continue;
                }
                Move::Sum(axis) => speak(axis, CollectiveKind::Sum),
                Move::Max(axis) => speak(axis, CollectiveKind::Max),
                Move::Next(axis) => {
                    let n = self.mesh[axis];
                    speak(axis, CollectiveKind::Permute { pairs: (0..n).map(|k| (k, (k + 1) % n)).collect() })
                }
            };
            y = on_line(k, op, y);
        }
        let mesh: Vec<_> = self.mesh.iter().zip(AXES).map(|(&n, axis)| (axis.into(), n)).collect();
        let spec = Spec::default().behind(0..self.mesh.len() as u8);
        Pmap {
            graph: Arc::new(extract(&[number, x], &[y]).0),
            mesh: mesh.into(),
            devices: Some(self.devices.iter().map(|&d| Device::cpu(d)).collect()),
            inputs: vec![Spec::default(), spec.clone()],
            outputs: vec![spec],
            tracked: false,
        }
    }

    /// Runs as the program of this number; the message where it fails.
    fn run(&self, number: i64) -> Result<(), String> {
        let x: Vec<i64> = (0..self.devices.len() as i64).map(|k| 1 + k * k + number % 7).collect();
        let constant = |array: Array| Value::create(Cpu::ENGINE, Op::Constant(array));
        let inputs: Values =
            [constant(Array::new(vec![number], [])), constant(Array::new(x.clone(), [x.len()]))]
                .into_iter()
                .collect();
        let p = Arc::new(self.op());
        let op = Op::Pmap(p.clone());
        let outputs = op.infer(&inputs.iter().map(Value::ty).collect::<Vec<_>>());
        let step = Step { op: &op, outputs: &outputs, at: at::caller() };
        let result =
            catch_unwind(AssertUnwindSafe(|| MultiDevice::<Shaky>::execute(step, &p, inputs).remove(0)));
        match result {
            Ok(y) => {
                let got = y.to_vec::<i64>();
                assert_eq!(got, self.expected(&x), "{self:?}");
                Ok(())
            }
            Err(panic) => Err(panic.downcast_ref::<String>().cloned().unwrap_or_default()),
        }
    }
}

/// The operation, on a line of its own for each of the first moves of a program.
fn on_line(k: usize, op: Op, x: Value) -> Value {
    match k {
        0 => Value::apply1(op, x),
        1 => Value::apply1(op, x),
        2 => Value::apply1(op, x),
        3 => Value::apply1(op, x),
        4 => Value::apply1(op, x),
        5 => Value::apply1(op, x),
        6 => Value::apply1(op, x),
        7 => Value::apply1(op, x),
        _ => panic!("a program has at most eight moves"),
    }
}

fn number() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// Runs `f` on a thread of its own; panics if it does not end.
fn in_time(what: &str, f: impl FnOnce() + Send + 'static) {
    let (done, ended) = channel();
    std::thread::spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(f));
        let _ = done.send(result);
    });
    match ended.recv_timeout(LIMIT) {
        Ok(Ok(())) => {}
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(_) => panic!("{what}: it hangs"),
    }
}

/// How many programs a test tries; `GAUNTLET_PROGRAMS` is another number.
fn programs(n: usize) -> usize {
    std::env::var("GAUNTLET_PROGRAMS").ok().and_then(|n| n.parse().ok()).unwrap_or(n)
}

fn late(n: &mut Numbers, p: &Program, number: i64) {
    for &device in &p.devices {
        let late = (0..p.collectives()).filter(|_| n.below(3) == 0).collect::<Vec<_>>();
        plan(number, device, late.into_iter().map(|at| (at, Act::Late(n.below(300) as u64))).collect());
    }
}

#[test]
fn devices_that_are_late_change_nothing() {
    in_time("late", || {
        let mut n = Numbers(1);
        for _ in 0..programs(300) {
            let (p, number) = (Program::random(&mut n), number());
            late(&mut n, &p, number);
            p.run(number).unwrap_or_else(|e| panic!("{p:?}: {e}"));
        }
    });
}

/// One device panics: that is the error, whatever the others were at.
#[test]
fn a_device_that_panics_ends_the_program() {
    in_time("panics", || {
        let mut n = Numbers(2);
        for _ in 0..programs(300) {
            let (p, of) = (Program::random(&mut n), number());
            late(&mut n, &p, of);
            let (device, at) = (p.devices[n.below(p.devices.len())], n.below(p.collectives()));
            plan(of, device, vec![(at, Act::Panic)]);
            let error = p.run(of).expect_err("a device panics");
            let said = format!("on cpu:{device}: mischief of {device}");
            assert!(error.starts_with("pmap, at ") && error.contains(&said), "{p:?}: {error}");
            let of = number();
            p.run(of).unwrap_or_else(|e| panic!("afterwards: {p:?}: {e}"));
        }
    });
}

/// One device leaves out a collective: those that need its part say so.
#[test]
fn a_collective_that_a_device_leaves_out_is_an_error() {
    in_time("leaves out", || {
        let mut n = Numbers(3);
        for _ in 0..programs(300) {
            let (p, of) = (Program::random(&mut n), number());
            late(&mut n, &p, of);
            let (device, at) = (p.devices[n.below(p.devices.len())], n.below(p.collectives()));
            plan(of, device, vec![(at, Act::Skip)]);
            let error = p.run(of).expect_err("a device leaves something out");
            let elsewhere = error.contains("is not reached by all devices: cpu:")
                || error.contains("devices reach the same collectives in the same order");
            let axis = AXES.iter().any(|axis| error.contains(&format!("over {axis:?}")));
            let line = error.matches("meetings.rs:").count() >= 2;
            assert!(elsewhere && axis && line, "{p:?}, {device} leaves out {at}: {error}");
            let of = number();
            p.run(of).unwrap_or_else(|e| panic!("afterwards: {p:?}: {e}"));
        }
    });
}

/// Sums of sums over both axes, of which the first lacks a device: nobody waits within another's wait.
#[test]
fn a_device_that_is_missing_is_missed_through_other_axes() {
    in_time("crossing", || {
        for mesh in [vec![2, 2], vec![2, 3], vec![2, 2, 2]] {
            for first in 0..mesh.len() {
                let places: usize = mesh.iter().product();
                let moves =
                    (0..3 * mesh.len()).map(|k| Move::Sum((first + k) % mesh.len())).collect::<Vec<_>>();
                let p = Program {
                    devices: (0..places).collect(),
                    mesh: mesh.clone(),
                    moves: moves[..6].to_vec(),
                };
                for (device, at) in (0..places).flat_map(|device| (0..6).map(move |at| (device, at))) {
                    let of = number();
                    plan(of, device, vec![(at, Act::Skip)]);
                    let error = p.run(of).expect_err("a device leaves something out");
                    assert!(error.contains("psum over"), "{error}");
                    let of = number();
                    plan(of, device, vec![(at, Act::Panic)]);
                    let error = p.run(of).expect_err("a device panics");
                    assert!(error.contains(&format!("mischief of {device}")), "{error}");
                }
            }
        }
    });
}

/// Every collective of the last one's result, and a device that is far ahead of the others.
#[test]
fn long_chains_are_no_deep_ones() {
    in_time("chains", || {
        let chain = Program { mesh: vec![2], devices: vec![0, 1], moves: vec![] };
        for kind in [CollectiveKind::Max, CollectiveKind::Permute { pairs: vec![(0, 1), (1, 0)] }] {
            let mut p = chain.op();
            let symbol = |ty: TensorType| argument(Trace::ENGINE, ty, Trace::ENGINE.device(None));
            let (number, x) =
                (symbol(TensorType::scalar(DType::I64)), symbol(TensorType::new([1], DType::I64)));
            let op = Op::Collective(Arc::new(Collective { axis: "i".into(), size: 2, kind, tracked: false }));
            let y = (0..20_000).fold(x.clone(), |x, _| Value::apply1(op.clone(), x));
            p.graph = Arc::new(extract(&[number, x], &[y]).0);
            let of = self::number();
            plan(of, 1, vec![(0, Act::Late(20_000))]);
            let constant = |array: Array| Value::create(Cpu::ENGINE, Op::Constant(array));
            let inputs = [constant(Array::new(vec![of], [])), constant(Array::new(vec![3i64, 3], [2]))];
            let (p, outputs) = (Arc::new(p), [TensorType::new([2], DType::I64)]);
            let op = Op::Pmap(p.clone());
            let step = Step { op: &op, outputs: &outputs, at: at::caller() };
            let y = MultiDevice::<Shaky>::execute(step, &p, inputs.into_iter().collect());
            assert_eq!(y[0].to_vec::<i64>(), [3, 3]);
        }
    });
}

/// Programs of several threads at once, on devices that overlap, some of which fail.
#[test]
fn programs_at_once_do_not_meet() {
    in_time("at once", || {
        let threads: Vec<_> = (0..6)
            .map(|seed| {
                std::thread::spawn(move || {
                    let mut n = Numbers(100 + seed);
                    for _ in 0..programs(300) / 6 {
                        let (p, of) = (Program::random(&mut n), number());
                        late(&mut n, &p, of);
                        let (device, at) = (p.devices[n.below(p.devices.len())], n.below(p.collectives()));
                        let act = [None, None, Some(Act::Panic), Some(Act::Skip)][n.below(4)];
                        if let Some(act) = act {
                            plan(of, device, vec![(at, act)]);
                        }
                        assert_eq!(p.run(of).is_err(), act.is_some(), "{p:?} {act:?}");
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().expect("no thread fails"));
    });
}
