//! Many devices, one program: `pmap`, `shard_map`, and what devices say to each other.
//!
//! A function is recorded once; what runs is one operation that holds its graph ([`plywood_core::op::Pmap`]), so every layer derives
//! it and only a device's engine runs it, here: [`MultiDevice`] gives each device its part on a thread of its own, and stands between
//! them when they meet in a collective. Results stay where they are, in parts ([`shards`]), until somebody reads them.
//!
//! - `pmap.rs`, `shard_map.rs`, `mesh.rs`: what users call;
//! - `run/`: a program on its devices: what a backend says of them, preparation, threads, a run and its end, parts of values;
//! - `collective/`: how a collective is made of the devices' parts;
//! - `communicator.rs`: how parts travel, a trait; `threads.rs`: between threads of one process; `own.rs`: by what a backend has of its own;
//!   `world.rs`: between processes.

mod collective;
mod communicator;
mod mesh;
mod own;
mod pmap;
mod record;
mod run;
mod shard_map;
mod threads;
mod world;

pub use communicator::{Arrival, Communicator, Request};
pub use mesh::{Cut, Dimensions, Lying, Mesh, Names, Specs, spec};
pub use pmap::{Pmap, pmap};
pub use run::{Machine, MultiDevice, RunStats, Shard, collective, lies_on, shards};
pub use shard_map::{ShardMap, shard_map};
pub use world::{World, join, rank, world_size};
