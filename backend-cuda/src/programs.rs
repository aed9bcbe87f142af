//! Programs of single operations, kept by what they depend on.

use crate::formats;
use plywood_core::DType;
use plywood_core::op::{Binary, Bits, Compare, Reduction, Unary};
use plywood_kernel::formulas::random::Sample;
use plywood_kernel::formulas::{self, reduce};
use plywood_kernel::ir::{ArgId, Reduce};
use plywood_kernel::{Builder, Program, Type, V, Width, cast, threefry};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex};

/// An operation that is one program; inputs in their order, then the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Single {
    /// Elements as they are.
    Copy(DType),
    /// Of one operand.
    Unary(Unary, DType),
    /// x to that power.
    IntegerPow(i32, DType),
    /// Of two operands.
    Binary(Binary, DType),
    /// The float after the first operand on the way to the second.
    NextAfter(DType),
    /// To floats of so many bits of exponent and fraction, and back.
    ReducePrecision(u32, u32, DType),
    /// Of integers.
    Bits(Bits, DType),
    /// A comparison.
    Compare(Compare, DType),
    /// By a bool: which, no, yes.
    Select(DType),
    /// By a number, of so many cases: which, cases.
    Case(DType, DType, usize),
    /// Low, x, high.
    Clamp(DType),
    /// From, to.
    Cast(DType, DType),
    /// All columns of a row in one.
    Reduce(Reduction, DType, DType),
    /// The number of the column, in this dtype.
    Iota(DType),
    /// The place of the first extreme of a row's columns: whether the largest, of what, in which integers.
    ArgReduce(bool, DType, DType),
    /// An unsigned number that orders as elements are sorted, equal zeros and NaN last; from the largest on, if so.
    SortKey(DType, bool),
    /// The least of the numbers (a second operand, of u32) that come with a row's extremes: whether the largest, of what, in which
    /// integers.
    PlaceOfExtreme(bool, DType, DType),
    /// A float as the integer by which extremes are found: for which of them.
    #[cfg(feature = "nccl")]
    Encode(Reduction, DType),
    /// The float that is encoded so.
    #[cfg(feature = "nccl")]
    Decode(Reduction, DType),
    /// The sum of a row's products: of two operands of the first dtype, in the second.
    Dot(DType, DType),
    /// The sum of a row's products of complex numbers: two pairs of operands, a factor, the real and the imaginary part.
    ComplexDot(DType),
    /// The product of complex numbers: two pairs of operands, the real and the imaginary part.
    ComplexMul(DType),
    /// Random numbers of a key's two words.
    Draw(DrawKind, DType),
    /// The two words of a key's keys.
    Split,
    /// The two words of a key's key for a number.
    FoldIn,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum DrawKind {
    Bits,
    Uniform,
    Normal,
}

/// The program, which is built once.
pub fn single(what: Single) -> Arc<Program> {
    static KNOWN: LazyLock<Mutex<HashMap<Single, Arc<Program>>>> = LazyLock::new(Default::default);
    let mut known = KNOWN.lock().unwrap_or_else(|e| e.into_inner());
    known.entry(what).or_insert_with(|| Arc::new(what.program())).clone()
}

impl Single {
    fn program(self) -> Program {
        match self {
            Single::Copy(dtype) => elementwise(Width::of(dtype), &[dtype], dtype, |x| x[0]),
            Single::Unary(op, dtype) => {
                let to = if op == Unary::IsFinite { DType::Bool } else { dtype };
                elementwise(Width::of(dtype), &[dtype], to, |x| formulas::unary::formula(op, x[0]))
            }
            Single::IntegerPow(n, dtype) => {
                elementwise(Width::of(dtype), &[dtype], dtype, |x| formulas::unary::power(x[0], n))
            }
            Single::Binary(op, dtype) => elementwise(Width::of(dtype), &[dtype; 2], dtype, |x| {
                formulas::binary::formula(op, x[0], x[1])
            }),
            Single::NextAfter(dtype) => elementwise(Width::of(dtype), &[dtype; 2], dtype, |x| {
                formats::next_after(x[0].builder(), dtype, x[0], x[1])
            }),
            Single::ReducePrecision(exponent, fraction, dtype) => {
                elementwise(Width::of(dtype), &[dtype], dtype, |x| {
                    formats::reduced(x[0].builder(), dtype, x[0], exponent, fraction)
                })
            }
            Single::Bits(op, dtype) => {
                let inputs = &[dtype; 2][..op.arity()];
                elementwise(Width::of(dtype), inputs, dtype, |x| formulas::bits::formula(op, dtype, x))
            }
            Single::Compare(op, dtype) => elementwise(Width::of(dtype), &[dtype; 2], DType::Bool, |x| {
                formulas::compare::formula(op, x[0], x[1])
            }),
            Single::Select(dtype) => {
                let inputs = [DType::Bool, dtype, dtype];
                elementwise(Width::of(dtype), &inputs, dtype, |x| formulas::select::choose(x[0], x[1], x[2]))
            }
            Single::Case(which, dtype, cases) => {
                let mut inputs = vec![which];
                inputs.resize(1 + cases, dtype);
                let width = Width::of(dtype).max(Width::of(which));
                elementwise(width, &inputs, dtype, |x| {
                    // What is outside is the nearest case.
                    let last = x.len() - 1;
                    (1..last).rev().fold(x[last], |other, i| {
                        let bound = x[0].builder().number(x[0].ty(), i as f64);
                        x[0].lt(bound).select(x[i], other)
                    })
                })
            }
            Single::Clamp(dtype) => elementwise(Width::of(dtype), &[dtype; 3], dtype, |x| {
                formulas::select::clamp(x[0], x[1], x[2])
            }),
            Single::Cast(from, to) => {
                elementwise(cast::width(from, to), &[from], to, |x| cast::cast(x[0], to))
            }
            Single::Reduce(kind, from, to) => {
                let b = Builder::new(Width::of(from).max(Width::of(to)));
                let all = reduce::encode(kind, b.input(from)).reduce(reduce::step(kind));
                b.row();
                let all = reduce::decode(kind, from, all);
                cast::output(&b, to, all);
                b.finish()
            }
            Single::Iota(dtype) => {
                let b = Builder::new(Width::of(dtype));
                let column = cast::cast(b.column(), dtype);
                cast::output(&b, dtype, column);
                b.finish()
            }
            Single::Draw(kind, dtype) => match kind {
                DrawKind::Bits => Sample::Bits(dtype),
                DrawKind::Uniform => Sample::Uniform(dtype),
                DrawKind::Normal => Sample::Normal(dtype),
            }
            .program(),
            Single::ArgReduce(largest, dtype, to) => {
                let b = Builder::new(Width::of(dtype).max(Width::of(to)));
                let same = is_extreme(&b, b.arg(dtype), largest, dtype);
                let none = b.bits(b.width().unsigned(), u64::MAX >> (64 - 8 * b.width().bytes()));
                least(&b, same.select(b.column(), none), to);
                b.finish()
            }
            Single::PlaceOfExtreme(largest, dtype, to) => {
                let b = Builder::new(Width::of(dtype).max(Width::of(to)));
                let (x, places) = (b.arg(dtype), b.arg(DType::U32));
                let same = is_extreme(&b, x, largest, dtype);
                least(&b, same.select(b.load(places), b.uint(u32::MAX as u64)), to);
                b.finish()
            }
            Single::SortKey(dtype, descending) => {
                let b = Builder::new(Width::of(dtype));
                let key = sort_key(b.input(dtype));
                let to = match b.width() {
                    Width::W32 => DType::U32,
                    Width::W64 => DType::U64,
                };
                b.output(to, if descending { !key } else { key });
                b.finish()
            }
            #[cfg(feature = "nccl")]
            Single::Encode(kind, dtype) => {
                let b = Builder::new(Width::of(dtype));
                let key = reduce::encode(kind, b.input(dtype));
                b.output(key_of(dtype), key);
                b.finish()
            }
            #[cfg(feature = "nccl")]
            Single::Decode(kind, dtype) => {
                elementwise(Width::of(dtype), &[key_of(dtype)], dtype, |x| reduce::decode(kind, dtype, x[0]))
            }
            Single::Dot(dtype, to) => {
                let b = Builder::new(Width::of(dtype).max(Width::of(to)));
                let product = b.input(dtype) * b.input(dtype);
                let sum = product.reduce(Reduce::Sum);
                b.row();
                cast::output(&b, to, sum);
                b.finish()
            }
            Single::ComplexDot(dtype) => {
                let b = Builder::new(Width::of(dtype));
                let [x, y, v, w] = [(); 4].map(|()| b.input(dtype));
                let real = (x * v - y * w).reduce(Reduce::Sum);
                let imaginary = (x * w + y * v).reduce(Reduce::Sum);
                b.row();
                let factor = b.splat(dtype);
                cast::output(&b, dtype, real * factor);
                cast::output(&b, dtype, imaginary * factor);
                b.finish()
            }
            Single::ComplexMul(dtype) => {
                let b = Builder::new(Width::of(dtype));
                let [x, y, v, w] = [(); 4].map(|()| b.input(dtype));
                cast::output(&b, dtype, x * v - y * w);
                cast::output(&b, dtype, x * w + y * v);
                b.finish()
            }
            Single::Split => {
                let b = Builder::new(Width::W32);
                let key = [b.splat(DType::U32), b.splat(DType::U32)];
                let [first, second] = threefry::block(key, [b.uint(0), b.column()]);
                b.output(DType::U32, first);
                b.output(DType::U32, second);
                b.finish()
            }
            Single::FoldIn => {
                let b = Builder::new(Width::W32);
                let key = [b.input(DType::U32), b.input(DType::U32)];
                let [first, second] = threefry::block(key, [b.uint(0), b.input(DType::U32)]);
                b.output(DType::U32, first);
                b.output(DType::U32, second);
                b.finish()
            }
        }
    }
}

/// As what an encoded float is stored.
#[cfg(feature = "nccl")]
pub fn key_of(dtype: DType) -> DType {
    match Width::of(dtype) {
        Width::W32 => DType::I32,
        Width::W64 => DType::I64,
    }
}

/// A lane as an unsigned number of the same order, but for zeros, which are equal, and NaN, which is beyond all.
fn sort_key(x: V<'_>) -> V<'_> {
    let (b, ty) = (x.builder(), x.ty());
    let bits = 8 * b.width().bytes() as u8;
    let sign = b.uint(1 << (bits - 1));
    match ty {
        Type::Mask => x.select(b.uint(1), b.uint(0)),
        Type::I32 | Type::I64 => x.bits(b.width().unsigned()) ^ sign,
        Type::U32 | Type::U64 => x,
        Type::F32 | Type::F64 => {
            // As integers, floats of one sign grow with their magnitude; devices may take the smallest ones for zero.
            let (raw, infinite) =
                (x.to_bits().bits(b.width().unsigned()), b.c(f64::INFINITY).bits(b.width().unsigned()));
            let magnitude = raw & !sign;
            let below = x.to_bits().shr(bits - 1).bits(b.width().unsigned());
            let ordered = magnitude.eq(b.uint(0)).select(sign, raw ^ (below | sign));
            magnitude.gt(infinite).select(b.uint(u64::MAX >> (64 - bits)), ordered)
        }
    }
}

/// Whether an element is the extreme of its row, in a loop after the one that finds it; NaN is.
fn is_extreme(b: &Builder, x: ArgId, largest: bool, dtype: DType) -> V<'_> {
    let kind = if largest { Reduction::Max } else { Reduction::Min };
    let all = reduce::encode(kind, b.load(x)).reduce(reduce::step(kind));
    b.row();
    let extreme = reduce::decode(kind, dtype, all);
    b.next_loop();
    let x = b.load(x);
    match dtype {
        DType::Bool => !(x ^ extreme),
        dtype if dtype.is_float() => x.eq(extreme) | (x.is_nan() & extreme.is_nan()),
        _ => x.eq(extreme),
    }
}

/// The least of a row's numbers, as the output.
fn least(b: &Builder, x: V<'_>, to: DType) {
    let least = x.reduce(Reduce::Min);
    b.row();
    cast::output(b, to, cast::cast(least, to));
}

/// The program of a formula over elements.
fn elementwise(
    width: Width,
    inputs: &[DType],
    to: DType,
    formula: impl for<'b> FnOnce(&[V<'b>]) -> V<'b>,
) -> Program {
    let b = Builder::new(width);
    {
        let x: Vec<V<'_>> = inputs.iter().map(|&dtype| b.input(dtype)).collect();
        let y = formula(&x);
        cast::output(&b, to, y);
    }
    b.finish()
}
