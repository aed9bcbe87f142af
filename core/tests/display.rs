//! Arrays print as NumPy prints them: every case of `display_oracle.txt`, which `display_oracle.py` makes with NumPy.
//! bf16, which NumPy has not, has a table of its own.

use plywood_core::convert::{Wide, cast};
use plywood_core::half::{bf16, f16};
use plywood_core::{Array, DType, Element, with_dtype};
use std::collections::BTreeSet;

/// An element with given bits, or from an integer.
trait Oracle: Element {
    fn from_bits(bits: u64) -> Self;
}
macro_rules! oracle { ($($T:ident $bits:ident => $expr:expr;)*) => { $(
    impl Oracle for $T {
        fn from_bits($bits: u64) -> Self { $expr }
    }
)* } }
oracle! {
    f64 b => f64::from_bits(b);
    f32 b => f32::from_bits(b as u32);
    f16 b => f16::from_bits(b as u16);
    bf16 b => bf16::from_bits(b as u16);
    i64 b => b as i64; i32 b => b as i32; i16 b => b as i16; i8 b => b as i8;
    u64 b => b; u32 b => b as u32; u16 b => b as u16; u8 b => b as u8;
    bool b => b != 0;
}

fn elements<T: Oracle>(text: &str) -> Vec<T> {
    if let Some((first, last)) = text.trim().split_once("..") {
        let (first, last): (i128, i128) = (first.parse().unwrap(), last.parse().unwrap());
        return (first..=last).map(|i| T::narrow(Wide::Int(i))).collect();
    }
    text.split_whitespace()
        .flat_map(|run| {
            let (bits, n) = run.split_once('*').unwrap_or((run, "1"));
            vec![T::from_bits(u64::from_str_radix(bits, 16).unwrap()); n.parse().unwrap()]
        })
        .collect()
}

/// The array of a line `dtype [shape] elements`.
fn array(line: &str) -> Array {
    let (dtype, rest) = line.split_once(" [").unwrap();
    let (shape, data) = rest.split_once(']').unwrap();
    let shape: Vec<usize> = shape.split(", ").filter(|n| !n.is_empty()).map(|n| n.parse().unwrap()).collect();
    let dtype = DType::ALL.into_iter().find(|d| d.name() == dtype).unwrap();
    with_dtype!(dtype, T => Array::new(elements::<T>(data), shape.as_slice()))
}

#[test]
fn arrays_print_as_numpy_prints_them() {
    let cases: Vec<&str> = include_str!("display_oracle.txt").split("\n\n").collect();
    let (mut dtypes, mut ranks, mut wrong) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    for case in &cases {
        let (head, want) = case.trim_end_matches('\n').split_once('\n').unwrap();
        let want: Vec<&str> = want.split('\n').map(|line| line.strip_prefix('|').unwrap()).collect();
        let (array, want) = (array(head), want.join("\n"));
        dtypes.insert(array.dtype());
        ranks.insert(array.shape().rank());
        let got = array.to_string();
        if got != want {
            let head: String = head.chars().take(200).collect();
            wrong.push(format!("{head}\nNumPy:\n{want}\nhere:\n{got}\n"));
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases differ\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    // That the table is not thinner than it says.
    assert!(cases.len() >= 60 && dtypes.len() == 12 && (0..=4).all(|rank| ranks.contains(&rank)));
}

#[test]
fn bf16_prints_its_own_shortest_digits() {
    let print = |x: &[f32]| {
        let x: Vec<bf16> = x.iter().map(|&x| bf16::from_f32(x)).collect();
        let shape = [x.len()];
        Array::new(x, shape).to_string()
    };
    let cases: [(&[f32], &str); 9] = [
        (&[1.0, 2.0, 3.0], "[1. 2. 3.]"),
        (&[0.1, -0.2, 3.3], "[ 0.1 -0.2  3.3]"),
        (&[1.0 / 3.0, 500.0], "[3.34e-01 5.00e+02]"),
        (&[1.0 / 3.0, 10.0], "[ 0.334 10.   ]"),
        (&[128.0, 256.0], "[128. 256.]"),
        (&[1000.0], "[1.e+03]"),
        (&[3.0e38, 1.0], "[3.e+38 1.e+00]"),
        (&[f32::NAN, f32::NEG_INFINITY, -0.0], "[ nan -inf  -0.]"),
        (&[1e-40], "[9.e-41]"),
    ];
    for (x, want) in cases {
        assert_eq!(print(x), want);
    }
    let scalar = |x: f32| Array::new(vec![bf16::from_f32(x)], []).to_string();
    assert_eq!([scalar(0.1), scalar(1.0), scalar(2.0f32.powi(20))], ["0.1", "1.0", "1.05e+06"]);
}

#[test]
fn sixteen_bits_print_the_fewest_digits_that_give_them_back() {
    for bits in 0..=u16::MAX {
        let x = bf16::from_bits(bits);
        let text = Array::new(vec![x], []).to_string();
        if !x.is_finite() {
            continue;
        }
        let back = |text: &str| cast::<f64, bf16>(text.parse().unwrap());
        assert_eq!(back(&text).to_bits(), bits, "{text}");
        let digits = f64::from(x);
        let given = text.split('e').next().unwrap().chars().filter(char::is_ascii_digit).collect::<String>();
        let given = given.trim_start_matches('0').trim_end_matches('0').len();
        for fewer in 1..given {
            let shorter = format!("{digits:.precision$e}", precision = fewer - 1);
            assert_ne!(back(&shorter).to_bits(), bits, "{text} has more digits than {shorter}");
        }
    }
}
