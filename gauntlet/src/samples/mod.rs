//! The table: sample inputs of every operation, one file a family.
//!
//! [`samples`] is an exhaustive match, and so are the families' own tables: an operation, or a function of a family,
//! without samples does not compile. Data are plain here; properties run each sample with views of every kind too
//! (see [`Sample::variants`]), so a table names a layout only where it wants a certain mixture.

mod binary;
mod bits;
mod call;
mod cast;
pub mod collective;
mod compare;
mod control;
mod conv;
mod create;
mod cumulative;
mod dot;
mod fft;
mod gather;
mod linalg;
pub mod pmap;
mod random;
mod reduce;
mod scatter;
mod select;
mod shape;
mod slice;
mod sort;
mod special;
mod unary;
mod window;

use crate::data::cycle;
use crate::{Class, Sample};
use plywood_core::convert::Wide;
use plywood_core::{DType, Op, OpKind};

/// The samples of an operation.
pub fn samples(kind: OpKind) -> Vec<Sample> {
    match kind {
        OpKind::Unary => unary::unary(),
        OpKind::IntegerPow => unary::integer_pow(),
        OpKind::ReducePrecision => unary::reduce_precision(),
        OpKind::Binary => binary::binary(),
        OpKind::Bits => bits::bits(),
        OpKind::Compare => compare::compare(),
        OpKind::Select => select::select(),
        OpKind::Clamp => select::clamp(),
        OpKind::Cast => cast::cast(),
        OpKind::Bitcast => cast::bitcast(),
        OpKind::Reshape => shape::reshape(),
        OpKind::Transpose => shape::transpose(),
        OpKind::Broadcast => shape::broadcast(),
        OpKind::Reverse => shape::reverse(),
        OpKind::Slice => slice::slice(),
        OpKind::DynamicSlice => slice::dynamic_slice(),
        OpKind::DynamicUpdate => slice::dynamic_update(),
        OpKind::Pad => slice::pad(),
        OpKind::Concatenate => slice::concatenate(),
        OpKind::Gather => gather::gather(),
        OpKind::Scatter => scatter::scatter(),
        OpKind::Reduce => reduce::reduce(),
        OpKind::ArgReduce => reduce::arg_reduce(),
        OpKind::Sort => sort::sort(),
        OpKind::TopK => sort::top_k(),
        OpKind::Cumulative => cumulative::cumulative(),
        OpKind::Dot => dot::dot(),
        OpKind::Conv => conv::conv(),
        OpKind::Window => window::window(),
        OpKind::Fft => fft::fft(),
        OpKind::Linalg => linalg::linalg(),
        OpKind::Special => special::special(),
        OpKind::Full => create::full(),
        OpKind::Iota => create::iota(),
        OpKind::Constant => create::constant(),
        OpKind::Random => random::random(),
        OpKind::StopGradient => shape::stop_gradient(),
        OpKind::Name => call::name(),
        OpKind::Call => call::call(),
        OpKind::Scan => control::scan::scan(),
        OpKind::While => control::while_loop::while_loop(),
        OpKind::Cond => control::cond::cond(),
        OpKind::Collective => collective::collective(),
        OpKind::Pmap => pmap::pmap(),
    }
}

/// The float types.
const FLOATS: [DType; 4] = [DType::F64, DType::F32, DType::F16, DType::BF16];

/// The integer types.
const INTEGERS: [DType; 8] =
    [DType::I64, DType::I32, DType::I16, DType::I8, DType::U64, DType::U32, DType::U16, DType::U8];

/// Shapes for element-wise operations: a scalar, an empty one, the tail of a vector, rank 4, more than a tile.
const SHAPES: &[&[usize]] = &[&[], &[0], &[7], &[2, 3, 4, 5], &[1031]];

/// More of them, for a dtype of each width: what they show does not depend on the type.
const ODD_SHAPES: &[&[usize]] = &[&[2, 0, 3], &[1], &[3, 1, 5], &[40, 33]];

/// Samples of an element-wise operation for every shape, and one of all values. Each operand runs through its values;
/// give operands numbers of values that have no common divisor, and all pairs meet.
fn elementwise(name: &str, op: &Op, operands: &[(DType, &[Wide])], class: Class) -> Vec<Sample> {
    let all: &[usize] = &[operands.iter().map(|(_, values)| values.len()).max().unwrap_or(0)];
    let odd = matches!(operands[0].0, DType::F64 | DType::F32 | DType::BF16 | DType::Bool);
    let shapes = SHAPES.iter().chain(ODD_SHAPES.iter().filter(|_| odd)).copied().chain([all]);
    shapes
        .map(|shape| {
            let inputs = operands.iter().map(|(dtype, values)| cycle(*dtype, shape, values));
            Sample::new(format!("{name} {shape:?}"), op.clone(), inputs).class(class)
        })
        .collect()
}
