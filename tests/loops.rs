//! Loops that run as one kernel on the CPU, whose rows are the steps: the bits of the same operations in a loop of Rust, for
//! every kind of state, and one launch. Loops that cannot be such a kernel run step by step.

use plywood::prelude::*;

type T = Tensor<Cpu>;

fn ramp(shape: impl Into<Shape>, dtype: DType) -> T {
    let shape = shape.into();
    let n = shape.elements();
    ((T::arange(n).cast(DType::F64) - n as f64 / 3.0) * 0.37).reshape(shape).cast(dtype)
}

/// Holds a loop under `jit` to the same in Rust, and to what runs: a number of kernels, what comes before the loop among them, and
/// a number of loops that launch their steps.
macro_rules! table {
    ($($name:ident: $runs:expr, |$x:ident| $looped:expr, $unrolled:expr, $inputs:expr;)*) => { $(
        #[test]
        fn $name() {
            for input in $inputs {
                let jitted = Jit::new().of(|$x: Tensor<_>| $looped);
                let unrolled = |$x: T| $unrolled;
                let before = input.cast(DType::F64).to_vec::<f64>();
                for _ in 0..2 {
                    assert_eq!(jitted.call((input.clone(),)), unrolled(input.clone()), "{}", input.ty());
                }
                assert_eq!(input.cast(DType::F64).to_vec::<f64>(), before, "an input was written over");
                let explained = jitted.explain();
                let runs: (usize, usize) = $runs;
                assert_eq!((explained.kernels(), explained.loops()), runs, "{explained}");
            }
        }
    )* };
}

fn floats(shape: &[usize]) -> Vec<T> {
    [DType::F32, DType::F64, DType::BF16, DType::F16].map(|dtype| ramp(shape, dtype)).into()
}

table! {
    a_counter_and_elements: (1, 0),
        |x| while_loop(
            |(i, _)| i.lt(100),
            |(i, x): (Tensor<_>, Tensor<_>)| (i + 1, (&x * &x * 2 - 1) * 0.5),
            (Tensor::scalar(0i32), x),
        ).1,
        (0..100).fold(x, |x, _| (&x * &x * 2 - 1) * 0.5),
        [&[3, 7][..], &[1], &[40], &[5, 5, 5]].into_iter().flat_map(floats);

    integers_wrap: (1, 0),
        |x| while_loop(
            |(i, _)| i.lt(50),
            |(i, x): (Tensor<_>, Tensor<_>)| (i + 1, &x * &x + 3),
            (Tensor::scalar(0i32), x),
        ).1,
        (0..50).fold(x, |x, _| &x * &x + 3),
        [DType::I32, DType::I64, DType::U8, DType::I16, DType::U32].map(|dtype| ramp([11], dtype));

    no_step: (1, 0),
        |x| while_loop(|x| x.sum().lt(-1e30), |x: Tensor<_>| x * 2, x),
        x,
        floats(&[5]);

    // Elements that change places: all are read before any is written. And one that stays.
    elements_change_places: (2, 0),
        |x| {
            let start = (Tensor::scalar(0i32), x.clone(), &x * 2, &x - 1);
            let step = |(i, a, b, c): (Tensor<_>, Tensor<_>, Tensor<_>, Tensor<_>)| (i + 1, b.clone(), (&a + &b) * &c * 0.1, c);
            let (_, a, b, c) = while_loop(|(i, ..)| i.lt(33), step, start);
            (a, b, c)
        },
        {
            let start = (x.clone(), &x * 2, &x - 1);
            (0..33).fold(start, |(a, b, c), _| (b.clone(), (&a + &b) * &c * 0.1, c))
        },
        floats(&[17]);

    scalars_change_places: (2, 0),
        |x| {
            let step = |(a, b, n): (Tensor<_>, Tensor<_>, Tensor<_>)| (b.clone(), (&a - &b) * 0.9, n + 1);
            while_loop(|(_, _, n)| n.lt(40), step, (x.clone(), x * 3, Tensor::scalar(0i32)))
        },
        (0..40).fold((x.clone(), x * 3, Tensor::scalar(0i32)), |(a, b, n), _| (b.clone(), (&a - &b) * 0.9, n + 1)),
        floats(&[]);

    // The condition reduces, and so does the step: three loops over the elements in each.
    until_the_norm_is_small: (1, 0),
        |x| while_loop(|x| x.square().sum().gt(1), |x: Tensor<_>| &x * 0.75 - x.max() * 0.001, x),
        {
            let mut x = x;
            while x.square().sum().gt(1).item::<bool>() {
                x = &x * 0.75 - x.max() * 0.001;
            }
            x
        },
        [ramp([9], DType::F32), ramp([4, 10], DType::F64)];

    lanes_that_end_apart: (2, 0),
        |x| vmap(|x: Tensor<_>| while_loop(|x| x.abs().gt(0.1), |x: Tensor<_>| x * -0.5, x))(x),
        {
            let mut x = x;
            while x.abs().gt(0.1).any().item::<bool>() {
                x = x.abs().gt(0.1).select(&x * -0.5, &x);
            }
            x
        },
        [ramp([21], DType::F32), ramp([8], DType::F64)];

    a_scan_with_results: (1, 0),
        |x| scan(
            |(h, n): (Tensor<_>, Tensor<_>), x: Tensor<_>| {
                let h = h * 0.5 + x;
                let n = n + h.sum();
                ((h.clone(), n.clone()), (h.exp(), n))
            },
            (x.get(0).zeros_like(), x.get((0, 0)).zeros_like()),
            x,
        ),
        {
            let (mut h, mut n) = (x.get(0).zeros_like(), x.get((0, 0)).zeros_like());
            let (mut hs, mut ns) = (vec![], vec![]);
            for i in 0..x.shape()[0] {
                h = h * 0.5 + x.get(i);
                n += h.sum();
                hs.push(h.exp());
                ns.push(n.clone());
            }
            ((h, n), (stack(&hs, 0), stack(&ns, 0)))
        },
        [ramp([30, 4], DType::F32), ramp([30, 19], DType::F64)];

    backwards: (1, 0),
        |x| Scan::new().reverse().of(|h: Tensor<_>, x: Tensor<_>| {
            let h = h * 0.5 + x;
            (h.clone(), h)
        })(x.get(0).zeros_like(), x),
        {
            let mut h = x.get(0).zeros_like();
            let mut hs = vec![];
            for i in (0..x.shape()[0]).rev() {
                h = h * 0.5 + x.get(i);
                hs.insert(0, h.clone());
            }
            (h, stack(&hs, 0))
        },
        [ramp([40, 3], DType::F32), ramp([40], DType::F64)];

    // Constants and slices that do not lie in order.
    transposed: (1, 0),
        |x| {
            let (c, xs) = (x.get((.., ..4)).transpose([1, 0]), x.transpose([1, 0]));
            scan(|h: Tensor<_>, x: Tensor<_>| ((h * c.lift() + x) * 0.3, ()), c.zeros_like(), xs.get((.., NewAxis, ..)).broadcast_to([50, 4, 3])).0
        },
        {
            let c = x.get((.., ..4)).transpose([1, 0]);
            (0..50).fold(c.zeros_like(), |h, i| (h * &c + x.get((.., i))) * 0.3)
        },
        [ramp([3, 50], DType::F32), ramp([3, 50], DType::F64)];

    a_derivative_through_a_loop: (3, 0),
        |x| grad(|x: Tensor<_>| fori_loop(0, 40, |_, x: Tensor<_>| x.sin() * 1.1, x).sum())(x),
        grad(|x: Tensor<_>| (0..40).fold(x, |x, _| x.sin() * 1.1).sum())(x),
        [ramp([6], DType::F64)];

    // What is no single kernel runs step by step.
    products_are_steps: (0, 1),
        |x| while_loop(|x| x.sum().lt(1e3), |x: Tensor<_>| x.matmul(&x), x),
        {
            let mut x = x;
            while x.sum().lt(1e3).item::<bool>() {
                x = x.matmul(&x);
            }
            x
        },
        [ramp([4, 4], DType::F64).abs() + 1];
}
