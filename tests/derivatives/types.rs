//! Types: casts, accumulation, promotion and weak numbers, and broadcasting's transpose.

use super::*;
use DType::*;

fn one(dtype: DType) -> C {
    C::ones([1], dtype)
}

/// Sum, mean and dot product of 4096 ones; and the cotangent of a sum.
fn sums(dtype: DType) -> [Vec<C>; 2] {
    let ones = C::ones([4096], dtype);
    [vec![ones.sum(), ones.mean(), ones.dot(&ones)], pull(|x: V| x.sum() * 0.5, (C::ones([3], dtype),))]
}

fn with_numbers(dtype: DType) -> Vec<C> {
    let t = one(dtype);
    let and_true = if dtype == Bool { &t | true } else { &t + true };
    vec![&t * 2.5, &t * 3, and_true, &t / 2, &t / t.clone()]
}

fn count(n: usize, shape: &[usize]) -> C {
    C::arange(n).cast(F64).reshape(shape)
}

pub(super) fn cases() -> Vec<Case> {
    let fine = || [1.001f32, 2.002, 3.003];
    let column = || C::from([[1.], [2.], [3.]]);
    let broad = || (column(), C::from([5., 6.]));
    let pairs =
        [(BF16, F16), (I32, BF16), (I64, F16), (U8, I8), (U32, I32), (Bool, U8), (F32, F64), (U8, U16)];
    let [bf16_sums, bf16_gradient] = sums(BF16);
    let [f16_sums, f16_gradient] = sums(F16);
    let i = C::arange(3);
    let (p, q) = (count(12, &[2, 1, 2, 3]), count(18, &[3, 3, 2]));
    let q0 = q.get(0);
    let (r, s) = (count(24, &[2, 3, 4]), count(24, &[4, 3, 2]));
    let f32s = |x: &[f32]| C::from(x);
    vec![
        (
            "cast to bf16 and back",
            both(move |x: V| x.cast(BF16).cast(F32) * V::from(fine()), (C::from(fine()),)),
        ),
        ("cast f64 to f32", both(move |x: V| x.cast(F32) * V::from(fine()), (C::from([0.1, 1e300, -0.]),))),
        ("cast to int and back", both(|x: V| x.cast(I32).cast(F32), (f32s(&[1.9, -1.9, 0.]),))),
        ("cast to bool and back", both(|x: V| x.cast(Bool).cast(F32), (f32s(&[1.9, 0.]),))),
        ("sum bfloat16", bf16_sums),
        ("sum bfloat16, gradient", bf16_gradient),
        ("sum float16", f16_sums),
        ("sum float16, gradient", f16_gradient),
        (
            "bf16 with f16",
            pull(|x: V, y: V| x * y, (C::from([1., 2.]).cast(BF16), C::from([3., 4.]).cast(F16))),
        ),
        ("promote", pairs.map(|(p, q)| one(p) * one(q)).into()),
        ("bool_ with numbers", with_numbers(Bool)),
        ("int8 with numbers", with_numbers(I8)),
        ("uint8 with numbers", with_numbers(U8)),
        ("int32 with numbers", with_numbers(I32)),
        ("bfloat16 with numbers", with_numbers(BF16)),
        ("float16 with numbers", with_numbers(F16)),
        ("float32 with numbers", with_numbers(F32)),
        ("means and functions of ints", vec![i.mean(), i.exp(), i.sum(), i.square(), i.abs()]),
        ("sum of bool", vec![C::from([true, true]).sum()]),
        (
            "argmax",
            vec![f32s(&[1., 3., 3.]).argmax(0), f32s(&[1., f32::NAN, 5., f32::NAN]).argmax(0), C::arange(3)],
        ),
        ("argmin", vec![f32s(&[1., 0., 0.]).argmin(0), f32s(&[1., f32::NAN, -5.]).argmin(0)]),
        ("broadcast add", pull(|x: V, y: V| x + y, broad())),
        ("broadcast mul", pull(|x: V, y: V| x * y, broad())),
        ("broadcast div", pull(|x: V, y: V| x / y, broad())),
        ("broadcast maximum", pull(|x: V, y: V| x.maximum(y), broad())),
        ("broadcast pow", pull(|x: V, y: V| x.pow(y), broad())),
        ("broadcast a scalar", pull(|x: V, s: V| x * &s + s, (column(), C::scalar(2.)))),
        ("broadcast matmul", pull(|x: V, y: V| x.matmul(&y), (p, q))),
        (
            "matmul with vectors",
            [
                pull(|x: V, y: V| x.matmul(&y), (C::from([1., 2., 3.]), q0.clone())),
                pull(|x: V, y: V| x.matmul(&y), (q0, C::from([1., 2.]))),
            ]
            .concat(),
        ),
        ("dot_general", pull(|x: V, y: V| x.dot_general(&y, ([1], [1]), ([2], [0])), (r, s))),
    ]
}
