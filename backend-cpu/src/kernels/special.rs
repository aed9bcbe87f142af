//! Special functions and their derivatives: scalar code, computed in f64 whatever the dtype.
//!
//! What always holds: a result is rounded to the dtype once, and depends on its element alone. Derivatives by a and b
//! come from the functions' own algorithms in truncated power series ([`jet`]); the shape rule lets no order here that
//! these are not compiled for.

mod betainc;
mod gamma;
mod igamma;
mod jet;
mod tables;
#[cfg(test)]
mod tests;

pub(super) use gamma::lgamma;

use crate::data::{self, View};
use crate::dispatch::floats;
use crate::par;
use plywood_core::convert::{Convert, Wide};
use plywood_core::op::{Special, SpecialFunction};
use plywood_core::{TensorType, Value, Values};

/// Element by element.
pub fn special(ty: TensorType, x: Values, s: Special) -> Value {
    let (f, work) = function(s);
    floats!(ty.dtype, T => {
        let inputs: Vec<_> = x.iter().map(|x| View::<T>::of(x).to_contiguous()).collect();
        data::overwritten(ty, |out: &mut [T]| {
            par::chunks(out, 1, work, |first, chunk| {
                for (i, y) in chunk.iter_mut().enumerate() {
                    let mut operands = [0.0; 3];
                    for (operand, x) in operands.iter_mut().zip(&inputs) {
                        *operand = plywood_core::convert::to_f64(x[first + i]);
                    }
                    *y = <T as Convert>::narrow(Wide::Float(f(operands)));
                }
            });
        })
    })
}

/// The function of its operands, and about how many nanoseconds an element takes.
fn function(s: Special) -> (Box<dyn Fn([f64; 3]) -> f64 + Sync>, f64) {
    let [first, second, third] = s.orders.map(usize::from);
    match s.function {
        SpecialFunction::Digamma => (Box::new(move |[x, ..]| gamma::polygamma(first, x)), 60.0),
        SpecialFunction::Igamma => (Box::new(igamma(first, second, false)), 300.0 * (first + 1) as f64),
        SpecialFunction::Igammac => (Box::new(igamma(first, second, true)), 300.0 * (first + 1) as f64),
        SpecialFunction::Betainc => {
            let f = betainc(first, second);
            (Box::new(move |[a, b, x]| f(a, b, x, third)), 500.0 * ((first + 1) * (second + 1)) as f64)
        }
    }
}

fn igamma(by_a: usize, by_x: usize, upper: bool) -> impl Fn([f64; 3]) -> f64 + Sync {
    let f = match by_a {
        0 => igamma::derivative::<1>,
        1 => igamma::derivative::<2>,
        2 => igamma::derivative::<3>,
        3 => igamma::derivative::<4>,
        4 => igamma::derivative::<5>,
        _ => unreachable!("the shape rule lets no such order here"),
    };
    move |[a, x, _]| f(a, x, by_x, upper)
}

/// Of a, b, x and the order by x.
fn betainc(by_a: usize, by_b: usize) -> fn(f64, f64, f64, usize) -> f64 {
    macro_rules! orders {
        ($($a:literal $b:literal),*) => {
            match (by_a, by_b) {
                $(($a, $b) => betainc::derivative::<{ $a + 1 }, { $b + 1 }>,)*
                _ => unreachable!("the shape rule lets no such order here"),
            }
        };
    }
    orders!(0 0, 0 1, 0 2, 0 3, 1 0, 1 1, 1 2, 1 3, 2 0, 2 1, 2 2, 2 3, 3 0, 3 1, 3 2, 3 3)
}
