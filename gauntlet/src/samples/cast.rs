//! Changes of dtype: every pair of types, by value and by bits.

use super::elementwise;
use crate::data::{cycle, mixed, small};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::{DType, Op, Shape};

pub(super) fn cast() -> Vec<Sample> {
    let mut samples = Vec::new();
    for from in DType::ALL {
        let mut values = mixed(from, "cast");
        if from.is_float() {
            // Around the ends of the integer types.
            for bits in [7, 8, 15, 16, 31, 32, 63, 64] {
                let end = 2f64.powi(bits);
                values
                    .extend([end, -end, end - 1.0, end + 1.0, -end - 1.0, end / 2.0 + 0.5].map(Wide::Float));
            }
            // Halfway between narrower floats but for the last bit: rounded once, they go up.
            let ties = [11, 8, 24].map(|bits| 1.0 + 2f64.powi(-bits) + 2f64.powi(-50));
            values.extend(ties.into_iter().chain(ties.map(|x| -x)).map(Wide::Float));
        } else {
            // Halfway between floats: rounding to even, and rounding once.
            let ties = [2049, 2051, 257, 259, (1 << 24) + 1, (1 << 24) + 3, (1 << 53) + 1, (1 << 53) + 3];
            values.extend(ties.map(Wide::Int));
            values.extend([Wide::Int((1 << 40) + (1 << 16) + 1), Wide::Int((1 << 54) + (1 << 46) + 1)]);
        }
        for to in DType::ALL {
            let name = format!("cast/{from} to {to}");
            samples.extend(elementwise(&name, &Op::Cast { dtype: to }, &[(from, &values)], Class::Exact));
            if from.is_float() && to.is_float() {
                let x = small(from, [2, 3], "cast");
                samples.push(Sample::new(format!("{name} smooth"), Op::Cast { dtype: to }, [x]).smooth());
            }
        }
    }
    samples
}

pub(super) fn bitcast() -> Vec<Sample> {
    let mut samples = Vec::new();
    for from in DType::ALL {
        for to in DType::ALL {
            if (from == DType::Bool) != (to == DType::Bool) {
                continue;
            }
            let values: Vec<Wide> =
                if from.is_float() { without_nan(mixed(from, "bitcast")) } else { mixed(from, "bitcast") };
            let ratio = to.size() / from.size();
            for shape in [&[][..], &[0], &[7], &[2, 3, 4], &[1031]] {
                let mut shape = Shape::from(shape);
                if ratio > 1 {
                    shape = shape.insert(shape.rank(), ratio);
                }
                let name = format!("bitcast/{from} to {to} {shape}");
                let x = cycle(from, shape, &values);
                samples.push(Sample::new(name, Op::Bitcast { dtype: to }, [x]));
            }
        }
    }
    samples
}

/// NaN's bits are not the same on every machine that makes one.
fn without_nan(mut values: Vec<Wide>) -> Vec<Wide> {
    values.retain(|v| !matches!(v, Wide::Float(x) if x.is_nan()));
    values
}
