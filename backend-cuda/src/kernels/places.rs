//! Elements at computed places: what gather, scatter and the dynamic slices share.
//!
//! A unit takes one element of a domain. Along the domain's axes it finds one element of a tensor (a stride each) and a vector of
//! indices, each of which moves that element along one axis of the tensor. It reads that element, writes it, combines it with
//! another, or only notes its place.
//!
//! What always holds: an index is compared in its own type, and what is read or written lies inside whatever the indices are: they
//! are clamped first, and in the mode that fills, what was outside is then replaced or not written.

use super::{Queue, combine};
use crate::data::Buffer;
use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, I32, U32, Val, atomic, of, ops};
use crate::launch::{Operand, UNITS, whole};
use crate::lower::address;
use crate::queue::{Code, queue as enqueue};
use cubecl::ir::{Builtin, Comparison, ElemType, IntKind, Type as Cube, UIntKind};
use cubecl::prelude::Runtime;
use plywood_core::DType;
use plywood_kernel::layout::{Nest, Strides};
use plywood_kernel::{Program, Type};
use smallvec::SmallVec;
use std::sync::Arc;

const I64: ElemType = ElemType::Int(IntKind::I64);
const U64: ElemType = ElemType::UInt(UIntKind::U64);

/// The place of what is outside.
pub const OUTSIDE: u64 = u32::MAX as u64;

/// One component of an index.
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// Which list of indices has it.
    pub list: usize,
    /// Where it is there, for the domain's first element.
    pub offset: isize,
    /// The largest index that is inside.
    pub last: usize,
    /// How far apart neighbouring indices are in the tensor.
    pub step: isize,
}

/// The indices of a task.
#[derive(Debug)]
pub struct Indices {
    /// Of which dtype.
    pub dtype: DType,
    /// Where they lie.
    pub lists: SmallVec<[Buffer; 4]>,
    /// The components of an index.
    pub components: SmallVec<[Component; 4]>,
    /// Along the domain's axes, in the lists.
    pub strides: Strides,
    /// Whether what is outside stays there, and is not clamped.
    pub fills: bool,
}

/// What is done with the elements at the places.
#[derive(Debug)]
pub enum What {
    /// They are read, and written to this buffer in the domain's order.
    Read(Buffer),
    /// They are replaced by these.
    Write(Operand),
    /// They are combined with these, by a program of two arguments. No two units may meet.
    Combine(Operand, Arc<Program>),
    /// These are added to them, integers, in any order.
    Sum(Operand),
    /// Their places are written to this buffer of u32, in the domain's order.
    Place(Buffer),
}

/// A kernel over computed places.
#[derive(Debug)]
pub struct Task<'a> {
    /// What is asked for it, for messages.
    pub name: &'a str,
    /// What is done.
    pub what: What,
    /// The tensor's dtype.
    pub dtype: DType,
    /// Its memory. (Where only places are asked for, none is read.)
    pub buffer: Option<Buffer>,
    /// The element for the domain's first, with indices of zero.
    pub offset: usize,
    /// Along the domain's axes.
    pub strides: Strides,
    /// The domain.
    pub shape: &'a [usize],
    /// Where else they are.
    pub indices: Indices,
}

/// What is done, as the code depends on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Does {
    Read,
    Write,
    Combine(Arc<Program>),
    Sum,
    Place,
}

/// What the kernel's code depends on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Walk {
    does: Does,
    dtype: DType,
    bf16: Stored,
    /// Loops of the domain.
    levels: usize,
    index: DType,
    /// How many lists of indices.
    lists: usize,
    /// The list of each component.
    components: SmallVec<[usize; 4]>,
    fills: bool,
}

/// Puts it in the queue.
pub fn launch<R: Runtime>(queue: &Queue<'_, R>, task: Task<'_>) {
    let (client, indices) = (queue.client, &task.indices);
    let count: usize = task.shape.iter().product();
    if count == 0 {
        return;
    }
    let (does, other) = match &task.what {
        What::Read(_) => (Does::Read, None),
        What::Write(x) => (Does::Write, Some(x)),
        What::Combine(x, program) => (Does::Combine(program.clone()), Some(x)),
        What::Sum(x) => (Does::Sum, Some(x)),
        What::Place(_) => (Does::Place, None),
    };
    let nothing = Strides::from_elem(0, task.shape.len());
    let of_other = other.map_or(&nothing, |x| &x.strides);
    let nest = Nest::new(task.shape, &[&task.strides, &indices.strides, of_other]);
    let code = Walk {
        does,
        dtype: task.dtype,
        bf16: client.facts.bf16,
        levels: nest.sizes.len(),
        index: indices.dtype,
        lists: indices.lists.len(),
        components: indices.components.iter().map(|c| c.list).collect(),
        fills: indices.fills,
    };
    let mut numbers: SmallVec<[u32; 32]> = SmallVec::new();
    numbers.push(whole(client, count));
    numbers.extend(nest.sizes.iter().map(|&n| n as u32));
    let mut place = |offset: usize, strides: &Strides| {
        numbers.push(whole(client, offset));
        numbers.extend(strides.iter().map(|&s| s as u32));
    };
    place(task.offset, &nest.strides[0]);
    if let Some(x) = other {
        place(x.offset, &nest.strides[2]);
    }
    if !code.components.is_empty() {
        place(0, &nest.strides[1]);
    }
    for c in &indices.components {
        numbers.extend([whole(client, c.offset as usize), whole(client, c.last), c.step as u32]);
    }
    let (elem, index) = (code.elem(), of(memory::elem(code.index, code.bf16), 1));
    let other = other.map(|x| x.storage.on(client, task.dtype.size()));
    let size = task.dtype.size();
    task.buffer.iter().chain(&other).for_each(|x| _ = whole(client, x.bytes / size));
    indices.lists.iter().for_each(|x| _ = whole(client, x.bytes / code.index.size()));
    let mut arguments: SmallVec<[(&Buffer, Cube); 8]> =
        indices.lists.iter().map(|list| (list, index)).collect();
    arguments.extend(other.as_ref().map(|x| (x, elem)));
    let whole = if code.does == Does::Sum { atomic(elem.elem_type()) } else { elem };
    arguments.extend(task.buffer.as_ref().map(|x| (x, whole)));
    match &task.what {
        What::Read(out) => arguments.push((out, elem)),
        What::Place(out) => arguments.push((out, of(U32, 1))),
        What::Write(_) | What::Combine(..) | What::Sum(_) => {}
    }
    enqueue(client, task.name, Arc::new(code), &arguments, &numbers, UNITS, count.div_ceil(UNITS as usize));
}

/// An offset and strides, numbers of the launch.
pub struct Along {
    offset: Val,
    strides: SmallVec<[Val; 4]>,
}

impl Along {
    /// Declares them.
    pub fn new(e: &mut Emit, levels: usize) -> Along {
        Along { offset: e.scalar(U32), strides: (0..levels).map(|_| e.scalar(U32)).collect() }
    }

    /// The place at these numbers of the loops.
    pub fn at(&self, e: &mut Emit, loops: &[Val]) -> Val {
        loops.iter().zip(&self.strides).fold(self.offset, |sum, (&i, &stride)| {
            let steps = e.mul(i, stride);
            e.add(sum, steps)
        })
    }
}

/// Where a component is found, and where it leads.
struct Found {
    list: Val,
    offset: Val,
    last: Val,
    step: Val,
}

impl Code for Walk {
    fn write(&self, mut e: Emit) -> Emit {
        let elem = self.elem();
        let index = of(memory::elem(self.index, self.bf16), 1);
        let lists: Vec<Val> = (0..self.lists).map(|_| e.input(index)).collect();
        // What is read, and what is written.
        let (from, to) = match self.does {
            Does::Read | Does::Write | Does::Combine(_) => (Some(e.input(elem)), e.output(elem)),
            Does::Sum => (Some(e.input(elem)), e.output(atomic(elem.elem_type()))),
            Does::Place => (None, e.output(of(U32, 1))),
        };
        let count = e.scalar(U32);
        let sizes: Vec<Val> = (0..self.levels).map(|_| e.scalar(U32)).collect();
        let place = Along::new(&mut e, self.levels);
        let has_other = matches!(self.does, Does::Write | Does::Combine(_) | Does::Sum);
        let other = has_other.then(|| Along::new(&mut e, self.levels));
        let row = (!self.components.is_empty()).then(|| Along::new(&mut e, self.levels));
        let components: Vec<Found> = self
            .components
            .iter()
            .map(|&list| Found {
                list: lists[list],
                offset: e.scalar(U32),
                last: e.scalar(U32),
                step: e.scalar(U32),
            })
            .collect();
        let position = e.builtin(Builtin::AbsolutePos);
        let inside = e.compare(Comparison::Lower, position, count);
        e.when(inside, |e| {
            let loops = address::loops(e, position, &sizes);
            let mut place = place.at(e, &loops);
            let mut outside: Option<Val> = None;
            if let Some(row) = row {
                let row = row.at(e, &loops);
                for c in &components {
                    let (index, out) = self.index(e, row, c);
                    let steps = e.mul(index, c.step);
                    place = e.add(place, steps);
                    outside = Some(outside.map_or(out, |before| e.or(before, out)));
                }
            }
            let outside = outside.filter(|_| self.fills);
            let other = other.map(|x| x.at(e, &loops));
            match (&self.does, from, other) {
                (Does::Read, Some(from), _) => {
                    let mut x = e.load(from, place);
                    if let Some(outside) = outside {
                        let fill = self.fill(e);
                        x = e.select(outside, fill, x);
                    }
                    e.store(to, position, x);
                }
                (Does::Place, ..) => {
                    if let Some(outside) = outside {
                        let none = e.constant(of(U32, 1), OUTSIDE);
                        place = e.select(outside, none, place);
                    }
                    e.store(to, position, place);
                }
                (does, Some(from), Some(other)) => {
                    let write = |e: &mut Emit| {
                        let mut x = e.load(from, other);
                        if *does == Does::Sum {
                            return e.accumulate(to, place, x);
                        }
                        if let Does::Combine(program) = does {
                            let before = e.load(to, place);
                            x = combine::step(e, program, self.bf16, before, x);
                        }
                        e.store(to, place, x);
                    };
                    match outside {
                        None => write(e),
                        Some(outside) => {
                            let inside = e.not(outside);
                            e.when(inside, write);
                        }
                    }
                }
                (does, ..) => unreachable!("{does:?} has its arguments"),
            }
        });
        e
    }
}

impl Walk {
    fn elem(&self) -> Cube {
        of(memory::elem(self.dtype, self.bf16), 1)
    }

    /// A component of the index there, clamped, and whether it was outside.
    fn index(&self, e: &mut Emit, row: Val, c: &Found) -> (Val, Val) {
        let at = e.add(row, c.offset);
        let x = e.load(c.list, at);
        let wide = self.index.size() == 8;
        let (signed, unsigned) = if wide { (I64, U64) } else { (I32, U32) };
        let last = if wide { e.cast(c.last, U64) } else { c.last };
        let negative = self.index.is_signed_integer().then(|| {
            let x = if x.elem_type() == signed { x } else { e.cast(x, signed) };
            let zero = e.constant(of(signed, 1), 0i64);
            (x, e.compare(Comparison::Lower, x, zero))
        });
        let x = match negative {
            Some((x, _)) => e.bits(x, unsigned),
            None if x.elem_type() == unsigned => x,
            None => e.cast(x, unsigned),
        };
        let mut outside = e.compare(Comparison::Greater, x, last);
        let mut clamped = e.select(outside, last, x);
        if let Some((_, negative)) = negative {
            let zero = e.constant(of(unsigned, 1), 0u64);
            clamped = e.select(negative, zero, clamped);
            outside = e.or(negative, outside);
        }
        (if wide { e.cast(clamped, U32) } else { clamped }, outside)
    }

    /// What is read outside: NaN, the lowest signed, the highest unsigned integer, true.
    fn fill(&self, e: &mut Emit) -> Val {
        let (dtype, elem) = (self.dtype, self.elem());
        match dtype {
            DType::F64 => ops::constant(e, Type::F64, f64::NAN.to_bits()),
            DType::F32 | DType::F16 | DType::BF16 => {
                if dtype == DType::BF16 && self.bf16 == Stored::Bits {
                    return e.constant(elem, half::bf16::NAN.to_bits() as u64);
                }
                let nan = ops::constant(e, Type::F32, f32::NAN.to_bits() as u64);
                if dtype == DType::F32 { nan } else { e.cast(nan, elem.elem_type()) }
            }
            DType::I64 | DType::I32 | DType::I16 | DType::I8 => {
                e.constant(elem, i64::MIN >> (64 - dtype.bits()))
            }
            DType::U64 | DType::U32 | DType::U16 | DType::U8 => {
                e.constant(elem, u64::MAX >> (64 - dtype.bits()))
            }
            DType::Bool => e.constant(elem, 1u64),
        }
    }
}
