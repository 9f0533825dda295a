//! Sends and receives: what an application holds in its hands.
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
mod cluster;
mod config;
mod consumer;
mod error;
mod groups;
mod incoming;
mod name_servers;
mod producer;
mod ranges;
mod routes;
mod topics;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use config::{ClientConfig, Timings};
pub use consumer::{
    Allocate, ConcurrentListener, ConsumerConfig, FlowLimits, OrderlyListener, OrderlyOutcome,
    Outcome, PushConsumer, PushConsumerBuilder, Rooms, StartFrom, Strategy,
};
pub use error::{ErrorKind, MessageError, RouteError, SendError, StartError};
pub use producer::{
    Producer, ProducerConfig, Selector, SendHandle, SendResult, SendStatus, Target,
};
pub use topics::TopicError;

pub use crate::wire::body::MessageModel;

use crate::clock::Clock;
use crate::message::TopicName;
use crate::remoting::LocalServer;
use crate::tasks::Unfinished;
use cluster::Cluster;

/// One client id: its connections, routes and heartbeats. Clones are the same client.
#[derive(Clone, Debug)]
pub struct Client(Arc<Cluster>);

impl Client {
    /// Starts the tasks of a client on the runtime of the caller. Nobody is asked yet, so it
    /// succeeds while the cluster is away.
    ///
    /// # Errors
    ///
    /// [`StartError::NoNameServer`].
    pub fn new(config: ClientConfig, clock: Clock) -> Result<Self, StartError> {
        Cluster::start(config, clock).map(Self)
    }

    /// The id that brokers know the client by.
    pub fn id(&self) -> &str {
        &self.0.client_id
    }

    /// From now on `address` is `server`, in this process; for name servers and brokers.
    pub fn attach(&self, address: &str, server: &LocalServer) {
        self.0.remoting.attach(address, server);
    }

    /// A producer of a group; one for each group.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the group is reserved or has a producer already, or a setting is out of
    /// its range.
    pub fn producer(&self, config: ProducerConfig) -> Result<Producer, StartError> {
        Producer::start(&self.0, config)
    }

    /// A consumer of a group; one for each group. It consumes as soon as it is started.
    pub fn push_consumer(&self, config: ConsumerConfig) -> PushConsumerBuilder {
        PushConsumerBuilder::new(&self.0, config)
    }

    /// Asks a name server whether it is there.
    ///
    /// # Errors
    ///
    /// [`RouteError`] when none of them answers.
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

    /// Ends all connections. Producers and consumers should be shut down before: what they still
    /// do fails from now on.
    ///
    /// # Errors
    ///
    /// [`Unfinished`] names what went on after `limit`.
    pub async fn shutdown(&self, limit: Duration) -> Result<(), Unfinished> {
        let clock = &self.0.clock;
        let deadline = clock.moment().plus(limit);
        let producers = self.0.groups.lock().producers();
        for group in producers {
            self.0.groups.lock().remove_producer(&group);
            self.0.leave(&group, deadline).await;
        }
        self.0.tasks.stop(deadline.since(clock.moment())).await
    }
}
