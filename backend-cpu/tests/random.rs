//! `random` gives what jax.random gives: every case of `random_oracle.txt`, which `random_oracle.py` makes with JAX.
//! What passes through no `log`, `erf_inv` or rounded range agrees to the bit.

use plywood_autodiff::{Autodiff, Forward, grad, jvp};
use plywood_backend_cpu::Cpu;
use plywood_core::{DType, Tensor, random, step};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;

/// How far a number may be from JAX's: units in the last place, of itself or of this number if that is larger.
type Tolerance = (f64, f64);
const EXACT: Tolerance = (0.0, 0.0);
/// Of one polynomial or another for log, log1p, erf and erf_inv.
const CLOSE: Tolerance = (4.0, 0.0);
/// A sum with the bounds of a range, fused or not, may cancel.
const IN_RANGE: Tolerance = (4.0, 0.5);
/// XLA's log1p in f64 is up to 43 units off (from NumPy's, which this one equals).
const LOG1P_F64: Tolerance = (48.0, 0.0);
/// -log(-log(u)) near 0: there the inner logarithm is near 1, and its last place is that of 1 in the result too.
const GUMBEL_F64: Tolerance = (4.0, 1.0);

#[test]
fn random_numbers_are_those_of_jax() {
    use DType::*;
    let mut oracle = oracle();
    let mut case = |name: &str, tolerance: Tolerance, x: Tensor<Cpu>| {
        let want = oracle.remove(name).unwrap_or_else(|| panic!("no oracle for {name}"));
        check(name, tolerance, x, want)
    };
    let k = random::key::<Cpu>(0);

    for seed in [0, 42, (1 << 31) - 1] {
        let k = random::key::<Cpu>(seed);
        case(&format!("split {seed}"), EXACT, random::split_n(&k, 5));
        case(&format!("key {seed}"), EXACT, k);
    }
    for (i, child) in random::split::<_, 2>(&k).into_iter().enumerate() {
        case(&format!("split two {i}"), EXACT, child);
    }
    case("split shape", EXACT, random::split_n(&random::split_n(&k, 2), 3));
    for number in [0, 1, 7, 1 << 31, u32::MAX] {
        case(&format!("fold_in {number}"), EXACT, random::fold_in(&k, number));
    }
    let numbers = Tensor::<Cpu>::from([5, 6, 7]);
    case("fold_in batch", EXACT, random::fold_in(&random::split_n(&k, 3), numbers));

    for shape in [vec![], vec![3], vec![2, 3], vec![0, 4]] {
        case(&format!("bits {shape:?}"), EXACT, random::bits(&k, shape.clone(), U32));
        case(&format!("normal {shape:?}"), CLOSE, random::normal(&k, shape, F32));
    }
    for dtype in [U8, U16] {
        case(&format!("bits {dtype}"), EXACT, random::bits(&k, [9], dtype));
    }
    case("bits u64", EXACT, random::bits(&k, [9], U64).bitcast(U32));
    for dtype in [F64, F32, F16, BF16] {
        case(&format!("uniform {dtype}"), EXACT, random::uniform(&k, [33], dtype));
        case(&format!("normal {dtype}"), CLOSE, random::normal(&k, [33], dtype));
    }
    case("uniform batch", EXACT, random::uniform(&random::split_n(&k, 4), [2, 3], F32));
    case("uniform_range", IN_RANGE, random::uniform_range(&k, [33], F32, -1.0, 3.0));
    let low = Tensor::<Cpu>::from([0.0f32, 1.0, 2.0]);
    let tensors = random::uniform_range(&k, [4, 3], F32, &low, &low + 2.0);
    case("uniform_range tensors", IN_RANGE, tensors);
    case("truncated_normal", IN_RANGE, random::truncated_normal(&k, [33], F32, -1.0, 2.0));
    case("truncated_normal far", IN_RANGE, random::truncated_normal(&k, [33], F32, 2.0, 2.5));
    case("exponential", CLOSE, random::exponential(&k, [33], F32));
    case("gumbel", CLOSE, random::gumbel(&k, [33], F32));
    case("truncated_normal f64", IN_RANGE, random::truncated_normal(&k, [33], F64, -1.0, 2.0));
    case("exponential f64", LOG1P_F64, random::exponential(&k, [33], F64));
    case("gumbel f64", GUMBEL_F64, random::gumbel(&k, [33], F64));

    let most = i32::MAX;
    for (low, high) in [(0, 10), (-5, 5), (3, 3), (5, 2), (0, 65536), (0, 65537), (0, most), (i32::MIN, most)]
    {
        case(&format!("randint {low} {high}"), EXACT, random::randint(&k, [9], low, high));
    }
    case("randint batch", EXACT, random::randint(&random::split_n(&k, 4), [2, 3], 0, 100));
    case("bernoulli 0.3", EXACT, random::bernoulli(&k, 0.3, [33]));
    let p = Tensor::<Cpu>::from([0.1f32, 0.5, 0.9]);
    case("bernoulli tensor", EXACT, random::bernoulli(&k, p, [4, 3]));

    let logits = [[0.1f32, 2.0, -1.0, 0.7], [1.0, 1.0, f32::NEG_INFINITY, 0.0], [5.0, 0.0, 0.0, 1.0]];
    let logits = Tensor::<Cpu>::from(logits);
    case("categorical one", EXACT, random::categorical(&k, &logits.get(0), [20]));
    case("categorical plain", EXACT, random::categorical(&k, &logits, [3]));
    case("categorical sample", EXACT, random::categorical(&k, &logits, [10, 3]));

    for n in [0, 1, 2, 5, 100] {
        case(&format!("permutation {n}"), EXACT, random::permutation(&k, n));
    }
    // So many that one round of sorting is not enough.
    case("permutation 1700", EXACT, random::permutation(&k, 1700).get(step(.., 17)));
    case("permutation batch", EXACT, random::permutation(&random::split_n(&k, 3), 6));
    let vector = Tensor::<Cpu>::arange(6).cast(F32) * 10.0;
    case("shuffle vector", EXACT, random::shuffle(&k, &vector));
    case("shuffle matrix", EXACT, random::shuffle(&k, &Tensor::<Cpu>::arange(8).reshape([4, 2])));
    case("choice replace", EXACT, random::choice(&k, 7, [3, 4], true));
    case("choice once", EXACT, random::choice(&k, 20, [3, 4], false));
    case("choice nothing", EXACT, random::choice(&k, 5, [0], true));
    assert!(oracle.is_empty(), "not tested: {:?}", oracle.keys());
}

/// Dtype and shape as they print, and the elements, by the name of the case.
fn oracle() -> BTreeMap<&'static str, (&'static str, Vec<f64>)> {
    let line = |line: &'static str| {
        let [name, ty, elements] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("not a case: {line}")
        };
        (name, (ty, elements.split_whitespace().map(|e| e.parse().unwrap()).collect()))
    };
    include_str!("random_oracle.txt").lines().map(line).collect()
}

/// How many units in the last place of `want`, or of `least` if that is larger.
fn distance(got: f64, want: f64, least: f64, dtype: DType) -> f64 {
    let mantissa = match dtype {
        DType::F64 => 52,
        DType::F32 => 23,
        DType::F16 => 10,
        DType::BF16 => 7,
        _ => 0,
    };
    let unit = want.abs().max(least).log2().floor().exp2() * f64::from(mantissa).exp2().recip();
    if got == want { 0.0 } else { (got - want).abs() / unit }
}

fn check(name: &str, tolerance: Tolerance, x: Tensor<Cpu>, (ty, want): (&str, Vec<f64>)) {
    assert_eq!(format!("{} {}", x.dtype(), x.shape()), ty, "{name}");
    let got = x.cast(DType::F64).to_vec::<f64>();
    assert_eq!(got.len(), want.len(), "{name}");
    for (i, (&got, &want)) in got.iter().zip(&want).enumerate() {
        let d = distance(got, want, tolerance.1, x.dtype());
        assert!(d <= tolerance.0, "{name}: element {i} is {got}, not {want}: {d} ulp");
    }
}

#[test]
fn mistakes_are_named() {
    let k = random::key::<Cpu>(0);
    let cases: [(&str, fn(&Tensor<Cpu>) -> Tensor<Cpu>); 6] = [
        ("a key is two u32", |_| random::bits(&Tensor::<Cpu>::from([1, 2]), [3], DType::U32)),
        ("gumbel: gives floats, not i32", |k| random::gumbel(k, [3], DType::I32)),
        ("does not broadcast to [3]", |k| random::bernoulli(k, Tensor::from([0.5f32, 0.5]), [3])),
        ("a sample whose shape ends with [3]", |k| {
            random::categorical(k, &Tensor::zeros([3, 4], DType::F32), [10])
        }),
        ("12 draws without replacement from 5", |k| random::choice(k, 5, [12], false)),
        ("takes an integer, not 0.5", |k| random::fold_in(k, 0.5)),
    ];
    for (what, wrong) in cases {
        let panic = std::panic::catch_unwind(AssertUnwindSafe(|| wrong(&k))).expect_err(what);
        let message = panic.downcast_ref::<String>().expect("a message");
        assert!(message.contains(what), "{message}");
    }
}

/// Means and variances of many samples: within five standard errors of the distribution's.
#[test]
fn samples_have_the_moments_of_their_distributions() {
    use DType::*;
    let n = 100_000;
    let k = random::key::<Cpu>(11);
    let euler = 0.577_215_664_901_532_9;
    let sixth = std::f64::consts::PI.powi(2) / 6.0;
    let of = |k: f64| (k, k);
    let cases: Vec<(&str, Tensor<Cpu>, (f64, f64))> = vec![
        ("gamma 0.1", random::gamma(&k, 0.1, [n], F32), of(0.1)),
        ("gamma 1", random::gamma(&k, 1.0, [n], F64), of(1.0)),
        ("gamma 50", random::gamma(&k, 50.0, [n], F32), of(50.0)),
        ("gamma f16", random::gamma(&k, 2.0, [n], F16), of(2.0)),
        ("gamma bf16", random::gamma(&k, 0.5, [n], BF16), of(0.5)),
        ("loggamma 1", random::loggamma(&k, 1.0, [n], F32), (-euler, sixth)),
        ("poisson 0.5", random::poisson(&k, 0.5, [n], I32), of(0.5)),
        ("poisson 9.9", random::poisson(&k, 9.9, [n], U8), of(9.9)),
        ("poisson 10", random::poisson(&k, 10.0, [n], I64), of(10.0)),
        ("poisson 1000", random::poisson(&k, 1000.0, [n], I32), of(1000.0)),
        ("beta", random::beta(&k, 2.0, 3.0, [n], F32), (0.4, 0.04)),
        ("laplace", random::laplace(&k, [n], F32), (0.0, 2.0)),
        ("logistic", random::logistic(&k, [n], F32), (0.0, 2.0 * sixth)),
        ("chisquare", random::chisquare(&k, 3.0, [n], F32), (3.0, 6.0)),
        ("t", random::t(&k, 10.0, [n], F32), (0.0, 1.25)),
        ("rademacher", random::rademacher(&k, [n], I8), (0.0, 1.0)),
        ("wald", random::wald(&k, 1.0, [n], F32), (1.0, 1.0)),
        ("geometric", random::geometric(&k, 0.25, [n], I32), (4.0, 12.0)),
        ("triangular", random::triangular(&k, 0.0, 0.0, 1.0, [n], F32), (1.0 / 3.0, 1.0 / 18.0)),
    ];
    for (name, x, (mean, variance)) in cases {
        let x = x.cast(F64).to_vec::<f64>();
        let moment = |power: i32| x.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n as f64;
        let (first, second, fourth) = (moment(1), moment(2), moment(4));
        // A 16-bit float is rounded, and its uniform numbers have few bits.
        let rounding = if name.ends_with("16") { 0.01 } else { 0.0 };
        let (error, spread) = ((second / n as f64).sqrt(), ((fourth - second * second) / n as f64).sqrt());
        assert!(first.abs() < 5.0 * error + rounding, "{name}: the mean is {first} off, {error}");
        let off = (second - variance).abs();
        assert!(
            off <= 5.0 * spread + 4.0 * rounding,
            "{name}: the variance is {second}, not {variance}; {spread}"
        );
    }
}

/// A gamma sample x moves so that P(a, x) stays: first and second derivatives against differences of the x that solves
/// it, found by Newton's method.
#[test]
fn gamma_samples_move_along_their_quantile() {
    type A = Autodiff<Cpu>;
    let k = random::key::<Cpu>(3);
    for log in [false, true] {
        for a in [0.4, 1.0, 2.5, 30.0] {
            let draw = move |k: &Tensor<A>, a: Tensor<A>| match log {
                true => random::loggamma(k, a, [], DType::F64),
                false => random::gamma(k, a, [], DType::F64),
            };
            let at = Tensor::<Cpu>::scalar(a);
            let key = k.clone();
            let slope: f64 = grad(move |a| draw(&key.lift(), a))(at.clone()).item();
            let key = k.clone();
            let second = grad(move |a: Tensor<A>| {
                let key = key.clone();
                grad(move |a: Tensor<Autodiff<A>>| {
                    let key = key.lift::<A>().lift::<Autodiff<A>>();
                    match log {
                        true => random::loggamma(&key, a, [], DType::F64),
                        false => random::gamma(&key, a, [], DType::F64),
                    }
                })(a)
            });
            let key = k.clone();
            let pushed = move |a: Tensor<Forward<Cpu>>| match log {
                true => random::loggamma(&key.lift(), a, [], DType::F64),
                false => random::gamma(&key.lift(), a, [], DType::F64),
            };
            let tangent: f64 = jvp(pushed, (at.clone(),), (Tensor::scalar(2.0),)).1.item();
            assert!(
                (tangent - 2.0 * slope).abs() <= 1e-12 * slope.abs(),
                "{a} {log}: {tangent}, not twice {slope}"
            );
            let curvature: f64 = second(at).item();
            let x: f64 = random::gamma(&k, a, [], DType::F64).item();
            let p = |a: f64, x: f64| Tensor::<Cpu>::scalar(a).igamma(x).item::<f64>();
            let density = |a: f64, x: f64| ((a - 1.0) * x.ln() - x - libm::lgamma(a)).exp();
            let quantile = |h: f64| {
                let mut moved = x;
                for _ in 0..30 {
                    moved -= (p(a + h, moved) - p(a, x)) / density(a + h, moved);
                }
                if log { moved.ln() } else { moved }
            };
            let h = 1e-3 * a;
            let (below, here, above) = (quantile(-h), quantile(0.0), quantile(h));
            let want = ((above - below) / (2.0 * h), (above - 2.0 * here + below) / (h * h));
            assert!((slope - want.0).abs() < 1e-5 * want.0.abs(), "{a} {log}: {slope}, not {}", want.0);
            let near = (curvature - want.1).abs() < 1e-3 * want.1.abs() + 1e-6;
            assert!(near, "{a} {log}: {curvature}, not {}", want.1);
        }
    }
}
