//! The properties of an H200, as CubeCL's CUDA runtime finds them, and the options with which it then compiles.
//!
//! The lists follow `cubecl-cuda`'s `runtime.rs`, for compute capability 9.0; what no kernel of ours asks for (copies by tensor
//! maps, clusters, matrix instructions) is left out.

use cubecl::ir::features::{AtomicUsage, Plane, TypeUsage};
use cubecl::ir::{
    BarrierLevel, DeviceProperties, ElemType, FloatKind, HardwareProperties, MemoryDeviceProperties,
    OpaqueType, SemanticType, StorageType, Type, VectorSize,
};
use cubecl_common::profile::TimingMethod;
use cubecl_cpp::shared::{CompilationOptions, CppSupportedFeatures};

/// Bytes of memory.
const MEMORY: u64 = 141 << 30;
/// What rows of tensors are aligned to, in bytes.
pub const ALIGNMENT: usize = 512;

/// What the device can do.
pub fn device() -> DeviceProperties {
    let hardware = HardwareProperties {
        load_width: 128,
        plane_size_min: 32,
        plane_size_max: 32,
        max_bindings: 1024,
        max_shared_memory_size: 227 << 10,
        max_cube_count: (i32::MAX as u32, u16::MAX as u32, u16::MAX as u32),
        max_units_per_cube: 1024,
        max_cube_dim: (1024, 1024, 64),
        num_streaming_multiprocessors: Some(132),
        num_tensor_cores: Some(4),
        min_tensor_cores_dim: Some(8),
        num_cpu_cores: None,
        max_vector_size: VectorSize::MAX,
    };
    let memory = MemoryDeviceProperties { max_page_size: MEMORY / 4, alignment: ALIGNMENT as u64 };
    let mut device = DeviceProperties::new(Default::default(), memory, hardware, TimingMethod::System);
    cubecl_cpp::register_supported_types(&mut device);
    device.register_type_usage(ElemType::Float(FloatKind::TF32), TypeUsage::Conversion);
    for (elem, lanes) in [
        (FloatKind::F64, 1),
        (FloatKind::F16, 1),
        (FloatKind::F16, 2),
        (FloatKind::F32, 2),
        (FloatKind::F32, 4),
    ] {
        let atomic = Type::new(StorageType::Atomic(ElemType::Float(elem))).with_vector_size(lanes);
        device.register_atomic_type_usage(atomic, AtomicUsage::Add | AtomicUsage::LoadStore);
    }
    device.register_semantic_type(SemanticType::Pipeline);
    for level in [BarrierLevel::Unit, BarrierLevel::Cube] {
        device.register_type_usage(OpaqueType::Barrier(level), TypeUsage::Buffer);
    }
    for plane in [Plane::Ops, Plane::Sync, Plane::NonUniformControlFlow] {
        device.features.plane.insert(plane);
    }
    device.features.copy_async = true;
    device.features.alignment = true;
    device.features.memory_reinterpret = true;
    device
}

/// With which options its kernels become CUDA C++.
pub fn options() -> CompilationOptions {
    let features = CppSupportedFeatures {
        grid_constants: true,
        clusters: true,
        fast_math: true,
        fast_tanh: true,
        elect_sync: true,
    };
    CompilationOptions { warp_size: 32, supports_features: features }
}
