//! The input as a convolution's products read it: for each place of one operand a plane of the other's places.
//!
//! Along a spatial axis the element that place `u` of one and place `v` of the other meet in is number
//! `u a + v b - low` of the padded input ([`Axis`]; a convolution forwards has u in the kernel and v in the output, the
//! sums over long kernels the other way round). For a fixed u of the last axis, the elements along v are a [`Line`]:
//! some zeros, elements a step apart, zeros. A plane is a few such lines, one after another.

use crate::pool::Scratch;
use bytemuck::Pod;
use smallvec::SmallVec;

/// One spatial axis of the input, and two of whose places meet in it.
#[derive(Clone, Copy, Debug)]
pub(in crate::kernels) struct Axis {
    /// Elements of the input.
    pub(in crate::kernels) n: usize,
    /// From one to the next, in storage.
    pub(in crate::kernels) step: isize,
    /// Zeros before the first.
    pub(in crate::kernels) low: isize,
    /// Distance of two elements after padding: 1 where no zeros are between them.
    pub(in crate::kernels) apart: usize,
    /// How many places of either operand, and their distances.
    pub(in crate::kernels) u: usize,
    pub(in crate::kernels) v: usize,
    pub(in crate::kernels) a: usize,
    pub(in crate::kernels) b: usize,
}

impl Axis {
    /// An axis of one element, which is always met.
    pub(in crate::kernels) const ONE: Axis = Axis { n: 1, step: 0, low: 0, apart: 1, u: 1, v: 1, a: 1, b: 1 };

    /// The same axis, seen from the other operand.
    pub(in crate::kernels) fn turned(self) -> Axis {
        Axis { u: self.v, v: self.u, a: self.b, b: self.a, ..self }
    }

    /// Whether the places v for one u are those for another, moved: then [`extended`](Axis::extended) has them all.
    pub(in crate::kernels) fn shifts(&self) -> bool {
        self.b == 1
    }

    /// All elements that any u meets, as the places of one.
    pub(in crate::kernels) fn extended(self) -> Axis {
        Axis { u: 1, v: self.v + self.u.saturating_sub(1) * self.a, ..self }
    }

    /// Where in storage, from the first element, places u and v meet; `None` in a zero.
    #[inline]
    pub(in crate::kernels) fn place(&self, u: usize, v: usize) -> Option<isize> {
        let i = (u * self.a + v * self.b) as isize - self.low;
        if i < 0 || self.n == 0 || i as usize > (self.n - 1) * self.apart {
            return None;
        }
        match self.apart {
            1 => Some(i * self.step),
            apart if (i as usize).is_multiple_of(apart) => Some((i as usize / apart) as isize * self.step),
            _ => None,
        }
    }

    /// The places v that meet an element, for one u.
    pub(in crate::kernels) fn line(&self, u: usize) -> Line {
        let none = Line { first: 0, step: 1, count: 0, from: 0, by: 0 };
        let start = self.low - (u * self.a) as isize;
        // u a + v b - low >= 0
        let least = if start > 0 { (start as usize).div_ceil(self.b) } else { 0 };
        let Some(first) = (least..self.v.min(least + self.apart)).find(|&v| self.place(u, v).is_some())
        else {
            return none;
        };
        let last = (self.n - 1) * self.apart;
        let at = |v: usize| ((u * self.a + v * self.b) as isize - self.low) as usize;
        let step = self.apart / gcd(self.apart, self.b);
        let count = ((last - at(first)) / (step * self.b)).min((self.v - 1 - first) / step) + 1;
        Line {
            first,
            step,
            count,
            from: (at(first) / self.apart) as isize * self.step,
            by: (step * self.b / self.apart) as isize * self.step,
        }
    }
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// Places along an axis that meet elements, and where those are in storage.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::kernels) struct Line {
    /// The first such place, the distance to the next, and how many.
    pub(in crate::kernels) first: usize,
    pub(in crate::kernels) step: usize,
    pub(in crate::kernels) count: usize,
    /// The first one's element, and the distance to the next one's.
    pub(in crate::kernels) from: isize,
    pub(in crate::kernels) by: isize,
}

impl Line {
    /// The part of it in places from `start` to `end`, which are counted from `start` on.
    #[inline]
    pub(in crate::kernels) fn within(self, start: usize, end: usize) -> Line {
        let before = start.saturating_sub(self.first).div_ceil(self.step);
        let until = end.saturating_sub(self.first).div_ceil(self.step).min(self.count);
        if until <= before {
            return Line { first: 0, count: 0, ..self };
        }
        Line {
            first: self.first + before * self.step - start,
            count: until - before,
            from: self.from + before as isize * self.by,
            ..self
        }
    }

    /// Writes the line, zeros and all; `base` is where the axis begins.
    #[inline]
    pub(in crate::kernels) fn write<T: Pod>(&self, data: &[T], base: isize, out: &mut [T]) {
        if self.count == 0 {
            return out.fill(T::zeroed());
        }
        if self.step == 1 {
            out[..self.first].fill(T::zeroed());
            out[self.first + self.count..].fill(T::zeroed());
        } else {
            out.fill(T::zeroed());
        }
        self.write_elements(data, base, out);
    }

    /// Writes the line's elements, and no zeros.
    #[inline]
    fn write_elements<T: Pod>(&self, data: &[T], base: isize, out: &mut [T]) {
        if self.count == 0 {
            return;
        }
        let from = base + self.from;
        if self.step == 1 {
            let own = &mut out[self.first..self.first + self.count];
            match self.by {
                1 => own.copy_from_slice(&data[from as usize..from as usize + self.count]),
                2 => {
                    let data = &data[from as usize..from as usize + 2 * self.count - 1];
                    let (pairs, last) = data.as_chunks::<2>();
                    own.iter_mut().zip(pairs).for_each(|(out, pair)| *out = pair[0]);
                    own[pairs.len()] = last[0];
                }
                by => {
                    let at = |k: usize| data[(from + k as isize * by) as usize];
                    own.iter_mut().enumerate().for_each(|(k, out)| *out = at(k));
                }
            }
            return;
        }
        for (k, out) in out[self.first..].iter_mut().step_by(self.step).take(self.count).enumerate() {
            *out = data[(from + k as isize * self.by) as usize];
        }
    }
}

/// A part of the places v: at one place of all axes but the last two, some of each of these.
#[derive(Clone, Copy, Debug)]
pub(super) struct Band<'a> {
    /// The place along each of the first axes.
    pub(super) outer: &'a [usize],
    /// Places along the axis before the last, and along the last.
    pub(super) y: (usize, usize),
    pub(super) x: (usize, usize),
}

/// Planes of one input.
pub(super) struct Planes<'a, T> {
    data: &'a [T],
    /// At least two axes.
    axes: SmallVec<[Axis; 3]>,
    /// For each place u of the last axis.
    lines: SmallVec<[Line; 8]>,
}

impl<'a, T: Pod> Planes<'a, T> {
    pub(super) fn new(data: &'a [T], axes: SmallVec<[Axis; 3]>) -> Self {
        let last = axes[axes.len() - 1];
        let lines = (0..last.u).map(|u| last.line(u)).collect();
        Planes { data, axes, lines }
    }

    /// How many planes there are: places u of all axes, in row-major order.
    pub(super) fn count(&self) -> usize {
        self.axes.iter().map(|a| a.u).product()
    }

    /// Writes the planes of all u, each `stride` elements after the one before; `base` is where the input begins.
    pub(super) fn write(&self, base: isize, band: Band<'_>, out: &mut [T], stride: usize) {
        self.write_some::<true>(base, band, out, stride);
    }

    /// The same, but for zeros, which are there: planes of the same band were written there before, of another part of the input.
    pub(super) fn write_elements(&self, base: isize, band: Band<'_>, out: &mut [T], stride: usize) {
        self.write_some::<false>(base, band, out, stride);
    }

    fn write_some<const ZEROS: bool>(&self, base: isize, band: Band<'_>, out: &mut [T], stride: usize) {
        let (y, outer) = (self.axes.len() - 2, &self.axes[..self.axes.len() - 2]);
        let mut index: SmallVec<[usize; 4]> = SmallVec::from_elem(0, outer.len());
        let of_one = self.axes[y].u * self.lines.len();
        for out in out.chunks_mut(of_one * stride) {
            let places =
                outer.iter().zip(index.iter().zip(band.outer)).map(|(axis, (&u, &v))| axis.place(u, v));
            match places.sum::<Option<isize>>() {
                Some(place) => self.write_lines::<ZEROS>(base + place, band, out, stride),
                None if ZEROS => out.fill(T::zeroed()),
                None => {}
            }
            for d in (0..outer.len()).rev() {
                index[d] += 1;
                if index[d] < outer[d].u {
                    break;
                }
                index[d] = 0;
            }
        }
    }

    /// Those of all u of the last two axes.
    fn write_lines<const ZEROS: bool>(&self, base: isize, band: Band<'_>, out: &mut [T], stride: usize) {
        let axis = self.axes[self.axes.len() - 2];
        let width = band.x.1 - band.x.0;
        let mut planes = out.chunks_mut(stride);
        for u in 0..axis.u {
            for (line, out) in self.lines.iter().zip(&mut planes) {
                let line = line.within(band.x.0, band.x.1);
                for (v, out) in (band.y.0..band.y.1).zip(out.chunks_exact_mut(width)) {
                    match axis.place(u, v) {
                        Some(place) if ZEROS => line.write(self.data, base + place, out),
                        Some(place) => line.write_elements(self.data, base + place, out),
                        None if ZEROS => out.fill(T::zeroed()),
                        None => {}
                    }
                }
            }
        }
    }
}

/// So many elements from row to row that rows of `n` do not push each other out of caches: an odd number of lines.
pub(super) fn apart<T>(n: usize) -> usize {
    let line = 64 / size_of::<T>();
    (n.div_ceil(line) | 1) * line
}

/// The first `n` elements of a buffer.
pub(super) fn some<T: Pod>(buffer: &mut Scratch, n: usize) -> &mut [T] {
    &mut buffer.as_mut_slice::<T>()[..n]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_the_places_that_meet_elements() {
        for n in 0..4 {
            for low in -3..4 {
                for (apart, a, b) in
                    [(1, 1, 1), (1, 2, 3), (2, 1, 1), (3, 2, 1), (2, 1, 2), (4, 3, 6), (6, 1, 4)]
                {
                    for v in 0..9 {
                        let axis = Axis { n, step: 5, low, apart, u: 3, v, a, b };
                        for u in 0..3 {
                            let line = axis.line(u);
                            let seen: Vec<(usize, isize)> = (0..line.count)
                                .map(|k| (line.first + k * line.step, line.from + k as isize * line.by))
                                .collect();
                            let want: Vec<(usize, isize)> =
                                (0..v).filter_map(|v| Some((v, axis.place(u, v)?))).collect();
                            assert_eq!(seen, want, "{axis:?} {u}");
                            for start in 0..v {
                                for end in start..=v {
                                    let part = line.within(start, end);
                                    let seen = (0..part.count).map(|k| start + part.first + k * part.step);
                                    let want = want.iter().map(|w| w.0).filter(|w| (start..end).contains(w));
                                    assert!(seen.eq(want), "{axis:?} {u} {start} {end}");
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
