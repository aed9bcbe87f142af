//! What each rank asks of NCCL in a collective operation.
//!
//! What always holds: all ranks of a group ask for what fits together, in one order, since it follows from the operation, the type and
//! the rank alone.

use super::communicator::Fold;
use plywood_core::{Shape, TensorType};

/// An operation.
#[derive(Clone, Copy, Debug)]
pub enum Call<'a> {
    /// Each gets the sum, or an extreme, of all.
    AllReduce(Fold),
    /// Each gets its part of it, of an axis with one for each rank, which goes away.
    ReduceScatter(Fold),
    /// Each gets all, along a new first axis.
    AllGather,
    /// Rank l's k-th part becomes rank k's l-th.
    AllToAll,
    /// From the first rank of a pair to the second.
    Permute(&'a [(usize, usize)]),
}

/// Something that a rank asks for. Elements are counted in the tensor before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Move {
    /// `ncclAllReduce`.
    AllReduce(Fold),
    /// `ncclReduceScatter`.
    ReduceScatter(Fold),
    /// `ncclAllGather`.
    AllGather,
    /// Elements of the tensor before.
    Send {
        /// The other rank.
        to: usize,
        /// The first element.
        first: usize,
        /// How many.
        count: usize,
    },
    /// Elements of the tensor after.
    Receive {
        /// The other rank.
        from: usize,
        /// The first element.
        first: usize,
        /// How many.
        count: usize,
    },
    /// Nobody sends: zeros.
    Zero,
}

impl Call<'_> {
    /// What users call it.
    pub fn name(&self) -> &'static str {
        match self {
            Call::AllReduce(_) => "all_reduce",
            Call::ReduceScatter(_) => "reduce_scatter",
            Call::AllGather => "all_gather",
            Call::AllToAll => "all_to_all",
            Call::Permute(_) => "permute",
        }
    }

    /// The type after, of `size` ranks.
    #[track_caller]
    pub fn result(&self, size: usize, ty: &TensorType) -> TensorType {
        let name = self.name();
        let parts = || {
            let fits = ty.shape.first() == Some(&size);
            assert!(
                fits,
                "{name}: the first axis of shape {} has one part for each of {size} ranks",
                ty.shape
            );
        };
        match self {
            Call::AllReduce(_) => ty.clone(),
            Call::ReduceScatter(_) => {
                parts();
                ty.with_shape(Shape::from(&ty.shape[1..]))
            }
            Call::AllGather => ty.with_shape(ty.shape.insert(0, size)),
            Call::AllToAll => {
                parts();
                ty.clone()
            }
            Call::Permute(pairs) => {
                let fits = pairs.iter().enumerate().all(|(i, &(from, to))| {
                    let once = pairs[..i].iter().all(|&(f, t)| f != from && t != to);
                    from < size && to < size && once
                });
                assert!(
                    fits,
                    "{name}: pairs (from, to) of {size} ranks name each at most once as either: {pairs:?}"
                );
                ty.clone()
            }
        }
    }

    /// What a rank asks for, with so many elements before.
    pub fn moves(&self, rank: usize, size: usize, elements: usize) -> Vec<Move> {
        match self {
            Call::AllReduce(how) => vec![Move::AllReduce(*how)],
            Call::ReduceScatter(how) => vec![Move::ReduceScatter(*how)],
            Call::AllGather => vec![Move::AllGather],
            Call::AllToAll => {
                let count = elements / size;
                let both = |other: usize| {
                    let first = other * count;
                    [Move::Send { to: other, first, count }, Move::Receive { from: other, first, count }]
                };
                (0..size).flat_map(both).collect()
            }
            Call::Permute(pairs) => {
                let to = pairs.iter().find(|&&(from, _)| from == rank).map(|&(_, to)| to);
                let from = pairs.iter().find(|&&(_, to)| to == rank).map(|&(from, _)| from);
                let send = to.map(|to| Move::Send { to, first: 0, count: elements });
                let receive = from.map(|from| Move::Receive { from, first: 0, count: elements });
                send.into_iter().chain([receive.unwrap_or(Move::Zero)]).collect()
            }
        }
    }
}
