//! The first things that must work.

use super::programs::{layer_norm, softmax};
use super::{Form, call, decode, isas, place};
use crate::kernel::ir::Reduce;
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
        let forms = [None, Some(1), Some(2), Some(4)].map(|copies| Form { copies, streams: false });
        for form in forms.into_iter().chain([Form { copies: None, streams: true }]) {
            println!("{}", decode::listing(&axpy(), isa, form));
            let code = place(&axpy(), isa, form);
            for columns in 0..200 {
                let x: Vec<f32> = (0..columns).map(|i| i as f32 - 20.0).collect();
                let y: Vec<f32> = (0..columns).map(|i| 0.5 * i as f32).collect();
                let mut out = vec![-1f32; columns + 1];
                let at = |v: &[f32]| (v.as_ptr() as usize, 0);
                call(code, 1, columns, 0, &[at(&x), at(&y), (out.as_mut_ptr() as usize, 0)]);
                for i in 0..columns {
                    assert_eq!(out[i], (x[i] * 2.0 + y[i]).max(1.0), "{isa:?} {form:?} {columns} {i}");
                }
                assert_eq!(out[columns], -1.0);
            }
        }
    }
}

/// What is stored past the caches: whole vectors of an output that is not read, and nothing else.
#[test]
fn streaming_stores() {
    let b = Builder::new(Width::W32);
    let x = b.input(DType::F32);
    b.output(DType::F32, x + 1.0);
    b.output(DType::U8, b.column());
    let sum = x.reduce(Reduce::Sum);
    b.next_loop();
    let x = b.load(0);
    b.output(DType::BF16, x * sum);
    b.output(DType::F16, x);
    let mixed = b.finish();
    for isa in isas() {
        let width = |bytes: i32| ["xmm", "ymm", "zmm"][(bytes / 32) as usize];
        let full = width(isa.bytes());
        let half = width(isa.bytes() / 2);
        let table: [(&str, Program, &[&str]); 4] = [
            ("one output", axpy(), &[full]),
            ("softmax, which reads what it stores", softmax(), &[]),
            ("layer norm, after its sums", layer_norm(100), &[full]),
            (
                "of four outputs those of a loop that does not reduce, and not bytes",
                mixed.clone(),
                &[half, half],
            ),
        ];
        for (name, program, want) in table {
            let streams = Form { copies: Some(1), streams: true };
            let listing = decode::listing(&program, isa, streams);
            let stores = decode::streaming(&listing);
            let found: Vec<&str> = stores.iter().map(|s| &s.split(',').next_back().unwrap()[..3]).collect();
            assert_eq!(found, want, "{name} {isa:?}\n{listing}");
            assert_eq!(listing.matches("sfence").count(), usize::from(!want.is_empty()), "{name}\n{listing}");
            let ordinary = decode::listing(&program, isa, Form::default());
            assert!(decode::streaming(&ordinary).is_empty(), "{name} {isa:?}\n{ordinary}");
        }
    }
}
