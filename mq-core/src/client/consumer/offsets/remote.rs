//! Offsets at the broker (`RemoteBrokerOffsetStore`): committed to the master; read from a slave of
//! the same name when the master is away.

use bytes::Bytes;
use bytestring::ByteString;

use super::commit::Commit;
use crate::client::cluster::ClusterClient;
use crate::client::routes::MASTER_ID;
use crate::message::{GroupName, MessageQueue, QueueOffset};
use crate::remoting::CallError;
use crate::wire::header::OffsetReply;
use crate::wire::header::{
    GetMaxOffset, GetMinOffset, QueryConsumerOffset, SearchOffsetByTimestamp, UpdateConsumerOffset,
};
use crate::wire::{Reply, Request, ResponseCode};

/// What a broker says of a group that has committed no offset in a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::client) enum Uncommitted {
    /// 0 while the first message of the queue is young, else nothing: where to start.
    MayBeZero,
    /// Nothing. A broker of RocketMQ 4 says 0 all the same.
    IsNothing,
}

/// The committed offset; `None` only when the broker says that there is none.
pub(in crate::client) async fn query(
    cluster: &ClusterClient,
    group: &GroupName,
    queue: &MessageQueue,
    uncommitted: Uncommitted,
) -> Result<Option<QueueOffset>, CallError> {
    let request = QueryConsumerOffset {
        consumer_group: group.to_text(),
        topic: queue.topic.to_text(),
        queue_id: queue.id,
        set_zero_if_not_found: match uncommitted {
            Uncommitted::MayBeZero => None,
            Uncommitted::IsNothing => Some(false),
        },
    };
    match ask(cluster, queue, request).await {
        Ok(reply) => Ok(QueueOffset::from_wire(reply.header.offset)),
        Err(CallError::Refused(refusal)) if refusal.code == ResponseCode::QUERY_NOT_FOUND => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// The offset of the first message of a queue.
pub(in crate::client) async fn begin(
    cluster: &ClusterClient,
    queue: &MessageQueue,
) -> Result<QueueOffset, CallError> {
    let request = GetMinOffset {
        topic: queue.topic.to_text(),
        queue_id: queue.id,
    };
    offset(ask(cluster, queue, request).await)
}

/// The offset behind the last message of a queue.
pub(in crate::client) async fn end(
    cluster: &ClusterClient,
    queue: &MessageQueue,
) -> Result<QueueOffset, CallError> {
    let request = GetMaxOffset {
        topic: queue.topic.to_text(),
        queue_id: queue.id,
        committed: None,
    };
    offset(ask(cluster, queue, request).await)
}

/// The offset of the first message stored at `timestamp` or later, ms since 1970.
pub(in crate::client) async fn at_time(
    cluster: &ClusterClient,
    queue: &MessageQueue,
    timestamp: i64,
) -> Result<QueueOffset, CallError> {
    let request = SearchOffsetByTimestamp {
        topic: queue.topic.to_text(),
        queue_id: queue.id,
        timestamp,
        ..SearchOffsetByTimestamp::default()
    };
    offset(ask(cluster, queue, request).await)
}

/// Commits an offset.
pub(in crate::client) async fn update(
    cluster: &ClusterClient,
    group: &GroupName,
    queue: &MessageQueue,
    offset: QueueOffset,
    how: Commit,
) -> Result<(), CallError> {
    let request = UpdateConsumerOffset {
        consumer_group: group.to_text(),
        topic: queue.topic.to_text(),
        queue_id: Some(queue.id),
        commit_offset: Some(offset.to_wire()),
    };
    let address = address(cluster, queue)?;
    match how {
        Commit::OneWay => {
            cluster
                .remoting
                .one_way(&address, request, Bytes::new())
                .await
        }
        Commit::Confirmed => cluster
            .call(&address, request, Bytes::new())
            .await
            .map(drop),
    }
}

async fn ask<R: Request>(
    cluster: &ClusterClient,
    queue: &MessageQueue,
    request: R,
) -> Result<Reply<R::Reply>, CallError> {
    let address = address(cluster, queue)?;
    cluster.call(&address, request, Bytes::new()).await
}

fn offset(reply: Result<Reply<OffsetReply>, CallError>) -> Result<QueueOffset, CallError> {
    reply.map(|reply| QueueOffset::from_wire(reply.header.offset).unwrap_or_default())
}

fn address(cluster: &ClusterClient, queue: &MessageQueue) -> Result<ByteString, CallError> {
    let address = cluster.address(&queue.broker, MASTER_ID);
    address.ok_or_else(|| CallError::unknown(&queue.broker))
}
