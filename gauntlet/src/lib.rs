//! Plywood's conformance suite.
//!
//! [`samples`] holds ONE table: for every operation, sample inputs (special values, empty and large tensors, views,
//! every dtype). [`properties`] holds what must be true of every operation on every engine: its result is the
//! oracle's ([`properties::forward`]), and what each layer adds. A property runs over the whole table and takes the
//! engine as an argument. The table is an exhaustive match over [`OpKind`](plywood_core::OpKind) and the families in
//! it: an operation without samples does not compile.
//!
//! The expected results come from an [`oracle`] that nobody here wrote: `oracle/make.py` asks JAX, and mpmath where
//! it is more accurate. They are found by what goes in (the operation, its attributes, the inputs' bits), so a
//! changed sample has no expected result until the script has run again, and the property says so.
//!
//! A new operation: samples in `samples/` (the compiler asks for them), its attributes in [`encode`] (likewise), who
//! answers for it in `oracle/make.py`, its tests in `tests/` (the compiler asks); then
//! `python gauntlet/oracle/make.py` and `cargo test -p plywood-gauntlet`. A test shows the first twelve samples that
//! fail; with the environment variable `GAUNTLET_ALL` set, all of them.

pub mod bits;
pub mod data;
pub mod encode;
mod kinds;
pub mod lanes;
pub mod layout;
pub mod oracle;
pub mod properties;
pub mod random;
pub mod sample;
pub mod samples;
pub mod tolerance;

pub use layout::Layout;
pub use oracle::Oracle;
pub use sample::{Input, Linearity, Sample};
pub use tolerance::Class;
