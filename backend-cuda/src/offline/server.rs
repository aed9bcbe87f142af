//! CubeCL's runtime and server that compile kernels to CUDA C++ and run nothing.

#![allow(unsafe_code)]

use super::{Argument, Collected, Source, collected, properties};
use cubecl::cuda::{CudaCompiler, CudaDevice, CudaRuntime};
use cubecl::ir::TargetProperties;
use cubecl::prelude::{ComputeClient, CubeCount, Runtime};
use cubecl::zspace::{Shape, Strides};
use cubecl_common::backtrace::BackTrace;
use cubecl_common::bytes::Bytes;
use cubecl_common::device::{DeviceId, DeviceService, ServerUtilitiesHandle};
use cubecl_common::future::DynFut;
use cubecl_common::profile::ProfileDuration;
use cubecl_common::stream_id::StreamId;
use cubecl_runtime::allocator::PitchedMemoryLayoutPolicy;
use cubecl_runtime::compiler::CubeTask;
use cubecl_runtime::logging::ServerLogger;
use cubecl_runtime::memory_management::{ManagedMemoryHandle, MemoryAllocationMode, MemoryUsage};
use cubecl_runtime::server::{
    Binding, ComputeServer, CopyDescriptor, ExecutionMode, IoError, KernelArguments, ProfileError,
    ProfilingToken, ServerCommunication, ServerError, ServerUtilities,
};
use cubecl_runtime::storage::{ComputeStorage, ManagedResource, StorageHandle, StorageId};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// The runtime that runs nothing.
#[derive(Clone, Debug)]
pub struct Nothing;

/// Its server.
pub struct Server(Arc<ServerUtilities<Server>>);

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Server")
    }
}

/// The error of what a runtime that runs nothing cannot tell.
fn nothing(reason: &str) -> ServerError {
    ServerError::Generic { reason: reason.to_string(), backtrace: BackTrace::capture() }
}

type Task = Box<dyn CubeTask<CudaCompiler>>;

/// The source of a kernel. What the compiler does not know, it panics at.
fn compile(task: &Task, mode: ExecutionMode) -> Source {
    let compiled = catch_unwind(AssertUnwindSafe(|| {
        task.compile(&mut Default::default(), &properties::options(), mode, task.address_type())
    }));
    let id = task.id();
    let failed = |why: String| Source {
        name: "unknown".to_string(),
        code: Err(format!("{why}: {id:?}")),
        arguments: Vec::new(),
        units: id.cube_dim.num_elems(),
        moves: None,
    };
    match compiled {
        Ok(Ok(kernel)) => {
            let argument = |buffer: &cubecl_cpp::shared::KernelArg<_>| Argument {
                elements: buffer.item.elem().to_string(),
                written: buffer.vis == cubecl::prelude::Visibility::ReadWrite,
            };
            let buffers = kernel.repr.iter().flat_map(|repr| &repr.buffers);
            Source {
                name: kernel.entrypoint_name.clone(),
                arguments: buffers.map(argument).collect(),
                code: Ok(kernel.source),
                units: kernel.cube_dim.num_elems(),
                moves: None,
            }
        }
        Ok(Err(e)) => failed(e.to_string()),
        Err(panic) => {
            failed(panic.downcast_ref::<String>().cloned().unwrap_or_else(|| "it panicked".to_string()))
        }
    }
}

impl ComputeServer for Server {
    type Kernel = Task;
    type Storage = Nowhere;
    type MemoryLayoutPolicy = PitchedMemoryLayoutPolicy;
    type Info = ();

    fn logger(&self) -> Arc<ServerLogger> {
        self.0.logger.clone()
    }

    fn utilities(&self) -> Arc<ServerUtilities<Server>> {
        self.0.clone()
    }

    // SAFETY: nothing is launched, so there is nothing to keep to.
    unsafe fn launch(
        &mut self,
        task: Task,
        _: CubeCount,
        _: KernelArguments,
        mode: ExecutionMode,
        _: StreamId,
    ) {
        let id = task.id();
        if !collected().seen.insert(id.clone()) {
            return;
        }
        let source = compile(&task, mode);
        let Collected { moves, sources, .. } = &mut *collected();
        sources.push(Source { moves: moves.get(&id).copied().flatten(), ..source });
    }

    fn read(&mut self, from: Vec<CopyDescriptor>, _: StreamId) -> DynFut<Result<Vec<Bytes>, ServerError>> {
        let zeros = |from: &CopyDescriptor| vec![0; from.shape.iter().product::<usize>() * from.elem_size];
        let read = from.iter().map(|from| Bytes::from_bytes_vec(zeros(from))).collect();
        Box::pin(async move { Ok(read) })
    }

    fn sync(&mut self, _: StreamId) -> DynFut<Result<(), ServerError>> {
        Box::pin(async { Ok(()) })
    }

    fn flush(&mut self, _: StreamId) -> Result<(), ServerError> {
        Ok(())
    }

    fn initialize_memory(&mut self, _: ManagedMemoryHandle, _: u64, _: StreamId) {}
    fn write(&mut self, _: Vec<(CopyDescriptor, Bytes)>, _: StreamId) {}
    fn memory_cleanup(&mut self, _: StreamId) {}
    fn allocation_mode(&mut self, _: MemoryAllocationMode, _: StreamId) {}

    fn get_resource(&mut self, _: Binding, _: StreamId) -> Result<ManagedResource<()>, ServerError> {
        Err(nothing("there is no memory"))
    }

    fn memory_usage(&mut self, _: StreamId) -> Result<MemoryUsage, ServerError> {
        Err(nothing("there is no memory"))
    }

    fn start_profile(&mut self, _: StreamId) -> Result<ProfilingToken, ServerError> {
        Err(nothing("nothing runs that could be measured"))
    }

    fn end_profile(&mut self, _: StreamId, _: ProfilingToken) -> Result<ProfileDuration, ProfileError> {
        Err(ProfileError::NotRegistered { backtrace: BackTrace::capture() })
    }
}

/// Memory that there is not: the server is asked for none.
#[derive(Debug)]
pub struct Nowhere;

impl ComputeStorage for Nowhere {
    type Resource = ();

    fn alignment(&self) -> usize {
        properties::ALIGNMENT
    }

    fn get(&mut self, _: &StorageHandle) {}

    fn alloc(&mut self, size: u64) -> Result<StorageHandle, IoError> {
        Err(IoError::BufferTooBig { size, backtrace: BackTrace::capture() })
    }

    fn dealloc(&mut self, _: StorageId) {}
    fn flush(&mut self) {}
}

impl DeviceService for Server {
    fn init(_: DeviceId) -> Server {
        let policy = PitchedMemoryLayoutPolicy::new(properties::ALIGNMENT);
        Server(Arc::new(ServerUtilities::new(
            properties::device(),
            Arc::new(ServerLogger::default()),
            (),
            policy,
        )))
    }

    fn utilities(&self) -> ServerUtilitiesHandle {
        self.0.clone() as ServerUtilitiesHandle
    }
}

impl ServerCommunication for Server {
    const SERVER_COMM_ENABLED: bool = false;
}

impl Runtime for Nothing {
    type Compiler = CudaCompiler;
    type Server = Server;
    type Device = CudaDevice;

    fn client(device: &CudaDevice) -> ComputeClient<Nothing> {
        ComputeClient::load(device)
    }

    fn name(_: &ComputeClient<Nothing>) -> &'static str {
        "offline"
    }

    fn require_array_lengths() -> bool {
        CudaRuntime::require_array_lengths()
    }

    fn max_cube_count() -> (u32, u32, u32) {
        CudaRuntime::max_cube_count()
    }

    fn can_read_tensor(shape: &Shape, strides: &Strides) -> bool {
        CudaRuntime::can_read_tensor(shape, strides)
    }

    fn target_properties() -> TargetProperties {
        CudaRuntime::target_properties()
    }

    fn enumerate_devices(_: u16, _: &()) -> Vec<DeviceId> {
        vec![DeviceId::new(0, 0)]
    }
}
