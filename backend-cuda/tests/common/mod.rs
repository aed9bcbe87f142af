//! What these tests run on.

use plywood_core::Engine;

/// The engines of this build that have a device. Of those that have none, and where there are none, it says why.
pub fn engines() -> Vec<&'static dyn Engine> {
    let found: Vec<Result<&'static dyn Engine, String>> = vec![
        #[cfg(feature = "wgpu")]
        plywood_backend_cuda::Wgpu::found()
            .map(|_| <plywood_backend_cuda::Wgpu as plywood_core::Backend>::ENGINE)
            .map_err(|e| e.to_string()),
        #[cfg(feature = "cuda")]
        plywood_backend_cuda::Cuda::found()
            .map(|_| <plywood_backend_cuda::Cuda as plywood_core::Backend>::ENGINE)
            .map_err(|e| e.to_string()),
    ];
    if found.is_empty() {
        println!("left out: built without the features `cuda` and `wgpu`");
    }
    let said = |engine: Result<_, String>| engine.map_err(|why| println!("left out: {why}")).ok();
    found.into_iter().filter_map(said).collect()
}
