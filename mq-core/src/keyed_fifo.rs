//! Runs asynchronous work with the same key first in, first out; work with other keys runs beside it.
//!
//! Sends use it: while the first send to a topic waits for its route or for the topic to be
//! created, later sends to that topic queue up behind it.
//!
//! Invariant: no work overtakes earlier work with the same key. A key without pending work takes no
//! memory.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use parking_lot::Mutex;
use tokio::task::unconstrained;

/// Held by the work that runs. Tokio's mutex is fair, so waiters get it in the order in which they
/// asked for it.
type KeyLock = Arc<tokio::sync::Mutex<()>>;

/// A flag that running work sets to let the next work with its key begin before it has ended itself.
#[derive(Debug, Default)]
pub struct NextMayBegin(AtomicBool);

impl NextMayBegin {
    /// Lets the next work with the same key begin.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A first-in-first-out queue of pending work for each key.
#[derive(Debug)]
pub struct KeyedFifo<K> {
    locks: Mutex<HashMap<K, KeyLock>>,
    /// The length of `locks`, so that the usual case, nothing pending, takes no lock.
    count: AtomicUsize,
}

impl<K> Default for KeyedFifo<K> {
    fn default() -> Self {
        Self {
            locks: Mutex::default(),
            count: AtomicUsize::new(0),
        }
    }
}

impl<K: Clone + Eq + Hash> KeyedFifo<K> {
    /// Runs `work` after all earlier work with the same key has ended or set its [`NextMayBegin`]. When
    /// `late` ends while this work still waits, `work` is not begun and the output of `late` is
    /// returned.
    pub async fn run<T>(
        &self,
        key: &K,
        next_may_begin: &NextMayBegin,
        late: impl Future<Output = T>,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        let pending = self.enqueue(key);
        {
            // Unconstrained, including the `select!`: when the task's cooperative budget is used
            // up, the lock would return pending without queueing this waiter, and later work could
            // overtake it.
            let turn = async {
                tokio::select! {
                    biased;
                    turn = pending.lock.lock() => Ok(turn),
                    outcome = late => Err(outcome),
                }
            };
            let _turn = match unconstrained(turn).await {
                Ok(turn) => turn,
                Err(outcome) => return outcome,
            };
            if let Some(done) = until_next_may_begin(next_may_begin, work.as_mut()).await {
                return done;
            }
        }
        drop(pending);
        work.await
    }

    /// As [`run`](Self::run) without a limit, for callers that poll all work of a key from one
    /// task: work that ends at its first poll and has none pending before it takes no lock.
    #[cfg(feature = "broker")]
    pub(crate) async fn run_from_one_task<T>(&self, key: &K, work: impl Future<Output = T>) -> T {
        let mut work = std::pin::pin!(work);
        if !self.has_pending(key) {
            let first = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
            if let Poll::Ready(done) = first {
                return done;
            }
        }
        let never = std::future::pending();
        // Rare, so that callers need not keep room for its state.
        Box::pin(self.run(key, &NextMayBegin::default(), never, work)).await
    }

    #[cfg(feature = "broker")]
    fn has_pending(&self, key: &K) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.locks.lock().contains_key(key)
    }

    fn enqueue(&self, key: &K) -> PendingKey<'_, K> {
        let mut locks = self.locks.lock();
        let lock = Arc::clone(locks.entry(key.clone()).or_default());
        self.count.store(locks.len(), Ordering::Release);
        PendingKey {
            fifo: self,
            key: key.clone(),
            lock,
        }
    }
}

/// The output of `work`; `None` as soon as it has set `next_may_begin`.
async fn until_next_may_begin<T>(
    next_may_begin: &NextMayBegin,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if next_may_begin.is_set() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// A reference to the lock of a key, held by one pending piece of work; dropping the last one
/// removes the key.
struct PendingKey<'a, K: Eq + Hash> {
    fifo: &'a KeyedFifo<K>,
    key: K,
    lock: KeyLock,
}

impl<K: Eq + Hash> Drop for PendingKey<'_, K> {
    fn drop(&mut self) {
        /// References left when nobody else waits: the table's and this one's.
        const REFERENCES_OF_LAST: usize = 2;

        let mut locks = self.fifo.locks.lock();
        if Arc::strong_count(&self.lock) <= REFERENCES_OF_LAST {
            locks.remove(&self.key);
            self.fifo.count.store(locks.len(), Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::pin::pin;

    use futures_util::FutureExt;
    use tokio::sync::Notify;

    use super::*;

    type Key = (u64, &'static str);

    /// Runs `work` in its turn, without a time limit.
    async fn run<T>(fifo: &KeyedFifo<Key>, key: Key, work: impl Future<Output = T>) -> T {
        let (next_may_begin, work) = (NextMayBegin::default(), pin!(work));
        fifo.run(&key, &next_may_begin, pending(), work).await
    }

    #[cfg(feature = "broker")]
    #[tokio::test]
    async fn what_one_task_does_at_its_first_poll_waits_only_behind_what_waits() {
        let (fifo, made) = (KeyedFifo::default(), Notify::new());
        let of_one_task = async |work| fifo.run_from_one_task(&(1, "new"), work).await;
        let work: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(made.notified());
        let mut first = Box::pin(of_one_task(work));

        assert_eq!(first.as_mut().now_or_never(), None);
        let mut second = Box::pin(of_one_task(Box::pin(async {})));
        assert_eq!(second.as_mut().now_or_never(), None);
        made.notify_one();
        assert_eq!(second.as_mut().now_or_never(), None);
        first.await;

        second.await;
        assert!(fifo.locks.lock().is_empty());
    }

    #[tokio::test]
    async fn what_comes_behind_work_that_waits_does_not_pass_it_and_other_keys_do() {
        let (fifo, made, stored) = (KeyedFifo::default(), Notify::new(), Mutex::new(Vec::new()));
        let send = |peer, topic, name| run(&fifo, (peer, topic), async move { name });
        let mut first = pin!(run(&fifo, (1, "new"), async {
            made.notified().await;
            stored.lock().push("first");
        }));
        let mut second = pin!(run(&fifo, (1, "new"), async {
            stored.lock().push("second");
        }));

        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);
        assert_eq!(send(1, "old", "x").now_or_never(), Some("x"));
        assert_eq!(send(2, "new", "x").now_or_never(), Some("x"));
        made.notify_one();
        assert_eq!(second.as_mut().now_or_never(), None);
        first.await;
        assert_eq!(send(1, "new", "third").now_or_never(), None);
        second.await;

        assert_eq!(*stored.lock(), ["first", "second"]);
        assert_eq!(send(1, "new", "last").now_or_never(), Some("last"));
        assert!(fifo.locks.lock().is_empty());
    }

    #[tokio::test]
    async fn a_task_that_has_used_up_its_budget_gets_its_place_all_the_same() {
        let (fifo, made) = (KeyedFifo::default(), Notify::new());
        let mut first = Box::pin(run(&fifo, (1, "new"), made.notified()));
        let mut second = Box::pin(run(&fifo, (1, "new"), async {}));
        let mut third = Box::pin(run(&fifo, (1, "new"), async {}));
        assert_eq!(first.as_mut().now_or_never(), None);

        while tokio::task::consume_budget().now_or_never().is_some() {}
        assert_eq!(second.as_mut().now_or_never(), None);
        tokio::task::yield_now().await;
        assert_eq!(third.as_mut().now_or_never(), None);
        made.notify_one();
        first.await;

        assert_eq!(third.as_mut().now_or_never(), None);
        second.await;
        third.await;
    }

    #[tokio::test]
    async fn work_that_is_given_up_lets_the_next_go_on() {
        let fifo = KeyedFifo::default();
        let mut first = Box::pin(run(&fifo, (1, "new"), pending::<()>()));
        let mut second = Box::pin(run(&fifo, (1, "new"), async { "second" }));
        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);

        drop(first);
        assert_eq!(second.await, "second");
        assert!(fifo.locks.lock().is_empty());
    }

    #[tokio::test]
    async fn work_that_lets_others_go_on_need_not_be_done() {
        let (fifo, known, answered) = (KeyedFifo::default(), Notify::new(), Notify::new());
        let next_may_begin = NextMayBegin::default();
        let work = pin!(async {
            known.notified().await;
            next_may_begin.set();
            answered.notified().await;
        });
        let mut first = Box::pin(fifo.run(&(1, "new"), &next_may_begin, pending(), work));
        let mut second = Box::pin(run(&fifo, (1, "new"), async { "second" }));
        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);

        known.notify_one();
        assert_eq!(first.as_mut().now_or_never(), None);

        assert_eq!(second.await, "second");
        assert!(fifo.locks.lock().is_empty());
        answered.notify_one();
        first.await;
    }

    #[tokio::test]
    async fn who_has_waited_too_long_leaves_the_queue_with_nothing_done() {
        let (fifo, late) = (KeyedFifo::default(), Notify::new());
        let mut first = Box::pin(run(&fifo, (1, "new"), pending::<&str>()));
        let next_may_begin = NextMayBegin::default();
        let too_late = async {
            late.notified().await;
            "too late"
        };
        let work = pin!(async { "done" });
        let mut second = Box::pin(fifo.run(&(1, "new"), &next_may_begin, too_late, work));
        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);

        late.notify_one();

        assert_eq!(second.await, "too late");
    }
}
