//! Windows of every kind against a plain loop, alone and by threads.

use super::parts::Part;
use super::*;
use crate::data::data;
use crate::kernels::testing::{Numbers, elements, execute1, flat, index, tensor};
use plywood_core::Op;
use plywood_core::op::IndexMode;
use std::sync::Arc;

fn op(s: &Scatter) -> Op {
    Op::Scatter(Arc::new(s.clone()))
}

/// A random scatter: operand shape, shape of the indices, shape of the updates.
fn sample(
    numbers: &mut Numbers,
    kind: ScatterKind,
    mode: IndexMode,
) -> (Vec<usize>, Vec<usize>, Vec<usize>, Scatter) {
    let rank = 1 + numbers.below(3);
    let mut shape: Vec<usize> = numbers.shape(rank, 5).iter().map(|n| n + 1).collect();
    let rank_of_batch = numbers.below(3);
    let batch = numbers.shape(rank_of_batch, 4);
    let (mut inserted, mut batching, mut along) = (Axes::new(), Axes::new(), Axes::new());
    let mut sizes = vec![];
    for (d, n) in shape.iter_mut().enumerate() {
        match numbers.below(4) {
            0 => inserted.push(d),
            1 if along.len() < batch.len() && batch[along.len()] > 0 => {
                *n = batch[along.len()];
                along.push(along.len());
                batching.push(d);
            }
            _ => sizes.push(numbers.below(*n + 1)),
        }
    }
    let mut map: Axes = (0..rank).filter(|d| !batching.contains(d)).collect();
    while !map.is_empty() && numbers.below(3) == 0 {
        map.remove(numbers.below(map.len()));
    }
    let total = batch.len() + sizes.len();
    let mut window_axes: Axes = (0..total).collect();
    while window_axes.len() > sizes.len() {
        let first = numbers.below(2) == 0;
        window_axes.remove(if first { 0 } else { numbers.below(window_axes.len()) });
    }
    let (mut of_batch, mut of_window) = (batch.iter(), sizes.iter());
    let updates = (0..total)
        .map(|d| if window_axes.contains(&d) { of_window.next() } else { of_batch.next() })
        .map(|n| *n.expect("as many as counted"))
        .collect();
    let indices = [batch, vec![map.len()]].concat();
    let s = Scatter {
        kind,
        window_axes,
        inserted_axes: inserted,
        operand_batching_axes: batching,
        indices_batching_axes: along,
        index_map: map,
        mode,
    };
    (shape, indices, updates, s)
}

fn naive(
    shape: &[usize],
    x: &[f64],
    (index_shape, at): (&[usize], &[f64]),
    (update_shape, updates): (&[usize], &[f64]),
    s: &Scatter,
    dtype: DType,
) -> Vec<f64> {
    let mut out = x.to_vec();
    let sizes = s.window_sizes(shape.len(), update_shape);
    let windows = s.operand_window_axes(shape.len());
    let batch_of = |u: usize| -> Vec<usize> {
        let u = index(update_shape, u);
        (0..u.len()).filter(|d| !s.window_axes.contains(d)).map(|d| u[d]).collect()
    };
    // In the order of the batch.
    let mut order: Vec<usize> = (0..updates.len()).collect();
    order.sort_by_key(|&u| batch_of(u));
    'updates: for u in order {
        let (new, batch, u) = (updates[u], batch_of(u), index(update_shape, u));
        let mut to = vec![0; shape.len()];
        for (c, &d) in s.index_map.iter().enumerate() {
            let start = at[flat(index_shape, &[&batch[..], &[c]].concat())];
            let last = (shape[d] - sizes[d]) as f64;
            if s.mode == IndexMode::Fill && !(0.0..=last).contains(&start) {
                continue 'updates;
            }
            to[d] = start.clamp(0.0, last) as usize;
        }
        let pairs = s.operand_batching_axes.iter().zip(&s.indices_batching_axes);
        pairs.for_each(|(&d, &i)| to[d] = batch[i]);
        windows.iter().zip(&s.window_axes).for_each(|(&d, &i)| to[d] += u[i]);
        let old = &mut out[flat(shape, &to)];
        let new = match s.kind {
            ScatterKind::Set => new,
            ScatterKind::Add => *old + new,
            ScatterKind::Mul => *old * new,
            ScatterKind::Min => old.min(new),
            ScatterKind::Max => old.max(new),
        };
        // In the dtype's arithmetic, step by step.
        *old = elements(&tensor(&[new], &[], dtype))[0];
        if dtype == DType::I8 {
            *old = new as i64 as i8 as f64;
        }
    }
    out
}

#[test]
fn scatters_write_windows() {
    let mut numbers = Numbers(7);
    let modes = [IndexMode::Clip, IndexMode::Fill, IndexMode::PromiseInBounds];
    let dtypes = [DType::F32, DType::I8, DType::F64, DType::BF16, DType::Bool];
    let kinds = [DType::I32, DType::U8, DType::I64];
    for round in 0..4000 {
        let dtype = dtypes[round % 5];
        let mut kind = ScatterKind::ALL[numbers.below(5)];
        if dtype == DType::Bool && matches!(kind, ScatterKind::Add | ScatterKind::Mul) {
            kind = ScatterKind::Set;
        }
        let (shape, index_shape, update_shape, s) = sample(&mut numbers, kind, modes[round % 3]);
        let (x, look) = numbers.tensor(&shape, dtype);
        let (indices, at) = numbers.tensor(&index_shape, kinds[round % 3]);
        let (updates, new) = numbers.tensor(&update_shape, dtype);
        let want = naive(&shape, &look, (&index_shape, &at), (&update_shape, &new), &s, dtype);
        // Shared, then unshared.
        for operand in [x.clone(), tensor(&look, &shape, dtype)] {
            let got = execute1(&op(&s), vec![operand, indices.clone(), updates.clone()]);
            let got = elements(&got);
            let same = |(a, b): (&f64, &f64)| a == b || (a.is_nan() && b.is_nan());
            let equal = got.iter().zip(&want).all(same);
            assert!(equal, "{s:?} {dtype} {shape:?} at {at:?} of {new:?}: {got:?}, not {want:?}");
        }
        assert_eq!(elements(&x), look, "a shared operand stays as it is");
    }
}

fn rows(kind: ScatterKind) -> Scatter {
    Scatter {
        kind,
        window_axes: Axes::from_slice(&[1]),
        inserted_axes: Axes::from_slice(&[0]),
        operand_batching_axes: Axes::new(),
        indices_batching_axes: Axes::new(),
        index_map: Axes::from_slice(&[0]),
        mode: IndexMode::Fill,
    }
}

#[test]
fn rows_are_added_to_a_table_by_threads_in_order() {
    let at: Vec<f64> = (0..5000).map(|i| (i * 7 % 1003) as f64).collect();
    let new: Vec<f64> = (0..5000 * 64).map(|i| (i % 9) as f64).collect();
    for kind in [ScatterKind::Add, ScatterKind::Set] {
        let mut want = vec![1.0; 64_000];
        for (row, new) in at.iter().zip(new.chunks(64)).filter(|(row, _)| **row < 1000.0) {
            for (old, new) in want[*row as usize * 64..][..64].iter_mut().zip(new) {
                *old = if kind == ScatterKind::Add { *old + new } else { *new };
            }
        }
        let x = tensor(&[1.0; 64_000], &[1000, 64], DType::F32);
        let address = data(&x).storage.bytes().as_ptr();
        let (at, new) = (tensor(&at, &[5000, 1], DType::I32), tensor(&new, &[5000, 64], DType::F32));
        let got = execute1(&op(&rows(kind)), vec![x, at, new]);
        assert_eq!(elements(&got), want);
        assert_eq!(data(&got).storage.bytes().as_ptr(), address, "unshared: in place");
    }
}

#[test]
fn threads_change_nothing() {
    // Sums of floats that depend on their order; many meet the same elements.
    let numbers = |n: usize, bound: usize| -> Vec<f64> {
        let mut numbers = Numbers(n as u64);
        (0..n).map(|_| numbers.below(bound) as f64).collect()
    };
    let fraction = |n: usize| -> Vec<f64> { numbers(n, 1000).iter().map(|x| 1.0 / (x + 3.0)).collect() };
    let axes = |a: &[usize]| Axes::from_slice(a);
    let scatter = |window: &[usize], inserted: &[usize], map: &[usize]| Scatter {
        window_axes: axes(window),
        inserted_axes: axes(inserted),
        index_map: axes(map),
        ..rows(ScatterKind::Add)
    };
    type Case<'a> = (&'a str, Scatter, &'a [usize], usize, &'a [usize]);
    let cases: [Case<'_>; 8] = [
        ("rows of a table larger than caches", scatter(&[1], &[0], &[0]), &[70_000, 20], 70_001, &[6000, 20]),
        ("rows", scatter(&[1], &[0], &[0]), &[300, 20], 301, &[5000, 20]),
        ("rows, turned", scatter(&[0], &[0], &[0]), &[300, 20], 301, &[20, 5000]),
        ("elements", scatter(&[], &[0], &[0]), &[5000], 5001, &[20_000]),
        ("columns", scatter(&[0], &[1], &[1]), &[30, 300], 301, &[30, 3000]),
        ("columns, turned", scatter(&[1], &[1], &[1]), &[30, 300], 301, &[3000, 30]),
        ("windows over rows", scatter(&[1, 2], &[], &[0]), &[40, 9], 38, &[900, 3, 9]),
        ("windows in a row", scatter(&[1, 2], &[], &[0]), &[200, 9], 201, &[9000, 1, 9]),
    ];
    let all = cases.iter().flat_map(|case| [(case, false), (case, true)]);
    for ((name, s, shape, bound, updates), ascend) in all {
        let (shape, updates, bound) = (*shape, *updates, *bound);
        let count = updates.iter().product::<usize>();
        let batch = (0..updates.len()).find(|d| !s.window_axes.contains(d)).expect("there is one");
        let mut places = numbers(updates[batch], bound);
        if ascend {
            // Nearly: parts of them lie apart.
            places.sort_by(f64::total_cmp);
            places.chunks_mut(37).for_each(|some| some.reverse());
        }
        let (x, new) = (fraction(shape.iter().product()), fraction(count));
        let results: Vec<Vec<f64>> = [1, 2, 3, 4]
            .iter()
            .map(|&threads| {
                crate::Cpu::with_threads(threads, || {
                    let at = tensor(&places, &[places.len(), 1], DType::I32);
                    // The operand given up, or held by somebody else.
                    let operand = tensor(&x, shape, DType::F32);
                    let held = (threads % 2 == 0).then(|| operand.clone());
                    let got =
                        elements(&execute1(&op(s), vec![operand, at, tensor(&new, updates, DType::F32)]));
                    let kept = held.is_none_or(|h| elements(&h) == elements(&tensor(&x, shape, DType::F32)));
                    assert!(kept, "{name}: an operand that is held was overwritten");
                    got
                })
            })
            .collect();
        let x: Vec<f64> = x.iter().map(|&x| f64::from(x as f32)).collect();
        let rounded: Vec<f64> = new.iter().map(|&x| f64::from(x as f32)).collect();
        let index_shape = [places.len(), 1];
        let want = naive(shape, &x, (&index_shape, &places), (updates, &rounded), s, DType::F32);
        for (i, got) in results.iter().enumerate() {
            assert_eq!(*got, want, "{name}, nearly ascending: {ascend}, with {} threads", i + 1);
        }
    }
}

#[test]
fn places_that_nearly_ascend_are_cut_where_all_before_lie_in_rows_before() {
    // The winners of windows of 2 x 2 in planes of 56 x 56.
    let winner = |i: usize| {
        let (plane, row, column) = (i / 784, i % 784 / 28, i % 28);
        (plane * 3136 + (2 * row + i * 7 % 2) * 56 + 2 * column + i * 5 % 2) as isize
    };
    let mut places: Vec<isize> = (0..20 * 784).map(winner).collect();
    places[5000] = OUTSIDE;
    for row in [1, 56, 3136] {
        let parts = apart(&places, 8, [row, 20 * 3136]).expect("between planes, if nowhere else");
        assert_eq!(parts.len(), 8, "{row}");
        assert_eq!((parts[0].numbers.start, parts[0].elements.start), (0, 0));
        assert_eq!((parts[7].numbers.end, parts[7].elements.end), (places.len(), 20 * 3136));
        for (part, next) in parts.iter().zip(&parts[1..]) {
            assert_eq!((part.numbers.end, part.elements.end), (next.numbers.start, next.elements.start));
        }
        for Part { numbers, elements } in parts {
            assert!(elements.start.is_multiple_of(row));
            let inside = |&p: &isize| p == OUTSIDE || elements.contains(&(p as usize));
            assert!(places[numbers].iter().all(inside), "{row}");
        }
    }
    let anywhere: Vec<isize> = (0..16_000).map(|i| i * 7919 % 16_001).collect();
    assert!(apart(&anywhere, 8, [1, 16_001]).is_none());
    assert!(apart(&[OUTSIDE; 5000], 8, [1, 10]).is_none());
}

#[test]
fn nan_stays() {
    for kind in [ScatterKind::Min, ScatterKind::Max] {
        let x = tensor(&[1.0, f64::NAN, 1.0, 1.0], &[2, 2], DType::F32);
        let new = tensor(&[f64::NAN, 2.0], &[1, 2], DType::F32);
        let got = elements(&execute1(&op(&rows(kind)), vec![x, tensor(&[0.0], &[1, 1], DType::I32), new]));
        assert!(got[0].is_nan() && got[1].is_nan() && got[2..] == [1.0, 1.0], "{got:?}");
    }
}
