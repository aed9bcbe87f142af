//! Mistakes with the NumPy-like functions panic at the line that makes them, and say what would fit.

use plywood::prelude::*;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Mutex, MutexGuard};

type C = Tensor<Cpu>;

static LAST: Mutex<Option<(String, String, u32)>> = Mutex::new(None);

/// One at a time: the panic hook is global.
fn hook() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    let guard = ONE.lock().unwrap_or_else(|e| e.into_inner());
    panic::set_hook(Box::new(|info| {
        let message = info.payload().downcast_ref::<String>().cloned();
        let message = message.or(info.payload().downcast_ref::<&str>().map(|s| s.to_string()));
        let at = info.location().map(|l| (l.file().to_string(), l.line())).unwrap_or_default();
        *LAST.lock().unwrap() = Some((message.unwrap_or_default(), at.0, at.1));
    }));
    guard
}

/// The message with which `f` panics, the file and the line.
fn fails(f: impl FnOnce()) -> (String, String, u32) {
    let result = panic::catch_unwind(AssertUnwindSafe(f));
    assert!(result.is_err(), "it did not fail");
    LAST.lock().unwrap().take().expect("the hook has seen it")
}

/// Each expression, a line of its own, with its message.
macro_rules! wrong { ($($call:expr => $message:literal;)*) => { vec![$(
    (Box::new(|| { let _ = $call; }) as Box<dyn Fn() + '_>, $message)
),*] } }

#[test]
fn mistakes_are_told_where_they_are_made() {
    let _hook = hook();
    let a = C::zeros([2, 3], DType::F32);
    let v = C::zeros([3], DType::F32);
    let i = C::arange(3);
    let mask = C::from([true, false]);
    let cases = wrong! {
        a.split(2, 1) => "split: axis 1 of shape [2, 3] has 3 elements, which 2 does not divide (array_split makes uneven parts)";
        a.split([1], 2) => "split: axis 2 of a tensor of shape [2, 3]; axes go from -2 to 1";
        a.array_split(0, 1) => "array_split: into no parts";
        a.roll([1, 2], [0, 1, 0]) => "roll: 2 shifts for 3 axes (shape [2, 3])";
        a.rot90(1, (0, -2)) => "rot90: axis 0 is named twice (shape [2, 3])";
        v.tril(0) => "tril: takes matrices, not a tensor of shape [3]";
        a.reshape([2, 3, 1]).diag(0) => "diag: takes a vector or a matrix, not a tensor of shape [2, 3, 1]";
        v.trace(0) => "trace: takes matrices, not a tensor of shape [3]";
        a.diagonal_axes(0, (1, -1)) => "diagonal: axis 1 is named twice (shape [2, 3])";
        a.repeat(&C::from([1, 2]), 1) => "repeat: counts of shape [2] for axis 1 of shape [2, 3]";
        a.repeat(&C::from([1, -2]), 0) => "repeat: a count of -2";
        a.pad_mode([(1, 1)], PadMode::Edge) => "pad: 1 paddings for shape [2, 3]";
        C::zeros([0], DType::F32).pad_mode([(1, 0)], PadMode::Wrap) => "pad: axis 0 of shape [0] is empty: there is nothing to pad with";
        vstack(Vec::<&C>::new()) => "vstack: no tensors";
        meshgrid([&a, &v], Indexing::Ij) => "meshgrid: takes vectors, not a tensor of shape [2, 3]";
        broadcast_arrays([&a, &C::zeros([2], DType::F32)]) => "broadcast_arrays: shapes [2, 3] and [2] do not broadcast";
        a.append(&v, 0) => "append: shapes [2, 3] and [3] differ outside axis 0";
        a.insert(3, &v, 0) => "insert: place 3 of axis 0 of shape [2, 3]";
        a.delete(2, 0) => "delete: place 2 of axis 0 of shape [2, 3]";
        a.take(&C::from([1, 3]), 1) => "take: index 3 is out of bounds for axis 1 of shape [2, 3]";
        a.take(&v, 1) => "take: indices are integers, not f32[3]";
        a.take_along_axis(&i, 1) => "take_along_axis: indices of shape [3] for shape [2, 3]: they have as many axes";
        a.get((0, &mask)) => "get: a mask of shape [2] for axes of sizes [3], of shape [2, 3]";
        a.get(&C::scalar(true)) => "get: a mask has an axis at least; choose by a scalar with select";
        a.at(&a.gt(0)).set(&v) => "at: values of shape [3] under a mask of shape [2, 3]; they have all axes of shape [2, 3], or only those behind the mask's (for one value for each true place, index with mask.nonzero())";
        C::from([true]).at(&C::from([true])).add(true) => "at: bool is not added or multiplied; use max (or), min (and)";
        a.get((NewAxis, &i, &v)) => "get: index 2 is out of bounds for axis 0 of shape [2, 3]";
        a.get((&v, NewAxis)) => "get: an index tensor holds integers, not f32[3]";
        a.extract(&v) => "extract: a mask of shape [3] for shape [2, 3]";
        a.compress(&C::from([true, false, true]), 0) => "compress: a mask of shape [3] for axis 0 of shape [2, 3]";
        C::scalar(1.0).nonzero() => "nonzero: takes a tensor with axes, not a scalar; atleast_1d gives it one";
        v.bincount() => "bincount: takes a vector of integers, not f32[3]";
        i.bincount_weighted(&a, 3) => "bincount: weights of shape [2, 3] for shape [3]";
        v.histogram(0) => "histogram: into no bins";
        C::zeros([0], DType::F32).histogram(3) => "histogram: no elements to take the range from; give a range or edges";
        a.segment_sum(&i, 2) => "segment_sum: the segments' numbers are i32[3], an integer is needed for each row of shape [2, 3]";
        a.var_axes(2) => "var: axis 2 of a tensor of shape [2, 3]; axes go from -2 to 1";
        a.quantile(1.5) => "quantile: q is from 0 to 1, not 1.5";
        a.percentile(-1) => "percentile: q is from 0 to 100, not -1";
        C::zeros([0], DType::F32).median() => "median: no elements along axes [0] of shape [0]";
        a.average_axis(&C::zeros([2], DType::F32), 1) => "average: weights of shape [2] along axes [1] of shape [2, 3]";
        a.reshape([1, 2, 3]).cov() => "cov: takes a vector or a matrix whose rows are variables, not a tensor of shape [1, 2, 3]";
        v.interp(&v, &C::zeros([2], DType::F32)) => "interp: places and values are vectors of one size, not of shapes [3] and [2]";
        C::zeros([1], DType::F32).gradient(1.0, 0) => "gradient: axis 0 of shape [1] has fewer than 2 elements";
        v.trapezoid_at(&C::zeros([2], DType::F32), 0) => "trapezoid: places of shape [2] for axis 0 of shape [3]";
        i.round_to(-1) => "round_to: -1 decimals of i32: cast it to a float";
        C::geomspace(-1.0, 1.0, 3, DType::F64) => "geomspace: from -1 to 1: both have the same sign, and none is 0";
        v.one_hot(3, DType::F32) => "one_hot: indices are integers, not f32[3]";
        a.unravel_index([2, 3]) => "unravel_index: places are integers, not f32[2,3]";
    };
    let mut wrong = Vec::new();
    let mut last = 0;
    for (f, want) in cases {
        let (message, file, told) = fails(f);
        if message != want {
            wrong.push(format!("is  {message}\nnot {want}"));
        }
        // Each case is a line of this file, below the one before.
        if !file.ends_with("tests/surface_errors.rs") || told <= last {
            wrong.push(format!("{want}: told at {file}:{told}"));
        }
        last = told;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_reads_data_says_so_in_a_recorded_function() {
    let _hook = hook();
    type R = Tensor<Traced<Cpu>>;
    let x = C::from([1.0, -2.0]);
    let cases: Vec<(fn(R) -> R, &str, &str)> = vec![
        (
            |x| x.get(&x.gt(0)),
            "get: this value has no data",
            "choose with select (or where_), or update with at(&mask)",
        ),
        (|x| x.unique(), "unique: this value has no data", "the result's shape depends on it"),
        (|x| x.argwhere(), "argwhere: this value has no data", "or count with sum"),
        (|x| x.compress(&x.gt(0), 0), "compress: this value has no data", "choose with select"),
        (|x| x.cast(DType::I32).bincount(), "bincount: this value has no data", "say it with bincount_to"),
        (|x| x.repeat(&x.cast(DType::I32), 0), "repeat: this value has no data", "repeat by a number"),
    ];
    for (f, start, end) in cases {
        let (message, file, _) = fails(|| drop(trace(f)(x.clone())));
        assert!(message.starts_with(start) && message.contains(end), "{message}");
        assert!(file.ends_with("tests/surface_errors.rs"), "{message}: told at {file}");
    }
}

#[test]
fn what_does_not_read_data_is_recorded() {
    let x = C::from([3.0, -2.0, 1.0]);
    let f = |x: Tensor<Traced<Cpu>>| {
        let places = Tensor::from([2, 0]);
        let all = [
            x.at(&x.lt(0)).set(5),
            x.roll(1, 0),
            x.take(&places, 0),
            x.take_along_axis(&places, 0),
            x.histogram(2).0,
            x.segment_sum(&Tensor::from([0, 1, 0]), 2),
            x.median().atleast_1d(),
            x.interp(&Tensor::from([-2.0, 3.0]), &Tensor::from([0.0, 1.0])),
            x.isin(&Tensor::from([3.0])).cast(DType::F64),
        ];
        concatenate(&all, 0)
    };
    let got = trace(f)(x.clone()).call(&[x]);
    let want = [
        3.0, 5.0, 1.0, 1.0, 3.0, -2.0, 1.0, 3.0, 1.0, 3.0, 1.0, 2.0, 4.0, -2.0, 1.0, 1.0, 0.0, 0.6, 1.0, 0.0,
        0.0,
    ];
    assert_eq!(got[0].to_vec::<f64>(), want);
}
