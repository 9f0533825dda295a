//! Messages: by id, by place, by key and by the time at which they were stored.

use std::ops::RangeInclusive;

use bytes::Bytes;
use bytestring::ByteString;

use super::brokers::{Gathered, gather};
use super::error::AdminError;
use super::handle::Admin;
use crate::client::browse::{self, Master};
use crate::message::{MessageExt, MessageQueue, OffsetMessageId, TopicName};
use crate::wire::header::{BoundaryType, SearchOffsetByTimestamp};

/// A message, and the broker that has it.
type Found = (ByteString, MessageExt);

impl Admin {
    /// The messages with a unique id, oldest first, or the one with an offset id.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoMessage`]; what is found is never empty.
    pub async fn message(
        &self,
        topic: &TopicName,
        id: &str,
    ) -> Result<Vec<(ByteString, MessageExt)>, AdminError> {
        let masters = self.masters_of(topic).await?;
        let missing = || AdminError::NoMessage {
            topic: topic.clone(),
            id: id.to_owned(),
        };
        let found = browse::with_key(&self.cluster, &masters, topic, id, browse::ANY_TIME);
        let mut found = found.await?;
        found.retain(|(_, message)| message.message_id() == id);
        if found.is_empty() {
            let place: OffsetMessageId = id.parse().map_err(|_no_offset_id| missing())?;
            let at = browse::by_offset_id(&self.cluster, &masters, place).await?;
            found.extend(at.filter(|(_, message)| message.message.topic == *topic));
        }
        if found.is_empty() {
            return Err(missing());
        }
        oldest_first(&mut found);
        Ok(found)
    }

    /// The message at an offset of a queue.
    ///
    /// # Errors
    ///
    /// [`AdminError::NoQueue`] or [`AdminError::NoOffset`].
    pub async fn message_at(
        &self,
        queue: &MessageQueue,
        offset: i64,
    ) -> Result<MessageExt, AdminError> {
        let masters = self.masters_of(&queue.topic).await?;
        let master = masters.iter().find(|master| master.name == queue.broker);
        let queues = master.map(|master| browse::queues(&self.cluster, &queue.topic, master));
        let (Some(master), true) = (master, queues.is_some_and(|all| all.contains(queue))) else {
            return Err(AdminError::NoQueue(queue.clone()));
        };
        let failed = |source| master.failed("read a queue", source);
        let ends = browse::ends(&self.cluster, master, queue).await;
        let (min, max) = ends.map_err(failed)?;
        let missing = || AdminError::NoOffset {
            queue: queue.clone(),
            offset,
            min,
            max,
        };
        if !(min..max).contains(&offset) {
            return Err(missing());
        }
        let read = browse::range(&self.cluster, master, queue, offset..offset + 1).await?;
        read.into_iter().next().ok_or_else(missing)
    }

    /// The most messages of one key that a broker gives (`maxMsgsNumBatch`).
    pub const MOST_BY_KEY: u8 = browse::MAX_FOUND;

    /// The messages with a key that were stored within a span of time (ms since 1970), oldest first: of each
    /// broker at most [`MOST_BY_KEY`](Self::MOST_BY_KEY), the newest ones.
    ///
    /// # Errors
    ///
    /// [`AdminError`], when no broker answered.
    pub async fn messages_by_key(
        &self,
        topic: &TopicName,
        key: &str,
        times: RangeInclusive<i64>,
    ) -> Result<Gathered<Vec<(ByteString, MessageExt)>>, AdminError> {
        let masters = self.masters_of(topic).await?;
        let times = &times;
        let found = gather(masters.iter().map(async |master| {
            let found = browse::with_key_at(&self.cluster, master, topic, key, times);
            Ok(found.await?)
        }));
        Ok(found.await?.map(together))
    }

    /// The first `most` messages that were stored within a span of time (ms since 1970), oldest first.
    ///
    /// # Errors
    ///
    /// [`AdminError`], when no broker answered.
    pub async fn messages_by_time(
        &self,
        topic: &TopicName,
        times: RangeInclusive<i64>,
        most: usize,
    ) -> Result<Gathered<Vec<(ByteString, MessageExt)>>, AdminError> {
        let masters = self.masters_of(topic).await?;
        let times = &times;
        let found = gather(masters.iter().map(async |master| {
            let mut found = Vec::new();
            for queue in browse::queues(&self.cluster, topic, master) {
                let read = self.stored_within(master, &queue, times, most).await?;
                found.extend(read.into_iter().map(|one| (master.name.clone(), one)));
            }
            Ok(found)
        }));
        let found = found.await?;
        Ok(found.map(|of_brokers| {
            let mut found = together(of_brokers);
            found.truncate(most);
            found
        }))
    }

    async fn stored_within(
        &self,
        master: &Master,
        queue: &MessageQueue,
        times: &RangeInclusive<i64>,
        most: usize,
    ) -> Result<Vec<MessageExt>, AdminError> {
        let failed = |source| master.failed("read a queue", source);
        let ends = browse::ends(&self.cluster, master, queue).await;
        let (min, max) = ends.map_err(failed)?;
        let header = SearchOffsetByTimestamp {
            topic: queue.topic.to_text(),
            queue_id: queue.id,
            timestamp: *times.start(),
            boundary_type: BoundaryType::Lower,
        };
        let first = self.ask(master, "look up an offset", header, Bytes::new());
        let first = first.await?.header.offset.max(min);
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let end = first.saturating_add(most).min(max);
        let mut read = browse::range(&self.cluster, master, queue, first..end).await?;
        read.retain(|message| times.contains(&message.store_timestamp));
        Ok(read)
    }
}

/// What brokers have, oldest first.
fn together(of_brokers: Vec<Vec<Found>>) -> Vec<Found> {
    let mut found: Vec<_> = of_brokers.into_iter().flatten().collect();
    oldest_first(&mut found);
    found
}

fn oldest_first(messages: &mut [Found]) {
    messages.sort_by_key(|(_, message)| (message.store_timestamp, message.queue_offset));
}
