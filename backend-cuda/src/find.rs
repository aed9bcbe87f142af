//! Which devices there are, asked without making anybody panic; and why there is none.

/// NVIDIA's GPUs, by the driver.
#[cfg(feature = "cuda")]
pub fn cuda() -> Result<Vec<cubecl::cuda::CudaDevice>, String> {
    cuda::count().map(|n| (0..n).map(|index| cubecl::cuda::CudaDevice { index }).collect())
}

#[cfg(feature = "cuda")]
mod cuda {
    #![allow(unsafe_code)]

    use std::ffi::{c_int, c_uint};

    /// How many GPUs the driver has.
    pub fn count() -> Result<usize, String> {
        let names = ["libcuda.so.1", "libcuda.so", "nvcuda.dll"];
        // SAFETY: the driver's library, which has no initialisers that matter to others.
        let library = names.iter().find_map(|name| unsafe { libloading::Library::new(name) }.ok());
        let Some(library) = library else {
            return Err("there is no NVIDIA driver (libcuda.so.1)".to_string());
        };
        // SAFETY: these are the signatures that CUDA's driver API documents, and the arguments outlive the calls.
        unsafe {
            let init = library.get::<unsafe extern "C" fn(c_uint) -> c_int>(b"cuInit\0");
            let count = library.get::<unsafe extern "C" fn(*mut c_int) -> c_int>(b"cuDeviceGetCount\0");
            let (Ok(init), Ok(count)) = (init, count) else {
                return Err("libcuda.so.1 is no CUDA driver".to_string());
            };
            let code = init(0);
            if code != 0 {
                return Err(format!("the NVIDIA driver does not start (cuInit gives {code})"));
            }
            let mut n = 0;
            let code = count(&mut n);
            if code != 0 || n < 1 {
                return Err(format!("the NVIDIA driver has no GPU (cuDeviceGetCount gives {code})"));
            }
            toolkit()?;
            Ok(n as usize)
        }
    }

    /// Kernels are compiled by NVRTC, with CUDA's headers.
    fn toolkit() -> Result<(), String> {
        let path = std::env::var("CUDA_PATH").unwrap_or_else(|_| "/usr/local/cuda".to_string());
        let header = std::path::Path::new(&path).join("include").join("cuda_runtime.h");
        match header.exists() {
            true => Ok(()),
            false => Err(format!(
                "there is a GPU, but no CUDA toolkit to compile kernels with: {} does not exist; set CUDA_PATH to the folder that \
                 has include/",
                header.display()
            )),
        }
    }
}

/// What wgpu finds: GPUs, or, where there is none, a software adapter.
#[cfg(feature = "wgpu")]
pub fn wgpu() -> Result<Vec<cubecl::wgpu::WgpuDevice>, String> {
    use cubecl::device::Device;
    use cubecl::prelude::Runtime;
    use cubecl::wgpu::{AutoGraphicsApi, GraphicsApi, WgpuRuntime};
    // Discrete, integrated and virtual GPUs, and the CPU.
    let kinds = [0u16, 1, 2, 3];
    let found = kinds.iter().map(|&kind| WgpuRuntime::enumerate_devices(kind, &AutoGraphicsApi::backend()));
    let found: Vec<_> = found.collect();
    let gpus: Vec<_> = found[..3].iter().flatten().chain(&found[3]).copied().collect();
    match gpus.is_empty() {
        true => Err("wgpu finds no adapter: there is no GPU with a driver, and no software renderer (Debian: apt-get install \
                     mesa-vulkan-drivers)"
            .to_string()),
        false => Ok(gpus.into_iter().map(cubecl::wgpu::WgpuDevice::from_id).collect()),
    }
}
