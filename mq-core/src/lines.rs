//! Asynchronous work with the same key runs in the order in which it was begun.
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

/// Locked by the work that runs. Tokio's mutex is fair, so waiters get it in the order in which
/// they came.
type Line = Arc<tokio::sync::Mutex<()>>;

/// Set by running work that lets the next one begin before it has ended itself.
#[derive(Debug, Default)]
pub struct Passed(AtomicBool);

impl Passed {
    /// Lets the next work with the same key begin.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The work that is pending, by key.
#[derive(Debug)]
pub struct Lines<K> {
    lines: Mutex<HashMap<K, Line>>,
    /// The length of `lines`, so that the usual case, nothing pending, takes no lock.
    count: AtomicUsize,
}

impl<K> Default for Lines<K> {
    fn default() -> Self {
        Self {
            lines: Mutex::default(),
            count: AtomicUsize::new(0),
        }
    }
}

impl<K: Clone + Eq + Hash> Lines<K> {
    /// Runs `work` after all earlier work with the same key has ended or set its [`Passed`]. When
    /// `late` ends while this work still waits, `work` is not begun and the output of `late` is
    /// returned.
    pub async fn keep<T>(
        &self,
        key: &K,
        passed: &Passed,
        late: impl Future<Output = T>,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        let place = self.place(key);
        {
            // Unconstrained, including the `select!`: when the task's cooperative budget is used
            // up, the lock would return pending without queueing this waiter, and later work could
            // overtake it.
            let turn = async {
                tokio::select! {
                    biased;
                    turn = place.line.lock() => Ok(turn),
                    outcome = late => Err(outcome),
                }
            };
            let _turn = match unconstrained(turn).await {
                Ok(turn) => turn,
                Err(outcome) => return outcome,
            };
            if let Some(done) = until_passed(passed, work.as_mut()).await {
                return done;
            }
        }
        drop(place);
        work.await
    }

    /// As [`keep`](Self::keep) without a limit, for callers that poll all work of a key from one
    /// task: work that ends at its first poll and has none pending before it takes no lock.
    #[cfg(feature = "broker")]
    pub(crate) async fn keep_of_one_task<T>(
        &self,
        key: &K,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        if !self.is_waited_in(key) {
            let first = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
            if let Poll::Ready(done) = first {
                return done;
            }
        }
        let never = std::future::pending();
        self.keep(key, &Passed::default(), never, work).await
    }

    #[cfg(feature = "broker")]
    fn is_waited_in(&self, key: &K) -> bool {
        self.count.load(Ordering::Acquire) > 0 && self.lines.lock().contains_key(key)
    }

    fn place(&self, key: &K) -> Place<'_, K> {
        let mut lines = self.lines.lock();
        let line = Arc::clone(lines.entry(key.clone()).or_default());
        self.count.store(lines.len(), Ordering::Release);
        Place {
            lines: self,
            key: key.clone(),
            line,
        }
    }
}

/// The output of `work`, or `None` once it allows the next one to begin.
async fn until_passed<T>(
    passed: &Passed,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if passed.is_set() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// Pending work's share of the lock of its key; the last one dropped removes the key.
struct Place<'a, K: Eq + Hash> {
    lines: &'a Lines<K>,
    key: K,
    line: Line,
}

impl<K: Eq + Hash> Drop for Place<'_, K> {
    fn drop(&mut self) {
        /// References left when nobody else waits: the table's and this one's.
        const ALONE: usize = 2;

        let mut lines = self.lines.lines.lock();
        if Arc::strong_count(&self.line) <= ALONE {
            lines.remove(&self.key);
            self.lines.count.store(lines.len(), Ordering::Release);
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
    async fn keep<T>(lines: &Lines<Key>, key: Key, work: impl Future<Output = T>) -> T {
        let (passed, work) = (Passed::default(), pin!(work));
        lines.keep(&key, &passed, pending(), work).await
    }

    #[cfg(feature = "broker")]
    #[tokio::test]
    async fn what_one_task_does_at_its_first_poll_waits_only_behind_what_waits() {
        let (lines, made) = (Lines::default(), Notify::new());
        let of_one_task = async |work| {
            let work = pin!(work);
            lines.keep_of_one_task(&(1, "new"), work).await;
        };
        let work: Pin<Box<dyn Future<Output = ()> + '_>> = Box::pin(made.notified());
        let mut first = Box::pin(of_one_task(work));

        assert_eq!(first.as_mut().now_or_never(), None);
        let mut second = Box::pin(of_one_task(Box::pin(async {})));
        assert_eq!(second.as_mut().now_or_never(), None);
        made.notify_one();
        assert_eq!(second.as_mut().now_or_never(), None);
        first.await;

        second.await;
        assert!(lines.lines.lock().is_empty());
    }

    #[tokio::test]
    async fn what_comes_behind_work_that_waits_does_not_pass_it_and_other_keys_do() {
        let (lines, made, stored) = (Lines::default(), Notify::new(), Mutex::new(Vec::new()));
        let send = |peer, topic, name| keep(&lines, (peer, topic), async move { name });
        let mut first = pin!(keep(&lines, (1, "new"), async {
            made.notified().await;
            stored.lock().push("first");
        }));
        let mut second = pin!(keep(&lines, (1, "new"), async {
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
        assert!(lines.lines.lock().is_empty());
    }

    #[tokio::test]
    async fn a_task_that_has_used_up_its_budget_gets_its_place_all_the_same() {
        let (lines, made) = (Lines::default(), Notify::new());
        let mut first = Box::pin(keep(&lines, (1, "new"), made.notified()));
        let mut second = Box::pin(keep(&lines, (1, "new"), async {}));
        let mut third = Box::pin(keep(&lines, (1, "new"), async {}));
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
        let lines = Lines::default();
        let mut first = Box::pin(keep(&lines, (1, "new"), pending::<()>()));
        let mut second = Box::pin(keep(&lines, (1, "new"), async { "second" }));
        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);

        drop(first);
        assert_eq!(second.await, "second");
        assert!(lines.lines.lock().is_empty());
    }

    #[tokio::test]
    async fn work_that_lets_others_go_on_need_not_be_done() {
        let (lines, known, answered) = (Lines::default(), Notify::new(), Notify::new());
        let passed = Passed::default();
        let work = pin!(async {
            known.notified().await;
            passed.set();
            answered.notified().await;
        });
        let mut first = Box::pin(lines.keep(&(1, "new"), &passed, pending(), work));
        let mut second = Box::pin(keep(&lines, (1, "new"), async { "second" }));
        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);

        known.notify_one();
        assert_eq!(first.as_mut().now_or_never(), None);

        assert_eq!(second.await, "second");
        assert!(lines.lines.lock().is_empty());
        answered.notify_one();
        first.await;
    }

    #[tokio::test]
    async fn who_has_waited_too_long_leaves_the_line_with_nothing_done() {
        let (lines, late) = (Lines::default(), Notify::new());
        let mut first = Box::pin(keep(&lines, (1, "new"), pending::<&str>()));
        let passed = Passed::default();
        let too_late = async {
            late.notified().await;
            "too late"
        };
        let work = pin!(async { "done" });
        let mut second = Box::pin(lines.keep(&(1, "new"), &passed, too_late, work));
        assert_eq!(first.as_mut().now_or_never(), None);
        assert_eq!(second.as_mut().now_or_never(), None);

        late.notify_one();

        assert_eq!(second.await, "too late");
    }
}
