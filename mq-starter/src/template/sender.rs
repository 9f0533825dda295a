//! Sends what was written: here and now, or in the background.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

use mq_core::client::SendResult;
use mq_core::tasks::Tasks;
use tokio::runtime::Handle;

use super::error::SendError;
use super::flushed::RequireFlushed;
use super::in_order::InOrder;
use super::producer::Producer;
use super::publish::{PreparedSend, SendMode};
use crate::cluster_name::ClusterName;

/// What a message goes through, from the outermost layer to the producer: a further layer enters
/// right inside `InOrder`, where it may wait without changing the order.
type Layers = InOrder<RequireFlushed<Producer>>;

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sender(Arc<SenderParts>);

struct SenderParts {
    cluster: ClusterName,
    layers: Layers,
    /// Sends in the background, which a stop waits for.
    tasks: Tasks,
    runtime: Handle,
}

impl Sender {
    pub(super) fn new(cluster: ClusterName, producer: Producer, tasks: Tasks) -> Self {
        Self(Arc::new(SenderParts {
            cluster,
            layers: InOrder::new(RequireFlushed(producer)),
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
