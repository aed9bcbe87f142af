//! Windows of all dtypes against reductions of their elements.

use crate::kernels::testing::{Numbers, elements, execute1, flat, index, tensor};
use plywood_core::op::{Padding, Window, WindowKind};
use plywood_core::{DType, Op};
use std::sync::Arc;

/// By the definition.
fn naive(shape: &[usize], x: &[f64], out: &[usize], kind: WindowKind, w: &Window, padding: f64) -> Vec<f64> {
    let one = |o: usize| -> f64 {
        let o = index(out, o);
        let seen: Vec<(usize, f64)> = (0..w.sizes.iter().product())
            .filter_map(|t| {
                let t = index(&w.sizes, t);
                let mut at = vec![];
                for d in 0..shape.len() {
                    let i = (o[d] * w.strides[d] + t[d] * w.dilation[d]) as isize - w.padding[d].low;
                    let apart = w.padding[d].interior as isize + 1;
                    if i < 0 || i % apart != 0 || i / apart >= shape[d] as isize {
                        return None;
                    }
                    at.push((i / apart) as usize);
                }
                Some((flat(shape, &at), x[flat(shape, &at)]))
            })
            .collect();
        // The first wins, and NaN over all.
        let extreme = |better: fn(f64, f64) -> bool| {
            seen.iter()
                .copied()
                .reduce(|a, b| if a.1.is_nan() || !(b.1.is_nan() || better(b.1, a.1)) { a } else { b })
        };
        match kind {
            WindowKind::Sum => seen.iter().map(|s| s.1).sum(),
            WindowKind::Max => extreme(|b, a| b > a).map_or(padding, |s| s.1),
            WindowKind::Min => extreme(|b, a| b < a).map_or(padding, |s| s.1),
            WindowKind::ArgMax => extreme(|b, a| b > a).map_or(-1.0, |s| s.0 as f64),
            WindowKind::ArgMin => extreme(|b, a| b < a).map_or(-1.0, |s| s.0 as f64),
        }
    };
    (0..out.iter().product()).map(one).collect()
}

fn lowest(dtype: DType, kind: WindowKind) -> f64 {
    let (least, most) = match dtype {
        DType::I32 => (i32::MIN as f64, i32::MAX as f64),
        DType::U8 => (0.0, 255.0),
        DType::I8 => (-128.0, 127.0),
        _ => (f64::NEG_INFINITY, f64::INFINITY),
    };
    if kind == WindowKind::Max { least } else { most }
}

#[test]
fn windows_of_any_attributes_are_reductions_of_their_elements() {
    let mut numbers = Numbers(5);
    let dtypes = [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I32, DType::I8, DType::U8];
    for round in 0..4000 {
        let dtype = dtypes[round % dtypes.len()];
        let kind = WindowKind::ALL[round / 7 % 5];
        let rank = numbers.below(5);
        let mut shape = numbers.shape(rank, 7);
        let mut w = Window {
            sizes: Default::default(),
            strides: Default::default(),
            dilation: Default::default(),
            padding: Default::default(),
        };
        for size in shape.iter_mut() {
            let idle = numbers.below(3) == 0;
            let long = numbers.below(8) == 0;
            if long {
                *size = 20 + numbers.below(40);
            }
            let mut one = |n: usize| if idle { 0 } else { numbers.below(n) };
            w.sizes.push(1 + one(if long { 17 } else { 3 }));
            w.strides.push(1 + one(3));
            w.dilation.push(1 + one(2) * one(2));
            let mut end = || one(4) as isize - one(2) as isize;
            let padding = Padding { low: end(), high: end(), interior: 0 };
            w.padding.push(Padding { interior: one(2) * one(3), ..padding });
        }
        if w.places(&shape).is_none() {
            continue;
        }
        let (x, look) = numbers.tensor(&shape, dtype);
        let got = execute1(&Op::Window { kind, window: Arc::new(w.clone()) }, vec![x]);
        let want = naive(&shape, &look, got.shape(), kind, &w, lowest(dtype, kind));
        let want = match (kind, dtype) {
            (WindowKind::Sum, DType::I8) => want.iter().map(|&w| w as i64 as i8 as f64).collect(),
            (WindowKind::Sum, DType::U8) => want.iter().map(|&w| w as i64 as u8 as f64).collect(),
            (WindowKind::Sum, _) => elements(&tensor(&want, got.shape(), dtype)),
            _ => want,
        };
        assert_eq!(elements(&got), want, "{dtype} {kind:?} {shape:?} {w:?}");
    }
}

#[test]
fn large_windows_are_reductions_of_their_elements_on_any_threads() {
    let cases: &[(&[usize], &[usize], &[usize], isize)] = &[
        (&[16, 40, 50], &[1, 2, 2], &[1, 2, 2], 0),
        (&[2, 100, 90], &[1, 3, 3], &[1, 2, 2], 1),
        (&[300, 170], &[13, 20], &[1, 3], 5),
        (&[20_000], &[301], &[1], 150),
        (&[5, 30, 30, 3], &[1, 3, 3, 1], &[1, 1, 1, 1], 0),
    ];
    for &(shape, sizes, strides, pad) in cases {
        let n: usize = shape.iter().product();
        let look: Vec<f64> = (0..n).map(|i| (i * 7919 % 1009) as f64 / 8.0).collect();
        let padding = sizes.iter().map(|&s| if s > 1 { pad } else { 0 });
        let w = Window {
            sizes: sizes.into(),
            strides: strides.into(),
            dilation: sizes.iter().map(|_| 1).collect(),
            padding: padding.map(|p| Padding { low: p, high: p, interior: 0 }).collect(),
        };
        for &kind in WindowKind::ALL {
            let op = Op::Window { kind, window: Arc::new(w.clone()) };
            let run = |x: &[f64]| execute1(&op, vec![tensor(x, shape, DType::F32)]);
            let got = run(&look);
            let want = naive(shape, &look, got.shape(), kind, &w, 0.0);
            assert_eq!(elements(&got), want, "{kind:?} {shape:?} {w:?}");
            // Numbers whose sums are rounded.
            let thirds: Vec<f64> = look.iter().map(|x| x / 3.0).collect();
            let on = |threads| crate::Cpu::with_threads(threads, || elements(&run(&thirds)));
            assert_eq!(on(1), on(4), "{kind:?} {shape:?} {w:?}");
        }
    }
}
