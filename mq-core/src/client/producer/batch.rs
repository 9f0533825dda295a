//! Several messages in one request (`MessageBatch`, `MessageDecoder.encodeMessages`).

use std::ops::Range;

use super::config::ProducerConfig;
use super::prepare::{self, SendDraft, SendKind};
use crate::client::error::{MessageError, SendError};
use crate::message::later::delay_of;
use crate::message::{Message, TopicName, batch, property};
use crate::wire::header::SendMessage;

/// The messages of one batch, checked and complete.
pub(super) struct CheckedBatch {
    topic: TopicName,
    messages: Vec<Message>,
    ids: Vec<String>,
}

/// The request for `messages`, which must have one topic.
pub(super) fn draft(
    messages: Vec<Message>,
    config: &ProducerConfig,
    new_id: impl Fn() -> String,
) -> Result<SendDraft, SendError> {
    let batch = CheckedBatch::of(messages, config, &new_id)?;
    batch.draft(0..batch.messages.len(), config, new_id)
}

impl CheckedBatch {
    pub(super) fn of(
        messages: Vec<Message>,
        config: &ProducerConfig,
        new_id: &impl Fn() -> String,
    ) -> Result<Self, SendError> {
        let Some(first) = messages.first() else {
            return Err(SendError::EmptyBatch);
        };
        let mut batch = Self {
            topic: first.topic.clone(),
            messages,
            ids: Vec::new(),
        };
        let completed = batch.complete(config, new_id);
        completed.map_err(|source| batch.refused(source))?;
        Ok(batch)
    }

    pub(super) fn topic(&self) -> &TopicName {
        &self.topic
    }

    pub(super) fn messages(&self) -> &[Message] {
        &self.messages
    }

    /// The request for the messages at these positions.
    pub(super) fn draft(
        &self,
        part: Range<usize>,
        config: &ProducerConfig,
        new_id: impl Fn() -> String,
    ) -> Result<SendDraft, SendError> {
        let messages = self.messages.get(part.clone()).unwrap_or_default();
        let refused = |source| self.refused(source);
        let body = batch::encode(messages).map_err(|source| refused(source.into()))?;
        prepare::check_length(body.len(), config).map_err(refused)?;
        let mut whole = Message::new(self.topic.clone(), body.clone());
        if let Some(wait) = messages.first().and_then(waits) {
            whole.properties.set(property::WAIT, wait);
        }
        prepare::complete(&mut whole, new_id);
        let header = SendMessage {
            reconsume_times: Some(0),
            batch: Some(true),
            ..prepare::header(&whole, config).map_err(refused)?
        };
        Ok(SendDraft {
            kind: SendKind::Batch,
            topic: whole.topic,
            id: self.ids.get(part).unwrap_or_default().join(","),
            header,
            body,
            is_timed: false,
        })
    }

    fn complete(
        &mut self,
        config: &ProducerConfig,
        new_id: &impl Fn() -> String,
    ) -> Result<(), MessageError> {
        if self.topic.is_retry() {
            return Err(MessageError::NotInBatch("messages of a retry topic"));
        }
        for (position, message) in self.messages.iter_mut().enumerate() {
            if message.topic != self.topic {
                return Err(MessageError::MixedTopics(message.topic.clone()));
            }
            let checked = check(message).and_then(|()| {
                prepare::check(message, config)?;
                self.ids.push(prepare::complete(message, new_id));
                prepare::properties(message).map(drop)
            });
            checked.map_err(|source| MessageError::OfBatch {
                position,
                source: Box::new(source),
            })?;
        }
        let first = self.messages.first().and_then(waits);
        if self.messages.iter().any(|message| waits(message) != first) {
            return Err(MessageError::NotInBatch(
                "messages that wait until they are stored and messages that do not",
            ));
        }
        Ok(())
    }

    fn refused(&self, source: MessageError) -> SendError {
        SendError::Message {
            topic: self.topic.clone(),
            source,
        }
    }
}

/// Whether the broker answers only when the message is stored as safely as it is configured.
fn waits(message: &Message) -> Option<&str> {
    message.properties.get(property::WAIT)
}

/// Refuses what brokers would store at once, without its delay or outside its transaction.
fn check(message: &Message) -> Result<(), MessageError> {
    let properties = &message.properties;
    if delay_of(properties).is_some() {
        return Err(MessageError::NotInBatch("delayed messages"));
    }
    if properties.get(property::TRAN_MSG) == Some("true") {
        return Err(MessageError::NotInBatch("messages in a transaction"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::GroupName;

    fn message(topic: &'static str, body: &'static str) -> Message {
        Message::new(TopicName::new(topic).unwrap(), body)
    }

    fn drafted(messages: Vec<Message>) -> Result<SendDraft, MessageError> {
        let config = ProducerConfig::new(GroupName::new("p").unwrap());
        draft(messages, &config, || "ID".to_owned()).map_err(|error| match error {
            SendError::Message { source, .. } => source,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn each_message_is_encoded_with_its_own_length_and_id() {
        let draft = drafted(vec![message("t", "one"), message("t", "three")]).unwrap();

        let properties = "WAIT\u{1}true\u{2}UNIQ_KEY\u{1}ID\u{2}";
        let mut expected = Vec::new();
        for body in ["one", "three"] {
            let total = u32::try_from(22 + body.len() + properties.len()).unwrap();
            expected.extend_from_slice(&total.to_be_bytes());
            expected.extend_from_slice(&[0; 12]);
            expected.extend_from_slice(&u32::try_from(body.len()).unwrap().to_be_bytes());
            expected.extend_from_slice(body.as_bytes());
            expected.extend_from_slice(&u16::try_from(properties.len()).unwrap().to_be_bytes());
            expected.extend_from_slice(properties.as_bytes());
        }
        assert_eq!(draft.body, expected);
        assert_eq!(draft.id, "ID,ID");
        assert_eq!(draft.header.batch, Some(true));
        assert_eq!(draft.header.properties.unwrap(), properties);
    }

    #[test]
    fn what_cannot_be_in_one_batch_is_refused() {
        let with = |name, value| {
            let mut message = message("t", "x");
            message.properties.set(name, value);
            message
        };

        let config = ProducerConfig::new(GroupName::new("p").unwrap());
        assert!(matches!(
            draft(vec![], &config, String::new),
            Err(SendError::EmptyBatch)
        ));
        let other = TopicName::new("u").unwrap();
        assert_eq!(
            drafted(vec![message("t", "x"), message("u", "x")]).unwrap_err(),
            MessageError::MixedTopics(other)
        );
        let hasty = vec![message("t", "x"), with(property::WAIT, "false")];
        for one in [with(property::DELAY, "3"), with(property::TRAN_MSG, "true")] {
            let refused = drafted(vec![message("t", "x"), one]).unwrap_err();
            let told = refused.to_string();
            assert!(
                told.starts_with("message 2 of the batch: a batch cannot hold"),
                "{told}"
            );
        }
        let long = with("color", &"x".repeat(40_000));
        let refused = drafted(vec![message("t", "x"), long]).unwrap_err();
        assert!(
            matches!(refused, MessageError::OfBatch { position: 1, ref source }
                if matches!(**source, MessageError::Properties { .. })),
            "{refused}"
        );
        for messages in [hasty, vec![message("%RETRY%g", "x")]] {
            assert!(matches!(
                drafted(messages),
                Err(MessageError::NotInBatch(_))
            ));
        }
        let half = Message::new(
            TopicName::new("t").unwrap(),
            vec![b'x'; config.max_message_size / 2],
        );
        assert!(matches!(
            drafted(vec![half.clone(), half]),
            Err(MessageError::TooLong { .. })
        ));
    }
}
