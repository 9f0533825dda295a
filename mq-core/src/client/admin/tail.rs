//! A topic as it grows: its messages from now on, for nobody's group.
//!
//! Invariant: at each time at most one pull for each queue is under way. A queue is read in order; queues
//! among one another are not.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::error::AdminError;
use super::handle::Admin;
use crate::client::browse::{self, Master, TOOLS_GROUP};
use crate::client::cluster::ClusterClient;
use crate::message::subscription::{Filter, SelectorType, Subscription};
use crate::message::{MessageExt, MessageQueue, TopicName, record};
use crate::wire::body::CheckClientRequestBody;
use crate::wire::header::{CheckClientConfig, PullMessage};
use crate::wire::{ResponseCode, fastjson};

/// How many messages a pull asks for.
const PULL_SIZE: i32 = 32;

/// The messages that come to a topic; see [`Admin::tail`].
pub struct Tail {
    cluster: Arc<ClusterClient>,
    wanted: Arc<Subscription>,
    pulls: FuturesUnordered<BoxFuture<'static, PullOutcome>>,
    ready: VecDeque<(ByteString, MessageExt)>,
}

/// A queue, and how far it was read.
#[derive(Clone, Debug)]
struct TailedQueue {
    master: Master,
    queue: MessageQueue,
    next: i64,
}

type PullOutcome = (TailedQueue, Result<Vec<MessageExt>, AdminError>);

impl Admin {
    /// The messages that come to `topic` from now on, after the last `earlier` of each queue, whose tags
    /// match `expression`, as `paid || sent` or `*` for all.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoTopic`] or [`AdminError::Tags`].
    pub async fn tail(
        &self,
        topic: &TopicName,
        expression: &str,
        earlier: u32,
    ) -> Result<Tail, AdminError> {
        let selector = SelectorType::Tag;
        self.tail_by(topic, selector, expression, earlier).await
    }

    /// As [`tail`](Self::tail), of messages that match `expression` in the language `selector`. Brokers
    /// evaluate conditions; each is asked beforehand whether it does.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoTopic`], [`AdminError::Tags`], [`AdminError::Condition`], or
    /// [`AdminError::Browse`] of a broker that does not evaluate the condition.
    pub async fn tail_by(
        &self,
        topic: &TopicName,
        selector: SelectorType,
        expression: &str,
        earlier: u32,
    ) -> Result<Tail, AdminError> {
        let tail = Tail {
            cluster: Arc::clone(&self.cluster),
            wanted: Arc::new(self.wanted(topic, selector, expression)?),
            pulls: FuturesUnordered::new(),
            ready: VecDeque::new(),
        };
        for master in self.masters_of(topic).await? {
            tail.check(&master).await?;
            for queue in browse::queues(&self.cluster, topic, &master) {
                let failed = |source| master.failed("look up an offset", source);
                let ends = browse::ends(&self.cluster, &master, &queue).await;
                let (min, max) = ends.map_err(failed)?;
                tail.pull(TailedQueue {
                    master: master.clone(),
                    queue,
                    next: max.saturating_sub(earlier.into()).max(min),
                });
            }
        }
        Ok(tail)
    }

    fn wanted(
        &self,
        topic: &TopicName,
        selector: SelectorType,
        expression: &str,
    ) -> Result<Subscription, AdminError> {
        let filter = match selector {
            SelectorType::Tag => Filter::by_tags(expression).map_err(AdminError::Tags)?,
            SelectorType::Sql92 => {
                Filter::by_sql(expression).map_err(AdminError::Condition)?;
                Filter::default()
            }
        };
        Ok(Subscription {
            topic: topic.clone(),
            expression: expression.into(),
            selector,
            filter,
            version: self.cluster.clock.now_ms(),
        })
    }
}

impl Tail {
    /// The next message and the broker that has it; waits until one comes. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    ///
    /// Why a queue could not be read; it is read again with the next call.
    pub async fn next(&mut self) -> Result<(ByteString, MessageExt), AdminError> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            let Some((queue, outcome)) = self.pulls.next().await else {
                // A topic without readable queues: nothing will ever come.
                return std::future::pending().await;
            };
            let broker = queue.master.name.clone();
            if outcome.is_ok() {
                self.pull(queue);
            } else {
                self.pull_later(queue);
            }
            let messages = outcome?.into_iter();
            self.ready
                .extend(messages.map(|message| (broker.clone(), message)));
        }
    }

    /// Asks a broker whether it evaluates the condition; without one, whoever reads filters by itself.
    async fn check(&self, master: &Master) -> Result<(), AdminError> {
        if self.wanted.selector == SelectorType::Tag {
            return Ok(());
        }
        let body = fastjson::write(&CheckClientRequestBody {
            client_id: self.cluster.client_id.clone(),
            group: TOOLS_GROUP.into(),
            subscription_data: Some((&*self.wanted).into()),
            namespace: None,
        });
        let call = self.cluster.call(&master.address, CheckClientConfig, body);
        let failed = |source| master.failed("filter by a condition", source);
        call.await.map_err(failed)?;
        Ok(())
    }

    fn pull(&self, queue: TailedQueue) {
        let (cluster, wanted) = (Arc::clone(&self.cluster), Arc::clone(&self.wanted));
        self.pulls.push(Box::pin(pull(cluster, wanted, queue)));
    }

    /// Pulls after a pause, because the last pull failed.
    fn pull_later(&self, queue: TailedQueue) {
        let (cluster, wanted) = (Arc::clone(&self.cluster), Arc::clone(&self.wanted));
        self.pulls.push(Box::pin(async move {
            cluster.clock.sleep(cluster.timings.pull_pause).await;
            pull(cluster, wanted, queue).await
        }));
    }
}

async fn pull(
    cluster: Arc<ClusterClient>,
    wanted: Arc<Subscription>,
    mut at: TailedQueue,
) -> PullOutcome {
    let suspend = cluster.timings.pull_suspend.as_millis();
    let request = PullMessage {
        sys_flag: PullMessage::SUBSCRIPTION | PullMessage::SUSPEND,
        suspend_timeout_millis: i64::try_from(suspend).unwrap_or(i64::MAX),
        subscription: Some(wanted.expression.clone()),
        expression_type: Some(wanted.selector.as_str().into()),
        ..browse::pull(&at.queue, at.next, PULL_SIZE)
    };
    let limit = cluster.timings.pull_timeout;
    let call = cluster.call_within(limit, &at.master.address, request, Bytes::new());
    let reply = match call.await {
        Ok(reply) => reply,
        Err(source) => {
            let error = at.master.failed("read a queue", source).into();
            return (at, Err(error));
        }
    };
    at.next = reply.header.next_begin_offset;
    if reply.code != ResponseCode::SUCCESS {
        return (at, Ok(Vec::new()));
    }
    match record::decode_all(reply.body) {
        Ok(mut messages) => {
            messages.retain(|message| {
                let properties = &message.message.properties;
                wanted.filter.wants(|name| properties.get(name))
            });
            (at, Ok(messages))
        }
        Err(source) => {
            let error = at.master.unreadable(source).into();
            (at, Err(error))
        }
    }
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail")
            .field("wanted", &self.wanted)
            .field("queues", &self.pulls.len())
            .finish_non_exhaustive()
    }
}
