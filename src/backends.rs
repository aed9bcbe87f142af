//! Backends by name: which of them are compiled in is known only here.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, Dyn, Engine, Error};

/// Choosing the backend of [`Dyn`] at run time: `Dyn::set_default("cpu")?`.
pub trait ChooseBackend {
    /// Makes the backend of that name the one on which tensors of `Dyn` are made from now on, in all threads: `cpu`; `cuda` and
    /// `wgpu` where these features are compiled in. An error names the backends there are, or what a backend lacks on this machine: a
    /// driver, a toolkit, a device.
    fn set_default(name: &str) -> Result<(), Error>;

    /// The names of the backends that are compiled in.
    fn available() -> Vec<&'static str>;
}

/// A backend: its name, its engine, and whether it has a device.
struct Known {
    name: &'static str,
    engine: &'static dyn Engine,
    found: fn() -> Result<(), Error>,
}

const BACKENDS: &[Known] = &[
    Known { name: "cpu", engine: Cpu::ENGINE, found: || Ok(()) },
    #[cfg(feature = "cuda")]
    Known {
        name: "cuda",
        engine: plywood_backend_cuda::Cuda::ENGINE,
        found: || plywood_backend_cuda::Cuda::found().map(drop),
    },
    #[cfg(feature = "wgpu")]
    Known {
        name: "wgpu",
        engine: plywood_backend_cuda::Wgpu::ENGINE,
        found: || plywood_backend_cuda::Wgpu::found().map(drop),
    },
];

impl ChooseBackend for Dyn {
    fn set_default(name: &str) -> Result<(), Error> {
        let Some(known) = BACKENDS.iter().find(|known| known.name == name) else {
            return Err(Error::UnknownBackend {
                name: name.to_string(),
                available: Self::available().iter().map(|n| n.to_string()).collect(),
            });
        };
        (known.found)()?;
        Dyn::set_default_engine(known.engine);
        Ok(())
    }

    fn available() -> Vec<&'static str> {
        BACKENDS.iter().map(|known| known.name).collect()
    }
}
