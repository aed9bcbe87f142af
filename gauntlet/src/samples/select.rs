//! Choices: predicates of bool and of i32 (out of range too), clamps with NaN and with bounds the wrong way round.

use super::{FLOATS, elementwise};
use crate::data::{cycle, floats, mixed, small, specials};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::{DType, Op};

pub(super) fn select() -> Vec<Sample> {
    let mut samples = Vec::new();
    let bools: Vec<Wide> = [0, 1, 1, 0, 1, 0, 0].map(Wide::Int).to_vec();
    let cases: Vec<Wide> =
        [0, 2, 1, -1, 3, 2, -7, 0, 9, 1, i32::MIN, i32::MAX, 2].map(|i| Wide::Int(i.into())).to_vec();
    for dtype in DType::ALL {
        let values = mixed(dtype, "select");
        let mut other = values.clone();
        other.reverse();
        other.pop();
        let name = format!("select/bool {dtype}");
        samples.extend(elementwise(
            &name,
            &Op::Select,
            &[(DType::Bool, &bools), (dtype, &values), (dtype, &other)],
            Class::Exact,
        ));
        for n in 1..=3 {
            let operands: Vec<(DType, &[Wide])> = [(DType::I32, &cases[..])]
                .into_iter()
                .chain((0..n).map(|k| (dtype, if k == 1 { &other[..] } else { &values[k..] })))
                .collect();
            let name = format!("select/i32 of {n} {dtype}");
            samples.extend(elementwise(&name, &Op::Select, &operands, Class::Exact));
        }
    }
    // A predicate that is constant along an axis, and so are the cases along another.
    let which = cycle(DType::Bool, [6, 1], &bools);
    let which =
        crate::data::fill(DType::Bool, [6, 5], |i| Wide::Int(crate::bits::bits_of(&which)[i / 5].into()));
    let low = crate::data::fill(DType::F32, [6, 5], |i| Wide::Float((i % 5) as f64));
    let high = crate::data::fill(DType::F32, [6, 5], |_| Wide::Float(-1.0));
    samples.push(Sample::new("select/broadcast f32", Op::Select, [which, low, high]));
    for dtype in FLOATS {
        let which = cycle(DType::Bool, [2, 3], &bools);
        let inputs = [which, small(dtype, [2, 3], "low"), small(dtype, [2, 3], "high")];
        samples.push(Sample::new(format!("select/bool {dtype} smooth"), Op::Select, inputs).smooth());
        let which = cycle(DType::I32, [2, 3], &cases);
        let inputs = [which].into_iter().chain((0..3).map(|k| small(dtype, [2, 3], &format!("case {k}"))));
        samples.push(Sample::new(format!("select/i32 {dtype} smooth"), Op::Select, inputs).smooth());
    }
    samples
}

pub(super) fn clamp() -> Vec<Sample> {
    let mut samples = Vec::new();
    for dtype in DType::ALL.into_iter().filter(|&d| d != DType::Bool) {
        let name = format!("clamp {dtype}");
        let x = mixed(dtype, "clamp");
        let mut low: Vec<Wide> = specials(dtype);
        low.truncate(4);
        low.push(specials(dtype)[specials(dtype).len() - 1]);
        let high: Vec<Wide> = x.iter().rev().copied().take(3).collect();
        let operands: &[(DType, &[Wide])] = &[(dtype, &low), (dtype, &x), (dtype, &high)];
        samples.extend(elementwise(&name, &Op::Clamp, operands, Class::Equal));
        let shape = [40, 33];
        let bound = |v: i128| cycle(dtype, shape, &[Wide::Int(v)]);
        let inputs = [bound(1), cycle(dtype, shape, &x), bound(5)];
        samples.push(Sample::new(format!("{name} scalar bounds"), Op::Clamp, inputs).class(Class::Equal));
    }
    for dtype in FLOATS {
        let low = floats(dtype, [6], &[-1.0, -1.0, -1.0, -0.5, -0.5, 0.25]);
        let x = floats(dtype, [6], &[-2.0, 0.5, 3.0, -1.5, 0.25, 0.5]);
        let high = floats(dtype, [6], &[1.0, 1.0, 1.0, 0.5, 1.5, 2.0]);
        let name = format!("clamp {dtype} smooth");
        samples.push(Sample::new(name, Op::Clamp, [low, x, high]).class(Class::Equal).smooth());
    }
    samples
}
