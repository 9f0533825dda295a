//! A topic as it grows: its messages from now on, for nobody's group.
//!
//! Invariant: at each time at most one pull for each queue is under way. A queue is read in order; queues
//! among one another are not.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytestring::ByteString;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::error::AdminError;
use super::handle::Admin;
use crate::client::browse::{self, Master, TOOLS_GROUP};
use crate::client::cluster::ClusterClient;
use crate::client::consumer::fetch::{self, FetchError, PullResponse};
use crate::client::filters;
use crate::client::routes::MASTER_ID;
use crate::message::subscription::{SelectorType, Subscription};
use crate::message::{MessageExt, MessageQueue, QueueOffset, TopicName};
use crate::wire::body::CheckClientRequestBody;
use crate::wire::fastjson;
use crate::wire::header::{CheckClientConfig, PullMessage};

/// How many messages a pull asks for.
const PULL_SIZE: i32 = 32;

/// The messages that come to a topic; see [`Admin::tail`].
pub struct Tail {
    cluster: Arc<ClusterClient>,
    wanted: Arc<Subscription>,
    pulls: FuturesUnordered<BoxFuture<'static, TailPull>>,
    ready: VecDeque<(ByteString, MessageExt)>,
}

/// A queue, and how far it was read.
#[derive(Clone, Debug)]
struct TailedQueue {
    master: Master,
    queue: MessageQueue,
    next: QueueOffset,
}

type TailPull = (TailedQueue, Result<Vec<MessageExt>, AdminError>);

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
            wanted: Arc::new(Subscription {
                topic: topic.clone(),
                expression: expression.into(),
                selector,
                filter: filters::read(selector, expression)?,
                version: self.cluster.clock.now_ms(),
            }),
            pulls: FuturesUnordered::new(),
            ready: VecDeque::new(),
        };
        for master in self.masters_of(topic).await? {
            tail.check(&master).await?;
            for queue in browse::queues(&self.cluster, topic, &master) {
                let failed = |source| master.failed("look up an offset", source);
                let ends = browse::ends(&self.cluster, &master, &queue).await;
                let (min, max) = ends.map_err(failed)?;
                let next = max.saturating_sub(earlier.into()).max(min);
                tail.pull(TailedQueue {
                    master: master.clone(),
                    queue,
                    next: QueueOffset::from_wire(next).unwrap_or_default(),
                });
            }
        }
        Ok(tail)
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

/// Pulls what follows. Where a record cannot be read, records are pulled one by one, so that only this one
/// is left out.
async fn pull(
    cluster: Arc<ClusterClient>,
    wanted: Arc<Subscription>,
    mut at: TailedQueue,
) -> TailPull {
    let suspend = cluster.timings.pull_suspend.as_millis();
    let limit = cluster.timings.pull_timeout;
    let mut size = PULL_SIZE;
    loop {
        let request = PullMessage {
            sys_flag: PullMessage::SUBSCRIPTION | PullMessage::SUSPEND,
            suspend_timeout_millis: i64::try_from(suspend).unwrap_or(i64::MAX),
            subscription: Some(wanted.expression.clone()),
            expression_type: Some(wanted.selector.as_str().into()),
            ..browse::pull(&at.queue, at.next.to_wire(), size)
        };
        match fetch::ask(&cluster, &at.queue, MASTER_ID, request, limit).await {
            Ok(PullResponse {
                mut messages, next, ..
            }) => {
                at.next = next;
                messages.retain(|message| {
                    let properties = &message.message.properties;
                    wanted.filter.wants(|name| properties.get(name))
                });
                return (at, Ok(messages));
            }
            Err(FetchError::Records { .. }) if size > 1 => size = 1,
            Err(FetchError::Records { source, next, .. }) => {
                let queue = &at.queue;
                tracing::warn!(%queue, offset = %at.next, error = %source, "a record cannot be read and is left out");
                at.next = next.max(at.next.plus(1));
                size = PULL_SIZE;
            }
            Err(FetchError::Call(source)) => {
                let error = at.master.failed("read a queue", source).into();
                return (at, Err(error));
            }
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
