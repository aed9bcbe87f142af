//! How an [`Array`] prints: as NumPy 2 prints it, to the character, because that is what readers of numbers know.
//!
//! A first pass over the elements that will be shown (all of them, or the corners of an array of more than 1000)
//! chooses one form for all: positional or scientific, how many digits, how wide. A second pass writes each element
//! in that form, wraps the rows at 75 columns and nests the brackets. The rules are those of
//! `numpy/_core/arrayprint.py` with its default options; floats have the fewest digits that give the same element
//! back, and at most 8 after the point. A scalar has no such limit, as with `str(np.float32(0.1))`.
//!
//! NumPy has no bf16. It prints by f16's rules with its own shortest digits.

use crate::convert::cast;
use crate::{Array, Elements};
use half::{bf16, f16};
use std::fmt;

/// Arrays with more elements than this show their corners only.
const THRESHOLD: usize = 1000;
/// How many items a summary shows at each end of an axis.
const EDGE: usize = 3;
/// Columns of a line.
const LINE: usize = 75;
/// The most digits after the point, except in a scalar.
const PRECISION: usize = 8;

impl fmt::Display for Array {
    /// As `print` of a NumPy array: `[[1.  2.5]`, ` [3.  4. ]]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.elements() {
            Elements::F64(x) => floats(f, self, x),
            Elements::F32(x) => floats(f, self, x),
            Elements::F16(x) => floats(f, self, x),
            Elements::BF16(x) => floats(f, self, x),
            Elements::I64(x) => integers(f, self, x),
            Elements::I32(x) => integers(f, self, x),
            Elements::I16(x) => integers(f, self, x),
            Elements::I8(x) => integers(f, self, x),
            Elements::U64(x) => integers(f, self, x),
            Elements::U32(x) => integers(f, self, x),
            Elements::U16(x) => integers(f, self, x),
            Elements::U8(x) => integers(f, self, x),
            Elements::Bool(x) => bools(f, self, x),
        }
    }
}

fn floats<T: Float>(f: &mut fmt::Formatter<'_>, array: &Array, elements: &[T]) -> fmt::Result {
    match elements {
        [x] if array.shape().rank() == 0 => f.write_str(&scalar(*x)),
        _ => {
            let shown: Vec<T> = shown(array.shape()).into_iter().map(|i| elements[i]).collect();
            let form = Form::of(&shown);
            write_array(f, array.shape(), &|i| form.write(elements[i]))
        }
    }
}

fn integers<T: fmt::Display>(f: &mut fmt::Formatter<'_>, array: &Array, elements: &[T]) -> fmt::Result {
    let shown = shown(array.shape());
    let width = shown.iter().map(|&i| elements[i].to_string().len()).max().unwrap_or(0);
    write_array(f, array.shape(), &|i| format!("{:>width$}", elements[i].to_string()))
}

fn bools(f: &mut fmt::Formatter<'_>, array: &Array, elements: &[bool]) -> fmt::Result {
    let name = |i: usize| if elements[i] { "True" } else { "False" };
    let width = if array.shape().rank() == 0 { 0 } else { 5 };
    write_array(f, array.shape(), &|i| format!("{:>width$}", name(i)))
}

// ------------------------------------------------------------------------------------------------ brackets and lines

/// Whether an array of this shape shows its corners only.
fn summarised(shape: &[usize]) -> bool {
    shape.iter().product::<usize>() > THRESHOLD
}

/// The positions along an axis that are shown; `None` stands for the dots.
fn positions(size: usize, summarised: bool) -> Vec<Option<usize>> {
    if summarised && size > 2 * EDGE {
        (0..EDGE).map(Some).chain([None]).chain((size - EDGE..size).map(Some)).collect()
    } else {
        (0..size).map(Some).collect()
    }
}

/// The flat indices of all elements that are shown, in order.
fn shown(shape: &[usize]) -> Vec<usize> {
    let all = !summarised(shape);
    shape.iter().fold(vec![0], |flat, &size| {
        let along = positions(size, !all);
        flat.iter().flat_map(|&i| along.iter().flatten().map(move |&p| i * size + p)).collect()
    })
}

/// Writes brackets, separators and line breaks around the elements; `element` gives the text of a flat index.
fn write_array(
    f: &mut fmt::Formatter<'_>,
    shape: &[usize],
    element: &dyn Fn(usize) -> String,
) -> fmt::Result {
    match shape.len() {
        0 => f.write_str(&element(0)),
        _ if shape.contains(&0) => f.write_str("[]"),
        rank => Layout { shape, rank, summarised: summarised(shape), element }.axis(f, 0, 0),
    }
}

/// What stays the same while the axes are gone down.
struct Layout<'a> {
    shape: &'a [usize],
    rank: usize,
    summarised: bool,
    element: &'a dyn Fn(usize) -> String,
}

impl Layout<'_> {
    /// The part of the array at `axis`, whose leading indices make up `base`, in brackets.
    fn axis(&self, f: &mut fmt::Formatter<'_>, axis: usize, base: usize) -> fmt::Result {
        let positions = positions(self.shape[axis], self.summarised);
        let flat = |position: usize| base * self.shape[axis] + position;
        f.write_str("[")?;
        if axis + 1 == self.rank {
            let words = positions.iter().map(|p| p.map_or("...".to_string(), |p| (self.element)(flat(p))));
            self.row(f, words)?;
        } else {
            for (n, position) in positions.into_iter().enumerate() {
                if n > 0 {
                    f.write_str(&"\n".repeat(self.rank - axis - 1))?;
                    f.write_str(&" ".repeat(axis + 1))?;
                }
                match position {
                    Some(p) => self.axis(f, axis + 1, flat(p))?,
                    None => f.write_str("...")?,
                }
            }
        }
        f.write_str("]")
    }

    /// The words of a row, with a break before each that would not fit the line and the brackets that close it.
    fn row(&self, f: &mut fmt::Formatter<'_>, words: impl Iterator<Item = String>) -> fmt::Result {
        let indent = " ".repeat(self.rank);
        let mut line = String::new();
        for (n, word) in words.enumerate() {
            if n > 0 {
                line.push(' ');
                if line.len() + word.len() + 2 * self.rank > LINE {
                    write!(f, "{}\n{indent}", line.trim_end())?;
                    line.clear();
                }
            }
            line.push_str(&word);
        }
        f.write_str(&line)
    }
}

// --------------------------------------------------------------------------------------------------- floating point

/// A float type as far as printing needs to know it.
trait Float: Copy + PartialOrd {
    /// Elements from this size on are written in scientific notation, in an array; `10^8` at most.
    const ARRAY_LIMIT: f64;
    /// A scalar from this size on is written in scientific notation.
    const SCALAR_LIMIT: f64;

    /// The same number; every type's numbers are f64's.
    fn exact(self) -> f64;

    /// The nearest number of this type.
    fn nearest(x: f64) -> Self;

    /// The fewest digits that give the same number of this type back, as Rust's `{:e}` writes them.
    fn shortest(self) -> String;
}

macro_rules! floats { ($($T:ident $array:literal $scalar:literal $nearest:expr, $shortest:expr;)*) => { $(
    impl Float for $T {
        const ARRAY_LIMIT: f64 = $array;
        const SCALAR_LIMIT: f64 = $scalar;
        fn exact(self) -> f64 {
            self.into()
        }
        fn nearest(x: f64) -> Self {
            $nearest(x)
        }
        fn shortest(self) -> String {
            $shortest(self)
        }
    }
)* } }
floats! {
    f64 1e8 1e16 |x| x, |x: f64| even_tie(x, format!("{x:e}"), &|decimal| decimal == x);
    f32 1e6 1e6 |x| x as f32, |x: f32| even_tie(x.into(), format!("{x:e}"), &|decimal| decimal as f32 == x);
    f16 1e3 1e3 cast, |x: f16| shortest_by_search(x.into(), &|decimal| cast::<f64, f16>(decimal) == x);
    bf16 1e3 1e3 cast, |x: bf16| shortest_by_search(x.into(), &|decimal| cast::<f64, bf16>(decimal) == x);
}

/// The same number of digits as in `shortest`, but where two such decimals are equally near, the even one.
fn even_tie(x: f64, shortest: String, gives_back: &dyn Fn(f64) -> bool) -> String {
    let digits = shortest.chars().take_while(|&c| c != 'e').filter(char::is_ascii_digit).count();
    let even = format!("{x:.precision$e}", precision = digits - 1);
    if gives_back(even.parse().expect("a float just printed")) { even } else { shortest }
}

/// The fewest digits that `gives_back` accepts; among those of the same number, the nearest to `x`. Five digits are
/// enough for 16 bits.
fn shortest_by_search(x: f64, gives_back: &dyn Fn(f64) -> bool) -> String {
    let gives_back = |text: &str| gives_back(text.parse().expect("a float just printed"));
    for digits in 0..4 {
        let near = format!("{x:.digits$e}");
        if gives_back(&near) {
            return near;
        }
        // Above a power of two the numbers lie twice as far apart as below it, so that the decimal on the far side
        // may give `x` back where the nearest does not.
        let (mantissa, exponent) = near.split_once('e').expect("scientific notation");
        let (mantissa, exponent): (f64, i32) =
            (mantissa.parse().expect("a mantissa"), exponent.parse().expect("an exponent"));
        let step = 10f64.powi(-(digits as i32)).copysign(mantissa);
        let far = format!("{:.digits$}e{exponent}", mantissa + step);
        if gives_back(&far) {
            return far;
        }
    }
    format!("{x:.4e}")
}

/// The digits of a finite float: `d.ddd * 10^exponent`.
struct Decimal {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Decimal {
    /// Reads Rust's `{:e}`.
    fn parse(text: &str) -> Decimal {
        let (mantissa, exponent) = text.split_once('e').expect("scientific notation");
        let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
        Decimal {
            negative: mantissa.starts_with('-'),
            digits: digits.trim_end_matches('0').to_string(),
            exponent: exponent.parse().expect("an exponent"),
        }
    }

    fn shortest<T: Float>(x: T) -> Decimal {
        Decimal::parse(&x.shortest())
    }

    /// How many digits stand after the point in positional notation.
    fn fraction(&self) -> usize {
        (self.digits.len() as i32 - 1 - self.exponent).max(0) as usize
    }

    /// What stands before the point and after it in positional notation; each may be empty.
    fn positional(&self) -> (String, String) {
        let digit = |place: i32| {
            let at = self.exponent - place;
            usize::try_from(at).ok().and_then(|at| self.digits.as_bytes().get(at)).map_or('0', |&d| d as char)
        };
        let whole: String = (0..=self.exponent.max(0)).rev().map(digit).collect();
        let fraction = (1..=self.fraction() as i32).map(|place| digit(-place)).collect();
        (format!("{}{whole}", if self.negative { "-" } else { "" }), fraction)
    }

    /// What stands before the point, after it, and the exponent of ten with its sign.
    fn scientific(&self, exponent_digits: usize) -> (String, String, String) {
        let (whole, fraction) = self.digits.split_at_checked(1).unwrap_or(("0", ""));
        let (sign, size) = (if self.exponent < 0 { '-' } else { '+' }, self.exponent.unsigned_abs());
        let whole = format!("{}{whole}", if self.negative { "-" } else { "" });
        (whole, fraction.to_string(), format!("{sign}{size:0exponent_digits$}"))
    }
}

/// A float by itself, as `str(np.float32(x))` gives it: all digits that it takes, `0.1`, `1.0`, `1e+16`.
fn scalar<T: Float>(x: T) -> String {
    let size = x.exact().abs();
    if !size.is_finite() {
        return not_finite(x.exact()).to_string();
    }
    let decimal = Decimal::shortest(x);
    if size == 0.0 || (1e-4..T::SCALAR_LIMIT).contains(&size) {
        let (whole, fraction) = decimal.positional();
        format!("{whole}.{fraction:0<1}")
    } else {
        let (whole, fraction, exponent) = decimal.scientific(2);
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{whole}{point}{fraction}e{exponent}")
    }
}

fn not_finite(x: f64) -> &'static str {
    match (x.is_nan(), x > 0.0) {
        (true, _) => "nan",
        (_, true) => "inf",
        (_, false) => "-inf",
    }
}

/// The form that all elements of an array share. The width of an element is `left + 1 + right`, the point between.
struct Form {
    left: usize,
    right: usize,
    /// In scientific notation, the digits after the point, and those of the exponent.
    scientific: Option<(usize, usize)>,
}

impl Form {
    /// The form in which these elements are written.
    fn of<T: Float>(elements: &[T]) -> Form {
        let finite = || elements.iter().copied().filter(|x| x.exact().is_finite());
        let mut form = if is_scientific(finite()) {
            let parts: Vec<_> = finite().map(|x| in_scientific(x).scientific(2)).collect();
            let fraction = parts.iter().map(|p| p.1.len()).max().unwrap_or(0);
            let exponent = parts.iter().map(|p| p.2.len() - 1).max().unwrap_or(0);
            Form {
                left: parts.iter().map(|p| p.0.len()).max().unwrap_or(0),
                right: fraction + 2 + exponent,
                scientific: Some((fraction, exponent)),
            }
        } else {
            let parts: Vec<_> = finite().map(|x| in_positional(x).positional()).collect();
            Form {
                left: parts.iter().map(|p| p.0.len()).max().unwrap_or(0),
                right: parts.iter().map(|p| p.1.len()).max().unwrap_or(0),
                scientific: None,
            }
        };
        let others = elements.iter().map(|x| x.exact()).filter(|x| !x.is_finite());
        if let Some(widest) = others.map(|x| not_finite(x).len()).max() {
            form.left = form.left.max(widest.saturating_sub(form.right + 1));
        }
        form
    }

    /// One element, padded.
    fn write<T: Float>(&self, x: T) -> String {
        let (left, right) = (self.left, self.right);
        if !x.exact().is_finite() {
            return format!("{:>width$}", not_finite(x.exact()), width = left + 1 + right);
        }
        match self.scientific {
            None => {
                let (whole, fraction) = in_positional(x).positional();
                format!("{whole:>left$}.{fraction:<right$}")
            }
            Some((digits, exponent_digits)) => {
                let mut decimal = in_scientific(x);
                if decimal.digits.len() <= digits {
                    // Not zeros: where others need more digits, NumPy shows this element's own.
                    decimal = Decimal::parse(&format!("{:.digits$e}", x.exact()));
                }
                let (whole, fraction, exponent) = decimal.scientific(exponent_digits);
                format!("{whole:>left$}.{fraction:0<digits$}e{exponent}")
            }
        }
    }
}

/// NumPy's rule for an array: scientific where the largest element is large, the smallest small, or one is more than
/// a thousand times another; zeros do not count. Computed in the elements' own type, as there.
fn is_scientific<T: Float>(finite: impl Iterator<Item = T>) -> bool {
    let sizes = finite.map(|x| x.exact().abs()).filter(|&x| x != 0.0);
    match sizes.fold(None, |ends, x| ends.map_or(Some((x, x)), |(lo, hi)| Some((x.min(lo), x.max(hi))))) {
        None => false,
        Some((lo, hi)) => {
            hi >= T::ARRAY_LIMIT || lo < T::nearest(1e-4).exact() || T::nearest(hi / lo).exact() > 1e3
        }
    }
}

/// The digits of an element in positional notation: the shortest, or those up to the eighth after the point.
fn in_positional<T: Float>(x: T) -> Decimal {
    let shortest = Decimal::shortest(x);
    if shortest.fraction() <= PRECISION {
        return shortest;
    }
    let text = format!("{:.PRECISION$}", x.exact());
    let (whole, fraction) = text.split_once('.').expect("a point");
    let digits = format!("{whole}{fraction}");
    let digits = digits.trim_start_matches('-');
    Decimal {
        negative: shortest.negative,
        digits: digits.trim_end_matches('0').to_string(),
        exponent: digits.len() as i32 - 1 - PRECISION as i32,
    }
}

/// The digits of an element in scientific notation: the shortest, or those up to the eighth after the point.
fn in_scientific<T: Float>(x: T) -> Decimal {
    let shortest = Decimal::shortest(x);
    if shortest.digits.len() <= PRECISION + 1 {
        return shortest;
    }
    Decimal::parse(&format!("{:.PRECISION$e}", x.exact()))
}
