use super::FLOATS;
use super::elementwise;
use crate::data::{mixed, small};
use crate::{Class, Sample};
use plywood_core::{DType, Op};

pub(super) fn name() -> Vec<Sample> {
    let op = Op::Name { name: "a name".into() };
    let mut samples = Vec::new();
    for dtype in DType::ALL {
        let values = mixed(dtype, "name");
        samples.extend(elementwise(&format!("name/{dtype}"), &op, &[(dtype, &values)], Class::Exact));
    }
    for dtype in FLOATS {
        let x = small(dtype, [2, 3], "smooth");
        samples.push(Sample::new(format!("name/{dtype} smooth"), op.clone(), [x]).smooth());
    }
    samples
}

pub(super) fn call() -> Vec<Sample> {
    vec![]
}
