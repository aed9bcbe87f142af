//! The derivative of a cast between floats is the cast back. (To integers it is zero: `keep` says so.)

use super::{Pull, T};

pub(super) fn cast(r: &Pull<'_>, ct: T) -> T {
    T::of(ct.into_value().cast(r.ty(0).dtype))
}
