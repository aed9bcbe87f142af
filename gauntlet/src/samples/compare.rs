//! Comparisons: all pairs of special values, all magnitudes, a value with itself.

use super::binary::{pairs, two_operands, with_itself};
use super::elementwise;
use crate::{Class, Sample};
use plywood_core::op::Compare;
use plywood_core::{DType, Op};

pub(super) fn compare() -> Vec<Sample> {
    let mut samples = Vec::new();
    for &f in Compare::ALL {
        // What is compared how does not change the data: one function for each exhaustive arm to come.
        let op = Op::Compare(match f {
            Compare::Eq | Compare::Ne | Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge => f,
        });
        for dtype in DType::ALL {
            let name = format!("compare/{} {dtype}", f.name());
            let [x, y] = two_operands(dtype, "compare");
            samples.push(pairs(&name, &op, dtype, Class::Exact));
            samples.push(with_itself(&name, &op, dtype, Class::Exact));
            samples.extend(elementwise(&name, &op, &[(dtype, &x), (dtype, &y)], Class::Exact));
        }
    }
    samples
}
