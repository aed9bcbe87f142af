//! The mathematical functions where C99's Annex F says to the bit what they give (and IEEE 754 for `rsqrt`): at zeros,
//! infinities, NaN, the ends of their domains; and at subnormal numbers, which are kept.

mod ulp;

use plywood_backend_cpu::kernel::target::Target;
use plywood_core::DType;
use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};
use ulp::{BINARY, Float, Function, Ready, UNARY};

const INF: f64 = f64::INFINITY;
const NAN: f64 = f64::NAN;

/// Of a function of one operand: arguments and results. NaN, which all of them keep, is left out.
fn unary_cases(name: &str, tiny: f64, max: f64) -> Vec<(f64, f64)> {
    let both = |x: f64, y: f64| [(x, y), (-x, -y)];
    let even = |x: f64, y: f64| [(x, y), (-x, y)];
    // Tiny numbers stay as they are, with their sign.
    let same = || [both(0.0, 0.0), both(tiny, tiny), both(3.0 * tiny, 3.0 * tiny)].concat();
    let zeros = || both(0.0, 0.0).to_vec();
    let none = |x: f64| (x, NAN);
    let exponential = || {
        [&even(0.0, 1.0)[..], &even(tiny, 1.0), &[(-INF, 0.0), (INF, INF), (max, INF), (-max, 0.0)]].concat()
    };
    let logarithm = || {
        let ends = [(0.0, -INF), (-0.0, -INF), (1.0, 0.0), (INF, INF)];
        [&ends[..], &[none(-tiny), none(-1.0), none(-max), none(-INF)]].concat()
    };
    let log2_tiny = tiny.log2();
    match name {
        "exp" => exponential(),
        "exp2" => {
            let powers = [(1.0, 2.0), (-1.0, 0.5), (10.0, 1024.0), (log2_tiny, tiny), (log2_tiny - 2.0, 0.0)];
            [&exponential()[..], &powers].concat()
        }
        "expm1" => [&same()[..], &[(-INF, -1.0), (-max, -1.0), (INF, INF), (max, INF)]].concat(),
        "logistic" => [&even(0.0, 0.5)[..], &[(-INF, 0.0), (-max, 0.0), (INF, 1.0), (max, 1.0)]].concat(),
        "log" => logarithm(),
        "log2" => {
            let powers =
                [(2.0, 1.0), (0.5, -1.0), (1024.0, 10.0), (tiny, log2_tiny), (8.0 * tiny, log2_tiny + 3.0)];
            [&logarithm()[..], &powers].concat()
        }
        "log1p" => [&same()[..], &[(-1.0, -INF), (INF, INF), none(-1.5), none(-max), none(-INF)]].concat(),
        "tanh" | "erf" => {
            let ends = [both(INF, 1.0), both(max, 1.0)].concat();
            [if name == "erf" { zeros() } else { same() }, ends].concat()
        }
        "erfc" => [&even(0.0, 1.0)[..], &[(INF, 0.0), (max, 0.0), (-INF, 2.0), (-max, 2.0)]].concat(),
        // Of negative numbers the table has |y| + 4.
        "lgamma" => {
            let poles = [-1.0, -2.0, -3.0, -1000.0, -max, -INF].map(|x| (x, INF));
            [&[(0.0, INF), (-0.0, INF), (1.0, 0.0), (2.0, 0.0), (INF, INF), (max, INF)][..], &poles].concat()
        }
        "bessel_i0e" => [even(0.0, 1.0), even(tiny, 1.0), even(INF, 0.0)].concat(),
        "bessel_i1e" => [zeros(), both(INF, 0.0).to_vec()].concat(),
        "sinh" | "asinh" => [same(), both(INF, INF).to_vec()].concat(),
        "cosh" => [even(0.0, 1.0), even(tiny, 1.0), even(INF, INF), even(max, INF)].concat(),
        "acosh" => {
            vec![(1.0, 0.0), (INF, INF), none(0.5), none(0.0), none(-0.0), none(-1.0), none(-max), none(-INF)]
        }
        "atanh" | "erf_inv" => {
            let ends = [both(1.0, INF), even(1.5, NAN), even(max, NAN), even(INF, NAN)].concat();
            [if name == "erf_inv" { zeros() } else { same() }, ends].concat()
        }
        "sin" | "tan" => [same(), even(INF, NAN).to_vec()].concat(),
        "cos" => [even(0.0, 1.0), even(tiny, 1.0), even(INF, NAN)].concat(),
        "asin" => {
            [same(), [both(1.0, FRAC_PI_2), even(1.5, NAN), even(max, NAN), even(INF, NAN)].concat()].concat()
        }
        "acos" => [
            &[(1.0, 0.0), (-1.0, PI)][..],
            &even(0.0, FRAC_PI_2),
            &even(1.5, NAN),
            &even(max, NAN),
            &even(INF, NAN),
        ]
        .concat(),
        "atan" => [same(), [both(INF, FRAC_PI_2), both(max, FRAC_PI_2)].concat()].concat(),
        "rsqrt" => {
            let ends = [(0.0, INF), (-0.0, -INF), (INF, 0.0), (1.0, 1.0), (4.0, 0.5)];
            [&ends[..], &[none(-tiny), none(-1.0), none(-max), none(-INF)]].concat()
        }
        "cbrt" => [both(0.0, 0.0), both(INF, INF), both(8.0, 2.0), both(27.0, 3.0)].concat(),
        other => panic!("no special values of {other}"),
    }
}

/// Of y and x.
fn atan2_cases(tiny: f64, max: f64) -> Vec<[f64; 3]> {
    let mut cases = Vec::new();
    let mut add = |y: f64, x: f64, want: f64| cases.extend([[y, x, want], [-y, x, -want]]);
    for y in [0.0, tiny] {
        add(y, -INF, PI);
        add(y, INF, 0.0);
        add(y, -1.0, PI);
        add(y, -max, PI);
        add(y, NAN, NAN);
    }
    for x in [-tiny, -0.0] {
        add(0.0, x, PI);
    }
    for x in [0.0, tiny, 1.0, max] {
        add(0.0, x, 0.0);
    }
    for y in [tiny, 1.0, max, INF] {
        for x in [0.0, -0.0] {
            add(y, x, FRAC_PI_2);
        }
        add(y, NAN, NAN);
    }
    for x in [tiny, 1.0, max] {
        add(INF, x, FRAC_PI_2);
        add(INF, -x, FRAC_PI_2);
        add(x, x, FRAC_PI_4);
        add(x, -x, 3.0 * FRAC_PI_4);
        add(x, INF, 0.0);
        add(x, -INF, PI);
    }
    add(INF, INF, FRAC_PI_4);
    add(INF, -INF, 3.0 * FRAC_PI_4);
    cases.extend([0.0, -0.0, 1.0, -1.0, INF, -INF, NAN].map(|x| [NAN, x, NAN]));
    cases
}

/// Of x and y.
fn pow_cases(tiny: f64, max: f64) -> Vec<[f64; 3]> {
    let mut cases = Vec::new();
    let odd = [1.0, 3.0, 7.0];
    let not_odd = [2.0, 4.0, 0.5, 1.5, tiny, 1e30, max];
    for n in odd {
        cases.extend([[0.0, -n, INF], [-0.0, -n, -INF], [0.0, n, 0.0], [-0.0, n, -0.0]]);
        cases.extend([[-INF, -n, -0.0], [-INF, n, -INF]]);
    }
    for y in not_odd {
        for zero in [0.0, -0.0] {
            cases.extend([[zero, -y, INF], [zero, y, 0.0]]);
        }
        cases.extend([[-INF, -y, 0.0], [-INF, y, INF]]);
    }
    for y in odd.into_iter().chain(not_odd).chain([INF]) {
        cases.extend([[INF, -y, 0.0], [INF, y, INF]]);
    }
    for zero in [0.0, -0.0] {
        cases.extend([[zero, -INF, INF], [zero, INF, 0.0]]);
    }
    for y in [0.0, -0.0, 1.0, -1.0, 0.5, tiny, max, -max, INF, -INF, NAN] {
        cases.push([1.0, y, 1.0]);
    }
    for x in [0.0, -0.0, 1.0, -1.0, tiny, -max, 2.5, INF, -INF, NAN] {
        cases.extend([[x, 0.0, 1.0], [x, -0.0, 1.0]]);
    }
    for x in [-1.0, -0.5, -tiny, -2.0, -max] {
        cases.extend([[x, 0.5, NAN], [x, -1.5, NAN], [x, tiny, NAN]]);
    }
    for x in [0.5, tiny, 0.99] {
        for x in [x, -x] {
            cases.extend([[x, -INF, INF], [x, INF, 0.0]]);
        }
    }
    for x in [2.0, 1.01, max, INF] {
        for x in [x, -x] {
            cases.extend([[x, -INF, 0.0], [x, INF, INF]]);
        }
    }
    cases.extend([[-1.0, INF, 1.0], [-1.0, -INF, 1.0], [-1.0, 3.0, -1.0], [-1.0, max, 1.0]]);
    cases.extend([[-INF, INF, INF], [-INF, -INF, 0.0], [NAN, 1.0, NAN], [2.0, NAN, NAN], [NAN, NAN, NAN]]);
    // Overflow and underflow have the sign of the power, and subnormal numbers are exact.
    cases.extend([[-10.0, 4001.0, -INF], [-10.0, 4000.0, INF], [-10.0, -4001.0, -0.0], [10.0, -4001.0, 0.0]]);
    cases.extend([[2.0, tiny.log2(), tiny], [-2.0, -125.0, -(2f64.powi(-125))], [tiny, 1.0, tiny]]);
    cases
}

/// A float type whose numbers the tables give in f64.
trait Special: Float {
    const DTYPE: DType;
    const TINY: f64;
    const MAX: f64;
    fn rounded(x: f64) -> Self;
}

impl Special for f32 {
    const DTYPE: DType = DType::F32;
    const TINY: f64 = f32::from_bits(1) as f64;
    const MAX: f64 = f32::MAX as f64;
    fn rounded(x: f64) -> f32 {
        x as f32
    }
}

impl Special for f64 {
    const DTYPE: DType = DType::F64;
    const TINY: f64 = f64::from_bits(1);
    const MAX: f64 = f64::MAX;
    fn rounded(x: f64) -> f64 {
        x
    }
}

/// The target that runs kernels here, and the one that runs them anywhere.
fn targets() -> [Target; 2] {
    [Target::current(), Target::Portable]
}

fn wrong<T: Special>(name: &str, function: Function, cases: &[Vec<f64>]) -> Vec<String> {
    let (operands, mut wrong) = (cases[0].len() - 1, Vec::new());
    for target in targets() {
        let columns: Vec<Vec<T>> =
            (0..=operands).map(|k| cases.iter().map(|case| T::rounded(case[k])).collect()).collect();
        let inputs: Vec<&[T]> = columns[..operands].iter().map(|x| &x[..]).collect();
        let got = Ready::new(function, T::DTYPE, target).run(&inputs);
        for ((case, got), want) in cases.iter().zip(got).zip(&columns[operands]) {
            if ulp::apart(got, *want) != 0 {
                let (x, want) = (&case[..operands], want.number());
                wrong.push(format!(
                    "{name} {} {target} of {x:?}: {:?}, not {want:?}",
                    T::DTYPE,
                    got.number()
                ));
            }
        }
    }
    wrong
}

fn all_wrong<T: Special>() -> Vec<String> {
    let mut all = Vec::new();
    for f in UNARY {
        let mut cases = unary_cases(f.name, T::TINY, T::MAX);
        cases.push((NAN, NAN));
        let cases: Vec<Vec<f64>> = cases.into_iter().map(|(x, y)| vec![x, y]).collect();
        all.extend(wrong::<T>(f.name, Function::One(f.function), &cases));
    }
    for f in BINARY {
        let cases = match f.name {
            "atan2" => atan2_cases(T::TINY, T::MAX),
            "pow" => pow_cases(T::TINY, T::MAX),
            other => panic!("no special values of {other}"),
        };
        let cases: Vec<Vec<f64>> = cases.into_iter().map(Vec::from).collect();
        all.extend(wrong::<T>(f.name, Function::Two(f.function), &cases));
    }
    all
}

#[test]
fn functions_give_what_c99_says_at_special_values() {
    let wrong = [all_wrong::<f32>(), all_wrong::<f64>()].concat();
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
