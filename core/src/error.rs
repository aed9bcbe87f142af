//! Errors that come from outside the program: devices and backends chosen at run time. (Wrong shapes, dtypes and
//! axes are mistakes in the program, and panic at the caller's line.)

use crate::Device;

/// What a backend or a device could not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No backend of that name was compiled in.
    #[error("no backend is named {name:?}; there are: {} (`cuda` and `wgpu` are features)", available.join(", "))]
    UnknownBackend {
        /// What was asked for.
        name: String,
        /// What there is.
        available: Vec<String>,
    },
    /// The backend has no such device.
    #[error("there is no device {device}; there are: {}", available.iter().map(Device::to_string).collect::<Vec<_>>().join(", "))]
    UnknownDevice {
        /// What was asked for.
        device: Device,
        /// What there is.
        available: Vec<Device>,
    },
    /// A backend has no device on this machine.
    #[error("{backend}: {reason}")]
    Unavailable {
        /// The backend.
        backend: String,
        /// What is missing.
        reason: String,
    },
    /// A device failed: memory ran out, a kernel was refused, the device is lost. What it computed since it was last read is not
    /// to be relied on.
    #[error("{device}: {reason}")]
    Device {
        /// Which.
        device: Device,
        /// What the driver says.
        reason: String,
    },
    /// The value has no data that could be read.
    #[error("{0}")]
    Unreadable(String),
}
