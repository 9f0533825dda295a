//! The template: the Java names for the common ways to send, and the way to the builder.

use std::fmt;

use mq_core::client::SendResult;
use mq_core::tasks::Tasks;
use serde::Serialize;

use super::builder::MessageBuilder;
use super::error::SendError;
use super::producer::ProducerSlot;
use super::sender::Sender;
use crate::cluster_name::ClusterName;

/// Sends messages. Cheap to clone; the application provides one.
///
/// A destination is `topic` or `topic:tag`. Payloads are text, bytes or whatever serde can write as
/// JSON; see [`payload`](crate::payload).
#[derive(Clone)]
pub struct RocketMQTemplate(Sender);

impl RocketMQTemplate {
    pub(crate) fn new(cluster: &ClusterName, producer: ProducerSlot, tasks: Tasks) -> Self {
        Self(Sender::new(cluster.clone(), producer, tasks))
    }

    /// Begins a message, for everything that the methods below do not have.
    pub fn message(&self, destination: &str) -> MessageBuilder<'_> {
        MessageBuilder::new(&self.0, destination)
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
}

impl fmt::Debug for RocketMQTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cluster = format_args!("{}", self.0.cluster());
        f.debug_tuple("RocketMQTemplate").field(&cluster).finish()
    }
}
