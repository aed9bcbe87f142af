//! The driver of everything element-wise: any number of operands of one shape, one contiguous output, a formula.
//!
//! A formula becomes a program once for each set of element types and of operands that repeat along the innermost
//! loop; the program is found again by a key. Dimensions that all operands step through alike are one loop. An operand
//! whose innermost stride is neither 0 nor 1 is copied in order first; a short innermost loop with a repeated operand
//! is made longer by repeating that operand in memory. Where an input's buffer is held by nobody else it becomes the
//! output. Operations that no vector unit has (64-bit division, `fmod`) are loops over slices: [`run_loop`].

use crate::data::{self, CpuData};
use crate::dispatch::by_size;
use crate::kernel::cache::{Key, eager};
use crate::kernel::launch::{self, Operand, launch};
use crate::kernel::{Builder, Kernel, Program, V, Width, cast};
use crate::layout::{Layout, Nest, Strides};
use crate::par;
use crate::pool::{self, Scratch};
use crate::storage::{INLINE, Storage};
use bytemuck::{Pod, cast_slice, cast_slice_mut};
use plywood_core::{DType, TensorType, Value, Values};
use smallvec::SmallVec;
use std::ops::Deref;

/// What an operation computes, element by element.
#[derive(Clone, Copy)]
pub struct Formula<'f> {
    /// Tells it from other operations.
    pub code: Code,
    /// Tells it from the same operation with other attributes.
    pub attribute: u32,
    /// The narrowest lanes it can be computed in.
    pub width: Width,
    /// The value to store, of those that were loaded.
    pub of: &'f dyn Lanes,
}

/// A function of values in lanes.
pub trait Lanes: for<'b> Fn(&[V<'b>]) -> V<'b> {}
impl<F: for<'b> Fn(&[V<'b>]) -> V<'b>> Lanes for F {}

/// A family of formulas and a number in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub Family, pub u8);

/// The families whose formulas are found by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Of one operand.
    Unary,
    /// Of two operands.
    Binary,
    /// Of bits.
    Bits,
    /// Comparisons.
    Compare,
    /// Choices, clamping.
    Select,
    /// Casts.
    Cast,
    /// Reductions.
    Reduce,
    /// Random numbers.
    Random,
}

impl<'f> Formula<'f> {
    /// One without attributes, in the elements' own lanes.
    pub fn new(family: Family, number: u8, of: &'f impl Lanes) -> Self {
        Formula { code: Code(family, number), attribute: 0, width: Width::W32, of }
    }

    /// What its kernel is found by, for operands of these types, some of them splat.
    #[inline]
    fn key(&self, out: DType, inputs: &[Value], splats: u32) -> Key {
        let mut types = out as u64;
        for x in inputs {
            types = types << 4 | x.dtype() as u64;
        }
        // 32 bits of attribute, 8 of the number, 3 of the family, 4 of splats, and four bits for each of at most four
        // types, below a bit that tells how many there are.
        let types = types | 1 << (4 * (inputs.len() + 1));
        let code = (self.code.0 as u64) << 8 | self.code.1 as u64;
        Key(self.attribute as u64 | code << 32 | (splats as u64) << 43 | types << 47)
    }

    fn program(&self, out: DType, dtypes: &[DType], splats: u32) -> Program {
        let width = dtypes.iter().map(|&d| Width::of(d)).fold(self.width.max(Width::of(out)), Width::max);
        let b = Builder::new(width);
        {
            let x: SmallVec<[V<'_>; 3]> = (dtypes.iter().enumerate())
                .map(|(i, &dtype)| if splats >> i & 1 == 1 { b.splat(dtype) } else { b.input(dtype) })
                .collect();
            cast::output(&b, out, (self.of)(&x));
        }
        b.finish()
    }

    #[inline]
    fn kernel(&self, out: DType, inputs: &[Value], splats: u32) -> &'static Kernel {
        eager(self.key(out, inputs, splats), || {
            let dtypes: SmallVec<[DType; 3]> = inputs.iter().map(|x| x.dtype()).collect();
            self.program(out, &dtypes, splats)
        })
    }
}

/// The most operands of a formula.
const OPERANDS: usize = 3;

/// Runs a formula over `inputs`, all of the output's shape.
#[inline]
pub fn run(ty: TensorType, mut inputs: Values, formula: Formula<'_>) -> Value {
    assert!(inputs.len() <= OPERANDS, "formulas have up to three operands");
    let (n, size) = (ty.elements(), ty.dtype.size());
    if ty.rank() == 0 || (n * size <= INLINE && inputs.iter().all(|x| is_inline(x, n))) {
        return inline(ty, n, inputs, formula);
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
    if n > 0 {
        fill(&ty, &inputs, taken, formula, out);
    }
    let layout = Layout::row_major(&ty.shape);
    data::value(ty, layout, storage)
}

/// Up to so many elements nothing is worth setting up.
const SMALL: usize = 16;

/// Computes all of the output; the operand `taken` is in it already.
fn fill(ty: &TensorType, inputs: &[Value], taken: Option<usize>, formula: Formula<'_>, out: &mut [u8]) {
    let n = ty.elements();
    let simple = |(i, x): (usize, &Value)| {
        let layout = &data::data(x).layout;
        match taken == Some(i) || layout.is_contiguous(x.shape()) {
            true => Some(0),
            false => layout.is_constant(x.shape()).then_some(1u32 << i),
        }
    };
    let splats = inputs.iter().enumerate().map(simple).try_fold(0, |all, one| Some(all | one?));
    if let Some(splats) = splats {
        let kernel = formula.kernel(ty.dtype, inputs, splats);
        let operands: SmallVec<[Option<&[u8]>; OPERANDS]> = (inputs.iter().enumerate())
            .map(|(i, x)| (taken != Some(i)).then(|| elements(x, if splats >> i & 1 == 1 { 1 } else { n })))
            .collect();
        return launch::flat(kernel, n, &operands, out);
    }
    strided(ty, inputs, taken, formula, out);
}

/// The bytes of the first `n` elements of a value that lie side by side.
#[inline]
fn elements(x: &Value, n: usize) -> &[u8] {
    let CpuData { layout, storage } = data::data(x);
    let size = x.dtype().size();
    &storage.bytes()[layout.offset * size..][..n * size]
}

/// An operand's own bytes, or a copy.
pub(crate) enum Bytes<'a> {
    /// Its own.
    Own(&'a [u8]),
    /// Copied in order.
    Copy(Scratch),
}

impl Deref for Bytes<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Bytes::Own(bytes) => bytes,
            Bytes::Copy(copy) => copy,
        }
    }
}

/// What an operand is, once it has innermost strides of 0 or 1.
pub(crate) struct Source<'a> {
    pub bytes: Bytes<'a>,
    /// Elements.
    pub offset: usize,
    pub strides: Strides,
    pub size: usize,
}

/// The operand, copied where it steps through its innermost elements by more than one.
pub(crate) fn source<'a>(x: &'a Value, row_major: &[isize]) -> Source<'a> {
    let CpuData { layout, storage } = data::data(x);
    let size = x.dtype().size();
    let nest = Nest::new(x.shape(), &[&layout.strides, row_major]);
    if matches!(nest.strides[0].last(), Some(0 | 1)) {
        let bytes = Bytes::Own(storage.bytes());
        return Source { bytes, offset: layout.offset, strides: layout.strides.clone(), size };
    }
    // Only what is there once: an axis that repeats goes on repeating.
    let shape: SmallVec<[usize; 4]> =
        x.shape().iter().zip(&layout.strides).map(|(&n, &s)| if s == 0 { 1 } else { n }).collect();
    let mut strides = crate::layout::row_major(&shape);
    strides.iter_mut().zip(&layout.strides).filter(|(_, s)| **s == 0).for_each(|(new, _)| *new = 0);
    let n = shape.iter().product::<usize>();
    let mut copy = pool::scratch(n * size);
    by_size!(size, T => {
        let view = data::View::<T> {
            data: storage.as_slice(),
            shape: &shape,
            strides: &layout.strides,
            offset: layout.offset,
        };
        view.copy_into(&mut copy.as_mut_slice::<T>()[..n]);
    });
    Source { bytes: Bytes::Copy(copy), offset: 0, strides, size }
}

/// Operands of any strides.
fn strided(ty: &TensorType, inputs: &[Value], taken: Option<usize>, formula: Formula<'_>, out: &mut [u8]) {
    let (shape, size) = (&ty.shape, ty.dtype.size());
    let row_major = crate::layout::row_major(shape);
    let sources: SmallVec<[Option<Source<'_>>; OPERANDS]> =
        (inputs.iter().enumerate()).map(|(i, x)| (taken != Some(i)).then(|| source(x, &row_major))).collect();
    let mut all: SmallVec<[&[isize]; OPERANDS + 1]> =
        sources.iter().flatten().map(|s| &s.strides[..]).collect();
    all.push(&row_major);
    let nest = Nest::new(shape, &all);
    let mut strides = nest.strides.iter();
    let inner: SmallVec<[Strides; OPERANDS]> = sources
        .iter()
        .map(|s| match s {
            Some(_) => strides.next().expect("one for each").clone(),
            None => nest.strides.last().expect("the output's").clone(),
        })
        .collect();
    let last = nest.sizes.len() - 1;
    let splats = (0..inputs.len()).filter(|&i| inner[i][last] == 0).fold(0, |all, i| all | 1 << i);
    let kernel = formula.kernel(ty.dtype, inputs, splats);
    let in_bytes =
        |strides: &[isize], size: usize| strides.iter().map(|s| s * size as isize).collect::<Strides>();
    let out_strides = in_bytes(nest.strides.last().expect("the output's"), size);
    let output = Operand::write(out, 0, &nest.sizes, &out_strides, size);
    let mut operands: SmallVec<[Operand<'_>; OPERANDS + 1]> = (sources.iter().zip(&inner))
        .map(|(source, strides)| match source {
            None => output.alias(),
            Some(s) => {
                let strides = in_bytes(strides, s.size);
                Operand::read(&s.bytes, s.offset * s.size, &nest.sizes, &strides, s.size)
            }
        })
        .collect();
    operands.push(output);
    launch(kernel, &nest.sizes, &operands, 0, 1);
}

#[inline]
fn is_inline(x: &Value, n: usize) -> bool {
    let CpuData { layout, .. } = data::data(x);
    n * x.dtype().size() <= INLINE && layout.is_contiguous(x.shape())
}

/// Everything fits the values themselves: no buffer; and a value that nobody else holds is the output.
#[inline(always)]
fn inline(ty: TensorType, n: usize, mut inputs: Values, formula: Formula<'_>) -> Value {
    let kernel = formula.kernel(ty.dtype, &inputs, 0);
    let mut out = [0u64; INLINE / 8];
    let mut operands: [&[u8]; OPERANDS] = [&[]; OPERANDS];
    for (operand, x) in operands.iter_mut().zip(&inputs) {
        *operand = elements(x, n);
    }
    launch::small(kernel, n, &operands[..inputs.len()], cast_slice_mut(&mut out));
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

/// A loop over slices of equal length: reads each operand's bytes, writes the output's.
pub type Loop<'a> = &'a (dyn Fn(&[&[u8]], &mut [u8]) + Sync);

/// Runs a loop over `inputs`, all of the output's shape; an element takes about `work` nanoseconds.
pub fn run_loop(ty: TensorType, inputs: Values, work: f64, kernel: Loop<'_>) -> Value {
    let inputs: SmallVec<[Value; 3]> = inputs.into_iter().map(data::contiguous).collect();
    let (n, size) = (ty.elements(), ty.dtype.size());
    let operands: SmallVec<[&[u8]; 3]> = inputs.iter().map(|x| elements(x, n)).collect();
    let mut storage = Storage::overwritten(n * size);
    let out = &mut storage.as_mut_slice::<u8>().expect("it is new")[..n * size];
    par::chunks(out, size, work, |first, out| {
        let len = out.len() / size;
        let part: SmallVec<[&[u8]; 3]> = (operands.iter().zip(&inputs))
            .map(|(bytes, x)| &bytes[first * x.dtype().size()..][..len * x.dtype().size()])
            .collect();
        kernel(&part, out);
    });
    let layout = Layout::row_major(&ty.shape);
    data::value(ty, layout, storage)
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
