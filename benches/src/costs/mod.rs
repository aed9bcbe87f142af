//! What training on many devices costs, on paper: the formulas and the tables of `docs/multi-device-costs.md`.
//!
//! A message of n bytes takes α + n/B; adding n bytes to others n/A. All else follows from who sends what to whom. What always holds:
//! nothing here is measured. `tests/multi_device_costs.rs` holds the formulas to a simulation of the algorithms, and the page to the
//! tables.

pub mod hosts;
pub mod models;
pub mod network;
pub mod tables;
pub mod training;
