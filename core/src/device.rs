//! [`Device`]: where data lives.

use std::fmt;

/// A kind of device and its number: `cpu:0`, `cuda:1`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Device {
    /// `cpu`, `cuda`, `wgpu`.
    pub kind: &'static str,
    /// Which of its kind, from 0.
    pub index: usize,
}

impl Device {
    /// The CPU with that number.
    pub const fn cpu(index: usize) -> Self {
        Device { kind: "cpu", index }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.kind, self.index)
    }
}
