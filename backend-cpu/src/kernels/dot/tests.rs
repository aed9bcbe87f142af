//! Contractions of every dtype against naive loops over indices.

use crate::kernels::testing::{Numbers, elements, execute1, flat, index, tensor};
use plywood_core::op::Dot;
use plywood_core::shape::Axes;
use plywood_core::{DType, Op, Value};
use std::sync::Arc;

const NUMBERS: [DType; 12] = [
    DType::F64,
    DType::F32,
    DType::F16,
    DType::BF16,
    DType::I64,
    DType::I32,
    DType::I16,
    DType::I8,
    DType::U64,
    DType::U32,
    DType::U16,
    DType::U8,
];

fn contract(x: Value, y: Value, dot: &Dot) -> Value {
    execute1(&Op::Dot(Arc::new(dot.clone())), vec![x, y])
}

fn naive(x: (&[usize], &[f64]), y: (&[usize], &[f64]), out: &[usize], dot: &Dot) -> Vec<f64> {
    let over: Vec<usize> = dot.lhs_contracting.iter().map(|&d| x.0[d]).collect();
    let (x_free, y_free) = (dot.lhs_free(x.0.len()), dot.rhs_free(y.0.len()));
    let place = |rank: usize, groups: [(&[usize], &[usize]); 3]| {
        let mut at = vec![0; rank];
        for (axes, i) in groups {
            axes.iter().zip(i).for_each(|(&d, &i)| at[d] = i);
        }
        at
    };
    let sum = |o: &[usize]| -> f64 {
        let (batch, o) = o.split_at(dot.lhs_batch.len());
        let (rows, columns) = o.split_at(x_free.len());
        let term = |k: &[usize]| {
            let i = place(x.0.len(), [(&dot.lhs_batch, batch), (&x_free, rows), (&dot.lhs_contracting, k)]);
            let j =
                place(y.0.len(), [(&dot.rhs_batch, batch), (&y_free, columns), (&dot.rhs_contracting, k)]);
            x.1[flat(x.0, &i)] * y.1[flat(y.0, &j)]
        };
        (0..over.iter().product()).map(|k| term(&index(&over, k))).sum()
    };
    (0..out.iter().product()).map(|o| sum(&index(out, o))).collect()
}

/// A random order of axes of three kinds, and their sizes.
fn operand(numbers: &mut Numbers, kinds: [&[usize]; 3]) -> (Vec<usize>, [Axes; 2]) {
    let mut left: Vec<(usize, usize)> =
        kinds.iter().enumerate().flat_map(|(kind, sizes)| (0..sizes.len()).map(move |i| (kind, i))).collect();
    let (mut shape, mut axes) = (vec![], kinds.map(|sizes| Axes::from_elem(0, sizes.len())));
    while !left.is_empty() {
        let (kind, i) = left.remove(numbers.below(left.len()));
        axes[kind][i] = shape.len();
        shape.push(kinds[kind][i]);
    }
    let [batch, over, _] = axes;
    (shape, [batch, over])
}

#[test]
fn contractions_of_any_axes_are_sums_of_products() {
    let mut numbers = Numbers(1);
    for round in 0..1500 {
        let dtype = NUMBERS[round % NUMBERS.len()];
        let large = if round % 3 == 0 { 9 } else { 4 };
        let [b, k, m, n] = [2, 3, 3, 3].map(|rank| {
            let rank = numbers.below(rank);
            let shape = numbers.shape(rank, large);
            if round % 5 == 0 { shape } else { shape.into_iter().map(|n| n.max(1)).collect() }
        });
        let (x_shape, [lhs_batch, lhs_contracting]) = operand(&mut numbers, [&b, &k, &m]);
        let (y_shape, [rhs_batch, rhs_contracting]) = operand(&mut numbers, [&b, &k, &n]);
        let dot = Dot { lhs_contracting, rhs_contracting, lhs_batch, rhs_batch, dtype };
        let (x, x_look) = numbers.tensor(&x_shape, dtype);
        let (y, y_look) = numbers.tensor(&y_shape, dtype);
        let shown = format!("{} with {}: {dot:?}", x.ty(), y.ty());
        let got = contract(x, y, &dot);
        let want = naive((&x_shape, &x_look), (&y_shape, &y_look), got.shape(), &dot);
        let want = elements(&tensor(&want, got.shape(), DType::F64));
        let rounded: Vec<f64> = want.iter().map(|&x| rounded(x, dtype)).collect();
        assert_eq!(elements(&got), rounded, "{shown}");
    }
}

/// A sum as its dtype holds it: rounded, or wrapped.
fn rounded(x: f64, dtype: DType) -> f64 {
    use plywood_core::convert::{cast, to_f64};
    if dtype.is_float() {
        return plywood_core::with_dtype!(dtype, T => to_f64(cast::<f64, T>(x)));
    }
    plywood_core::with_dtype!(dtype, T => to_f64(cast::<i64, T>(x as i64)))
}

/// m, k, n of products that reach every path: edges of blocks, matrix and vector, few rows, long inner products.
const SIZES: [[usize; 3]; 16] = [
    [1, 1, 1],
    [1, 70_000, 1],
    [3, 70_000, 1],
    [1, 130, 77],
    [1500, 33, 1],
    [77, 130, 1],
    [5, 2, 9],
    [64, 1, 64],
    [130, 257, 65],
    [65, 300, 513],
    [7, 40, 700],
    [700, 40, 7],
    [31, 600, 250],
    [17, 5000, 16],
    [200, 200, 200],
    [2, 3, 4],
];

#[test]
fn products_of_all_sizes_and_orders_are_exact() {
    let mut numbers = Numbers(2);
    for [m, k, n] in SIZES {
        for (round, dtype) in
            [DType::F32, DType::F64, DType::F16, DType::BF16, DType::I32, DType::U8].into_iter().enumerate()
        {
            for turned in 0..4 {
                let (x_turned, y_turned) = (turned & 1 == 1, turned & 2 == 2);
                let x_shape = if x_turned { [k, m] } else { [m, k] };
                let y_shape = if y_turned { [n, k] } else { [k, n] };
                let dot = Dot {
                    lhs_contracting: Axes::from_slice(&[!x_turned as usize]),
                    rhs_contracting: Axes::from_slice(&[y_turned as usize]),
                    lhs_batch: Axes::new(),
                    rhs_batch: Axes::new(),
                    dtype: if dtype.size() == 2 { DType::F32 } else { dtype },
                };
                let small = |numbers: &mut Numbers, n: usize| -> Vec<f64> {
                    (0..n).map(|_| numbers.below(3) as f64 - (dtype != DType::U8) as u8 as f64).collect()
                };
                let x = small(&mut numbers, m * k);
                let y = small(&mut numbers, k * n);
                let got = contract(tensor(&x, &x_shape, dtype), tensor(&y, &y_shape, dtype), &dot);
                let got = elements(&got);
                // All elements of small products, some of large ones.
                let step = if m * k * n > 100_000 { 97 + round } else { 1 };
                for o in (0..m * n).step_by(step) {
                    let (i, j) = (o / n, o % n);
                    let at =
                        |turned, i, j, [a, b]: [usize; 2]| if turned { j * a.max(1) + i } else { i * b + j };
                    let want: f64 =
                        (0..k).map(|l| x[at(x_turned, i, l, [m, k])] * y[at(y_turned, l, j, [k, n])]).sum();
                    assert_eq!(got[o], rounded(want, dot.dtype), "{dtype} {m} {k} {n} {turned} at {i}, {j}");
                }
            }
        }
    }
}

/// m, k, n of the products of a batch: those that only pointers change for, and some around their bounds.
const SMALL: [[usize; 3]; 14] = [
    [4, 16, 4],
    [4, 16, 1],
    [1, 16, 4],
    [1, 9, 1],
    [9, 3, 17],
    [32, 5, 48],
    [33, 5, 48],
    [8, 128, 3],
    [8, 129, 3],
    [1, 40, 50],
    [1, 40, 7],
    [40, 40, 1],
    [2, 3, 49],
    [3, 1, 5],
];

#[test]
fn products_of_a_batch_are_exact_in_every_order() {
    let mut numbers = Numbers(7);
    for [m, k, n] in SMALL {
        for dtype in [DType::F32, DType::F64, DType::I16] {
            for turned in 0..8 {
                // The batch is the first or the last axis of the left operand, and always the first of the right one.
                let [x_turned, y_turned, behind] = [1, 2, 4].map(|bit| turned & bit > 0);
                let batch = 2 + numbers.below(40);
                let inside = |turned: bool, [a, b]: [usize; 2]| if turned { [b, a] } else { [a, b] };
                let (x_inside, y_inside) = (inside(x_turned, [m, k]), inside(y_turned, [k, n]));
                let x_shape = if behind {
                    [&x_inside[..], &[batch]].concat()
                } else {
                    [&[batch], &x_inside[..]].concat()
                };
                let y_shape = [&[batch], &y_inside[..]].concat();
                let dot = Dot {
                    lhs_contracting: Axes::from_slice(&[!x_turned as usize + !behind as usize]),
                    rhs_contracting: Axes::from_slice(&[1 + y_turned as usize]),
                    lhs_batch: Axes::from_slice(&[if behind { 2 } else { 0 }]),
                    rhs_batch: Axes::from_slice(&[0]),
                    dtype,
                };
                let fill = |numbers: &mut Numbers, n: usize| -> Vec<f64> {
                    (0..n).map(|_| numbers.below(7) as f64 - 3.0).collect()
                };
                let (x, y) = (fill(&mut numbers, batch * m * k), fill(&mut numbers, batch * k * n));
                let got = contract(tensor(&x, &x_shape, dtype), tensor(&y, &y_shape, dtype), &dot);
                let want = naive((&x_shape, &x), (&y_shape, &y), got.shape(), &dot);
                assert_eq!(elements(&got), want, "{dtype} {batch} of {m} {k} {n}, {turned}");
            }
        }
    }
}

#[test]
fn large_products_without_sums_are_exact() {
    // Rows and an output that are stored past the caches.
    let (batch, m, n) = (8, 900, 700);
    let number = |i: usize| (i * 31 % 257) as f64 - 128.0;
    let x: Vec<f64> = (0..batch * m).map(number).collect();
    let y: Vec<f64> = (0..batch * n).map(|i| number(i + 5)).collect();
    let dot = Dot {
        lhs_contracting: Axes::from_slice(&[1]),
        rhs_contracting: Axes::from_slice(&[2]),
        lhs_batch: Axes::from_slice(&[0]),
        rhs_batch: Axes::from_slice(&[1]),
        dtype: DType::F32,
    };
    let columns: Vec<f64> = (0..n * batch).map(|i| y[i % batch * n + i / batch]).collect();
    let got =
        contract(tensor(&x, &[batch, 1, m], DType::F32), tensor(&columns, &[n, batch, 1], DType::F32), &dot);
    assert_eq!(*got.shape(), [batch, m, n]);
    let got = got.to_vec::<f32>();
    for (o, got) in got.into_iter().enumerate() {
        let (row, j) = (o / n, o % n);
        assert_eq!(got as f64, x[row] * y[row / m * n + j], "{row} {j}");
    }
}

#[test]
fn a_row_by_a_matrix_is_exact_on_any_threads() {
    for [k, n] in [[300, 700], [784, 512], [2000, 65], [3, 60_000]] {
        let number = |i: usize| (i * 7919 % 17) as f64 - 8.0;
        let (x, y): (Vec<f64>, Vec<f64>) = ((0..k).map(number).collect(), (0..k * n).map(number).collect());
        let want: Vec<f64> = (0..n).map(|j| (0..k).map(|l| x[l] * y[l * n + j]).sum()).collect();
        let (row, matrix) = (tensor(&x, &[1, k], DType::F32), tensor(&y, &[k, n], DType::F32));
        for threads in 1..=4 {
            let product = || contract(row.clone(), matrix.clone(), &plain());
            let got = crate::Cpu::with_threads(threads, product);
            assert_eq!(elements(&got), want, "{k} x {n}, {threads} threads");
        }
    }
}

/// Of matrices.
fn plain() -> Dot {
    let axes = Axes::from_slice;
    Dot {
        lhs_contracting: axes(&[1]),
        rhs_contracting: axes(&[0]),
        lhs_batch: axes(&[]),
        rhs_batch: axes(&[]),
        dtype: DType::F32,
    }
}

#[test]
fn a_wider_result_is_computed_in_its_dtype() {
    let cases = [
        (DType::BF16, DType::F32),
        (DType::BF16, DType::F64),
        (DType::F16, DType::F32),
        (DType::F16, DType::BF16),
        (DType::BF16, DType::F16),
        (DType::F32, DType::F64),
        (DType::I8, DType::I32),
        (DType::I8, DType::U16),
        (DType::U8, DType::I64),
    ];
    for (from, to) in cases {
        let (x, y): (Vec<f64>, Vec<f64>) = ((0..100).map(|i| i as f64).collect(), vec![9.0; 100]);
        let dot = Dot {
            lhs_contracting: Axes::from_slice(&[0]),
            rhs_contracting: Axes::from_slice(&[0]),
            lhs_batch: Axes::new(),
            rhs_batch: Axes::new(),
            dtype: to,
        };
        let got = contract(tensor(&x, &[100], from), tensor(&y, &[100], from), &dot);
        assert_eq!(elements(&got), [rounded(9.0 * 4950.0, to)], "{from} to {to}");
    }
}

#[test]
fn halves_round_once() {
    // 1 + 2^-9 + 2^-9 is 1 + 2^-8 in f32, which bf16 holds with 1 + 2^-7 as its neighbour: each addition alone is lost.
    let x: Vec<f64> = std::iter::once(1.0).chain([0.00390625; 8]).collect();
    let dot = Dot {
        lhs_contracting: Axes::from_slice(&[1]),
        rhs_contracting: Axes::from_slice(&[0]),
        lhs_batch: Axes::new(),
        rhs_batch: Axes::new(),
        dtype: DType::BF16,
    };
    for rows in [1, 2, 40] {
        let all: Vec<f64> = (0..rows).flat_map(|_| x.clone()).collect();
        let got =
            contract(tensor(&all, &[rows, 9], DType::BF16), tensor(&[1.0; 18], &[9, 2], DType::BF16), &dot);
        assert_eq!(elements(&got), vec![1.03125; 2 * rows]);
    }
}

#[test]
fn f16_of_every_size_widens_exactly() {
    let all: Vec<f64> = (0..=u16::MAX).map(|b| half::f16::from_bits(b).to_f64()).collect();
    let dot = Dot {
        lhs_contracting: Axes::new(),
        rhs_contracting: Axes::new(),
        lhs_batch: Axes::new(),
        rhs_batch: Axes::new(),
        dtype: DType::F32,
    };
    let got = elements(&contract(
        tensor(&all, &[all.len()], DType::F16),
        tensor(&[1.0, 0.5], &[2], DType::F16),
        &dot,
    ));
    for (i, &x) in all.iter().enumerate() {
        let got = &got[2 * i..2 * i + 2];
        assert!(got == [x, x / 2.0] || (x.is_nan() && got[0].is_nan() && got[1].is_nan()), "{x}: {got:?}");
    }
}

/// Prints what the contraction makes of a 1024 x 1024 product, and `gemm` called directly:
/// `cargo test --release -p plywood-backend-cpu -- --ignored --nocapture gflops`.
#[test]
#[ignore = "a measurement"]
fn gflops() {
    use crate::gemm::Matrix;
    use crate::gemm::portable::Gemm;
    let best = |mut f: Box<dyn FnMut()>| {
        let mut least = f64::MAX;
        for _ in 0..30 {
            let start = std::time::Instant::now();
            f();
            least = least.min(start.elapsed().as_secs_f64());
        }
        least
    };
    for [m, k, n] in [
        [32, 32, 32],
        [64, 64, 64],
        [128, 128, 128],
        [256, 256, 256],
        [512, 512, 512],
        [1024, 1024, 1024],
        [1, 4096, 4096],
        [4096, 4096, 1],
        [4, 4096, 4096],
        [4096, 4096, 4],
        [16, 4096, 4096],
        [4, 4, 4],
        [4096, 2, 4096],
    ] {
        let gflop = 2e-9 * (m * k * n) as f64;
        let dot = |dtype| Dot {
            lhs_contracting: Axes::from_slice(&[1]),
            rhs_contracting: Axes::from_slice(&[0]),
            lhs_batch: Axes::new(),
            rhs_batch: Axes::new(),
            dtype,
        };
        let mut shown = format!("{m:5} {k:5} {n:5}:");
        for dtype in [DType::F32, DType::BF16, DType::F16, DType::F64, DType::I32, DType::I8] {
            let x = tensor(&vec![1.0; m * k], &[m, k], dtype);
            let y = tensor(&vec![1.0; k * n], &[k, n], dtype);
            let seconds = best(Box::new(move || drop(contract(x.clone(), y.clone(), &dot(dtype)))));
            shown += &format!("  {dtype} {:.1}", gflop / seconds);
        }
        let (x, y, mut out) = (vec![1f32; m * k], vec![1f32; k * n], vec![0f32; m * n]);
        let seconds = best(Box::new(move || {
            let x = Matrix { data: &x, offset: 0, rows: k as isize, columns: 1 };
            let y = Matrix { data: &y, offset: 0, rows: n as isize, columns: 1 };
            f32::gemm([m, k, n], &mut out, n, false, x, y, true);
        }));
        let (x, y, mut out) = (vec![1f32; m * k], vec![1f32; k * n], vec![0f32; m * n]);
        let naive = best(Box::new(move || {
            out.fill(0.0);
            for (out, x) in out.chunks_mut(n).zip(x.chunks(k)) {
                for (x, y) in x.iter().zip(y.chunks(n)) {
                    out.iter_mut().zip(y).for_each(|(out, y)| *out += x * y);
                }
            }
        }));
        println!("{shown}  gemm f32 {:.1}  loop f32 {:.1}", gflop / seconds, gflop / naive);
    }
}
