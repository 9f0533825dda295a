//! Sending: the Java names for the common ways, and one builder for every combination.
//!
//! A message that was not stored as safely as the broker promises is an error, unless the caller
//! accepts it.

mod builder;
mod destination;
mod draft;
mod error;
mod handle;
mod producer;

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Waker};

use mq_core::message::Message;
use mq_core::tasks::Tasks;
use serde::Serialize;
use tokio::runtime::Handle;

use draft::How;

pub use builder::MessageBuilder;
pub use error::SendError;
pub use handle::SendHandle;
pub use mq_core::client::{SendResult, SendStatus};
pub(crate) use producer::Producer;

/// Sends messages. Cheap to clone; the application provides one.
///
/// A destination is `topic` or `topic:tag`. Payloads are text, bytes or whatever serde can write as
/// JSON; see [`payload`](crate::payload).
#[derive(Clone)]
pub struct RocketMQTemplate(Arc<Parts>);

struct Parts {
    producer: Producer,
    /// Sends in the background, which a stop waits for.
    tasks: Tasks,
    runtime: Handle,
}

impl RocketMQTemplate {
    pub(crate) fn new(producer: Producer, tasks: Tasks) -> Self {
        Self(Arc::new(Parts {
            producer,
            tasks,
            runtime: Handle::current(),
        }))
    }

    /// Begins a message, for everything that the methods below do not have.
    pub fn message(&self, destination: &str) -> MessageBuilder<'_> {
        MessageBuilder::new(self, destination)
    }

    /// Sends `payload` and waits until it is stored.
    ///
    /// # Errors
    ///
    /// [`SendError`] when it is not stored, or not safely.
    pub async fn convert_and_send<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
    ) -> Result<(), SendError> {
        self.sync_send(destination, payload).await.map(drop)
    }

    /// Sends `payload`, waits until it is stored and says where.
    ///
    /// # Errors
    ///
    /// [`SendError`] when it is not stored, or not safely.
    pub async fn sync_send<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
    ) -> Result<SendResult, SendError> {
        self.message(destination).payload(payload).send().await
    }

    /// Sends `payload` and calls `callback` with the outcome; does not wait.
    ///
    /// For a handle to wait on, use [`message`](Self::message)`(…).payload(…).spawn()`.
    pub fn async_send<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        callback: impl FnOnce(Result<SendResult, SendError>) + Send + 'static,
    ) {
        self.message(destination)
            .payload(payload)
            .spawn_with(callback);
    }

    /// Sends `payload` without an answer: nobody learns whether it was stored.
    ///
    /// # Errors
    ///
    /// [`SendError`] for a mistake in the destination or the payload.
    pub fn send_one_way<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
    ) -> Result<(), SendError> {
        self.message(destination).payload(payload).send_one_way()
    }

    /// As [`sync_send`](Self::sync_send); messages with one hash key keep their order.
    ///
    /// # Errors
    ///
    /// [`SendError`] when it is not stored, or not safely.
    pub async fn sync_send_orderly<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        hash_key: impl ToString,
    ) -> Result<SendResult, SendError> {
        let message = self.message(destination).payload(payload);
        message.hash_key(hash_key).send().await
    }

    /// As [`async_send`](Self::async_send); messages with one hash key keep their order.
    pub fn async_send_orderly<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        hash_key: impl ToString,
        callback: impl FnOnce(Result<SendResult, SendError>) + Send + 'static,
    ) {
        let message = self.message(destination).payload(payload);
        message.hash_key(hash_key).spawn_with(callback);
    }

    /// As [`send_one_way`](Self::send_one_way); messages with one hash key keep their order.
    ///
    /// # Errors
    ///
    /// [`SendError`] for a mistake in the destination or the payload.
    pub fn send_one_way_orderly<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        hash_key: impl ToString,
    ) -> Result<(), SendError> {
        let message = self.message(destination).payload(payload);
        message.hash_key(hash_key).send_one_way()
    }

    async fn deliver(&self, message: Message, how: How) -> Result<SendResult, SendError> {
        let accept_unflushed = how.accept_unflushed;
        let sent = self.0.producer.send(message, how).await?;
        if sent.status == SendStatus::Ok || accept_unflushed {
            Ok(sent)
        } else {
            Err(SendError::Unflushed(Box::new(sent)))
        }
    }

    async fn deliver_one_way(&self, message: Message, how: How) {
        let topic = message.topic.clone();
        if let Err(error) = self.0.producer.send_one_way(message, how).await {
            tracing::warn!(%topic, %error, "a one-way message was not sent");
        }
    }

    /// Runs a send in the background.
    ///
    /// Its first step is made here and now: once the route of a topic is known, that step hands the
    /// message to the connection, so that messages leave in the order of the calls.
    fn launch(&self, name: &'static str, send: impl Future<Output = ()> + Send + 'static) {
        let _runtime = self.0.runtime.enter();
        let mut send = Box::pin(send);
        let mut context = Context::from_waker(Waker::noop());
        if send.as_mut().poll(&mut context).is_pending() {
            self.0.tasks.spawn(name, send);
        }
    }
}

impl fmt::Debug for RocketMQTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RocketMQTemplate")
    }
}
