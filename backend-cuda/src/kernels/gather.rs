//! Reading windows at computed places: a unit for each element of the output, in its order. It reads the index of its window, and
//! one element: nothing is kept in between.

use super::Queue;
use super::places::{self, Component, Indices, Task, What};
use crate::data::{self, GpuData, Storage};
use cubecl::prelude::Runtime;
use plywood_core::op::{Gather, IndexMode};
use plywood_core::shape::Axes;
use plywood_core::{TensorType, Value, Values};
use plywood_kernel::layout::{Layout, Strides};
use smallvec::SmallVec;

/// Inputs: operand, indices.
pub fn gather<R: Runtime>(queue: &Queue<'_, R>, ty: TensorType, x: Values, g: &Gather) -> Value {
    let (from, at) = (&x[0], &x[1]);
    let GpuData { layout, storage, .. } = data::data(from);
    if ty.elements() == 0 {
        let buffer = queue.empty(&ty);
        return queue.filled(ty, buffer);
    }
    assert!(
        from.ty().elements() > 0,
        "gather: windows of {:?} of shape {}, where there is nothing to read for shape {}",
        g.sizes,
        from.shape(),
        ty.shape
    );
    let (window, offsets) = (g.window_axes(), &g.offset_axes);
    let batching = (&g.operand_batching_axes, &g.indices_batching_axes);
    let found = Windows {
        shape: from.shape(),
        sizes: &g.sizes,
        strides: &layout.strides,
        map: &g.start_index_map,
        batching: &g.operand_batching_axes,
        mode: g.mode,
    };
    let indices = found.indices(queue, "gather", at);
    // Along the output's axes.
    let (mut of_window, mut of_batch) = (window.iter(), 0..at.rank() - 1);
    let (mut strides, mut of_indices) = (Strides::new(), Strides::new());
    for d in 0..ty.rank() {
        if offsets.contains(&d) {
            let &axis = of_window.next().expect("as many axes as the shape rule counted");
            strides.push(layout.strides[axis]);
            of_indices.push(0);
        } else {
            let b = of_batch.next().expect("as many axes as the shape rule counted");
            strides.push(along(batching, b, &layout.strides));
            of_indices.push(data::data(at).layout.strides[b]);
        }
    }
    if indices.components.is_empty() {
        return queue.view(ty, from, Layout { strides, offset: layout.offset });
    }
    if let (Storage::Number(bytes), false) = (storage, indices.fills) {
        return queue.number(ty, *bytes);
    }
    let buffer = queue.empty(&ty);
    let task = Task {
        name: "gather",
        what: What::Read(buffer.clone()),
        dtype: ty.dtype,
        buffer: Some(storage.on(queue.client, ty.dtype.size())),
        offset: layout.offset,
        strides,
        shape: &ty.shape,
        indices: Indices { strides: of_indices, ..indices },
    };
    places::launch(queue, task);
    queue.filled(ty, buffer)
}

/// How far apart windows are along a batch axis of the indices, whatever these are.
pub fn along(batching: (&Axes, &Axes), b: usize, strides: &[isize]) -> isize {
    let pairs = batching.0.iter().zip(batching.1);
    pairs.filter(|&(_, &i)| i == b).map(|(&operand, _)| strides[operand]).sum()
}

/// What is needed to find the windows that indices name.
pub struct Windows<'a> {
    /// The tensor's sizes,
    pub shape: &'a [usize],
    /// those of a window along its axes,
    pub sizes: &'a [usize],
    /// and its strides.
    pub strides: &'a [isize],
    /// The axis of each component of an index.
    pub map: &'a [usize],
    /// The axes that run along with axes of the indices.
    pub batching: &'a [usize],
    /// What happens outside.
    pub mode: IndexMode,
}

impl Windows<'_> {
    /// The components of the indices, without those that can only be 0. The strides are the caller's.
    pub fn indices<R: Runtime>(&self, queue: &Queue<'_, R>, name: &str, at: &Value) -> Indices {
        // What moves a window along an axis is bounded by itself.
        let mut moved: SmallVec<[usize; 8]> = self.map.iter().chain(self.batching).copied().collect();
        moved.sort();
        assert!(
            moved.windows(2).all(|d| d[0] != d[1]),
            "{name}: indices along axes {:?} and batching axes {:?} of shape {:?} count along one of them twice",
            self.map,
            self.batching,
            self.shape
        );
        let fills = match self.mode {
            IndexMode::Clip | IndexMode::PromiseInBounds => false,
            IndexMode::Fill => true,
        };
        let GpuData { layout, storage, .. } = data::data(at);
        let apart = layout.strides[at.rank() - 1];
        let component = |(c, &d): (usize, &usize)| Component {
            list: 0,
            offset: layout.offset as isize + c as isize * apart,
            last: self.shape[d] - self.sizes[d],
            step: self.strides[d],
        };
        let all = self.map.iter().enumerate().map(component);
        let components: SmallVec<[Component; 4]> = all.filter(|c| fills || c.last > 0).collect();
        let lists = match components.is_empty() {
            true => SmallVec::new(),
            false => SmallVec::from_iter([storage.on(queue.client, at.dtype().size())]),
        };
        Indices { dtype: at.dtype(), lists, components, strides: Strides::new(), fills }
    }
}
