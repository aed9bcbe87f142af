//! A kernel's equations one after another, where a device does not take as many arguments as the kernel has.

use super::Run;
use cubecl::prelude::Runtime;
use plywood_core::{Values, Var};
use plywood_fusion::plan::Kernel;

impl<R: Runtime> Run<'_, R> {
    /// Every equation alone. Numbers and views that the kernel would have taken in are made.
    pub(super) fn alone(&mut self, kernel: &Kernel) {
        for &i in &kernel.equations {
            let e = &self.graph.equations()[i];
            e.inputs.iter().for_each(|&v| self.make(v));
            let inputs: Values = e.inputs.iter().map(|&v| self.value(v)).collect();
            self.execute(e, inputs);
        }
    }

    fn make(&mut self, v: Var) {
        if self.values[v.0 as usize].is_some() {
            return;
        }
        let i = self.planned.plan.definitions[v.0 as usize].expect("inputs have values");
        let e = &self.graph.equations()[i];
        e.inputs.iter().for_each(|&v| self.make(v));
        let inputs: Values = e.inputs.iter().map(|&v| self.value(v)).collect();
        self.execute(e, inputs);
    }
}
