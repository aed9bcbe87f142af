//! The driver's functions that CubeCL and `src/nccl/` call.

use crate::streams::{Mark, Stream};
use std::alloc::{Layout, alloc, dealloc};
use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{c_char, c_int, c_uint, c_void};
use std::sync::{Arc, LazyLock, Mutex};

pub const DEVICES: usize = 4;
const INVALID_VALUE: c_int = 1;
const INVALID_CONTEXT: c_int = 201;
const INVALID_HANDLE: c_int = 400;
const NOT_SUPPORTED: c_int = 801;

/// A device's context.
#[derive(Default)]
struct Context {
    streams: Vec<Arc<Stream>>,
    /// What later streams wait for.
    awaited: Vec<Arc<Mark>>,
}

/// An event: what it was recorded for last.
struct Event {
    device: usize,
    mark: Mutex<Arc<Mark>>,
}

static CONTEXTS: LazyLock<Vec<Mutex<Context>>> =
    LazyLock::new(|| (0..DEVICES).map(|_| Mutex::default()).collect());
static SIZES: LazyLock<Mutex<HashMap<u64, usize>>> = LazyLock::new(Mutex::default);

thread_local! { static CURRENT: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) }; }

/// The device of the thread's context.
pub fn current() -> Option<usize> {
    CURRENT.with_borrow(|all| all.last().copied())
}

/// A context is a device's number and 1.
fn device_of(context: *mut c_void) -> usize {
    let number = context as usize;
    assert!((1..=DEVICES).contains(&number), "no context");
    number - 1
}

pub unsafe fn stream<'a>(stream: *mut c_void) -> &'a Arc<Stream> {
    unsafe { &*(stream as *const Arc<Stream>) }
}

unsafe fn event<'a>(event: *mut c_void) -> &'a Event {
    unsafe { &*(event as *const Event) }
}

fn allocate(bytes: usize) -> u64 {
    let address = unsafe { alloc(Layout::from_size_align(bytes.max(1), 512).unwrap()) } as u64;
    // What is read before it is written is seen.
    unsafe { std::ptr::write_bytes(address as *mut u8, 0xa5, bytes) };
    SIZES.lock().unwrap().insert(address, bytes);
    address
}

fn free(address: u64) {
    let bytes = SIZES.lock().unwrap().remove(&address).expect("memory that was allocated");
    unsafe { dealloc(address as *mut u8, Layout::from_size_align(bytes.max(1), 512).unwrap()) };
}

#[unsafe(no_mangle)]
pub extern "C" fn cuInit(_: c_uint) -> c_int {
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetCount(n: *mut c_int) -> c_int {
    unsafe { *n = DEVICES as c_int };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGet(device: *mut c_int, ordinal: c_int) -> c_int {
    unsafe { *device = ordinal };
    if (ordinal as usize) < DEVICES { 0 } else { INVALID_VALUE }
}

/// A Hopper, as far as CubeCL asks.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceGetAttribute(value: *mut c_int, attribute: c_int, _: c_int) -> c_int {
    let answer = match attribute {
        1 => 1024,
        2..=3 => 1024,
        4 => 64,
        5 => i32::MAX,
        6..=7 => 65535,
        10 => 32,
        16 => 132,
        75 => 9,
        76 => 0,
        97 => 227 << 10,
        _ => 0,
    };
    unsafe { *value = answer };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDeviceTotalMem_v2(bytes: *mut usize, _: c_int) -> c_int {
    unsafe { *bytes = 8 << 30 };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuDevicePrimaryCtxRetain(context: *mut *mut c_void, device: c_int) -> c_int {
    unsafe { *context = (device as usize + 1) as *mut c_void };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuDevicePrimaryCtxRelease_v2(_: c_int) -> c_int {
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxSetCurrent(context: *mut c_void) -> c_int {
    let device = device_of(context);
    CURRENT.with_borrow_mut(|all| {
        all.pop();
        all.push(device);
    });
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxPushCurrent_v2(context: *mut c_void) -> c_int {
    CURRENT.with_borrow_mut(|all| all.push(device_of(context)));
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuCtxPopCurrent_v2(_: *mut *mut c_void) -> c_int {
    CURRENT.with_borrow_mut(|all| if all.pop().is_some() { 0 } else { INVALID_CONTEXT })
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamCreate(made: *mut *mut c_void, _: c_uint) -> c_int {
    let Some(device) = current() else { return INVALID_CONTEXT };
    let stream = Arc::new(Stream::new(device));
    let mut context = CONTEXTS[device].lock().unwrap();
    context.awaited.iter().for_each(|mark| stream.after(mark));
    context.streams.push(stream.clone());
    unsafe { *made = Box::into_raw(Box::new(stream)) as *mut c_void };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamDestroy_v2(gone: *mut c_void) -> c_int {
    let gone = unsafe { Box::from_raw(gone as *mut Arc<Stream>) };
    let mut context = CONTEXTS[gone.device].lock().unwrap();
    context.streams.retain(|stream| !Arc::ptr_eq(stream, &gone));
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamSynchronize(waited: *mut c_void) -> c_int {
    unsafe { stream(waited) }.synchronize();
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuStreamWaitEvent(waits: *mut c_void, on: *mut c_void, _: c_uint) -> c_int {
    let mark = unsafe { event(on) }.mark.lock().unwrap().clone();
    unsafe { stream(waits) }.after(&mark);
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventCreate(made: *mut *mut c_void, _: c_uint) -> c_int {
    let Some(device) = current() else { return INVALID_CONTEXT };
    let event = Event { device, mark: Mutex::new(Mark::new(0)) };
    unsafe { *made = Box::into_raw(Box::new(event)) as *mut c_void };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventDestroy_v2(gone: *mut c_void) -> c_int {
    drop(unsafe { Box::from_raw(gone as *mut Event) });
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventRecord(recorded: *mut c_void, on: *mut c_void) -> c_int {
    let (event, stream) = unsafe { (event(recorded), stream(on)) };
    if event.device != stream.device {
        return INVALID_HANDLE;
    }
    let mark = Mark::new(1);
    stream.mark(&mark);
    *event.mark.lock().unwrap() = mark;
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuEventSynchronize(waited: *mut c_void) -> c_int {
    let mark = unsafe { event(waited) }.mark.lock().unwrap().clone();
    mark.wait();
    0
}

/// A driver before CUDA 12.5 has neither of the next two.
fn is_old() -> bool {
    std::env::var_os("STAND_IN_OLD_DRIVER").is_some()
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxRecordEvent(context: *mut c_void, recorded: *mut c_void) -> c_int {
    let (device, event) = (device_of(context), unsafe { event(recorded) });
    if is_old() {
        return NOT_SUPPORTED;
    }
    if event.device != device {
        return INVALID_HANDLE;
    }
    let context = CONTEXTS[device].lock().unwrap();
    let mark = Mark::new(context.streams.len());
    context.streams.iter().for_each(|stream| stream.mark(&mark));
    *event.mark.lock().unwrap() = mark;
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuCtxWaitEvent(context: *mut c_void, on: *mut c_void) -> c_int {
    let device = device_of(context);
    if is_old() {
        return NOT_SUPPORTED;
    }
    let mark = unsafe { event(on) }.mark.lock().unwrap().clone();
    let mut context = CONTEXTS[device].lock().unwrap();
    context.streams.iter().for_each(|stream| stream.after(&mark));
    context.awaited = vec![mark];
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAllocAsync(address: *mut u64, bytes: usize, _: *mut c_void) -> c_int {
    unsafe { *address = allocate(bytes) };
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemFreeAsync(address: u64, on: *mut c_void) -> c_int {
    unsafe { stream(on) }.put(move || free(address));
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemAllocHost_v2(address: *mut *mut c_void, bytes: usize) -> c_int {
    unsafe { *address = allocate(bytes) as *mut c_void };
    0
}

#[unsafe(no_mangle)]
pub extern "C" fn cuMemFreeHost(address: *mut c_void) -> c_int {
    free(address as u64);
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyHtoDAsync_v2(
    to: u64,
    from: *const c_void,
    n: usize,
    on: *mut c_void,
) -> c_int {
    let from = from as u64;
    unsafe { stream(on) }
        .put(move || unsafe { std::ptr::copy_nonoverlapping(from as *const u8, to as *mut u8, n) });
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemcpyDtoHAsync_v2(
    to: *mut c_void,
    from: u64,
    n: usize,
    on: *mut c_void,
) -> c_int {
    unsafe { cuMemcpyHtoDAsync_v2(to as u64, from as *const c_void, n, on) }
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuMemsetD8Async(to: u64, byte: u8, n: usize, on: *mut c_void) -> c_int {
    unsafe { stream(on) }.put(move || unsafe { std::ptr::write_bytes(to as *mut u8, byte, n) });
    0
}

#[unsafe(no_mangle)]
pub unsafe extern "C" fn cuGetErrorString(_: c_int, text: *mut *const c_char) -> c_int {
    unsafe { *text = c"the stand-in says no".as_ptr() };
    0
}
