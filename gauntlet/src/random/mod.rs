//! Random programs: whether a graph that is optimised and fused gives what its operations give one at a time.
//!
//! Samples show one operation at a time; what a planner gets wrong lies between operations. So a [`Program`] is a list of
//! small numbers, which the builder reads as a graph over all operations: an instruction takes the values there are so far,
//! makes them fit (casts, broadcasts, slices, all of them operations of the graph), and adds its results; one that cannot
//! apply is left out. Numbers near zero mean the simplest thing, and any part of a list is a program again: that is what makes
//! a failing one shrink to a few operations.
//!
//! The oracle is [`unfused`]: every operation alone, those inside of calls, loops and branches too, nothing overwritten. How near a result must
//! be is [`strictness`]'s to say; [`Precision`] knows of each value whether an order of summation may show in it, and the
//! builder gives no such value to an operation that jumps. A program fails as a graph with its inputs in words; runs are the same
//! every time.
//!
//! On many devices ([`on_many`]) the oracle lets them go side by side, each one operation after the other, and has the lanes' layer
//! execute what they do together.

mod build;
mod compare;
mod contract;
mod control;
mod create;
mod devices;
mod elementwise;
mod index;
mod instruction;
mod order;
mod precision;
mod program;
mod properties;
mod rearrange;
mod reduce;
mod unfused;

pub use compare::{Compare, Expected, same, strictness};
pub use devices::{gradient_on_many, on_many};
pub use instruction::What;
pub use precision::{Precision, of_graph};
pub use program::{Input, Instruction, Program, programs};
pub use properties::{check, forward, gradient, improved, kinds, tolerance, vmap, vmap_of_gradient};
pub use unfused::{Noise, unfused};
