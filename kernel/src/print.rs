//! A program as text: one line an operation, `%3: f32 = add %1 %2`.

use super::ir::{Op, Program, StageKind, Type};
use std::fmt;

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Type::F32 => "f32",
            Type::I32 => "i32",
            Type::U32 => "u32",
            Type::F64 => "f64",
            Type::I64 => "i64",
            Type::U64 => "u64",
            Type::Mask => "mask",
        })
    }
}

/// A constant as a number of its type.
fn constant(f: &mut fmt::Formatter<'_>, ty: Type, bits: u64) -> fmt::Result {
    match ty {
        Type::F32 => write!(f, "{:?}", f32::from_bits(bits as u32)),
        Type::F64 => write!(f, "{:?}", f64::from_bits(bits)),
        Type::I32 => write!(f, "{}", bits as u32 as i32),
        Type::I64 => write!(f, "{}", bits as i64),
        Type::U32 | Type::U64 => write!(f, "{bits:#x}"),
        Type::Mask => write!(f, "{}", bits != 0),
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "kernel(")?;
        for (i, arg) in self.args.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}${i}: {}{}", arg.dtype, if arg.splat { " splat" } else { "" })?;
        }
        writeln!(f, ") {{")?;
        for stage in &self.stages {
            writeln!(f, "  {} {{", if stage.kind == StageKind::Loop { "loop" } else { "row" })?;
            for id in stage.ops.clone() {
                let op = self.ops[id as usize];
                match op {
                    Op::Store(..) | Op::While(_) => write!(f, "    ")?,
                    _ => write!(f, "    %{id}: {} = ", self.ty(id))?,
                }
                match op {
                    Op::Const(ty, bits) => constant(f, ty, bits)?,
                    Op::Column => write!(f, "column")?,
                    Op::Load(arg) => write!(f, "load ${arg}")?,
                    Op::Store(arg, _) => write!(f, "store ${arg}")?,
                    Op::While(_) => write!(f, "while")?,
                    Op::Unary(op, _) => write!(f, "{}", format!("{op:?}").to_lowercase())?,
                    Op::Binary(op, ..) => write!(f, "{}", format!("{op:?}").to_lowercase())?,
                    Op::Fma(op, ..) => write!(f, "fma.{}", format!("{op:?}").to_lowercase())?,
                    Op::Compare(op, ..) => write!(f, "{}", format!("{op:?}").to_lowercase())?,
                    Op::Select(..) => write!(f, "select")?,
                    Op::Reduce(op, _) => write!(f, "reduce.{}", format!("{op:?}").to_lowercase())?,
                }
                for x in op.operands() {
                    write!(f, " %{x}")?;
                }
                writeln!(f)?;
            }
            writeln!(f, "  }}")?;
        }
        write!(f, "}}")
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
