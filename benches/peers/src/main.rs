//! Plywood beside its peers.
fn main() {}
