//! Which dead letters there are, which of them were sent again, and sending one again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;
use futures_util::future::try_join_all;

use super::error::DeadLetterError;
use super::letter::{self, DeadLetter, ResendTo, SentAgain};
use crate::client::browse;
use crate::client::cluster::ClusterClient;
use crate::client::producer::{Producer, Target};
use crate::message::{GroupName, MessageExt, MessageQueue, OffsetMessageId, TopicName};

/// What became of a dead letter that was to be sent again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resent {
    /// It was sent now. See [`SentAgain::topic`] for the one case in which nobody gets it.
    Now(SentAgain),
    /// It had been sent again before; nothing was sent.
    Before(SentAgain),
    /// It was sent now, but its broker's index does not show it, perhaps because the broker keeps
    /// none (`messageIndexEnable=false`): it would be sent once more the next time.
    Unindexed {
        /// The topic that it was sent to.
        topic: TopicName,
        /// Its offset id.
        id: String,
    },
}

/// How many dead letters are looked for in the index at a time.
const LOOKUPS_AT_A_TIME: usize = 16;

pub(super) async fn newest(
    cluster: &ClusterClient,
    group: &GroupName,
    most: usize,
) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let topic = TopicName::dead_letters_of(group);
    let Some(masters) = browse::masters(cluster, &topic).await? else {
        return match browse::masters(cluster, &TopicName::retry_of(group)).await? {
            Some(_known) => Ok(Vec::new()),
            None => Err(DeadLetterError::NoGroup(group.clone())),
        };
    };
    let mut found = Vec::new();
    for master in &masters {
        for queue in browse::queues(cluster, &topic, master) {
            let messages = browse::newest(cluster, master, &queue, most).await?;
            found.extend(messages.into_iter().map(|one| (master.name.clone(), one)));
        }
    }
    in_order(&mut found);
    let newest = found.split_off(found.len().saturating_sub(most));
    letters(cluster, group, newest).await
}

pub(super) async fn find(
    cluster: &ClusterClient,
    group: &GroupName,
    id: &str,
) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let topic = TopicName::dead_letters_of(group);
    let missing = || DeadLetterError::NoSuchLetter {
        group: group.clone(),
        id: id.to_owned(),
    };
    let masters = browse::masters(cluster, &topic).await?.unwrap_or_default();
    let mut found = browse::with_key(cluster, &masters, &topic, id, browse::ANY_TIME).await?;
    found.retain(|(_, message)| message.message_id() == id);
    if found.is_empty() {
        let place: OffsetMessageId = id.parse().map_err(|_no_offset_id| missing())?;
        found.extend(browse::by_offset_id(cluster, &masters, place).await?);
    }
    let Some((_, first)) = found.first() else {
        return Err(missing());
    };
    if first.message.topic != topic {
        return Err(DeadLetterError::NotADeadLetter {
            group: group.clone(),
            id: id.to_owned(),
            topic: first.message.topic.clone(),
        });
    }
    in_order(&mut found);
    letters(cluster, group, found).await
}

fn in_order(messages: &mut [(ByteString, MessageExt)]) {
    messages.sort_by_key(|(_, message)| (message.store_timestamp, message.physical_offset));
}

/// The dead letters, each with the message as which it was sent again.
async fn letters(
    cluster: &ClusterClient,
    group: &GroupName,
    messages: Vec<(ByteString, MessageExt)>,
) -> Result<Vec<DeadLetter>, DeadLetterError> {
    let letter = |(broker, message)| DeadLetter {
        message,
        broker,
        sent_again: None,
    };
    let mut letters: Vec<_> = messages.into_iter().map(letter).collect();
    for some in letters.chunks_mut(LOOKUPS_AT_A_TIME) {
        let lookups = some.iter().map(|letter| sent_again(cluster, group, letter));
        let found = try_join_all(lookups).await?;
        for (letter, found) in some.iter_mut().zip(found) {
            letter.sent_again = found;
        }
    }
    Ok(letters)
}

/// The message as which a dead letter was sent again first.
async fn sent_again(
    cluster: &ClusterClient,
    group: &GroupName,
    letter: &DeadLetter,
) -> Result<Option<SentAgain>, DeadLetterError> {
    let own = letter.message.offset_message_id().to_string();
    let key = letter.message.message_id();
    let topics = [
        Some(TopicName::retry_of(group)),
        letter.origin_topic(),
        Some(TopicName::dead_letters_of(group)),
    ];
    let topics: BTreeSet<_> = topics.into_iter().flatten().collect();
    let lookups = topics.iter().map(async |topic| {
        let masters = browse::masters(cluster, topic).await?.unwrap_or_default();
        browse::with_key(cluster, &masters, topic, &key, browse::ANY_TIME).await
    });
    let found = try_join_all(lookups).await?.into_iter().flatten();
    let of_letter = found.filter(|(_, message)| letter::resent_from(message).any(|id| id == own));
    let first = of_letter.min_by_key(|(_, message)| message.physical_offset);
    Ok(first.map(|(_, message)| SentAgain {
        id: message.offset_message_id(),
        at_ms: message.store_timestamp,
        topic: message.message.topic,
    }))
}

pub(super) async fn resend(
    cluster: &Arc<ClusterClient>,
    group: &GroupName,
    letter: &DeadLetter,
    to: ResendTo,
) -> Result<Resent, DeadLetterError> {
    if let Some(before) = sent_again(cluster, group, letter).await? {
        return Ok(Resent::Before(before));
    }
    let queue = target(cluster, group, letter, to).await?;
    let (topic, flag) = (queue.topic.clone(), letter.message.sys_flag);
    let message = letter.again(topic.clone(), to);
    let producer = Producer::inner(cluster, group);
    let sent = producer
        .send_unchanged(message, flag, Target::Queue(queue))
        .await;
    let sent = sent.map_err(|source| DeadLetterError::Send {
        id: letter.message.message_id(),
        source,
    })?;
    let id = sent.offset_message_id;
    let shown = until_indexed(cluster, group, letter).await?;
    Ok(shown.map_or(Resent::Unindexed { topic, id }, Resent::Now))
}

/// The queue that a dead letter is sent to, on its own broker when the topic is there: what it becomes
/// is then deleted after it.
async fn target(
    cluster: &ClusterClient,
    group: &GroupName,
    letter: &DeadLetter,
    to: ResendTo,
) -> Result<MessageQueue, DeadLetterError> {
    let id = || letter.message.message_id();
    let topic = match to {
        ResendTo::Group => TopicName::retry_of(group),
        ResendTo::OriginTopic => letter
            .origin_topic()
            .ok_or_else(|| DeadLetterError::NoOrigin { id: id() })?,
    };
    if browse::masters(cluster, &topic).await?.is_none() {
        return Err(match to {
            ResendTo::Group => DeadLetterError::GroupGone(group.clone()),
            ResendTo::OriginTopic => DeadLetterError::OriginGone { id: id(), topic },
        });
    }
    let route = cluster.known_route(&topic).unwrap_or_default();
    let here: Vec<_> = route
        .publish
        .iter()
        .filter(|queue| queue.broker == letter.broker)
        .collect();
    let turn = usize::try_from(letter.message.queue_offset.to_wire()).unwrap_or(0);
    let queue = here.get(turn.checked_rem(here.len()).unwrap_or(0));
    let queue = queue.copied().or(route.publish.first());
    let queue = queue.cloned();
    queue.ok_or_else(|| DeadLetterError::WriteProtected { id: id(), topic })
}

/// The message as which a dead letter was sent, once the index shows it; `None` when it does not in
/// the time of a request.
async fn until_indexed(
    cluster: &ClusterClient,
    group: &GroupName,
    letter: &DeadLetter,
) -> Result<Option<SentAgain>, DeadLetterError> {
    const INDEX_POLL_INTERVAL: Duration = Duration::from_millis(10);

    let shown = async {
        loop {
            if let Some(found) = sent_again(cluster, group, letter).await? {
                return Ok(found);
            }
            cluster.clock.sleep(INDEX_POLL_INTERVAL).await;
        }
    };
    let limit = cluster.timings.api_timeout;
    cluster.clock.timeout(limit, shown).await.ok().transpose()
}
