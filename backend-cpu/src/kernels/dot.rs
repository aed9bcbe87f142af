//! The contraction of two tensors, as matrix products.
//!
//! The axes of both operands are put in groups (batch, rows, contracted, columns). A group that steps through memory
//! with one stride is one axis of a matrix, whatever the order of axes: transposed views cost nothing. Only an operand
//! with a group that does not is copied. What is left are `batches` products of m x k and k x n matrices:
//! * a column and a row, where nothing is summed, are multiplied element by element ([`outer`]);
//! * floats go to [`crate::gemm`]; f16 and bf16 are summed as f32 and rounded once ([`half`]);
//! * of a batch of small products only pointers change ([`Small`]);
//! * a matrix and a vector go to loops ([`loops`]), which share the rows;
//! * integers go through a plain loop, and wrap; any other pair of types is cast first.
//!
//! What always holds: no sum depends on the number of threads.

mod half;
mod loops;
pub mod slices;
#[cfg(test)]
mod tests;

use crate::data::{CpuData, View, data, output, overwritten, value};
use crate::dispatch::integers;
use crate::gemm::portable::Gemm;
use crate::gemm::{Finish, Input, Matrix, Rounded, Small, Widen, multiply, multiply_then};
use crate::kernel::target::Target;
use crate::layout::{Layout, Nest, Odometer, Strides, row_major};
use crate::math::Num;
use crate::par;
use ::half::{bf16, f16};
use bytemuck::Pod;
use loops::{gemv, plain};
use plywood_core::op::{Binary, Dot};
use plywood_core::shape::Axes;
use plywood_core::{DType, TensorType, Value, Values};
use smallvec::{SmallVec, smallvec};
use std::borrow::Cow;

/// Nanoseconds that one multiplication and addition of a large product takes on one thread, about.
const GEMM: f64 = 0.02;
/// Products of fewer multiplications than this are done in place: `gemm`'s preparations would cost more.
const TINY: usize = 512;
/// Products of fewer multiplications than this stay on one thread: waking another would cost more.
const SERIAL: usize = 128 * 128 * 128;

/// Inputs: left and right operand.
pub fn dot(ty: TensorType, mut x: Values, dot: &Dot) -> Value {
    let from = x[0].dtype();
    let half = matches!(from, DType::F16 | DType::BF16);
    if from != dot.dtype && !(half && dot.dtype != DType::F64) {
        for value in &mut x {
            let wide = value.ty().with_dtype(dot.dtype);
            *value = super::cast::cast(wide, smallvec![value.clone()]);
        }
    }
    // (Small ones are done before two views are made.)
    let summed: usize = dot.lhs_contracting.iter().map(|&d| x[0].shape()[d]).product();
    if summed == 1 && x[0].dtype() == dot.dtype && ty.elements() > TINY {
        return outer(ty, &x, dot);
    }
    if is_plain(&x, dot) {
        return match dot.dtype {
            DType::F32 => plainly::<f32>(ty, &x),
            _ => plainly::<f64>(ty, &x),
        };
    }
    match (x[0].dtype(), dot.dtype) {
        (DType::F32, _) => overwritten::<f32>(ty, |out| Problem::new(&x, dot).run(out)),
        (DType::F64, _) => overwritten::<f64>(ty, |out| Problem::new(&x, dot).run(out)),
        (DType::F16, DType::F16) => output::<f16>(ty, |out| half::run::<f16, _>(&Problem::new(&x, dot), out)),
        (DType::F16, DType::BF16) => {
            output::<bf16>(ty, |out| half::run::<f16, _>(&Problem::new(&x, dot), out))
        }
        (DType::F16, _) => output::<f32>(ty, |out| half::run::<f16, _>(&Problem::new(&x, dot), out)),
        (DType::BF16, DType::BF16) => {
            output::<bf16>(ty, |out| half::run::<bf16, _>(&Problem::new(&x, dot), out))
        }
        (DType::BF16, DType::F16) => {
            output::<f16>(ty, |out| half::run::<bf16, _>(&Problem::new(&x, dot), out))
        }
        (DType::BF16, _) => output::<f32>(ty, |out| half::run::<bf16, _>(&Problem::new(&x, dot), out)),
        (integer, _) => integers!(integer, T => output::<T>(ty, |out| Problem::<T>::new(&x, dot).run(out))),
    }
}

/// Whether it is the product of two matrices of f32 or f64, however they lie: then there are no axes to be sorted.
fn is_plain(x: &Values, dot: &Dot) -> bool {
    let float = matches!(dot.dtype, DType::F32 | DType::F64) && x[0].dtype() == dot.dtype;
    float
        && (x[0].rank(), x[1].rank()) == (2, 2)
        && (&dot.lhs_contracting[..], &dot.rhs_contracting[..]) == (&[1], &[0])
        && x[0].ty().elements() > 0
        && x[1].ty().elements() > 0
}

fn plainly<T: Multiply>(ty: TensorType, x: &Values) -> Value {
    let size = [x[0].shape()[0], x[0].shape()[1], x[1].shape()[1]];
    overwritten::<T>(ty, |out| {
        let [x, y] = [&x[0], &x[1]].map(|x| {
            let CpuData { layout, storage } = data(x);
            let (rows, columns) = (layout.strides[0], layout.strides[1]);
            Matrix { data: storage.as_slice::<T>(), offset: layout.offset as isize, rows, columns }
        });
        single(size, out, x, y);
    })
}

/// The products of which none is summed with another, as of every column with every row in `x yᵀ`: operands that repeat
/// along each other's axes are multiplied element by element, so that the output is written once, past the caches where
/// it is large.
fn outer(ty: TensorType, x: &Values, dot: &Dot) -> Value {
    let (rows, columns) = (dot.lhs_free(x[0].rank()), dot.rhs_free(x[1].rank()));
    let repeated = |x: &Value, batch: &[usize], free: &[usize], first: usize| {
        let CpuData { layout, storage } = data(x);
        let mut strides = Strides::from_elem(0, ty.rank());
        for (to, &d) in (0..batch.len()).chain(first..).zip(batch.iter().chain(free)) {
            strides[to] = layout.strides[d];
        }
        value(ty.clone(), Layout { strides, offset: layout.offset }, storage.clone())
    };
    let batch = dot.lhs_batch.len();
    let x = smallvec![
        repeated(&x[0], &dot.lhs_batch, &rows, batch),
        repeated(&x[1], &dot.rhs_batch, &columns, batch + rows.len()),
    ];
    super::binary::binary(ty, x, Binary::Mul)
}

/// A single product of f32 or f64 whose operands, if they lie in order, are matrices: worked out once for all products of a plan.
pub struct Ready {
    size: [usize; 3],
    /// Of each operand the strides of rows and columns.
    x: [isize; 2],
    y: [isize; 2],
}

impl Ready {
    /// Of operands of these types.
    pub fn new(x: &TensorType, y: &TensorType, dot: &Dot) -> Option<Ready> {
        let float = matches!(x.dtype, DType::F32 | DType::F64) && x.dtype == dot.dtype;
        let single = dot.lhs_batch.iter().all(|&d| x.shape[d] == 1);
        let [rows, columns] = [dot.lhs_free(x.rank()), dot.rhs_free(y.rank())];
        let size = |ty: &TensorType, axes: &[usize]| axes.iter().map(|&d| ty.shape[d]).product::<usize>();
        let [m, k, n] = [size(x, &rows), size(x, &dot.lhs_contracting), size(y, &columns)];
        if !float || !single || m * k * n == 0 || k == 1 && m * n > TINY {
            return None;
        }
        let of = |ty: &TensorType, axes: &[usize]| stride(&ty.shape, &row_major(&ty.shape), axes);
        let x = [of(x, &rows)?, of(x, &dot.lhs_contracting)?];
        let y = [of(y, &dot.rhs_contracting)?, of(y, &columns)?];
        Some(Ready { size: [m, k, n], x, y })
    }

    /// The product; none where an operand does not lie in order.
    pub fn run(&self, ty: &TensorType, x: &[Value]) -> Option<Value> {
        let in_order = |x: &Value| data(x).layout.is_contiguous(x.shape());
        (in_order(&x[0]) && in_order(&x[1])).then(|| match ty.dtype {
            DType::F32 => self.of::<f32>(ty.clone(), x),
            _ => self.of::<f64>(ty.clone(), x),
        })
    }

    fn of<T: Multiply>(&self, ty: TensorType, x: &[Value]) -> Value {
        overwritten::<T>(ty, |out| {
            let [x, y] = [(&x[0], self.x), (&x[1], self.y)].map(|(x, [rows, columns])| {
                let CpuData { layout, storage } = data(x);
                Matrix { data: storage.as_slice::<T>(), offset: layout.offset as isize, rows, columns }
            });
            single(self.size, out, x, y);
        })
    }
}

/// Clears an output that a product is added to.
fn blank<T: Multiply>([m, k, n]: [usize; 3], out: &mut [T]) {
    if !(m > 1 && n > 1 && T::overwrites([m, k, n])) {
        par::chunks(out, 1, 0.1 * size_of::<T>() as f64 / 4.0, |_, out| out.fill(T::zeroed()));
    }
}

/// A product alone.
fn single<T: Multiply>(size: [usize; 3], out: &mut [T], x: Matrix<'_, T>, y: Matrix<'_, T>) {
    let [m, k, n] = size;
    if m > 1
        && n > 1
        && m * k * n > TINY
        && let Some(small) = T::small(size, x, y)
    {
        return small.multiply(out, x, y);
    }
    blank(size, out);
    product(size, out, x, y, true);
}

/// One product, to an output that [`blank`] has seen.
fn product<T: Multiply>(size: [usize; 3], out: &mut [T], x: Matrix<'_, T>, y: Matrix<'_, T>, threads: bool) {
    let [_, k, _] = size;
    match size {
        [_, _, 1] => gemv(out, k, x, y, threads),
        [1, _, _] => gemv(out, k, y.transposed(), x.transposed(), threads),
        _ => T::multiply(size, out, x, y, threads),
    }
}

/// The rows and columns of a contraction whose sums can be given on tile by tile ([`then`]): one product, not a small one, of
/// f32 or f64.
pub fn tiled(x: &Values, dot: &Dot) -> Option<[usize; 2]> {
    if !matches!(x[0].dtype(), DType::F32 | DType::F64) || x[0].dtype() != dot.dtype {
        return None;
    }
    let size = |x: &Value, axes: &[usize]| axes.iter().map(|&d| x.shape()[d]).product::<usize>();
    let m = size(&x[0], &dot.lhs_free(x[0].rank()));
    let n = size(&x[1], &dot.rhs_free(x[1].rank()));
    let k = size(&x[0], &dot.lhs_contracting);
    let fits = size(&x[0], &dot.lhs_batch) == 1 && m > 1 && n > 1 && k > 1 && m * k * n > TINY;
    let emitted = Target::current() != Target::Portable;
    (fits && emitted).then_some([m, n])
}

/// Gives the sums of a contraction that is [`tiled`] to a function, tile by tile: the place, the numbers of rows and columns,
/// the elements.
pub fn then(x: &Values, dot: &Dot, take: &(dyn Fn([usize; 2], [usize; 2], &[u8]) + Sync)) -> bool {
    fn of<T: Multiply + Input<T> + Rounded<T>>(
        x: &Values,
        dot: &Dot,
        take: &(dyn Fn([usize; 2], [usize; 2], &[u8]) + Sync),
    ) -> bool {
        let problem = Problem::<T>::new(x, dot);
        let Some((x, y)) = problem.matrices(0).next() else { return false };
        let bytes = |place: [usize; 2], shape: [usize; 2], sums: &[T]| {
            take(place, shape, bytemuck::cast_slice(sums));
        };
        let [m, k, n] = [problem.m, problem.k, problem.n];
        multiply_then(Target::current(), [m, k, n], x, y, &bytes, true)
    }
    match dot.dtype {
        DType::F32 => of::<f32>(x, dot, take),
        _ => of::<f64>(x, dot, take),
    }
}

/// One operand: a matrix for each batch.
struct Operand<'a, T: Pod> {
    data: Cow<'a, [T]>,
    offset: isize,
    batch: Strides,
    rows: isize,
    columns: isize,
}

impl<'a, T: Pod + Send + Sync> Operand<'a, T> {
    /// The operand with these groups of axes; copied in this order where a group has no single stride.
    fn new(view: View<'a, T>, batch: &[usize], rows: &[usize], columns: &[usize]) -> Self {
        let pick = |axes: &[usize]| -> Strides { axes.iter().map(|&d| view.strides[d]).collect() };
        if let (Some(r), Some(c)) =
            (stride(view.shape, view.strides, rows), stride(view.shape, view.strides, columns))
        {
            let data = Cow::Borrowed(view.data);
            return Operand { data, offset: view.offset as isize, batch: pick(batch), rows: r, columns: c };
        }
        let order: Axes = batch.iter().chain(rows).chain(columns).copied().collect();
        let shape: Axes = order.iter().map(|&d| view.shape[d]).collect();
        let turned = View { data: view.data, shape: &shape, strides: &pick(&order), offset: view.offset };
        let mut copy = vec![T::zeroed(); shape.iter().product()];
        turned.copy_into(&mut copy);
        let strides = row_major(&shape);
        let columns = shape[batch.len() + rows.len()..].iter().product::<usize>() as isize;
        Operand {
            data: Cow::Owned(copy),
            offset: 0,
            batch: strides[..batch.len()].into(),
            rows: columns,
            columns: 1,
        }
    }

    fn matrix(&self, offset: isize) -> Matrix<'_, T> {
        Matrix { data: &self.data, offset, rows: self.rows, columns: self.columns }
    }
}

/// The stride of these axes taken as one; `None` where there is no single one.
fn stride(shape: &[usize], strides: &[isize], axes: &[usize]) -> Option<isize> {
    if let [d] = axes {
        return Some(strides[*d]);
    }
    let sizes: Axes = axes.iter().map(|&d| shape[d]).collect();
    let steps: Strides = axes.iter().map(|&d| strides[d]).collect();
    let nest = Nest::new(&sizes, &[&steps]);
    (nest.sizes.len() == 1 || sizes.contains(&0)).then(|| nest.strides[0][0])
}

/// A contraction as products of m x k and k x n matrices.
struct Problem<'a, T: Pod> {
    x: Operand<'a, T>,
    y: Operand<'a, T>,
    m: usize,
    k: usize,
    n: usize,
    batches: usize,
    nest: Nest,
}

impl<'a, T: Pod + Send + Sync> Problem<'a, T> {
    fn new(inputs: &'a Values, dot: &Dot) -> Self {
        Problem::of(View::of(&inputs[0]), View::of(&inputs[1]), dot)
    }

    fn of(x: View<'a, T>, y: View<'a, T>, dot: &Dot) -> Self {
        let (rows, columns) = (dot.lhs_free(x.shape.len()), dot.rhs_free(y.shape.len()));
        let [over_x, over_y] = contracted(x, y, dot);
        let size = |shape: &[usize], axes: &[usize]| axes.iter().map(|&d| shape[d]).product::<usize>();
        let (m, k, n) = (size(x.shape, &rows), size(x.shape, &over_x), size(y.shape, &columns));
        let batch: Axes = dot.lhs_batch.iter().map(|&d| x.shape[d]).collect();
        let x = Operand::new(x, &dot.lhs_batch, &rows, &over_x);
        let y = Operand::new(y, &dot.rhs_batch, &over_y, &columns);
        let nest = Nest::new(&batch, &[&x.batch, &y.batch]);
        Problem { x, y, m, k, n, batches: batch.iter().product(), nest }
    }

    /// The operands of the batches from one on.
    fn matrices(&self, first: usize) -> impl Iterator<Item = (Matrix<'_, T>, Matrix<'_, T>)> {
        let strides = [&self.nest.strides[0][..], &self.nest.strides[1][..]];
        let mut at = Odometer::at(&self.nest.sizes, strides, [self.x.offset, self.y.offset], first);
        (first..self.batches).map(move |_| {
            let [x, y] = at.offsets;
            at.advance();
            (self.x.matrix(x), self.y.matrix(y))
        })
    }

    /// Calls `product` for every batch with its part of the output, and whether threads may share the work. `work` is
    /// what one batch takes, in nanoseconds.
    fn batches<O: bytemuck::Pod>(
        &self,
        out: &mut [O],
        work: f64,
        product: impl Fn(&mut [O], Matrix<'_, T>, Matrix<'_, T>, bool) + Sync,
    ) {
        let size = self.m * self.n;
        if out.is_empty() || self.k == 0 {
            return;
        }
        let few = self.batches < 2 * par::threads() && work > 1e6;
        if self.batches == 1 || few {
            for (out, (x, y)) in out.chunks_mut(size).zip(self.matrices(0)) {
                product(out, x, y, true);
            }
            return;
        }
        par::chunks(out, size, work, |first, out| {
            for (out, (x, y)) in out.chunks_mut(size).zip(self.matrices(first)) {
                product(out, x, y, false);
            }
        });
    }
}

impl<T: Multiply> Problem<'_, T> {
    /// Writes all products; `out` may hold anything at first.
    fn run(&self, out: &mut [T]) {
        let size = [self.m, self.k, self.n];
        let [m, k, n] = size.map(|n| n as f64);
        let work = 20.0 + m * n * k * T::WORK + (m * k + k * n) * 0.1;
        if let Some((small, turned)) = self.small() {
            return self.batches(out, work, |out, x, y, _| match turned {
                true => small.multiply(out, y.transposed(), x.transposed()),
                false => small.multiply(out, x, y),
            });
        }
        blank(size, out);
        self.batches(out, work, |out, x, y, threads| product(size, out, x, y, threads));
    }

    /// What multiplies a small product, or each of a batch of them, and whether it is the transposed ones that it does: a row and a
    /// matrix are a matrix and a column.
    fn small(&self) -> Option<(Small<T>, bool)> {
        let [m, k, n] = [self.m, self.k, self.n];
        if self.batches == 0 || self.batches == 1 && (m == 1 || n == 1 || m * k * n <= TINY) {
            return None;
        }
        let (x, y) = self.matrices(0).next()?;
        match (m, n) {
            // Of a column kernels fill one lane: longer ones are faster by loops.
            (_, 1) if m * k > TINY => None,
            (1, _) if y.columns == 1 || n == 1 => Some((T::small([1, k, n], x, y)?, false)),
            (1, _) if k * n > TINY => None,
            (1, _) => Some((T::small([n, k, 1], y.transposed(), x.transposed())?, true)),
            _ => Some((T::small([m, k, n], x, y)?, false)),
        }
    }
}

/// A number with a product of matrices that have at least two rows and two columns.
trait Multiply: Num + Widen<Self> {
    /// Nanoseconds of one multiplication and addition.
    const WORK: f64;
    /// Whether `multiply` overwrites the output, so that it need not be zero.
    fn overwrites(size: [usize; 3]) -> bool;
    /// What multiplies many small matrices of this size and these strides, where there is such a thing.
    fn small(_: [usize; 3], _: Matrix<'_, Self>, _: Matrix<'_, Self>) -> Option<Small<Self>> {
        None
    }
    /// Adds the product to `out`, which is zero, or overwrites it.
    fn multiply(size: [usize; 3], out: &mut [Self], x: Matrix<'_, Self>, y: Matrix<'_, Self>, threads: bool);
}

macro_rules! floats { ($($T:ty)*) => { $( impl Multiply for $T {
    const WORK: f64 = GEMM * size_of::<$T>() as f64 / 4.0;
    fn overwrites([m, k, n]: [usize; 3]) -> bool {
        m * k * n > TINY
    }
    fn small(size: [usize; 3], x: Matrix<'_, Self>, y: Matrix<'_, Self>) -> Option<Small<Self>> {
        Small::new(Target::current(), size, x, y)
    }
    fn multiply(size: [usize; 3], out: &mut [Self], x: Matrix<'_, Self>, y: Matrix<'_, Self>, threads: bool) {
        let [m, k, n] = size;
        if m * k * n <= TINY {
            return plain(size, out, x, y, false);
        }
        if !multiply(Target::current(), size, out, n, x, y, Finish::None, threads) {
            <$T>::gemm(size, out, n, false, x, y, threads && m * k * n > SERIAL);
        }
    }
} )* } }
floats!(f32 f64);

macro_rules! integers_multiply { ($($T:ty)*) => { $( impl Multiply for $T {
    const WORK: f64 = 0.1;
    fn overwrites(_: [usize; 3]) -> bool {
        false
    }
    fn multiply(size: [usize; 3], out: &mut [Self], x: Matrix<'_, Self>, y: Matrix<'_, Self>, threads: bool) {
        plain(size, out, x, y, threads);
    }
} )* } }
integers_multiply!(i64 i32 i16 i8 u64 u32 u16 u8);

/// The contracted axes of both operands, in the common order in which the fewest elements need a copy.
fn contracted<T>(x: View<'_, T>, y: View<'_, T>, dot: &Dot) -> [Axes; 2] {
    let pairs: SmallVec<[(usize, usize); 4]> =
        dot.lhs_contracting.iter().copied().zip(dot.rhs_contracting.iter().copied()).collect();
    let axes = |pairs: &[(usize, usize)]| -> [Axes; 2] {
        [pairs.iter().map(|p| p.0).collect(), pairs.iter().map(|p| p.1).collect()]
    };
    if pairs.len() < 2 {
        return axes(&pairs);
    }
    let (mut by_x, mut by_y) = (pairs.clone(), pairs.clone());
    by_x.sort_by_key(|&(d, _)| std::cmp::Reverse(x.strides[d].unsigned_abs()));
    by_y.sort_by_key(|&(_, d)| std::cmp::Reverse(y.strides[d].unsigned_abs()));
    let cost = |view: &View<'_, T>, axes: &[usize]| match stride(view.shape, view.strides, axes) {
        Some(_) => 0,
        None => view.shape.iter().product(),
    };
    let orders = [axes(&pairs), axes(&by_x), axes(&by_y)];
    orders.into_iter().min_by_key(|[a, b]| cost(&x, a) + cost(&y, b)).expect("three of them")
}
