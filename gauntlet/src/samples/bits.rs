//! Bits of integers and bools: all pairs of special values, shifts of every distance, all magnitudes.

use super::binary::{pairs, two_operands, with_itself};
use super::elementwise;
use crate::data::{cycle, mixed};
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::op::Bits;
use plywood_core::{DType, Op};

pub(super) fn bits() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &f in Bits::ALL {
        let op = Op::Bits(f);
        let takes = |d: DType| d.is_integer() || (d == DType::Bool && f.takes_bool());
        for dtype in DType::ALL.into_iter().filter(|&d| takes(d)) {
            let name = format!("bits/{} {dtype}", f.name());
            match f {
                Bits::Not | Bits::PopulationCount | Bits::CountLeadingZeros => {
                    let values = mixed(dtype, f.name());
                    samples.extend(elementwise(&name, &op, &[(dtype, &values)], Class::Exact));
                }
                Bits::And | Bits::Or | Bits::Xor => {
                    let [x, y] = two_operands(dtype, f.name());
                    samples.push(pairs(&name, &op, dtype, Class::Exact));
                    samples.push(with_itself(&name, &op, dtype, Class::Exact));
                    samples.extend(elementwise(&name, &op, &[(dtype, &x), (dtype, &y)], Class::Exact));
                }
                Bits::ShiftLeft | Bits::ShiftRightArithmetic | Bits::ShiftRightLogical => {
                    let [x, y] = two_operands(dtype, f.name());
                    samples.push(pairs(&name, &op, dtype, Class::Exact));
                    samples.extend(elementwise(&name, &op, &[(dtype, &x), (dtype, &y)], Class::Exact));
                    let distances: Vec<Wide> = (0..70).map(Wide::Int).collect();
                    let shape = [distances.len() * 3];
                    let inputs = [cycle(dtype, shape, &x), cycle(dtype, shape, &distances)];
                    samples.push(Sample::new(format!("{name} distances"), op.clone(), inputs));
                }
            }
        }
    }
    samples
}
