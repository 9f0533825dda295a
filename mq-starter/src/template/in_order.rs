//! The outermost layer: messages to one topic reach the producer in the order in which they were
//! sent, also when a layer further in has to wait.

use std::future::pending;
use std::pin::pin;

use mq_core::client::SendResult;
use mq_core::lines::{Lines, Passed};
use mq_core::message::TopicName;

use super::error::SendError;
use super::publish::{PreparedSend, Publish};

/// Keeps the order of what lies further in. A message takes its place when its send is polled for
/// the first time.
pub(super) struct InOrder<I> {
    topics: Lines<TopicName>,
    inner: I,
}

impl<I> InOrder<I> {
    pub(super) fn new(inner: I) -> Self {
        Self {
            topics: Lines::default(),
            inner,
        }
    }
}

impl<I: Publish> InOrder<I> {
    /// Sends a message behind all earlier ones to its topic.
    pub(super) async fn send(
        &self,
        prepared: PreparedSend,
    ) -> Result<Option<SendResult>, SendError> {
        let (topic, handed_over) = (prepared.message.topic.clone(), Passed::default());
        let work = pin!(self.inner.publish(prepared, &handed_over));
        self.topics
            .keep(&topic, &handed_over, pending(), work)
            .await
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use futures_util::FutureExt;
    use mq_core::message::Message;
    use parking_lot::Mutex;
    use tokio::sync::Notify;

    use super::*;
    use crate::template::publish::SendOptions;

    /// A layer that may wait with the first message, and a producer that notes what it gets.
    #[derive(Default)]
    struct Slow {
        holds_first: AtomicBool,
        go_on: Notify,
        never_answers: bool,
        produced: Mutex<Vec<String>>,
    }

    impl Publish for Slow {
        async fn publish(
            &self,
            prepared: PreparedSend,
            handed_over: &Passed,
        ) -> Result<Option<SendResult>, SendError> {
            if self.holds_first.swap(false, Ordering::Relaxed) {
                self.go_on.notified().await;
            }
            handed_over.set();
            let body = String::from_utf8_lossy(&prepared.message.body);
            self.produced.lock().push(body.into_owned());
            if self.never_answers {
                pending::<()>().await;
            }
            Ok(None)
        }
    }

    fn to(topic: &str, body: &'static str) -> PreparedSend {
        let topic = TopicName::new(topic).unwrap();
        PreparedSend {
            message: Message::new(topic, body),
            options: SendOptions::default(),
        }
    }

    #[tokio::test]
    async fn a_layer_that_waits_lets_no_later_message_to_the_topic_pass() {
        let chain = InOrder::new(Slow {
            holds_first: AtomicBool::new(true),
            ..Slow::default()
        });
        let mut first = Box::pin(chain.send(to("orders", "first")));
        let mut second = Box::pin(chain.send(to("orders", "second")));
        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());
        let elsewhere = chain.send(to("payments", "elsewhere"));
        assert!(elsewhere.now_or_never().is_some());

        chain.inner.go_on.notify_one();
        let (second, first) = tokio::join!(second, first);

        assert!(first.is_ok() && second.is_ok());
        let produced = chain.inner.produced.lock();
        assert_eq!(*produced, ["elsewhere", "first", "second"]);
    }

    #[tokio::test]
    async fn a_message_that_the_client_has_lets_the_next_one_follow_before_it_is_answered() {
        let chain = InOrder::new(Slow {
            never_answers: true,
            ..Slow::default()
        });
        let mut first = Box::pin(chain.send(to("orders", "first")));
        let mut second = Box::pin(chain.send(to("orders", "second")));

        assert!(first.as_mut().now_or_never().is_none());
        assert!(second.as_mut().now_or_never().is_none());

        assert_eq!(*chain.inner.produced.lock(), ["first", "second"]);
    }
}
