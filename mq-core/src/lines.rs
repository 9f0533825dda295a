//! Work that waits keeps its order: what comes later under the same key does not pass it.
//!
//! Invariant: whoever has to wait, say for a topic to be made or for its route, is passed by no later
//! work under the same key. Of a key for which nothing is under way, nothing is kept.

use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::hash::Hash;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use parking_lot::Mutex;
use tokio::task::unconstrained;

/// Held by the work whose turn it is; the rest stands in line in the order in which it came.
type Line = Arc<tokio::sync::Mutex<()>>;

/// Set by work that others may follow although it goes on.
#[derive(Debug, Default)]
pub struct Passed(AtomicBool);

impl Passed {
    /// Lets the next one go on.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// The lines of those who wait, by key.
#[derive(Debug)]
pub struct Lines<K> {
    lines: Mutex<HashMap<K, Line>>,
    /// How many lines there are, so that nobody looks for one when there is none.
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
    /// Does `work` behind all earlier work with the same key, until that is done or has set its
    /// `passed`. When `late` ends before it is this one's turn, its outcome counts and nothing is
    /// done.
    pub async fn keep<T>(
        &self,
        key: &K,
        passed: &Passed,
        late: impl Future<Output = T>,
        mut work: Pin<&mut impl Future<Output = T>>,
    ) -> T {
        let place = self.place(key);
        {
            // Unconstrained, the choice too: in a task that has used up its budget neither would look
            // at the line, and this one would get no place in it.
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

    /// As [`keep`](Self::keep) with all the time there is, for work under one key that one task
    /// polls: what is done at its first poll needs no place in line unless somebody waits.
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

/// `None` once `work` has let the others go on.
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

/// A place in a line; the last to leave takes the line away.
struct Place<'a, K: Eq + Hash> {
    lines: &'a Lines<K>,
    key: K,
    line: Line,
}

impl<K: Eq + Hash> Drop for Place<'_, K> {
    fn drop(&mut self) {
        /// The table and this place.
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

    /// Keeps `work` in its line, however long that takes.
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
