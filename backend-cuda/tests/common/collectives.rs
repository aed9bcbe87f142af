//! All calls of a communicator, each against what its elements should be: for the stand-in of `tests/nccl.rs`, and in the example
//! `check` for GPUs.

use plywood_backend_cpu::Cpu;
use plywood_backend_cuda::nccl::{Communicator, Fold};
use plywood_backend_cuda::{Cuda, on_device};
use plywood_core::{Array, Backend, DType, Error, Op, Shape, Value};

/// Elements by their places, in any dtype that has them.
pub fn array(dtype: DType, shape: &[usize], of: impl Fn(usize) -> f64) -> Array {
    let elements = (0..shape.iter().product()).map(of).collect();
    host(Array::new::<f64>(elements, Shape::from(shape))).cast(dtype).array("array")
}

fn host(array: Array) -> Value {
    Value::create(Cpu::ENGINE, Op::Constant(array))
}

/// An array on a device.
pub fn on(device: usize, array: Array) -> Value {
    on_device(device, || Value::create(Cuda::ENGINE, Op::Constant(array)))
}

/// How a value differs from what it should be.
pub fn differs(x: &Value, expected: &Array) -> Option<String> {
    if x.ty() != &expected.ty() {
        return Some(format!("{} instead of {}", x.ty(), expected.ty()));
    }
    let read = match x.read() {
        Ok(read) => read,
        Err(e) => return Some(e.to_string()),
    };
    let numbers = |x: &Array| host(x.clone()).cast(DType::F64).to_vec::<f64>();
    let (got, wanted) = (numbers(&read), numbers(expected));
    let i = (0..got.len()).find(|&i| got[i] != wanted[i] && !(got[i].is_nan() && wanted[i].is_nan()))?;
    Some(format!("element {i} of {} is {}, not {}", x.ty(), got[i], wanted[i]))
}

/// What a communicator is asked for.
type Call<'a> = &'a dyn Fn(&[&Value]) -> Result<Vec<Value>, Error>;

/// What a rank's element is, by the elements (rank, place) of all.
type Expected<'a> = &'a dyn Fn(usize, usize, &dyn Fn(usize, usize) -> f64) -> f64;

/// The cases of a communicator.
struct Cases<'a> {
    all: &'a Communicator,
    failures: Vec<String>,
    count: usize,
}

/// Runs every call, on all dtypes and some sizes; gives how many, and what fails. `kernels`: also what needs kernels of the device's,
/// which are extremes of floats, NaN among them, 16-bit integers, and tensors that do not lie in order.
pub fn run(all: &Communicator, kernels: bool) -> (usize, Vec<String>) {
    let n = all.size();
    let mut cases = Cases { all, failures: Vec::new(), count: 0 };
    for dtype in DType::ALL {
        let is_wide = !matches!(dtype, DType::I16 | DType::U16);
        let of_bools = |x: f64| if dtype == DType::Bool { (x != 0.0) as u8 as f64 } else { x };
        let folds: [(Fold, fn(f64, f64) -> f64); 3] =
            [(Fold::Sum, |a, b| a + b), (Fold::Max, largest), (Fold::Min, smallest)];
        for (how, fold) in folds {
            let has = if how == Fold::Sum { dtype != DType::Bool } else { kernels || !dtype.is_float() };
            if !has || !(kernels || is_wide) {
                continue;
            }
            let folded = |of: &dyn Fn(usize, usize) -> f64, i: usize| {
                (0..n).map(|rank| of_bools(of(rank, i))).reduce(fold).expect("there are ranks")
            };
            for shape in [&[][..], &[1000], &[3, 2], &[0, 4]] {
                let name = format!("all_reduce {how:?}");
                cases.check(&name, dtype, shape, shape, &|x| all.all_reduce(how, x), &|_, i, of| {
                    folded(of, i)
                });
            }
            for rest in [&[6][..], &[], &[0]] {
                let size: usize = rest.iter().product();
                let name = format!("reduce_scatter {how:?}");
                let parts = [&[n][..], rest].concat();
                cases.check(&name, dtype, &parts, rest, &|x| all.reduce_scatter(how, x), &|rank, i, of| {
                    folded(of, rank * size + i)
                });
            }
        }
        for rest in [&[6][..], &[], &[0]] {
            let size: usize = rest.iter().product();
            let parts = [&[n][..], rest].concat();
            cases.check("all_gather", dtype, rest, &parts, &|x| all.all_gather(x), &|_, i, of| {
                of(i / size, i % size)
            });
            cases.check("all_to_all", dtype, &parts, &parts, &|x| all.all_to_all(x), &|rank, i, of| {
                of(i / size, rank * size + i % size)
            });
            // Round and round but for the last rank, which gets nothing; and the first alone, to itself.
            let round: Vec<(usize, usize)> =
                (0..n).map(|rank| (rank, (rank + 1) % n)).filter(|pair| pair.1 + 1 < n).collect();
            for pairs in [&round[..], &[(0, 0)]] {
                cases.check("permute", dtype, rest, rest, &|x| all.permute(pairs, x), &|rank, i, of| {
                    pairs.iter().find(|pair| pair.1 == rank).map_or(0.0, |&(from, _)| of(from, i))
                });
            }
        }
    }
    if kernels {
        cases.views();
    }
    (cases.count, cases.failures)
}

fn largest(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.max(b) }
}

fn smallest(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() { f64::NAN } else { a.min(b) }
}

/// Small numbers, other ones for each rank and tensor, of both signs where there are; here and there no number.
fn element(dtype: DType, rank: usize, tensor: usize, i: usize) -> f64 {
    let x = ((i + 3 * rank + 5 * tensor) % 7) as f64;
    let is_unsigned = matches!(dtype, DType::U64 | DType::U32 | DType::U16 | DType::U8 | DType::Bool);
    match i % 11 {
        5 if dtype.is_float() && rank % 2 == 1 => f64::NAN,
        _ if is_unsigned => x,
        _ => x - 3.0,
    }
}

impl Cases<'_> {
    /// A call with three tensors of each rank, which are given up before results are read.
    fn check(
        &mut self,
        name: &str,
        dtype: DType,
        before: &[usize],
        after: &[usize],
        call: Call<'_>,
        expected: Expected<'_>,
    ) {
        const TENSORS: usize = 3;
        let ranks: Vec<_> = self.all.ranks().into_iter().zip(self.all.devices()).collect();
        let tensors = ranks.iter().flat_map(|&(rank, device)| {
            let tensor = move |t| on(device.index, array(dtype, before, |i| element(dtype, rank, t, i)));
            (0..TENSORS).map(tensor)
        });
        let tensors: Vec<Value> = tensors.collect();
        let results = call(&tensors.iter().collect::<Vec<_>>());
        drop(tensors);
        self.count += 1;
        let name = format!("{name} of {dtype} {before:?}");
        let results = match results {
            Ok(results) => results,
            Err(e) => return self.failures.push(format!("{name}: {e}")),
        };
        assert_eq!(results.len(), ranks.len() * TENSORS, "{name}");
        for (k, x) in results.iter().enumerate() {
            let (rank, t) = (ranks[k / TENSORS].0, k % TENSORS);
            let of = |rank: usize, i: usize| element(dtype, rank, t, i);
            let wrong = differs(x, &array(dtype, after, |i| expected(rank, i, &of)));
            self.failures.extend(wrong.map(|wrong| format!("{name}, rank {rank}: {wrong}")));
        }
    }

    /// Tensors that are views: turned, and one number everywhere.
    fn views(&mut self) {
        let n = self.all.size();
        let of = |rank: usize, i: usize| (rank * 100 + i) as f64;
        let devices: Vec<_> = self.all.ranks().into_iter().zip(self.all.devices()).collect();
        let turned = devices.iter().map(|&(rank, device)| {
            on(device.index, array(DType::F32, &[4, 5], |i| of(rank, i))).transpose(&[1, 0])
        });
        let same = devices.iter().map(|&(rank, device)| {
            let number = on(device.index, array(DType::F32, &[], |_| of(rank, 0)));
            number.broadcast_to("views", &Shape::from(&[5, 4][..]))
        });
        for (values, is_turned) in [(turned.collect::<Vec<_>>(), true), (same.collect(), false)] {
            let place = |i: usize| if is_turned { i % 4 * 5 + i / 4 } else { 0 };
            let expected = array(DType::F32, &[n, 5, 4], |i| of(i / 20, place(i % 20)));
            let results = self.all.all_gather(&values.iter().collect::<Vec<_>>());
            self.count += 1;
            match results {
                Ok(results) => self.failures.extend(results.iter().filter_map(|x| differs(x, &expected))),
                Err(e) => self.failures.push(format!("all_gather of views: {e}")),
            }
        }
    }
}
