//! The gauntlet on every device there is, against the CPU. Without a device, or a feature, it says what it left out.
//!
//! `GAUNTLET_DTYPES=f32,i32` restricts the samples, all of them otherwise; `GAUNTLET_VIEWS=one` takes one kind of view for each sample.

mod common;

use common::engines;
use plywood_backend_cpu::Cpu;
use plywood_core::{Backend, DType, Engine, OpKind};
use plywood_gauntlet::properties::{self, Nearness, Part};
use plywood_gauntlet::{Sample, for_each_kind};

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
        let property = |s: &Sample| properties::device(engine, Cpu::ENGINE, s, part, Nearness::GRAPHICS);
        properties::check(kind, |s| chosen(engine, s), property);
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
} }
for_each_kind!(tests);
