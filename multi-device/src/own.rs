//! A backend's own way between devices, held to what all communicators hold: members start the same collectives in the same order.
//!
//! The library behind it does not say so where they do not: its kernels wait on the devices for ever. So what each member starts is
//! written down and compared here, before it is started. What always holds: a collective that a member will never reach, since it has
//! ended or is at another one, ends the run with an error on the member that finds it out, and the group is given up.

use crate::communicator::{Arrival, Communicator, Request};
use plywood_core::at::At;
use plywood_core::op::Collective;
use plywood_core::{Device, Error, TensorType};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

/// What the members of a group have started in a run.
pub(crate) struct Log {
    devices: Vec<Device>,
    state: Mutex<State>,
}

struct State {
    /// How many each member has started, and whether it has ended.
    members: Vec<(u64, bool)>,
    /// Those that not all have started, the first of them by its number.
    open: VecDeque<(Collective, TensorType, At)>,
    first: u64,
}

/// A member's end of such a group.
pub(crate) struct Own {
    pub end: Arc<dyn Communicator>,
    pub log: Arc<Log>,
}

fn shown(c: &Collective, ty: &TensorType, at: At) -> String {
    format!("{} over {:?} of {ty}, at {at}", c.name(), c.axis)
}

impl Log {
    pub fn new(devices: Vec<Device>) -> Log {
        let members = vec![(0, false); devices.len()];
        Log { devices, state: Mutex::new(State { members, open: VecDeque::new(), first: 0 }) }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }

    /// A member starts its next collective; why it may not.
    fn starts(&self, rank: usize, c: &Collective, ty: &TensorType, at: At) -> Result<(), String> {
        let mut state = self.lock();
        let number = state.members[rank].0;
        let gone = state.members.iter().position(|&(started, ended)| ended && started <= number);
        if let Some(gone) = gone {
            let what = shown(c, ty, at);
            return Err(format!("{what}, is not reached by all devices: {} has ended", self.devices[gone]));
        }
        match state.open.get((number - state.first) as usize) {
            Some((other, other_ty, _)) if other == c && other_ty == ty => {}
            Some((other, other_ty, other_at)) => {
                return Err(format!(
                    "{}, where others are in {}: devices reach the same collectives in the same order",
                    shown(c, ty, at),
                    shown(other, other_ty, other_at)
                ));
            }
            None => state.open.push_back((c.clone(), ty.clone(), at)),
        }
        state.members[rank].0 += 1;
        let least = state.members.iter().map(|&(started, _)| started).min().unwrap_or(0);
        while state.first < least {
            state.open.pop_front();
            state.first += 1;
        }
        Ok(())
    }

    /// A member has come to the end of the program; what others have started that it never will.
    pub fn ends(&self, rank: usize) -> Result<(), String> {
        let mut state = self.lock();
        state.members[rank].1 = true;
        let next = (state.members[rank].0 - state.first) as usize;
        match state.open.get(next) {
            None => Ok(()),
            Some((c, ty, at)) => Err(format!(
                "{}, is not reached by all devices: {} has ended",
                shown(c, ty, at),
                self.devices[rank]
            )),
        }
    }
}

impl Communicator for Own {
    fn rank(&self) -> usize {
        self.end.rank()
    }

    fn size(&self) -> usize {
        self.end.size()
    }

    fn start(&self, request: Request) -> Result<Box<dyn Arrival>, Error> {
        let (c, ty) = (&request.collective, request.input.ty());
        if let Err(message) = self.log.starts(self.rank(), c, ty, request.at) {
            panic!("{message}")
        }
        self.end.start(request)
    }

    fn ended(&self) {
        if let Err(message) = self.log.ends(self.rank()) {
            panic!("{message}")
        }
        self.end.ended()
    }

    fn give_up(&self) {
        self.end.give_up()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use plywood_core::op::CollectiveKind;
    use plywood_core::{DType, at};

    fn of(kind: CollectiveKind) -> Collective {
        Collective { axis: "i".into(), size: 2, kind, tracked: false }
    }

    #[test]
    fn what_a_member_will_not_reach_is_an_error() {
        let (ty, at) = (TensorType::new([2], DType::F32), at::caller());
        let log = || Log::new(vec![Device::cpu(0), Device::cpu(1)]);
        let (sum, max) = (of(CollectiveKind::Sum), of(CollectiveKind::Max));
        // In step, one ahead of the other.
        let fine = log();
        for rank in [0, 0, 1, 1, 1, 0] {
            assert_eq!(fine.starts(rank, &sum, &ty, at), Ok(()));
        }
        assert_eq!((fine.ends(0), fine.ends(1)), (Ok(()), Ok(())));
        assert_eq!(fine.lock().open.len(), 0);
        // At different ones.
        let apart = log();
        assert_eq!(apart.starts(1, &sum, &ty, at), Ok(()));
        let message = apart.starts(0, &max, &ty, at).expect_err("it is another one");
        assert!(
            message.starts_with("pmax over \"i\" of ") && message.contains("where others are in psum"),
            "{message}"
        );
        // One ends before the other comes, and one after.
        let early = log();
        assert_eq!(early.ends(0), Ok(()));
        let message = early.starts(1, &sum, &ty, at).expect_err("the other has ended");
        assert!(message.ends_with("is not reached by all devices: cpu:0 has ended"), "{message}");
        let late = log();
        assert_eq!(late.starts(1, &sum, &ty, at), Ok(()));
        let message = late.ends(0).expect_err("the other waits");
        assert!(message.ends_with("is not reached by all devices: cpu:0 has ended"), "{message}");
    }
}
