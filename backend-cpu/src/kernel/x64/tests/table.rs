//! Every operation, of every type, on every instruction set: special values, bit for bit as the interpreter has it.

use super::{Case, Form, isas};
use crate::kernel::ir::{Binary, Compare, Fma, Op, Reduce, Rounding, Type, Unary};
use crate::kernel::{Builder, Program, V, Width};
use plywood_core::DType;

/// The type that holds a lane as it is.
fn memory(ty: Type) -> DType {
    match ty {
        Type::F32 => DType::F32,
        Type::I32 => DType::I32,
        Type::U32 => DType::U32,
        Type::F64 => DType::F64,
        Type::I64 => DType::I64,
        Type::U64 => DType::U64,
        Type::Mask => DType::Bool,
    }
}

const W32: [Type; 4] = [Type::F32, Type::I32, Type::U32, Type::Mask];
const W64: [Type; 4] = [Type::F64, Type::I64, Type::U64, Type::Mask];

fn unary() -> impl Iterator<Item = Unary> {
    let fixed = [
        Unary::Sqrt,
        Unary::Round(Rounding::Nearest),
        Unary::Round(Rounding::Down),
        Unary::Round(Rounding::Up),
        Unary::Round(Rounding::Zero),
        Unary::Not,
    ];
    let shifts = [0, 1, 7, 16, 31, 32, 33, 63].into_iter();
    let shifts = shifts.flat_map(|n| [Unary::Shl(n), Unary::Shr(n), Unary::Rotl(n)]);
    let types = W32.into_iter().chain(W64).flat_map(|ty| [Unary::Convert(ty), Unary::Bits(ty)]);
    fixed.into_iter().chain(shifts).chain(types)
}

const BINARY: [Binary; 13] = [
    Binary::Add,
    Binary::Sub,
    Binary::Mul,
    Binary::MulLow,
    Binary::Div,
    Binary::Min,
    Binary::Max,
    Binary::And,
    Binary::Or,
    Binary::Xor,
    Binary::Shl,
    Binary::Shr,
    Binary::Scale,
];
const COMPARE: [Compare; 6] = [Compare::Lt, Compare::Le, Compare::Eq, Compare::Ne, Compare::Gt, Compare::Ge];
const REDUCE: [Reduce; 7] =
    [Reduce::Sum, Reduce::Product, Reduce::Max, Reduce::Min, Reduce::And, Reduce::Or, Reduce::Xor];

/// The program that `f` writes; `None` where the language does not have it.
fn program(width: Width, f: impl Fn(&Builder) -> Option<()>) -> Option<Program> {
    let b = Builder::new(width);
    f(&b)?;
    Some(b.finish())
}

/// Programs of one operation each, of all types that it takes.
fn programs() -> Vec<(String, Program)> {
    let mut all = Vec::new();
    for (width, types) in [(Width::W32, W32), (Width::W64, W64)] {
        for ty in types {
            let mut add = |name: String, f: &dyn Fn(&Builder) -> Option<()>| {
                all.extend(program(width, f).map(|p| (name, p)));
            };
            let out = |b: &Builder, v: V<'_>| b.output(memory(v.ty()), v);
            for op in unary() {
                add(format!("{op:?} {ty}"), &|b| {
                    let x = b.input(memory(ty));
                    b.try_push(Op::Unary(op, x.id())).map(|v| out(b, v))
                });
            }
            for op in BINARY {
                add(format!("{op:?} {ty}"), &|b| {
                    let (x, y) = (b.input(memory(ty)), b.input(memory(ty)));
                    let y = match op {
                        // Its second operand is integral, and not wild.
                        Binary::Scale if ty.is_float() => {
                            let most = if ty == Type::F32 { 250.0 } else { 1100.0 };
                            let y = y.c(most).min(y).max(y.c(-most)).round(Rounding::Down);
                            y.ne(y).select(y.c(0.0), y)
                        }
                        _ => y,
                    };
                    b.try_push(Op::Binary(op, x.id(), y.id())).map(|v| out(b, v))
                });
            }
            for op in [Fma::Add, Fma::Sub, Fma::Neg] {
                add(format!("{op:?} {ty}"), &|b| {
                    let [x, y, z] = [(); 3].map(|()| b.input(memory(ty)));
                    b.try_push(Op::Fma(op, x.id(), y.id(), z.id())).map(|v| out(b, v))
                });
            }
            for op in COMPARE {
                add(format!("{op:?} {ty}"), &|b| {
                    let (x, y) = (b.input(memory(ty)), b.input(memory(ty)));
                    b.try_push(Op::Compare(op, x.id(), y.id())).map(|v| out(b, v))
                });
            }
            add(format!("Select {ty}"), &|b| {
                let (m, x, y) = (b.input(DType::Bool), b.input(memory(ty)), b.input(memory(ty)));
                out(b, m.select(x, y));
                Some(())
            });
            add(format!("Const {ty}"), &|b| {
                out(b, b.bits(ty, 1));
                out(b, b.bits(ty, 0));
                Some(())
            });
            for op in REDUCE {
                add(format!("Reduce {op:?} {ty}"), &|b| {
                    let x = b.input(memory(ty));
                    let v = b.try_push(Op::Reduce(op, x.id()))?;
                    b.row();
                    out(b, v);
                    Some(())
                });
            }
        }
        let name = format!("Column {width:?}");
        all.extend(
            program(width, |b| {
                b.output(memory(width.unsigned()), b.column());
                Some(())
            })
            .map(|p| (name, p)),
        );
    }
    all
}

#[test]
fn every_operation_of_every_type() {
    let programs = programs();
    assert!(programs.len() > 200, "{}", programs.len());
    let mut wrong = Vec::new();
    for (name, program) in &programs {
        for isa in isas() {
            // All pairs of special values; a third of the columns is left over for the tail.
            for columns in [2000, 77, 5] {
                let case = Case { program, rows: 2, columns, first: 1000, seed: 1 };
                if let Err(what) = case.agrees(isa, Form::default()) {
                    wrong.push(format!("{name} {isa:?} {columns}: {what}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Loads and stores of every type in memory, of both widths, in loops and rows, with every length of tail; past the
/// caches too, from rows that begin anywhere in a line.
#[test]
fn every_type_in_memory() {
    let mut wrong = Vec::new();
    for width in [Width::W32, Width::W64] {
        for from in DType::ALL {
            for to in DType::ALL {
                for splat in [false, true] {
                    let fits = |d| Width::of(d) <= width;
                    let lane = |d| Type::of(d, width).expect("it fits");
                    if !fits(from) || !fits(to) || !plywood_kernel::storable(to, lane(from)) {
                        continue;
                    }
                    let b = Builder::new(width);
                    let x = if splat { b.splat(from) } else { b.input(from) };
                    b.output(to, x);
                    if splat {
                        b.row();
                        b.output(to, x);
                    }
                    let program = b.finish();
                    for isa in isas() {
                        for columns in (0..=130).chain([1000]) {
                            let case = Case { program: &program, rows: 3, columns, first: 0, seed: columns };
                            for streams in [false, true] {
                                let form = Form { copies: None, streams };
                                if let Err(what) = case.agrees(isa, form) {
                                    let what = format!("{isa:?} {form:?} {columns}: {what}");
                                    wrong.push(format!("{width:?} {from} {to} {what}"));
                                }
                            }
                        }
                    }
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}
