//! Sends of one connection to one topic are stored in the order in which they came.
//!
//! Invariant: a send that waits before its message is in the log, say for its topic to be made, lets
//! no later one of the same connection to the same topic pass. Where none waits, nothing is kept.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use bytestring::ByteString;
use parking_lot::Mutex;
use tokio::task::unconstrained;

use crate::remoting::PeerId;

/// A connection, and the topic it sends to.
type Key = (PeerId, ByteString);
/// Held by the send whose turn it is; the others stand in line in the order in which they came.
type Line = Arc<tokio::sync::Mutex<()>>;

/// The lines of those who wait.
#[derive(Debug, Default)]
pub(super) struct SendOrder {
    lines: Mutex<HashMap<Key, Line>>,
    /// How many lines there are, so that a send looks for its line only when there is any.
    count: AtomicUsize,
}

impl SendOrder {
    /// Does `work`, which ends when the message is in the log, behind all earlier work of the same
    /// connection for the same topic. Work that is done at its first poll costs no line.
    pub(super) async fn keep<T>(
        &self,
        peer: PeerId,
        topic: ByteString,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = pin!(work);
        let key = (peer, topic);
        if let Some(place) = self.line_of(&key) {
            // Unconstrained: a task that has used up its turn would not get its place in line.
            let _turn = unconstrained(place.line.lock()).await;
            return work.await;
        }
        let first = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
        if let Poll::Ready(done) = first {
            return done;
        }
        let place = self.begin_line(key);
        let _turn = unconstrained(place.line.lock()).await;
        work.await
    }

    fn line_of(&self, key: &Key) -> Option<Place<'_>> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let line = Arc::clone(self.lines.lock().get(key)?);
        Some(Place {
            order: self,
            key: key.clone(),
            line,
        })
    }

    fn begin_line(&self, key: Key) -> Place<'_> {
        let mut lines = self.lines.lock();
        let line = Arc::clone(lines.entry(key.clone()).or_default());
        self.count.store(lines.len(), Ordering::Release);
        Place {
            order: self,
            key,
            line,
        }
    }
}

/// A place in a line; the last to leave takes the line away.
struct Place<'a> {
    order: &'a SendOrder,
    key: Key,
    line: Line,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        /// The table and this place.
        const ALONE: usize = 2;

        let mut lines = self.order.lines.lock();
        if Arc::strong_count(&self.line) <= ALONE {
            lines.remove(&self.key);
            self.order.count.store(lines.len(), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::sync::Notify;

    use super::*;

    const PEER: PeerId = PeerId(1);

    #[tokio::test]
    async fn what_comes_behind_a_send_that_waits_does_not_pass_it_and_others_do() {
        let (order, made, stored) = (SendOrder::default(), Notify::new(), Mutex::new(Vec::new()));
        let send = |peer, topic: &'static str, name: &'static str| {
            order.keep(peer, topic.into(), async move { name })
        };
        let mut first = pin!(order.keep(PEER, "new".into(), async {
            made.notified().await;
            stored.lock().push("first");
        }));
        let mut second = pin!(order.keep(PEER, "new".into(), async {
            stored.lock().push("second");
        }));

        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);
        assert_eq!(send(PEER, "old", "x").now_or_never(), Some("x"));
        assert_eq!(send(PeerId(2), "new", "x").now_or_never(), Some("x"));
        made.notify_one();
        assert_eq!(second.as_mut().now_or_never(), None);
        first.await;
        assert_eq!(send(PEER, "new", "third").now_or_never(), None);
        second.await;

        assert_eq!(*stored.lock(), ["first", "second"]);
        assert_eq!(send(PEER, "new", "last").now_or_never(), Some("last"));
        assert!(order.lines.lock().is_empty());
    }

    #[tokio::test]
    async fn a_send_that_is_given_up_lets_the_next_one_go_on() {
        let order = SendOrder::default();
        let never = std::future::pending::<()>();
        let mut first = Box::pin(order.keep(PEER, "new".into(), never));
        let mut second = Box::pin(order.keep(PEER, "new".into(), async { "second" }));
        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);

        drop(first);
        assert_eq!(second.await, "second");
        assert!(order.lines.lock().is_empty());
    }
}
