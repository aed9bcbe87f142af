//! Functions of two operands: every pair of special values (which is also the sample with stride 0 along each axis),
//! numbers of all magnitudes, one value as both operands, and smooth points for derivatives.

use super::{FLOATS, elementwise};
use crate::data::{Numbers, fill, mixed, specials};
use crate::{Class, Layout, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::Binary;
use plywood_core::{DType, Op};

/// Where smooth points lie, for each operand, and how far results may be off.
struct Domain {
    smooth: Option<[(f64, f64); 2]>,
    class: Class,
}

fn domain(f: Binary) -> Domain {
    let d = |first, second, class| Domain { smooth: Some([first, second]), class };
    match f {
        Binary::Add | Binary::Sub | Binary::Mul => d((-2.0, 2.0), (-2.0, 2.0), Class::Exact),
        Binary::Div => d((-2.0, 2.0), (0.5, 2.0), Class::Exact),
        // Quotients between 1 and 2 for these, so that no multiple is near.
        Binary::Rem => d((2.2, 2.8), (1.5, 2.0), Class::Exact),
        Binary::Pow => d((0.5, 2.0), (-2.0, 2.0), Class::Ulps(4)),
        Binary::Atan2 => d((0.3, 2.0), (-2.0, -0.3), Class::Ulps(4)),
        Binary::Max => d((-2.0, -0.3), (0.3, 2.0), Class::Equal),
        Binary::Min => d((-2.0, -0.3), (0.3, 2.0), Class::Equal),
        Binary::NextAfter => Domain { smooth: None, class: Class::Exact },
    }
}

fn takes(f: Binary, dtype: DType) -> bool {
    match f {
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => dtype != DType::Bool,
        Binary::Pow | Binary::Atan2 | Binary::NextAfter => dtype.is_float(),
        Binary::Max | Binary::Min => true,
    }
}

/// Every pair of special values: `x` runs along axis 0, `y` along axis 1.
pub(super) fn pairs(name: &str, op: &Op, dtype: DType, class: Class) -> Sample {
    let values = specials(dtype);
    let n = values.len();
    let x = fill(dtype, [n, n], |i| values[i / n]);
    let y = fill(dtype, [n, n], |i| values[i % n]);
    Sample::new(format!("{name} pairs"), op.clone(), [x, y]).class(class)
}

/// Operands of all magnitudes, with numbers of values that have no common divisor.
pub(super) fn two_operands(dtype: DType, name: &str) -> [Vec<Wide>; 2] {
    let x = mixed(dtype, name);
    let mut y = x.clone();
    y.reverse();
    // A power of two of them, which has no common divisor with the prime number of the others, and few, so that an
    // oracle's text of many elements repeats itself soon.
    y.truncate(4);
    [x, y]
}

/// One value as both operands.
pub(super) fn with_itself(name: &str, op: &Op, dtype: DType, class: Class) -> Sample {
    let values = mixed(dtype, name);
    let x = crate::data::cycle(dtype, [5, 40], &values);
    Sample::new(format!("{name} itself"), op.clone(), [x.clone(), x]).class(class).layout(1, Layout::Same(0))
}

pub(super) fn binary() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &f in Binary::ALL {
        let Domain { smooth, class } = domain(f);
        let op = Op::Binary(f);
        for dtype in DType::ALL.into_iter().filter(|&d| takes(f, d)) {
            let name = format!("binary/{} {dtype}", f.name());
            let [x, y] = two_operands(dtype, f.name());
            samples.push(pairs(&name, &op, dtype, class));
            samples.push(with_itself(&name, &op, dtype, class));
            samples.extend(elementwise(&name, &op, &[(dtype, &x), (dtype, &y)], class));
        }
        for dtype in FLOATS {
            let Some(intervals) = smooth else { continue };
            let mut numbers = Numbers::of(f.name());
            // Dyadic, so that steps of 1 are exact where the function is linear.
            let mut one = |(low, high): (f64, f64)| {
                fill(dtype, [2, 3], |_| Wide::Float((numbers.between(low, high) * 16.0).round() / 16.0))
            };
            let inputs = intervals.map(&mut one);
            let name = format!("binary/{} {dtype} smooth", f.name());
            samples.push(Sample::new(name, op.clone(), inputs).class(class).smooth());
        }
    }
    samples
}
