//! Squares of 16 bytes a side, turned in registers, and lines written past the caches.
//!
//! `unsafe` is here because both are instructions of the processor; x86-64 always has them. Elsewhere the same is done
//! by plain code.

#![allow(unsafe_code)]

use gemm_common::pulp::Simd;

/// Bytes along each side of a square.
pub const SIDE: usize = 16;

/// Bytes of a cache line.
pub const LINE: usize = 64;

/// The transpose of `N` lines of `N` elements, of `SIZE` bytes each.
#[inline(always)]
pub fn turned<const SIZE: usize, const N: usize>(lines: [[u8; SIDE]; N]) -> [[u8; SIDE]; N] {
    const { assert!(N * SIZE == SIDE) };
    imp::turned::<SIZE, N>(lines)
}

/// The transpose of eight lines of four elements, of four bytes each.
#[inline(always)]
pub fn turned_eight<S: Simd>(_: S, lines: [[u8; SIDE]; 8]) -> [[u8; 2 * SIDE]; 4] {
    #[cfg(target_arch = "x86_64")]
    if size_of::<S::f32s>() >= 2 * SIDE {
        // SAFETY: a value of a set with vectors so wide exists only where the processor has AVX.
        return unsafe { imp::turned_eight(lines) };
    }
    let half = |start: usize| turned::<4, 4>(std::array::from_fn(|i| lines[start + i]));
    let halves = [half(0), half(4)];
    std::array::from_fn(|i| std::array::from_fn(|b| halves[b / SIDE][i][b % SIDE]))
}

/// Writes bytes so that whole cache lines go to memory without being read from there first. What others read of them
/// must wait for a [`fence`].
#[inline(always)]
pub fn stream(from: &[u8], to: &mut [u8]) {
    assert_eq!(from.len(), to.len());
    let head = to.as_ptr().align_offset(LINE).min(to.len());
    let lines = (to.len() - head) / LINE * LINE;
    let (before, rest) = to.split_at_mut(head);
    let (whole, after) = rest.split_at_mut(lines);
    before.copy_from_slice(&from[..head]);
    imp::stream(&from[head..head + lines], whole);
    after.copy_from_slice(&from[head + lines..]);
}

/// Orders what was [`stream`]ed before what is written from here on.
pub fn fence() {
    imp::fence();
}

#[cfg(target_arch = "x86_64")]
mod imp {
    use super::SIDE;
    use std::arch::x86_64::*;

    #[inline(always)]
    pub fn turned<const SIZE: usize, const N: usize>(lines: [[u8; SIDE]; N]) -> [[u8; SIDE]; N] {
        // SAFETY: every x86-64 processor has SSE2.
        unsafe { shuffled::<SIZE, N>(lines) }
    }

    /// A perfect shuffle of all elements, as often as halving leads from `N` to 1: each moves the bits of an element's
    /// place on by one, and all together exchange the halves, line and column.
    #[inline]
    #[target_feature(enable = "sse2")]
    fn shuffled<const SIZE: usize, const N: usize>(lines: [[u8; SIDE]; N]) -> [[u8; SIDE]; N] {
        let mut x = [_mm_setzero_si128(); N];
        for i in 0..N {
            x[i] = bytemuck::cast(lines[i]);
        }
        for _ in 0..N.ilog2() {
            let before = x;
            for i in 0..N / 2 {
                let (a, b) = (before[i], before[i + N / 2]);
                (x[2 * i], x[2 * i + 1]) = match SIZE {
                    1 => (_mm_unpacklo_epi8(a, b), _mm_unpackhi_epi8(a, b)),
                    2 => (_mm_unpacklo_epi16(a, b), _mm_unpackhi_epi16(a, b)),
                    4 => (_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b)),
                    _ => (_mm_unpacklo_epi64(a, b), _mm_unpackhi_epi64(a, b)),
                };
            }
        }
        let mut lines = [[0; SIDE]; N];
        for i in 0..N {
            lines[i] = bytemuck::cast(x[i]);
        }
        lines
    }

    /// Lines `i` and `i + 4` are halves of one register, and go through the same shuffles as in [`turned`].
    #[inline]
    #[target_feature(enable = "avx")]
    pub fn turned_eight(lines: [[u8; SIDE]; 8]) -> [[u8; 2 * SIDE]; 4] {
        let both = |i: usize| {
            let low = _mm256_castps128_ps256(bytemuck::cast(lines[i]));
            _mm256_insertf128_ps::<1>(low, bytemuck::cast(lines[i + 4]))
        };
        let (a, b, c, d) = (both(0), both(1), both(2), both(3));
        let (ac, bd) = (_mm256_unpacklo_ps(a, c), _mm256_unpacklo_ps(b, d));
        let (ac_high, bd_high) = (_mm256_unpackhi_ps(a, c), _mm256_unpackhi_ps(b, d));
        [
            bytemuck::cast(_mm256_unpacklo_ps(ac, bd)),
            bytemuck::cast(_mm256_unpackhi_ps(ac, bd)),
            bytemuck::cast(_mm256_unpacklo_ps(ac_high, bd_high)),
            bytemuck::cast(_mm256_unpackhi_ps(ac_high, bd_high)),
        ]
    }

    /// Both are of whole lines, and `to` begins at one.
    #[inline(always)]
    pub fn stream(from: &[u8], to: &mut [u8]) {
        for (from, to) in from.as_chunks::<SIDE>().0.iter().zip(to.as_chunks_mut::<SIDE>().0) {
            // SAFETY: every x86-64 processor has SSE2; the place is 16 bytes that begin at a multiple of 16.
            unsafe { _mm_stream_si128((&raw mut *to).cast(), bytemuck::cast(*from)) };
        }
    }

    pub fn fence() {
        // SAFETY: every x86-64 processor has SSE.
        unsafe { _mm_sfence() };
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod imp {
    use super::SIDE;

    pub fn turned<const SIZE: usize, const N: usize>(lines: [[u8; SIDE]; N]) -> [[u8; SIDE]; N] {
        std::array::from_fn(|i| std::array::from_fn(|b| lines[b / SIZE][i * SIZE + b % SIZE]))
    }

    pub fn stream(from: &[u8], to: &mut [u8]) {
        to.copy_from_slice(from);
    }

    pub fn fence() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check<const SIZE: usize, const N: usize>() {
        let lines: [[u8; SIDE]; N] = std::array::from_fn(|i| std::array::from_fn(|b| (16 * i + b) as u8));
        let got = turned::<SIZE, N>(lines);
        for i in 0..N {
            for b in 0..SIDE {
                assert_eq!(
                    got[i][b],
                    lines[b / SIZE][i * SIZE + b % SIZE],
                    "{SIZE} bytes, line {i}, byte {b}"
                );
            }
        }
    }

    #[test]
    fn squares_of_all_sizes_turn() {
        check::<1, 16>();
        check::<2, 8>();
        check::<4, 4>();
        check::<8, 2>();
    }

    #[test]
    fn eight_lines_turn_on_every_set() {
        fn check<S: Simd>(s: S) {
            let lines: [[u8; SIDE]; 8] = std::array::from_fn(|i| std::array::from_fn(|b| (16 * i + b) as u8));
            let got = turned_eight(s, lines);
            for i in 0..4 {
                for b in 0..32 {
                    assert_eq!(got[i][b], lines[b / 4][4 * i + b % 4], "line {i}, byte {b}");
                }
            }
        }
        check(gemm_common::pulp::Scalar::new());
        #[cfg(target_arch = "x86_64")]
        if let Some(set) = gemm_common::pulp::x86::V3::try_new() {
            check(set);
        }
    }

    #[test]
    fn streamed_bytes_arrive_wherever_lines_begin() {
        let from: Vec<u8> = (0..400).map(|i| i as u8).collect();
        for start in 0..70 {
            for len in [0, 1, 63, 64, 65, 200, 300] {
                let mut to = vec![255u8; 400];
                stream(&from[..len], &mut to[start..start + len]);
                fence();
                let want = |i: usize| if (start..start + len).contains(&i) { from[i - start] } else { 255 };
                assert!(to.iter().enumerate().all(|(i, &x)| x == want(i)), "{len} from {start}");
            }
        }
    }
}
