//! [`Later`]: what an engine keeps for a value whose data are elsewhere, or not there yet: in parts on several devices, or on
//! the way. Whoever asks for the data gets them, brought together or waited for once.
//!
//! What always holds: what comes is a value of the same engine, and of the same type.

use crate::{Device, Error, Value};
use std::any::Any;
use std::fmt;
use std::sync::OnceLock;

/// Where the data come from.
pub trait Source: Any + Send + Sync {
    /// The data, as an ordinary value of the engine. Called once.
    fn get(&self) -> Result<Value, Error>;

    /// The device where they are, the first of several.
    fn device(&self) -> Device;
}

/// What stands for a value's data until they are asked for.
pub struct Later {
    source: Box<dyn Source>,
    got: OnceLock<Result<Value, Error>>,
}

impl Later {
    /// To be brought by `source`.
    pub fn new(source: impl Source) -> Self {
        Later { source: Box::new(source), got: OnceLock::new() }
    }

    /// The value, waited for if need be.
    pub fn value(&self) -> Result<&Value, Error> {
        self.got.get_or_init(|| self.source.get()).as_ref().map_err(Error::clone)
    }

    /// The device where the data are, the first of several.
    pub fn device(&self) -> Device {
        self.source.device()
    }

    /// What brings the data, if it is of this kind.
    pub fn source<S: Source>(&self) -> Option<&S> {
        (&*self.source as &dyn Any).downcast_ref()
    }

    /// What the engine keeps, where the data have come and nobody else holds them.
    pub(super) fn data_mut<D: 'static>(&mut self) -> Option<&mut D> {
        let _ = self.value();
        self.got.get_mut()?.as_mut().ok()?.data_mut()
    }
}

impl fmt::Debug for Later {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.got.get().is_some() { "Later(there)" } else { "Later" })
    }
}
