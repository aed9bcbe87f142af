//! Boolean masks in an index.
//!
//! What a mask selects has a shape that depends on data, so reading by one reads the mask: it becomes the index
//! tensors of its true places. Updating under a mask alone does not: the result is a selection between old and new.

use super::{IndexItem, Term, Update, Value};
use crate::op::Binary;
use crate::{Array, DType, Op, Shape};
use std::borrow::Cow;

/// The places where a bool array is true, one list of coordinates for each axis.
pub(crate) fn true_places(array: &Array) -> Vec<Vec<i32>> {
    let shape = array.shape();
    let mut places = vec![Vec::new(); shape.rank()];
    let strides = shape.row_major();
    for (i, _) in array.as_slice::<bool>().into_iter().flatten().enumerate().filter(|(_, t)| **t) {
        for (d, places) in places.iter_mut().enumerate() {
            places.push((i / strides[d] as usize % shape[d]) as i32);
        }
    }
    places
}

impl Value {
    /// Host data as a value, on this value's engine.
    #[track_caller]
    pub(crate) fn constant(&self, array: Array) -> Value {
        Value::create(self.engine(), Op::Constant(array))
    }

    /// The data on the host; where there is none, a panic that says what to use instead.
    #[track_caller]
    pub(crate) fn array_or(&self, name: &str, instead: &str) -> Array {
        match self.read() {
            Ok(array) => array,
            Err(e) => panic!("{name}: {e}; {instead}"),
        }
    }

    /// The places of elements that are true (not zero), one i32 vector for each axis, in row-major order.
    #[track_caller]
    pub(crate) fn nonzero(self, name: &str, instead: &str) -> Vec<Value> {
        let array = self.clone().truth().array_or(name, instead);
        let mut found = Vec::new();
        for places in true_places(&array) {
            let n = places.len();
            found.push(self.constant(Array::new(places, [n])));
        }
        found
    }
}

fn is_mask(item: &IndexItem) -> bool {
    matches!(item, IndexItem::Tensor(v) if v.dtype() == DType::Bool)
}

/// How many axes an item takes.
fn taken(item: &IndexItem) -> usize {
    match item {
        IndexItem::At(_) | IndexItem::Range { .. } => 1,
        IndexItem::Tensor(v) if v.dtype() == DType::Bool => v.rank(),
        IndexItem::Tensor(_) => 1,
        IndexItem::NewAxis | IndexItem::Ellipsis => 0,
    }
}

/// The first axis that the item at `position` takes; checked, of a mask, that it fits there.
#[track_caller]
fn first_axis(name: &str, items: &[IndexItem], position: usize, mask: &Value, shape: &Shape) -> usize {
    let total: usize = items.iter().map(taken).sum();
    assert!(total <= shape.rank(), "{name}: {total} indices into a tensor of shape {shape}");
    assert!(mask.rank() > 0, "{name}: a mask has an axis at least; choose by a scalar with select");
    let ellipsis = items[..position].iter().any(|i| matches!(i, IndexItem::Ellipsis));
    let axis: usize = if ellipsis {
        shape.rank() - items[position..].iter().map(taken).sum::<usize>()
    } else {
        items[..position].iter().map(taken).sum()
    };
    let sizes = &shape[axis..axis + mask.rank()];
    assert!(
        mask.shape()[..] == *sizes,
        "{name}: a mask of shape {} for axes of sizes {sizes:?}, of shape {shape}",
        mask.shape()
    );
    axis
}

/// An index with the places of masks in place of the masks.
#[track_caller]
pub(super) fn expanded<'a>(name: &str, items: &'a [IndexItem], of: &Value) -> Cow<'a, [IndexItem]> {
    if !items.iter().any(is_mask) {
        return Cow::Borrowed(items);
    }
    let mut all = Vec::new();
    for (position, item) in items.iter().enumerate() {
        match item {
            IndexItem::Tensor(mask) if mask.dtype() == DType::Bool => {
                first_axis(name, items, position, mask, of.shape());
                let instead = "a mask decides over a shape: choose with select (or where_), or update with \
                               at(&mask), which need not read it";
                all.extend(mask.clone().nonzero(name, instead).into_iter().map(IndexItem::Tensor));
            }
            other => all.push(other.clone()),
        }
    }
    Cow::Owned(all)
}

/// The update where the index is one mask and otherwise whole axes; `None` where it is another index.
#[track_caller]
pub(super) fn update(of: &Value, items: &[IndexItem], how: Update, with: &Term) -> Option<Value> {
    let whole = |i: &IndexItem| {
        matches!(i, IndexItem::Ellipsis | IndexItem::Range { start: None, end: None, step: 1 })
    };
    let position = items.iter().position(is_mask)?;
    if items.iter().filter(|i| is_mask(i)).count() > 1 || !items.iter().all(|i| is_mask(i) || whole(i)) {
        return None;
    }
    let IndexItem::Tensor(mask) = &items[position] else { return None };
    let axis = first_axis("at", items, position, mask, of.shape());
    let (rank, behind) = (of.rank(), of.rank() - axis - mask.rank());
    let dtype = of.dtype();
    let which = mask.clone().broadcast_in(of.shape().clone(), (axis..axis + mask.rank()).collect());
    let with = match with {
        Term::Number(n) => of.full(*n, of.ty().clone()),
        Term::Value(v) => {
            // Of other ranks NumPy would put the values one after another to the true places.
            let fits = v.rank() <= behind || v.rank() == rank;
            let broadcasts = v.shape().broadcast(of.shape()).is_some_and(|s| s == *of.shape());
            assert!(
                fits && broadcasts,
                "at: values of shape {} under a mask of shape {}; they have all axes of shape {}, or only those \
                 behind the mask's (for one value for each true place, index with mask.nonzero())",
                v.shape(),
                mask.shape(),
                of.shape()
            );
            v.clone().cast(dtype).broadcast_to("at", of.shape())
        }
    };
    let counts = matches!(how, Update::Add | Update::Mul);
    assert!(
        !(dtype == DType::Bool && counts),
        "at: bool is not added or multiplied; use max (or), min (and)"
    );
    let with = Term::Value(with);
    let old = of.clone();
    let new = match how {
        Update::Set => with,
        Update::Add => Term::Value(old.binary(Binary::Add, with)),
        Update::Mul => Term::Value(old.binary(Binary::Mul, with)),
        Update::Min => Term::Value(old.binary(Binary::Min, with)),
        Update::Max => Term::Value(old.binary(Binary::Max, with)),
    };
    Some(which.select(new, Term::Value(of.clone())))
}
