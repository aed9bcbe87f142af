//! Programs of every kind: the lazy backend's results are the CPU's, to the bit.

use super::{Lazy, alone};
use plywood::prelude::*;

fn bits<B: Backend>(all: &[Tensor<B>]) -> Vec<(Shape, DType, Vec<u64>)> {
    all.iter()
        .map(|x| {
            let exact =
                if x.dtype().is_float() { x.cast(DType::F64) } else { x.cast(DType::I64).cast(DType::F64) };
            (x.shape().clone(), x.dtype(), exact.to_vec::<f64>().iter().map(|x| x.to_bits()).collect())
        })
        .collect()
}

macro_rules! programs { ($($name:ident = |$key:ident, $x:ident| $body:expr;)*) => { $(
    #[test]
    fn $name() {
        fn program<B: Backend>() -> Vec<Tensor<B>> {
            let $key = random::key::<B>(7);
            let $x = random::normal(&$key, [6, 6], DType::F32);
            $body
        }
        let _alone = alone();
        let want = bits(&program::<Cpu>());
        assert_eq!(bits(&program::<Lazy>()), want);
        // Computed together.
        let all = program::<Lazy>();
        eval(&all);
        assert_eq!(bits(&all), want);
    }
)* } }

programs! {
    element_wise = |_key, x| vec![
        1.05 * x.gt(0.0).select(&x, 1.67 * x.exp() - 1.67), x.gelu(), x.clamp(-0.5, 0.5), -(-&x), &x * 1.0 - 0.0,
        x.cast(DType::F16) * 3.0, x.cast(DType::I32) / 2,
    ];
    reductions = |_key, x| vec![x.softmax(-1), x.log_softmax(0), x.sum(), x.mean_axes(0), x.max(), x.argmax(1), x.cumsum(0)];
    layouts = |_key, x| vec![
        x.t(), x.t().reshape([4, 9]), x.get((.., 1..4)).t() + 1.0, x.flip(0), concatenate(&[x.clone(), x.t()], 1),
        x.get((1, ..)).exp(), x.t().t(),
    ];
    products = |_key, x| vec![x.matmul(&x), x.matmul(&x.t()).exp().matmul(&x), einsum("ij,kj->ik", &[x.clone(), x.clone()])];
    several_outputs = |_key, x| {
        let sorted = x.sort(0);
        let (values, places) = x.top_k(2, 1);
        let (u, s, vt) = linalg::svd(&x.cast(DType::F64), false);
        vec![sorted, values, places, u, s, vt]
    };
    random_numbers = |key, x| {
        let [a, b] = random::split(&key);
        vec![random::uniform(&a, [5], DType::F64), random::permutation(&b, 10), random::normal(&a, [2, 3], DType::F32) * x.sum()]
    };
    loops = |_key, x| {
        let powers = scan(|s: Tensor<_>, row: Tensor<_>| (s * 0.9 + &row, row.sum()), x.get(0), x.clone());
        let halved = while_loop(|s: &Tensor<_>| s.abs().max().gt(0.1), |s: Tensor<_>| s / 2.0, x.clone());
        vec![powers.0, powers.1, halved]
    };
    gradients = |_key, x| {
        fn f<B: Backend>(x: Tensor<B>) -> Tensor<B> {
            x.matmul(&x).tanh().log_softmax(-1).get((.., 0)).mean()
        }
        let (y, g) = value_and_grad(f)(x.clone());
        let (z, h) = jit(value_and_grad(f))(x.clone());
        vec![y, g, z, h, grad(|x: Tensor<_>| grad(f)(x).square().sum())(x)]
    };
    gathered = |_key, x| {
        let places = x.get(0).argsort(0);
        vec![x.take(&places, 0), x.at(&places).add(1.0), places.one_hot(6, DType::F32).matmul(&x)]
    };
    empty_and_equal = |_key, x| {
        let none = x.get((0..0, ..));
        let y = &x + 1.0;
        vec![&none * 2.0, none.sum(), y.clone(), y.clone(), &x + 1.0, x.clone(), x.full_like(3.0)]
    };
}
