//! As what elements travel. NCCL adds and compares ten types, and drops NaN where it looks for extremes; Plywood has thirteen, and
//! keeps it.
//!
//! What always holds: extremes are those of a reduction of one device, to the bit: floats are compared as integers in the order of
//! floats (`plywood_kernel::formulas::reduce`), NaN beyond all.

use super::comm::Element;
use super::communicator::Fold;
use crate::data::{self, Storage};
use crate::kernels::Queue;
use crate::programs::{Single, key_of};
use cubecl::prelude::Runtime;
use plywood_core::op::Reduction;
use plywood_core::{DType, Value};

/// As what a tensor's elements travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carrier {
    /// What lies in memory.
    pub dtype: DType,
    /// What NCCL counts in: an element, or a byte of one.
    pub element: Element,
    by: By,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// The elements as they are.
    Itself,
    /// A wider integer of the same number.
    Cast,
    /// An integer in the order of the floats.
    Key(Reduction),
}

impl Carrier {
    /// Of elements that only move: bytes.
    pub fn moved(dtype: DType) -> Carrier {
        Carrier { dtype, element: Element { code: 1, size: 1 }, by: By::Itself }
    }

    /// Of elements that are put together; none for a sum of bools.
    pub fn folded(dtype: DType, how: Fold) -> Option<Carrier> {
        let carrier = |dtype: DType, by| {
            let element = Element { code: code(dtype)?, size: dtype.size() };
            Some(Carrier { dtype, element, by })
        };
        let key = match how {
            Fold::Sum => None,
            Fold::Max => Some(By::Key(Reduction::Max)),
            Fold::Min => Some(By::Key(Reduction::Min)),
        };
        match dtype {
            DType::F64 | DType::F32 | DType::F16 | DType::BF16 => match key {
                None => carrier(dtype, By::Itself),
                // 16-bit floats are compared as f32, which have no more of them.
                Some(by) => carrier(key_of(dtype), by),
            },
            DType::I64 | DType::I32 | DType::I8 | DType::U64 | DType::U32 | DType::U8 => {
                carrier(dtype, By::Itself)
            }
            // Of 32 bits a sum's lowest 16 are the sum of 16 bits.
            DType::I16 => carrier(DType::I32, By::Cast),
            DType::U16 => carrier(DType::U32, By::Cast),
            // A byte, 0 or 1.
            DType::Bool => key.and_then(|_| carrier(DType::Bool, By::Itself)),
        }
    }

    /// The elements as they travel, in order.
    pub fn load<R: Runtime>(&self, queue: &Queue<'_, R>, x: &Value) -> Value {
        let ty = x.ty().with_dtype(self.dtype);
        match self.by {
            // A number is uploaded; its copies are made by a kernel.
            By::Itself if x.ty().elements() == 1 => match &data::data(x).storage {
                Storage::Device(_) => x.clone(),
                number @ Storage::Number(_) => queue.filled(ty, number.on(queue.client, x.dtype().size())),
            },
            By::Itself => queue.contiguous(x.clone()),
            By::Cast => queue.map(Single::Cast(x.dtype(), self.dtype), ty, std::slice::from_ref(x)),
            By::Key(kind) => queue.map(Single::Encode(kind, x.dtype()), ty, std::slice::from_ref(x)),
        }
    }

    /// What came, as elements of `dtype`.
    pub fn unload<R: Runtime>(&self, queue: &Queue<'_, R>, x: Value, dtype: DType) -> Value {
        let ty = x.ty().with_dtype(dtype);
        match self.by {
            By::Itself => x,
            By::Cast => queue.map(Single::Cast(self.dtype, dtype), ty, &[x]),
            By::Key(kind) => queue.map(Single::Decode(kind, dtype), ty, &[x]),
        }
    }
}

/// NCCL's number of a type (`ncclDataType_t`); a bool is a byte.
fn code(dtype: DType) -> Option<i32> {
    match dtype {
        DType::I8 => Some(0),
        DType::U8 | DType::Bool => Some(1),
        DType::I32 => Some(2),
        DType::U32 => Some(3),
        DType::I64 => Some(4),
        DType::U64 => Some(5),
        DType::F16 => Some(6),
        DType::F32 => Some(7),
        DType::F64 => Some(8),
        DType::BF16 => Some(9),
        DType::I16 | DType::U16 => None,
    }
}

#[cfg(all(test, feature = "wgpu"))]
mod tests {
    use super::*;
    use crate::Wgpu;
    use crate::platform::client;
    use plywood_backend_cpu::Cpu;
    use plywood_core::op::Binary;
    use plywood_core::{Array, Backend, Op};

    fn host(x: &Array) -> Value {
        Value::create(Cpu::ENGINE, Op::Constant(x.clone()))
    }

    /// By software Vulkan: numbers travel, NCCL's part is done by the CPU, and what arrives is what the CPU makes of them at once.
    #[test]
    fn what_travels_is_what_it_was() {
        let client = match client::<Wgpu>(0) {
            Ok(client) => client,
            Err(e) => return println!("left out: {e}"),
        };
        let queue = Queue { client, engine: Wgpu::ENGINE };
        let (nan, infinite) = (f64::NAN, f64::INFINITY);
        let numbers =
            [0.0, -0.0, 1.0, -1.0, 1.5, -300.0, infinite, -infinite, nan, 6e-5, -6e-5, 127.0, 40000.0];
        let n = numbers.len();
        // Each with each.
        let pairs: [Vec<f64>; 2] =
            [(0..n * n).map(|i| numbers[i % n]).collect(), (0..n * n).map(|i| numbers[i / n]).collect()];
        let folds = [(Fold::Sum, Binary::Add), (Fold::Max, Binary::Max), (Fold::Min, Binary::Min)];
        for dtype in DType::ALL.into_iter().filter(|dtype| client.facts.dtypes.contains(dtype)) {
            for (how, op) in folds {
                let Some(carrier) = Carrier::folded(dtype, how) else {
                    assert_eq!((dtype, how), (DType::Bool, Fold::Sum));
                    continue;
                };
                let [a, b] = pairs.each_ref().map(|x| host(&Array::new(x.clone(), [n, n])).cast(dtype));
                let travelled = [&a, &b].map(|x| {
                    let on_device = queue.upload(&x.array("x"));
                    let loaded = queue.read(&carrier.load(&queue, &on_device)).expect("a read");
                    assert_eq!(loaded.dtype(), carrier.dtype);
                    // A bool is counted as a byte.
                    host(&loaded).cast(if dtype == DType::Bool { DType::U8 } else { carrier.dtype })
                });
                let [x, y] = travelled;
                let arrived = Value::apply2(Op::Binary(op), x, y).cast(carrier.dtype).array("arrived");
                let result = carrier.unload(&queue, queue.upload(&arrived), dtype);
                let result = host(&queue.read(&result).expect("a read")).cast(DType::F64).to_vec::<f64>();
                let at_once = match dtype {
                    DType::Bool => {
                        let both = [a, b].map(|x| x.cast(DType::U8));
                        let [a, b] = both;
                        Value::apply2(Op::Binary(op), a, b).cast(DType::F64)
                    }
                    _ => Value::apply2(Op::Binary(op), a, b).cast(DType::F64),
                };
                for (i, (got, wanted)) in result.into_iter().zip(at_once.to_vec::<f64>()).enumerate() {
                    let same = got.to_bits() == wanted.to_bits() || (got.is_nan() && wanted.is_nan());
                    // Of two zeros of different signs either is the extreme of the operation, the positive one that of a reduction.
                    let zeros = dtype.is_float() && got == 0.0 && wanted == 0.0;
                    let (x, y) = (pairs[0][i], pairs[1][i]);
                    assert!(same || zeros, "{how:?} of {dtype} {x} and {y}: {got}, not {wanted}");
                }
            }
        }
    }
}
