//! The functions of NCCL and of the driver, looked up where they are needed, so that a build needs neither.
//!
//! What always holds: a function is called only by this folder's wrappers, with the signature that its header declares; a library stays
//! loaded as long as the process, so that its functions stay where they are.

#![allow(unsafe_code)]

use plywood_core::Error;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

/// `ncclComm_t`.
pub type Comm = *mut c_void;
/// `CUcontext`.
pub type Context = *mut c_void;
/// `CUstream`, which is `cudaStream_t`.
pub type Stream = *mut c_void;
/// `CUevent`.
pub type Event = *mut c_void;

/// `ncclUniqueId`: where ranks meet.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct UniqueId(pub [u8; 128]);

/// Declares a table of functions, and how it is filled from a library: those of the second kind may be missing.
macro_rules! functions {
    ($(#[$doc:meta])* $Name:ident { $($field:ident = $symbol:literal : fn($($arg:ty),*) -> $ret:ty;)* }
     maybe { $($may:ident = $may_symbol:literal : fn($($may_arg:ty),*) -> $may_ret:ty;)* }) => {
        $(#[$doc])*
        pub struct $Name {
            $(pub $field: unsafe extern "C" fn($($arg),*) -> $ret,)*
            $(pub $may: Option<unsafe extern "C" fn($($may_arg),*) -> $may_ret>,)*
        }

        impl $Name {
            /// What the library has, or the name of what it lacks.
            fn from(library: &libloading::Library) -> Result<$Name, String> {
                // SAFETY: these are the signatures that the library's header declares for functions of these names.
                unsafe {
                    Ok($Name {
                        $($field: *library
                            .get::<unsafe extern "C" fn($($arg),*) -> $ret>(concat!($symbol, "\0").as_bytes())
                            .map_err(|_| $symbol.to_string())?,)*
                        $($may: library
                            .get::<unsafe extern "C" fn($($may_arg),*) -> $may_ret>(concat!($may_symbol, "\0").as_bytes())
                            .ok()
                            .map(|function| *function),)*
                    })
                }
            }
        }
    };
}

functions! {
    /// NCCL's functions (`nccl.h`). All but the texts of errors give an `ncclResult_t`; elements and reductions are numbered as its
    /// `ncclDataType_t` and `ncclRedOp_t`.
    Nccl {
        get_version = "ncclGetVersion": fn(*mut c_int) -> c_int;
        get_unique_id = "ncclGetUniqueId": fn(*mut UniqueId) -> c_int;
        comm_init_rank = "ncclCommInitRank": fn(*mut Comm, c_int, UniqueId, c_int) -> c_int;
        comm_destroy = "ncclCommDestroy": fn(Comm) -> c_int;
        comm_abort = "ncclCommAbort": fn(Comm) -> c_int;
        comm_get_async_error = "ncclCommGetAsyncError": fn(Comm, *mut c_int) -> c_int;
        get_error_string = "ncclGetErrorString": fn(c_int) -> *const c_char;
        group_start = "ncclGroupStart": fn() -> c_int;
        group_end = "ncclGroupEnd": fn() -> c_int;
        all_reduce = "ncclAllReduce": fn(*const c_void, *mut c_void, usize, c_int, c_int, Comm, Stream) -> c_int;
        reduce_scatter = "ncclReduceScatter": fn(*const c_void, *mut c_void, usize, c_int, c_int, Comm, Stream) -> c_int;
        all_gather = "ncclAllGather": fn(*const c_void, *mut c_void, usize, c_int, Comm, Stream) -> c_int;
        send = "ncclSend": fn(*const c_void, usize, c_int, c_int, Comm, Stream) -> c_int;
        receive = "ncclRecv": fn(*mut c_void, usize, c_int, c_int, Comm, Stream) -> c_int;
    }
    maybe {
        get_last_error = "ncclGetLastError": fn(Comm) -> *const c_char;
    }
}

functions! {
    /// The driver's functions (`cuda.h`). They give a `CUresult`.
    Driver {
        device_get = "cuDeviceGet": fn(*mut c_int, c_int) -> c_int;
        context_retain = "cuDevicePrimaryCtxRetain": fn(*mut Context, c_int) -> c_int;
        context_release = "cuDevicePrimaryCtxRelease_v2": fn(c_int) -> c_int;
        context_push = "cuCtxPushCurrent_v2": fn(Context) -> c_int;
        context_pop = "cuCtxPopCurrent_v2": fn(*mut Context) -> c_int;
        stream_create = "cuStreamCreate": fn(*mut Stream, c_uint) -> c_int;
        stream_destroy = "cuStreamDestroy_v2": fn(Stream) -> c_int;
        stream_synchronize = "cuStreamSynchronize": fn(Stream) -> c_int;
        stream_wait_event = "cuStreamWaitEvent": fn(Stream, Event, c_uint) -> c_int;
        event_create = "cuEventCreate": fn(*mut Event, c_uint) -> c_int;
        event_destroy = "cuEventDestroy_v2": fn(Event) -> c_int;
        event_record = "cuEventRecord": fn(Event, Stream) -> c_int;
        set_bytes = "cuMemsetD8Async": fn(u64, u8, usize, Stream) -> c_int;
        get_error_string = "cuGetErrorString": fn(c_int, *mut *const c_char) -> c_int;
    }
    maybe {
        context_record_event = "cuCtxRecordEvent": fn(Context, Event) -> c_int;
        context_wait_event = "cuCtxWaitEvent": fn(Context, Event) -> c_int;
    }
}

/// The least version: with bf16.
const LEAST: c_int = 21000;

/// NCCL, or what is missing.
pub fn nccl() -> Result<&'static Nccl, Error> {
    static FOUND: OnceLock<Result<Nccl, String>> = OnceLock::new();
    let missing = "there is no NCCL library (libnccl.so.2); Debian and Ubuntu have it as libnccl2 of NVIDIA's packages, PyPI in the \
                   wheel nvidia-nccl-cu12; put its folder into LD_LIBRARY_PATH";
    let found = FOUND.get_or_init(|| {
        let library = open(&["libnccl.so.2", "libnccl.so"]).ok_or_else(|| missing.to_string())?;
        let nccl = Nccl::from(library)
            .map_err(|name| format!("libnccl.so.2 has no {name}: it is no NCCL from 2.10 on"))?;
        match number(&nccl) {
            Some(version) if version >= LEAST => Ok(nccl),
            Some(version) => Err(format!("NCCL {} is too old, 2.10 or later is needed", dotted(version))),
            None => Err("NCCL does not say which version it is".to_string()),
        }
    });
    found
        .as_ref()
        .map_err(|reason| Error::Unavailable { backend: "nccl".to_string(), reason: reason.clone() })
}

/// The driver, or what is missing.
pub fn driver() -> Result<&'static Driver, Error> {
    static FOUND: OnceLock<Result<Driver, String>> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        let library =
            open(&["libcuda.so.1", "libcuda.so"]).ok_or("there is no NVIDIA driver (libcuda.so.1)")?;
        Driver::from(library).map_err(|name| format!("libcuda.so.1 has no {name}"))
    });
    found
        .as_ref()
        .map_err(|reason| Error::Unavailable { backend: "cuda".to_string(), reason: reason.clone() })
}

/// The version of NCCL that is found, as `2.27.5`; what is missing, where none is.
pub fn version() -> Result<String, Error> {
    Ok(number(nccl()?).map_or("unknown".to_string(), dotted))
}

/// The first of these libraries that there is, for the rest of the process.
fn open(names: &[&str]) -> Option<&'static libloading::Library> {
    // SAFETY: NVIDIA's libraries, whose initialisers matter to nobody else.
    let library = names.iter().find_map(|name| unsafe { libloading::Library::new(name) }.ok())?;
    Some(Box::leak(Box::new(library)))
}

fn number(nccl: &Nccl) -> Option<c_int> {
    let mut version = 0;
    // SAFETY: the number outlives the call.
    let code = unsafe { (nccl.get_version)(&mut version) };
    (code == 0).then_some(version)
}

/// 22705 is 2.27.5; up to 2.8 numbers had a digit less.
fn dotted(version: c_int) -> String {
    let minor = if version < 10000 { 1000 } else { 10000 };
    format!("{}.{}.{}", version / minor, version % minor / 100, version % 100)
}

/// A text of a library's, which lives as long as the library.
pub fn text(text: *const c_char) -> String {
    if text.is_null() {
        return String::new();
    }
    // SAFETY: NCCL and the driver give texts that end, and stay.
    unsafe { std::ffi::CStr::from_ptr(text) }.to_string_lossy().into_owned()
}
