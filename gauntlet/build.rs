//! Nothing is generated: the build dependencies are there for their features (see `Cargo.toml`).

fn main() {}
