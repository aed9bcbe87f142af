//! [`Dyn`]: the brand of an engine that is known only at run time.
//!
//! Rules of layers are written over `Tensor<Dyn>`: the inputs decide the engine. A user makes tensors on it after
//! choosing a default; a transformation that runs on `Dyn` makes its arguments' engine the default while it runs.

use crate::backend::{Backend, Engine, Step, Values};
use crate::{Array, Device, Error, Explanation, Graph, Value};
use std::any::TypeId;
use std::cell::Cell;
use std::sync::RwLock;

/// The backend that is chosen at run time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Dyn;

impl Backend for Dyn {
    const ENGINE: &'static dyn Engine = &Dyn;
}

static DEFAULT: RwLock<Option<&'static dyn Engine>> = RwLock::new(None);
thread_local! { static SCOPED: Cell<Option<&'static dyn Engine>> = const { Cell::new(None) }; }

impl Dyn {
    /// Makes an engine the one on which tensors of `Dyn` are made from now on, in all threads. (`set_default` of the
    /// facade does it by name.)
    pub fn set_default_engine(engine: &'static dyn Engine) {
        *DEFAULT.write().unwrap_or_else(|e| e.into_inner()) = Some(engine);
    }

    /// The engine on which tensors of `Dyn` are made; `None` before one is chosen.
    pub fn default_engine() -> Option<&'static dyn Engine> {
        SCOPED.get().or_else(|| *DEFAULT.read().unwrap_or_else(|e| e.into_inner()))
    }

    /// Runs `f`, a transformation's call of a function on a layer over `B`; where `B` is `Dyn`, with the engine of the
    /// arguments as the one where new tensors are made.
    pub fn scoped<B: Backend, R>(engine: Option<&'static dyn Engine>, f: impl FnOnce() -> R) -> R {
        match engine {
            Some(engine) if B::ENGINE.id() == TypeId::of::<Dyn>() => Dyn::with_engine(engine, f),
            _ => f(),
        }
    }

    /// Runs `f` with `engine` as this thread's default.
    pub fn with_engine<R>(engine: &'static dyn Engine, f: impl FnOnce() -> R) -> R {
        struct Restore(Option<&'static dyn Engine>);
        impl Drop for Restore {
            fn drop(&mut self) {
                SCOPED.set(self.0)
            }
        }
        let _restore = Restore(SCOPED.replace(Some(engine)));
        f()
    }
}

impl Engine for Dyn {
    fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values {
        let engine = match inputs.first() {
            Some(x) => x.engine(),
            None => Dyn::default_engine().unwrap_or_else(|| {
                panic!(
                    "{} at {}: no backend is chosen; call Dyn::set_default(\"cpu\") first",
                    step.op.name(),
                    step.at
                )
            }),
        };
        engine.execute(step, inputs)
    }

    fn read(&'static self, value: &Value) -> Result<Array, Error> {
        value.engine().read(value)
    }

    fn device(&'static self, value: Option<&Value>) -> Device {
        let engine = value.map(Value::engine).or_else(Dyn::default_engine);
        match engine {
            Some(engine) => engine.device(value),
            None => panic!("no backend is chosen; call Dyn::set_default(\"cpu\") first"),
        }
    }

    fn name(&self) -> String {
        "Dyn".to_string()
    }

    fn explain(&self, graph: &Graph) -> Option<Explanation> {
        Dyn::default_engine()?.explain(graph)
    }
}
