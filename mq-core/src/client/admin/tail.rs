//! A topic as it grows: its messages from now on, for nobody's group.
//!
//! Invariant: at each time at most one pull for each queue is under way. A queue is read in order; queues
//! among one another are not. A queue that the topic gets later is read from its beginning.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::future::{BoxFuture, join_all};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::error::AdminError;
use super::handle::Admin;
use crate::client::browse::{self, BrowseError, Master, TOOLS_GROUP};
use crate::client::cluster::ClusterClient;
use crate::client::consumer::fetch::{self, FetchError, PullResponse};
use crate::client::error::ErrorKind;
use crate::client::filters;
use crate::client::routes::MASTER_ID;
use crate::message::subscription::{SelectorType, Subscription};
use crate::message::{MessageExt, MessageQueue, QueueOffset, TopicName};
use crate::remoting::CallError;
use crate::wire::body::CheckClientRequestBody;
use crate::wire::fastjson;
use crate::wire::header::{CheckClientConfig, PullMessage};

/// How many messages a pull asks for.
const PULL_SIZE: i32 = 32;

/// How often queues are looked for that the topic did not have before.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// The messages that come to a topic; see [`Admin::tail`].
pub struct Tail {
    cluster: Arc<ClusterClient>,
    wanted: Arc<Subscription>,
    steps: FuturesUnordered<BoxFuture<'static, TailStep>>,
    known: BTreeSet<MessageQueue>,
    /// The queues that could not be read the last time, which was told.
    failing: BTreeSet<MessageQueue>,
    ready: VecDeque<(ByteString, MessageExt)>,
}

/// What a pull brought; `None` when the route was looked up again.
type TailStep = Option<(TailedQueue, Result<Vec<MessageExt>, AdminError>)>;

/// A queue, and how far it was read.
#[derive(Clone, Debug)]
struct TailedQueue {
    queue: MessageQueue,
    position: TailPosition,
}

#[derive(Clone, Copy, Debug)]
enum TailPosition {
    At(QueueOffset),
    /// So many before the end, which no broker has told yet.
    BeforeEnd(u32),
}

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
    /// [`AdminError::Browse`] of a broker that does not evaluate the condition, or of the first one when
    /// none answers.
    pub async fn tail_by(
        &self,
        topic: &TopicName,
        selector: SelectorType,
        expression: &str,
        earlier: u32,
    ) -> Result<Tail, AdminError> {
        let mut tail = Tail {
            cluster: Arc::clone(&self.cluster),
            wanted: Arc::new(Subscription {
                topic: topic.clone(),
                expression: expression.into(),
                selector,
                filter: filters::read(selector, expression)?,
                version: self.cluster.clock.now_ms(),
            }),
            steps: FuturesUnordered::new(),
            known: BTreeSet::new(),
            failing: BTreeSet::new(),
            ready: VecDeque::new(),
        };
        let masters = self.masters_of(topic).await?;
        let found = join_all(masters.iter().map(|master| tail.find(master, earlier))).await;
        let is_silent = found.iter().all(Result::is_err);
        for (master, found) in masters.iter().zip(found) {
            let queues = match found {
                Ok(queues) => queues,
                Err(error) if is_silent || error.kind() == ErrorKind::Refused => return Err(error),
                Err(_) => tail.not_found(master, earlier),
            };
            for queue in queues {
                tail.known.insert(queue.queue.clone());
                tail.pull(queue);
            }
        }
        tail.look();
        Ok(tail)
    }
}

impl Tail {
    /// The next message and the broker that has it; waits until one comes. Dropping the future loses
    /// nothing.
    ///
    /// # Errors
    ///
    /// Why a queue could not be read. That is told once; it is tried until it can be read again.
    pub async fn next(&mut self) -> Result<(ByteString, MessageExt), AdminError> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            match self.steps.next().await {
                Some(Some((at, Ok(messages)))) => {
                    self.failing.remove(&at.queue);
                    let broker = &at.queue.broker;
                    let here = messages
                        .into_iter()
                        .map(|message| (broker.clone(), message));
                    self.ready.extend(here);
                    self.pull(at);
                }
                Some(Some((at, Err(error)))) => {
                    let is_new = self.failing.insert(at.queue.clone());
                    self.pull_later(at);
                    if is_new {
                        return Err(error);
                    }
                }
                Some(None) | None => {
                    self.pull_new();
                    self.look();
                }
            }
        }
    }

    /// The queues of a broker, and where to begin in them.
    async fn find(&self, master: &Master, earlier: u32) -> Result<Vec<TailedQueue>, AdminError> {
        self.check(master).await?;
        let mut found = Vec::new();
        for queue in browse::queues(&self.cluster, &self.wanted.topic, master) {
            let position =
                position(&self.cluster, &queue, TailPosition::BeforeEnd(earlier)).await?;
            let position = TailPosition::At(position);
            found.push(TailedQueue { queue, position });
        }
        Ok(found)
    }

    /// The queues of a broker that does not answer yet.
    fn not_found(&self, master: &Master, earlier: u32) -> Vec<TailedQueue> {
        let position = TailPosition::BeforeEnd(earlier);
        let queues = browse::queues(&self.cluster, &self.wanted.topic, master);
        let at = |queue| TailedQueue { queue, position };
        queues.into_iter().map(at).collect()
    }

    /// Reads the queues that the topic did not have before.
    fn pull_new(&mut self) {
        let route = self.cluster.known_route(&self.wanted.topic);
        for queue in route.iter().flat_map(|route| &route.subscribe) {
            if self.known.insert(queue.clone()) {
                self.pull(TailedQueue {
                    queue: queue.clone(),
                    position: TailPosition::At(QueueOffset::default()),
                });
            }
        }
    }

    /// Looks the route up after a while.
    fn look(&self) {
        let (cluster, topic) = (Arc::clone(&self.cluster), self.wanted.topic.clone());
        self.steps.push(Box::pin(async move {
            cluster.clock.sleep(LOOK_INTERVAL).await;
            if let Err(error) = cluster.refresh(&topic).await {
                tracing::debug!(%topic, %error, "the cached route stays in use");
            }
            None
        }));
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
        self.steps.push(Box::pin(pull(cluster, wanted, queue)));
    }

    /// Pulls after a pause, because the last pull failed.
    fn pull_later(&self, queue: TailedQueue) {
        let (cluster, wanted) = (Arc::clone(&self.cluster), Arc::clone(&self.wanted));
        self.steps.push(Box::pin(async move {
            cluster.clock.sleep(cluster.timings.pull_pause).await;
            pull(cluster, wanted, queue).await
        }));
    }
}

/// The offset at which to read on.
async fn position(
    cluster: &ClusterClient,
    queue: &MessageQueue,
    position: TailPosition,
) -> Result<QueueOffset, AdminError> {
    let earlier = match position {
        TailPosition::At(offset) => return Ok(offset),
        TailPosition::BeforeEnd(earlier) => earlier,
    };
    let name = queue.broker.clone();
    let ends = match cluster.master(&name) {
        Some(address) => browse::ends(cluster, &Master { name, address }, queue).await,
        None => Err(CallError::unknown(&name)),
    };
    let (min, max) = ends.map_err(|source| failed(queue, "look up an offset", source))?;
    let offset = max.saturating_sub(earlier.into()).max(min);
    Ok(QueueOffset::from_wire(offset).unwrap_or_default())
}

/// Pulls what follows. Where a record cannot be read, records are pulled one by one, so that only this one
/// is left out.
async fn pull(
    cluster: Arc<ClusterClient>,
    wanted: Arc<Subscription>,
    mut at: TailedQueue,
) -> TailStep {
    let suspend = cluster.timings.pull_suspend.as_millis();
    let limit = cluster.timings.pull_timeout;
    let mut size = PULL_SIZE;
    loop {
        let next = match position(&cluster, &at.queue, at.position).await {
            Ok(next) => next,
            Err(error) => return Some((at, Err(error))),
        };
        at.position = TailPosition::At(next);
        let request = PullMessage {
            sys_flag: PullMessage::SUBSCRIPTION | PullMessage::SUSPEND,
            suspend_timeout_millis: i64::try_from(suspend).unwrap_or(i64::MAX),
            subscription: Some(wanted.expression.clone()),
            expression_type: Some(wanted.selector.as_str().into()),
            ..browse::pull(&at.queue, next.to_wire(), size)
        };
        match fetch::ask(&cluster, &at.queue, MASTER_ID, request, limit).await {
            Ok(PullResponse {
                mut messages, next, ..
            }) => {
                at.position = TailPosition::At(next);
                messages.retain(|message| {
                    let properties = &message.message.properties;
                    wanted.filter.wants(|name| properties.get(name))
                });
                return Some((at, Ok(messages)));
            }
            Err(FetchError::Records { .. }) if size > 1 => size = 1,
            Err(FetchError::Records {
                source, next: told, ..
            }) => {
                let queue = &at.queue;
                tracing::warn!(%queue, offset = %next, error = %source, "a record cannot be read and is left out");
                at.position = TailPosition::At(told.max(next.plus(1)));
                size = PULL_SIZE;
            }
            Err(FetchError::Call(source)) => {
                let error = failed(&at.queue, "read a queue", source);
                return Some((at, Err(error)));
            }
        }
    }
}

fn failed(queue: &MessageQueue, action: &'static str, source: CallError) -> AdminError {
    let broker = queue.broker.to_string();
    AdminError::Browse(BrowseError::Broker {
        action,
        broker,
        source,
    })
}

impl fmt::Debug for Tail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tail")
            .field("wanted", &self.wanted)
            .field("queues", &self.known)
            .finish_non_exhaustive()
    }
}
