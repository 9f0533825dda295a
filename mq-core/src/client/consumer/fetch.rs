//! One pull: asks the broker of a queue for what lies behind an offset. It knows nothing of
//! listeners, nor of how the queue came to be ours.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::config::ConsumerConfig;
use super::received;
use crate::client::cluster::Cluster;
use crate::client::routes::MASTER;
use crate::message::record::RecordError;
use crate::message::subscription::Subscription;
use crate::message::{GroupName, MessageExt, MessageQueue, QueueOffset, TopicName};
use crate::remoting::CallError;
use crate::wire::ResponseCode;
use crate::wire::header::PullMessage;

/// Asks brokers for messages in the name of a group.
#[derive(Debug)]
pub(in crate::client) struct Fetcher {
    cluster: Arc<Cluster>,
    group: GroupName,
    subscriptions: Arc<BTreeMap<TopicName, Subscription>>,
    batch_size: u16,
    batch_bytes: u32,
}

/// Where in its queue the next pull begins, and which broker is asked.
#[derive(Debug)]
pub(in crate::client) struct PullPosition {
    pub(in crate::client) next: QueueOffset,
    broker_id: i64,
}

impl PullPosition {
    pub(in crate::client) fn at(next: QueueOffset) -> Self {
        Self {
            next,
            broker_id: MASTER,
        }
    }

    /// The broker that was asked gave nothing: the master is asked next.
    pub(in crate::client) fn ask_the_master(&mut self) {
        self.broker_id = MASTER;
    }
}

/// What a pull brought.
#[derive(Debug)]
pub(in crate::client) enum Fetched {
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

/// Why a pull brought nothing.
#[derive(Debug, thiserror::Error)]
pub(in crate::client) enum FetchError {
    /// It was not answered, or refused.
    #[error(transparent)]
    Call(#[from] CallError),
    /// What came cannot be read.
    #[error("the records that {broker} sent cannot be read: {source}")]
    Records { broker: String, source: RecordError },
}

impl FetchError {
    /// The code of the broker's refusal.
    pub(in crate::client) fn code(&self) -> Option<ResponseCode> {
        match self {
            Self::Call(error) => error.refusal().map(|refusal| refusal.code),
            Self::Records { .. } => None,
        }
    }

    /// Whether the broker was not reached or fell silent.
    pub(in crate::client) fn is_transport(&self) -> bool {
        matches!(self, Self::Call(error) if error.is_transport())
    }
}

impl Fetcher {
    pub(in crate::client) fn new(
        cluster: &Arc<Cluster>,
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

    /// Asks for what lies in `queue` from `position` on, waiting at the broker when there is nothing
    /// yet; `commit` is the group's offset, told in passing.
    pub(in crate::client) async fn fetch(
        &self,
        queue: &MessageQueue,
        position: &mut PullPosition,
        commit: Option<QueueOffset>,
    ) -> Result<Fetched, FetchError> {
        let address = self.cluster.address(&queue.broker, position.broker_id);
        let address = address.ok_or_else(|| CallError::Connect {
            address: queue.broker.to_string(),
            source: std::io::ErrorKind::AddrNotAvailable.into(),
        })?;
        let request = self.request(queue, position.next, commit);
        let limit = self.cluster.timings.pull_timeout;
        let call = self
            .cluster
            .call_within(limit, &address, request, Bytes::new());
        let reply = call.await?;
        position.broker_id = reply.header.suggest_which_broker_id;
        let next = QueueOffset::from_wire(reply.header.next_begin_offset).unwrap_or_default();
        Ok(match reply.code {
            ResponseCode::SUCCESS => {
                let broker = || queue.broker.to_string();
                let messages =
                    received::read(&reply.body).map_err(|source| FetchError::Records {
                        broker: broker(),
                        source,
                    })?;
                let subscription = self.subscriptions.get(&queue.topic);
                let messages = received::wanted(subscription, &self.group, messages);
                Fetched::Messages { messages, next }
            }
            ResponseCode::PULL_OFFSET_MOVED => Fetched::Moved { next },
            _ => Fetched::Nothing { next },
        })
    }

    fn request(
        &self,
        queue: &MessageQueue,
        from: QueueOffset,
        commit: Option<QueueOffset>,
    ) -> PullMessage {
        let subscription = self.subscriptions.get(&queue.topic);
        let suspend = self.cluster.timings.pull_suspend.as_millis();
        PullMessage {
            consumer_group: self.group.to_text(),
            topic: queue.topic.to_text(),
            queue_id: queue.id,
            queue_offset: from.to_wire(),
            max_msg_nums: self.batch_size.into(),
            sys_flag: PullMessage::SUSPEND | commit.map_or(0, |_| PullMessage::COMMIT),
            commit_offset: commit.unwrap_or_default().to_wire(),
            suspend_timeout_millis: i64::try_from(suspend).unwrap_or(i64::MAX),
            subscription: None,
            sub_version: subscription.map_or(0, |subscription| subscription.version),
            expression_type: subscription.map(|wanted| wanted.selector.as_str().into()),
            max_msg_bytes: i32::try_from(self.batch_bytes).ok(),
            broker_name: Some(queue.broker.clone()),
        }
    }
}
