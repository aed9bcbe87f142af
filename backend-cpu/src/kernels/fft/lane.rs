//! One lane in a buffer: complex or real, forward or back.
//!
//! A real lane of even length n is one of n / 2 complex numbers, whose real parts are its even elements. From their
//! transform Z the lane's own follows: with the transform E = (Z[k] + Z[-k]*) / 2 of the even elements and
//! O = (Z[k] - Z[-k]*) / 2i of the odd ones, X[k] = E + e^(-2πi k / n) O. Back it goes the same way. Of odd length it is
//! complex.

use super::plan::{Real, lane, roots};
use num_complex::Complex;
use rustfft::Fft;
use std::sync::Arc;

/// From what to what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Complex to complex, without a factor.
    Complex { inverse: bool },
    /// n real numbers to n / 2 + 1 complex ones.
    FromReal,
    /// And back, without a factor.
    ToReal,
}

/// How lanes are transformed.
pub(super) struct Lane<T: Real> {
    kind: Kind,
    n: usize,
    fft: Arc<dyn Fft<T>>,
    roots: Option<Arc<[Complex<T>]>>,
}

impl<T: Real> Lane<T> {
    /// Lanes of `n` elements (the real ones, of a real transform).
    pub fn new(kind: Kind, n: usize) -> Self {
        let real = !matches!(kind, Kind::Complex { .. });
        let halved = real && n.is_multiple_of(2);
        let inverse = matches!(kind, Kind::ToReal | Kind::Complex { inverse: true });
        let fft = lane(if halved { n / 2 } else { n }, inverse);
        Lane { kind, n, fft, roots: halved.then(|| roots(n)) }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Whether two real numbers stand in one complex one.
    pub fn halved(&self) -> bool {
        self.roots.is_some()
    }

    /// Complex numbers that are read; of a real lane, pairs of elements (or elements, of odd length).
    pub fn input(&self) -> usize {
        match self.kind {
            Kind::Complex { .. } => self.n,
            Kind::FromReal => self.fft.len(),
            Kind::ToReal => self.n / 2 + 1,
        }
    }

    /// Complex numbers that are written.
    pub fn output(&self) -> usize {
        match self.kind {
            Kind::Complex { .. } => self.n,
            Kind::FromReal => self.n / 2 + 1,
            Kind::ToReal => self.fft.len(),
        }
    }

    /// Complex numbers that a lane takes in a buffer.
    pub fn room(&self) -> usize {
        match self.kind {
            Kind::Complex { .. } => self.n,
            Kind::FromReal | Kind::ToReal => self.fft.len().max(self.n / 2 + 1),
        }
    }

    /// Complex numbers for the transform's own use.
    pub fn scratch(&self) -> usize {
        self.fft.get_inplace_scratch_len()
    }

    /// Nanoseconds a lane takes.
    pub fn work(&self) -> f64 {
        let n = self.fft.len() as f64;
        n * (1.0 + 0.35 * n.log2()) * if self.scratch() > 2 * self.n.max(8) { 4.0 } else { 1.0 }
    }

    /// Transforms what is in the buffer.
    pub fn run(&self, buffer: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        let p = self.fft.len();
        if self.kind == Kind::ToReal {
            match &self.roots {
                Some(roots) => join(&mut buffer[..p + 1], roots),
                None => mirror(&mut buffer[..p]),
            }
        }
        self.fft.process_with_scratch(&mut buffer[..p], scratch);
        if let (Kind::FromReal, Some(roots)) = (self.kind, &self.roots) {
            take_apart(&mut buffer[..p + 1], roots);
        }
    }
}

/// From the transform of n / 2 pairs to that of the n numbers.
fn take_apart<T: Real>(z: &mut [Complex<T>], roots: &[Complex<T>]) {
    let p = z.len() - 1;
    let half = T::of(0.5);
    let (first, zero) = (z[0], T::zero());
    z[0] = Complex::new(first.re + first.im, zero);
    z[p] = Complex::new(first.re - first.im, zero);
    let (low, high) = z.split_at_mut(p / 2 + 1);
    if p.is_multiple_of(2) && p > 0 {
        // Its own partner: X = E - i O, both real.
        let middle = &mut low[p / 2];
        middle.im = -middle.im;
    }
    // k from 1 on, and its partner p - k.
    let pairs = p.div_ceil(2).saturating_sub(1);
    let high = &mut high[..];
    let end = high.len() - 1;
    let partners = high[end - pairs..end].iter_mut().rev();
    for ((a, b), w) in low[1..=pairs].iter_mut().zip(partners).zip(&roots[1..]) {
        let (sum, difference) =
            (Complex::new(a.re + b.re, a.im - b.im), Complex::new(a.re - b.re, a.im + b.im));
        // w times the difference over i.
        let re = w.re * difference.im + w.im * difference.re;
        let im = w.im * difference.im - w.re * difference.re;
        *a = Complex::new(half * (sum.re + re), half * (sum.im + im));
        *b = Complex::new(half * (sum.re - re), half * (im - sum.im));
    }
}

/// And back: twice as large.
fn join<T: Real>(x: &mut [Complex<T>], roots: &[Complex<T>]) {
    let p = x.len() - 1;
    let (first, last) = (x[0].re, x[p].re);
    x[0] = Complex::new(first + last, first - last);
    let (low, high) = x.split_at_mut(p / 2 + 1);
    if p.is_multiple_of(2) && p > 0 {
        let middle = &mut low[p / 2];
        *middle = Complex::new(middle.re + middle.re, -(middle.im + middle.im));
    }
    let pairs = p.div_ceil(2).saturating_sub(1);
    let end = high.len() - 1;
    let partners = high[end - pairs..end].iter_mut().rev();
    for ((a, b), w) in low[1..=pairs].iter_mut().zip(partners).zip(&roots[1..]) {
        let (sum, difference) =
            (Complex::new(a.re + b.re, a.im - b.im), Complex::new(a.re - b.re, a.im + b.im));
        // i times the difference over w.
        let re = w.im * difference.re - w.re * difference.im;
        let im = w.re * difference.re + w.im * difference.im;
        *a = Complex::new(sum.re + re, sum.im + im);
        *b = Complex::new(sum.re - re, im - sum.im);
    }
}

/// The second half of a real lane's transform, of odd length.
fn mirror<T: Real>(x: &mut [Complex<T>]) {
    x[0].im = T::zero();
    let h = x.len() / 2 + 1;
    let (low, high) = x.split_at_mut(h);
    high.iter_mut().rev().zip(&low[1..]).for_each(|(to, from)| *to = from.conj());
}
