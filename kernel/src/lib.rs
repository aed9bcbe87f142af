//! The kernel language, and what the operations are in it: what a backend that compiles kernels lowers.
//!
//! A [`Program`] ([`ir`]) is built with a [`Builder`] and checked on the way. What its operations mean, to the bit, is
//! written in [`semantics`] and [`element`]. [`formulas`] has the operations of a graph in lanes, [`math`] and [`cast`] what
//! they are made of, [`threefry`] random bits, [`fused`] the programs of a planner's kernels, [`looped`]
//! those of loops; [`layout`] says where
//! elements lie.
//!
//! Nothing here runs a program: backends do, as machine code or otherwise. What always holds: a program has one meaning,
//! so every executor of every backend that claims the language gives the same bits. All of it is safe code.

// Modules are explained where their source is read: with links to the private ones beside them.
#![allow(rustdoc::private_intra_doc_links)]

mod build;
pub mod cast;
pub mod element;
pub mod formulas;
pub mod fused;
pub mod ir;
pub mod layout;
pub mod looped;
pub mod math;
mod print;
pub mod semantics;
pub mod threefry;
mod verify;

pub use build::{Builder, MAX_ARGS, V};
pub use ir::{Program, Type, Width};
pub use verify::storable;
