//! Reads messages by queue offset, key or physical offset, for nobody in particular: no group's
//! offset moves.

mod error;

use std::ops::{Range, RangeInclusive};

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::try_join_all;

pub use error::BrowseError;

use super::cluster::ClusterClient;
use super::routes::{Addresses, MASTER_ID};
use crate::message::record::{self, RecordError};
use crate::message::{MessageExt, MessageQueue, OffsetMessageId, PhysicalOffset, TopicName};
use crate::remoting::CallError;
use crate::wire::ResponseCode;
use crate::wire::header::{GetMaxOffset, GetMinOffset, PullMessage, QueryMessage, ViewMessageById};

/// The group of tools (`MixAll.TOOLS_CONSUMER_GROUP`); Apache's brokers know it without a consumer.
pub(super) const TOOLS_GROUP: &str = "TOOLS_CONSUMER";
/// The most messages of one pull: what brokers give at most by default.
const PULL_SIZE: i32 = 32;
/// The most messages of one query: what brokers give at most by default (`maxMsgsNumBatch`).
pub(super) const MAX_FOUND: u8 = 64;
/// Whenever a message was stored.
pub(super) const ANY_TIME: RangeInclusive<i64> = 0..=i64::MAX;
/// Brokers' indexes know times rounded down to a second.
const INDEXED_MS: i64 = 1000;

/// A broker that has a topic: its name, and the address of its master.
#[derive(Clone, Debug)]
pub(super) struct Master {
    pub(super) name: ByteString,
    pub(super) address: ByteString,
}

/// The brokers of `topic`, after asking a name server; `None` when there is no such topic.
pub(super) async fn masters(
    cluster: &ClusterClient,
    topic: &TopicName,
) -> Result<Option<Vec<Master>>, BrowseError> {
    let asked = cluster.refresh(topic).await;
    let exists = asked.map_err(|source| BrowseError::Route {
        topic: topic.clone(),
        source,
    })?;
    let route = cluster.known_route(topic).filter(|_| exists);
    Ok(route.map(|route| {
        let master = |(name, addresses): (&ByteString, &Addresses)| {
            let address = addresses.get(&MASTER_ID)?.clone();
            let name = name.clone();
            Some(Master { name, address })
        };
        route.brokers.iter().filter_map(master).collect()
    }))
}

/// The last `most` messages of a queue.
pub(super) async fn newest(
    cluster: &ClusterClient,
    master: &Master,
    queue: &MessageQueue,
    most: usize,
) -> Result<Vec<MessageExt>, BrowseError> {
    let failed = |source| master.failed("read a queue", source);
    let (first, end) = ends(cluster, master, queue).await.map_err(failed)?;
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let from = first.max(end.saturating_sub(most));
    range(cluster, master, queue, from..end).await
}

/// The messages of a queue between two queue offsets, of which the first is not before the queue's.
pub(super) async fn range(
    cluster: &ClusterClient,
    master: &Master,
    queue: &MessageQueue,
    offsets: Range<i64>,
) -> Result<Vec<MessageExt>, BrowseError> {
    let failed = |source| master.failed("read a queue", source);
    let Range { start: mut at, end } = offsets;
    let mut size = PULL_SIZE;
    let mut messages = Vec::new();
    while at < end {
        let request = pull(queue, at, size);
        let limit = cluster.timings.api_timeout;
        let call = cluster.call_within(limit, &master.address, request, Bytes::new());
        let reply = call.await.map_err(failed)?;
        let next = reply.header.next_begin_offset;
        if reply.code == ResponseCode::SUCCESS {
            match record::decode_all(reply.body) {
                Ok(read) => messages.extend(read),
                Err(_unreadable) if size > 1 => {
                    size = 1;
                    continue;
                }
                Err(error) => {
                    tracing::warn!(%queue, offset = at, %error, "a record cannot be read and is left out");
                }
            }
            size = PULL_SIZE;
        }
        if next <= at {
            break;
        }
        at = next;
    }
    // A broker answers a pull with more than was asked for when messages came meanwhile.
    messages.retain(|message| message.queue_offset.to_wire() < end);
    Ok(messages)
}

/// The queue offsets of the first message of a queue and behind its last one.
pub(super) async fn ends(
    cluster: &ClusterClient,
    master: &Master,
    queue: &MessageQueue,
) -> Result<(i64, i64), CallError> {
    let first = GetMinOffset {
        topic: queue.topic.to_text(),
        queue_id: queue.id,
    };
    let end = GetMaxOffset {
        topic: queue.topic.to_text(),
        queue_id: queue.id,
        ..GetMaxOffset::default()
    };
    let first = cluster.call(&master.address, first, Bytes::new()).await?;
    let end = cluster.call(&master.address, end, Bytes::new()).await?;
    Ok((first.header.offset, end.header.offset))
}

pub(super) fn pull(queue: &MessageQueue, from: i64, size: i32) -> PullMessage {
    PullMessage {
        consumer_group: TOOLS_GROUP.into(),
        topic: queue.topic.to_text(),
        queue_id: queue.id,
        queue_offset: from,
        max_msg_nums: size,
        sys_flag: PullMessage::SUBSCRIPTION,
        subscription: Some("*".into()),
        expression_type: Some("TAG".into()),
        broker_name: Some(queue.broker.clone()),
        ..PullMessage::default()
    }
}

/// The newest messages of `topic` on `masters` with the unique id or key `key` that were stored within
/// `times` (ms since 1970), each with its broker.
pub(super) async fn with_key(
    cluster: &ClusterClient,
    masters: &[Master],
    topic: &TopicName,
    key: &str,
    times: RangeInclusive<i64>,
) -> Result<Vec<(ByteString, MessageExt)>, BrowseError> {
    let of_each = masters
        .iter()
        .map(|master| with_key_at(cluster, master, topic, key, &times));
    Ok(try_join_all(of_each).await?.into_iter().flatten().collect())
}

/// The same of one master.
pub(super) async fn with_key_at(
    cluster: &ClusterClient,
    master: &Master,
    topic: &TopicName,
    key: &str,
    times: &RangeInclusive<i64>,
) -> Result<Vec<(ByteString, MessageExt)>, BrowseError> {
    let query = QueryMessage {
        topic: topic.to_text(),
        key: key.into(),
        max_num: MAX_FOUND.into(),
        begin_timestamp: times.start().saturating_sub(INDEXED_MS).max(0),
        end_timestamp: *times.end(),
        // As a unique id, brokers would give at most 32.
        unique_key: None,
    };
    let mut found = match cluster.call(&master.address, query, Bytes::new()).await {
        Ok(reply) => record::decode_all(reply.body).map_err(|error| master.unreadable(error))?,
        Err(CallError::Refused(refusal)) if refusal.code == ResponseCode::QUERY_NOT_FOUND => {
            Vec::new()
        }
        Err(source) => return Err(master.failed("look for a message", source)),
    };
    found.retain(|message| times.contains(&message.store_timestamp));
    let here = |message| (master.name.clone(), message);
    Ok(found.into_iter().map(here).collect())
}

/// The message at a physical offset; `None` when the broker has none there.
pub(super) async fn at_offset(
    cluster: &ClusterClient,
    master: &Master,
    offset: PhysicalOffset,
) -> Result<Option<MessageExt>, BrowseError> {
    let view = ViewMessageById {
        offset: offset.to_wire(),
        topic: None,
    };
    match cluster.call(&master.address, view, Bytes::new()).await {
        // Where no record begins, Apache's broker sends whatever bytes lie there.
        Ok(reply) => Ok(record::decode_all(reply.body)
            .ok()
            .and_then(|mut messages| messages.pop())),
        Err(CallError::Refused(_nothing_there)) => Ok(None),
        Err(source) => Err(master.failed("look for a message", source)),
    }
}

/// The message with an offset id, from whichever of `masters` has it: the address in the id may be one
/// that this client cannot reach.
pub(super) async fn by_offset_id(
    cluster: &ClusterClient,
    masters: &[Master],
    place: OffsetMessageId,
) -> Result<Option<(ByteString, MessageExt)>, BrowseError> {
    for master in masters {
        let message = at_offset(cluster, master, place.offset).await?;
        if let Some(message) = message.filter(|message| message.offset_message_id() == place) {
            return Ok(Some((master.name.clone(), message)));
        }
    }
    Ok(None)
}

impl Master {
    pub(super) fn failed(&self, action: &'static str, source: CallError) -> BrowseError {
        BrowseError::Broker {
            action,
            broker: self.name.to_string(),
            source,
        }
    }

    pub(super) fn unreadable(&self, source: RecordError) -> BrowseError {
        BrowseError::Records {
            broker: self.name.to_string(),
            source,
        }
    }
}

/// Every queue of `topic` on `master` that can be read.
pub(super) fn queues(
    cluster: &ClusterClient,
    topic: &TopicName,
    master: &Master,
) -> Vec<MessageQueue> {
    let route = cluster.known_route(topic).unwrap_or_default();
    let of_master = route.subscribe.iter();
    let of_master = of_master.filter(|queue| queue.broker == master.name);
    of_master.cloned().collect()
}
