//! The driver of everything element-wise: any number of operands of one shape, one contiguous output.
//!
//! It knows no types: operands are bytes with an element size, and a kernel is a plain loop over slices of them, so
//! the driver is compiled once. An operand that lies in row-major order is passed as it is; any other is copied in
//! tiles of a few kilobytes, and a number repeated everywhere fills one tile once. Where an input's buffer is held by
//! nobody else it becomes the output: each tile of it is copied away before it is overwritten, so that kernels need
//! not know. What always holds: the kernel sees operands of equal length, and each output element once.

use crate::data::{self, CpuData};
use crate::dispatch::by_size;
use crate::layout::{Layout, Nest, Odometer};
use crate::par;
use crate::storage::{INLINE, Storage};
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use plywood_core::{TensorType, Value, Values};
use smallvec::SmallVec;

/// A loop over elements: reads each operand's bytes, writes the output's.
pub type Kernel<'a> = &'a (dyn Fn(&[&[u8]], &mut [u8]) + Sync);

/// Bytes of a tile.
const TILE: usize = 4096;

/// Bytes of a tile where the whole operand fits one: clearing more would cost more than the work.
const LITTLE: usize = 1024;

#[derive(Clone, Copy)]
#[repr(align(64))]
struct Tile<const WORDS: usize>([u64; WORDS]);

/// Up to so many elements nothing but the kernel is worth setting up.
const SMALL: usize = 16;
/// Up to so many elements operands that are all slices go to the kernel at once, whatever it does.
const DIRECT: usize = 1024;

/// Runs `kernel` over `inputs`, all of the output's shape; an element takes about `work` nanoseconds.
#[inline]
pub fn run(ty: TensorType, mut inputs: Values, work: f64, kernel: Kernel<'_>) -> Value {
    if ty.rank() == 0 && inputs.len() <= 3 {
        return inline(ty, 1, inputs, kernel);
    }
    let (n, size) = (ty.elements(), ty.dtype.size());
    let little = |x: &Value| n * x.dtype().size() <= INLINE && is_contiguous(x);
    if n * size <= INLINE && inputs.len() <= 3 && inputs.iter().all(little) {
        return inline(ty, n, inputs, kernel);
    }
    let in_place = (0..if n > SMALL { inputs.len() } else { 0 }).find_map(|i| {
        let fits = inputs[i].dtype().size() == size;
        fits.then(|| data::take(&mut inputs[i])).flatten().map(|storage| (i, storage))
    });
    let (taken, mut storage) = match in_place {
        Some((i, storage)) => (Some(i), storage),
        None => (None, Storage::overwritten(n * size)),
    };
    let out = &mut storage.as_mut_slice::<u8>().expect("new, or nobody else holds it")[..n * size];
    if n == 0 {
        // Nothing to do.
    } else if n <= DIRECT && taken.is_none() && inputs.len() <= 3 && inputs.iter().all(is_contiguous) {
        let mut operands: [&[u8]; 3] = [&[]; 3];
        for (operand, x) in operands.iter_mut().zip(&inputs) {
            *operand = slice(x, n);
        }
        kernel(&operands[..inputs.len()], out);
    } else if n <= SMALL && inputs.len() <= 3 {
        small(n, &inputs, kernel, out);
    } else {
        let sources: SmallVec<[Source; 3]> = (inputs.iter().enumerate())
            .map(|(i, x)| if taken == Some(i) { Source::output(size) } else { Source::of(x, n) })
            .collect();
        let widest = sources.iter().map(|s| s.size).fold(size, usize::max);
        match n * widest <= LITTLE {
            true => chunk::<{ LITTLE / 8 }>(&sources, widest, size, 0, out, kernel),
            false => par::chunks(out, size, work, |first, out| {
                chunk::<{ TILE / 8 }>(&sources, widest, size, first, out, kernel);
            }),
        }
    }
    let layout = Layout::row_major(&ty.shape);
    data::value(ty, layout, storage)
}

/// Everything fits the values themselves: no buffer, no tile; and a value that nobody else holds is the output.
#[inline(always)]
fn inline(ty: TensorType, n: usize, mut inputs: Values, kernel: Kernel<'_>) -> Value {
    let mut out = [0u64; INLINE / 8];
    let mut operands: [&[u8]; 3] = [&[]; 3];
    for (operand, x) in operands.iter_mut().zip(&inputs) {
        *operand = slice(x, n);
    }
    kernel(&operands[..inputs.len()], &mut cast_slice_mut(&mut out)[..n * ty.dtype.size()]);
    for i in 0..inputs.len() {
        if inputs[i].dtype() == ty.dtype
            && let Some(CpuData { layout, storage: Storage::Inline(words) }) = inputs[i].data_mut()
            && layout.offset == 0
        {
            *words = out;
            return inputs.swap_remove(i);
        }
    }
    let layout = Layout::row_major(&ty.shape);
    data::value(ty, layout, Storage::Inline(out))
}

#[inline]
fn is_contiguous(x: &Value) -> bool {
    data::data(x).layout.is_contiguous(x.shape())
}

/// The bytes of a contiguous value's elements.
#[inline(always)]
fn slice(x: &Value, n: usize) -> &[u8] {
    let CpuData { layout, storage } = data::data(x);
    let size = x.dtype().size();
    &storage.bytes()[layout.offset * size..][..n * size]
}

/// A few elements: one call of the kernel, with small tiles.
fn small(n: usize, inputs: &[Value], kernel: Kernel<'_>, out: &mut [u8]) {
    let mut tiles = [[0u64; SMALL]; 3];
    for (x, tile) in inputs.iter().zip(&mut tiles) {
        let CpuData { layout, storage } = data::data(x);
        let nest = Nest::new(x.shape(), &[&layout.strides]);
        by_size!(x.dtype().size(), T => {
            let tile: &mut [T] = cast_slice_mut(tile);
            gather(storage.as_slice(), &nest.sizes, &nest.strides[0], layout.offset, 0, &mut tile[..n]);
        });
    }
    let mut operands: [&[u8]; 3] = [&[]; 3];
    for ((operand, tile), x) in operands.iter_mut().zip(&tiles).zip(inputs) {
        *operand = &cast_slice(tile)[..n * x.dtype().size()];
    }
    kernel(&operands[..inputs.len()], out);
}

/// Where an operand's elements come from.
struct Source<'a> {
    /// Bytes of an element.
    size: usize,
    from: From<'a>,
}

enum From<'a> {
    /// Row-major bytes.
    Slice(&'a [u8]),
    /// One element, everywhere.
    Constant(&'a [u8]),
    /// All of the storage, and loops over it.
    Strided { bytes: &'a [u8], nest: Nest, offset: usize },
    /// What the output holds before it is overwritten.
    Output,
}

impl<'a> Source<'a> {
    fn output(size: usize) -> Self {
        Source { size, from: From::Output }
    }

    fn of(x: &'a Value, n: usize) -> Self {
        let CpuData { layout, storage } = data::data(x);
        let (size, bytes) = (x.dtype().size(), storage.bytes());
        let from = if is_contiguous(x) {
            From::Slice(slice(x, n))
        } else if layout.is_constant(x.shape()) {
            From::Constant(&bytes[layout.offset * size..][..size])
        } else {
            let nest = Nest::new(x.shape(), &[&layout.strides]);
            From::Strided { bytes, nest, offset: layout.offset }
        };
        Source { size, from }
    }

    /// Elements up to the end of the row that `position` is in, where rows are long and can be read as they are.
    fn row_left(&self, position: usize, least: usize) -> usize {
        match &self.from {
            From::Strided { nest, .. } if nest.strides[0].last() == Some(&1) && nest.inner() >= least => {
                nest.inner() - position % nest.inner()
            }
            _ => usize::MAX,
        }
    }

    /// The elements from `position` on, in `tile` or where they lie side by side; `out` is not yet overwritten, and
    /// a constant fills the tile already.
    fn fill<'t>(&self, position: usize, out: &[u8], tile: &'t mut [u8]) -> &'t [u8]
    where
        'a: 't,
    {
        match &self.from {
            From::Slice(bytes) => return &bytes[position * self.size..][..tile.len()],
            From::Constant(_) => {}
            From::Output => tile.copy_from_slice(out),
            From::Strided { bytes, nest, offset } => {
                let (strides, inner) = (&nest.strides[0], nest.inner());
                let (outer, column) = (nest.sizes.len() - 1, position % inner);
                if strides[outer] == 1 && (column * self.size + tile.len()) <= inner * self.size {
                    let (sizes, outer_strides) = (&nest.sizes[..outer], &strides[..outer]);
                    let row = Odometer::at(sizes, [outer_strides], [*offset as isize], position / inner);
                    let start = row.offsets[0] as usize + column;
                    return &bytes[start * self.size..][..tile.len()];
                }
                by_size!(self.size, T => {
                    let (data, tile) = (cast_slice::<u8, T>(bytes), cast_slice_mut::<u8, T>(tile));
                    gather(data, &nest.sizes, strides, *offset, position, tile);
                })
            }
        }
        tile
    }
}

/// A piece of the output, from element `first` on, in tiles of so many words; no element is wider than `widest`.
fn chunk<const WORDS: usize>(
    sources: &[Source<'_>],
    widest: usize,
    size: usize,
    first: usize,
    out: &mut [u8],
    kernel: Kernel<'_>,
) {
    let n = out.len() / size;
    let scattered = sources.iter().filter(|s| !matches!(s.from, From::Slice(_))).count();
    let (mut one, mut three, mut many);
    let tiles: &mut [Tile<WORDS>] = match scattered {
        0 => &mut [],
        1 => {
            one = [Tile([0; WORDS]); 1];
            &mut one
        }
        2 | 3 => {
            three = [Tile([0; WORDS]); 3];
            &mut three
        }
        _ => {
            many = vec![Tile([0; WORDS]); scattered];
            &mut many
        }
    };
    let most = if scattered == 0 { n } else { WORDS * 8 / widest };
    let needing = sources.iter().filter(|s| !matches!(s.from, From::Slice(_)));
    for (source, tile) in needing.zip(tiles.iter_mut()) {
        if let From::Constant(element) = source.from {
            by_size!(source.size, T => {
                let element: T = bytemuck::pod_read_unaligned(element);
                cast_slice_mut::<u64, T>(&mut tile.0)[..most.min(n)].fill(element);
            });
        }
    }
    let mut start = 0;
    while start < n {
        let row = sources.iter().map(|s| s.row_left(first + start, most / 4)).min().unwrap_or(usize::MAX);
        let len = most.min(n - start).min(row);
        let out = &mut out[start * size..(start + len) * size];
        let mut free = tiles.iter_mut();
        let operands: SmallVec<[&[u8]; 3]> = (sources.iter())
            .map(|source| {
                if let From::Slice(bytes) = source.from {
                    return &bytes[(first + start) * source.size..][..len * source.size];
                }
                let tile = free.next().expect("there is one for each that is not a slice");
                source.fill(first + start, out, &mut cast_slice_mut(&mut tile.0)[..len * source.size])
            })
            .collect();
        kernel(&operands, out);
        start += len;
    }
}

/// Copies elements in row-major order from the `first` on; `data` is all of the storage.
pub fn gather<T: Pod>(
    data: &[T],
    sizes: &[usize],
    strides: &[isize],
    offset: usize,
    first: usize,
    mut out: &mut [T],
) {
    if out.is_empty() {
        return;
    }
    let outer = sizes.len() - 1;
    let (inner, step) = (sizes[outer], strides[outer]);
    let mut rows = Odometer::at(&sizes[..outer], [&strides[..outer]], [offset as isize], first / inner);
    let mut column = first % inner;
    while !out.is_empty() {
        let n = out.len().min(inner - column);
        let (row, rest) = out.split_at_mut(n);
        let start = rows.offsets[0] + column as isize * step;
        match step {
            1 => row.copy_from_slice(&data[start as usize..start as usize + n]),
            0 => row.fill(data[start as usize]),
            _ => {
                for (i, x) in row.iter_mut().enumerate() {
                    *x = data[(start + i as isize * step) as usize];
                }
            }
        }
        (out, column) = (rest, 0);
        rows.advance();
    }
}

/// The loop of a kernel with one operand.
#[inline(always)]
pub fn map1<T: Pod, U: Pod>(x: &[&[u8]], out: &mut [u8], f: impl Fn(T) -> U) {
    let (x, out) = (cast_slice::<u8, T>(x[0]), cast_slice_mut::<u8, U>(out));
    for (o, &x) in out.iter_mut().zip(x) {
        *o = f(x);
    }
}

/// The loop of a kernel with two operands.
#[inline(always)]
pub fn map2<T: Pod, U: Pod>(x: &[&[u8]], out: &mut [u8], f: impl Fn(T, T) -> U) {
    let (a, b) = (cast_slice::<u8, T>(x[0]), cast_slice::<u8, T>(x[1]));
    let out = cast_slice_mut::<u8, U>(out);
    for ((o, &a), &b) in out.iter_mut().zip(a).zip(b) {
        *o = f(a, b);
    }
}

/// The loop of a kernel with three operands.
#[inline(always)]
pub fn map3<S: Pod, T: Pod>(x: &[&[u8]], out: &mut [u8], f: impl Fn(S, T, T) -> T) {
    let (a, b, c) = (cast_slice::<u8, S>(x[0]), cast_slice::<u8, T>(x[1]), cast_slice::<u8, T>(x[2]));
    let out = cast_slice_mut::<u8, T>(out);
    for (((o, &a), &b), &c) in out.iter_mut().zip(a).zip(b).zip(c) {
        *o = f(a, b, c);
    }
}
