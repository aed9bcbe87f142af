//! Products against sums in f64, element by element; against themselves on other numbers of threads; and next to pages
//! that may not be touched.

#![allow(unsafe_code)]

use super::drive::Input;
use super::kernel::{Call, Isa, Kind, Left, Shape};
use super::{Epilogue, Finish, Matrix, Rounded, Small, multiply};
use crate::kernel::target::Target;
use crate::par;
use bytemuck::{Pod, Zeroable};
use half::{bf16, f16};

/// A generator of test numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        ((self.0 >> 33) % n as u64) as usize
    }

    /// A number in [-1, 1] that every type holds exactly.
    fn number(&mut self) -> f64 {
        (self.below(257) as f64 - 128.0) / 128.0
    }
}

trait Number: Pod + Send + Sync + PartialEq + std::fmt::Debug {
    /// Distance from 1 to the next number, halved.
    const ROUNDING: f64;
    fn of(x: f64) -> Self;
    fn f64(self) -> f64;
}

macro_rules! number { ($($T:ty, $rounding:expr, |$x:ident| $of:expr, $get:expr;)*) => { $( impl Number for $T {
    const ROUNDING: f64 = $rounding;
    fn of($x: f64) -> $T { $of }
    fn f64(self) -> f64 { $get(self) }
} )* } }
number! {
    f32, f32::EPSILON as f64 / 2.0, |x| x as f32, |x| x as f64;
    f64, f64::EPSILON / 2.0, |x| x, |x: f64| x;
    bf16, 1.0 / 256.0, |x| bf16::from_f64(x), bf16::to_f64;
    f16, 1.0 / 2048.0, |x| f16::from_f64(x), f16::to_f64;
}

/// A matrix of numbers in some order of axes, with gaps.
struct Stored<T> {
    data: Vec<T>,
    offset: isize,
    rows: isize,
    columns: isize,
    numbers: Vec<f64>,
    n: usize,
}

/// Orders of axes: as they are, exchanged, with gaps, backwards, with no contiguous axis, all rows the same.
const ORDERS: usize = 7;

impl<T: Number> Stored<T> {
    fn new(numbers: &mut Numbers, [m, n]: [usize; 2], order: usize) -> Self {
        let (mi, ni) = (m as isize, n as isize);
        let (rows, columns, offset) = match order {
            0 => (ni, 1, 0),
            1 => (1, mi, 0),
            2 => (ni + 3, 1, 5),
            3 => (1, mi + 1, 2),
            4 => (-ni, 1, (mi - 1).max(0) * ni),
            5 => (2 * ni + 1, 2, 1),
            _ => (0, 1, 0),
        };
        let end = offset + (mi - 1).max(0) * rows.max(0) + (ni - 1).max(0) * columns + 1;
        let data: Vec<T> = (0..end).map(|_| T::of(numbers.number())).collect();
        let at =
            |i: usize, j: usize| data[(offset + i as isize * rows + j as isize * columns) as usize].f64();
        let all = (0..m * n).map(|o| at(o / n, o % n)).collect();
        Stored { data, offset, rows, columns, numbers: all, n }
    }

    fn matrix(&self) -> Matrix<'_, T> {
        Matrix { data: &self.data, offset: self.offset, rows: self.rows, columns: self.columns }
    }

    fn at(&self, i: usize, j: usize) -> f64 {
        self.numbers[i * self.n + j]
    }
}

fn targets() -> Vec<Target> {
    let found: Vec<Target> = Target::available().iter().copied().filter(|&t| t != Target::Portable).collect();
    assert!(!found.is_empty(), "these tests need a processor with AVX2 and a system that executes code");
    found
}

/// One product, compared with sums in f64.
fn check<I: Number + Input<S>, S: Number, O: Number + Rounded<S>>(
    numbers: &mut Numbers,
    target: Target,
    [m, k, n]: [usize; 3],
    orders: [usize; 2],
    epilogue: Epilogue,
) {
    let x = Stored::<I>::new(numbers, [m, k], orders[0]);
    let y = Stored::<I>::new(numbers, [k, n], orders[1]);
    let bias: Vec<S> = (0..n).map(|_| S::of(numbers.number() * 4.0)).collect();
    let finish = match epilogue {
        Epilogue::None => Finish::None,
        Epilogue::Bias => Finish::Bias(&bias[..]),
        Epilogue::BiasRelu => Finish::BiasRelu(&bias[..]),
    };
    let stride = n + numbers.below(3);
    let untouched = O::of(77.0);
    let mut out = vec![untouched; m * stride];
    let done =
        multiply(target, [m, k, n], &mut out, stride, x.matrix(), y.matrix(), finish, numbers.below(2) == 0);
    assert!(done, "the target runs code");
    for (i, out) in out.chunks(stride.max(1)).enumerate() {
        for (j, &got) in out.iter().enumerate() {
            let case = || {
                let types = [std::any::type_name::<I>(), std::any::type_name::<O>()];
                format!("{target} {types:?} {m} {k} {n} orders {orders:?} {epilogue:?} at {i}, {j}")
            };
            if j >= n {
                assert_eq!(got, untouched, "{}", case());
                continue;
            }
            let (mut sum, mut size) = (0.0, 0.0);
            for l in 0..k {
                let product = x.at(i, l) * y.at(l, j);
                sum += product;
                size += product.abs();
            }
            if epilogue.has_bias() {
                sum += bias[j].f64();
                size += bias[j].f64().abs();
            }
            if epilogue == Epilogue::BiasRelu {
                sum = sum.max(0.0);
            }
            // Each of the k + 1 additions rounds a number of at most `size`; the last rounding is the output's.
            let sums = (k + 1) as f64 * S::ROUNDING * size;
            let bound = sums * 1.01 + (sum.abs() + sums) * O::ROUNDING;
            assert!((got.f64() - sum).abs() <= bound, "{}: {:?}, not {sum} ± {bound}", case(), got);
        }
    }
}

const SIZES: [usize; 20] = [0, 1, 2, 5, 6, 7, 8, 9, 15, 16, 17, 31, 33, 47, 48, 49, 63, 65, 100, 129];
const EPILOGUES: [Epilogue; 3] = [Epilogue::None, Epilogue::Bias, Epilogue::BiasRelu];

#[test]
fn every_element_of_every_size_is_right() {
    let mut numbers = Numbers(1);
    for target in targets() {
        for m in SIZES {
            for k in SIZES {
                for n in SIZES {
                    if m * k * n > 300_000 || (m > 17 && n > 17 && k > 17 && numbers.below(3) > 0) {
                        continue;
                    }
                    let epilogue = EPILOGUES[numbers.below(3)];
                    // Strides of 0 and oddities less often than plain ones.
                    let orders = [(); 2].map(|_| numbers.below(ORDERS * 2) % ORDERS);
                    let (size, numbers) = ([m, k, n], &mut numbers);
                    match numbers.below(8) {
                        0..=2 => check::<f32, f32, f32>(numbers, target, size, orders, epilogue),
                        3 => check::<f64, f64, f64>(numbers, target, size, orders, epilogue),
                        4 => check::<bf16, f32, bf16>(numbers, target, size, orders, epilogue),
                        5 => check::<bf16, f32, f32>(numbers, target, size, orders, epilogue),
                        6 => check::<f16, f32, f16>(numbers, target, size, orders, epilogue),
                        _ => check::<f16, f32, f32>(numbers, target, size, orders, epilogue),
                    }
                }
            }
        }
    }
}

/// Products that are packed, cut into blocks of the inner axis, and into tasks.
const LARGE: [[usize; 3]; 15] = [
    [257, 530, 200],
    [5, 1000, 300],
    [8, 2000, 100],
    [300, 700, 7],
    [1, 300, 2000],
    [2000, 300, 1],
    [64, 1500, 64],
    [400, 40, 500],
    [9, 8, 9000],
    [129, 257, 129],
    [17, 1025, 31],
    [33, 64, 290],
    [16, 1100, 16],
    // The left operand is read in place (bf16, by tiles), over several blocks of the inner axis.
    [64, 2048, 96],
    [48, 1312, 520],
];

#[test]
fn large_products_are_right_in_every_order() {
    let mut numbers = Numbers(2);
    for target in targets() {
        for (round, size) in LARGE.into_iter().enumerate() {
            for turned in 0..4 {
                let orders = [turned & 1, turned >> 1];
                let epilogue = EPILOGUES[(round + turned) % 3];
                let numbers = &mut numbers;
                check::<f32, f32, f32>(numbers, target, size, orders, epilogue);
                check::<bf16, f32, bf16>(numbers, target, size, orders, epilogue);
                match (round + turned) % 2 {
                    0 => check::<f64, f64, f64>(numbers, target, size, orders, epilogue),
                    _ => check::<f16, f32, f32>(numbers, target, size, orders, epilogue),
                }
            }
        }
    }
}

#[test]
fn results_do_not_depend_on_threads() {
    fn all<I: Number + Input<S>, S: Number, O: Number + Rounded<S>>(target: Target) {
        let mut numbers = Numbers(3);
        // Also fewer rows or columns than threads, and than a tile has.
        let sizes =
            [[5, 600, 3000], [8, 8, 70_000], [70_000, 8, 3], [1, 900, 4000], [3, 90_000, 5], [300, 300, 300]];
        for size @ [m, k, n] in
            sizes.into_iter().chain([[64, 4096, 64], [33, 2000, 47], [513, 129, 257], [512, 1056, 256]])
        {
            let x = Stored::<I>::new(&mut numbers, [m, k], 0);
            let order = numbers.below(2);
            let y = Stored::<I>::new(&mut numbers, [k, n], order);
            let run = |threads: usize| {
                let mut out = vec![O::of(0.0); m * n];
                let finish = Finish::None;
                let (x, y) = (x.matrix(), y.matrix());
                par::with_threads(threads, || multiply(target, size, &mut out, n, x, y, finish, true));
                out
            };
            let alone = run(1);
            for threads in [2, 3, 4, 7] {
                assert!(run(threads) == alone, "{target} {size:?} on {threads} threads");
            }
        }
    }
    for target in targets() {
        all::<f32, f32, f32>(target);
        all::<f64, f64, f64>(target);
        all::<bf16, f32, bf16>(target);
    }
}

/// Numbers that end where a page begins that may not be touched.
struct Guarded<T> {
    map: *mut libc::c_void,
    bytes: usize,
    at: *mut T,
    n: usize,
}

impl<T: Pod> Guarded<T> {
    fn new(all: &[T]) -> Self {
        let page = 4096;
        let bytes = size_of_val(all).next_multiple_of(page) + page;
        // SAFETY: a new mapping; its last page is made inaccessible; what is written lies before that page.
        unsafe {
            let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
            let rights = libc::PROT_READ | libc::PROT_WRITE;
            let map = libc::mmap(std::ptr::null_mut(), bytes, rights, flags, -1, 0);
            assert_ne!(map, libc::MAP_FAILED);
            let guard = map.cast::<u8>().add(bytes - page);
            assert_eq!(libc::mprotect(guard.cast(), page, libc::PROT_NONE), 0);
            let at = guard.sub(size_of_val(all)).cast::<T>();
            std::ptr::copy_nonoverlapping(all.as_ptr(), at, all.len());
            Guarded { map, bytes, at, n: all.len() }
        }
    }

    fn slice(&self) -> &[T] {
        // SAFETY: so many numbers were written there.
        unsafe { std::slice::from_raw_parts(self.at, self.n) }
    }

    fn slice_mut(&mut self) -> &mut [T] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.at, self.n) }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no slice of it lives.
        unsafe { libc::munmap(self.map, self.bytes) };
    }
}

/// Every kernel, on operands that end at a guard page: packed and in place.
#[test]
fn kernels_touch_nothing_behind_their_operands() {
    fn all<I: Number, S: Number>(isa: Isa, kind: Kind) {
        let (rows, vectors) = isa.tile();
        let lanes = isa.lanes(kind);
        let mut numbers = Numbers(4);
        let per = kind.bytes() / size_of::<I>();
        let cases = (1..=rows).flat_map(|rows| (1..=vectors).map(move |vectors| (rows, vectors)));
        for (rows, vectors) in cases {
            for last in [1, lanes / 2 + 1, lanes - 1, lanes] {
                for (left, in_place) in [(Left::Columns, false), (Left::Rows, false), (Left::Rows, true)] {
                    if in_place && per == 2 {
                        continue;
                    }
                    let steps = numbers.below(11);
                    let n = (vectors - 1) * lanes + last;
                    // A packed panel has whole vectors; in place there is nothing behind the last column.
                    let width = if in_place { n } else { vectors * lanes };
                    let fill = |numbers: &mut Numbers, n: usize| -> Vec<I> {
                        (0..n).map(|_| I::of(numbers.number())).collect()
                    };
                    let x = Guarded::new(&fill(&mut numbers, rows * steps * per));
                    let y = Guarded::new(&fill(&mut numbers, steps * width * per));
                    let bias: Vec<S> = (0..n).map(|_| S::of(numbers.number())).collect();
                    let bias = Guarded::new(&bias);
                    let mut out = Guarded::new(&vec![S::of(0.5); rows * n]);
                    let epilogue = EPILOGUES[numbers.below(3)];
                    let accumulate = numbers.below(2) == 0;
                    let masked = last < lanes;
                    let shape = Shape { kind, isa, left, rows, vectors, masked, accumulate, epilogue };
                    let left_stride = kind.bytes() * if left == Left::Rows { steps } else { rows };
                    let mut call = Call {
                        steps,
                        left: x.at.cast(),
                        left_stride,
                        right: y.at.cast(),
                        right_stride: width * kind.bytes(),
                        out: out.at.cast(),
                        out_stride: n * kind.bytes(),
                        last,
                        bias: bias.at.cast(),
                        ahead: std::ptr::null(),
                    };
                    // SAFETY: the operands have what the kernel of this shape reads and writes.
                    unsafe { shape.code().call((&raw mut call).cast()) };
                    for (o, &got) in out.slice_mut().iter().enumerate() {
                        let (i, j) = (o / n, o % n);
                        let mut want = if accumulate { 0.5 } else { 0.0 };
                        for l in 0..steps {
                            for p in 0..per {
                                let step = if left == Left::Rows { i * steps + l } else { l * rows + i };
                                want += x.slice()[step * per + p].f64()
                                    * y.slice()[(l * width + j) * per + p].f64();
                            }
                        }
                        if epilogue.has_bias() {
                            want += bias.slice()[j].f64();
                        }
                        if epilogue == Epilogue::BiasRelu {
                            want = want.max(0.0);
                        }
                        assert!(
                            (got.f64() - want).abs() < 1e-5,
                            "{shape:?} {steps} steps, {i} {j}: {got:?} {want}"
                        );
                    }
                }
            }
        }
    }
    for target in targets() {
        all::<f32, f32>(Isa::of(target, Kind::F32).unwrap(), Kind::F32);
        all::<f64, f64>(Isa::of(target, Kind::F64).unwrap(), Kind::F64);
        if let Some(isa) = Isa::of(target, Kind::Bf16) {
            all::<bf16, f32>(isa, Kind::Bf16);
        }
    }
}

/// Whole products in place, where the last row of an operand ends at a guard page.
#[test]
fn products_touch_nothing_behind_their_operands() {
    let mut numbers = Numbers(5);
    for target in targets() {
        for [m, k, n] in
            [[8, 8, 8], [3, 5, 17], [17, 33, 49], [1, 100, 31], [50, 3, 100], [16, 300, 70], [3, 600, 900]]
        {
            for turned in [false, true] {
                let fill = |numbers: &mut Numbers, n: usize| -> Vec<f32> {
                    (0..n).map(|_| numbers.number() as f32).collect()
                };
                let (x, y) = (fill(&mut numbers, m * k), fill(&mut numbers, k * n));
                let (x, y) = (Guarded::new(&x), Guarded::new(&y));
                let mut out = Guarded::new(&vec![f32::zeroed(); m * n]);
                let (x_strides, y_strides) = if turned { ((1, m), (1, k)) } else { ((k, 1), (n, 1)) };
                let matrix = |data, (rows, columns): (usize, usize)| Matrix {
                    data,
                    offset: 0,
                    rows: rows as isize,
                    columns: columns as isize,
                };
                let (x, y) = (matrix(x.slice(), x_strides), matrix(y.slice(), y_strides));
                assert!(multiply(target, [m, k, n], out.slice_mut(), n, x, y, Finish::None, false));
                for (o, &got) in out.slice().iter().enumerate() {
                    let at = |x: &Matrix<'_, f32>, i: usize, j: usize| {
                        x.data[(i as isize * x.rows + j as isize * x.columns) as usize] as f64
                    };
                    let want: f64 = (0..k).map(|l| at(&x, o / n, l) * at(&y, l, o % n)).sum();
                    assert!((got as f64 - want).abs() < 1e-4 * k as f64, "{m} {k} {n} at {o}");
                }
            }
        }
    }
}

/// Small products in place, every one of which is what it is among others, next to guard pages.
#[test]
fn small_products_are_the_same_and_stay_within_their_operands() {
    fn all<S: Number + Input<S> + Rounded<S>>(target: Target) {
        let mut numbers = Numbers(11);
        for round in 0..2000 {
            let size @ [m, k, n] = [1 + numbers.below(34), 1 + numbers.below(140), 1 + numbers.below(50)];
            let [m, k, n] =
                if round % 2 == 0 { size.map(|n| n.min(1 + numbers.below(9))) } else { [m, k, n] };
            let orders = [(); 2].map(|_| numbers.below(ORDERS));
            let (x, y) =
                (Stored::new(&mut numbers, [m, k], orders[0]), Stored::new(&mut numbers, [k, n], orders[1]));
            let (x, y): (Stored<S>, Stored<S>) = (x, y);
            let (x_data, y_data) = (Guarded::new(&x.data), Guarded::new(&y.data));
            let x = Matrix { data: x_data.slice(), ..x.matrix() };
            let y = Matrix { data: y_data.slice(), ..y.matrix() };
            let small = Small::new(target, [m, k, n], x, y);
            let (left, right) = (x.columns == 1 || x.rows == 1 || m == 1, y.columns == 1 || n == 1);
            let room = if target == Target::Avx512 { 3 * 64 } else { 2 * 32 } / size_of::<S>();
            let fits = left && right && m <= 32 && k <= 128 && n <= room;
            assert_eq!(small.is_some(), fits, "{m} {k} {n} {orders:?}");
            let Some(small) = small else { continue };
            let mut out = Guarded::new(&vec![S::of(7.0); m * n]);
            small.multiply(out.slice_mut(), x, y);
            let mut want = vec![S::of(0.0); m * n];
            assert!(multiply(target, [m, k, n], &mut want, n, x, y, Finish::None, false));
            assert_eq!(out.slice(), want, "{m} {k} {n} {orders:?}");
        }
    }
    for target in targets() {
        all::<f32>(target);
        all::<f64>(target);
    }
}

/// Rows that end at a guard page, by a vector that does; each sum is the same whichever rows it comes with.
#[test]
fn a_matrix_by_a_vector_is_right_and_stays_within_it() {
    fn all<S: Number + crate::math::Num>(target: Target, lanes: usize) {
        let mut numbers = Numbers(7);
        for m in [1, 2, 3, 4, 5, 8, 11] {
            for k in [4 * lanes, 4 * lanes + 1, 6 * lanes - 1, 6 * lanes, 1000, 4099] {
                let fill = |numbers: &mut Numbers, n: usize| -> Vec<S> {
                    (0..n).map(|_| S::of(numbers.number())).collect()
                };
                let (x, v) = (fill(&mut numbers, m * k), fill(&mut numbers, k));
                let (x, v) = (Guarded::new(&x), Guarded::new(&v));
                let matrix = Matrix { data: x.slice(), offset: 0, rows: k as isize, columns: 1 };
                let mut out = Guarded::new(&vec![S::of(77.0); m]);
                assert!(super::gemv(target, out.slice_mut(), matrix, v.slice()));
                for (i, &got) in out.slice().iter().enumerate() {
                    let terms = (0..k).map(|l| x.slice()[i * k + l].f64() * v.slice()[l].f64());
                    let (sum, size) = terms.fold((0.0, 0.0), |(sum, size), x| (sum + x, size + x.abs()));
                    assert!(
                        (got.f64() - sum).abs() <= k as f64 * S::ROUNDING * size,
                        "{target} {m} {k}: {i}"
                    );
                    let mut alone = [S::of(0.0)];
                    assert!(super::gemv(target, &mut alone, matrix.at_row(i), v.slice()));
                    assert_eq!(alone[0], got, "{target} {m} {k}: {i}");
                }
                // Backwards, with an offset.
                let back = Matrix { offset: ((m - 1) * k) as isize, rows: -(k as isize), ..matrix };
                let mut other = vec![S::of(0.0); m];
                assert!(super::gemv(target, &mut other, back, v.slice()));
                assert!(other.iter().rev().eq(out.slice()), "{target} {m} {k}");
            }
        }
    }
    for target in targets() {
        all::<f32>(target, Isa::of(target, Kind::F32).unwrap().lanes(Kind::F32));
        all::<f64>(target, Isa::of(target, Kind::F64).unwrap().lanes(Kind::F64));
    }
}

#[test]
fn nan_and_infinity_stay() {
    for target in targets() {
        let mut x = vec![1f32; 20 * 20];
        (x[0], x[21], x[42]) = (f32::NAN, f32::INFINITY, f32::NEG_INFINITY);
        let y: Vec<f32> = (0..400).map(|o| if o / 20 == o % 20 { 1.0 } else { 0.0 }).collect();
        let matrix = |data| Matrix { data, offset: 0, rows: 20, columns: 1 };
        let (mut out, bias) = (vec![0f32; 400], vec![0f32; 20]);
        let (x, y) = (matrix(&x), matrix(&y));
        assert!(multiply(target, [20; 3], &mut out, 20, x, y, Finish::BiasRelu(&bias), false));
        assert!(out[..20].iter().all(|x| x.is_nan()));
        assert!(
            out[20..60].iter().enumerate().all(|(i, x)| [1, 22].contains(&i) || x.is_nan()),
            "inf times 0"
        );
        assert_eq!((out[21], out[42], out[65]), (f32::INFINITY, 0.0, 1.0));
    }
}

/// The instructions on bf16 take them for zero.
#[test]
fn a_subnormal_operand_is_not_lost() {
    let mut numbers = Numbers(6);
    for target in targets() {
        for [m, k, n] in
            [[5, 7, 9], [40, 6, 33], [8, 2000, 100], [64, 512, 64], [300, 700, 7], [65, 130, 150]]
        {
            for case in 0..8 {
                let ((x_turned, y_turned), in_x) = ((case & 1 == 1, case & 2 == 2), case & 4 == 4);
                let (i, l, j) = (numbers.below(m), numbers.below(k), numbers.below(n));
                let large = bf16::from_f64(2f64.powi(120));
                let (mut x, mut y) = (vec![large; m * k], vec![large; k * n]);
                let x_at = |i: usize, l: usize| if x_turned { l * m + i } else { i * k + l };
                let y_at = |l: usize, j: usize| if y_turned { j * k + l } else { l * n + j };
                let tiny = bf16::from_bits(0x8000 * numbers.below(2) as u16 + 1);
                let want = |at: usize, of: usize| if at == of { tiny.f64() * large.f64() } else { 0.0 };
                if in_x {
                    x.fill(bf16::from_bits(0));
                    x[x_at(i, l)] = tiny;
                } else {
                    y.fill(bf16::from_bits(0x8000));
                    y[y_at(l, j)] = tiny;
                }
                let matrix = |data, turned, m: usize, n: usize| Matrix {
                    data,
                    offset: 0,
                    rows: if turned { 1 } else { n as isize },
                    columns: if turned { m as isize } else { 1 },
                };
                let (x, y) = (matrix(&x[..], x_turned, m, k), matrix(&y[..], y_turned, k, n));
                let mut out = vec![0f32; m * n];
                assert!(multiply(target, [m, k, n], &mut out, n, x, y, Finish::None, true));
                for (o, &got) in out.iter().enumerate() {
                    let want = if in_x { want(o / n, i) } else { want(o % n, j) };
                    assert_eq!(got.f64(), want, "{target} {m} {k} {n}, case {case}, at {o}");
                }
            }
        }
    }
}

#[test]
fn a_sum_of_halves_is_rounded_once() {
    use super::Widen;
    // Of every bf16, and of numbers between them.
    for bits in
        (0..=u32::MAX).step_by(4099).chain([0x7f7f_8000, 0x7f80_0000, 0x7f80_0001, 0xffff_ffff, 1, 0x8000])
    {
        let x = f32::from_bits(bits);
        let (got, want) = (<bf16 as Rounded<f32>>::rounded(x), bf16::from_f32(x));
        assert!(got == want || got.is_nan() && want.is_nan(), "{bits:x}: {got:?} {want:?}");
    }
    for bits in 0..=u16::MAX {
        let (x, y) = (f16::from_bits(bits), bf16::from_bits(bits));
        assert!(x.widen() == x.to_f32() || x.is_nan() && x.widen().is_nan(), "{bits:x}");
        assert!(y.widen() == y.to_f32() || y.is_nan() && y.widen().is_nan(), "{bits:x}");
    }
}

/// What kernels reach on panels that stay in the caches:
/// `cargo test --release -p plywood-backend-cpu kernels_alone -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn kernels_alone() {
    for target in targets() {
        for (kind, name) in [(Kind::F32, "f32"), (Kind::F64, "f64"), (Kind::Bf16, "bf16")] {
            let Some(isa) = Isa::of(target, kind) else { continue };
            let (rows, most) = isa.tile();
            for vectors in 1..=most {
                let (x, y, mut out) = ([0u64; 2048], [0u64; 12 << 10], [0f64; 8 * 24]);
                let (epilogue, left, steps) = (Epilogue::None, Left::Columns, 256);
                let shape =
                    Shape { kind, isa, left, rows, vectors, masked: false, accumulate: false, epilogue };
                let width = vectors * isa.lanes(kind);
                let mut call = Call {
                    steps,
                    left: x.as_ptr().cast(),
                    left_stride: rows * kind.bytes(),
                    right: y.as_ptr().cast(),
                    right_stride: width * kind.bytes(),
                    out: out.as_mut_ptr().cast(),
                    out_stride: width * kind.bytes(),
                    last: isa.lanes(kind),
                    bias: std::ptr::null(),
                    ahead: std::ptr::null(),
                };
                let code = shape.code();
                let mut least = f64::MAX;
                for _ in 0..3000 {
                    let start = std::time::Instant::now();
                    // SAFETY: the operands and the output have room for the largest tile.
                    (0..4).for_each(|_| unsafe { code.call((&raw mut call).cast()) });
                    least = least.min(start.elapsed().as_secs_f64() / 4.0);
                }
                let per = if kind == Kind::Bf16 { 2 } else { 1 };
                let gflop = 2e-9 * (rows * width * steps * per) as f64;
                println!("{target} {name} {rows} x {width}: {:.0} GFLOP/s", gflop / least);
            }
        }
    }
}

/// What whole products reach, on one thread and on two:
/// `cargo test --release -p plywood-backend-cpu products_alone -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
fn products_alone() {
    fn best<I: Number + Input<f32>>([b, m, k, n]: [usize; 4], threads: usize) -> f64 {
        let (x, y) = (vec![I::of(1.0); b * m * k], vec![I::of(1.0); b * k * n]);
        let mut out = vec![0f32; b * m * n];
        let rounds = (20_000_000_000 / (b * m * k * n)).clamp(8, 2000);
        let mut least = f64::MAX;
        for _ in 0..rounds {
            let start = std::time::Instant::now();
            for i in 0..b {
                let x = Matrix { data: &x[i * m * k..], offset: 0, rows: k as isize, columns: 1 };
                let y = Matrix { data: &y[i * k * n..], offset: 0, rows: n as isize, columns: 1 };
                let out = &mut out[i * m * n..];
                let finish = Finish::None;
                par::with_threads(threads, || {
                    multiply(Target::current(), [m, k, n], out, n, x, y, finish, true)
                });
            }
            least = least.min(start.elapsed().as_secs_f64());
        }
        2e-9 * (b * m * k * n) as f64 / least
    }
    let sizes =
        [[1, 64, 64, 64], [256, 64, 64, 64], [1, 64, 4096, 64], [1, 8, 1024, 1024], [1, 1024, 1024, 16]];
    for size in sizes.into_iter().chain([64, 128, 256, 512, 1024].map(|n| [1, n, n, n])) {
        let all = [1, 2].map(|t| [best::<f32>(size, t), best::<bf16>(size, t)]);
        println!(
            "{size:?}: f32 {:.0}, {:.0}; bf16 {:.0}, {:.0} GFLOP/s",
            all[0][0], all[1][0], all[0][1], all[1][1]
        );
    }
}
