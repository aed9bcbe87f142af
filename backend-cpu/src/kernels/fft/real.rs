//! Between rows of real numbers and those of half as many complex ones: as in [`super::lane`], but real and imaginary
//! parts are apart, and vectors go through them. What is read or written from the end on is turned round in memory.
//!
//! A row has p complex numbers, p / 2 a multiple of a vector's lanes. `roots` are the e^(-2πi k / 2p), k from 1 to p / 2:
//! real parts, then imaginary ones. The number p / 2, its own partner, comes out the same both times.

use super::vector::{C, Lanes, Math};
use gemm_common::pulp::Simd;

#[inline(always)]
fn reversed<T: Copy>(from: &[T], to: &mut [T]) {
    to.iter_mut().zip(from.iter().rev()).for_each(|(to, from)| *to = *from);
}

/// For vectors of a and b, the numbers k and p - k, what `pair` gives: `low` from number 1 on, `high` from p - 1 down.
#[inline(always)]
fn pairs<S: Simd, T: Lanes>(
    math: Math<S, T>,
    [from_re, from_im]: [&[T]; 2],
    roots: &[T],
    [re, im]: [&mut [T]; 2],
    memory: &mut [T],
    pair: impl Fn(C<S, T>, C<S, T>, C<S, T>) -> [C<S, T>; 2],
) {
    let (half, lanes) = (roots.len() / 2, Math::<S, T>::LANES);
    let p = 2 * half;
    let (w_re, w_im) = roots.split_at(half);
    let (b, high) = memory[..4 * half].split_at_mut(2 * half);
    let (b_re, b_im) = b.split_at_mut(half);
    let (high_re, high_im) = high.split_at_mut(half);
    reversed(&from_re[half..p], b_re);
    reversed(&from_im[half..p], b_im);
    for i in (0..half).step_by(lanes) {
        let a = [math.read(&from_re[1 + i..]), math.read(&from_im[1 + i..])];
        let b = [math.read(&b_re[i..]), math.read(&b_im[i..])];
        let w = [math.read(&w_re[i..]), math.read(&w_im[i..])];
        let [low, high] = pair(a, b, w);
        math.write(&mut re[1 + i..], low[0]);
        math.write(&mut im[1 + i..], low[1]);
        math.write(&mut high_re[i..], high[0]);
        math.write(&mut high_im[i..], high[1]);
    }
    reversed(high_re, &mut re[half..p]);
    reversed(high_im, &mut im[half..p]);
}

/// From the transform of p pairs to that of 2p numbers.
#[inline(always)]
pub(super) fn take_apart<S: Simd, T: Lanes>(
    math: Math<S, T>,
    [z_re, z_im]: [&[T]; 2],
    roots: &[T],
    [re, im]: [&mut [T]; 2],
    memory: &mut [T],
) {
    let (p, half) = (roots.len(), math.splat(T::of(0.5)));
    let mirror = [half, math.splat(T::of(-0.5))];
    pairs(
        math,
        [z_re, z_im],
        roots,
        [&mut *re, &mut *im],
        memory,
        #[inline(always)]
        |a, b, w| {
            let [sum, difference] = math.mirrored(a, b);
            let [low, high] = math.aside(sum, math.mul(difference, w));
            [math.parts(low, [half, half]), math.parts(high, mirror)]
        },
    );
    (re[0], im[0]) = (z_re[0] + z_im[0], T::zero());
    (re[p], im[p]) = (z_re[0] - z_im[0], T::zero());
}

/// And back: twice as large.
#[inline(always)]
pub(super) fn join<S: Simd, T: Lanes>(
    math: Math<S, T>,
    [re, im]: [&[T]; 2],
    roots: &[T],
    [z_re, z_im]: [&mut [T]; 2],
    memory: &mut [T],
) {
    let p = roots.len();
    let mirror = [math.splat(T::one()), math.splat(T::of(-1.0))];
    pairs(
        math,
        [re, im],
        roots,
        [&mut *z_re, &mut *z_im],
        memory,
        #[inline(always)]
        |a, b, w| {
            let [sum, difference] = math.mirrored(a, b);
            let [high, low] = math.aside(sum, math.mul(difference, math.parts(w, mirror)));
            [low, math.parts(high, mirror)]
        },
    );
    (z_re[0], z_im[0]) = (re[0] + re[p], re[0] - re[p]);
}
