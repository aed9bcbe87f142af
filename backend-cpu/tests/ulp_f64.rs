//! Every mathematical function in f64: at most 4 floats from the correctly rounded result, at 20,000 points each, which
//! `ulp/oracle.py` chose and computed with mpmath.

mod ulp;

use flate2::read::GzDecoder;
use plywood_backend_cpu::kernel::target::Target;
use plywood_core::DType;
use std::io::Read;
use ulp::{BINARY, Function, Ready, UNARY, apart};

/// A function's points and its correctly rounded results.
struct Case {
    name: String,
    inputs: Vec<Vec<f64>>,
    want: Vec<f64>,
}

/// A number's hash by splitmix64, as `oracle.py` has it.
fn mix(i: u64) -> u64 {
    let z = i.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ z >> 31
}

/// The file, whose format `oracle.py` describes.
fn oracle() -> Vec<Case> {
    let mut bytes = Vec::new();
    GzDecoder::new(&include_bytes!("ulp/f64.oracle.gz")[..]).read_to_end(&mut bytes).expect("it unpacks");
    let mut at = 0;
    let mut take = |n: usize| {
        at += n;
        &bytes[at - n..at]
    };
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |n, &b| n << 8 | b as u64);
    let functions = number(take(4));
    let mut cases = Vec::new();
    for f in 0..functions {
        let length = take(1)[0] as usize;
        let name = String::from_utf8(take(length).to_vec()).expect("a name");
        let arity = take(1)[0] as usize;
        let mut inputs = vec![Vec::new(); arity];
        for _ in 0..number(take(4)) {
            let points = number(take(4));
            let spans: Vec<_> = (0..arity).map(|_| (number(take(8)), number(take(8)))).collect();
            for _ in 0..points {
                let i = inputs[0].len() as u64;
                for (a, &(first, last)) in spans.iter().enumerate() {
                    let bits = first + mix(f << 40 | i << 2 | a as u64) % (last - first + 1);
                    inputs[a].push(f64::from_bits(bits));
                }
            }
        }
        cases.push(Case { name, inputs, want: Vec::new() });
    }
    let planes = &bytes[at..];
    let all = planes.len() / 8;
    let mut results = (0..all).map(|i| (0..8).fold(0u64, |n, k| n << 8 | planes[k * all + i] as u64));
    for case in &mut cases {
        case.want = results.by_ref().take(case.inputs[0].len()).map(f64::from_bits).collect();
    }
    assert_eq!(results.next(), None);
    cases
}

#[test]
fn functions_are_within_four_floats_of_the_right_results() {
    let unary = UNARY.iter().map(|f| (f.name, Function::One(f.function), f.odd));
    let binary = BINARY.iter().map(|f| (f.name, Function::Two(f.function), false));
    let mut functions: Vec<_> = unary.chain(binary).collect();
    for Case { name, inputs, want } in oracle() {
        let i = functions.iter().position(|f| f.0 == name).unwrap_or_else(|| panic!("there is no {name}"));
        let (_, function, odd) = functions.remove(i);
        assert_eq!(want.len(), 20_000, "{name}");
        let ready = Ready::new(function, DType::F64, Target::current());
        let inputs: Vec<&[f64]> = inputs.iter().map(|x| &x[..]).collect();
        let got = ready.run(&inputs);
        let (far, at) = (0..want.len()).map(|i| (apart(got[i], want[i]), i)).max().expect("there are points");
        let x: Vec<f64> = inputs.iter().map(|x| x[at]).collect();
        println!(
            "{name}: {far} apart at {x:?}: {:e}, not {:e}; {} operations",
            got[at], want[at], ready.operations
        );
        assert!(far <= 4, "{name}({x:?}) is {:e}, not {:e}: {far} apart", got[at], want[at]);
        if odd {
            let minus: Vec<f64> = inputs[0].iter().map(|x| -x).collect();
            let turned = ready.run(&[&minus[..]]);
            let same = |i: usize| turned[i].to_bits() == (-got[i]).to_bits() || got[i].is_nan();
            let bad = (0..got.len()).find(|&i| !same(i)).map(|i| inputs[0][i]);
            assert_eq!(bad, None, "{name} is odd");
        }
    }
    let left: Vec<_> = functions.iter().map(|f| f.0).collect();
    assert!(left.is_empty(), "no results for {left:?}");
}
