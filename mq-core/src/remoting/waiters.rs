//! The calls that wait for a response, by opaque number.
//!
//! A caller that gives up just drops its receiver. Such entries are removed whenever the table has
//! doubled, so that it never holds many more than are still waited for.

use std::collections::HashMap;

use tokio::sync::oneshot;

use crate::wire::RemotingCommand;

const MIN_SWEEP_SIZE: usize = 64;

#[derive(Debug)]
pub(super) struct PendingCalls {
    waiting: HashMap<i32, oneshot::Sender<RemotingCommand>>,
    next: i32,
    sweep_at: usize,
}

impl Default for PendingCalls {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            next: 0,
            sweep_at: MIN_SWEEP_SIZE,
        }
    }
}

impl PendingCalls {
    /// Returns the opaque number for the next request; its response will be sent to `answer`.
    pub(super) fn add(&mut self, answer: Option<oneshot::Sender<RemotingCommand>>) -> i32 {
        let opaque = self.next;
        self.next = self.next.wrapping_add(1);
        if let Some(answer) = answer {
            if self.waiting.len() >= self.sweep_at {
                self.waiting.retain(|_, answer| !answer.is_closed());
                self.sweep_at = MIN_SWEEP_SIZE.max(self.waiting.len() * 2);
            }
            self.waiting.insert(opaque, answer);
        }
        opaque
    }

    /// The number of waiting calls, including some that were given up since the last sweep.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Releases memory when no call waits.
    pub(super) fn shrink_when_idle(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > 2 * MIN_SWEEP_SIZE {
            self.waiting = HashMap::new();
            self.sweep_at = MIN_SWEEP_SIZE;
        }
    }

    /// Removes the call: no response will come for `opaque`.
    pub(super) fn cancel(&mut self, opaque: i32) {
        self.waiting.remove(&opaque);
    }

    /// Hands `answer` to the call that waits for it; without one it is dropped.
    pub(super) fn answer(&mut self, answer: RemotingCommand) {
        let opaque = answer.head.opaque;
        let given = match self.waiting.remove(&opaque) {
            Some(waiting) => waiting.send(answer).is_ok(),
            None => false,
        };
        if !given {
            tracing::debug!(opaque, "response dropped: its caller no longer waits");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn abandoned_calls_are_swept_out() {
        let mut waiters = PendingCalls::default();

        for _ in 0..10_000 {
            let (answer, _gave_up) = oneshot::channel();
            waiters.add(Some(answer));
        }

        assert!(waiters.waiting.len() <= MIN_SWEEP_SIZE);
    }

    #[test]
    fn a_burst_of_requests_leaves_no_large_table() {
        let mut waiters = PendingCalls::default();
        let receivers: Vec<_> = (0..10_000)
            .map(|_| {
                let (answer, receiver) = oneshot::channel();
                (waiters.add(Some(answer)), receiver)
            })
            .collect();

        for (opaque, _) in &receivers {
            waiters.cancel(*opaque);
        }
        waiters.shrink_when_idle();

        assert!(waiters.waiting.capacity() <= 2 * MIN_SWEEP_SIZE);
    }
}
