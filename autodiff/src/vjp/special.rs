//! Derivatives of special functions: the same operation, differentiated once more.

use super::{Gradients, Pull, T};
use plywood_core::op::Special;
use plywood_core::{Op, Value, Values};

/// By each operand. Those by x are formulas in the kernel, where the exponent is computed in f64 whatever the dtype:
/// composed of log, lgamma and exp they would lose what f32 loses of a log a, and be NaN at x = 0.
pub(super) fn vjp(s: Special, r: &Pull<'_>, ct: T) -> Gradients {
    let n = s.function.inputs();
    let partial = |i: usize| {
        let inputs: Values = (0..n).map(|k| r.x(k).value().clone()).collect();
        T::of(Value::apply(&Op::Special(s.derivative(i)), inputs).remove(0))
    };
    (0..n).map(|i| r.wants(i).then(|| &ct * partial(i))).collect()
}
