//! The first things that must work.

use super::{call, decode, isas, place};
use crate::kernel::{Builder, Program, Width};
use plywood_core::DType;

fn axpy() -> Program {
    let b = Builder::new(Width::W32);
    let (x, y) = (b.input(DType::F32), b.input(DType::F32));
    b.output(DType::F32, (x * 2.0 + y).max(b.c(1.0)));
    b.finish()
}

#[test]
fn element_by_element() {
    for isa in isas() {
        for copies in [None, Some(1), Some(2), Some(4)] {
            println!("{}", decode::listing(&axpy(), isa, copies));
            let code = place(&axpy(), isa, copies);
            for columns in 0..200 {
                let x: Vec<f32> = (0..columns).map(|i| i as f32 - 20.0).collect();
                let y: Vec<f32> = (0..columns).map(|i| 0.5 * i as f32).collect();
                let mut out = vec![-1f32; columns + 1];
                let at = |v: &[f32]| (v.as_ptr() as usize, 0);
                call(code, 1, columns, 0, &[at(&x), at(&y), (out.as_mut_ptr() as usize, 0)]);
                for i in 0..columns {
                    assert_eq!(out[i], (x[i] * 2.0 + y[i]).max(1.0), "{isa:?} {copies:?} {columns} {i}");
                }
                assert_eq!(out[columns], -1.0);
            }
        }
    }
}
