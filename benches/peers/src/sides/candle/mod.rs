//! What the comparison asks of candle: its tensors on the processor, eagerly.
//!
//! Functions of its own are taken where it has them. Its fused softmax and layer norm have no gradients, and that of
//! its max pooling is wrong: what is differentiated takes those made of operations, as its users must. It has no
//! derivatives of derivatives, no `vmap`, no factorisations and no transforms, and its sum of what came before is a
//! product with a triangular matrix, too large for 1e7 numbers: such cases are not in its tables.

mod blocks;
mod dispatch;
mod networks;
mod operations;
mod tensors;
mod training;

use candle_core::Result;
use plywood_benches::peers::protocol::{self, Job};
use std::io;
use tensors::Cases;

/// Answers what is asked for on the standard input.
pub fn serve() -> io::Result<()> {
    protocol::serve(&format!("candle {}", super::version("candle-core")), case)
}

/// Adds 16 numbers.
pub fn start() {
    let add = || -> Result<Vec<f32>> {
        let x = tensors::tensor(16, -1.0, 1.0)?;
        (&x + &x)?.to_vec1()
    };
    std::hint::black_box(add().expect("16 numbers are added"));
}

fn case(name: &str) -> Option<Job> {
    const TABLES: [Cases; 5] =
        [operations::CASES, dispatch::CASES, networks::CASES, blocks::CASES, training::CASES];
    let case = TABLES.into_iter().flatten().find(|case| case.0 == name)?;
    Some((case.1)().unwrap_or_else(|error| panic!("{name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_cases_give_their_numbers() {
        for (name, count) in [("jit chain of 10 operations", 16), ("jit gradient of a tiny MLP", 97)] {
            let mut job = case(name).expect("it is in a table");
            (job.call)();
            assert_eq!((job.result)().len(), count, "{name}");
        }
        assert!(case("jit hessian of 64 inputs").is_none());
    }
}
