//! What became of a batch.

use std::ops::Range;

use mq_core::client::SendResult;

use super::error::SendError;

/// The messages of a batch that were sent in one request: all of them are stored, or none.
#[derive(Debug)]
pub struct SentPart {
    /// Their positions in the batch, from 0.
    pub messages: Range<usize>,
    /// Where they were stored, or why they were not. With several messages the ids in the result are
    /// joined by commas, and the queue offset is that of the first.
    pub outcome: Result<SendResult, SendError>,
}

/// Why not every message of a batch is stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BatchError {
    /// Nothing was sent: the batch breaks a rule, or the application sends no more.
    #[error("{0}")]
    Refused(#[source] SendError),
    /// Nothing was sent: one message of the batch cannot be written as it was asked for.
    #[error("message {} of the batch: {source}", position.saturating_add(1))]
    Message {
        /// Its position in the batch, from 0; in the text, messages count from 1.
        position: usize,
        /// What is wrong with it.
        source: SendError,
    },
    /// Some requests failed. The others are in here too, with where their messages are: only those that
    /// failed are to be sent again.
    #[error("{}", told(.0))]
    Parts(Vec<SentPart>),
}

impl BatchError {
    /// The parts, when all of them are stored.
    pub(super) fn unless_all_are_stored(parts: Vec<SentPart>) -> Result<Vec<SentPart>, Self> {
        if parts.iter().all(|part| part.outcome.is_ok()) {
            Ok(parts)
        } else {
            Err(Self::Parts(parts))
        }
    }
}

/// How many messages are not stored, and why the first of them is not.
fn told(parts: &[SentPart]) -> String {
    let all: usize = parts.iter().map(|part| part.messages.len()).sum();
    let failed = parts.iter().filter_map(|part| {
        let error = part.outcome.as_ref().err()?;
        Some((part.messages.clone(), error))
    });
    let count: usize = failed.clone().map(|(messages, _)| messages.len()).sum();
    let first = failed.clone().next().map(|(messages, error)| {
        let (first, last) = (messages.start.saturating_add(1), messages.end);
        format!(": messages {first} to {last}: {error}")
    });
    let why = first.unwrap_or_default();
    format!("{count} of {all} messages of the batch were not stored{why}")
}

#[cfg(test)]
mod tests {
    use mq_core::client::SendStatus;
    use mq_core::message::{MessageQueue, QueueOffset, TopicName};

    use super::*;

    #[test]
    fn the_error_says_how_many_are_missing_and_why() {
        let stored = SendResult {
            status: SendStatus::Ok,
            message_id: String::new(),
            offset_message_id: String::new(),
            queue: MessageQueue::new(TopicName::new("t").unwrap(), "a", 0),
            queue_offset: QueueOffset::default(),
            transaction_id: None,
            region: String::new(),
            recall_handle: None,
        };
        let parts = vec![
            SentPart {
                messages: 0..3,
                outcome: Ok(stored),
            },
            SentPart {
                messages: 3..5,
                outcome: Err(SendError::ShutDown),
            },
        ];

        let error = BatchError::unless_all_are_stored(parts).unwrap_err();

        let said = error.to_string();
        let begin =
            "2 of 5 messages of the batch were not stored: messages 4 to 5: the application";
        assert!(said.starts_with(begin), "{said}");
    }
}
