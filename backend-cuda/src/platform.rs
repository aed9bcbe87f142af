//! The platforms: a CubeCL runtime each, with the devices it finds.
//!
//! A runtime that finds no driver panics in a thread of its own; so devices are looked for first ([`Platform::find`]), and where
//! there is none, the reason is kept for whoever asks for one.

use crate::client::{Client, Clients};
use cubecl::prelude::Runtime;
use plywood_core::{
    Backend, DType, Device, DeviceBackend, Engine, Error, Explanation, Graph, Step, Value, Values,
};
use plywood_multi_device::{Communicator, Machine};
use std::any::TypeId;
use std::cell::Cell;
use std::sync::Arc;

/// A backend over a CubeCL runtime.
pub trait Platform: Machine + Engine {
    /// The runtime.
    type Runtime: Runtime;
    /// The name: `cuda`, `wgpu`, `offline`.
    const KIND: &'static str;
    /// Whether the compiler behind the runtime rewrites sums of floats.
    const REWRITES: bool;
    /// Dtypes that its devices have though the runtime does not say so.
    const UNSAID: &'static [DType] = &[];

    /// The devices there are, or why there is none.
    fn find() -> Result<Vec<<Self::Runtime as Runtime>::Device>, String>;

    /// What was found, once and for all.
    fn clients() -> &'static Clients<Self::Runtime>;

    /// The platform's own way between these devices, an end for each, if it has one.
    fn between(devices: &[Device]) -> Option<Vec<Arc<dyn Communicator>>> {
        let _ = devices;
        None
    }
}

thread_local! { static CHOSEN: Cell<usize> = const { Cell::new(0) }; }

/// Runs `f` with the device of that number as the one where this thread makes new data; the first one otherwise.
pub fn on_device<T>(index: usize, f: impl FnOnce() -> T) -> T {
    struct Restore(usize);
    impl Drop for Restore {
        fn drop(&mut self) {
            CHOSEN.set(self.0);
        }
    }
    let _restore = Restore(CHOSEN.replace(index));
    f()
}

/// The number of the device where this thread makes new data.
pub fn chosen() -> usize {
    CHOSEN.get()
}

/// The dtypes that this thread's device of an engine has; none of an engine that is not of this crate, or has no device.
pub fn dtypes(engine: &'static dyn Engine) -> Vec<DType> {
    fn of<P: Platform>() -> Vec<DType> {
        client::<P>(chosen()).map(|client| client.facts.dtypes.clone()).unwrap_or_default()
    }
    type Known = (TypeId, fn() -> Vec<DType>);
    let known: &[Known] = &[
        #[cfg(feature = "wgpu")]
        (TypeId::of::<Wgpu>(), of::<Wgpu>),
        #[cfg(feature = "cuda")]
        (TypeId::of::<Cuda>(), of::<Cuda>),
        #[cfg(feature = "offline")]
        (TypeId::of::<Offline>(), of::<Offline>),
    ];
    known.iter().find(|(id, _)| *id == engine.id()).map_or(Vec::new(), |(_, of)| of())
}

/// The client of a device.
pub fn client<P: Platform>(index: usize) -> Result<&'static Client<P::Runtime>, Error> {
    P::clients().get::<P>(index)
}

/// The first `n` devices, one for each place of a mesh.
fn places<P: Platform>(n: usize) -> Result<Vec<Device>, Error> {
    client::<P>(0)?;
    let mut devices = P::devices();
    if devices.len() < n {
        let there: Vec<String> = devices.iter().map(Device::to_string).collect();
        let are = if devices.len() == 1 { "is" } else { "are" };
        let reason = format!(
            "a program on {n} devices, and there {are} {}; one may stand at several places where they are named: \
             Pmap::devices, Mesh::devices",
            there.join(", ")
        );
        return Err(Error::Unavailable { backend: P::ENGINE.name(), reason });
    }
    devices.truncate(n);
    Ok(devices)
}

/// Declares a platform's backend: a zero-sized type, which is its engine.
macro_rules! backend {
    ($(#[$doc:meta])* $Name:ident, $name:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $Name;

        impl $Name {
            /// The devices there are; an error says what is missing where there is none: a driver, a toolkit, an adapter.
            pub fn found() -> Result<Vec<Device>, Error> {
                client::<$Name>(0)?;
                Ok(<$Name as DeviceBackend>::devices())
            }

            /// What the device of that number was asked for, since the process began.
            pub fn stats(index: usize) -> Result<crate::DeviceStats, Error> {
                Ok(client::<$Name>(index)?.stats())
            }
        }

        impl Backend for $Name {
            const ENGINE: &'static dyn Engine = &$Name;
        }

        impl DeviceBackend for $Name {
            fn devices() -> Vec<Device> {
                <$Name as Platform>::clients().devices::<$Name>()
            }

            fn to_device(value: Value, device: Device) -> Result<Value, Error> {
                crate::engine::to_device::<$Name>(value, device)
            }
        }

        impl Machine for $Name {
            fn places(n: usize) -> Result<Vec<Device>, Error> {
                places::<$Name>(n)
            }

            fn threads() -> usize {
                1
            }

            fn on(device: Device, _: usize, work: &mut dyn FnMut()) {
                on_device(device.index, work)
            }

            fn set_going(device: Device) -> Result<(), Error> {
                client::<$Name>(device.index)?.set_going()
            }

            fn group(devices: &[Device]) -> Option<Vec<Arc<dyn Communicator>>> {
                <$Name as Platform>::between(devices)
            }
        }

        impl Engine for $Name {
            fn execute(&'static self, step: Step<'_>, inputs: Values) -> Values {
                crate::engine::execute::<$Name>(step, inputs)
            }

            fn read(&'static self, value: &Value) -> Result<plywood_core::Array, Error> {
                crate::engine::read::<$Name>(value)
            }

            fn eval(&'static self, values: &[Value]) -> Result<(), Error> {
                crate::engine::eval::<$Name>(values)
            }

            fn device(&'static self, value: Option<&Value>) -> Device {
                let index = value.map_or(chosen(), |x| crate::data::data(x).device);
                Device { kind: <$Name as Platform>::KIND, index }
            }

            fn name(&self) -> String {
                $name.to_string()
            }

            fn explain(&self, graph: &Graph) -> Option<Explanation> {
                Some(crate::fused::explain(graph))
            }
        }
    };
}

#[cfg(feature = "wgpu")]
backend! {
    /// GPUs through wgpu: Vulkan, Metal, DX12 and WebGPU.
    ///
    /// ```no_run
    /// use plywood_core::DeviceBackend;
    /// println!("{:?}", plywood_backend_cuda::Wgpu::devices());
    /// ```
    Wgpu, "Wgpu"
}

#[cfg(feature = "cuda")]
backend! {
    /// NVIDIA's GPUs, through CUDA.
    ///
    /// ```no_run
    /// use plywood_core::DeviceBackend;
    /// println!("{:?}", plywood_backend_cuda::Cuda::devices());
    /// ```
    Cuda, "Cuda"
}

#[cfg(feature = "offline")]
backend! {
    /// No GPU: what [`Cuda`] would run is collected as CUDA C++ ([`offline`](crate::offline)), and all results are zeros.
    Offline, "Offline"
}

#[cfg(feature = "wgpu")]
impl Platform for Wgpu {
    type Runtime = cubecl::wgpu::WgpuRuntime;
    const KIND: &'static str = "wgpu";
    const REWRITES: bool = true;

    fn find() -> Result<Vec<cubecl::wgpu::WgpuDevice>, String> {
        crate::find::wgpu()
    }

    fn clients() -> &'static Clients<Self::Runtime> {
        static CLIENTS: std::sync::OnceLock<Clients<cubecl::wgpu::WgpuRuntime>> = std::sync::OnceLock::new();
        CLIENTS.get_or_init(Clients::find::<Self>)
    }
}

#[cfg(feature = "cuda")]
impl Platform for Cuda {
    type Runtime = cubecl::cuda::CudaRuntime;
    const KIND: &'static str = "cuda";
    const REWRITES: bool = false;
    // CubeCL leaves it out for its own matrix multiplications' sake.
    const UNSAID: &'static [DType] = &[DType::F64];

    fn find() -> Result<Vec<cubecl::cuda::CudaDevice>, String> {
        crate::find::cuda()
    }

    fn clients() -> &'static Clients<Self::Runtime> {
        static CLIENTS: std::sync::OnceLock<Clients<cubecl::cuda::CudaRuntime>> = std::sync::OnceLock::new();
        CLIENTS.get_or_init(Clients::find::<Self>)
    }

    #[cfg(feature = "nccl")]
    fn between(devices: &[Device]) -> Option<Vec<Arc<dyn Communicator>>> {
        crate::nccl::group(devices)
    }
}

#[cfg(feature = "offline")]
impl Platform for Offline {
    type Runtime = crate::offline::Nothing;
    const KIND: &'static str = "offline";
    const REWRITES: bool = <Cuda as Platform>::REWRITES;
    const UNSAID: &'static [DType] = <Cuda as Platform>::UNSAID;

    fn find() -> Result<Vec<cubecl::cuda::CudaDevice>, String> {
        Ok(vec![cubecl::cuda::CudaDevice { index: 0 }])
    }

    fn clients() -> &'static Clients<Self::Runtime> {
        static CLIENTS: std::sync::OnceLock<Clients<crate::offline::Nothing>> = std::sync::OnceLock::new();
        CLIENTS.get_or_init(Clients::find::<Self>)
    }
}
