//! Backends by name: which of them are compiled in is known only here.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, Dyn, Engine, Error};

/// Choosing the backend of [`Dyn`] at run time: `Dyn::set_default("cpu")?`.
pub trait ChooseBackend {
    /// Makes the backend of that name the one on which tensors of `Dyn` are made from now on, in all threads. An
    /// error names the backends there are.
    fn set_default(name: &str) -> Result<(), Error>;

    /// The names of the backends there are.
    fn available() -> Vec<&'static str>;
}

const BACKENDS: &[(&str, &dyn Engine)] = &[("cpu", Cpu::ENGINE)];

impl ChooseBackend for Dyn {
    fn set_default(name: &str) -> Result<(), Error> {
        match BACKENDS.iter().find(|(known, _)| *known == name) {
            Some((_, engine)) => {
                Dyn::set_default_engine(*engine);
                Ok(())
            }
            None => Err(Error::UnknownBackend {
                name: name.to_string(),
                available: Self::available().iter().map(|n| n.to_string()).collect(),
            }),
        }
    }

    fn available() -> Vec<&'static str> {
        BACKENDS.iter().map(|(name, _)| *name).collect()
    }
}
