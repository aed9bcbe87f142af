//! Whose turn it is: calls on a group are made one after another, in the order in which they were asked for.
//!
//! MPI matches the members' calls on a group by their order, and takes no two at once.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

#[derive(Debug, Default)]
pub(crate) struct Turns {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// How many were taken.
    taken: u64,
    /// Whose turn it is.
    now: u64,
}

/// A place in the order. It must be waited for.
#[derive(Debug)]
#[must_use]
pub(crate) struct Ticket(u64);

/// A turn, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn<'a>(&'a Turns);

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn take(&self) -> Ticket {
        let mut state = self.state();
        state.taken += 1;
        Ticket(state.taken - 1)
    }

    pub(crate) fn wait(&self, Ticket(ticket): Ticket) -> Turn<'_> {
        let mut state = self.state();
        while state.now != ticket {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Turn(self)
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.now += 1;
        if state.now != state.taken {
            self.0.changed.notify_all();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_come_in_order() {
        let (turns, order) = (Turns::default(), Mutex::new(Vec::new()));
        let first = turns.take();
        std::thread::scope(|scope| {
            for k in 0..4 {
                let ticket = turns.take();
                let (turns, order) = (&turns, &order);
                scope.spawn(move || {
                    let _turn = turns.wait(ticket);
                    order.lock().unwrap().push(k);
                });
            }
            assert!(order.lock().unwrap().is_empty());
            drop(turns.wait(first));
        });
        assert_eq!(order.into_inner().unwrap(), [0, 1, 2, 3]);
    }
}
