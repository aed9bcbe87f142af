//! Random bits and floats as formulas: threefry2x32 with the counters of `jax.random` (see `docs/random.md`).
//!
//! In lanes of 32 bits a block's words are two values. Lanes of 64 bits, which f64 and u64 samples need, hold the same
//! words in their low halves; what is above them is cleared where it would come down.

use super::ir::Width;
use super::{Type, V};

/// Both words of a block: unsigned integers below 2^32.
pub type Words<'b> = [V<'b>; 2];

/// The counter's two words enciphered with the key: 20 rounds (Salmon et al., "Parallel random numbers: as easy as 1,
/// 2, 3", 2011).
pub fn block<'b>(key: Words<'b>, counter: Words<'b>) -> Words<'b> {
    const ROTATIONS: [[u8; 4]; 2] = [[13, 15, 26, 6], [17, 29, 16, 24]];
    let b = key[0].builder();
    let keys = [key[0], key[1], key[0] ^ key[1] ^ b.uint(0x1BD1_1BDA)];
    let (mut x0, mut x1) = (counter[0] + keys[0], counter[1] + keys[1]);
    for i in 0..5 {
        for r in ROTATIONS[i % 2] {
            x0 = x0 + x1;
            x1 = rotate(x1, r) ^ x0;
        }
        x0 = x0 + keys[(i + 1) % 3];
        x1 = x1 + (keys[(i + 2) % 3] + b.uint(i as u64 + 1));
    }
    [low(x0), low(x1)]
}

/// The low 32 bits.
fn low<'b>(x: V<'b>) -> V<'b> {
    match x.builder().width() {
        Width::W32 => x,
        Width::W64 => x & x.builder().uint(u32::MAX as u64),
    }
}

/// The low 32 bits turned round to the left; anything may stand above them.
fn rotate<'b>(x: V<'b>, r: u8) -> V<'b> {
    match x.builder().width() {
        Width::W32 => x.rotl(r),
        Width::W64 => x.shl(r) | low(x).shr(32 - r),
    }
}

/// 64 bits of a block: its first word above its second. Of lanes of 64 bits.
pub fn join<'b>([a, b]: Words<'b>) -> V<'b> {
    a.shl(32) | b
}

/// A float in [0, 1) of the highest `mantissa` of `bits` random bits, as many as its mantissa holds: they are put below
/// a one, which is subtracted again. The bits are an unsigned integer in the lanes.
pub fn unit<'b>(random: V<'b>, bits: u8, mantissa: u8) -> V<'b> {
    let b = random.builder();
    let (lane, one) = match b.width() {
        Width::W32 => (23, 1f32.to_bits() as u64),
        Width::W64 => (52, 1f64.to_bits()),
    };
    let kept = if bits == mantissa { random } else { random.shr(bits - mantissa) };
    let placed = if lane == mantissa { kept } else { kept.shl(lane - mantissa) };
    (placed | b.uint(one)).bits(b.width().float()) - 1.0
}

/// A float in [low, 1) of one in [0, 1), `low` being the first float above -1.
pub fn centred<'b>(x: V<'b>, low: f64) -> V<'b> {
    let wide = x + x + x.c(low);
    x.c(low).max(wide)
}

/// The lane's float type, for readers of formulas.
pub fn float(x: V<'_>) -> Type {
    x.builder().width().float()
}
