//! Updates that may meet in one place, combined in order.
//!
//! Updates are items (an index, and a place in its window along axes that indices count along) by columns, which never meet. The
//! place of each item is known. For each item and column there is a unit. That of the first item of a place combines the element there
//! with the updates of all items of that place, in their order, and stores it once; of what replaces, the last item's unit stores.
//! So no two units write one element, and what is written does not depend on which runs first.
//!
//! How a unit knows the items of its place: where they are few, it looks through all items of its group (those of other groups lie
//! elsewhere); else items come sorted by place.

use super::Queue;
use super::places::{Along, OUTSIDE};
use crate::data::Buffer;
use crate::emit::memory::{self, Stored};
use crate::emit::{Emit, U32, Val, of, ops};
use crate::launch::{Operand, UNITS, whole};
use crate::lower::address;
use crate::queue::{Code, queue as enqueue};
use cubecl::ir::{Builtin, Comparison, Type as Cube};
use cubecl::prelude::Runtime;
use plywood_core::DType;
use plywood_kernel::ir::{Id, Op};
use plywood_kernel::layout::{Nest, Strides};
use plywood_kernel::{Program, Type};
use smallvec::SmallVec;
use std::sync::Arc;

/// Updates and their places.
#[derive(Debug)]
pub struct Task<'a> {
    /// What is asked for it, for messages.
    pub name: &'a str,
    /// How two elements combine; without, the last one stays.
    pub program: Option<Arc<Program>>,
    /// The dtype of both.
    pub dtype: DType,
    /// The elements that are changed, in row-major order.
    pub buffer: Buffer,
    /// The places of items, in it.
    pub places: Buffer,
    /// The items in the order of their places, where they are sorted.
    pub items: Option<Buffer>,
    /// Items of a group.
    pub group: usize,
    /// The updates, along the axes of items, then along those of columns.
    pub updates: Operand,
    /// The axes of items.
    pub item_shape: &'a [usize],
    /// The axes of columns.
    pub column_shape: &'a [usize],
    /// Along those, in the elements.
    pub column_strides: Strides,
}

/// What the kernel's code depends on.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Combine {
    program: Option<Arc<Program>>,
    dtype: DType,
    bf16: Stored,
    sorted: bool,
    /// Loops of items, and of columns.
    levels: [usize; 2],
}

/// Puts it in the queue.
pub fn launch<R: Runtime>(queue: &Queue<'_, R>, task: Task<'_>) {
    let client = queue.client;
    let (of_items, of_columns) = task.updates.strides.split_at(task.item_shape.len());
    let items = Nest::new(task.item_shape, &[of_items]);
    let columns = Nest::new(task.column_shape, &[of_columns, &task.column_strides]);
    let code = Combine {
        program: task.program,
        dtype: task.dtype,
        bf16: client.facts.bf16,
        sorted: task.items.is_some(),
        levels: [items.sizes.len(), columns.sizes.len()],
    };
    let (rows, width) = (items.sizes.iter().product::<usize>(), columns.sizes.iter().product::<usize>());
    let mut numbers: SmallVec<[u32; 32]> = SmallVec::new();
    let halvings = (usize::BITS - task.group.leading_zeros()) as usize;
    numbers.extend([rows * width, width, task.group, halvings].map(|n| whole(client, n)));
    numbers.extend(items.sizes.iter().chain(&columns.sizes).map(|&n| n as u32));
    let mut along = |offset: usize, strides: &Strides| {
        numbers.push(whole(client, offset));
        numbers.extend(strides.iter().map(|&s| s as u32));
    };
    along(task.updates.offset, &items.strides[0]);
    along(0, &columns.strides[0]);
    along(0, &columns.strides[1]);
    let (elem, word) = (code.elem(), of(U32, 1));
    let updates = task.updates.storage.on(client, task.dtype.size());
    [&updates, &task.buffer].iter().for_each(|x| _ = whole(client, x.bytes / task.dtype.size()));
    let mut arguments: SmallVec<[(&Buffer, Cube); 4]> = SmallVec::from_iter([(&task.places, word)]);
    arguments.extend(task.items.as_ref().map(|items| (items, word)));
    arguments.extend([(&updates, elem), (&task.buffer, elem)]);
    enqueue(
        client,
        task.name,
        Arc::new(code),
        &arguments,
        &numbers,
        UNITS,
        (rows * width).div_ceil(UNITS as usize),
    );
}

/// A kernel while it is written.
struct Parts<'a> {
    code: &'a Combine,
    places: Val,
    items: Option<Val>,
    updates: Val,
    out: Val,
    sizes: SmallVec<[Val; 4]>,
    of_items: Along,
    /// Where the column is, in the updates.
    column: Val,
    /// The element that it is all about, in `out`.
    element: Val,
    place: Val,
}

impl Code for Combine {
    fn write(&self, mut e: Emit) -> Emit {
        let (elem, word) = (self.elem(), of(U32, 1));
        let places = e.input(word);
        let items = self.sorted.then(|| e.input(word));
        let (updates, out) = (e.input(elem), e.output(elem));
        let [count, width, group, halvings] = [(); 4].map(|()| e.scalar(U32));
        let sizes = (0..self.levels[0]).map(|_| e.scalar(U32)).collect();
        let column_sizes: SmallVec<[Val; 4]> = (0..self.levels[1]).map(|_| e.scalar(U32)).collect();
        let of_items = Along::new(&mut e, self.levels[0]);
        let [of_columns, in_out] = [(); 2].map(|()| Along::new(&mut e, self.levels[1]));
        let position = e.builtin(Builtin::AbsolutePos);
        let inside = e.compare(Comparison::Lower, position, count);
        e.when(inside, |e| {
            let (at, column) = (e.div(position, width), e.rem(position, width));
            let place = e.load(places, at);
            let none = e.constant(word, OUTSIDE);
            let some = e.compare(Comparison::Lower, place, none);
            e.when(some, |e| {
                let loops = address::loops(e, column, &column_sizes);
                let (column, beside) = (of_columns.at(e, &loops), in_out.at(e, &loops));
                let element = e.add(place, beside);
                let before = e.div(at, group);
                let start = e.mul(before, group);
                let end = e.add(start, group);
                let code = self;
                let p = Parts { code, places, items, updates, out, sizes, of_items, column, element, place };
                match self.sorted {
                    true => p.sorted(e, at, end, halvings),
                    false => p.searched(e, at, start, end),
                }
            });
        });
        e
    }
}

impl Combine {
    fn elem(&self) -> Cube {
        of(memory::elem(self.dtype, self.bf16), 1)
    }
}

impl Parts<'_> {
    /// Items in their own order.
    fn searched(&self, e: &mut Emit, at: Val, start: Val, end: Val) {
        let (zero, one) = (e.index(0), e.index(1));
        let others = e.variable(zero);
        let note = |e: &mut Emit, start: Val, end: Val| {
            e.count(start, end, |e, i| {
                let same = self.is_here(e, i);
                e.when(same, |e| e.assign(others, one));
            });
        };
        match &self.code.program {
            None => {
                let next = e.add(at, one);
                note(e, next, end);
            }
            Some(_) => note(e, start, at),
        }
        let others = e.current(others);
        let alone = e.compare(Comparison::Equal, others, zero);
        e.when(alone, |e| match &self.code.program {
            None => self.replace(e, at),
            Some(program) => self.fold(e, program, |e, step| {
                e.count(at, end, |e, i| {
                    let same = self.is_here(e, i);
                    e.when(same, |e| step(e, i));
                })
            }),
        });
    }

    /// Items in the order of places.
    fn sorted(&self, e: &mut Emit, at: Val, end: Val, halvings: Val) {
        let (zero, one) = (e.index(0), e.index(1));
        match &self.code.program {
            None => {
                let next = e.add(at, one);
                let is_end = e.compare(Comparison::Equal, next, end);
                let next = e.select(is_end, at, next);
                let same = self.is_here(e, next);
                let other = e.not(same);
                let last = e.or(is_end, other);
                e.when(last, |e| {
                    let item = self.item(e, at);
                    self.replace(e, item);
                });
            }
            Some(program) => {
                let is_start = e.compare(Comparison::Equal, at, zero);
                let least = e.select(is_start, one, at);
                let before = e.sub(least, one);
                let same = self.is_here(e, before);
                let other = e.not(same);
                let first = e.or(is_start, other);
                e.when(first, |e| {
                    // The last item that is here lies between these, or is the first of them.
                    let (low, high) = (e.variable(at), e.variable(end));
                    e.count(zero, halvings, |e, _| {
                        let (from, to) = (e.current(low), e.current(high));
                        let (apart, two) = (e.sub(to, from), e.index(2));
                        let half = e.div(apart, two);
                        let middle = e.add(from, half);
                        let same = self.is_here(e, middle);
                        let (from, to) = (e.select(same, middle, from), e.select(same, to, middle));
                        e.assign(low, from);
                        e.assign(high, to);
                    });
                    let end = e.current(high);
                    self.fold(e, program, |e, step| {
                        e.count(at, end, |e, i| {
                            let item = self.item(e, i);
                            step(e, item);
                        })
                    });
                });
            }
        }
    }

    /// Whether the item there is of this place.
    fn is_here(&self, e: &mut Emit, at: Val) -> Val {
        let place = e.load(self.places, at);
        e.compare(Comparison::Equal, place, self.place)
    }

    /// The item there, of sorted ones.
    fn item(&self, e: &mut Emit, at: Val) -> Val {
        e.load(self.items.expect("they are sorted"), at)
    }

    /// The update of an item.
    fn update(&self, e: &mut Emit, item: Val) -> Val {
        let loops = address::loops(e, item, &self.sizes);
        let row = self.of_items.at(e, &loops);
        let at = e.add(row, self.column);
        e.load(self.updates, at)
    }

    fn replace(&self, e: &mut Emit, item: Val) {
        let new = self.update(e, item);
        e.store(self.out, self.element, new);
    }

    /// Combines the element with the updates of the items that `walk` names.
    fn fold(&self, e: &mut Emit, program: &Program, walk: impl FnOnce(&mut Emit, &dyn Fn(&mut Emit, Val))) {
        let first = e.load(self.out, self.element);
        let all = e.variable(first);
        walk(e, &|e, item| {
            let new = self.update(e, item);
            let before = e.current(all);
            let after = step(e, program, self.code.bf16, before, new);
            e.assign(all, after);
        });
        let last = e.current(all);
        e.store(self.out, self.element, last);
    }
}

/// What a program of two arguments gives for two elements, all as they are stored.
pub fn step(e: &mut Emit, program: &Program, bf16: Stored, before: Val, new: Val) -> Val {
    let mut values: Vec<Option<Val>> = Vec::new();
    let mut result = None;
    for (id, op) in program.ops().iter().enumerate() {
        let value = |x: Id| values[x as usize].expect("it was made before");
        let made = match *op {
            Op::Load(arg) => {
                let dtype = program.args()[arg as usize].dtype;
                let to = Type::of(dtype, program.width()).expect("the program was checked");
                Some(memory::widen(e, dtype, if arg == 0 { before } else { new }, to))
            }
            Op::Store(arg, x) => {
                let dtype = program.args()[arg as usize].dtype;
                result = Some(memory::narrow(e, dtype, bf16, value(x), program.ty(x)));
                None
            }
            Op::Column | Op::While(_) | Op::Reduce(..) => unreachable!("it is element by element"),
            Op::Const(..)
            | Op::Unary(..)
            | Op::Binary(..)
            | Op::Fma(..)
            | Op::Compare(..)
            | Op::Select(..) => Some(ops::compute(e, program, id as Id, &value)),
        };
        values.push(made);
    }
    result.expect("the program stores")
}
