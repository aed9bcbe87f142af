//! The gauntlet on every device there is, against the CPU. Without a device, or a feature, it says what it left out.
//!
//! `GAUNTLET_DTYPES=f32,i32` restricts the samples, all of them otherwise; `GAUNTLET_VIEWS=one` takes one kind of view for each sample.

use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, DType, Engine, OpKind};
use plywood_gauntlet::Sample;
use plywood_gauntlet::properties::{self, Nearness, Part};

/// The engines of this build that have a device, or why they have none.
fn engines() -> Vec<Result<&'static dyn Engine, String>> {
    let engines: Vec<Result<&'static dyn Engine, String>> = vec![
        #[cfg(feature = "wgpu")]
        plywood_backend_cuda::Wgpu::found()
            .map(|_| plywood_backend_cuda::Wgpu::ENGINE)
            .map_err(|e| e.to_string()),
        #[cfg(feature = "cuda")]
        plywood_backend_cuda::Cuda::found()
            .map(|_| plywood_backend_cuda::Cuda::ENGINE)
            .map_err(|e| e.to_string()),
    ];
    match engines.is_empty() {
        true => vec![Err("built without the features `cuda` and `wgpu`".to_string())],
        false => engines,
    }
}

/// Samples of dtypes that are asked for, and that the device has.
fn chosen(engine: &'static dyn Engine, sample: &Sample) -> bool {
    let wanted = std::env::var("GAUNTLET_DTYPES").ok();
    let asked = |dtype: DType| match &wanted {
        None => true,
        // Random numbers come from keys, which are u32 whatever is wanted.
        Some(_) if sample.op.kind() == OpKind::Random && dtype == DType::U32 => true,
        Some(wanted) => dtype == DType::Bool || wanted.split(',').any(|d| d == dtype.to_string()),
    };
    let has = has(engine);
    sample.types().iter().chain(sample.outputs().iter()).all(|ty| asked(ty.dtype) && has.contains(&ty.dtype))
}

#[cfg(any(feature = "cuda", feature = "wgpu"))]
fn has(engine: &'static dyn Engine) -> Vec<DType> {
    plywood_backend_cuda::dtypes(engine)
}

#[cfg(not(any(feature = "cuda", feature = "wgpu")))]
fn has(_: &'static dyn Engine) -> Vec<DType> {
    Vec::new()
}

fn part(kind: OpKind, part: Part) {
    for engine in engines() {
        match engine {
            Err(why) => println!("left out: {kind:?} {part:?}: {why}"),
            Ok(engine) => {
                let property =
                    |s: &Sample| properties::device(engine, Cpu::ENGINE, s, part, Nearness::GRAPHICS);
                properties::check(kind, |s| chosen(engine, s), property);
            }
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
