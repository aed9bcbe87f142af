//! What a device does not say of itself, found out by a small kernel.

use crate::client::Client;
use crate::data::{Buffer, Storage};
use crate::launch::{Job, Operand, launch};
use cubecl::prelude::Runtime;
use plywood_core::DType;
use plywood_kernel::layout::Strides;
use plywood_kernel::{Builder, Width, cast};
use std::sync::Arc;

/// Whether a fused multiplication and addition is rounded once: whether (1 + e)^2 - (1 + 2 e) is e^2, and not 0.
pub fn fuses<R: Runtime>(client: &Client<R>) -> bool {
    let b = Builder::new(Width::W32);
    let [x, y, z] = [(); 3].map(|()| b.input(DType::F32));
    let sum = x.fma(y, z);
    cast::output(&b, DType::F32, sum);
    let program = Arc::new(b.finish());
    let e = 2f32.powi(-12);
    let input = |x: f32| operand(client.upload(bytemuck::bytes_of(&x)));
    let result = client.empty(4);
    let operands = vec![input(1.0 + e), input(1.0 + e), input(-(1.0 + 2.0 * e)), operand(result.clone())];
    launch(client, &Job { program, shape: &[1], columns: 0, operands });
    let read = client.download(&result);
    read.is_ok_and(|bytes| bytemuck::pod_read_unaligned::<f32>(&bytes) == e * e)
}

fn operand(buffer: Buffer) -> Operand {
    Operand { storage: Storage::Device(buffer), offset: 0, strides: Strides::from_elem(1, 1) }
}
