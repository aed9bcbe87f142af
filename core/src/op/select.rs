//! Choosing between operands, element by element.

use crate::op::same_types;
use crate::{DType, TensorType};

/// `select(which, case_0, case_1, ..)`: a bool `which` takes two cases (false, true), an i32 any number; all have the
/// shape of `which`. An i32 out of range is clamped.
#[track_caller]
pub(super) fn infer_select(x: &[&TensorType]) -> TensorType {
    let [which, cases @ ..] = x else { panic!("select: takes a predicate and cases") };
    same_types("select", cases);
    match which.dtype {
        DType::Bool => {
            assert!(cases.len() == 2, "select: a bool predicate takes 2 cases, not {}", cases.len())
        }
        DType::I32 => assert!(!cases.is_empty(), "select: takes at least one case"),
        other => panic!("select: the predicate is bool or i32, not {other}"),
    }
    assert!(
        which.shape == cases[0].shape,
        "select: a predicate of shape {} and cases of shape {}",
        which.shape,
        cases[0].shape
    );
    cases[0].clone()
}

/// `clamp(low, x, high)` of three operands of the same type: `min(max(x, low), high)`.
#[track_caller]
pub(super) fn infer_clamp(x: &[&TensorType]) -> TensorType {
    same_types("clamp", x);
    assert!(x[0].dtype != DType::Bool, "clamp: does not take bool");
    x[1].clone()
}
