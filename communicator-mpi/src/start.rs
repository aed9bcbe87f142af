//! The group's calls as ones that are started, and made beside what the program does meanwhile.
//!
//! A started call is made by a thread of the group (where MPI lets only one in, by that), so it makes progress whatever the
//! program's threads do. As long as partners are late the thread sleeps between looks; what takes a core is moving and combining
//! bytes.

use crate::collective::{self, Context, check};
use crate::group::Waits;
use crate::patience::Patience;
use crate::reduction::Reduction;
use crate::started::Pending;
use crate::{Error, Group};
use plywood_core::DType;
use std::sync::Arc;

/// Bytes that a started call reads, and owns until it is waited for.
pub trait Source: AsRef<[u8]> + Send + 'static {}
impl<T: AsRef<[u8]> + Send + 'static> Source for T {}

/// Bytes that a started call writes (and may read), and owns until it is waited for.
pub trait Target: AsRef<[u8]> + AsMut<[u8]> + Send + 'static {}
impl<T: AsRef<[u8]> + AsMut<[u8]> + Send + 'static> Target for T {}

impl Group {
    /// Starts [`Group::all_reduce`]. Panics as it does.
    #[track_caller]
    pub fn start_all_reduce<B: Target>(
        self: &Arc<Self>,
        how: Reduction,
        dtype: DType,
        mut data: B,
    ) -> Pending<B> {
        check::elements(how, dtype, data.as_ref().len());
        self.later(Waits::Meeting, move |cx, _| {
            collective::all_reduce(cx, how, dtype, data.as_mut())?;
            Ok(data)
        })
    }

    /// Starts [`Group::reduce_scatter`]. Panics as it does.
    #[track_caller]
    pub fn start_reduce_scatter<A: Source, B: Target>(
        self: &Arc<Self>,
        how: Reduction,
        dtype: DType,
        data: A,
        mine: B,
    ) -> Pending<(A, B)> {
        check::elements(how, dtype, mine.as_ref().len());
        check::blocks("reduce_scatter", self.size(), data.as_ref().len(), mine.as_ref().len());
        let f = move |cx: &mut Context, data: &[u8], mine: &mut [u8]| {
            collective::reduce_scatter(cx, how, dtype, data, mine)
        };
        self.both(data, mine, f)
    }

    /// Starts [`Group::all_gather`]. Panics as it does.
    #[track_caller]
    pub fn start_all_gather<A: Source, B: Target>(self: &Arc<Self>, mine: A, all: B) -> Pending<(A, B)> {
        check::blocks("all_gather", self.size(), all.as_ref().len(), mine.as_ref().len());
        self.both(mine, all, collective::all_gather)
    }

    /// Starts [`Group::all_to_all`]. Panics as it does.
    #[track_caller]
    pub fn start_all_to_all<A: Source, B: Target>(self: &Arc<Self>, data: A, out: B) -> Pending<(A, B)> {
        check::exchanged(self.size(), data.as_ref().len(), out.as_ref().len());
        self.both(data, out, collective::all_to_all)
    }

    /// Starts [`Group::permute`]. Panics as it does.
    #[track_caller]
    pub fn start_permute<A: Source, B: Target>(
        self: &Arc<Self>,
        to: Option<usize>,
        from: Option<usize>,
        data: A,
        mut out: B,
    ) -> Pending<(A, B)> {
        check::ranks(self.size(), [to, from]);
        self.later(Waits::Itself, move |cx, hurry| {
            let patience = Some(Patience::new(hurry));
            collective::permute(cx, to, from, data.as_ref(), out.as_mut(), patience)?;
            Ok((data, out))
        })
    }

    /// Starts [`Group::broadcast`]. Panics as it does.
    #[track_caller]
    pub fn start_broadcast<B: Target>(self: &Arc<Self>, root: usize, mut data: B) -> Pending<B> {
        check::ranks(self.size(), [Some(root)]);
        self.later(Waits::Meeting, move |cx, _| {
            collective::broadcast(cx, root, data.as_mut())?;
            Ok(data)
        })
    }

    /// Starts [`Group::barrier`]: it is done when all members have started it.
    pub fn start_barrier(self: &Arc<Self>) -> Pending<()> {
        self.later(Waits::Meeting, |_, _| Ok(()))
    }

    fn both<A: Source, B: Target>(
        self: &Arc<Self>,
        from: A,
        mut into: B,
        f: impl FnOnce(&mut Context, &[u8], &mut [u8]) -> Result<(), Error> + Send + 'static,
    ) -> Pending<(A, B)> {
        self.later(Waits::Meeting, move |cx, _| {
            f(cx, from.as_ref(), into.as_mut())?;
            Ok((from, into))
        })
    }
}
