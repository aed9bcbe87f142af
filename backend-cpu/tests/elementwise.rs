//! Element-wise operations of several operands and casts, of every dtype, at all pairs of corners and on every kind
//! of view, against naive loops.

mod common;

use common::*;
use plywood_core::convert::{Convert, Wide, from_number, to_f64};
use plywood_core::half::{bf16, f16};
use plywood_core::op::{Binary, Bits, Compare};
use plywood_core::shape::Axes;
use plywood_core::{DType, Element, Number, Op, Shape, Value, with_dtype};

/// Values at which arithmetic has corners.
fn corners<T: Element>() -> Vec<T> {
    let floats =
        [0.0, -0.0, 1.0, -1.0, 2.5, -7.0, 3.0, f64::INFINITY, f64::NEG_INFINITY, f64::NAN, 1e-3, 64.0];
    let integers =
        [i64::MIN as i128, i64::MAX as i128, u64::MAX as i128, 0, 1, -1, 2, -2, 7, 31, 64, 127, -128];
    if T::DTYPE.is_float() {
        return floats.into_iter().map(|x| T::narrow(Wide::Float(x))).collect();
    }
    let bits = T::DTYPE.bits() as u32;
    let edges = [1i128 << (bits - 1), (1i128 << (bits - 1)) - 1, (1i128 << bits) - 1];
    integers.into_iter().chain(edges).map(|x| T::narrow(Wide::Int(x))).collect()
}

/// All pairs of them, as two broadcast views.
fn pairs<T: Element>() -> (Vec<(T, T)>, Value, Value) {
    let c = corners::<T>();
    let shape: Shape = [c.len(), c.len()].into();
    let broadcast = |axis| Op::Broadcast { shape: shape.clone(), axes: Axes::from_slice(&[axis]) };
    let x = value(&c, &[c.len()]);
    let all = c.iter().flat_map(|&a| c.iter().map(move |&b| (a, b))).collect();
    (all, apply(broadcast(0), &[&x]), apply(broadcast(1), &[&x]))
}

fn binary<T: Element>(op: Binary, a: T, b: T) -> T {
    match (a.widen(), b.widen()) {
        (Wide::Float(x), Wide::Float(y)) => T::narrow(Wide::Float(match op {
            Binary::Add => x + y,
            Binary::Sub => x - y,
            Binary::Mul => x * y,
            Binary::Div => x / y,
            Binary::Rem => x % y,
            Binary::Pow => x.powf(y),
            Binary::Atan2 => x.atan2(y),
            Binary::Max if x.is_nan() || y.is_nan() => f64::NAN,
            Binary::Min if x.is_nan() || y.is_nan() => f64::NAN,
            Binary::Max => x.max(y),
            Binary::Min => x.min(y),
            Binary::NextAfter => unreachable!("has a test of its own"),
        })),
        (Wide::Int(x), Wide::Int(y)) => T::narrow(Wide::Int(match op {
            Binary::Add => x + y,
            Binary::Sub => x - y,
            Binary::Mul => x.wrapping_mul(y),
            Binary::Div => x.checked_div(y).unwrap_or(-1),
            Binary::Rem => x.checked_rem(y).unwrap_or(x),
            Binary::Max => x.max(y),
            Binary::Min => x.min(y),
            Binary::Pow | Binary::Atan2 | Binary::NextAfter => unreachable!("of floats"),
        })),
        _ => unreachable!("of one type"),
    }
}

fn takes(op: Binary, dtype: DType) -> bool {
    match op {
        Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem => dtype != DType::Bool,
        Binary::Pow | Binary::Atan2 => dtype.is_float(),
        Binary::Max | Binary::Min => true,
        Binary::NextAfter => false,
    }
}

#[test]
fn binary_operations_at_all_pairs_of_corners() {
    for dtype in DType::ALL {
        with_dtype!(dtype, T => {
            let (pairs, x, y) = pairs::<T>();
            for &op in Binary::ALL.iter().filter(|op| takes(**op, dtype)) {
                let got = apply(Op::Binary(op), &[&x, &y]).to_vec::<T>();
                for (&(a, b), got) in pairs.iter().zip(got) {
                    let want = binary(op, a, b);
                    let fits = got == want || close(to_f64(got), to_f64(want), match op {
                        Binary::Pow | Binary::Atan2 => tolerance(dtype),
                        _ => 0.0,
                    });
                    assert!(fits, "{} {dtype} of {a:?} and {b:?}: {got:?}, not {want:?}", op.name());
                }
            }
        })
    }
}

#[test]
fn binary_operations_on_every_pair_of_views() {
    for dtype in [DType::F32, DType::F16, DType::I32, DType::U8, DType::F64] {
        with_dtype!(dtype, T => {
            for shape in shapes() {
                let all = views(dtype, &shape);
                for (name, x) in &all {
                    for (other, y) in &all {
                        let (a, b) = (x.to_vec::<T>(), y.to_vec::<T>());
                        let want: Vec<T> = a.iter().zip(&b).map(|(&a, &b)| binary(Binary::Sub, a, b)).collect();
                        let got = apply(Op::Binary(Binary::Sub), &[x, y]);
                        assert_eq!(got.to_vec::<T>(), want, "{name} - {other} {dtype} {shape}");
                        assert_eq!((x.to_vec::<T>(), y.to_vec::<T>()), (a, b), "inputs stay");
                    }
                }
            }
        })
    }
}

#[test]
fn the_next_float_towards_another() {
    fn check<T: Element>(steps: &[(T, T, T)]) {
        for &(x, y, want) in steps {
            let got =
                apply(Op::Binary(Binary::NextAfter), &[&value(&[x], &[]), &value(&[y], &[])]).item::<T>();
            assert!(close(to_f64(got), to_f64(want), 0.0), "{x:?} towards {y:?}: {got:?}, not {want:?}");
        }
    }
    let (tiny, inf, nan) = (f32::from_bits(1), f32::INFINITY, f32::NAN);
    check(&[
        (1.0, 2.0, f32::from_bits(1f32.to_bits() + 1)),
        (-1.0, 0.0, -f32::from_bits(1f32.to_bits() - 1)),
        (-1.0, -2.0, -f32::from_bits(1f32.to_bits() + 1)),
        (0.0, 1.0, tiny),
        (0.0, -1.0, -tiny),
        (-0.0, 1.0, tiny),
        (tiny, -1.0, 0.0),
        (f32::MAX, inf, inf),
        (-inf, 0.0, f32::MIN),
        (3.0, 3.0, 3.0),
        (nan, 1.0, nan),
        (1.0, nan, nan),
    ]);
    check(&[(1f64, 2.0, 1.0 + f64::EPSILON), (-0.0, -1.0, -f64::from_bits(1))]);
    check(&[(f16::ONE, f16::ZERO, f16::from_bits(0x3bff)), (f16::ZERO, f16::ONE, f16::from_bits(1))]);
    check(&[
        (bf16::ONE, bf16::MAX, bf16::from_bits(0x3f81)),
        (-bf16::ONE, bf16::MIN, bf16::from_bits(0xbf81)),
    ]);
}

#[test]
fn comparisons_at_all_pairs_of_corners() {
    for dtype in DType::ALL {
        with_dtype!(dtype, T => {
            let (pairs, x, y) = pairs::<T>();
            for &op in Compare::ALL {
                let want: Vec<bool> = pairs.iter().map(|&(a, b)| {
                    let order = match (a.widen(), b.widen()) {
                        (Wide::Float(a), Wide::Float(b)) => a.partial_cmp(&b),
                        (Wide::Int(a), Wide::Int(b)) => Some(a.cmp(&b)),
                        _ => unreachable!("of one type"),
                    };
                    match op {
                        Compare::Eq => order.is_some_and(|o| o.is_eq()),
                        Compare::Ne => order.is_none_or(|o| o.is_ne()),
                        Compare::Lt => order.is_some_and(|o| o.is_lt()),
                        Compare::Le => order.is_some_and(|o| o.is_le()),
                        Compare::Gt => order.is_some_and(|o| o.is_gt()),
                        Compare::Ge => order.is_some_and(|o| o.is_ge()),
                    }
                }).collect();
                assert_eq!(apply(Op::Compare(op), &[&x, &y]).to_vec::<bool>(), want, "{} {dtype}", op.name());
            }
        })
    }
}

#[test]
fn bits_at_all_pairs_of_corners() {
    for dtype in DType::ALL.into_iter().filter(|d| !d.is_float()) {
        with_dtype!(dtype, T => {
            let (pairs, x, y) = pairs::<T>();
            for &op in Bits::ALL.iter().filter(|op| dtype != DType::Bool || op.takes_bool()) {
                let (bits, mask) = (dtype.bits() as u32, (1u128 << dtype.bits()) - 1);
                let want: Vec<T> = pairs.iter().map(|&(a, b)| {
                    let int = |x: T| match x.widen() { Wide::Int(i) => i, Wide::Float(_) => unreachable!() };
                    let (x, y) = (int(a), int(b));
                    let pattern = x as u128 & mask;
                    let by = u32::try_from(y as u128 & mask).unwrap_or(u32::MAX);
                    // The sign, where the type has none, is its highest bit.
                    let signed = (x << (128 - bits)) >> (128 - bits);
                    T::narrow(Wide::Int(match op {
                        Bits::Not if dtype == DType::Bool => 1 - x,
                        Bits::Not => !x,
                        Bits::PopulationCount => pattern.count_ones() as i128,
                        Bits::CountLeadingZeros => pattern.leading_zeros() as i128 - (128 - bits as i128),
                        Bits::And => x & y,
                        Bits::Or => x | y,
                        Bits::Xor => x ^ y,
                        Bits::ShiftLeft => if by < bits { x << by } else { 0 },
                        Bits::ShiftRightArithmetic => signed >> by.min(bits - 1),
                        Bits::ShiftRightLogical => if by < bits { (pattern >> by) as i128 } else { 0 },
                    }))
                }).collect();
                let got = match op.arity() {
                    1 => apply(Op::Bits(op), &[&x]),
                    _ => apply(Op::Bits(op), &[&x, &y]),
                };
                assert_eq!(got.to_vec::<T>(), want, "{} {dtype}", op.name());
            }
        })
    }
}

#[test]
fn select_takes_the_case_that_is_named() {
    for dtype in DType::ALL {
        for shape in shapes() {
            let n = shape.elements();
            let flags: Vec<bool> = (0..n).map(|i| i % 3 == 1).collect();
            let places: Vec<i32> = (0..n).map(|i| i as i32 % 7 - 2).collect();
            let (flag, place) = (value(&flags, &shape), value(&places, &shape));
            let cases: Vec<Value> = views(dtype, &shape).into_iter().map(|v| v.1).take(5).collect();
            let data: Vec<Vec<f64>> = cases.iter().map(numbers).collect();
            let got = apply(Op::Select, &[&flag, &cases[1], &cases[3]]);
            let want: Vec<f64> = (0..n).map(|i| data[if flags[i] { 3 } else { 1 }][i]).collect();
            assert_eq!(numbers(&got), want, "{dtype} {shape}");
            let got = apply(Op::Select, &[&place, &cases[0], &cases[1], &cases[2], &cases[3], &cases[4]]);
            let want: Vec<f64> = (0..n).map(|i| data[places[i].clamp(0, 4) as usize][i]).collect();
            assert_eq!(numbers(&got), want, "{dtype} {shape}");
        }
    }
}

#[test]
fn clamp_is_the_smaller_of_high_and_the_larger_of_low() {
    for dtype in DType::ALL.into_iter().filter(|d| *d != DType::Bool) {
        for shape in shapes() {
            for (name, x) in views(dtype, &shape) {
                let (low, high) = (x.full_like(Number::Float(1.0)), x.full_like(Number::Int(2)));
                let want: Vec<f64> = numbers(&x).iter().map(|x| x.clamp(1.0, 2.0)).collect();
                assert_eq!(numbers(&apply(Op::Clamp, &[&low, &x, &high])), want, "{name} {dtype} {shape}");
            }
        }
    }
    let x = value(&[f32::NAN, 1.0], &[2]);
    let y = apply(Op::Clamp, &[&x, &x, &value(&[2f32, f32::NAN], &[2])]).to_vec::<f32>();
    assert!(y.iter().all(|x| x.is_nan()));
}

#[test]
fn casts_between_all_dtypes() {
    for from in DType::ALL {
        with_dtype!(from, T => {
            // Among them, just above the middle of two floats of 16 bits: they round up, and only once.
            let ties = [11, 8].map(|bits| 1.0 + 2f64.powi(-bits) + 2f64.powi(-50));
            let whole_ties = [(1 << 24) + (1 << 16) + 1, (1i64 << 54) + (1 << 46) + 1];
            let all: Vec<T> = corners::<T>().into_iter()
                .chain([0.4, 1.5, 1e5, -129.0].into_iter().chain(ties).map(|x| from_number(Number::Float(x))))
                .chain(whole_ties.map(|x| from_number(Number::Int(x)))).collect();
            let x = value(&all, &[all.len()]);
            for to in DType::ALL {
                with_dtype!(to, U => {
                    let got = apply(Op::Cast { dtype: to }, &[&x]).to_vec::<U>();
                    for (a, got) in all.iter().zip(got) {
                        let want = U::narrow(a.widen());
                        assert!(close(to_f64(got), to_f64(want), 0.0), "{a:?} {from} to {to}: {got:?}, not {want:?}");
                    }
                })
            }
        });
        for shape in shapes() {
            for (name, x) in views(from, &shape) {
                let got = apply(Op::Cast { dtype: DType::F64 }, &[&x]);
                assert_eq!(got.to_vec::<f64>(), numbers(&x), "{name} {from} {shape}");
            }
        }
    }
}

#[test]
fn bitcasts_take_the_lowest_bits_first() {
    let bits = |dtype| Op::Bitcast { dtype };
    let x = value(&[0x0403_0201u32, 0x0807_0605], &[2]);
    let bytes = apply(bits(DType::U8), &[&x]);
    assert_eq!((bytes.shape(), bytes.to_vec::<u8>()), (&Shape::from([2, 4]), vec![1, 2, 3, 4, 5, 6, 7, 8]));
    let back = apply(bits(DType::U32), &[&bytes]);
    assert_eq!((back.shape(), back.to_vec::<u32>()), (&Shape::from([2]), x.to_vec::<u32>()));
    let one = apply(bits(DType::U64), &[&value(&[1u32, 2], &[2])]);
    assert_eq!((one.rank(), one.item::<u64>()), (0, 2 << 32 | 1));
    assert_eq!(apply(bits(DType::I32), &[&value(&[1f32], &[1])]).to_vec::<i32>(), [0x3f80_0000]);
    assert_eq!(apply(bits(DType::Bool), &[&value(&[true], &[1])]).to_vec::<bool>(), [true]);
    // Views whose parts do not lie side by side are copied, others not.
    for shape in [&[3, 4][..], &[6, 2, 4], &[2, 0, 4], &[4]] {
        for (name, x) in views(DType::U16, shape) {
            let wide = apply(bits(DType::U64), &[&x]);
            let parts = x.to_vec::<u16>();
            let want: Vec<u64> =
                parts.chunks(4).map(|p| (0..4).map(|i| (p[i] as u64) << (16 * i)).sum()).collect();
            assert_eq!(wide.to_vec::<u64>(), want, "{name} {shape:?}");
            assert_eq!(apply(bits(DType::U16), &[&wide]).to_vec::<u16>(), parts, "{name} {shape:?}");
            let narrow = apply(bits(DType::U8), &[&x]).to_vec::<u8>();
            assert_eq!(narrow, bytemuck::cast_slice::<u16, u8>(&parts), "{name} {shape:?}");
        }
    }
}
