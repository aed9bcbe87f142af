//! Programs as lists of small numbers, and how they are drawn and shrunk.

use super::instruction::What;
use crate::Layout;
use crate::data::{Numbers, cycle, fill, mixed, small, uniform};
use plywood_core::convert::Wide;
use plywood_core::{Array, DType, Shape, TensorType};
use proptest::collection::vec;
use proptest::prelude::*;

/// Shapes that meet: rows, columns and scalars of each other, transposes, parts; nothing, one, odd sizes.
const SHAPES: &[&[usize]] = &[
    &[5, 17],
    &[17],
    &[],
    &[17, 5],
    &[33, 17],
    &[17, 33],
    &[5, 1],
    &[1, 17],
    &[17, 17],
    &[5],
    &[33],
    &[100],
    &[1],
    &[4, 5, 17],
    &[3, 1, 17],
    &[2, 3, 33],
    &[2, 4, 5, 17],
    &[3, 3],
    &[100, 33],
    &[2, 2, 5, 5],
    &[0],
    &[5, 0],
    &[0, 17],
    &[1, 1],
];

/// Mostly f32; every other type, too.
pub(super) const DTYPES: &[DType] = &[
    DType::F32,
    DType::F32,
    DType::F32,
    DType::F32,
    DType::F32,
    DType::F32,
    DType::F32,
    DType::F32,
    DType::F64,
    DType::F64,
    DType::I32,
    DType::I32,
    DType::BF16,
    DType::BF16,
    DType::F16,
    DType::I64,
    DType::U8,
    DType::U32,
    DType::Bool,
    DType::Bool,
    DType::I8,
    DType::I16,
    DType::U16,
    DType::U64,
];

const LAYOUTS: [Layout; 8] = [
    Layout::Plain,
    Layout::Plain,
    Layout::Plain,
    Layout::Transposed,
    Layout::Strided,
    Layout::Reversed,
    Layout::Offset,
    Layout::Broadcast,
];

/// An input: numbers that choose its type, its data and its layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Input {
    /// Chooses among shapes.
    pub shape: u8,
    /// Chooses among dtypes.
    pub dtype: u8,
    /// Chooses how it lies in memory.
    pub layout: u8,
    /// Chooses the kind of data, and is their seed.
    pub data: u8,
    /// Whether lanes have it each for themselves, where there are lanes.
    pub batched: bool,
}

impl Input {
    /// The type.
    pub fn ty(&self) -> TensorType {
        let shape: Shape = SHAPES[self.shape as usize % SHAPES.len()].into();
        TensorType::new(shape, DTYPES[self.dtype as usize % DTYPES.len()])
    }

    /// The data, of a type that may have one more axis.
    pub fn data(&self, ty: &TensorType) -> Array {
        let (dtype, shape) = (ty.dtype, ty.shape.clone());
        let name = format!("{}", self.data);
        if self.layout() == Layout::Broadcast {
            // The same along the first axes.
            let period = shape.last().copied().unwrap_or(1).max(1);
            let row = small(DType::F64, [period], &name).into_vec::<f64>().unwrap_or_default();
            let row: Vec<Wide> = row.into_iter().map(|x| Wide::Float(x.abs() + 1.0)).collect();
            return cycle(dtype, shape, &row);
        }
        match self.data % 8 {
            // Special values spread, and hide what else there is.
            7 => cycle(dtype, shape, &mixed(dtype, &name)),
            5 | 6 if dtype.is_float() => uniform(dtype, shape, &name, -2.0, 2.0),
            4 if dtype.is_float() => {
                let mut numbers = Numbers::of(&name);
                fill(dtype, shape, |_| Wide::Float(numbers.int(-4, 4) as f64))
            }
            _ => small(dtype, shape, &name),
        }
    }

    /// How it lies in memory, if it can.
    pub fn layout(&self) -> Layout {
        LAYOUTS[self.layout as usize % LAYOUTS.len()]
    }
}

/// An operation, or a few: numbers that choose it, its operands and its attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Which.
    pub what: What,
    /// Choose among the values there are; 0 is the latest.
    pub operands: [u8; 3],
    /// Chooses attributes, digit by digit.
    pub attributes: u64,
    /// The insides of operations that hold graphs.
    pub body: Vec<Instruction>,
}

/// A function, and its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// What goes in.
    pub inputs: Vec<Input>,
    /// What is done.
    pub instructions: Vec<Instruction>,
    /// Choose among all values those that come out, beside the latest.
    pub outputs: Vec<u8>,
    /// Chooses what a property leaves open: cotangents, the number of lanes.
    pub choice: u8,
}

fn input() -> impl Strategy<Value = Input> {
    // Related shapes more often than others.
    let shape = prop_oneof![3 => 0..9u8, 1 => 0..SHAPES.len() as u8];
    (shape, 0..DTYPES.len() as u8, 0..LAYOUTS.len() as u8, 0..32u8, any::<bool>())
        .prop_map(|(shape, dtype, layout, data, batched)| Input { shape, dtype, layout, data, batched })
}

fn instruction(depth: u32) -> BoxedStrategy<Instruction> {
    let numbers = || (any::<[u8; 3]>(), any::<u64>());
    let plain = (0..What::weights(false), numbers()).prop_map(|(what, (operands, attributes))| Instruction {
        what: What::of(false, what),
        operands,
        attributes,
        body: vec![],
    });
    if depth == 0 {
        return plain.boxed();
    }
    let holding = (0..What::weights(true), numbers(), vec(instruction(depth - 1), 0..6)).prop_map(
        |(what, (operands, attributes), body)| Instruction {
            what: What::of(true, what),
            operands,
            attributes,
            body,
        },
    );
    prop_oneof![16 => plain, 1 => holding].boxed()
}

/// Programs of up to so many instructions.
pub fn programs(most: usize) -> impl Strategy<Value = Program> {
    (vec(input(), 1..5), vec(instruction(2), 1..=most), vec(any::<u8>(), 0..4), any::<u8>())
        .prop_map(|(inputs, instructions, outputs, choice)| Program { inputs, instructions, outputs, choice })
}
