//! Plywood gives Rust what JAX gives Python: write a numeric function once, generic over a [`Backend`], and transform
//! it. Each transformation is a layer, a backend that wraps a backend; the stack is a type, and the compiler checks it.
//!
//! ```
//! use plywood::prelude::*;
//!
//! fn loss<B: Backend>(w: Tensor<B>, x: Tensor<B>, y: Tensor<B>) -> Tensor<B> {
//!     (x.matmul(&w) - y).square().mean()
//! }
//!
//! let x = Tensor::<Cpu>::from([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
//! let y = Tensor::from([5.0, 11.0, 17.0]);
//! let mut w = Tensor::zeros([2], DType::F64);
//! let step = grad(loss);
//! for _ in 0..2000 {
//!     w = &w - 0.02 * step(w.clone(), x.clone(), y.clone());
//! }
//! assert!((w - Tensor::from([1.0, 2.0])).abs().max().item::<f64>() < 1e-3);
//! ```
//!
//! What is there: tensors of any shape and thirteen dtypes with NumPy's names and rules, JAX's random numbers to the
//! bit, derivatives of every operation in both modes and to any order, loops and branches that stay operations, `vmap`
//! with named axes, `jit`, [checkpoints](mod@checkpoint) in files, a CPU backend, and GPUs by the features `cuda` and
//! `wgpu`.

pub use plywood_core::*;

pub use plywood_autodiff::{
    Autodiff, Checkpoint, Differentiate, Forward, Grad, Linear, Partial, Pullback, ValueAndGrad, checkpoint,
    checkpoint_name, custom_jvp, custom_vjp, grad, hvp, jvp, linearize, value_and_grad, vjp,
};
pub use plywood_backend_cpu::{Cpu, MemoryStats};
#[cfg(feature = "cuda")]
pub use plywood_backend_cuda::Cuda;
#[cfg(any(feature = "cuda", feature = "wgpu"))]
pub use plywood_backend_cuda::DeviceStats;
#[cfg(feature = "wgpu")]
pub use plywood_backend_cuda::Wgpu;
pub use plywood_batching::{Batched, InAxes, Map, Vmap, map, vmap};
#[doc(inline)]
pub use plywood_checkpoint as checkpoint;
/// Programs on the processes of a job: see `mpi::join`.
#[cfg(feature = "mpi")]
pub use plywood_communicator_mpi as mpi;
pub use plywood_fusion::{Fusion, FusionStats, Jit, Jitted, jit};
pub use plywood_macros::Tree;
pub use plywood_multi_device::{
    Mesh, MultiDevice, Pmap, RunStats, Shard, ShardMap, pmap, rank, shard_map, shards, spec, world_size,
};

mod backends;
mod jacobian;

pub use backends::ChooseBackend;
pub use jacobian::{OfTensor, Unravel, hessian, jacfwd, jacrev, ravel};

pub use plywood_core::collective::{
    AllGather, PsumScatter, all_gather, all_to_all, axis_index, axis_size, pmax, pmean, pmin, ppermute, psum,
    psum_scatter,
};

pub use plywood_core::op::Policy;

pub use plywood_core::control::{
    Scan, WhileLoop, associative_scan, cond, fori_loop, scan, switch, while_loop,
};

/// Everything a program usually needs: `use plywood::prelude::*`.
pub mod prelude {
    #[cfg(feature = "cuda")]
    pub use crate::Cuda;
    #[cfg(feature = "wgpu")]
    pub use crate::Wgpu;
    pub use crate::stop_gradient;
    pub use crate::{
        AllGather, PsumScatter, all_gather, all_to_all, axis_index, axis_size, pmax, pmean, pmin, ppermute,
        psum, psum_scatter,
    };
    pub use crate::{
        Autodiff, Backend, Checkpoint, ChooseBackend, Cpu, DType, Device, DeviceBackend, Differentiate, Dyn,
        Element, Ellipsis, Forward, Grad, Graph, Layer, NewAxis, Operand, Policy, Scalar, Shape, Tensor,
        Traced, Tree, ValueAndGrad, checkpoint, checkpoint_name, concatenate, custom_jvp, custom_vjp, einsum,
        eval, fft, grad, hvp, jvp, lift, linalg, linearize, math, nn, random, stack, step, trace,
        tree_leaves, tree_map, value_and_grad, vjp,
    };
    pub use crate::{Batched, Map, Vmap, hessian, jacfwd, jacrev, map, ravel, vmap};
    pub use crate::{Fusion, Jit, jit};
    pub use crate::{
        Indexing, PadMode, QuantileMethod, TakeMode, broadcast_arrays, column_stack, dstack, hstack, ix_,
        meshgrid, ravel_multi_index, vstack, where_,
    };
    pub use crate::{Mesh, MultiDevice, Pmap, Shard, ShardMap, pmap, shard_map, shards, spec};
    pub use crate::{Scan, WhileLoop, associative_scan, cond, fori_loop, scan, switch, while_loop};
    pub use plywood_core::half::{bf16, f16};
}

/// A constant to derivatives at every level: the function form of [`Tensor::stop_gradient`], by value.
pub use plywood_core::math::stop_gradient;

#[doc(hidden)]
pub mod __private {
    pub use plywood_core::{Backend, Path, Tensor, Tree, Visitor};
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
