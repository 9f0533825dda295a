//! Sends what was written: here and now, or in the background.

use std::fmt;
use std::future::{Future, pending};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use mq_core::client::{OpenTransaction, SendResult};
use mq_core::keyed_fifo::{KeyedFifo, NextMayBegin};
use mq_core::message::{Message, MessageExt, TopicName};
use mq_core::tasks::Tasks;
use tokio::runtime::Handle;

use super::error::{RequestError, SendError};
use super::parts::SentPart;
use super::producer::{ProducerSlot, RequireFlushed};
use super::publish::{Outgoing, PreparedBatch, PreparedSend, Publish, SendMode};
use crate::cluster_name::ClusterName;
use crate::transaction::DeclaredTransactionListener;

/// What a message goes through, from the outermost layer to the producer: a further layer enters
/// right inside `InOrder`, where it may wait without changing the order.
type SendLayers = InOrder<RequireFlushed<ProducerSlot>>;

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sender(Arc<SenderParts>);

struct SenderParts {
    cluster: ClusterName,
    layers: SendLayers,
    producer: ProducerSlot,
    /// Sends in the background, which a stop waits for.
    tasks: Tasks,
    runtime: Handle,
}

impl Sender {
    pub(super) fn new(cluster: ClusterName, producer: ProducerSlot, tasks: Tasks) -> Self {
        Self(Arc::new(SenderParts {
            cluster,
            layers: InOrder::new(RequireFlushed(producer.clone())),
            producer,
            tasks,
            runtime: Handle::current(),
        }))
    }

    /// The cluster that it sends to.
    pub(super) fn cluster(&self) -> &ClusterName {
        &self.0.cluster
    }

    /// Sends and waits until the message is stored.
    pub(super) async fn send(&self, prepared: PreparedSend) -> Result<SendResult, SendError> {
        let sent = self.0.layers.send(prepared).await?;
        Ok(sent.expect("only a one-way message has no result"))
    }

    /// Sends a batch; gives the outcome of each request.
    pub(super) async fn send_batch(
        &self,
        batch: PreparedBatch,
    ) -> Result<Vec<SentPart>, SendError> {
        self.0.layers.send(batch).await
    }

    /// Calls a message back.
    pub(super) async fn recall(&self, handle: &str) -> Result<String, SendError> {
        self.0.producer.recall(handle).await
    }

    /// The listener of this type, for the transaction of a message that is about to be sent.
    pub(super) fn transaction_listener<L: DeclaredTransactionListener>(
        &self,
    ) -> Result<Arc<L>, SendError> {
        self.0.producer.transaction_listener()
    }

    /// Sends the half message of a transaction. One that is not stored safely is rolled back, as by Java's
    /// clients.
    pub(super) async fn begin(
        &self,
        mut prepared: PreparedSend,
    ) -> Result<OpenTransaction, SendError> {
        let producer = &self.0.producer;
        let marked = producer.mark_half(&mut prepared)?;
        match self.send(prepared).await {
            Ok(half) => producer.transaction_of(marked, half),
            Err(SendError::Unflushed(half)) => {
                let open = producer.transaction_of(marked, SendResult::clone(&half))?;
                if let Err(error) = open.rollback().await {
                    tracing::warn!(%error, "the broker asks how the transaction ended");
                }
                Err(SendError::Unflushed(half))
            }
            Err(error) => Err(error),
        }
    }

    /// Sends a request and waits for its reply.
    pub(super) async fn request(
        &self,
        mut prepared: PreparedSend,
    ) -> Result<MessageExt, RequestError> {
        let expected = self.0.producer.expect_reply(&mut prepared).await?;
        let _stored = self.send(prepared).await?;
        Ok(expected.receive().await?)
    }

    /// Sends a request in the background; `then` gets the outcome.
    pub(super) fn request_then(
        &self,
        prepared: PreparedSend,
        then: impl FnOnce(Result<MessageExt, RequestError>) + Send + 'static,
    ) {
        let sender = self.clone();
        self.launch(
            "request",
            async move { then(sender.request(prepared).await) },
        );
    }

    /// Sends a reply in the background; a failure is logged.
    pub(super) fn reply(&self, request: MessageExt, reply: Message, limit: Option<Duration>) {
        let sender = self.clone();
        self.launch("reply", async move {
            if let Err(error) = sender.0.producer.reply(&request, reply, limit).await {
                let (topic, cluster) = (&request.message.topic, sender.cluster());
                tracing::warn!(%topic, %cluster, %error, "a reply did not reach who waits for it");
            }
        });
    }

    /// Sends in the background; `then` gets the outcome.
    pub(super) fn send_then(
        &self,
        mut prepared: PreparedSend,
        then: impl FnOnce(Result<SendResult, SendError>) + Send + 'static,
    ) {
        prepared.options.mode = SendMode::InBackground;
        let sender = self.clone();
        self.launch("send", async move { then(sender.send(prepared).await) });
    }

    /// Sends in the background; a failure is logged.
    pub(super) fn send_one_way(&self, mut prepared: PreparedSend) {
        prepared.options.mode = SendMode::OneWay;
        let (sender, topic) = (self.clone(), prepared.message.topic.clone());
        self.launch("one-way send", async move {
            if let Err(error) = sender.0.layers.send(prepared).await {
                let cluster = sender.cluster();
                tracing::warn!(%topic, %cluster, %error, "a one-way message was not sent");
            }
        });
    }

    /// Runs a send in the background.
    ///
    /// It is polled once here and now, and takes its place in the order of its topic with that poll:
    /// messages leave in the order of the calls.
    fn launch(&self, name: &'static str, send: impl Future<Output = ()> + Send + 'static) {
        let _runtime = self.0.runtime.enter();
        let mut send = Box::pin(send);
        let mut context = Context::from_waker(Waker::noop());
        if send.as_mut().poll(&mut context).is_pending() {
            self.0.tasks.spawn(name, send);
        }
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender({})", self.cluster())
    }
}

/// The outermost layer: messages to one topic reach the producer in the order in which they were
/// sent, also when a layer further in has to wait. A message takes its place when its send is polled
/// for the first time.
struct InOrder<I> {
    topics: KeyedFifo<TopicName>,
    inner: I,
}

impl<I> InOrder<I> {
    fn new(inner: I) -> Self {
        Self {
            topics: KeyedFifo::default(),
            inner,
        }
    }

    /// Sends a message or a batch behind all earlier ones to its topic.
    async fn send<S: Outgoing>(&self, prepared: S) -> Result<S::Sent, SendError>
    where
        I: Publish<S>,
    {
        let (topic, handed_over) = (prepared.topic().clone(), NextMayBegin::default());
        let work = pin!(self.inner.publish(prepared, &handed_over));
        self.topics.run(&topic, &handed_over, pending(), work).await
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

    impl Publish<PreparedSend> for Slow {
        async fn publish(
            &self,
            prepared: PreparedSend,
            handed_over: &NextMayBegin,
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
