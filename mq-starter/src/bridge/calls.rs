//! The layer that hands a message to its handler on a thread of the group, and knows which handler
//! has which message.
//!
//! Invariant: a call is listed until its handler has ended or was dropped, also when nobody waits
//! for its outcome any more.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_task::FallibleTask;
use mq_core::clock::Clock;
use mq_core::message::{GroupName, TopicName};
use mq_core::tasks::Tasks;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::call::Call;
use super::consume::{Consume, Delivered};
use super::holds::{self, HeldThread, Holds};
use super::workers::{Conduct, Workers};
use crate::listener::{ConsumeError, Listener};
use crate::stopping::ShutdownProblem;

/// The calls of one group.
pub(super) struct HandlerCalls {
    workers: Workers,
    list: Arc<OpenCalls>,
    holds: Holds,
    clock: Clock,
}

/// The calls that are under way.
#[derive(Debug, Default)]
pub(super) struct OpenCalls {
    open: Mutex<NumberedCalls>,
    given_up: CancellationToken,
}

#[derive(Debug, Default)]
struct NumberedCalls {
    next: u64,
    calls: BTreeMap<u64, Arc<Call>>,
}

/// Takes its call off the list, however the handler ends.
struct ListedCall {
    id: u64,
    list: Arc<OpenCalls>,
}

impl HandlerCalls {
    /// None yet, and at most `most` at a time; `tasks` adds threads where they are missing.
    pub(super) fn new(group: &GroupName, most: u16, clock: &Clock, tasks: &Tasks) -> Self {
        let workers = Workers::new(format!("mq-{group}"), most, Handle::current());
        tasks.spawn_until_stop("adding threads", workers.relieve(clock.clone()));
        Self {
            workers,
            list: Arc::default(),
            holds: Holds::default(),
            clock: clock.clone(),
        }
    }

    /// The calls that are under way, for whoever stops them.
    pub(super) fn list(&self) -> Arc<OpenCalls> {
        Arc::clone(&self.list)
    }

    /// Waits for the outcome; has the call named when it holds its thread for too long.
    async fn watch<T>(&self, call: &Call, mut task: FallibleTask<T>) -> Option<T> {
        loop {
            let since = call.holds_since();
            let look = since
                .unwrap_or_else(|| self.clock.moment())
                .plus(holds::LONG_HOLD);
            let outcome = tokio::select! {
                biased;
                outcome = &mut task => Some(outcome),
                () = self.clock.sleep_until(look) => None,
            };
            let (hold, now) = (call.longest_hold(), self.clock.moment());
            let is_long = hold >= holds::LONG_HOLD;
            match outcome {
                Some(outcome) => {
                    if is_long {
                        self.holds.found(call, HeldThread::Over(hold), now);
                    }
                    return outcome;
                }
                None if is_long => {
                    self.holds.found(call, HeldThread::GoesOn, now);
                    let outcome = task.await;
                    self.holds.ended(call, call.longest_hold());
                    return outcome;
                }
                None => {}
            }
        }
    }
}

/// Runs what lies further in on the threads of the group.
pub(super) struct OnThreads<I> {
    listener: &'static str,
    topic: TopicName,
    conduct: Conduct,
    calls: Arc<HandlerCalls>,
    inner: I,
}

impl<I> OnThreads<I> {
    pub(super) fn new(listener: &Listener, calls: Arc<HandlerCalls>, inner: I) -> Self {
        Self {
            listener: listener.name,
            topic: listener.topic.clone(),
            conduct: if listener.blocking {
                Conduct::Blocks
            } else {
                Conduct::Awaits
            },
            calls,
            inner,
        }
    }
}

impl<D: Delivered, I: Consume<D> + Clone + 'static> Consume<D> for OnThreads<I> {
    async fn consume(&self, delivery: D) -> D::Answer {
        let HandlerCalls {
            workers,
            list,
            clock,
            ..
        } = &*self.calls;
        let (id, count) = (delivery.message_id(), delivery.count());
        let call = Call::begin(self.listener, self.topic.clone(), id, clock.clone());
        let call = Arc::new(call);
        let listed = list.enter(Arc::clone(&call));
        let handling = {
            let (call, inner) = (Arc::clone(&call), self.inner.clone());
            async move {
                let _listed = listed;
                call.measure(inner.consume(delivery)).await
            }
        };
        let task = workers.run(self.conduct, handling);
        let outcome = async {
            match self.conduct {
                Conduct::Blocks => task.await,
                Conduct::Awaits => self.calls.watch(&call, task).await,
            }
        };
        let outcome = tokio::select! {
            biased;
            outcome = outcome => outcome,
            () = list.given_up.cancelled() => return D::unanswered(count, ConsumeError::stopped()),
        };
        outcome.unwrap_or_else(|| {
            let error =
                ConsumeError::panicked("the listener panicked when it was dropped".to_owned());
            D::unanswered(count, error)
        })
    }
}

impl OpenCalls {
    fn enter(self: &Arc<Self>, call: Arc<Call>) -> ListedCall {
        let mut open = self.open.lock();
        let id = open.next;
        open.next += 1;
        open.calls.insert(id, call);
        ListedCall {
            id,
            list: Arc::clone(self),
        }
    }

    /// The calls that are under way, the oldest first.
    pub(super) fn unfinished(&self) -> Vec<ShutdownProblem> {
        let open = self.open.lock();
        open.calls.values().map(|call| call.unfinished()).collect()
    }

    /// Nobody waits for an outcome any more: handlers are dropped at their next `.await`.
    pub(super) fn give_up(&self) {
        self.given_up.cancel();
    }
}

impl Drop for ListedCall {
    fn drop(&mut self) {
        self.list.open.lock().calls.remove(&self.id);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::pin::pin;
    use std::sync::mpsc;
    use std::time::Duration;

    use mq_core::message::TopicName;
    use tokio::sync::oneshot;

    use super::*;
    use crate::bridge::log_lines::Log;
    use crate::listener::handler::tests::delivery;
    use crate::listener::{AnyHandler, ConsumeResult, Delivery, Handler};

    pub(in crate::bridge) fn calls(clock: &Clock) -> Arc<HandlerCalls> {
        let group = GroupName::new("g").unwrap();
        Arc::new(HandlerCalls::new(
            &group,
            2,
            clock,
            &Tasks::new(clock.clone()),
        ))
    }

    async fn call(
        calls: &Arc<HandlerCalls>,
        listener: &Listener,
        delivery: Delivery,
    ) -> ConsumeResult {
        let AnyHandler::One(handler) = listener.handler.clone() else {
            unreachable!("`listener` makes no other")
        };
        let on_threads = OnThreads::new(listener, Arc::clone(calls), handler);
        on_threads.consume(delivery).await
    }

    pub(in crate::bridge) fn listener(blocking: bool, handler: impl Into<AnyHandler>) -> Listener {
        Listener {
            name: "notify",
            origin: crate::Origin {
                package: "shop",
                file: "src/sms.rs",
                line: 1,
            },
            topic: TopicName::new("orders").unwrap(),
            selector: crate::SelectorType::Tag,
            expression: "*".to_owned(),
            delay_level: 0,
            on_decode_error: crate::OnDecodeError::default(),
            reply_timeout: None,
            blocking,
            handler: handler.into(),
        }
    }

    /// A handler that says when it has begun and blocks until it is told to go on.
    fn blocks() -> (Handler, oneshot::Receiver<()>, mpsc::Sender<()>) {
        let (begin, has_begun) = oneshot::channel();
        let (go_on, told) = mpsc::channel();
        let once = Mutex::new(Some((begin, told)));
        let handler = Handler::new(move |_| {
            let once = once.lock().take();
            Box::pin(async move {
                let (begin, told) = once.unwrap();
                begin.send(()).unwrap();
                Ok(told.recv()?)
            })
        });
        (handler, has_begun, go_on)
    }

    /// One call that holds its thread for `hold`; gives the message's id.
    async fn hold_for(calls: &Arc<HandlerCalls>, clock: &Clock, hold: Duration) -> String {
        let (handler, has_begun, go_on) = blocks();
        let listener = listener(false, handler);
        let delivery = delivery();
        let id = delivery.message.message_id();
        let mut under_way = pin!(call(calls, &listener, delivery));
        let wait = async {
            has_begun.await.unwrap();
            clock.advance(hold).await;
        };
        tokio::select! {
            biased;
            _ = &mut under_way => unreachable!("it blocks"),
            () = wait => {}
        }
        go_on.send(()).unwrap();
        under_way.await.unwrap();
        id
    }

    #[tokio::test]
    async fn an_async_listener_that_holds_its_thread_is_named_while_it_still_does() {
        let (log, _guard) = Log::listen();
        let clock = Clock::manual(0);
        let calls = calls(&clock);

        hold_for(&calls, &clock, Duration::from_millis(999)).await;
        assert_eq!(log.lines(), [""; 0]);
        let id = hold_for(&calls, &clock, Duration::from_secs(6)).await;

        let lines = log.lines();
        assert_eq!(lines.len(), 1, "{lines:?}");
        for part in [
            "WARN",
            "notify",
            "topic=orders",
            &id,
            "has held its thread for more than 1s and still does, without an `.await`: declare",
            "blocking = true",
        ] {
            assert!(lines[0].contains(part), "{part} is not in {lines:?}");
        }
    }

    /// There was a line for each message, and each said that the thread was held for a second.
    #[tokio::test]
    async fn a_listener_is_named_once_a_minute_with_how_often_and_how_long_since() {
        let (log, _guard) = Log::listen();
        let clock = Clock::manual(0);
        let calls = calls(&clock);
        let seconds = Duration::from_secs;

        for hold in [5, 12, 3] {
            hold_for(&calls, &clock, seconds(hold)).await;
        }
        assert_eq!(log.lines().len(), 1);
        clock.advance(seconds(60)).await;
        hold_for(&calls, &clock, seconds(2)).await;

        let lines = log.lines();
        assert_eq!(lines.len(), 2, "{lines:?}");
        let since = "(2 more calls did since the last such line, the longest that ended: 12.0s)";
        assert!(lines[1].contains(since), "{lines:?}");
    }

    #[tokio::test]
    async fn a_listener_that_may_block_is_not_named() {
        let (log, _guard) = Log::listen();
        let clock = Clock::manual(0);
        let calls = calls(&clock);
        let (handler, has_begun, go_on) = blocks();
        let listener = listener(true, handler);
        let wait = async {
            has_begun.await.unwrap();
            clock.advance(Duration::from_secs(5)).await;
            go_on.send(()).unwrap();
        };

        let (outcome, ()) = tokio::join!(call(&calls, &listener, delivery()), wait);

        outcome.unwrap();
        assert_eq!(log.lines(), [""; 0]);
    }

    #[tokio::test]
    async fn a_handler_that_awaits_is_dropped_when_its_outcome_is_given_up() {
        let clock = Clock::manual(0);
        let calls = calls(&clock);
        let (mut never, told) = oneshot::channel::<()>();
        let once = Mutex::new(Some(told));
        let (say, mut begun) = tokio::sync::mpsc::unbounded_channel();
        let handler = Handler::new(move |_| {
            let (told, say) = (once.lock().take(), say.clone());
            Box::pin(async move {
                say.send(()).unwrap();
                Ok(told.unwrap().await?)
            })
        });
        let (list, listener) = (calls.list(), listener(false, handler));
        let delivery = delivery();
        let id = delivery.message.message_id();
        let give_up = async {
            begun.recv().await.unwrap();
            clock.advance(Duration::from_millis(2_500)).await;
            let unfinished = list.unfinished();
            list.give_up();
            unfinished
        };

        let (outcome, unfinished) = tokio::join!(call(&calls, &listener, delivery), give_up);

        let told: Vec<_> = unfinished.iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [format!(
                "the listener `notify` has had the message `{id}` of the topic `orders` for 2.5 s"
            )]
        );
        assert_eq!(outcome.unwrap_err().reason(), "the application stopped");
        // The handler's end of the channel went with it.
        never.closed().await;
        while !list.unfinished().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}
