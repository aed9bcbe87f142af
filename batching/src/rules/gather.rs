//! Reading windows. Where only the operand differs between lanes, the window grows by the lanes' axis; where only the
//! places do, there are more of them; where both do, they run along with each other.

use super::{Args, Batch, batched, led, up};
use plywood_core::op::Gather;
use plywood_core::{Op, Value};
use std::sync::Arc;

pub(super) fn gather(g: &Gather, b: &Batch<'_>, mut x: Args) -> Args {
    let indices = x.pop().expect("two inputs");
    let operand = x.pop().expect("two inputs");
    let gather = match (operand.batched, indices.batched) {
        (true, false) => Gather {
            offset_axes: led(0, &up(&g.offset_axes)),
            collapsed_axes: up(&g.collapsed_axes),
            operand_batching_axes: up(&g.operand_batching_axes),
            indices_batching_axes: g.indices_batching_axes.clone(),
            start_index_map: up(&g.start_index_map),
            sizes: led(b.size(), &g.sizes),
            mode: g.mode,
        },
        (true, true) => Gather {
            offset_axes: up(&g.offset_axes),
            collapsed_axes: up(&g.collapsed_axes),
            operand_batching_axes: led(0, &up(&g.operand_batching_axes)),
            indices_batching_axes: led(0, &up(&g.indices_batching_axes)),
            start_index_map: up(&g.start_index_map),
            sizes: led(1, &g.sizes),
            mode: g.mode,
        },
        (false, _) => Gather {
            offset_axes: up(&g.offset_axes),
            indices_batching_axes: up(&g.indices_batching_axes),
            ..g.clone()
        },
    };
    batched(Value::apply2(Op::Gather(Arc::new(gather)), operand.value, indices.value))
}
