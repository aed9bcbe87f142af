//! Calls that the fuzzer's programs are less clear about: sizes around tiles, rows with gaps, the column's number.

use super::super::ir::Reduce;
use super::super::{Builder, Width};
use super::{Isa, Plan};
use plywood_core::DType;

/// Runs a plan on arrays: for each argument its address and its stride in bytes.
fn run(plan: &Plan, rows: usize, columns: usize, first_column: usize, args: &[(usize, isize)]) {
    let mut block = vec![rows, columns, first_column];
    block.extend(args.iter().flat_map(|a| [a.0, a.1 as usize]));
    for isa in Isa::available() {
        // SAFETY: the tests pass arrays of the sizes that they name.
        unsafe { plan.run_on(isa, &mut block.clone()) };
    }
}

#[test]
fn sizes_around_a_tile() {
    let b = Builder::new(Width::W32);
    let x = b.input(DType::F32);
    b.output(DType::F32, x * x + 1.0);
    let plan = Plan::new(&b.finish());
    for n in [0, 1, 15, 16, 17, 1023, 1024, 1025, 3000] {
        let x: Vec<f32> = (0..n).map(|i| i as f32).collect();
        let mut y = vec![-1f32; n + 1];
        run(&plan, 1, n, 0, &[(x.as_ptr() as usize, 0), (y.as_mut_ptr() as usize, 0)]);
        let want: Vec<f32> = x.iter().map(|x| x * x + 1.0).chain([-1.0]).collect();
        assert_eq!(y, want);
    }
}

#[test]
fn a_softmax_of_short_and_of_long_rows() {
    let b = Builder::new(Width::W32);
    let (x, y) = (b.arg(DType::F32), b.arg(DType::F32));
    let top = b.load(x).reduce(Reduce::Max);
    b.next_loop();
    let e = b.load(x) - top;
    b.store(y, e);
    let sum = e.reduce(Reduce::Sum);
    b.row();
    let inverse = 1.0 / sum;
    b.output(DType::F32, inverse);
    b.next_loop();
    b.store(y, b.load(y) * inverse);
    let plan = Plan::new(&b.finish());
    for (rows, columns) in [(1, 3), (50, 3), (7, 100), (40, 64), (3, 2500)] {
        let x: Vec<f32> = (0..rows * columns).map(|i| (i % 13 + i % 7) as f32).collect();
        let (mut y, mut z) = (vec![0f32; rows * columns], vec![0f32; 2 * rows]);
        let stride = 4 * columns as isize;
        let args = [(x.as_ptr(), stride), (y.as_mut_ptr(), stride), (z.as_mut_ptr(), 8)];
        run(&plan, rows, columns, 0, &args.map(|a| (a.0 as usize, a.1)));
        for row in 0..rows {
            let x = &x[row * columns..][..columns];
            let top = x.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            // Small integers: exact in any order.
            let sum: f32 = x.iter().map(|x| x - top).sum();
            assert_eq!(z[2 * row], 1.0 / sum);
            assert_eq!(z[2 * row + 1], 0.0);
            let want: Vec<f32> = x.iter().map(|x| (x - top) * (1.0 / sum)).collect();
            assert_eq!(&y[row * columns..][..columns], want);
        }
    }
}

#[test]
fn columns_count_from_the_first_and_wrap() {
    let b = Builder::new(Width::W32);
    b.output(DType::U32, b.column());
    let plan = Plan::new(&b.finish());
    for (rows, columns) in [(1, 1500), (3, 5)] {
        let first = u32::MAX as usize - 3;
        let mut y = vec![7u32; rows * columns];
        run(&plan, rows, columns, first, &[(y.as_mut_ptr() as usize, 4 * columns as isize)]);
        for (i, &y) in y.iter().enumerate() {
            assert_eq!(y, (first + i % columns) as u32);
        }
    }
}

#[test]
fn a_row_may_read_what_the_one_before_it_wrote() {
    // Sums down the columns: the second argument has one row for all.
    let b = Builder::new(Width::W64);
    let (x, sum) = (b.arg(DType::I32), b.arg(DType::I64));
    b.store(sum, b.load(x) + b.load(sum));
    let plan = Plan::new(&b.finish());
    let x: Vec<i32> = (0..30).collect();
    let mut sums = [0i64; 3];
    let isas = Isa::available().count() as i64;
    run(&plan, 10, 3, 0, &[(x.as_ptr() as usize, 12), (sums.as_mut_ptr() as usize, 0)]);
    assert_eq!(sums, [135, 145, 155].map(|x| x * isas));
}
