//! The events that wake a connection besides its stream: its peer is closed, its owner stops, a
//! deadline passes.
//!
//! Invariant: only a handful of timers exist, however often the deadline changes. A new one is set
//! only when it is earlier than the current one, and an outdated one is ignored when it fires.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, Stream};

use super::peer::Peer;
use crate::clock::{Clock, Moment};
use crate::tasks::Tasks;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    Closed,
    Stop,
    Timer,
}

pub(super) struct Signals {
    /// A `FuturesUnordered`, which polls only the futures that were woken.
    waiting: FuturesUnordered<BoxFuture<'static, SignalEvent>>,
    /// The deadline of the current timer.
    alarm: Option<Moment>,
    clock: Clock,
}

enum SignalEvent {
    Closed,
    Stop,
    Timer(Moment),
}

impl Signals {
    /// The signals of a connection whose first deadline is `first`.
    pub(super) fn new(peer: Peer, tasks: Tasks, clock: Clock, first: Moment) -> Self {
        let waiting = FuturesUnordered::new();
        waiting.push(async move { peer.closed().map(|()| SignalEvent::Closed).await }.boxed());
        waiting.push(async move { tasks.stopping().map(|()| SignalEvent::Stop).await }.boxed());
        let mut signals = Self {
            waiting,
            alarm: None,
            clock,
        };
        signals.set_alarm(first);
        signals
    }

    /// Sets a timer for `deadline`. The [`Signal::Timer`] may come earlier; then this must be
    /// called again.
    pub(super) fn wake_at(&mut self, deadline: Moment, cx: &Context<'_>) {
        if self.alarm.is_some_and(|alarm| alarm <= deadline) {
            return;
        }
        self.set_alarm(deadline);
        // A new timer must be polled once to be registered.
        cx.waker().wake_by_ref();
    }

    fn set_alarm(&mut self, deadline: Moment) {
        self.alarm = Some(deadline);
        let clock = self.clock.clone();
        let timer = async move {
            clock.sleep_until(deadline).await;
            SignalEvent::Timer(deadline)
        };
        self.waiting.push(timer.boxed());
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Signal> {
        loop {
            let Poll::Ready(Some(event)) = Pin::new(&mut self.waiting).poll_next(cx) else {
                return Poll::Pending;
            };
            match event {
                SignalEvent::Closed => return Poll::Ready(Signal::Closed),
                SignalEvent::Stop => return Poll::Ready(Signal::Stop),
                SignalEvent::Timer(at) if self.alarm == Some(at) => {
                    self.alarm = None;
                    return Poll::Ready(Signal::Timer);
                }
                SignalEvent::Timer(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::net::{Ipv4Addr, SocketAddr};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Wake, Waker};
    use std::time::Duration;

    use super::super::PeerId;
    use super::*;

    fn signals(clock: &Clock) -> Signals {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
        let (peer, _) = Peer::new(PeerId(1), address, 1, clock.clone());
        let first = clock.moment().plus(Duration::from_mins(2));
        Signals::new(peer, Tasks::new(clock.clone()), clock.clone(), first)
    }

    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_new_timer_wakes_its_task() {
        let clock = Clock::manual(0);
        let mut signals = signals(&clock);
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));

        let soon = clock.moment().plus(Duration::from_secs(1));
        signals.wake_at(soon, &Context::from_waker(&waker));

        assert!(woken.0.load(Ordering::Relaxed));
    }

    /// Regression: a peer that reads slowly left one timer behind for each partial write.
    #[tokio::test]
    async fn timers_do_not_pile_up_with_deadlines_that_change() {
        let clock = Clock::manual(0);
        let mut signals = signals(&clock);
        let begun = clock.moment();
        let cx = Context::from_waker(Waker::noop());
        for step in 0..1_000 {
            signals.wake_at(begun.plus(Duration::from_mins(2)), &cx);
            signals.wake_at(begun.plus(Duration::from_millis(15_000 + step)), &cx);
        }
        assert!(signals.waiting.len() <= 4, "{}", signals.waiting.len());

        clock.advance(Duration::from_secs(15)).await;
        assert_eq!(poll_fn(|cx| signals.poll(cx)).await, Signal::Timer);
        signals.wake_at(begun.plus(Duration::from_secs(90)), &cx);
        clock.advance(Duration::from_secs(75)).await;
        assert_eq!(poll_fn(|cx| signals.poll(cx)).await, Signal::Timer);
        clock.advance(Duration::from_mins(1)).await;
        assert!(
            poll_fn(|cx| Poll::Ready(signals.poll(cx)))
                .await
                .is_pending()
        );
    }
}
