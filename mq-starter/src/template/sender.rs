//! Sends what was written: here and now, or in the background.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

use mq_core::client::{SendResult, SendStatus};
use mq_core::message::Message;
use mq_core::tasks::Tasks;
use tokio::runtime::Handle;

use super::draft::How;
use super::error::SendError;
use super::producer::Producer;

/// Sends messages. Cheap to clone.
#[derive(Clone)]
pub(super) struct Sender(Arc<Parts>);

struct Parts {
    producer: Producer,
    /// Sends in the background, which a stop waits for.
    tasks: Tasks,
    runtime: Handle,
}

impl Sender {
    pub(super) fn new(producer: Producer, tasks: Tasks) -> Self {
        Self(Arc::new(Parts {
            producer,
            tasks,
            runtime: Handle::current(),
        }))
    }

    pub(super) async fn deliver(
        &self,
        message: Message,
        how: How,
    ) -> Result<SendResult, SendError> {
        let accept_unflushed = how.accept_unflushed;
        let sent = self.0.producer.send(message, how).await?;
        if sent.status == SendStatus::Ok || accept_unflushed {
            Ok(sent)
        } else {
            Err(SendError::Unflushed(Box::new(sent)))
        }
    }

    pub(super) async fn deliver_one_way(&self, message: Message, how: How) {
        let topic = message.topic.clone();
        if let Err(error) = self.0.producer.send_one_way(message, how).await {
            tracing::warn!(%topic, %error, "a one-way message was not sent");
        }
    }

    /// Runs a send in the background.
    ///
    /// Its first step is made here and now: once the route of a topic is known, that step hands the
    /// message to the connection, so that messages leave in the order of the calls.
    pub(super) fn launch(
        &self,
        name: &'static str,
        send: impl Future<Output = ()> + Send + 'static,
    ) {
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
        f.write_str("Sender")
    }
}
