//! The result of an operation is the oracle's.
//!
//! Each sample runs with its inputs as the table has them and as views of every kind, all given up to the operation,
//! which may then overwrite them; and once with inputs that are held, which must be unchanged afterwards.

use crate::oracle::Expected;
use crate::tolerance::{Class, compare};
use crate::{Layout, Oracle, Sample};
use plywood_core::{Array, Engine, Value};

/// Compares a sample's results on an engine with the oracle's; without an oracle's, those of views with those of plain
/// inputs.
pub fn forward(engine: &'static dyn Engine, sample: &Sample, oracle: &Oracle) -> Result<(), String> {
    let expected = match oracle.expected(sample)? {
        Some(expected) => expected,
        None => {
            let mut plain = sample.clone();
            for input in plain.inputs.iter_mut().filter(|i| !matches!(i.layout, Layout::Same(_))) {
                input.layout = Layout::Plain;
            }
            plain.run(engine).into_iter().map(|array| Expected { array, scale: None }).collect()
        }
    };
    for variant in sample.variants() {
        let got = variant.run(engine);
        outputs(sample.class, &got, &expected).map_err(|e| format!("{:?}: {e}", variant.layouts()))?;
    }
    held(engine, sample, &expected)
}

/// Every output against what is expected of it.
fn outputs(class: Class, got: &[Array], expected: &[Expected]) -> Result<(), String> {
    if got.len() != expected.len() {
        return Err(format!("{} outputs, expected {}", got.len(), expected.len()));
    }
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        // Several outputs: a sort's.
        let which = if i > 0 { format!("output {i}: ") } else { String::new() };
        compare(class, got, &expected.array, expected.scale.as_deref()).map_err(|e| format!("{which}{e}"))?;
    }
    Ok(())
}

/// Somebody else holds the inputs: the result is the same, and they are what they were.
fn held(engine: &'static dyn Engine, sample: &Sample, expected: &[Expected]) -> Result<(), String> {
    let inputs = sample.values(engine);
    let results = sample.apply(engine, inputs.clone());
    let got: Vec<Array> = results.iter().map(|v: &Value| v.array(&sample.name)).collect();
    outputs(sample.class, &got, expected).map_err(|e| format!("held inputs: {e}"))?;
    for (i, (value, input)) in inputs.iter().zip(&sample.inputs).enumerate() {
        compare(Class::Exact, &value.array(&sample.name), &input.data, None)
            .map_err(|e| format!("input {i} was overwritten though it is held: {e}"))?;
    }
    Ok(())
}
