//! The template: the Java names for the common ways to send, and the way to the builder.

use std::fmt;
use std::time::Duration;

use futures_util::stream::BoxStream;
use mq_core::client::SendResult;
use mq_core::tasks::Tasks;
use serde::Serialize;

use super::batch::BatchBuilder;
use super::builder::MessageBuilder;
use super::draft::{APPLICATION_JSON, CONTENT_TYPE};
use super::error::{RequestError, SendError};
use super::parts::{BatchError, SentPart};
use super::producer::ProducerSlot;
use super::sender::Sender;
use crate::cluster_name::ClusterName;
use crate::message::MessageExt;
use crate::payload::{self, EncodeError, Encoded, Payload};
use crate::receiving::{ReceiveError, Received, ReceiverSlot};
use crate::transaction::{
    DeclaredTransactionListener, Transaction, TransactionPayload, TransactionSendResult,
};

/// How long `receive` waits for a message (`pollTimeoutMillis`).
const RECEIVE_TIMEOUT: Duration = Duration::from_secs(5);

/// Sends messages, and receives those of one topic. Cheap to clone; the application provides one.
///
/// A destination is `topic` or `topic:tag`. Payloads are text, bytes or whatever serde can write as
/// JSON; see [`payload`](crate::payload).
#[derive(Clone)]
pub struct RocketMQTemplate {
    sender: Sender,
    receiver: ReceiverSlot,
}

impl RocketMQTemplate {
    pub(crate) fn new(
        cluster: &ClusterName,
        producer: ProducerSlot,
        receiver: ReceiverSlot,
        tasks: Tasks,
    ) -> Self {
        Self {
            sender: Sender::new(cluster.clone(), producer, tasks),
            receiver,
        }
    }

    /// Begins a message, for everything that the methods below do not have.
    pub fn message(&self, destination: &str) -> MessageBuilder<'_> {
        MessageBuilder::new(&self.sender, destination)
    }

    /// Begins a batch: several messages in as few requests as their sizes allow, for many small ones.
    ///
    /// ```no_run
    /// # async fn example(template: mq_starter::RocketMQTemplate) -> mq_starter::Result<()> {
    /// template.batch("orders:paid").push("the first").push("the second").send().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn batch(&self, destination: &str) -> BatchBuilder<'_> {
        BatchBuilder::new(&self.sender, destination)
    }

    /// Sends each payload as a message of its own, all in as few requests as their sizes allow
    /// (`syncSend` of a collection of messages). [`sync_send`](Self::sync_send) of a slice is one
    /// message, a JSON array.
    ///
    /// # Errors
    ///
    /// As [`BatchBuilder::send`].
    pub async fn sync_send_batch<T: Serialize>(
        &self,
        destination: &str,
        payloads: &[T],
    ) -> Result<Vec<SentPart>, BatchError> {
        let batch = self.batch(destination);
        payloads.iter().fold(batch, BatchBuilder::push).send().await
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

    /// As [`sync_send`](Self::sync_send), and has it delivered after so many seconds; `.delay` of [`message`](Self::message)
    /// takes every duration.
    ///
    /// # Errors
    ///
    /// [`SendError`] when it is not stored, or not safely, or when the broker cannot deliver it then.
    pub async fn sync_send_delay_time_seconds<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        seconds: u64,
    ) -> Result<SendResult, SendError> {
        let message = self.message(destination).payload(payload);
        message.delay(Duration::from_secs(seconds)).send().await
    }

    /// As [`async_send`](Self::async_send), and has it delivered after so many seconds; `.delay` of [`message`](Self::message)
    /// takes every duration.
    pub fn async_send_delay_time_seconds<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        seconds: u64,
        callback: impl FnOnce(Result<SendResult, SendError>) + Send + 'static,
    ) {
        let message = self.message(destination).payload(payload);
        message
            .delay(Duration::from_secs(seconds))
            .spawn_with(callback);
    }

    /// As [`sync_send`](Self::sync_send), and has it delivered after so many milliseconds.
    ///
    /// # Errors
    ///
    /// [`SendError`] when it is not stored, or not safely, or when the broker cannot deliver it then.
    pub async fn sync_send_delay_time_mills<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        millis: u64,
    ) -> Result<SendResult, SendError> {
        let message = self.message(destination).payload(payload);
        message.delay(Duration::from_millis(millis)).send().await
    }

    /// As [`async_send`](Self::async_send), and has it delivered after so many milliseconds.
    pub fn async_send_delay_time_mills<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        millis: u64,
        callback: impl FnOnce(Result<SendResult, SendError>) + Send + 'static,
    ) {
        let message = self.message(destination).payload(payload);
        message
            .delay(Duration::from_millis(millis))
            .spawn_with(callback);
    }

    /// As [`sync_send`](Self::sync_send), and has it delivered at this time, in ms since 1970.
    ///
    /// # Errors
    ///
    /// [`SendError`] when it is not stored, or not safely, or when the broker cannot deliver it then.
    pub async fn sync_send_deliver_time_mills<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        time_ms: i64,
    ) -> Result<SendResult, SendError> {
        let message = self.message(destination).payload(payload);
        message.deliver_at_ms(time_ms).send().await
    }

    /// As [`async_send`](Self::async_send), and has it delivered at this time, in ms since 1970.
    pub fn async_send_deliver_time_mills<T: Serialize + ?Sized>(
        &self,
        destination: &str,
        payload: &T,
        time_ms: i64,
        callback: impl FnOnce(Result<SendResult, SendError>) + Send + 'static,
    ) {
        let message = self.message(destination).payload(payload);
        message.deliver_at_ms(time_ms).spawn_with(callback);
    }

    /// Calls back a message that waits for its time, by [`SendResult::recall_handle`]; gives its id. Called
    /// back in time, it is not delivered.
    ///
    /// # Errors
    ///
    /// [`SendError`] when it is too late, the text is no handle, or the broker calls no messages back.
    pub async fn recall(&self, handle: &str) -> Result<String, SendError> {
        self.sender.recall(handle).await
    }

    /// Sends `payload` as a request and waits for the reply of whoever handles it, a
    /// [`RocketMQReplyListener`](crate::RocketMQReplyListener) or a program in another language. The time
    /// for both is the producer's for sending; for another, use
    /// [`message`](Self::message)`(…).payload(…).timeout(…).request()`.
    ///
    /// # Errors
    ///
    /// [`RequestError`]; without a reply in time the request may have been handled all the same.
    pub async fn send_and_receive<T: Serialize + ?Sized, R: Payload>(
        &self,
        destination: &str,
        payload: &T,
    ) -> Result<R, RequestError> {
        self.message(destination).payload(payload).request().await
    }

    /// Sends `payload` as a request and calls `callback` with the reply; does not wait.
    pub fn async_send_and_receive<T: Serialize + ?Sized, R: Payload>(
        &self,
        destination: &str,
        payload: &T,
        callback: impl FnOnce(Result<R, RequestError>) + Send + 'static,
    ) {
        let request = self.message(destination).payload(payload);
        request.request_then(callback);
    }

    /// Sends `payload` so that nobody gets it yet, has the listener `L` run its transaction with `arg`, and
    /// then has the message delivered or dropped, as the transaction ended. When the broker does not hear
    /// of the end, because it is [unknown](crate::LocalTransactionState::Unknown) or the program ended
    /// before, the broker asks `L`, in this or another program with the same producer group.
    ///
    /// # Errors
    ///
    /// [`SendError`]: the transaction was not run.
    pub async fn send_message_in_transaction<L: DeclaredTransactionListener>(
        &self,
        destination: &str,
        payload: &(impl TransactionPayload<L::Message> + ?Sized),
        arg: L::Arg,
    ) -> Result<TransactionSendResult, SendError> {
        let message = self.message(destination).payload(payload);
        message.send_in_transaction::<L>(arg).await
    }

    /// Sends `payload` so that nobody gets it before the transaction is committed, for a transaction that
    /// the caller runs. When it is neither committed nor rolled back the broker asks the listener `L` how it
    /// ended.
    ///
    /// # Errors
    ///
    /// [`SendError`]; after a timeout the broker may have the message, and asks `L`.
    pub async fn begin<L: DeclaredTransactionListener>(
        &self,
        destination: &str,
        payload: &(impl TransactionPayload<L::Message> + ?Sized),
    ) -> Result<Transaction<L>, SendError> {
        self.message(destination).payload(payload).begin().await
    }

    /// At most `most` messages of the topic `rocketmq.pull-consumer.topic`, as soon as there are some, or
    /// none when there are none within 5 s. Each is finished once it is acknowledged.
    ///
    /// ```no_run
    /// # use mq_starter::prelude::*;
    /// # #[derive(Deserialize)] struct Order { id: i64 }
    /// # async fn example(template: RocketMQTemplate) -> mq_starter::Result<()> {
    /// for received in template.receive::<Order>(10).await? {
    ///     println!("{}", received.payload()?.id);
    ///     received.ack();
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ReceiveError`]: the settings have no pull consumer, or the application was shut down.
    pub async fn receive<T: Payload>(&self, most: usize) -> Result<Vec<Received<T>>, ReceiveError> {
        self.receive_within(most, RECEIVE_TIMEOUT).await
    }

    /// As [`receive`](Self::receive), and waits for `limit` at most.
    ///
    /// # Errors
    ///
    /// As [`receive`](Self::receive).
    pub async fn receive_within<T: Payload>(
        &self,
        most: usize,
        limit: Duration,
    ) -> Result<Vec<Received<T>>, ReceiveError> {
        self.receiver.receive(most, limit).await
    }

    /// As [`receive`](Self::receive), one by one, until the application is shut down.
    ///
    /// # Errors
    ///
    /// [`ReceiveError::NotConfigured`].
    pub fn deliveries<T: Payload>(&self) -> Result<BoxStream<'static, Received<T>>, ReceiveError> {
        self.receiver.deliveries()
    }

    /// Sends `payload` in the background to whoever waits for a reply to `request`, within `limit` or the
    /// time of any send. A failure is logged, as is a message that is no request.
    pub(crate) fn reply<T: Serialize + ?Sized>(
        &self,
        request: &MessageExt,
        payload: &T,
        limit: Option<Duration>,
    ) -> Result<(), EncodeError> {
        let Encoded { body, is_json } = payload::encode_as(payload)?;
        match request.reply(body) {
            Ok(mut reply) => {
                if is_json {
                    reply.properties.set(CONTENT_TYPE, APPLICATION_JSON);
                }
                self.sender.reply(request.clone().into(), reply, limit);
            }
            Err(error) => {
                let (topic, id) = (request.topic(), request.message_id());
                tracing::warn!(topic, id, %error, "nobody waits for a reply to this message");
            }
        }
        Ok(())
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
        let cluster = format_args!("{}", self.sender.cluster());
        f.debug_tuple("RocketMQTemplate").field(&cluster).finish()
    }
}
