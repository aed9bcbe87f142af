//! Convolutions of all dtypes against sums over indices, on every path.

use crate::kernels::testing::{Numbers, elements, execute1, flat, index, tensor};
use plywood_core::op::{Conv, Padding};
use plywood_core::{DType, Op, Value};
use std::sync::Arc;

fn convolve(x: Value, kernel: Value, conv: &Conv) -> Value {
    execute1(&Op::Conv(Arc::new(conv.clone())), vec![x, kernel])
}

/// By the definition, of some elements.
fn naive(
    x: (&[usize], &[f64]),
    kernel: (&[usize], &[f64]),
    out: &[usize],
    conv: &Conv,
    which: &[usize],
) -> Vec<f64> {
    let (batch, outs) = (x.0[0] / conv.batch_groups, kernel.0[0]);
    let (of_feature_group, of_batch_group) = (outs / conv.feature_groups, outs / conv.batch_groups);
    let mut terms = kernel.0[1..].to_vec();
    terms[0] = kernel.0[1];
    let sum = |o: usize| -> f64 {
        let o = index(out, o);
        let one = |t: usize| {
            let t = index(&terms, t);
            let mut at = vec![o[0] + o[1] / of_batch_group * batch];
            at.push(t[0] + o[1] / of_feature_group * kernel.0[1]);
            for d in 0..conv.strides.len() {
                let i =
                    (o[d + 2] * conv.strides[d] + t[d + 1] * conv.dilation[d]) as isize - conv.padding[d].low;
                let apart = conv.padding[d].interior as isize + 1;
                if i < 0 || i % apart != 0 || i / apart >= x.0[d + 2] as isize {
                    return 0.0;
                }
                at.push((i / apart) as usize);
            }
            let k: Vec<usize> = [o[1]].into_iter().chain(t).collect();
            x.1[flat(x.0, &at)] * kernel.1[flat(kernel.0, &k)]
        };
        (0..terms.iter().product()).map(one).sum()
    };
    which.iter().copied().map(sum).collect()
}

fn check(x: (Value, Vec<f64>), kernel: (Value, Vec<f64>), conv: &Conv) {
    let (x_shape, k_shape) = (x.0.shape().clone(), kernel.0.shape().clone());
    let dtype = x.0.dtype();
    let got = convolve(x.0, kernel.0, conv);
    // All elements of small ones, some of large ones.
    let n = got.ty().elements();
    let terms: usize = k_shape[1..].iter().product();
    let which: Vec<usize> = (0..n).step_by((n * terms / 200_000).max(1) | 1).collect();
    let want = naive((&x_shape, &x.1), (&k_shape, &kernel.1), got.shape(), conv, &which);
    // Integers wrap, floats round once: as a tensor of the dtype does.
    let wrap = |&w: &f64| match dtype {
        DType::I8 => w as i64 as i8 as f64,
        DType::U8 => w as i64 as u8 as f64,
        DType::U16 => w as i64 as u16 as f64,
        DType::U32 => w as i64 as u32 as f64,
        _ => w,
    };
    let want: Vec<f64> = want.iter().map(wrap).collect();
    let want = elements(&tensor(&want, &[which.len()], dtype));
    let got = elements(&got);
    let got: Vec<f64> = which.iter().map(|&i| got[i]).collect();
    assert_eq!(got, want, "{dtype} {x_shape} with {k_shape}: {conv:?}");
}

#[test]
fn convolutions_of_any_attributes_are_sums_of_products() {
    let mut numbers = Numbers(3);
    let dtypes =
        [DType::F32, DType::F64, DType::F32, DType::F16, DType::BF16, DType::I32, DType::I8, DType::U8];
    for round in 0..3000 {
        let dtype = dtypes[round % dtypes.len()];
        let axes = [2, 1, 3, 2, 0, 2][round / 8 % 6];
        let groups = 1 + numbers.below(3) * numbers.below(2);
        let (feature_groups, batch_groups) = if numbers.below(2) == 0 { (groups, 1) } else { (1, groups) };
        let (c, o, n) = (numbers.below(5), numbers.below(6), numbers.below(4));
        let (mut x_shape, mut k_shape) = (vec![n * batch_groups, c * feature_groups], vec![o * groups, c]);
        let mut conv = Conv {
            strides: Default::default(),
            padding: Default::default(),
            dilation: Default::default(),
            feature_groups,
            batch_groups,
        };
        for _ in 0..axes {
            let wide = numbers.below(4) == 0;
            x_shape.push(numbers.below(9));
            k_shape.push(if wide { numbers.below(9) } else { 1 + numbers.below(3) });
            let plain = numbers.below(2) == 0;
            conv.strides.push(if plain { 1 } else { 1 + numbers.below(3) });
            conv.dilation.push(if plain { 1 } else { 1 + numbers.below(3) });
            let mut end = || numbers.below(6) as isize - 2;
            let padding = Padding { low: end(), high: end(), interior: 0 };
            conv.padding.push(Padding { interior: if plain { 0 } else { numbers.below(3) }, ..padding });
        }
        if conv.padded(&x_shape[2..]).is_none() {
            continue;
        }
        let (x, kernel) = (numbers.tensor(&x_shape, dtype), numbers.tensor(&k_shape, dtype));
        check(x, kernel, &conv);
    }
}

/// Input, kernel, stride, padding, dilation, interior, feature groups, batch groups: sizes that reach every path, with bands,
/// blocks, slices and parts of lines.
type Case = (&'static [usize], &'static [usize], usize, isize, usize, usize, usize, usize);
const CASES: &[Case] = &[
    (&[3, 16, 28, 28], &[32, 16, 3, 3], 1, 1, 1, 0, 1, 1),
    (&[2, 40, 30, 31], &[9, 40, 3, 5], 1, 1, 2, 0, 1, 1),
    (&[1, 3, 64, 64], &[8, 3, 7, 7], 2, 3, 1, 0, 1, 1),
    (&[2, 5, 16, 16], &[12, 5, 1, 1], 1, 0, 1, 0, 1, 1),
    (&[2, 5, 16, 16], &[12, 5, 2, 1], 1, 0, 1, 0, 1, 1),
    (&[2, 5, 17, 15], &[12, 5, 1, 1], 2, 0, 1, 0, 1, 1),
    (&[4, 6, 28, 28], &[8, 6, 28, 28], 1, 1, 1, 0, 1, 1),
    (&[5, 70, 14, 14], &[33, 70, 12, 12], 1, 0, 1, 0, 1, 1),
    (&[5, 70, 14, 13], &[65, 70, 3, 3], 1, 1, 1, 0, 1, 1),
    (&[2, 64, 33, 9], &[64, 64, 3, 3], 1, -1, 1, 0, 1, 1),
    (&[3, 64, 8, 20], &[80, 64, 3, 3], 1, 2, 1, 0, 1, 1),
    (&[3, 4, 15, 29], &[5, 4, 7, 14], 1, 1, 2, 0, 1, 1),
    (&[2, 8, 20, 20], &[8, 1, 3, 3], 1, 1, 1, 0, 8, 1),
    (&[2, 8, 20, 20], &[8, 1, 3, 3], 2, 1, 1, 0, 8, 1),
    (&[8, 6, 20, 20], &[8, 6, 18, 18], 1, 0, 1, 0, 1, 8),
    (&[2, 8, 9, 11], &[12, 4, 3, 3], 1, 2, 1, 1, 2, 1),
    (&[1, 2, 30_000], &[3, 2, 9], 1, 4, 1, 0, 1, 1),
    (&[1, 2, 9_000], &[3, 2, 8_990], 1, 0, 1, 0, 1, 1),
    (&[1, 1, 30_000], &[1, 1, 9], 1, 8, 1, 0, 1, 1),
    (&[1, 1, 9_000], &[1, 1, 8_000], 1, 0, 1, 0, 1, 1),
    (&[2, 3, 9, 10, 11], &[8, 3, 3, 2, 3], 1, 1, 1, 0, 1, 1),
    (&[2, 3, 9, 10, 11], &[8, 3, 7, 9, 10], 1, 0, 1, 0, 1, 1),
    (&[2, 600, 3, 3], &[17, 600, 3, 3], 1, 1, 1, 0, 1, 1),
];

#[test]
fn convolutions_of_all_sizes_are_sums_of_products() {
    let mut numbers = Numbers(4);
    for &(x, kernel, stride, pad, dilation, interior, feature_groups, batch_groups) in CASES {
        let axes = x.len() - 2;
        let conv = Conv {
            strides: (0..axes).map(|_| stride).collect(),
            padding: (0..axes).map(|_| Padding { low: pad, high: pad, interior }).collect(),
            dilation: (0..axes).map(|_| dilation).collect(),
            feature_groups,
            batch_groups,
        };
        let f32s = [numbers.tensor(x, DType::F32), numbers.tensor(kernel, DType::F32)];
        let [x, kernel] = f32s;
        check(x, kernel, &conv);
    }
}

#[test]
fn sums_do_not_depend_on_threads() {
    for &(x, kernel, stride, pad, dilation, interior, feature_groups, batch_groups) in &CASES[..12] {
        let conv = Conv {
            strides: [stride; 2].into_iter().collect(),
            padding: [Padding { low: pad, high: pad, interior }; 2].into_iter().collect(),
            dilation: [dilation; 2].into_iter().collect(),
            feature_groups,
            batch_groups,
        };
        let fractions = |shape: &[usize]| {
            let n: usize = shape.iter().product();
            tensor(
                &(0..n).map(|i| ((i * 37 % 101) as f64 - 50.0) / 7.0).collect::<Vec<_>>(),
                shape,
                DType::F32,
            )
        };
        let run = |threads| {
            crate::Cpu::with_threads(threads, || elements(&convolve(fractions(x), fractions(kernel), &conv)))
        };
        assert_eq!(run(1), run(4), "{conv:?}");
    }
}

/// Of numbers that tiles would lose, or spread, the definition is done.
#[test]
fn large_numbers_and_infinities_do_not_spread() {
    let plain = Padding { low: 0, high: 0, interior: 0 };
    let conv = Conv {
        strides: [1; 2].into_iter().collect(),
        padding: [plain; 2].into_iter().collect(),
        dilation: [1; 2].into_iter().collect(),
        feature_groups: 1,
        batch_groups: 1,
    };
    let (x_shape, k_shape) = ([1, 64, 18, 18], [64, 64, 3, 3]);
    let ones = |shape: &[usize]| vec![1.0; shape.iter().product()];
    for odd in [1e20, f64::INFINITY, f64::NAN] {
        for in_kernel in [false, true] {
            let (mut x, mut kernel) = (ones(&x_shape), ones(&k_shape));
            // The first place of the first image, or of the first kernel.
            if in_kernel {
                kernel[0] = odd
            } else {
                x[0] = odd
            }
            let [x, kernel] =
                [(x, &x_shape), (kernel, &k_shape)].map(|(x, shape)| tensor(&x, shape, DType::F32));
            let out = elements(&convolve(x, kernel, &conv));
            for (i, &y) in out.iter().enumerate() {
                let sees = if in_kernel { i < 256 } else { i % 256 == 0 };
                assert_eq!(y == 9.0 * 64.0, !sees, "{odd} {in_kernel} {i}: {y}");
            }
        }
    }
}

/// Prints what convolutions reach:
/// `cargo test --release -p plywood-backend-cpu --lib -- --ignored --nocapture conv::tests::gflops`.
#[test]
#[ignore = "a measurement"]
fn gflops() {
    use crate::data::{data, value};
    let best = |f: &mut dyn FnMut()| {
        let mut least = f64::MAX;
        for _ in 0..200 {
            let start = std::time::Instant::now();
            f();
            least = least.min(start.elapsed().as_secs_f64());
        }
        least
    };
    let ones = |shape: &[usize]| tensor(&vec![1.0; shape.iter().product()], shape, DType::F32);
    // Batch and features exchanged, as views.
    let swapped = |x: Value| {
        let (mut ty, mut layout) = (x.ty().clone(), data(&x).layout.clone());
        ty.shape.swap(0, 1);
        layout.strides.swap(0, 1);
        value(ty, layout, data(&x).storage.clone())
    };
    let conv = |stride: usize, pad: isize, dilation: usize, feature_groups, batch_groups| Conv {
        strides: [stride; 2].into_iter().collect(),
        padding: [Padding { low: pad, high: pad, interior: 0 }; 2].into_iter().collect(),
        dilation: [dilation; 2].into_iter().collect(),
        feature_groups,
        batch_groups,
    };
    let x = || ones(&[64, 16, 28, 28]);
    let y = || ones(&[64, 32, 28, 28]);
    let cases: Vec<(&str, Value, Value, Conv)> = vec![
        ("3x3 64x16x28x28 -> 32", x(), ones(&[32, 16, 3, 3]), conv(1, 1, 1, 1, 1)),
        ("by the input", y(), swapped(ones(&[32, 16, 3, 3])), conv(1, 1, 1, 1, 1)),
        ("by the kernel", swapped(x()), swapped(y()), conv(1, 1, 1, 1, 1)),
        ("1x1", x(), ones(&[32, 16, 1, 1]), conv(1, 0, 1, 1, 1)),
        ("depthwise", x(), ones(&[16, 1, 3, 3]), conv(1, 1, 1, 16, 1)),
        ("depthwise, by 2", x(), ones(&[16, 1, 3, 3]), conv(2, 1, 1, 16, 1)),
        ("depthwise, by the kernel", swapped(x()), swapped(x()), conv(1, 1, 1, 1, 16)),
        ("3x3 by 2", x(), ones(&[32, 16, 3, 3]), conv(2, 1, 1, 1, 1)),
        ("3x3 by 2, by the kernel", swapped(x()), swapped(ones(&[64, 32, 14, 14])), conv(1, 1, 2, 1, 1)),
        ("3x3 8x256x14x14 -> 256", ones(&[8, 256, 14, 14]), ones(&[256, 256, 3, 3]), conv(1, 1, 1, 1, 1)),
        ("3x3 8x512x7x7 -> 512", ones(&[8, 512, 7, 7]), ones(&[512, 512, 3, 3]), conv(1, 1, 1, 1, 1)),
        ("7x7 by 2 1x3x224x224 -> 64", ones(&[1, 3, 224, 224]), ones(&[64, 3, 7, 7]), conv(2, 3, 1, 1, 1)),
    ];
    for (name, x, kernel, conv) in cases {
        let out = Op::Conv(Arc::new(conv.clone())).infer(&[x.ty(), kernel.ty()])[0].elements();
        let flop = 2.0 * (out * kernel.ty().elements() / kernel.shape()[0]) as f64;
        let seconds = best(&mut || drop(convolve(x.clone(), kernel.clone(), &conv)));
        println!("{name:30} {:8.1} us {:8.1} GFLOP/s", 1e6 * seconds, 1e-9 * flop / seconds);
    }
    let dot = plywood_core::op::Dot {
        lhs_contracting: [1].into_iter().collect(),
        rhs_contracting: [0].into_iter().collect(),
        lhs_batch: Default::default(),
        rhs_batch: Default::default(),
        dtype: DType::F32,
    };
    let op = Op::Dot(Arc::new(dot));
    let (a, b) = (ones(&[1024, 1024]), ones(&[1024, 1024]));
    let seconds = best(&mut || drop(execute1(&op, vec![a.clone(), b.clone()])));
    println!("matmul 1024: {:.1} GFLOP/s", 2.0 * 1024f64.powi(3) / seconds * 1e-9);
}
