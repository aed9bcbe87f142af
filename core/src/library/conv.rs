//! Convolutions in any layout, and NumPy's `convolve`.

use super::T;
use crate::nn::{ConvOptions, ConvolveMode, Padding};
use crate::op::{Conv, Padding as Widths};
use crate::shape::Axes;
use crate::{Op, Shape, Value};
use std::sync::Arc;

/// The axes of an operand in the order batch (or output features), features, spatial ones.
struct Permutations {
    lhs: Axes,
    rhs: Axes,
    /// From that order to the output's.
    out: Axes,
}

impl Permutations {
    #[track_caller]
    fn new(name: &str, numbers: &Option<[String; 3]>, rank: usize) -> Permutations {
        let Some(numbers) = numbers else {
            let same: Axes = (0..rank).collect();
            return Permutations { lhs: same.clone(), rhs: same.clone(), out: same };
        };
        let [lhs, rhs, out] = numbers.each_ref().map(|n| n.chars().collect::<Vec<char>>());
        let own = [['N', 'C'], ['O', 'I'], ['N', 'C']];
        let spatial: Vec<char> = rhs.iter().copied().filter(|c| !own[1].contains(c)).collect();
        let axes = |letters: &[char], own: [char; 2]| -> Option<Axes> {
            let at = |c: &char| letters.iter().position(|l| l == c);
            let axes: Axes = own.iter().chain(&spatial).map(at).collect::<Option<_>>()?;
            let each_once = (0..axes.len()).all(|i| !axes[..i].contains(&axes[i]));
            (axes.len() == letters.len() && letters.len() == rank && each_once).then_some(axes)
        };
        let (Some(lhs), Some(rhs), Some(places)) =
            (axes(&lhs, own[0]), axes(&rhs, own[1]), axes(&out, own[2]))
        else {
            panic!(
                "{name}: dimension numbers {numbers:?} for operands of {rank} axes; input and output have N, C and \
                 the kernel O, I, each once, and all three the same letters for spatial axes, as in \
                 (\"NHWC\", \"HWIO\", \"NHWC\")"
            )
        };
        let mut out = Axes::from_elem(0, rank);
        places.iter().enumerate().for_each(|(i, &d)| out[d] = i);
        Permutations { lhs, rhs, out }
    }
}

/// A list of one number for each of so many spatial axes; without it, ones.
#[track_caller]
fn each(name: &str, what: &str, list: &Option<Axes>, axes: usize) -> Axes {
    let Some(list) = list else { return Axes::from_elem(1, axes) };
    assert!(list.len() == axes, "{name}: {what} {list:?} for {axes} spatial axes");
    assert!(list.iter().all(|&n| n >= 1), "{name}: {what} {list:?} are at least 1");
    list.clone()
}

/// The size of an axis of `n` elements with this distance.
fn dilated(n: usize, apart: usize) -> usize {
    if n == 0 { 0 } else { (n - 1) * apart + 1 }
}

/// The padding of each axis: of sizes `n`, for windows that reach over `reach`.
#[track_caller]
pub(super) fn pairs(
    name: &str,
    padding: &Padding,
    n: &[usize],
    reach: &[usize],
    strides: &[usize],
) -> Vec<(isize, isize)> {
    let total = |d: usize| {
        let places = n[d].div_ceil(strides[d]) as isize;
        ((places - 1) * strides[d] as isize + reach[d] as isize - n[d] as isize).max(0)
    };
    match padding {
        Padding::Valid => vec![(0, 0); n.len()],
        Padding::Same => (0..n.len()).map(|d| (total(d) / 2, total(d) - total(d) / 2)).collect(),
        Padding::SameLower => (0..n.len()).map(|d| (total(d) - total(d) / 2, total(d) / 2)).collect(),
        Padding::Pairs(pairs) => {
            assert!(pairs.len() == n.len(), "{name}: padding {pairs:?} for {} axes", n.len());
            pairs.iter().map(|&(low, high)| (low as isize, high as isize)).collect()
        }
    }
}

/// Both operands in the primitive's layout and in one dtype; and the permutations.
#[track_caller]
fn arranged(name: &str, x: T, kernel: T, options: &ConvOptions) -> (T, T, Permutations) {
    assert!(
        x.rank() == kernel.rank() && x.rank() >= 2,
        "{name}: input {} and kernel {} have as many axes as each other, at least two",
        x.ty(),
        kernel.ty()
    );
    let dtype = options.preferred_element_type.unwrap_or(x.dtype().promote(kernel.dtype()));
    let permutations = Permutations::new(name, &options.dimension_numbers, x.rank());
    let x = T::of(x.into_value().cast(dtype).permute(permutations.lhs.clone()));
    let kernel = T::of(kernel.into_value().cast(dtype).permute(permutations.rhs.clone()));
    (x, kernel, permutations)
}

#[track_caller]
pub fn general(name: &str, x: T, kernel: T, options: &ConvOptions) -> T {
    let (x, kernel, permutations) = arranged(name, x, kernel, options);
    let axes = x.rank() - 2;
    let strides = each(name, "strides", &options.strides, axes);
    let between = each(name, "lhs_dilation", &options.lhs_dilation, axes);
    let dilation = each(name, "rhs_dilation", &options.rhs_dilation, axes);
    let same = matches!(options.padding, Padding::Same | Padding::SameLower);
    assert!(
        !same || between.iter().all(|&n| n == 1),
        "{name}: padding {:?} with lhs_dilation {between:?}; give the padding as pairs, or use conv_transpose",
        options.padding
    );
    let reach: Axes = (0..axes).map(|d| dilated(kernel.shape()[d + 2], dilation[d])).collect();
    let widths = pairs(name, &options.padding, &x.shape()[2..], &reach, &strides);
    let conv = Conv {
        padding: (widths.iter().zip(&between))
            .map(|(&(low, high), &between)| Widths { low, high, interior: between - 1 })
            .collect(),
        strides,
        dilation,
        feature_groups: options.feature_group_count,
        batch_groups: options.batch_group_count,
    };
    apply(conv, x, kernel, permutations)
}

#[track_caller]
fn apply(conv: Conv, x: T, kernel: T, permutations: Permutations) -> T {
    let y = Value::apply2(Op::Conv(Arc::new(conv)), x.into_value(), kernel.into_value());
    T::of(y.permute(permutations.out))
}

#[track_caller]
pub fn transpose(x: T, kernel: T, options: &ConvOptions) -> T {
    let name = "conv_transpose";
    assert!(
        options.lhs_dilation.is_none() && options.batch_group_count == 1 && options.feature_group_count == 1,
        "{name}: takes strides, padding, rhs_dilation, dimension numbers, a dtype and transpose_kernel only"
    );
    let (x, mut kernel, permutations) = arranged(name, x, kernel, options);
    let axes = x.rank() - 2;
    let strides = each(name, "strides", &options.strides, axes);
    let dilation = each(name, "rhs_dilation", &options.rhs_dilation, axes);
    let widths = (0..axes).map(|d| {
        let (k, s) = (dilated(kernel.shape()[d + 2], dilation[d]) as isize, strides[d] as isize);
        let (low, total) = match &options.padding {
            Padding::Same if s > k - 1 => (k - 1, k + s - 2),
            Padding::Same => ((k + s - 1) / 2, k + s - 2),
            Padding::Valid => (k - 1, k + s - 2 + (k - s).max(0)),
            Padding::SameLower => panic!("{name}: padding is Same, Valid or pairs, not SameLower"),
            Padding::Pairs(pairs) => {
                assert!(pairs.len() == axes, "{name}: padding {pairs:?} for {axes} spatial axes");
                (pairs[d].0 as isize, pairs[d].0 as isize + pairs[d].1 as isize)
            }
        };
        Widths { low, high: total - low, interior: strides[d] - 1 }
    });
    let conv = Conv {
        padding: widths.collect(),
        strides: Axes::from_elem(1, axes),
        dilation: dilation.clone(),
        feature_groups: 1,
        batch_groups: 1,
    };
    if options.transpose_kernel {
        let spatial: Vec<isize> = (2..x.rank() as isize).collect();
        kernel = T::of(kernel.into_value().flip(&spatial).swap_axes(0, 1));
    }
    apply(conv, x, kernel, permutations)
}

#[track_caller]
pub fn convolve(x: T, v: T, mode: ConvolveMode) -> T {
    let (x, v) = vectors("convolve", x, v);
    let (x, v) = if x.len() < v.len() { (v, x) } else { (x, v) };
    slide(x, T::of(v.into_value().flip(&[0])), mode)
}

#[track_caller]
pub fn correlate(x: T, v: T, mode: ConvolveMode) -> T {
    let (x, v) = vectors("correlate", x, v);
    if x.len() >= v.len() {
        return slide(x, v, mode);
    }
    // The longer one stands still: the other way round.
    T::of(slide(v, x, mode).into_value().flip(&[0]))
}

/// Two vectors of one dtype.
#[track_caller]
fn vectors(name: &str, x: T, v: T) -> (T, T) {
    assert!(
        x.rank() == 1 && v.rank() == 1 && !x.is_empty() && !v.is_empty(),
        "{name}: takes two vectors that are not empty, not {} and {}",
        x.ty(),
        v.ty()
    );
    let dtype = x.dtype().promote(v.dtype());
    let dtype = if dtype == crate::DType::Bool { crate::DType::I32 } else { dtype };
    (x.cast(dtype), v.cast(dtype))
}

/// The sums of products along a vector.
#[track_caller]
fn slide(x: T, v: T, mode: ConvolveMode) -> T {
    let m = v.len() as isize;
    let (low, high) = match mode {
        ConvolveMode::Full => (m - 1, m - 1),
        ConvolveMode::Same => (m / 2, m - m / 2 - 1),
        ConvolveMode::Valid => (0, 0),
    };
    let conv = Conv {
        strides: Axes::from_slice(&[1]),
        padding: [Widths { low, high, interior: 0 }].into_iter().collect(),
        dilation: Axes::from_slice(&[1]),
        feature_groups: 1,
        batch_groups: 1,
    };
    let one = |x: T| {
        let n = x.len();
        x.into_value().reshape_to(Shape::from([1, 1, n]))
    };
    let y = Value::apply2(Op::Conv(Arc::new(conv)), one(x), one(v));
    let n = y.ty().elements();
    T::of(y.reshape_to(Shape::from([n])))
}
