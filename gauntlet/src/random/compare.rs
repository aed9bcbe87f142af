//! How near a fused result must be to the unfused one.

use super::precision::{Precision, of_graph};
use super::unfused::{Noise, unfused};
use crate::tolerance::{self, Class};
use plywood_core::convert::to_f64;
use plywood_core::{Array, DType, Engine, Graph, Value, Values, with_dtype};
use std::cell::OnceCell;
use std::fmt;

/// What is asked of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The same bits; NaN for NaN.
    Bits,
    /// The same bits where no floats are added up; elsewhere as near as sums in another order.
    Close,
}

/// What is asked of a graph: **the** place that says so.
///
/// Bits, where sums may not show. Where they may, results that are not the same bits must be close: the order of a sum depends on how its
/// operand lies in memory, and a fused kernel lays its results out otherwise than an operation alone may.
pub fn strictness(graph: &Graph) -> Compare {
    let inputs = vec![Precision::Exact; graph.inputs().len()];
    match of_graph(graph, &inputs).iter().all(|&p| p == Precision::Exact) {
        true => Compare::Bits,
        false => Compare::Close,
    }
}

/// Results of the oracle; and what noise makes of them, once that is asked for.
pub struct Expected<'a> {
    values: Vec<Array>,
    precisions: Vec<Precision>,
    compare: Compare,
    noisy: OnceCell<Vec<Vec<Array>>>,
    run: Oracle<'a>,
}

/// A run, with or without noise.
type Oracle<'a> = Box<dyn Fn(Option<&Noise>) -> Vec<Array> + 'a>;

impl fmt::Debug for Expected<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}, to be compared by {:?}", self.values, self.compare)
    }
}

/// Runs with noise; their largest deviation counts.
const RUNS: usize = 8;
/// How much farther than noise moves a result, and all results on average, it may be.
const TIMES: f64 = 16.0;
/// And so many units in its last place.
const UNITS: f64 = 32.0;

impl<'a> Expected<'a> {
    /// Of a graph on inputs, compared like that.
    pub fn of(engine: &'static dyn Engine, graph: &'a Graph, inputs: Values, compare: Compare) -> Self {
        let precisions = of_graph(graph, &vec![Precision::Exact; inputs.len()]);
        let run = move |noise: Option<&Noise>| {
            unfused(engine, graph, inputs.clone(), noise).iter().map(|v| v.array("unfused")).collect()
        };
        Expected::by(Box::new(run), precisions, compare)
    }

    /// What such a run gives, of these precisions.
    pub(super) fn by(run: Oracle<'a>, precisions: Vec<Precision>, compare: Compare) -> Self {
        Expected { values: run(None), precisions, compare, noisy: OnceCell::new(), run }
    }

    fn noisy(&self) -> &[Vec<Array>] {
        // To both sides: a kink hides one.
        let run = |k: usize| {
            let sign = if k.is_multiple_of(2) { 1.0 } else { -1.0 };
            (self.run)(Some(&Noise::of(&format!("noise {}", k / 2), sign)))
        };
        self.noisy.get_or_init(|| (0..RUNS).map(run).collect())
    }
}

/// Whether results are as they should be.
pub fn same(expected: &Expected<'_>, got: &[Value]) -> Result<(), String> {
    if got.len() != expected.values.len() {
        return Err(format!("{} results, not {}", got.len(), expected.values.len()));
    }
    for (i, (want, got)) in expected.values.iter().zip(got).enumerate() {
        let got = got.array("fused");
        let exactly = tolerance::compare(Class::Exact, &got, want, None);
        let result = match (expected.compare, expected.precisions[i]) {
            _ if exactly.is_ok() || got.ty() != want.ty() => exactly,
            (Compare::Bits, _) | (_, Precision::Exact) => exactly,
            (Compare::Close, Precision::Close) => {
                let noisy: Vec<&Array> = expected.noisy().iter().map(|run| &run[i]).collect();
                close(&got, want, &noisy)
            }
            (Compare::Close, Precision::Loose) => Ok(()),
        };
        result.map_err(|e| format!("output {i}: {e}"))?;
    }
    Ok(())
}

fn numbers(array: &Array) -> Vec<f64> {
    with_dtype!(array.dtype(), T => {
        array.as_slice::<T>().expect("its own dtype").iter().map(|&x| to_f64(x)).collect()
    })
}

fn close(got: &Array, want: &Array, noisy: &[&Array]) -> Result<(), String> {
    let dtype = want.dtype();
    if got.ty() != want.ty() || !dtype.is_float() {
        return tolerance::compare(Class::Exact, got, want, None);
    }
    let (digits, least, most) = crate::data::format(dtype);
    let largest = 2f64.powi(most - 1);
    let epsilon = 2f64.powi(1 - digits);
    // Where numbers are subnormal, of the smallest normal one.
    let smallest = if dtype == DType::F64 { f64::MIN_POSITIVE } else { 2f64.powi(least) };
    let (wanted, noisy) = (numbers(want), noisy.iter().map(|a| numbers(a)).collect::<Vec<Vec<f64>>>());
    let moved: Vec<f64> = (wanted.iter().enumerate())
        .map(|(i, w)| noisy.iter().map(|n| (n[i] - w).abs()).fold(0.0, f64::max))
        .collect();
    // By chance noise cancels in some element, but not in all.
    let finite: Vec<f64> = moved.iter().copied().filter(|m| m.is_finite()).collect();
    let mean = finite.iter().sum::<f64>() / finite.len().max(1) as f64;
    for (i, (g, w)) in numbers(got).into_iter().zip(wanted).enumerate() {
        // Infinities of both signs meet in one order and not in another; near the largest number they come and go.
        if g == w || w.is_nan() || w.abs() > largest || noisy.iter().any(|n| !n[i].is_finite()) {
            continue;
        }
        let most = TIMES * (moved[i] + mean) + UNITS * epsilon * w.abs().max(smallest);
        // (NaN is not near.)
        let near = (g - w).abs() <= most;
        if !near {
            return Err(format!("[{i}] of {}: got {g:e}, expected {w:e} by at most {most:e}", want.ty()));
        }
    }
    Ok(())
}
