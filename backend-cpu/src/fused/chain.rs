//! A batch of products, a kernel over them, and products of what comes of it, batch by batch ([`plywood_fusion::plan::Chain`]): a thread does
//! all that is to be done with one batch before the next.
//!
//! What always holds: what only the chain reads is the size of a batch, in scratch memory of a thread, or where an output goes; results have
//! the bits of single steps.

use super::operands::readable;
use super::{Made, Prepared, program};
use crate::data::{self, CpuData};
use crate::kernel::launch::{Operand as Launched, launch};
use crate::kernels::dot::slices::{Side, Slices, slices};
use crate::layout::{Layout, Strides, row_major};
use crate::par;
use crate::pool::scratch;
use crate::storage::Storage;
use plywood_core::op::Dot;
use plywood_core::{Graph, Op, TensorType, Value, Values};
use plywood_fusion::plan::{self, Per, Plan};
use smallvec::SmallVec;
use std::sync::Mutex;

/// A chain of a graph.
pub struct Chain<'a> {
    pub graph: &'a Graph,
    pub plan: &'a Plan,
    pub chain: &'a plan::Chain,
}

/// Where the outputs of one batch go: those of the kernel, but for hidden ones, and those of the products after it.
struct Piece<'a> {
    kernel: SmallVec<[Option<&'a mut [u8]>; 2]>,
    then: SmallVec<[&'a mut [u8]; 2]>,
}

/// What a kernel's input is in each batch.
struct Input {
    /// From batch to batch, by its axes; elements.
    batch: Strides,
    /// From row to row and column to column; bytes.
    two: [isize; 2],
}

/// Whether threads would share so many batches evenly.
pub fn is_shared(batches: usize) -> bool {
    let threads = par::threads();
    batches.is_multiple_of(threads) || batches >= 4 * threads
}

impl Chain<'_> {
    /// How many batches there are.
    pub fn batches(&self) -> usize {
        self.chain.kernel.shape[..self.chain.batch].iter().product()
    }

    fn dot(&self, equation: usize) -> &Dot {
        match &self.graph.equations()[equation].op {
            Op::Dot(dot) => dot,
            op => unreachable!("{op} is no contraction"),
        }
    }

    /// The type of a contraction's output.
    fn type_of(&self, equation: usize) -> &TensorType {
        self.graph.ty(self.graph.equations()[equation].outputs[0])
    }

    /// Of what the chain reads, in the order in which it says so, the outputs that outlive it.
    pub fn run(&self, mut read: Values, prepared: &Prepared) -> Values {
        let plan::Chain { dot, ref kernel, input, batch, ref then, ref hidden, .. } = *self.chain;
        let shape = &kernel.shape;
        let [rows, columns] = [shape[batch], shape[batch + 1]];
        let others = 2..2 + kernel.inputs.len() - 1;
        let inputs = self.inputs(&mut read[others.clone()]);
        let splats = inputs.iter().fold(0, |all, (i, x)| all | u32::from(x.two[1] == 0) << i);
        let made: Made = prepared.made(splats, || program(self.graph, self.plan, kernel, splats));

        let in_order = row_major(shape);
        let first = slices([Side::There(&read[0]), Side::There(&read[1])], self.dot(dot));
        let after: SmallVec<[Box<dyn Slices + '_>; 2]> = then
            .iter()
            .zip(&read[others.end..])
            .map(|(then, other)| {
                let mut sides = [Side::There(other); 2];
                sides[then.side] = Side::Given(shape, &in_order);
                slices(sides, self.dot(then.dot))
            })
            .collect();
        let types = &prepared.types;
        let unit = |j: usize| {
            let per = if kernel.outputs[j].per == Per::Row { 1 } else { columns };
            rows * per * types[j].dtype.size()
        };
        let of_kernel =
            (0..types.len()).map(|j| (!hidden[j]).then(|| Storage::overwritten(types[j].bytes())));
        let mut of_kernel: SmallVec<[Option<Storage>; 2]> = of_kernel.collect();
        let of_then = then.iter().map(|then| Storage::overwritten(self.type_of(then.dot).bytes()));
        let mut of_then: SmallVec<[Storage; 2]> = of_then.collect();
        let sums = self.type_of(dot).dtype.size();
        // The first product is where an output goes that the kernel may write over it; or behind all of them.
        let is_over = |&j: &usize| {
            let fits = kernel.outputs[j].per == Per::Element && types[j].dtype.size() == sums;
            fits && made.overwrites[j] >> input & 1 == 1
        };
        let place = (0..types.len()).find(is_over).unwrap_or(types.len());
        {
            let pieces = pieces(self.batches(), &mut of_kernel, &mut of_then, unit, &after);
            let work =
                first.work() + made.code.work(rows, columns) + after.iter().map(|x| x.work()).sum::<f64>();
            par::each(self.batches(), work, |at| {
                let piece = pieces[at].lock().unwrap_or_else(|e| e.into_inner()).take();
                let mut piece = piece.expect("each batch comes once");
                let mut own: SmallVec<[_; 2]> =
                    (0..types.len()).map(|j| if hidden[j] { Some(scratch(unit(j))) } else { None }).collect();
                let mut alone = if place == types.len() { Some(scratch(first.bytes())) } else { None };
                let mut buffers: SmallVec<[&mut [u8]; 2]> =
                    (piece.kernel.iter_mut().zip(&mut own).enumerate())
                        .map(|(j, (there, own))| match (there, own) {
                            (Some(there), _) => &mut there[..],
                            (None, own) => &mut own.as_mut().expect("it is hidden")[..unit(j)],
                        })
                        .collect();
                buffers.extend(alone.as_mut().map(|alone| &mut alone[..first.bytes()]));
                first.product(at, &[], buffers[place]);
                let sizes = [rows, columns];
                let mut outputs: SmallVec<[Launched<'_>; 3]> = (buffers.iter_mut().enumerate())
                    .map(|(j, buffer)| {
                        let size = types.get(j).map_or(sums, |ty| ty.dtype.size());
                        let is_row = kernel.outputs.get(j).is_some_and(|x| x.per == Per::Row);
                        let two = if is_row { [size, 0] } else { [columns * size, size] };
                        Launched::write(buffer, 0, &sizes, &two.map(|step| step as isize), size)
                    })
                    .collect();
                let mut operands: SmallVec<[Launched<'_>; 12]> = SmallVec::new();
                let mut given = inputs.iter().zip(&read[others.clone()]);
                for i in 0..kernel.inputs.len() {
                    if i == input {
                        operands.push(outputs[place].alias());
                        continue;
                    }
                    let ((_, x), value) = given.next().expect("one for each other input");
                    let CpuData { layout, storage } = data::data(value);
                    let size = value.dtype().size();
                    let start = (layout.offset as isize + x.first(at, &shape[..batch])) * size as isize;
                    operands.push(Launched::read(storage.bytes(), start as usize, &sizes, &x.two, size));
                }
                outputs.truncate(types.len());
                operands.extend(outputs);
                launch(made.code, &sizes, &operands, 0, 1);
                drop(operands);
                for ((then, slices), out) in then.iter().zip(&after).zip(piece.then) {
                    slices.product(at, buffers[then.output], out);
                }
            });
        }
        let kept = types.iter().zip(of_kernel).filter_map(|(ty, storage)| Some((ty.clone(), storage?)));
        let then = then.iter().map(|then| self.type_of(then.dot).clone()).zip(of_then);
        kept.chain(then)
            .map(|(ty, storage)| {
                let layout = Layout::row_major(&ty.shape);
                data::value(ty, layout, storage)
            })
            .collect()
    }

    /// The kernel's inputs but the first product, with their places among all; copied where they cannot be read in place.
    fn inputs(&self, values: &mut [Value]) -> SmallVec<[(usize, Input); 8]> {
        let plan::Chain { ref kernel, input, batch, .. } = *self.chain;
        let others = kernel.inputs.iter().enumerate().filter(|(i, _)| *i != input);
        let of = |((i, operand), x): ((usize, &plan::Operand), &mut Value)| {
            let strides = readable(self.graph, &kernel.shape, kernel.trailing, x, operand);
            let column = if operand.per == Per::Row { 0 } else { strides[batch + 1] };
            let size = x.dtype().size() as isize;
            (i, Input { batch: strides[..batch].into(), two: [strides[batch] * size, column * size] })
        };
        others.zip(values).map(of).collect()
    }
}

impl Input {
    /// The first element of a batch, beyond where the value begins.
    fn first(&self, mut at: usize, sizes: &[usize]) -> isize {
        let mut first = 0;
        for (&size, &stride) in sizes.iter().zip(&self.batch).rev() {
            first += (at % size) as isize * stride;
            at /= size;
        }
        first
    }
}

/// The outputs of each batch, for whoever does it.
fn pieces<'a>(
    batches: usize,
    of_kernel: &'a mut [Option<Storage>],
    of_then: &'a mut [Storage],
    unit: impl Fn(usize) -> usize,
    after: &[Box<dyn Slices + '_>],
) -> Vec<Mutex<Option<Piece<'a>>>> {
    fn bytes(storage: &mut Storage) -> &mut [u8] {
        storage.as_mut_slice::<u8>().expect("it is new")
    }
    let mut pieces: Vec<Piece<'a>> =
        (0..batches).map(|_| Piece { kernel: SmallVec::new(), then: SmallVec::new() }).collect();
    for (j, storage) in of_kernel.iter_mut().enumerate() {
        match storage {
            None => pieces.iter_mut().for_each(|piece| piece.kernel.push(None)),
            Some(storage) => {
                let chunks = bytes(storage).chunks_exact_mut(unit(j));
                pieces.iter_mut().zip(chunks).for_each(|(piece, chunk)| piece.kernel.push(Some(chunk)));
            }
        }
    }
    for (storage, slices) in of_then.iter_mut().zip(after) {
        let chunks = bytes(storage).chunks_exact_mut(slices.bytes());
        pieces.iter_mut().zip(chunks).for_each(|(piece, chunk)| piece.then.push(chunk));
    }
    pieces.into_iter().map(|piece| Mutex::new(Some(piece))).collect()
}
