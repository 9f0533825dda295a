//! The client: producers and consumers for applications.
//!
//! A [`Client`] stands for one client id. Its producers and consumers share its connections,
//! routes and heartbeats, and a broker in the same process is reached without a socket.
//!
//! ```no_run
//! # use mq_core::client::*;
//! # use mq_core::{clock::Clock, message::*};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::new(ClientConfig::new(["localhost:9876"]), Clock::system())?;
//! let producer = client.producer(ProducerConfig::new(GroupName::new("shop-order")?))?;
//! let message = Message::new(TopicName::new("order-topic")?, "one coffee");
//! let stored = producer.send(message).await?;
//! println!("{} lies in {}", stored.message_id, stored.queue);
//! # Ok(())
//! # }
//! ```

mod absent;
mod broker_delays;
mod checker;
mod cluster;
mod config;
mod consumer;
mod dead_letters;
mod error;
mod groups;
mod incoming;
mod name_servers;
mod producer;
mod ranges;
mod replies;
mod routes;
mod topics;
mod transaction_checks;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use checker::{TransactionChecker, TransactionState};
pub use config::{ClientConfig, Timings};
pub use consumer::{
    Allocate, ConcurrentListener, ConsumerConfig, FlowLimits, OrderlyListener, OrderlyOutcome,
    Outcome, PushConsumer, PushConsumerBuilder, Rooms, StartFrom, Strategy,
};
pub use dead_letters::{DeadLetter, DeadLetterError, DeadLetters, ResendTo, Resent, SentAgain};
pub use error::{
    EndError, ErrorKind, MessageError, RequestError, RouteError, SendError, StartError,
};
pub use producer::{
    ExpectedReply, OpenTransaction, Producer, ProducerConfig, Selector, SendHandle, SendResult,
    SendStatus, Target,
};
pub use topics::TopicError;

pub use crate::wire::body::MessageModel;

use crate::clock::Clock;
use crate::message::{GroupName, TopicName};
use crate::remoting::LocalServer;
use crate::tasks::Unfinished;
use cluster::ClusterClient;

/// One client id: its connections, routes and heartbeats. Clones are the same client.
#[derive(Clone, Debug)]
pub struct Client(Arc<ClusterClient>);

impl Client {
    /// Starts the tasks of a client on the caller's runtime. No server is contacted yet, so this
    /// succeeds while the cluster is down.
    ///
    /// # Errors
    ///
    /// [`StartError::NoNameServer`].
    pub fn new(config: ClientConfig, clock: Clock) -> Result<Self, StartError> {
        ClusterClient::start(config, clock).map(Self)
    }

    /// The client id that brokers see.
    pub fn id(&self) -> &str {
        &self.0.client_id
    }

    /// Routes requests for `address`, of a name server or broker, to `server` in this process.
    pub fn attach(&self, address: &str, server: &LocalServer) {
        self.0.remoting.attach(address, server);
    }

    /// Starts a producer. A client has at most one per group.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the group is reserved or has a producer already, or a setting is out of
    /// its range.
    pub fn producer(&self, config: ProducerConfig) -> Result<Producer, StartError> {
        Producer::start(&self.0, config)
    }

    /// Builds a consumer. A client has at most one per group. It consumes once it is started.
    pub fn push_consumer(&self, config: ConsumerConfig) -> PushConsumerBuilder {
        PushConsumerBuilder::new(&self.0, config)
    }

    /// Checks that a name server responds.
    ///
    /// # Errors
    ///
    /// [`RouteError`] when none does.
    pub async fn check(&self) -> Result<(), RouteError> {
        self.0.brokers().await.map(drop)
    }

    /// Creates `topic` with `queues` queues on every master, or changes it.
    ///
    /// # Errors
    ///
    /// [`TopicError`] when there is no broker, or one refuses.
    pub async fn create_topic(&self, topic: &TopicName, queues: u16) -> Result<(), TopicError> {
        topics::create(&self.0, topic, queues).await
    }

    /// The dead letters of `group`.
    pub fn dead_letters(&self, group: GroupName) -> DeadLetters {
        DeadLetters::of(&self.0, group)
    }

    /// How many replies came when nobody waited for them any more; they were dropped.
    pub fn late_replies(&self) -> u64 {
        self.0.replies.late()
    }

    /// Closes all connections. Shut producers and consumers down before: their requests fail from
    /// now on.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] names the tasks that were still running after `limit`.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), Unfinished> {
        let clock = &self.0.clock;
        let deadline = clock.moment().plus(limit);
        self.0.replies.end();
        let producers = self.0.groups.lock().producers();
        for group in producers {
            self.0.groups.lock().remove_producer(&group);
            self.0.leave(&group, deadline).await;
        }
        self.0.tasks.stop(deadline.since(clock.moment())).await
    }
}
