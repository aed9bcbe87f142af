//! Panels of an operand, laid out in the order in which kernels read them.
//!
//! An operand has an axis across its panels (rows of the left one, columns of the right one) and the inner axis along
//! them. It is cut into blocks of steps, a block into panels, and a panel holds for each step its elements side by
//! side. f16 and bf16 are widened on the way, or bf16 put in pairs ([`Packing`]). Either axis may be the contiguous
//! one, so transposed operands cost the same; where it is the inner one, squares of 8 x 8 are turned.

#![allow(unsafe_code)]

use super::Matrix;
use crate::kernels::simd::{Loop, vectorized};
use bytemuck::{Pod, Zeroable, cast_mut};
use half::{bf16, f16};
use std::marker::PhantomData;

/// What packing does to elements.
pub trait Packing: Copy + Send + Sync {
    /// What is read.
    type From: Pod + Send + Sync;
    /// What kernels read in a step.
    type To: Pod + Send + Sync;
    /// Elements that make a step.
    const PER: usize;
    /// One step of `PER` elements.
    fn step(first: Self::From, second: Self::From) -> Self::To;
    /// Steps of contiguous elements.
    fn steps(from: &[Self::From]) -> [Self::To; SQUARE];
    /// Whether kernels would take one of these numbers for zero, though it is none.
    fn any_lost(_: &[Self::To]) -> bool {
        false
    }
    /// The same for a matrix of this size in place.
    fn any_lost_in(_: Matrix<'_, Self::From>, _: [usize; 2]) -> bool {
        false
    }
}

/// An operand to be packed: across its panels, and along the inner axis.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a, I> {
    /// Where the elements lie, among others.
    pub data: &'a [I],
    /// Where the first one is.
    pub offset: isize,
    /// From one element of a step to the next.
    pub across: isize,
    /// From step to step.
    pub along: isize,
    /// Elements along the inner axis.
    pub depth: usize,
}

/// A number that kernels read as `S`.
pub trait Widen<S>: Pod + Send + Sync {
    /// The same number.
    fn widen(self) -> S;
}

impl Widen<f32> for f32 {
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }
}

impl Widen<f64> for f64 {
    #[inline(always)]
    fn widen(self) -> f64 {
        self
    }
}

impl Widen<f32> for bf16 {
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits((self.to_bits() as u32) << 16)
    }
}

impl Widen<f32> for f16 {
    /// Without branches, so that loops vectorise: the bits are moved to their place in an f32, whose exponent is then
    /// too small by 112; the multiplication is exact, also for subnormals.
    #[inline(always)]
    fn widen(self) -> f32 {
        let bits = self.to_bits() as u32;
        let moved = (bits & 0x7fff) << 13;
        let finite = (f32::from_bits(moved) * f32::from_bits((112 + 127) << 23)).to_bits();
        let magnitude = if moved >= 0x1f << 23 { moved | 0xff << 23 } else { finite };
        f32::from_bits(magnitude | (bits & 0x8000) << 16)
    }
}

/// A step is one number, widened.
#[derive(Clone, Copy, Debug)]
pub struct One<I, S>(PhantomData<(I, S)>);

impl<I: Widen<S>, S: Pod + Send + Sync> Packing for One<I, S> {
    type From = I;
    type To = S;
    const PER: usize = 1;

    #[inline(always)]
    fn step(first: I, _: I) -> S {
        first.widen()
    }

    #[inline(always)]
    fn steps(from: &[I]) -> [S; SQUARE] {
        let from: &[I; SQUARE] = from.try_into().expect("so many make the steps");
        from.map(I::widen)
    }
}

/// A step is two numbers of 16 bits, the first in the lower half.
#[derive(Clone, Copy, Debug)]
pub struct Pairs<I>(PhantomData<I>);

impl<I: Pod + Send + Sync> Packing for Pairs<I> {
    type From = I;
    type To = u32;
    const PER: usize = 2;

    #[inline(always)]
    fn step(first: I, second: I) -> u32 {
        let bits = |x: I| bytemuck::cast::<I, u16>(x) as u32;
        bits(first) | bits(second) << 16
    }

    #[inline(always)]
    fn steps(from: &[I]) -> [u32; SQUARE] {
        // Where bytes are in this order, pairs are words.
        bytemuck::pod_read_unaligned::<[u32; SQUARE]>(bytemuck::cast_slice(from)).map(u32::from_le)
    }

    fn any_lost(steps: &[u32]) -> bool {
        vectorized(AnySubnormal(bytemuck::cast_slice(steps)))
    }

    fn any_lost_in(x: Matrix<'_, I>, [m, n]: [usize; 2]) -> bool {
        let (x, [m, n]) = if x.rows == 1 { (x.transposed(), [n, m]) } else { (x, [m, n]) };
        (0..m).any(|i| {
            let start = x.offset + i as isize * x.rows;
            if x.columns == 1 {
                let row = &x.data[start as usize..start as usize + n];
                return vectorized(AnySubnormal(bytemuck::cast_slice(row)));
            }
            let at = |j: usize| x.data[(start + j as isize * x.columns) as usize];
            (0..n).any(|j| subnormal(bytemuck::cast(at(j))))
        })
    }
}

/// Whether bits are a bf16 that is neither zero nor normal.
#[inline(always)]
fn subnormal(bits: u16) -> bool {
    (bits & 0x7fff).wrapping_sub(1) < 0x7f
}

struct AnySubnormal<'a>(&'a [u16]);

impl Loop for AnySubnormal<'_> {
    type Output = bool;

    #[inline(always)]
    fn run(self) -> bool {
        // Without an exit in between, so that it vectorises; a chunk at a time.
        self.0.chunks(4096).any(|bits| {
            bits.iter().fold(u16::MAX, |least, &bits| least.min((bits & 0x7fff).wrapping_sub(1))) < 0x7f
        })
    }
}

/// One panel of an operand: where it is read.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a, I> {
    /// The operand.
    pub data: &'a [I],
    /// Its first element.
    pub offset: isize,
    /// From one element of a step to the next.
    pub across: isize,
    /// Along the inner axis.
    pub along: isize,
    /// Elements of a step.
    pub width: usize,
    /// Room for them; the others are written too, with numbers that nobody uses.
    pub padded: usize,
    /// Elements along the inner axis.
    pub depth: usize,
}

/// Writes a panel; an odd last element is paired with zero.
pub fn pack<P: Packing>(panel: Panel<'_, P::From>, out: &mut [P::To]) {
    vectorized(Pack::<P> { panel, out, packing: PhantomData });
}

struct Pack<'a, P: Packing> {
    panel: Panel<'a, P::From>,
    out: &'a mut [P::To],
    packing: PhantomData<P>,
}

/// The side of a square that is turned at once.
pub(super) const SQUARE: usize = 8;

impl<P: Packing> Loop for Pack<'_, P> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Pack { panel, out, .. } = self;
        debug_assert_eq!(out.len(), panel.depth.div_ceil(P::PER) * panel.padded);
        if panel.across == 1 {
            rows::<P>(panel, out);
        } else if panel.along == 1 {
            columns::<P>(panel, out);
        } else {
            let steps = 0..panel.depth.div_ceil(P::PER);
            elements::<P>(panel, out, steps, 0..panel.padded);
        }
    }
}

/// A step's elements are contiguous.
#[inline(always)]
fn rows<P: Packing>(panel: Panel<'_, P::From>, out: &mut [P::To]) {
    let Panel { data, offset, along, width, padded, depth, .. } = panel;
    for (p, out) in out.chunks_exact_mut(padded).enumerate() {
        let row = |l: usize| {
            let start = (offset + l as isize * along) as usize;
            &data[start..start + width]
        };
        let (out, pad) = out.split_at_mut(width);
        pad.fill(P::To::zeroed());
        let first = row(p * P::PER);
        if P::PER == 1 {
            out.iter_mut().zip(first).for_each(|(out, &x)| *out = P::step(x, x));
        } else if p * P::PER + 1 < depth {
            let second = row(p * P::PER + 1);
            for ((out, &x), &y) in out.iter_mut().zip(first).zip(second) {
                *out = P::step(x, y);
            }
        } else {
            out.iter_mut().zip(first).for_each(|(out, &x)| *out = P::step(x, P::From::zeroed()));
        }
    }
}

/// The inner axis is contiguous.
#[inline(always)]
fn columns<P: Packing>(panel: Panel<'_, P::From>, out: &mut [P::To]) {
    let Panel { data, offset, across, width, padded, depth, .. } = panel;
    let whole = depth / P::PER / SQUARE * SQUARE;
    let mut square = [[P::To::zeroed(); SQUARE]; SQUARE];
    for p in (0..whole).step_by(SQUARE) {
        // From the last square to the first: a narrow one writes into the next step, which comes later.
        for i in (0..padded).step_by(SQUARE).rev() {
            for (r, row) in square.iter_mut().enumerate() {
                let start = offset + (i + r).min(width - 1) as isize * across + (p * P::PER) as isize;
                *row = P::steps(&data[start as usize..start as usize + SQUARE * P::PER]);
            }
            turn(&mut square);
            for (q, row) in square.iter().enumerate() {
                let start = (p + q) * padded + i;
                match out.get_mut(start..start + SQUARE) {
                    Some(out) => out.copy_from_slice(row),
                    None => {
                        let last = &mut out[start..];
                        last.copy_from_slice(&row[..last.len()]);
                    }
                }
            }
        }
    }
    elements::<P>(panel, out, whole..depth.div_ceil(P::PER), 0..padded);
}

/// Exchanges rows and columns.
#[inline(always)]
pub(super) fn turn<T: Pod>(square: &mut [[T; SQUARE]; SQUARE]) {
    #[cfg(target_arch = "x86_64")]
    if size_of::<T>() == 4 && std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { turn_words(cast_mut(square)) };
    }
    let from = *square;
    for (q, row) in square.iter_mut().enumerate() {
        *row = std::array::from_fn(|r| from[r][q]);
    }
}

/// Exchanges rows and columns of words, in registers: pairs of words, pairs of those, halves.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2")]
fn turn_words(square: &mut [[f32; SQUARE]; SQUARE]) {
    use std::arch::x86_64::*;
    // SAFETY: each row has the 8 words that are read.
    let r: [__m256; 8] = std::array::from_fn(|i| unsafe { _mm256_loadu_ps(square[i].as_ptr()) });
    let low = |i: usize| _mm256_unpacklo_ps(r[i], r[i + 1]);
    let high = |i: usize| _mm256_unpackhi_ps(r[i], r[i + 1]);
    let (a0, a1, a2, a3) = (low(0), low(2), low(4), low(6));
    let (b0, b1, b2, b3) = (high(0), high(2), high(4), high(6));
    let pairs = |x: __m256, y: __m256| [_mm256_shuffle_ps::<0x44>(x, y), _mm256_shuffle_ps::<0xee>(x, y)];
    let ([c0, c1], [c2, c3]) = (pairs(a0, a1), pairs(b0, b1));
    let ([d0, d1], [d2, d3]) = (pairs(a2, a3), pairs(b2, b3));
    for (i, (c, d)) in [(c0, d0), (c1, d1), (c2, d2), (c3, d3)].into_iter().enumerate() {
        let first = _mm256_permute2f128_ps::<0x20>(c, d);
        let second = _mm256_permute2f128_ps::<0x31>(c, d);
        // SAFETY: each row has room for the 8 words that are written.
        unsafe {
            _mm256_storeu_ps(square[i].as_mut_ptr(), first);
            _mm256_storeu_ps(square[i + 4].as_mut_ptr(), second);
        }
    }
}

/// One by one, at any strides.
#[inline(always)]
fn elements<P: Packing>(
    panel: Panel<'_, P::From>,
    out: &mut [P::To],
    steps: std::ops::Range<usize>,
    across: std::ops::Range<usize>,
) {
    let Panel { data, offset, width, padded, depth, .. } = panel;
    for p in steps {
        for i in across.clone() {
            let place = offset + i.min(width - 1) as isize * panel.across;
            let at = |l: usize| data[(place + l as isize * panel.along) as usize];
            let second = if P::PER == 1 {
                at(p)
            } else if p * P::PER + 1 < depth {
                at(p * P::PER + 1)
            } else {
                P::From::zeroed()
            };
            out[p * padded + i] = P::step(at(p * P::PER), second);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every element by its definition, for every order of axes and sizes around the squares.
    fn check<P: Packing>(name: &str, number: impl Fn(u16, u16) -> P::To, from: impl Fn(u16) -> P::From)
    where
        P::To: PartialEq + std::fmt::Debug,
    {
        for (width, padded) in
            [(1, 1), (1, 16), (5, 5), (6, 6), (7, 7), (7, 8), (8, 8), (12, 12), (13, 16), (48, 48)]
        {
            for depth in [1, 2, 7, 8, 9, 15, 16, 17, 33, 64] {
                for (across, along) in
                    [(1, 100), (100, 1), (-1, 100), (100, -1), (3, 300), (1, -60), (-90, 1)]
                {
                    let ends = |n: usize, s: isize| (n as isize - 1) * s;
                    let least = ends(width, across).min(0) + ends(depth, along).min(0);
                    let most = ends(width, across).max(0) + ends(depth, along).max(0);
                    let data: Vec<u16> =
                        (0..(most - least + 1) as usize).map(|i| i as u16 % 0x7f00 + 1).collect();
                    let stored: Vec<P::From> = data.iter().map(|&x| from(x)).collect();
                    let panel = Panel { data: &stored, offset: -least, across, along, width, padded, depth };
                    let steps = depth.div_ceil(P::PER);
                    let mut out = vec![P::To::zeroed(); steps * padded];
                    pack::<P>(panel, &mut out);
                    let at = |i: usize, l: usize| {
                        let inside = l < depth;
                        let place = -least + i as isize * across + l as isize * along;
                        if inside { data[place as usize] } else { 0 }
                    };
                    for p in 0..steps {
                        for i in 0..width {
                            let (x, y) = (at(i, p * P::PER), at(i, p * P::PER + P::PER - 1));
                            let case =
                                format!("{name} {width}/{padded} x {depth}, {across} {along}: {i} {p}");
                            assert_eq!(out[p * padded + i], number(x, y), "{case}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn panels_have_every_element_in_its_place() {
        check::<One<f32, f32>>("f32", |x, _| x as f32, |x| x as f32);
        check::<One<f64, f64>>("f64", |x, _| x as f64, |x| x as f64);
        check::<One<bf16, f32>>("bf16", |x, _| f32::from_bits((x as u32) << 16), bf16::from_bits);
        check::<Pairs<bf16>>("pairs", |x, y| x as u32 | (y as u32) << 16, bf16::from_bits);
    }
}
