//! Every mathematical function in f32: at most 2 ulp from the exact value (what that means is in `ulp/mod.rs`), and odd
//! where it should be.
//!
//! Here a stride of all floats, and some pairs; `cargo run --release -p plywood-benches --bin ulp` tries all there are.

mod ulp;

use plywood_backend_cpu::kernel::target::Target;
use ulp::{BINARY, UNARY, Worst};

/// A prime: all exponents, and last digits of all kinds.
const STRIDE: u64 = 1009;
const PAIRS: u64 = 500_000;

fn check(name: &str, worst: Worst) {
    println!("{name}: {:.3} ulp, {worst:?}", worst.ulp);
    assert!(worst.ulp <= 2.0, "{name}: {worst:?}");
    assert_eq!(worst.not_odd, None, "{name} is odd");
}

#[test]
fn functions_of_one_operand() {
    for function in UNARY {
        check(function.name, ulp::sweep(function, STRIDE, Target::current()));
    }
}

#[test]
fn functions_of_two_operands() {
    for function in BINARY {
        check(function.name, ulp::pairs(function, PAIRS, Target::current()));
    }
}

#[test]
fn units_are_counted_as_they_should() {
    let (max, tiny, inf) = (f32::MAX, f32::from_bits(1), f32::INFINITY);
    let cases = [
        (1.0, 1.0, 0.0),
        (1.0f32.next_up(), 1.0, 1.0),
        (1.0f32.next_down(), 1.0, 0.5),
        (2.0, 2.0 - 2f64.powi(-26), 0.0625),
        (tiny, 0.0, 1.0),
        (0.0, tiny as f64 * 0.25, 0.25),
        (-0.0, 1e-60, f64::INFINITY),
        (0.0, -0.0, f64::INFINITY),
        (inf, max as f64, 1.0),
        (inf, 1e300, 0.0),
        (max, 2f64.powi(128), 1.0),
        (max, f64::INFINITY, f64::INFINITY),
        (f32::NAN, 1.0, f64::INFINITY),
        (inf, f64::NAN, f64::INFINITY),
        (f32::NAN, f64::NAN, 0.0),
    ];
    for (got, exact, want) in cases {
        let ulp = ulp::ulp(got, exact);
        assert!(ulp == want || (ulp - want).abs() < 1e-12, "{got:e} for {exact:e}: {ulp}, not {want}");
    }
}
