//! Elements in memory: how each type is widened to a lane by loads, and narrowed from one by stores.

use super::ir::Width;
use super::semantics::Lane;
use half::{bf16, f16};
use plywood_core::DType;

/// An element as it lies in memory.
pub trait Element: Copy {
    /// What a load makes of it.
    fn widen<L: Lane>(self) -> L;
    /// What a store makes of a lane.
    fn narrow<L: Lane>(lane: L) -> Self;
}

macro_rules! element {
    ($($T:ty: $x:ident => $widen:expr, $lane:ident => $narrow:expr;)*) => { $(
        impl Element for $T {
            #[inline(always)]
            fn widen<L: Lane>(self) -> L {
                let $x = self;
                $widen
            }
            #[inline(always)]
            fn narrow<L: Lane>($lane: L) -> Self {
                $narrow
            }
        }
    )* };
}
element! {
    f64: x => L::from_f64(x), lane => lane.to_f64();
    f32: x => L::from_f32(x), lane => lane.to_f32();
    f16: x => L::from_f32(f16_to_f32(x)), lane => f32_to_f16(lane.to_f32());
    bf16: x => L::from_f32(bf16_to_f32(x)), lane => f32_to_bf16(lane.to_f32());
    i64: x => L::from_i64(x), lane => lane.to_u64() as i64;
    i32: x => L::from_i64(x as i64), lane => lane.to_u64() as i32;
    i16: x => L::from_i64(x as i64), lane => lane.to_u64() as i16;
    i8: x => L::from_i64(x as i64), lane => lane.to_u64() as i8;
    u64: x => L::from_u64(x), lane => lane.to_u64();
    u32: x => L::from_u64(x as u64), lane => lane.to_u64() as u32;
    u16: x => L::from_u64(x as u64), lane => lane.to_u64() as u16;
    u8: x => L::from_u64(x as u64), lane => lane.to_u64() as u8;
    Bool: x => L::mask(x.0 != 0), lane => Bool((lane.to_u64() & 1) as u8);
}

/// A bool in memory: 0 or 1. (A load takes any other byte for 1.)
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct Bool(pub u8);

/// What is to be done with a type of elements, whichever it is.
pub trait WithElement {
    /// What comes of it.
    type Out;
    /// Does it. Implementations are `#[inline(always)]`, so that loops are compiled for each type.
    fn with<E: Element>(self) -> Self::Out;
}

/// Hands out the type of the elements, which fit lanes of this width.
#[inline(always)]
pub fn of<W: WithElement>(dtype: DType, width: Width, w: W) -> W::Out {
    match (dtype, width) {
        (DType::F64, Width::W64) => w.with::<f64>(),
        (DType::I64, Width::W64) => w.with::<i64>(),
        (DType::U64, Width::W64) => w.with::<u64>(),
        (DType::F64 | DType::I64 | DType::U64, Width::W32) => panic!("{dtype} passed the program's checks"),
        (DType::F32, _) => w.with::<f32>(),
        (DType::F16, _) => w.with::<f16>(),
        (DType::BF16, _) => w.with::<bf16>(),
        (DType::I32, _) => w.with::<i32>(),
        (DType::I16, _) => w.with::<i16>(),
        (DType::I8, _) => w.with::<i8>(),
        (DType::U32, _) => w.with::<u32>(),
        (DType::U16, _) => w.with::<u16>(),
        (DType::U8, _) => w.with::<u8>(),
        (DType::Bool, _) => w.with::<Bool>(),
    }
}

/// Exact.
#[inline(always)]
pub fn bf16_to_f32(x: bf16) -> f32 {
    f32::from_bits((x.to_bits() as u32) << 16)
}

/// To the nearest, halves to even; subnormals are kept. In integers, because the processor's own instruction takes
/// subnormals for 0.
#[inline(always)]
pub fn f32_to_bf16(x: f32) -> bf16 {
    let bits = x.to_bits();
    let rounded = bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16;
    let quiet = bits >> 16 | 0x40;
    bf16::from_bits(if x.is_nan() { quiet } else { rounded } as u16)
}

/// Exact.
#[inline(always)]
pub fn f16_to_f32(x: f16) -> f32 {
    let bits = x.to_bits() as u32;
    let (sign, magnitude) = ((bits & 0x8000) << 16, bits & 0x7fff);
    let normal = (magnitude << 13) + (112 << 23);
    let subnormal = (magnitude as i32 as f32 * 2f32.powi(-24)).to_bits();
    let infinite = magnitude << 13 | 0xff << 23;
    let finite = if magnitude < 0x0400 { subnormal } else { normal };
    f32::from_bits(sign | if magnitude < 0x7c00 { finite } else { infinite })
}

/// To the nearest, halves to even; subnormals are kept.
#[inline(always)]
pub fn f32_to_f16(x: f32) -> f16 {
    let bits = x.to_bits();
    let (sign, magnitude) = (bits >> 16 & 0x8000, bits & 0x7fff_ffff);
    let normal = magnitude.wrapping_add(0xfff + (magnitude >> 13 & 1)).wrapping_sub(112 << 23) >> 13;
    // The sum's last bit is worth 2^-24, as that of a subnormal f16: the addition rounds.
    let subnormal = (f32::from_bits(magnitude) + 0.5).to_bits().wrapping_sub(0.5f32.to_bits());
    let finite = if magnitude < 0x3880_0000 { subnormal } else { normal };
    let infinite = if x.is_nan() { 0x7e00 } else { 0x7c00 };
    f16::from_bits((sign | if magnitude < 0x4780_0000 { finite } else { infinite }) as u16)
}
