//! Who waits for the log to be on disk, and whether somebody syncs it for all of them.

use std::task::Waker;

use parking_lot::Mutex;

/// The tasks that wait for a sync.
#[derive(Debug, Default)]
pub(in crate::store) struct Waiters(Mutex<WaitingTasks>);

#[derive(Debug, Default)]
struct WaitingTasks {
    /// One of them is the leader: it syncs, or has a thread that does.
    is_led: bool,
    wakers: Vec<Waker>,
}

impl Waiters {
    /// Says whether the caller leads now: that is so when nobody else does. If not, the caller is
    /// woken when the sync of the leader has ended.
    pub(in crate::store) fn lead_or_wait(&self, waker: &Waker) -> bool {
        let mut waiting = self.0.lock();
        if waiting.is_led {
            waiting.wakers.push(waker.clone());
            return false;
        }
        waiting.is_led = true;
        true
    }

    /// Ends the turn of the leader; gives everybody who waits, to be woken by the caller.
    pub(in crate::store) fn end_turn(&self) -> Vec<Waker> {
        let mut waiting = self.0.lock();
        waiting.is_led = false;
        std::mem::take(&mut waiting.wakers)
    }

    pub(super) fn wake_all(&self) {
        let waking = std::mem::take(&mut self.0.lock().wakers);
        waking.into_iter().for_each(Waker::wake);
    }
}
