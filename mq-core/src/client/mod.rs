//! The client: producers and consumers for applications.
//!
//! A [`Client`] stands for one client id. Its producers and consumers share its connections,
//! routes and heartbeats, and a broker in the same process is reached without a socket.
//!
//! Messages are received in one of three ways. A [`PushConsumer`] calls a listener; a
//! [`LitePullConsumer`] fetches in the background and hands over what is asked for; a
//! [`PullConsumer`] reads one queue from an offset on, by hand.
//!
//! ```no_run
//! # use mq_core::{client::*, message::*};
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect(["localhost:9876"])?;
//! let producer = client.producer(GroupName::new("shop-order")?)?;
//! let stored = producer.send(Message::new("orders".parse()?, "one coffee")).await?;
//! println!("{} lies in {}", stored.message_id, stored.queue);
//! # Ok(())
//! # }
//! ```
//!
//! `mq-core/README.md` shows every way to send and to receive; `mq-core/examples` has a program for each.

mod absent;
mod admin;
mod broker_delays;
mod browse;
mod checker;
mod cluster;
mod config;
mod consumer;
mod dead_letters;
mod error;
mod filters;
mod groups;
mod incoming;
mod lite_pull;
mod lost_traces;
mod name_servers;
mod producer;
mod pull;
mod queue_locks;
mod ranges;
mod replies;
mod routes;
mod topics;
mod trace;
mod transaction_checks;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

pub use admin::{
    Admin, AdminBroker, AdminError, Gathered, GroupMember, GroupQueue, GroupSubscription,
    GroupSummary, GroupView, OffsetMove, QueueChoice, Tail, TopicChange, TopicQueue, TopicSummary,
    TopicView,
};
pub use browse::BrowseError;
pub use checker::{TransactionChecker, TransactionState};
pub use config::{ClientConfig, Timings};
pub use consumer::{
    Allocate, COMMITTING_OFFSETS, ConcurrentListener, ConsumerConfig, ConsumerStatus, Each,
    FlowLimits, OrderlyListener, OrderlyOutcome, Outcome, PushConsumer, PushConsumerBuilder,
    QueueStatus, Rooms, SeekError, SeekTo, StartFrom, Strategy, TopicFlow, each,
};
pub use dead_letters::{DeadLetter, DeadLetterError, DeadLetters, ResendTo, Resent, SentAgain};
pub use error::{
    EndError, ErrorKind, MessageError, RequestError, RouteError, SendError, StartError,
    SubscribeError,
};
pub use lite_pull::{
    AssignError, Delivery, LitePullConfig, LitePullConsumer, LitePullConsumerBuilder, PollError,
};
pub use producer::{
    BatchPart, ExpectedReply, HalfMessage, OpenTransaction, Producer, ProducerConfig, Selector,
    SendHandle, SendResult, SendStatus, Target,
};
pub use pull::{Pull, PullConsumer, PullError, PullResult, PullStatus};
pub use trace::TraceSettings;

pub use crate::wire::body::MessageModel;

use crate::clock::Clock;
use crate::message::{GroupName, TopicName};
use crate::remoting::LocalServer;
use crate::tasks::Unfinished;
use cluster::{ClusterClient, Role};

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

    /// A client of the cluster that these name servers know (`host:port`; one that responds is enough),
    /// with Java's defaults and the system's clock. Connections are made when they are needed, so this
    /// succeeds while the cluster is down; [`check`](Self::check) asks.
    ///
    /// # Errors
    ///
    /// [`StartError::NoNameServer`].
    pub fn connect<S: Into<String>>(
        name_servers: impl IntoIterator<Item = S>,
    ) -> Result<Self, StartError> {
        Self::new(ClientConfig::new(name_servers), Clock::system())
    }

    /// A client of servers in this process, which are reached without a socket: those of
    /// `Node::within`, the name server first.
    ///
    /// # Errors
    ///
    /// [`StartError::NoNameServer`] when there is none.
    pub fn within<S: AsRef<str>>(
        servers: impl IntoIterator<Item = (S, LocalServer)>,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let servers: Vec<_> = servers.into_iter().collect();
        let name_server = servers.first().map(|(address, _)| address.as_ref());
        let client = Self::new(ClientConfig::new(name_server), clock)?;
        for (address, server) in &servers {
            client.attach(address.as_ref(), server);
        }
        Ok(client)
    }

    /// The client id that brokers see.
    pub fn id(&self) -> &str {
        &self.0.client_id
    }

    /// Routes requests for `address`, of a name server or broker, to `server` in this process.
    pub fn attach(&self, address: &str, server: &LocalServer) {
        self.0.remoting.attach(address, server);
    }

    /// Starts a producer, of a group or with settings of its own. A client has at most one per group.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the group is reserved or has a producer already, or a setting is out of
    /// its range.
    pub fn producer(&self, config: impl Into<ProducerConfig>) -> Result<Producer, StartError> {
        Producer::start(&self.0, config.into())
    }

    /// Builds a consumer, of a group or with settings of its own. A client has at most one per group. It
    /// consumes once it is started.
    pub fn push_consumer(&self, config: impl Into<ConsumerConfig>) -> PushConsumerBuilder {
        PushConsumerBuilder::new(&self.0, config.into())
    }

    /// Starts a consumer that reads queues by hand, in the name of `group`. A client has at most one
    /// consumer of a group, of whatever kind.
    ///
    /// # Errors
    ///
    /// [`StartError`] when the group is reserved or has a consumer already.
    pub fn pull_consumer(&self, group: GroupName) -> Result<PullConsumer, StartError> {
        PullConsumer::start(&self.0, group)
    }

    /// Builds a consumer that reads queues in the background and hands messages over when they are
    /// asked for.
    pub fn lite_pull_consumer(&self, config: impl Into<LitePullConfig>) -> LitePullConsumerBuilder {
        LitePullConsumerBuilder::new(&self.0, config.into())
    }

    /// Checks that a name server responds.
    ///
    /// # Errors
    ///
    /// [`RouteError`] when none does.
    pub async fn check(&self) -> Result<(), RouteError> {
        self.0.brokers().await.map(drop)
    }

    /// Creates `topic` with `queues` queues on every master, or changes how many queues it has; what else
    /// is set stays. Waits until name servers know them, at most the timeout of a request.
    ///
    /// # Errors
    ///
    /// [`AdminError`] when there is no broker, or the first of those that did not create the topic; others
    /// may have. [`Admin::create_topic`] tells them apart.
    pub async fn create_topic(&self, topic: &TopicName, queues: u16) -> Result<(), AdminError> {
        topics::create(&self.0, topic, queues).await
    }

    /// What administrators ask and change: topics, groups and their offsets, messages.
    pub fn admin(&self) -> Admin {
        Admin::of(&self.0)
    }

    /// The dead letters of `group`.
    pub fn dead_letters(&self, group: GroupName) -> DeadLetters {
        DeadLetters::of(&self.0, group)
    }

    /// How many replies came when nobody waited for them any more; they were dropped.
    pub fn late_replies(&self) -> u64 {
        self.0.replies.late()
    }

    /// How many records of message trace were dropped, because the trace topic did not take them, more came
    /// than it takes, or a shutdown had no time for them. Messages are not affected.
    pub fn lost_traces(&self) -> u64 {
        self.0.lost_traces.count()
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
            self.0.leave(&group, Role::Producer, deadline).await;
        }
        self.0.tasks.stop(deadline.since(clock.moment())).await
    }
}
