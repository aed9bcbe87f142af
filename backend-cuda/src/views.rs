//! Elements on the host: arrays as bytes and back, and numbers in lanes.

use half::{bf16, f16};
use plywood_core::convert::from_number;
use plywood_core::{Array, DType, Number, TensorType};
use plywood_kernel::Width;

/// Binds the type of any dtype but bool.
macro_rules! numbers {
    ($dtype:expr, $T:ident => $body:expr, bool => $bool:expr) => {
        numbers!(@ $dtype, $T, $body, $bool; F64 f64, F32 f32, F16 f16, BF16 bf16,
            I64 i64, I32 i32, I16 i16, I8 i8, U64 u64, U32 u32, U16 u16, U8 u8)
    };
    (@ $dtype:expr, $T:ident, $body:expr, $bool:expr; $($D:ident $t:ty),*) => {
        match $dtype {
            $(DType::$D => { type $T = $t; $body })*
            DType::Bool => $bool,
        }
    };
}

/// The elements of an array as bytes; a bool is one, 0 or 1.
pub fn bytes(array: &Array) -> &[u8] {
    const OWN: &str = "it is the array's own dtype";
    numbers!(array.dtype(), T => bytemuck::cast_slice(array.as_slice::<T>().expect(OWN)),
        bool => bytemuck::cast_slice(array.as_slice::<bool>().expect(OWN)))
}

/// The array of a type with these bytes.
pub fn array(ty: &TensorType, bytes: &[u8]) -> Array {
    let shape = ty.shape.clone();
    numbers!(ty.dtype, T => Array::new(elements::<T>(bytes), shape),
        bool => Array::new(bytes.iter().map(|&byte| byte != 0).collect(), shape))
}

fn elements<T: bytemuck::Pod>(bytes: &[u8]) -> Vec<T> {
    let mut all = vec![T::zeroed(); bytes.len() / size_of::<T>()];
    bytemuck::cast_slice_mut(&mut all).copy_from_slice(bytes);
    all
}

/// A number as an element's bytes.
pub fn element(number: Number, dtype: DType) -> [u8; 8] {
    let mut all = [0; 8];
    let size = dtype.size();
    numbers!(dtype, T => all[..size].copy_from_slice(bytemuck::bytes_of(&from_number::<T>(number))),
        bool => all[0] = from_number::<bool>(number) as u8);
    all
}

/// An element, by its bytes, as a lane's bits.
pub fn lane(dtype: DType, width: Width, bytes: &[u8; 8]) -> u64 {
    let float = |x: f64| match width {
        Width::W32 => (x as f32).to_bits() as u64,
        Width::W64 => x.to_bits(),
    };
    let first = |n: usize| &bytes[..n];
    let bits = match dtype {
        DType::F64 => float(bytemuck::pod_read_unaligned::<f64>(bytes)),
        DType::F32 => match width {
            // As it is: a NaN keeps its bits.
            Width::W32 => bytemuck::pod_read_unaligned::<u32>(first(4)) as u64,
            Width::W64 => float(bytemuck::pod_read_unaligned::<f32>(first(4)) as f64),
        },
        DType::F16 => float(bytemuck::pod_read_unaligned::<f16>(first(2)).to_f64()),
        DType::BF16 => float(bytemuck::pod_read_unaligned::<bf16>(first(2)).to_f64()),
        DType::I64 | DType::U64 => bytemuck::pod_read_unaligned::<u64>(bytes),
        DType::I32 => bytemuck::pod_read_unaligned::<i32>(first(4)) as i64 as u64,
        DType::I16 => bytemuck::pod_read_unaligned::<i16>(first(2)) as i64 as u64,
        DType::I8 => bytes[0] as i8 as i64 as u64,
        DType::U32 => bytemuck::pod_read_unaligned::<u32>(first(4)) as u64,
        DType::U16 => bytemuck::pod_read_unaligned::<u16>(first(2)) as u64,
        DType::U8 | DType::Bool => bytes[0] as u64,
    };
    match width {
        Width::W32 => bits & u32::MAX as u64,
        Width::W64 => bits,
    }
}

/// An array of one element, as the bytes of a number.
pub fn only(array: &Array) -> Option<[u8; 8]> {
    let bytes = bytes(array);
    (array.shape().elements() == 1).then(|| {
        let mut all = [0; 8];
        all[..bytes.len()].copy_from_slice(bytes);
        all
    })
}
