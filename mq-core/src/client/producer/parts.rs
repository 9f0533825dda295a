//! Batches that are longer than one request may be: split by size, sent one after the other, reported
//! part by part.

use std::ops::Range;
use std::time::Duration;

use super::attempts::Retry;
use super::batch::CheckedBatch;
use super::config::ProducerConfig;
use super::outcome::SendResult;
use super::prepare::{self, SendDraft};
use super::shared::ProducerShared;
use super::target::Target;
use crate::client::error::SendError;
use crate::message::{Message, batch};

/// The messages of a batch that were sent in one request: all of them are stored, or none.
#[derive(Debug)]
pub struct BatchPart {
    /// Their positions in the batch, from 0.
    pub messages: Range<usize>,
    /// Where they were stored, or why they were not.
    pub outcome: Result<SendResult, SendError>,
}

impl ProducerShared {
    /// Sends each part within `limit`.
    pub(super) async fn send_in_parts(
        &self,
        messages: Vec<Message>,
        target: Target,
        limit: Duration,
    ) -> Result<Vec<BatchPart>, SendError> {
        let batch = CheckedBatch::of(messages, &self.config, &|| self.cluster.unique_id())?;
        let drafts = drafts(&batch, &self.config, || self.cluster.unique_id())?;
        let topic = batch.topic().clone();
        drop(batch);
        let mut parts: Vec<BatchPart> = Vec::with_capacity(drafts.len());
        for (messages, draft) in drafts {
            let has_failed = parts.last().is_some_and(|part| part.outcome.is_err());
            let outcome = if has_failed && target.keeps_order() {
                Err(SendError::EarlierPartFailed(topic.clone()))
            } else {
                let target = target.clone();
                self.send(draft, target, limit, Retry::Waiting).await
            };
            parts.push(BatchPart { messages, outcome });
        }
        Ok(parts)
    }
}

/// The requests, each with the positions of its messages. A message alone is sent as any other, so that
/// one with the longest body that is allowed fits too.
fn drafts(
    batch: &CheckedBatch,
    config: &ProducerConfig,
    new_id: impl Fn() -> String,
) -> Result<Vec<(Range<usize>, SendDraft)>, SendError> {
    let messages = batch.messages();
    let with_draft = |part: Range<usize>| {
        let draft = match messages.get(part.clone()) {
            Some([message]) => prepare::single(message.clone(), config, &new_id),
            _ => batch.draft(part.clone(), config, &new_id),
        };
        draft.map(|draft| (part, draft))
    };
    let parts = split(messages, config.max_message_size);
    parts.into_iter().map(with_draft).collect()
}

/// The positions of the messages of each part: as many as fit into `limit` bytes, at least one.
fn split(messages: &[Message], limit: usize) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (position, message) in messages.iter().enumerate() {
        let length = batch::encoded_length(message);
        if position > start && bytes + length > limit {
            parts.push(start..position);
            (start, bytes) = (position, 0);
        }
        bytes += length;
    }
    parts.push(start..messages.len());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::producer::prepare::SendKind;
    use crate::message::{GroupName, TopicName};

    fn drafted(lengths: &[usize], limit: usize) -> Vec<(Range<usize>, SendDraft)> {
        let topic = TopicName::new("t").unwrap();
        let message = |length: &usize| Message::new(topic.clone(), vec![b'x'; *length]);
        let mut config = ProducerConfig::new(GroupName::new("p").unwrap());
        config.max_message_size = limit;
        let id = || "ID".to_owned();
        let messages = lengths.iter().map(message).collect();
        let batch = CheckedBatch::of(messages, &config, &id).unwrap();
        drafts(&batch, &config, id).unwrap()
    }

    #[test]
    fn each_part_has_as_many_messages_as_fit() {
        // 22 bytes and the properties `WAIT true` and `UNIQ_KEY ID` for each.
        let each = 22 + 22 + 100;
        let parts = drafted(&[100; 7], 3 * each);

        let positions: Vec<_> = parts.iter().map(|(part, _)| part.clone()).collect();
        assert_eq!(positions, [0..3, 3..6, 6..7]);
        let lengths: Vec<_> = parts.iter().map(|(_, draft)| draft.body.len()).collect();
        assert_eq!(lengths, [3 * each, 3 * each, 100]);
        assert_eq!(parts[1].1.id, "ID,ID,ID");
        let one_less = drafted(&[100; 7], 3 * each - 1);
        assert_eq!(one_less[0].0, 0..2);
    }

    #[test]
    fn a_message_as_long_as_is_allowed_is_sent_alone() {
        let parts = drafted(&[10, 200, 10, 10], 200);

        let kinds: Vec<_> = parts
            .iter()
            .map(|(part, draft)| (part.clone(), draft.kind))
            .collect();
        let (single, batch) = (SendKind::Single, SendKind::Batch);
        assert_eq!(kinds, [(0..1, single), (1..2, single), (2..4, batch)]);
    }
}
