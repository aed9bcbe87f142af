//! The gauntlet on every device there is, against the CPU. Without a device, or a feature, it says what it left out.
//!
//! `GAUNTLET_DTYPES=f32,i32` restricts the samples; all of them otherwise.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, DType, Device, DeviceBackend, Engine, OpKind};
use plywood_gauntlet::Sample;
use plywood_gauntlet::properties::{self, Nearness, Part};

/// Software renderers flush subnormals, split fused multiplications, and take liberties with what is not finite.
const NEAR: Nearness = Nearness { ulps: 16, epsilons: 16.0, flushes: true, finite: true };

/// The engines of this build that have a device, or why they have none.
fn engines() -> Vec<(&'static str, Result<&'static dyn Engine, String>)> {
    #[allow(unused_mut)]
    let mut engines: Vec<(&'static str, Result<&'static dyn Engine, String>)> = Vec::new();
    #[allow(dead_code)]
    fn of<B: DeviceBackend>() -> Result<&'static dyn Engine, String> {
        let devices: Vec<Device> = B::devices();
        if devices.is_empty() { Err("no device".to_string()) } else { Ok(B::ENGINE) }
    }
    #[cfg(feature = "wgpu")]
    engines.push(("wgpu", of::<plywood_backend_cuda::Wgpu>()));
    #[cfg(feature = "cuda")]
    engines.push(("cuda", of::<plywood_backend_cuda::Cuda>()));
    if engines.is_empty() {
        engines.push(("GPUs", Err("built without the features `cuda` and `wgpu`".to_string())));
    }
    engines
}

fn chosen(sample: &Sample) -> bool {
    let wanted = std::env::var("GAUNTLET_DTYPES").ok();
    // Random numbers come from keys, which are u32 whatever is wanted.
    let is_key = |dtype: DType| sample.op.kind() == OpKind::Random && dtype == DType::U32;
    let fits = |dtype: DType| match &wanted {
        None => ![DType::F64, DType::I64, DType::U64].is_empty(),
        Some(wanted) => {
            wanted.split(',').any(|d| d == dtype.to_string()) || dtype == DType::Bool || is_key(dtype)
        }
    };
    sample.types().iter().chain(sample.outputs().iter()).all(|ty| fits(ty.dtype) && lacks(ty.dtype))
}

fn lacks(dtype: DType) -> bool {
    let _ = dtype;
    true
}

fn part(kind: OpKind, part: Part) {
    for (name, engine) in engines() {
        match engine {
            Err(why) => println!("left out: {kind:?} {part:?} on {name}: {why}"),
            Ok(engine) => properties::check(kind, chosen, |s| properties::device(engine, Cpu::ENGINE, s, part, NEAR)),
        }
    }
}

macro_rules! tests { ($($name:ident $Kind:ident;)*) => { $( mod $name {
    use super::*;
    #[test]
    fn forward() { part(OpKind::$Kind, Part::Forward) }
    #[test]
    fn gradient() { part(OpKind::$Kind, Part::Gradient) }
    #[test]
    fn vmap() { part(OpKind::$Kind, Part::Vmap) }
    #[test]
    fn fused() { part(OpKind::$Kind, Part::Fused) }
} )*

    /// Does not compile without a word on a new operation.
    #[allow(dead_code)]
    fn every_kind_is_named(kind: OpKind) {
        match kind { $(OpKind::$Kind => {})* }
    }
} }
tests! {
    unary Unary;
    integer_pow IntegerPow;
    reduce_precision ReducePrecision;
    binary Binary;
    bits Bits;
    compare Compare;
    select Select;
    clamp Clamp;
    cast Cast;
    bitcast Bitcast;
    reshape Reshape;
    transpose Transpose;
    broadcast Broadcast;
    reverse Reverse;
    slice Slice;
    dynamic_slice DynamicSlice;
    dynamic_update DynamicUpdate;
    pad Pad;
    concatenate Concatenate;
    gather Gather;
    scatter Scatter;
    reduce Reduce;
    arg_reduce ArgReduce;
    sort Sort;
    top_k TopK;
    cumulative Cumulative;
    dot Dot;
    conv Conv;
    window Window;
    fft Fft;
    linalg Linalg;
    special Special;
    full Full;
    iota Iota;
    constant Constant;
    random Random;
    stop_gradient StopGradient;
    name Name;
    call Call;
    scan Scan;
    while_loop While;
    cond Cond;
    collective Collective;
}
