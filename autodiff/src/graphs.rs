//! Derivatives of graphs: functions that are values, so that the order of a derivative may be known only at run time.
//!
//! Types say how many layers a function runs on, and so the order of `grad(grad(f))` is known to the compiler. A [`Graph`]
//! has one type; its derivative is another one.

use crate::derive::{self, symbols, trace};
use plywood_core::record::extract;
use plywood_core::{Graph, Number, Op, TensorType, Value, Values};
use std::sync::Arc;

/// Derivatives of a recorded function.
///
/// Captured values come first among a graph's inputs and are inputs like others here; tensors that are not of floats have
/// neither tangents nor cotangents. Everything that is derived is a graph again.
///
/// ```
/// use plywood::prelude::*;
/// let x = Tensor::<Cpu>::scalar(1.0);
/// let mut f = trace(math::tanh)(x.clone());
/// let order = 3; // from a command line, say
/// for _ in 0..order {
///     f = f.grad();
/// }
/// let third = grad(grad(grad(math::tanh)))(x.clone());
/// assert!((&f.call(&[x])[0] - third).abs().item::<f64>() < 1e-15);
/// ```
pub trait Differentiate {
    /// From the inputs, then a tangent for each input of floats, to the outputs, then a tangent for each output of floats.
    fn jvp(&self) -> Graph;

    /// From the inputs, then a cotangent for each output of floats, to the outputs, then a cotangent for each input of
    /// floats. Panics where the graph holds a `while_loop` without a bound.
    fn vjp(&self) -> Graph;

    /// From the inputs to the gradient of the one output, a float scalar, with respect to each argument of floats; captured
    /// values are constants. Panics where there are other outputs.
    fn grad(&self) -> Graph;
}

impl Differentiate for Graph {
    fn jvp(&self) -> Graph {
        let made = self.memo().get(b"jvp", || {
            let given = floats(self.input_types());
            let x = symbols(self.input_types());
            let t = symbols(x.iter().map(Value::ty).filter(|ty| ty.dtype.is_float()));
            let (y, dy) = derive::pushed(self, &x, &t, &given);
            let tangents = y.iter().zip(dy).filter(|(y, _)| y.dtype().is_float());
            let tangents: Vec<Value> =
                tangents.map(|(y, dy)| dy.unwrap_or_else(|| y.full_like(Number::Int(0)))).collect();
            extract(&[x, t].concat(), &[y, tangents].concat()).0.with_captured(self.captured())
        });
        Arc::unwrap_or_clone(made)
    }

    fn vjp(&self) -> Graph {
        let made = self.memo().get(b"vjp", || {
            derive::joint(self, &floats(self.input_types())).graph.with_captured(self.captured())
        });
        Arc::unwrap_or_clone(made)
    }

    #[track_caller]
    fn grad(&self) -> Graph {
        let types: Vec<_> = self.output_types().collect();
        let scalar = matches!(types[..], [ty] if ty.rank() == 0 && ty.dtype.is_float());
        assert!(scalar, "grad: the graph gives {types:?}; only one float scalar has a gradient");
        let made = self.memo().get(b"grad", || {
            let captured = self.captured();
            let mut wanted = floats(self.input_types());
            wanted[..captured].fill(false);
            let joint = derive::joint(self, &wanted).graph;
            let x = symbols(self.input_types());
            let ty = self.ty(self.outputs()[0]).clone();
            let one = Value::create(trace(), Op::Full { number: Number::Int(1), ty });
            let inputs: Values = x.iter().cloned().chain([one]).collect();
            let results = joint.replay(trace(), inputs);
            extract(&x, &results[1..]).0.with_captured(captured)
        });
        Arc::unwrap_or_clone(made)
    }
}

fn floats<'a>(types: impl Iterator<Item = &'a TensorType>) -> Vec<bool> {
    types.map(|ty| ty.dtype.is_float()).collect()
}
