//! Many devices: each has all lanes of its part.

use super::{Arg, Args, Batch};
use crate::derive::{Derived, graph};
use plywood_core::Op;
use plywood_core::op::{Pmap, Spec};
use std::sync::Arc;

pub(super) fn pmap(p: &Pmap, b: &Batch<'_>, x: Args) -> Args {
    let given: Vec<bool> = x.iter().map(|x| x.batched).collect();
    let Derived { graph, outputs } = &*graph(&p.graph, &given, &[], b.frame);
    let lanes = |specs: &[Spec], batched: &[bool]| -> Vec<Spec> {
        let one = |(spec, &batched): (&Spec, &bool)| if batched { spec.behind([]) } else { spec.clone() };
        specs.iter().zip(batched).map(one).collect()
    };
    let whole = p.with(graph.clone(), lanes(&p.inputs, &given), lanes(&p.outputs, outputs));
    let results = b.run(&Op::Pmap(Arc::new(whole)), x.into_iter().map(|x| x.value).collect());
    results.into_iter().zip(outputs).map(|(value, &batched)| Arg { value, batched }).collect()
}
