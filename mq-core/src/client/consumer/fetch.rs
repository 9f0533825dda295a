//! One pull request: asks the broker of a queue for messages from an offset on. It knows nothing of
//! listeners or rebalancing.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::config::ConsumerConfig;
use super::received;
use crate::client::cluster::ClusterClient;
use crate::client::routes::MASTER_ID;
use crate::message::record::RecordError;
use crate::message::subscription::Subscription;
use crate::message::{GroupName, MessageExt, MessageQueue, QueueOffset, TopicName};
use crate::remoting::CallError;
use crate::wire::header::{LitePullMessage, PullMessage, PullMessageReply};
use crate::wire::{Request, ResponseCode};

/// Sends the pull requests of a group.
#[derive(Debug)]
pub(in crate::client) struct Fetcher {
    cluster: Arc<ClusterClient>,
    group: GroupName,
    subscriptions: Arc<BTreeMap<TopicName, Subscription>>,
    batch_size: u16,
    batch_bytes: u32,
}

/// The offset of the next pull, and the broker that it goes to.
#[derive(Debug)]
pub(in crate::client) struct PullPosition {
    pub(in crate::client) next: QueueOffset,
    broker_id: i64,
    /// The broker does not know the request code of lite pulls.
    no_lite_code: bool,
}

impl PullPosition {
    pub(in crate::client) fn at(next: QueueOffset) -> Self {
        Self {
            next,
            broker_id: MASTER_ID,
            no_lite_code: false,
        }
    }

    /// A pull failed: the next one goes to the master.
    pub(in crate::client) fn ask_the_master(&mut self) {
        self.broker_id = MASTER_ID;
    }
}

/// The response to a pull.
#[derive(Debug)]
pub(in crate::client) enum PullOutcome {
    Messages {
        messages: Vec<MessageExt>,
        next: QueueOffset,
    },
    Nothing {
        next: QueueOffset,
    },
    /// The offset is outside the queue.
    Moved {
        next: QueueOffset,
    },
}

/// The response to a pull as it came: the broker's code, offsets and records.
#[derive(Debug)]
pub(in crate::client) struct PullResponse {
    pub(in crate::client) code: ResponseCode,
    pub(in crate::client) messages: Vec<MessageExt>,
    pub(in crate::client) next: QueueOffset,
    pub(in crate::client) min: QueueOffset,
    pub(in crate::client) max: QueueOffset,
    /// The broker that the next pull should go to.
    broker_id: i64,
}

/// Why a pull failed.
#[derive(Debug, thiserror::Error)]
pub(in crate::client) enum FetchError {
    /// It was not answered, or it was refused.
    #[error(transparent)]
    Call(#[from] CallError),
    /// The records in the response cannot be read.
    #[error("the records that {broker} sent cannot be read: {source}")]
    Records {
        broker: String,
        source: RecordError,
        /// The offset behind them.
        next: QueueOffset,
    },
}

impl FetchError {
    /// The code of the broker's refusal.
    pub(in crate::client) fn code(&self) -> Option<ResponseCode> {
        match self {
            Self::Call(error) => error.refusal().map(|refusal| refusal.code),
            Self::Records { .. } => None,
        }
    }

    /// Whether the broker was not reached or did not respond.
    pub(in crate::client) fn is_transport(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_transport())
    }
}

impl Fetcher {
    pub(in crate::client) fn new(
        cluster: &Arc<ClusterClient>,
        config: &ConsumerConfig,
        subscriptions: &Arc<BTreeMap<TopicName, Subscription>>,
    ) -> Self {
        Self {
            cluster: Arc::clone(cluster),
            group: config.group.clone(),
            subscriptions: Arc::clone(subscriptions),
            batch_size: config.pull_batch_size,
            batch_bytes: config.pull_batch_bytes,
        }
    }

    /// Pulls from `queue` at `position`; a pull that finds no message waits at the broker (long
    /// polling). `commit` is the group's offset, which the pull commits too.
    pub(in crate::client) async fn fetch(
        &self,
        queue: &MessageQueue,
        position: &mut PullPosition,
        commit: Option<QueueOffset>,
    ) -> Result<PullOutcome, FetchError> {
        let mut request = self.request(queue, position.next);
        request.sys_flag = PullMessage::SUSPEND | commit.map_or(0, |_| PullMessage::COMMIT);
        request.commit_offset = commit.unwrap_or_default().to_wire();
        let limit = self.cluster.timings.pull_timeout;
        let answer = ask(&self.cluster, queue, position.broker_id, request, limit).await?;
        Ok(self.outcome(queue, position, answer))
    }

    /// As [`fetch`](Self::fetch), for a lite pull consumer: the subscription is in the pull, so that
    /// the broker need not know it, and no offset is committed.
    pub(in crate::client) async fn fetch_lite(
        &self,
        queue: &MessageQueue,
        position: &mut PullPosition,
    ) -> Result<PullOutcome, FetchError> {
        let mut request = self.request(queue, position.next);
        request.sys_flag = PullMessage::SUSPEND | PullMessage::SUBSCRIPTION | PullMessage::LITE;
        let subscription = self.subscriptions.get(&queue.topic);
        let expression = subscription.map_or("*".into(), |own| own.expression.clone());
        request.subscription = Some(expression);
        let limit = self.cluster.timings.pull_timeout;
        let broker = position.broker_id;
        if !position.no_lite_code {
            let lite = LitePullMessage(request.clone());
            match ask(&self.cluster, queue, broker, lite, limit).await {
                Err(error) if error.code() == Some(ResponseCode::REQUEST_CODE_NOT_SUPPORTED) => {
                    position.no_lite_code = true;
                }
                answer => return Ok(self.outcome(queue, position, answer?)),
            }
        }
        let answer = ask(&self.cluster, queue, broker, request, limit).await?;
        Ok(self.outcome(queue, position, answer))
    }

    fn outcome(
        &self,
        queue: &MessageQueue,
        position: &mut PullPosition,
        answer: PullResponse,
    ) -> PullOutcome {
        position.broker_id = answer.broker_id;
        let next = answer.next;
        match answer.code {
            ResponseCode::SUCCESS => {
                let subscription = self.subscriptions.get(&queue.topic);
                let messages = received::wanted(subscription, &self.group, answer.messages);
                PullOutcome::Messages { messages, next }
            }
            ResponseCode::PULL_OFFSET_MOVED => PullOutcome::Moved { next },
            _ => PullOutcome::Nothing { next },
        }
    }

    fn request(&self, queue: &MessageQueue, from: QueueOffset) -> PullMessage {
        let subscription = self.subscriptions.get(&queue.topic);
        let suspend = self.cluster.timings.pull_suspend.as_millis();
        PullMessage {
            consumer_group: self.group.to_text(),
            topic: queue.topic.to_text(),
            queue_id: queue.id,
            queue_offset: from.to_wire(),
            max_msg_nums: self.batch_size.into(),
            suspend_timeout_millis: i64::try_from(suspend).unwrap_or(i64::MAX),
            sub_version: subscription.map_or(0, |subscription| subscription.version),
            expression_type: subscription.map(|wanted| wanted.selector.as_str().into()),
            max_msg_bytes: i32::try_from(self.batch_bytes).ok(),
            broker_name: Some(queue.broker.clone()),
            ..PullMessage::default()
        }
    }
}

/// Sends one pull to the broker of `queue` with this id, or to another one of the name, and reads
/// the records in the response.
pub(in crate::client) async fn ask<R: Request<Reply = PullMessageReply>>(
    cluster: &ClusterClient,
    queue: &MessageQueue,
    broker_id: i64,
    request: R,
    limit: Duration,
) -> Result<PullResponse, FetchError> {
    let address = cluster.address(&queue.broker, broker_id);
    let address = address.ok_or_else(|| CallError::unknown(&queue.broker))?;
    let call = cluster.call_within(limit, &address, request, Bytes::new());
    let reply = call.await?;
    let offset = |wire| QueueOffset::from_wire(wire).unwrap_or_default();
    let next = offset(reply.header.next_begin_offset);
    let messages = match reply.code {
        ResponseCode::SUCCESS => {
            received::read(&reply.body).map_err(|source| FetchError::Records {
                broker: queue.broker.to_string(),
                source,
                next,
            })?
        }
        _ => Vec::new(),
    };
    Ok(PullResponse {
        code: reply.code,
        messages,
        next,
        min: offset(reply.header.min_offset),
        max: offset(reply.header.max_offset),
        broker_id: reply.header.suggest_which_broker_id,
    })
}
