//! The one place that puts kernels in a device's queue.
//!
//! A kernel is a [`Code`]: a value that all of its instructions follow from. CubeCL compiles it where it meets it for the first time,
//! and finds it again by the value. What always holds: a launch keeps to what the device can do, since one that does not fails
//! without a word.

#![allow(unsafe_code)]

use crate::client::Client;
use crate::data::Buffer;
use crate::emit::{Dialect, Emit};
use cubecl::KernelSettings;
use cubecl::ir::{StorageType, Type};
use cubecl::prelude::{
    ArrayArg, CubeCount, CubeDim, CubeKernel, KernelBuilder, KernelDefinition, KernelId, KernelLauncher,
    KernelMetadata, Runtime,
};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

/// What a kernel's instructions follow from.
///
/// The code bounds its units by the launch's numbers: it checks no bounds of memory, and its loops end.
pub trait Code: Hash + Eq + Debug + Send + Sync + 'static {
    /// Writes the kernel into an empty one: declares the arguments, in the order in which a launch gives them, then the numbers, then what is done.
    fn write(&self, e: Emit) -> Emit;

    /// What a unit moves between memory and registers, where that is known.
    #[cfg(feature = "offline")]
    fn moves(&self) -> Option<crate::offline::Moves> {
        None
    }
}

/// A kernel to be compiled.
struct Kernel<R: Runtime, C: Code> {
    code: Arc<C>,
    dialect: Dialect,
    settings: KernelSettings,
    client: cubecl::prelude::ComputeClient<R>,
}

impl<R: Runtime, C: Code> KernelMetadata for Kernel<R, C> {
    fn id(&self) -> KernelId {
        KernelId::new::<Self>().info((self.code.clone(), self.dialect)).cube_dim(self.settings.cube_dim)
    }

    fn address_type(&self) -> StorageType {
        crate::emit::U32.into()
    }
}

impl<R: Runtime, C: Code> CubeKernel for Kernel<R, C> {
    fn define(&self) -> KernelDefinition {
        let mut builder = KernelBuilder::default();
        builder.runtime_properties(R::target_properties());
        builder.device_properties(self.client.properties());
        self.settings.address_type.register(&mut builder.scope);
        self.code.write(Emit::new(builder, self.dialect)).finish().build(self.settings.clone())
    }
}

/// Puts a kernel in the queue: its arguments with the types as which the code declares their elements, its numbers, the units of a
/// cube (a power of two) and how many cubes. Cubes are counted along one dimension as far as the device goes, then along another:
/// there may be a few more than asked for.
pub fn queue<R: Runtime, C: Code>(
    client: &Client<R>,
    name: &str,
    code: Arc<C>,
    arguments: &[(&Buffer, Type)],
    numbers: &[u32],
    units: u32,
    cubes: usize,
) {
    let facts = &client.facts;
    if cubes == 0 {
        return;
    }
    assert!(
        arguments.len() < facts.bindings && units <= facts.units,
        "{name}: {} takes {} arguments and cubes of {} units, not {} and {units}",
        client.device,
        facts.bindings - 1,
        facts.units,
        arguments.len()
    );
    let most = facts.cubes as usize;
    let rows = cubes.div_ceil(most);
    assert!(rows <= most, "{name}: {cubes} cubes are more than {} counts", client.device);
    let count = CubeCount::Static(cubes.div_ceil(rows) as u32, rows as u32, 1);
    let settings = KernelSettings::default().cube_dim(CubeDim::new_1d(units)).kernel_name(name);
    let mut launcher = KernelLauncher::<R>::new(settings.clone());
    for (buffer, ty) in arguments {
        let elements = buffer.bytes / ty.storage_type().size();
        // SAFETY: the buffer has that many elements.
        let array = unsafe { ArrayArg::from_raw_parts(buffer.handle.clone(), elements) };
        launcher.register_array(array, *ty);
    }
    // What values are hidden by comes first.
    let zero = facts.dialect.rewrites.then_some(&0);
    zero.into_iter().chain(numbers).for_each(|&n| launcher.register_scalar(n));
    client.launched();
    let kernel =
        Kernel { code, dialect: facts.dialect, settings, client: client.in_queue(|compute| compute.clone()) };
    #[cfg(feature = "offline")]
    crate::offline::note(kernel.id(), kernel.code.moves());
    // SAFETY: `Code` says that units stay in the arguments' memory, and that loops end.
    client.in_queue(|compute| unsafe { launcher.launch_unchecked(count, kernel, compute) })
}
