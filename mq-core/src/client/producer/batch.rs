//! Several messages in one request (`MessageBatch`, `MessageDecoder.encodeMessages`).

use bytes::Bytes;

use super::config::ProducerConfig;
use super::prepare::{self, SendDraft, SendKind};
use crate::client::error::{MessageError, SendError};
use crate::message::{Message, TopicName, batch, property};
use crate::wire::header::SendMessage;

/// The request for `messages`, which must have one topic.
pub(super) fn draft(
    messages: Vec<Message>,
    config: &ProducerConfig,
    new_id: impl Fn() -> String,
) -> Result<SendDraft, SendError> {
    let Some(topic) = messages.first().map(|first| first.topic.clone()) else {
        return Err(SendError::EmptyBatch);
    };
    let refused = |source| SendError::Message {
        topic: topic.clone(),
        source,
    };
    let (body, ids) = encode(messages, &topic, config, &new_id).map_err(refused)?;
    let mut whole = Message::new(topic.clone(), body.clone());
    prepare::complete(&mut whole, new_id);
    let header = SendMessage {
        reconsume_times: Some(0),
        batch: Some(true),
        ..prepare::header(&whole, config).map_err(refused)?
    };
    Ok(SendDraft {
        kind: SendKind::Batch,
        topic: whole.topic,
        id: ids.join(","),
        header,
        body,
        is_timed: false,
    })
}

fn encode(
    messages: Vec<Message>,
    topic: &TopicName,
    config: &ProducerConfig,
    new_id: &impl Fn() -> String,
) -> Result<(Bytes, Vec<String>), MessageError> {
    if topic.is_retry() {
        return Err(MessageError::NotInBatch("messages of a retry topic"));
    }
    let mut complete = Vec::with_capacity(messages.len());
    let mut ids = Vec::with_capacity(messages.len());
    for mut message in messages {
        if message.topic != *topic {
            return Err(MessageError::MixedTopics(message.topic));
        }
        let delayed = [
            property::DELAY,
            property::TIMER_DELAY_SEC,
            property::TIMER_DELAY_MS,
            property::TIMER_DELIVER_MS,
        ];
        if delayed
            .iter()
            .any(|name| message.properties.get(name).is_some())
        {
            return Err(MessageError::NotInBatch("delayed messages"));
        }
        prepare::check(&message, config)?;
        ids.push(prepare::complete(&mut message, new_id));
        complete.push(message);
    }
    let body = batch::encode(&complete)?;
    prepare::check_length(body.len(), config)?;
    Ok((body, ids))
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
        let mut delayed = message("t", "x");
        delayed.properties.set(property::DELAY, "3");

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
        assert!(matches!(
            drafted(vec![delayed]),
            Err(MessageError::NotInBatch(_))
        ));
        assert!(matches!(
            drafted(vec![message("%RETRY%g", "x")]),
            Err(MessageError::NotInBatch(_))
        ));
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
