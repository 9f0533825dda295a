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
    GetMaxOffset, QueryConsumerOffset, SearchOffsetByTimestamp, UpdateConsumerOffset,
};
use crate::wire::{Reply, Request, ResponseCode};

/// The committed offset; `None` only when the broker says that there is none.
pub(super) async fn query(
    cluster: &ClusterClient,
    group: &GroupName,
    queue: &MessageQueue,
) -> Result<Option<QueueOffset>, CallError> {
    let request = QueryConsumerOffset {
        consumer_group: group.to_text(),
        topic: queue.topic.to_text(),
        queue_id: queue.id,
        set_zero_if_not_found: None,
    };
    match ask(cluster, queue, request).await {
        Ok(reply) => Ok(QueueOffset::from_wire(reply.header.offset)),
        Err(CallError::Refused(refusal)) if refusal.code == ResponseCode::QUERY_NOT_FOUND => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

pub(super) async fn end(
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

pub(super) async fn at_time(
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

pub(super) async fn update(
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
    address.ok_or_else(|| CallError::Connect {
        address: queue.broker.to_string(),
        source: std::io::ErrorKind::AddrNotAvailable.into(),
    })
}
