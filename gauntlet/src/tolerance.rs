//! How far a result may be from the oracle's, by class, and the comparison.
//!
//! Types and shapes must be equal, always. Integers and bools must be equal, always. Floats:
//!
//! | class | which operations | what passes |
//! |---|---|---|
//! | [`Class::Exact`] | those that move data, and those that IEEE 754 rounds correctly | the same bits; NaN for NaN |
//! | [`Class::Equal`] | max, min and what is made of them | equal numbers: 0 for -0; NaN for NaN |
//! | [`Class::Ulps`] | transcendental functions, chains of few roundings | so many floats away; f16 and bf16, computed in f32: one |
//! | [`Class::Norm`] | factorisations, transforms | an error relative to the largest element of the result |
//! | [`Class::Sum`] | sums of many products | an error relative to the sum of the terms' magnitudes |

use crate::bits::{bits_of, place};
use plywood_core::{Array, DType};

/// How far a float may be from the expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// The same bits; any NaN for NaN.
    Exact,
    /// Equal as numbers: 0 and -0 are; any NaN for NaN.
    Equal,
    /// At most so many units in the last place, in f64 and f32; one in f16 and bf16. Infinity is the number after the
    /// greatest finite one.
    Ulps(u32),
    /// At most so many machine epsilons of the largest finite magnitude in the result; infinities and NaN where they are
    /// expected.
    Norm(u32),
    /// Of a sum of this many terms: the error is at most `(4 + log2 terms) * epsilon` times the sum of the terms'
    /// magnitudes, which the oracle gives. For f16 and bf16 epsilon is f32's, and one rounding of the result is added.
    Sum {
        /// How many terms.
        terms: usize,
    },
}

/// The machine epsilon (spacing of floats at 1).
fn epsilon(dtype: DType) -> f64 {
    match dtype {
        DType::F64 => f64::EPSILON,
        DType::F32 => f32::EPSILON as f64,
        DType::F16 => 2f64.powi(-10),
        DType::BF16 => 2f64.powi(-7),
        other => panic!("{other} has no epsilon"),
    }
}

/// Compares a result with what is expected. `scale` is, for [`Class::Sum`], the sum of the terms' magnitudes.
pub fn compare(class: Class, got: &Array, expected: &Array, scale: Option<&[f64]>) -> Result<(), String> {
    if got.ty() != expected.ty() {
        return Err(format!("got {}, expected {}", got.ty(), expected.ty()));
    }
    let dtype = got.dtype();
    let (got_bits, expected_bits) = (bits_of(got), bits_of(expected));
    let largest = match class {
        Class::Norm(_) if dtype.is_float() => {
            let finite = |i: usize| Some(number(expected, i).abs()).filter(|x| x.is_finite());
            (0..expected_bits.len()).filter_map(finite).fold(0.0, f64::max)
        }
        _ => 0.0,
    };
    let same = |i: usize| {
        let (a, b) = (got_bits[i], expected_bits[i]);
        if a == b {
            return true;
        }
        if !dtype.is_float() {
            return false;
        }
        let (a, b) = match (place(dtype, a), place(dtype, b)) {
            (Some(a), Some(b)) => (a, b),
            (a, b) => return a.is_none() && b.is_none(),
        };
        match class {
            Class::Exact => false,
            Class::Equal => a == b,
            Class::Ulps(most) => a.abs_diff(b) <= if dtype.size() == 2 { most.min(1) } else { most } as u64,
            Class::Norm(most) => {
                let (x, y) = (number(got, i), number(expected, i));
                x == y || (x - y).abs() <= most as f64 * epsilon(dtype) * largest
            }
            Class::Sum { terms } => {
                let (x, y) = (number(got, i), number(expected, i));
                let wide = if dtype.size() == 2 { DType::F32 } else { dtype };
                let growth = 4.0 + (terms.max(1) as f64).log2();
                let scale = scale.expect("a sum's entry has scales")[i];
                let rounding = if dtype.size() == 2 { epsilon(dtype) * y.abs() } else { 0.0 };
                x.is_finite() && y.is_finite() && (x - y).abs() <= growth * epsilon(wide) * scale + rounding
            }
        }
    };
    let wrong: Vec<usize> = (0..got_bits.len()).filter(|&i| !same(i)).collect();
    if wrong.is_empty() {
        return Ok(());
    }
    let shown: Vec<String> = wrong
        .iter()
        .take(4)
        .map(|&i| {
            let distance = match (dtype.is_float(), class) {
                (true, Class::Ulps(_)) => match (place(dtype, got_bits[i]), place(dtype, expected_bits[i])) {
                    (Some(a), Some(b)) => format!(" ({} ulps)", a.abs_diff(b)),
                    _ => String::new(),
                },
                _ => String::new(),
            };
            format!("[{i}]: got {}, expected {}{distance}", element(got, i), element(expected, i))
        })
        .collect();
    Err(format!(
        "{} of {} elements of {} differ: {}",
        wrong.len(),
        got_bits.len(),
        got.ty(),
        shown.join("; ")
    ))
}

/// An element as f64.
pub fn number(array: &Array, i: usize) -> f64 {
    plywood_core::with_dtype!(array.dtype(), T => {
        plywood_core::convert::to_f64(array.as_slice::<T>().expect("its own dtype")[i])
    })
}

/// An element for a message.
pub fn element(array: &Array, i: usize) -> String {
    plywood_core::with_dtype!(array.dtype(), T => {
        format!("{:?}", array.as_slice::<T>().expect("its own dtype")[i])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_tell_apart() {
        let f = |x: f32| Array::new(vec![x], [1]);
        let next = f32::from_bits(1.0f32.to_bits() + 1);
        // class, got, expected, whether it passes
        let table = [
            (Class::Exact, 1.0, 1.0, true),
            (Class::Exact, 0.0, -0.0, false),
            (Class::Exact, f32::NAN, -f32::NAN, true),
            (Class::Exact, 1.0, next, false),
            (Class::Equal, 0.0, -0.0, true),
            (Class::Equal, 1.0, next, false),
            (Class::Ulps(1), 1.0, next, true),
            (Class::Ulps(1), f32::MAX, f32::INFINITY, true),
            (Class::Ulps(1), f32::NAN, f32::INFINITY, false),
            (Class::Ulps(4), 0.0, f32::from_bits(5), false),
            (Class::Ulps(4), -0.0, f32::from_bits(4), true),
        ];
        for (class, got, expected, passes) in table {
            let result = compare(class, &f(got), &f(expected), None);
            assert_eq!(result.is_ok(), passes, "{class:?} {got} {expected}: {result:?}");
        }
        assert!(compare(Class::Ulps(9), &f(1.0), &Array::new(vec![1.0f64], [1]), None).is_err());
        let three = |x: f32| Array::new(vec![8.0, x, f32::INFINITY], [3]);
        let off = |x: f32| compare(Class::Norm(4), &three(x), &three(0.0), None);
        assert!(off(3.8e-6).is_ok() && off(4e-6).is_err() && off(f32::NAN).is_err());
        let sum = Class::Sum { terms: 16 };
        assert!(compare(sum, &f(1e-6), &f(0.0), Some(&[1.0])).is_err());
        assert!(compare(sum, &f(9e-7), &f(0.0), Some(&[1.0])).is_ok());
        assert!(compare(sum, &f(f32::INFINITY), &f(0.0), Some(&[1.0])).is_err());
    }
}
