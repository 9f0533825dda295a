//! Who waits for which answer of a peer, by opaque number.
//!
//! Whoever gives up just drops the receiver; such entries are swept out whenever the table has
//! doubled, so it never holds many more than are waited for.

use std::collections::HashMap;

use tokio::sync::oneshot;

use crate::wire::RemotingCommand;

const SWEEP_FROM: usize = 64;

#[derive(Debug)]
pub(super) struct Waiters {
    waiting: HashMap<i32, oneshot::Sender<RemotingCommand>>,
    next: i32,
    sweep_at: usize,
}

impl Default for Waiters {
    fn default() -> Self {
        Self {
            waiting: HashMap::new(),
            next: 0,
            sweep_at: SWEEP_FROM,
        }
    }
}

impl Waiters {
    /// A number for the next request, and `answer` gets what comes back under it.
    pub(super) fn add(&mut self, answer: Option<oneshot::Sender<RemotingCommand>>) -> i32 {
        let opaque = self.next;
        self.next = self.next.wrapping_add(1);
        if let Some(answer) = answer {
            if self.waiting.len() >= self.sweep_at {
                self.waiting.retain(|_, answer| !answer.is_closed());
                self.sweep_at = SWEEP_FROM.max(self.waiting.len() * 2);
            }
            self.waiting.insert(opaque, answer);
        }
        opaque
    }

    /// How many wait, those who gave up lately among them.
    pub(super) fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Gives memory back when nobody waits.
    pub(super) fn rest(&mut self) {
        if self.waiting.is_empty() && self.waiting.capacity() > 2 * SWEEP_FROM {
            self.waiting = HashMap::new();
            self.sweep_at = SWEEP_FROM;
        }
    }

    /// Nothing will come back for `opaque`.
    pub(super) fn forget(&mut self, opaque: i32) {
        self.waiting.remove(&opaque);
    }

    /// Hands `answer` to whoever waits for it; nobody may, and then it is dropped.
    pub(super) fn answer(&mut self, answer: RemotingCommand) {
        let opaque = answer.head.opaque;
        let given = match self.waiting.remove(&opaque) {
            Some(waiting) => waiting.send(answer).is_ok(),
            None => false,
        };
        if !given {
            tracing::debug!(opaque, "an answer that nobody waits for");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_gave_up_take_no_room_for_long() {
        let mut waiters = Waiters::default();

        for _ in 0..10_000 {
            let (answer, _gave_up) = oneshot::channel();
            waiters.add(Some(answer));
        }

        assert!(waiters.waiting.len() <= SWEEP_FROM);
    }

    #[test]
    fn a_burst_of_requests_leaves_no_large_table() {
        let mut waiters = Waiters::default();
        let receivers: Vec<_> = (0..10_000)
            .map(|_| {
                let (answer, receiver) = oneshot::channel();
                (waiters.add(Some(answer)), receiver)
            })
            .collect();

        for (opaque, _) in &receivers {
            waiters.forget(*opaque);
        }
        waiters.rest();

        assert!(waiters.waiting.capacity() <= 2 * SWEEP_FROM);
    }
}
