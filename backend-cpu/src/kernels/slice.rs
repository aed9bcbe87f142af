//! Cutting out and putting together at computed places; padding; concatenation.
//!
//! A dynamic slice is a view, as its start is known by now. The others write one or more operands into a row-major
//! output, which is what [`place`] does: each along every axis from a start and by a step. An operand to be updated is
//! overwritten where nobody else holds it.
//!
//! Much that goes into a large output is written past the caches, which would not hold the output anyway.

use crate::data::{View, data, overwritten, owned, value};
use crate::dispatch::{by_size, integers};
use crate::layout::{Layout, Nest, Odometer, Strides, row_major};
use crate::par;
use crate::transpose;
use bytemuck::Pod;
use plywood_core::convert::to_i128;
use plywood_core::op::Padding;
use plywood_core::shape::Axes;
use plywood_core::{TensorType, Value, Values};
use smallvec::SmallVec;

/// Outputs of so many bytes and more are large.
const LARGE: usize = 16 << 20;
/// Into a large output so many bytes and more are written past the caches: less is likely to be read soon.
const MUCH: usize = 1 << 20;
/// Runs of fewer bytes go through the caches in any case.
const LONG: usize = 2 << 10;

/// Whether so many bytes that are written into so many are written past the caches.
fn past_caches(written: usize, all: usize) -> bool {
    all >= LARGE && written >= MUCH
}

/// Copies a run of elements; `past` the caches if it is long.
fn put<T: Pod>(run: &[T], out: &mut [T], past: bool) {
    match past && size_of_val(run) >= LONG {
        true => transpose::stream(bytemuck::cast_slice(run), bytemuck::cast_slice_mut(out)),
        false => out.copy_from_slice(run),
    }
}

/// Writes one number everywhere; `past` the caches if it is a long run.
fn fill<T: Pod>(out: &mut [T], number: T, past: bool) {
    if past && size_of_val(out) >= LONG {
        let numbers = [number; LONG];
        for out in out.chunks_mut(LONG) {
            transpose::stream(bytemuck::cast_slice(&numbers[..out.len()]), bytemuck::cast_slice_mut(out));
        }
    } else if bytemuck::bytes_of(&number).iter().all(|&byte| byte == 0) {
        bytemuck::cast_slice_mut::<T, u8>(out).fill(0);
    } else {
        out.fill(number);
    }
}

/// Copies elements between two strided places of one storage each, `past` the caches or not; `sizes` has no zero.
fn copy<T: Pod>(
    sizes: &[usize],
    (out, out_offset, out_strides): (&mut [T], isize, &[isize]),
    (x, x_offset, x_strides): (&[T], isize, &[isize]),
    past: bool,
) {
    let nest = Nest::new(sizes, &[out_strides, x_strides]);
    let outer = nest.sizes.len() - 1;
    let (n, to_step, from_step) = (nest.sizes[outer], nest.strides[0][outer], nest.strides[1][outer]);
    let strides = [&nest.strides[0][..outer], &nest.strides[1][..outer]];
    let mut at = Odometer::at(&nest.sizes[..outer], strides, [out_offset, x_offset], 0);
    for _ in 0..nest.sizes[..outer].iter().product() {
        let [to, from] = at.offsets;
        match (to_step, from_step) {
            (1, 1) => put(&x[from as usize..][..n], &mut out[to as usize..][..n], past),
            (1, 0) => fill(&mut out[to as usize..][..n], x[from as usize], past),
            _ => {
                for i in 0..n as isize {
                    out[(to + i * to_step) as usize] = x[(from + i * from_step) as usize];
                }
            }
        }
        at.advance();
    }
    if past {
        transpose::fence();
    }
}

/// Writes `x` into a row-major `out` of `shape`: its index i goes to `start + i * step` along each axis.
fn place<T: Pod + Send + Sync>(
    out: &mut [T],
    shape: &[usize],
    start: &[usize],
    step: &[usize],
    x: View<'_, T>,
) {
    let written = x.shape.iter().product::<usize>() * size_of::<T>();
    let past = past_caches(written, size_of_val(out));
    place_in(out, shape, start, step, x, past);
}

/// As [`place`], in a part of the output.
fn place_in<T: Pod + Send + Sync>(
    out: &mut [T],
    shape: &[usize],
    start: &[usize],
    step: &[usize],
    x: View<'_, T>,
    past: bool,
) {
    if x.shape.contains(&0) {
        return;
    }
    let Some(&n) = x.shape.first() else {
        out[0] = x.at(&[]);
        return;
    };
    let row: usize = shape[1..].iter().product();
    let out = &mut out[start[0] * row..(start[0] + (n - 1) * step[0] + 1) * row];
    if n == 1 {
        let x = View { shape: &x.shape[1..], strides: &x.strides[1..], ..x };
        return place_in(out, &shape[1..], &start[1..], &step[1..], x, past);
    }
    let inside = row_major(&shape[1..]);
    let first: usize = start[1..].iter().zip(&inside).map(|(&i, &stride)| i * stride as usize).sum();
    let unit = row * step[0];
    let strides: Strides = std::iter::once(&(row as isize))
        .chain(&inside)
        .zip(step)
        .map(|(&n, &step)| n * step as isize)
        .collect();
    let work = x.shape[1..].iter().product::<usize>() as f64 * 0.3;
    par::chunks(out, unit, work, |row, out| {
        let mut sizes: Axes = x.shape.into();
        sizes[0] = out.len().div_ceil(unit);
        let from = x.offset as isize + row as isize * x.strides[0];
        copy(&sizes, (out, first as isize, &strides), (x.data, from, x.strides), past);
    });
}

/// Where a window of `sizes` starts: the scalars, moved so that it lies inside.
fn starts(shape: &[usize], sizes: &[usize], scalars: &[Value]) -> Axes {
    let clamped = |(s, (&n, &size)): (&Value, (&usize, &usize))| {
        let start = integers!(s.dtype(), T => to_i128(View::<T>::of(s).at(&[])));
        start.clamp(0, (n - size) as i128) as usize
    };
    scalars.iter().zip(shape.iter().zip(sizes)).map(clamped).collect()
}

/// Inputs: the tensor, one integer scalar an axis.
pub fn dynamic_slice(ty: TensorType, x: Values) -> Value {
    let starts = starts(x[0].shape(), &ty.shape, &x[1..]);
    let whole = data(&x[0]);
    let Layout { strides, offset } = whole.layout.clone();
    let inside: isize = starts.iter().zip(&strides).map(|(&i, &stride)| i as isize * stride).sum();
    // Of an empty window no place matters, and that one may lie nowhere.
    let offset = if ty.elements() == 0 { 0 } else { (offset as isize + inside) as usize };
    value(ty, Layout { strides, offset }, whole.storage.clone())
}

/// Inputs: the tensor, the update, one integer scalar an axis.
pub fn dynamic_update(ty: TensorType, mut x: Values) -> Value {
    let starts = starts(x[0].shape(), x[1].shape(), &x[2..]);
    let update = x.remove(1);
    let mut storage = owned(x.swap_remove(0));
    by_size!(ty.dtype.size(), T => {
        let out = storage.as_mut_slice::<T>().expect("it is owned");
        place(out, &ty.shape, &starts, &Axes::from_elem(1, ty.rank()), View::of(&update));
    });
    let layout = Layout::row_major(&ty.shape);
    value(ty, layout, storage)
}

/// The indices of an axis of `n` elements that stay when it is padded to `size`: the first, how many, and where the
/// first one comes to lie.
fn kept(n: usize, size: usize, padding: Padding) -> (usize, usize, usize) {
    let step = padding.interior + 1;
    let first = ((-padding.low).max(0) as usize).div_ceil(step);
    let start = first as isize * step as isize + padding.low;
    let room = (size as isize - start).max(0) as usize;
    (first, n.saturating_sub(first).min(room.div_ceil(step)), start.max(0) as usize)
}

/// Inputs: the tensor, the scalar.
pub fn pad(ty: TensorType, x: Values, padding: &[Padding]) -> Value {
    let shape = ty.shape.clone();
    let kept: SmallVec<[_; 4]> =
        (0..shape.rank()).map(|d| kept(x[0].shape()[d], shape[d], padding[d])).collect();
    by_size!(ty.dtype.size(), T => overwritten::<T>(ty, |out| {
        let scalar = View::<T>::of(&x[1]).at(&[]);
        let all = View::<T>::of(&x[0]);
        let sizes: Axes = kept.iter().map(|k| k.1).collect();
        let start: Axes = kept.iter().map(|k| k.2).collect();
        let step: Axes = padding.iter().map(|p| p.interior + 1).collect();
        // Whole rows of the first axis are not filled, as the tensor's own are written there.
        let row: usize = shape.iter().skip(1).product();
        let rows = !sizes.contains(&0) && step.first() == Some(&1);
        let own = if rows && sizes[1..] == shape[1..] { start[0] * row..(start[0] + sizes[0]) * row } else { 0..0 };
        let past = past_caches(size_of_val(out), size_of_val(out));
        for part in [0..own.start, own.end..out.len()] {
            par::chunks(&mut out[part], 1, 0.03 * size_of::<T>() as f64, |_, out| {
                fill(out, scalar, past);
                if past {
                    transpose::fence();
                }
            });
        }
        if sizes.contains(&0) {
            return;
        }
        let inside: isize = kept.iter().zip(all.strides).map(|(k, &stride)| k.0 as isize * stride).sum();
        let offset = (all.offset as isize + inside) as usize;
        place(out, &shape, &start, &step, View { shape: &sizes, offset, ..all });
    }))
}

/// Inputs: the tensors.
pub fn concatenate(ty: TensorType, mut x: Values, axis: usize) -> Value {
    if x.len() == 1 {
        return x.pop().expect("it has one");
    }
    let shape = ty.shape.clone();
    by_size!(ty.dtype.size(), T => overwritten::<T>(ty, |out| {
        let (mut start, step) = (Axes::from_elem(0, shape.rank()), Axes::from_elem(1, shape.rank()));
        for x in &x {
            place(out, &shape, &start, &step, View::of(x));
            start[axis] += x.shape()[axis];
        }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::testing::{Numbers, elements, execute1, flat, index, tensor};
    use plywood_core::{DType, Op};

    const DTYPES: [DType; 5] = [DType::F64, DType::I32, DType::BF16, DType::U8, DType::Bool];
    const INDICES: [DType; 4] = [DType::I32, DType::I8, DType::U64, DType::U16];

    fn scalars(numbers: &mut Numbers, shape: &[usize], dtype: DType) -> (Vec<f64>, Vec<Value>) {
        let low = if dtype.is_unsigned() { 0.0 } else { -3.0 };
        let all: Vec<f64> = shape.iter().map(|&n| low + numbers.below(n + 6) as f64).collect();
        let scalars = all.iter().map(|&i| tensor(&[i], &[], dtype)).collect();
        (all, scalars)
    }

    #[test]
    fn windows_are_moved_inside() {
        let mut numbers = Numbers(3);
        for round in 0..600 {
            let (dtype, rank) = (DTYPES[round % 5], numbers.below(4));
            let shape = numbers.shape(rank, 6);
            let sizes: Vec<usize> = shape.iter().map(|&n| numbers.below(n + 1)).collect();
            let (x, look) = numbers.tensor(&shape, dtype);
            let (at, scalars) = scalars(&mut numbers, &shape, INDICES[round % 4]);
            let inside: Vec<usize> =
                (0..rank).map(|d| at[d].clamp(0.0, (shape[d] - sizes[d]) as f64) as usize).collect();
            let place = |o: usize| {
                let moved: Vec<usize> = index(&sizes, o).iter().zip(&inside).map(|(i, s)| i + s).collect();
                flat(&shape, &moved)
            };
            let n: usize = sizes.iter().product();
            let inputs = [vec![x.clone()], scalars.clone()].concat();
            let cut = execute1(&Op::DynamicSlice { sizes: sizes[..].into() }, inputs);
            assert_eq!(
                elements(&cut),
                (0..n).map(|o| look[place(o)]).collect::<Vec<_>>(),
                "{shape:?} {at:?}"
            );

            let (update, new) = numbers.tensor(&sizes, dtype);
            let mut want = look.clone();
            (0..n).for_each(|o| want[place(o)] = new[o]);
            // Shared, then unshared.
            for x in [x.clone(), tensor(&look, &shape, dtype)] {
                let got = execute1(&Op::DynamicUpdate, [vec![x, update.clone()], scalars.clone()].concat());
                assert_eq!(elements(&got), want, "{shape:?} {at:?}");
            }
            assert_eq!(elements(&x), look, "a shared operand stays as it is");
        }
    }

    #[test]
    fn an_unshared_operand_is_updated_in_place() {
        let x = tensor(&[0.0; 100], &[100], DType::F32);
        let address = data(&x).storage.bytes().as_ptr();
        let update = tensor(&[1.0; 3], &[3], DType::F32);
        let got = execute1(&Op::DynamicUpdate, vec![x, update, tensor(&[5.0], &[], DType::I32)]);
        assert_eq!(data(&got).storage.bytes().as_ptr(), address);
    }

    #[test]
    fn what_is_one_number_everywhere_is_updated_in_a_copy() {
        use plywood_core::{Backend, Number};
        // A block that somebody else has filled comes again.
        let before = tensor(&[5.0; 5000], &[5000], DType::F32);
        drop(execute1(
            &Op::DynamicUpdate,
            vec![before, tensor(&[6.0], &[1], DType::F32), tensor(&[9.0], &[], DType::I32)],
        ));
        for number in [Number::Int(0), Number::Float(-0.0), Number::Int(3)] {
            let ty = TensorType::new([5000], DType::F32);
            let all = Value::create(crate::Cpu::ENGINE, Op::Full { number, ty });
            let update = tensor(&[1.0; 3], &[3], DType::F32);
            let got =
                execute1(&Op::DynamicUpdate, vec![all.clone(), update, tensor(&[5.0], &[], DType::I32)]);
            let mut want = all.to_vec::<f32>();
            want[5..8].fill(1.0);
            let bits = |x: Vec<f32>| x.into_iter().map(f32::to_bits).collect::<Vec<_>>();
            assert_eq!(bits(got.to_vec::<f32>()), bits(want), "{number:?}");
        }
    }

    #[test]
    fn padding_adds_takes_away_and_spreads() {
        let mut numbers = Numbers(4);
        for round in 0..800 {
            let (dtype, rank) = (DTYPES[round % 5], numbers.below(4));
            let shape = numbers.shape(rank, 5);
            let padding: SmallVec<[Padding; 2]> = shape
                .iter()
                .map(|&n| {
                    loop {
                        let ends = [numbers.below(7) as isize - 3, numbers.below(7) as isize - 3];
                        let p = Padding { low: ends[0], high: ends[1], interior: numbers.below(3) };
                        if p.size(n) >= 0 {
                            break p;
                        }
                    }
                })
                .collect();
            let (x, look) = numbers.tensor(&shape, dtype);
            let scalar = (round % 2) as f64;
            let op = Op::Pad { padding: padding.clone() };
            let got = execute1(&op, vec![x, tensor(&[scalar], &[], dtype)]);
            let mut want = vec![scalar; got.ty().elements()];
            for (i, &x) in look.iter().enumerate() {
                let to: Vec<isize> = index(&shape, i)
                    .iter()
                    .zip(&padding)
                    .map(|(&i, p)| p.low + (i * (p.interior + 1)) as isize)
                    .collect();
                if to.iter().zip(got.shape().iter()).all(|(&i, &n)| (0..n as isize).contains(&i)) {
                    want[flat(got.shape(), &to.iter().map(|&i| i as usize).collect::<Vec<_>>())] = x;
                }
            }
            assert_eq!(elements(&got), want, "{shape:?} {padding:?}");
        }
    }

    #[test]
    fn concatenation_puts_one_after_another() {
        let mut numbers = Numbers(5);
        for round in 0..400 {
            let (dtype, rank) = (DTYPES[round % 5], 1 + numbers.below(3));
            let (shape, axis) = (numbers.shape(rank, 4), numbers.below(rank));
            let parts: Vec<(Vec<usize>, (Value, Vec<f64>))> = (0..1 + numbers.below(4))
                .map(|_| {
                    let mut shape = shape.clone();
                    shape[axis] = numbers.below(4);
                    (shape.clone(), numbers.tensor(&shape, dtype))
                })
                .collect();
            let inputs = parts.iter().map(|(_, (x, _))| x.clone()).collect();
            let got = execute1(&Op::Concatenate { axis }, inputs);
            let want = (0..got.ty().elements()).map(|o| {
                let mut at = index(got.shape(), o);
                let mut parts = parts.iter();
                loop {
                    let (shape, (_, look)) = parts.next().expect("the axis is that long");
                    if at[axis] < shape[axis] {
                        return look[flat(shape, &at)];
                    }
                    at[axis] -= shape[axis];
                }
            });
            assert_eq!(elements(&got), want.collect::<Vec<_>>(), "{shape:?} along {axis}");
        }
    }

    #[test]
    fn what_goes_past_the_caches_arrives() {
        let (rows, row) = (5, 1_000_003);
        let all: Vec<f64> = (0..2 * row).map(|i| (i % 251) as f64).collect();
        for dtype in [DType::F32, DType::U8] {
            let more = if dtype == DType::U8 { 4 } else { 1 };
            let x = tensor(&all, &[2, row], dtype);
            let element = |i: isize| if (0..2 * row as isize).contains(&i) { all[i as usize] } else { 7.0 };
            // Behind and before, with and without columns of its own; then another part over it.
            for side in [0, 3] {
                let rows = rows * more;
                let padding = [
                    Padding { low: 1, high: (rows - 3) as isize, interior: 0 },
                    Padding { low: side, high: 0, interior: 0 },
                ];
                let op = Op::Pad { padding: padding.into_iter().collect() };
                let padded = execute1(&op, vec![x.clone(), tensor(&[7.0], &[], dtype)]);
                let wide = row + side as usize;
                assert!(padded.ty().bytes() >= LARGE);
                let want = |i: usize| match i / wide {
                    1 | 2 if i % wide >= side as usize => {
                        element(((i / wide - 1) * row + i % wide) as isize - side)
                    }
                    _ => 7.0,
                };
                let got = padded.clone().cast(DType::F32).to_vec::<f32>();
                assert!(got.iter().enumerate().all(|(i, &x)| x as f64 == want(i)), "{dtype} {side}");
                let at = [2, 0].map(|i| tensor(&[i as f64], &[], DType::I32));
                let [first, second] = at;
                let got = execute1(&Op::DynamicUpdate, vec![padded, x.clone(), first, second]);
                let update = |i: usize| match (i / wide, i % wide) {
                    (r @ (2 | 3), c) if c < row => element(((r - 2) * row + c) as isize),
                    _ => want(i),
                };
                let got = got.cast(DType::F32).to_vec::<f32>();
                assert!(
                    got.iter().enumerate().all(|(i, &x)| x as f64 == update(i)),
                    "{dtype} {side}, updated"
                );
            }
            let three = execute1(&Op::Concatenate { axis: 0 }, vec![x.clone(); 3 * more]);
            assert!(three.ty().bytes() >= LARGE);
            let got = three.cast(DType::F32).to_vec::<f32>();
            assert!(got.iter().enumerate().all(|(i, &x)| x as f64 == all[i % (2 * row)]), "{dtype}");
        }
    }

    #[test]
    fn large_outputs_are_shared_by_threads() {
        let all: Vec<f64> = (0..300_000).map(|i| (i % 251) as f64).collect();
        let x = tensor(&all, &[300, 1000], DType::F32);
        let padding = smallvec::smallvec![Padding { low: 1, high: 2, interior: 1 }, Padding::default()];
        let got = elements(&execute1(&Op::Pad { padding }, vec![x.clone(), tensor(&[7.0], &[], DType::F32)]));
        assert_eq!(got.len(), 602 * 1000);
        for (i, row) in got.chunks(1000).enumerate() {
            let inside = i % 2 == 1 && i < 600;
            let from = (i / 2).min(299) * 1000;
            let want = if inside { all[from..from + 1000].to_vec() } else { vec![7.0; 1000] };
            assert_eq!(row, want, "row {i}");
        }
        let both = elements(&execute1(&Op::Concatenate { axis: 0 }, vec![x.clone(), x]));
        assert_eq!(both, [&all[..], &all[..]].concat());
    }
}
