//! Operands in tiles: 16 rows of 16 words, each a pair of bf16, one tile behind the other, chunk by chunk.
//!
//! A tile of the left operand has for each of its rows the pairs of a chunk; a tile of the right one has for each pair
//! the columns. Whichever axis of an operand is contiguous, two tiles side by side are written at once from whole
//! cache lines: rows of words are copied, or two rows are interleaved; what then lies the other way is turned. What
//! is left at the ends of both axes goes through [`pack`], and is filled up.
//!
//! What always holds: every number that is written was looked at, so that no subnormal one passes unnoticed.

#![allow(unsafe_code)]

use super::super::pack::{Packing, Pairs, Panel, SQUARE, pack, turn};
use super::{CHUNK, SIDE, TILE};
use bytemuck::{Pod, cast_slice};
use std::arch::x86_64::*;

/// Which operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operand {
    /// Rows across, pairs along a row of a tile.
    Left,
    /// Columns across, along a row of a tile.
    Right,
}

/// Whether this processor can run what is here.
pub(super) fn available() -> bool {
    is_x86_feature_detected!("avx2")
}

/// Writes a panel of one or two tiles across, whole chunks. Whether there is a subnormal number in it.
pub(super) fn write<I: Pod + Send + Sync>(of: Operand, panel: Panel<'_, I>, out: &mut [u32]) -> bool {
    let tiles = panel.padded / SIDE;
    assert!(tiles <= 2 && size_of::<I>() == 2 && available());
    let whole = if tiles == 2 && panel.width == 2 * SIDE && (panel.across == 1 || panel.along == 1) {
        panel.depth / CHUNK
    } else {
        0
    };
    let (fast, slow) = out.split_at_mut(whole * tiles * TILE);
    // SAFETY: it was just seen that the processor has the instructions.
    let mut lost = whole > 0 && unsafe { lines(of, panel, fast) };
    for (i, out) in slow.chunks_exact_mut(TILE).enumerate() {
        let (from, first) = (whole * CHUNK + i / tiles * CHUNK, i % tiles * SIDE);
        let part = Panel {
            offset: panel.offset + first as isize * panel.across + from as isize * panel.along,
            // Rows behind the last one are the last one again: nobody reads their sums.
            width: (panel.width - first).min(SIDE),
            padded: SIDE,
            depth: (panel.depth - from).min(CHUNK),
            ..panel
        };
        let (steps, rest) = out.split_at_mut(part.depth.div_ceil(2) * SIDE);
        pack::<Pairs<I>>(part, steps);
        rest.fill(0);
        lost |= Pairs::<I>::any_lost(out);
        if of == Operand::Left {
            turn_tile(out);
        }
    }
    lost
}

/// Exchanges rows and columns of a tile.
fn turn_tile(tile: &mut [u32]) {
    let from: [u32; TILE] = (&*tile).try_into().expect("a tile");
    for (a, b) in [(0, 0), (0, SQUARE), (SQUARE, 0), (SQUARE, SQUARE)] {
        let mut square: [[u32; SQUARE]; SQUARE] = std::array::from_fn(|q| {
            let at = (a + q) * SIDE + b;
            from[at..at + SQUARE].try_into().expect("so many")
        });
        turn(&mut square);
        for (q, row) in square.iter().enumerate() {
            tile[(b + q) * SIDE + a..][..SQUARE].copy_from_slice(row);
        }
    }
}

/// Whole tiles, two across, of an operand one of whose axes is contiguous.
#[target_feature(enable = "avx2")]
fn lines<I: Pod>(of: Operand, panel: Panel<'_, I>, out: &mut [u32]) -> bool {
    let data: &[u16] = cast_slice(panel.data);
    // Half a cache line of numbers, checked to lie within the data.
    let half = |at: isize| {
        let half = &data[at as usize..at as usize + SIDE];
        // SAFETY: it has 32 bytes.
        unsafe { _mm256_loadu_si256(half.as_ptr().cast()) }
    };
    let write = |x: __m256i, out: &mut [u32], at: usize| {
        let out = &mut out[at..at + SQUARE];
        // SAFETY: it has 32 bytes.
        unsafe { _mm256_storeu_si256(out.as_mut_ptr().cast(), x) }
    };
    let (magnitude, one) = (_mm256_set1_epi16(0x7fff), _mm256_set1_epi16(1));
    // The least of all magnitudes less 1, where zeros come out as the largest.
    let mut least = _mm256_set1_epi16(-1);
    let mut see = |x: __m256i| {
        least = _mm256_min_epu16(least, _mm256_sub_epi16(_mm256_and_si256(x, magnitude), one));
    };
    if panel.along == 1 {
        for row in 0..2 * SIDE {
            let start = panel.offset + row as isize * panel.across;
            for (chunk, out) in out.chunks_exact_mut(2 * TILE).enumerate() {
                for side in 0..2 {
                    let x = half(start + (chunk * CHUNK + side * SIDE) as isize);
                    see(x);
                    write(x, out, row * SIDE + side * SQUARE);
                }
            }
        }
    } else {
        for (chunk, out) in out.chunks_exact_mut(2 * TILE).enumerate() {
            for p in 0..SIDE {
                let start = panel.offset + (chunk * CHUNK + 2 * p) as isize * panel.along;
                for at in [start, start + panel.along] {
                    // What the next panel reads. It may lie anywhere: nothing comes of it.
                    _mm_prefetch::<_MM_HINT_T1>(data.as_ptr().wrapping_offset(at + CHUNK as isize).cast());
                }
                for (tile, out) in out.chunks_exact_mut(TILE).enumerate() {
                    let at = start + (tile * SIDE) as isize;
                    let (x, y) = (half(at), half(at + panel.along));
                    see(x);
                    see(y);
                    let (low, high) = (_mm256_unpacklo_epi16(x, y), _mm256_unpackhi_epi16(x, y));
                    write(_mm256_permute2x128_si256::<0x20>(low, high), out, p * SIDE);
                    write(_mm256_permute2x128_si256::<0x31>(low, high), out, p * SIDE + SQUARE);
                }
            }
        }
    }
    if (of == Operand::Left) != (panel.along == 1) {
        out.chunks_exact_mut(TILE).for_each(turn_tile);
    }
    let below = _mm256_min_epu16(least, _mm256_set1_epi16(0x7e));
    _mm256_movemask_epi8(_mm256_cmpeq_epi16(below, least)) != 0
}
