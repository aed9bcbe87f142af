//! Where a kernel's operands lie: strides over the loops of its domain, in place where an innermost stride is 0 or 1.

use crate::data::{self, CpuData, contiguous, value};
use crate::kernel::launch::Operand as Launched;
use crate::layout::{Layout, Nest, Strides, row_major};
use crate::storage::Storage;
use plywood_core::op::Types;
use plywood_core::{Graph, Shape, Value};
use plywood_fusion::plan::{Kernel, Operand, Per};
use plywood_kernel::fused::over_domain;
use smallvec::SmallVec;

/// The loops of a kernel, and its inputs' strides in them.
pub struct Operands {
    /// Sizes of the loops, the columns last.
    pub sizes: SmallVec<[usize; 4]>,
    /// Which inputs have one element for each row, as bits.
    pub splats: u32,
    /// Of inputs, in elements; then of an output with a value for each element.
    strides: SmallVec<[Strides; 12]>,
    /// Of an output with a value for each row.
    rows: Strides,
}

/// The strides of an input over a domain: of its elements, or of its rows.
pub fn over(graph: &Graph, shape: &Shape, trailing: usize, x: &Value, operand: &Operand) -> Strides {
    let strides = &data::data(x).layout.strides;
    over_domain(graph, shape, trailing, (x.shape(), strides), operand)
}

/// Whether the last of these axes have one stride of 0 or 1, taken as one.
fn is_dense(shape: &[usize], strides: &[isize], axes: usize) -> bool {
    let first = shape.len() - axes;
    let of = Layout { strides: strides[first..].into(), offset: 0 };
    of.is_contiguous(&shape[first..]) || of.is_constant(&shape[first..])
}

/// The last axis that is longer than 1, and those behind.
pub fn innermost(shape: &[usize]) -> usize {
    shape.len() - shape.iter().rposition(|&n| n != 1).unwrap_or(0)
}

/// An input as a kernel can read it whose innermost axes are these: itself, or a copy in order.
pub fn readable(graph: &Graph, shape: &Shape, trailing: usize, x: &mut Value, operand: &Operand) -> Strides {
    if operand.per == Per::Row && x.ty().elements() > 1 {
        *x = contiguous(x.clone());
    }
    let strides = over(graph, shape, trailing, x, operand);
    let inner = if trailing > 0 { trailing } else { innermost(shape) };
    if is_dense(shape, &strides, inner) {
        return strides;
    }
    copied(shape, &strides, kept(shape, &strides, inner), x)
}

/// The sizes of a copy of an operand: of the whole domain, without what the outer axes repeat.
pub fn kept(shape: &[usize], strides: &[isize], inner: usize) -> SmallVec<[usize; 4]> {
    let outer = shape.len() - inner;
    let size = |d: usize| if d < outer && strides[d] == 0 { 1 } else { shape[d] };
    (0..shape.len()).map(size).collect()
}

/// The strides of an operand in a copy of these sizes.
pub fn strides_of_copy(shape: &[usize], kept: &[usize]) -> Strides {
    let mut strides = row_major(kept);
    (0..shape.len()).filter(|&d| kept[d] != shape[d]).for_each(|d| strides[d] = 0);
    strides
}

/// Puts a copy of these sizes, in order, in the place of a value that has these strides over a domain.
pub fn copied(shape: &[usize], strides: &[isize], kept: SmallVec<[usize; 4]>, x: &mut Value) -> Strides {
    let CpuData { layout, storage } = data::data(x);
    let view = Layout { strides: strides.into(), offset: layout.offset };
    let ty = x.ty().with_shape(Shape::from(&kept[..]));
    *x = contiguous(value(ty, view, storage.clone()));
    strides_of_copy(shape, &kept)
}

impl Operands {
    /// Of a kernel's inputs, which are copied where they cannot be read in place.
    pub fn new(graph: &Graph, kernel: &Kernel, inputs: &mut [Value]) -> Operands {
        let (shape, trailing) = (&kernel.shape, kernel.trailing);
        let strides: SmallVec<[Strides; 12]> = inputs
            .iter_mut()
            .zip(&kernel.inputs)
            .map(|(x, operand)| readable(graph, shape, trailing, x, operand))
            .collect();
        Operands::with(kernel, strides)
    }

    /// Of a kernel's inputs if they lie in order; none where they could not be read in place.
    pub fn in_order(graph: &Graph, kernel: &Kernel) -> Option<Operands> {
        let (shape, trailing) = (&kernel.shape, kernel.trailing);
        let inner = if trailing > 0 { trailing } else { innermost(shape) };
        let strides = kernel.inputs.iter().map(|operand| {
            let of = &graph.ty(operand.var).shape;
            let strides = over_domain(graph, shape, trailing, (of, &row_major(of)), operand);
            is_dense(shape, &strides, inner).then_some(strides)
        });
        Some(Operands::with(kernel, strides.collect::<Option<_>>()?))
    }

    /// Of inputs with these strides over the domain.
    fn with(kernel: &Kernel, mut strides: SmallVec<[Strides; 12]>) -> Operands {
        let (shape, trailing) = (&kernel.shape, kernel.trailing);
        let inputs = strides.len();
        strides.push(row_major(shape));
        let (sizes, strides, rows) = match trailing {
            0 => {
                let all: SmallVec<[&[isize]; 12]> = strides.iter().map(|s| &s[..]).collect();
                let nest = Nest::new(shape, &all);
                (nest.sizes, nest.strides.into_iter().collect(), Strides::new())
            }
            _ => {
                let leading = shape.len() - trailing;
                let columns = shape[leading..].iter().product();
                let sizes = shape[..leading].iter().copied().chain([columns]).collect();
                let row = |s: &Strides, inner: &[usize]| -> Strides {
                    let all = Layout { strides: s[leading..].into(), offset: 0 };
                    let step = !all.is_constant(inner) || columns == 1;
                    s[..leading].iter().copied().chain([step as isize]).collect()
                };
                let mut rows: SmallVec<[Strides; 12]> =
                    strides.iter().map(|s| row(s, &shape[leading..])).collect();
                for (s, operand) in rows.iter_mut().zip(&kernel.inputs) {
                    if operand.per == Per::Row {
                        s[leading] = 0;
                    }
                }
                let mut of_output: Strides = row_major(&shape[..leading]);
                of_output.push(0);
                (sizes, rows, of_output)
            }
        };
        let last = sizes.len() - 1;
        let splats = strides[..inputs].iter().enumerate();
        let splats = splats.filter(|(_, s)| s[last] == 0).fold(0, |all, (i, _)| all | 1 << i);
        Operands { sizes, splats, strides, rows }
    }

    /// Rows and columns, and for inputs, an output of elements and one of rows the elements from row to row; none where there
    /// are more loops, or a step goes back.
    pub fn two(&self) -> Option<([usize; 2], SmallVec<[usize; 14]>)> {
        let one = self.sizes.len() == 2 && self.sizes[0] == 1;
        let row = |s: &Strides| match s[..] {
            [] | [_] => Some(0),
            [_, _] if one => Some(0),
            [row, _] => usize::try_from(row).ok(),
            _ => None,
        };
        let sizes = match self.sizes[..] {
            [columns] => [1, columns],
            [rows, columns] => [rows, columns],
            _ => return None,
        };
        let strides = self.strides.iter().chain([&self.rows]).map(row).collect::<Option<_>>()?;
        Some((sizes, strides))
    }

    /// Inputs, then outputs, for a launch; an input that was taken is the output that it became.
    pub fn launched<'a>(
        &self,
        inputs: &'a [Value],
        taken: &[Option<usize>],
        kernel: &Kernel,
        storages: &'a mut [Storage],
        types: &Types,
    ) -> SmallVec<[Launched<'a>; 12]> {
        let of_output = |j: usize| match kernel.outputs[j].per {
            Per::Element => (0, &self.strides[inputs.len()][..]),
            Per::Row => (0, &self.rows[..]),
        };
        launched((inputs, taken, storages, types), &self.sizes, |i| (0, &self.strides[i][..]), of_output)
    }
}

/// The operands of a launch over loops of these sizes: inputs, then outputs; an input that was taken is the output that it became.
/// The functions say at which element each one begins, beyond where a value does, and its strides in elements.
pub fn launched<'a, 's>(
    (inputs, taken, storages, types): (&'a [Value], &[Option<usize>], &'a mut [Storage], &Types),
    sizes: &[usize],
    of_input: impl Fn(usize) -> (usize, &'s [isize]),
    of_output: impl Fn(usize) -> (usize, &'s [isize]),
) -> SmallVec<[Launched<'a>; 12]> {
    let in_bytes =
        |strides: &[isize], size: usize| -> Strides { strides.iter().map(|s| s * size as isize).collect() };
    let outputs: SmallVec<[Launched<'a>; 4]> = (storages.iter_mut().zip(types).enumerate())
        .map(|(j, (storage, ty))| {
            let (size, (first, strides)) = (ty.dtype.size(), of_output(j));
            let bytes = storage.as_mut_slice::<u8>().expect("new, or nobody else holds it");
            Launched::write(bytes, first * size, sizes, &in_bytes(strides, size), size)
        })
        .collect();
    let mut all: SmallVec<[Launched<'a>; 12]> = SmallVec::new();
    for (i, (x, taken)) in inputs.iter().zip(taken).enumerate() {
        all.push(match taken {
            Some(j) => outputs[*j].alias(),
            None => {
                let CpuData { layout, storage } = data::data(x);
                let (size, (first, strides)) = (x.dtype().size(), of_input(i));
                let start = (layout.offset + first) * size;
                Launched::read(storage.bytes(), start, sizes, &in_bytes(strides, size), size)
            }
        });
    }
    all.extend(outputs);
    all
}
