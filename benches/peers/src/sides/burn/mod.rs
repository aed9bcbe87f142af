//! What the comparison asks of burn: its tensors on `flex`, its backend for processors, eagerly.
//!
//! Functions of its own are taken where it has them (attention, layer norm, convolutions, factorisations); the rest is
//! written as its users would, with tensors moved where that lets it use their memory again. It has no derivatives of
//! derivatives and no `vmap`: such cases are not in its tables.

mod blocks;
mod dispatch;
mod networks;
mod operations;
mod parameters;
mod tensors;
mod training;

use burn::tensor::Tensor;
use plywood_benches::peers::protocol::{self, Job};
use std::io;
use tensors::Cases;

/// Answers what is asked for on the standard input.
pub fn serve() -> io::Result<()> {
    protocol::serve(&format!("burn {} (flex)", super::version("burn")), case)
}

/// Adds 16 numbers.
pub fn start() {
    let x: Tensor<1> = tensors::tensor([16], -1.0, 1.0);
    std::hint::black_box((x.clone() + x).into_data());
}

fn case(name: &str) -> Option<Job> {
    const TABLES: [Cases; 5] =
        [operations::CASES, dispatch::CASES, networks::CASES, blocks::CASES, training::CASES];
    TABLES.into_iter().flatten().find(|case| case.0 == name).map(|case| (case.1)())
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
