//! Makes a request of a message: validates it, adds an id, compresses the body (`sendKernelImpl`,
//! `Validators`).

use bytes::Bytes;
use bytestring::ByteString;

use super::config::ProducerConfig;
use crate::client::error::{MessageError, SendError};
use crate::message::compression;
use crate::message::later::time_of;
use crate::message::request::REPLY;
use crate::message::{Compression, Message, SysFlag, TopicName, property};
use crate::wire::header::SendMessage;

/// The largest signed 16-bit length.
const MAX_PROPERTIES_LENGTH: usize = 32_767;

/// The compression level of Java's clients.
const ZLIB_LEVEL: u32 = 5;

/// A request that lacks only its queue.
#[derive(Clone, Debug)]
pub(super) struct SendDraft {
    pub(super) kind: SendKind,
    pub(super) topic: TopicName,
    /// The unique id of the message; those of a batch are joined by `,`.
    pub(super) id: String,
    pub(super) header: SendMessage,
    pub(super) body: Bytes,
    /// The message is meant for a later time, which not every broker knows.
    pub(super) is_timed: bool,
}

/// The requests by which messages are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SendKind {
    /// 310.
    Single,
    /// 320: several messages.
    Batch,
    /// 325: a reply, which the broker pushes to who waits for it.
    Reply,
}

/// The request for one message.
pub(super) fn single(
    message: Message,
    config: &ProducerConfig,
    new_id: impl Fn() -> String,
) -> Result<SendDraft, SendError> {
    check(&message, config).map_err(|source| refused(&message.topic, source))?;
    draft(message, config, new_id, |body| pack(body, config))
}

/// The request for a message that came from a broker, with its body compressed as `flag` says. It
/// is not validated: a broker has stored it before.
pub(super) fn unchanged(
    message: Message,
    flag: SysFlag,
    config: &ProducerConfig,
    new_id: impl Fn() -> String,
) -> Result<SendDraft, SendError> {
    draft(message, config, new_id, |body| (body, flag.packing()))
}

fn refused(topic: &TopicName, source: MessageError) -> SendError {
    SendError::Message {
        topic: topic.clone(),
        source,
    }
}

fn draft(
    mut message: Message,
    config: &ProducerConfig,
    new_id: impl Fn() -> String,
    packed: impl FnOnce(Bytes) -> (Bytes, SysFlag),
) -> Result<SendDraft, SendError> {
    let id = complete(&mut message, new_id);
    let attempts = message
        .topic
        .is_retry()
        .then(|| Attempts::take(&mut message));
    let attempts = attempts.unwrap_or_default();
    let kind = match message.properties.get(property::MSG_TYPE) {
        Some(REPLY) => SendKind::Reply,
        _ => SendKind::Single,
    };
    let (body, flag) = packed(message.body.clone());
    let is_half = message.properties.get(property::TRAN_MSG) == Some("true");
    let transaction = if is_half { SysFlag::PREPARED } else { 0 };
    let header = SendMessage {
        sys_flag: flag.with(transaction).0,
        reconsume_times: Some(attempts.so_far.unwrap_or(0)),
        max_reconsume_times: attempts.allowed,
        batch: Some(false),
        ..header(&message, config).map_err(|source| refused(&message.topic, source))?
    };
    Ok(SendDraft {
        kind,
        is_timed: time_of(&message.properties).is_some(),
        topic: message.topic,
        id,
        header,
        body,
    })
}

/// The fields that single messages and batches have in common.
pub(super) fn header(
    message: &Message,
    config: &ProducerConfig,
) -> Result<SendMessage, MessageError> {
    Ok(SendMessage {
        producer_group: config.group.to_text(),
        topic: message.topic.to_text(),
        default_topic: config.create_topic_key.clone(),
        default_topic_queue_nums: config.default_topic_queue_nums.into(),
        flag: message.flag,
        properties: Some(properties(message)?),
        ..SendMessage::default()
    })
}

/// The properties of a message that is complete.
pub(super) fn properties(message: &Message) -> Result<ByteString, MessageError> {
    let properties = message.properties.as_bytes();
    if properties.len() > MAX_PROPERTIES_LENGTH {
        return Err(MessageError::Properties {
            length: properties.len(),
            limit: MAX_PROPERTIES_LENGTH,
        });
    }
    ByteString::try_from(properties.clone()).map_err(|_not_text| MessageError::NotText)
}

/// The rules that Java's clients check before they send a request.
pub(super) fn check(message: &Message, config: &ProducerConfig) -> Result<(), MessageError> {
    if message.topic.is_closed() {
        return Err(MessageError::SystemTopic);
    }
    if message.body.is_empty() {
        return Err(MessageError::EmptyBody);
    }
    check_length(message.body.len(), config)
}

pub(super) fn check_length(length: usize, config: &ProducerConfig) -> Result<(), MessageError> {
    let limit = config.max_message_size;
    if length > limit {
        return Err(MessageError::TooLong { length, limit });
    }
    Ok(())
}

/// Adds the properties that every message has; returns its unique id.
pub(super) fn complete(message: &mut Message, new_id: impl Fn() -> String) -> String {
    let properties = &mut message.properties;
    if properties.get(property::WAIT).is_none() {
        properties.set(property::WAIT, "true");
    }
    if let Some(id) = properties.get(property::UNIQ_KEY) {
        return id.to_owned();
    }
    let id = new_id();
    properties.set(property::UNIQ_KEY, &id);
    id
}

fn pack(body: Bytes, config: &ProducerConfig) -> (Bytes, SysFlag) {
    let plain = SysFlag::default();
    if body.len() < config.compress_body_over {
        return (body, plain);
    }
    match compression::pack(&body, Compression::Zlib, ZLIB_LEVEL) {
        Ok(packed) if packed.len() < body.len() => (packed, plain.compressed_by(Compression::Zlib)),
        _ => (body, plain),
    }
}

/// The attempts of a message that goes to a retry topic, so far and allowed: they travel as request
/// fields, not as properties.
#[derive(Default)]
struct Attempts {
    so_far: Option<i32>,
    allowed: Option<i32>,
}

impl Attempts {
    fn take(message: &mut Message) -> Self {
        let mut take = |name| {
            let value = message.properties.get(name)?.parse().ok();
            message.properties.remove(name);
            value
        };
        Self {
            so_far: take(property::RECONSUME_TIME),
            allowed: take(property::MAX_RECONSUME_TIMES),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::GroupName;

    fn config() -> ProducerConfig {
        ProducerConfig::new(GroupName::new("p").unwrap())
    }

    fn message(topic: &'static str, body: impl Into<Bytes>) -> Message {
        Message::new(TopicName::new(topic).unwrap(), body)
    }

    fn draft(message: Message) -> Result<SendDraft, SendError> {
        single(message, &config(), || "ID".to_owned())
    }

    fn refusal(message: Message) -> MessageError {
        match draft(message) {
            Err(SendError::Message { source, .. }) => source,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_java_refuses_is_refused_before_a_request_is_sent() {
        assert_eq!(refusal(message("t", "")), MessageError::EmptyBody);
        assert_eq!(
            refusal(message("SCHEDULE_TOPIC_XXXX", "x")),
            MessageError::SystemTopic
        );
        let length = 4 * 1024 * 1024 + 1;
        let too_long = message("t", vec![0; length]);
        let limit = length - 1;
        assert_eq!(refusal(too_long), MessageError::TooLong { length, limit });
        let mut properties = message("t", "x");
        properties.properties.set("a", &"b".repeat(40_000));
        assert!(matches!(
            refusal(properties),
            MessageError::Properties { .. }
        ));
    }

    #[test]
    fn a_message_gets_an_id_unless_it_has_one() {
        let new = draft(message("t", "x")).unwrap();
        assert_eq!(new.id, "ID");
        let text = new.header.properties.unwrap();
        assert_eq!(text, "WAIT\u{1}true\u{2}UNIQ_KEY\u{1}ID\u{2}");

        let mut known = message("t", "x");
        known.properties.set(property::UNIQ_KEY, "MINE");
        assert_eq!(draft(known).unwrap().id, "MINE");
    }

    #[test]
    fn long_bodies_are_compressed_when_that_makes_them_shorter() {
        let short = draft(message("t", vec![b'a'; 4095])).unwrap();
        assert_eq!((short.body.len(), short.header.sys_flag), (4095, 0));

        let long = draft(message("t", vec![b'a'; 4096])).unwrap();
        assert_eq!(long.header.sys_flag, SysFlag::COMPRESSED);
        let flag = SysFlag(long.header.sys_flag);
        let body = compression::unpack(&long.body, flag, 5000).unwrap();
        assert_eq!(body, vec![b'a'; 4096]);
    }

    #[test]
    fn a_message_from_a_broker_is_sent_unchanged() {
        let flag = SysFlag(SysFlag::BORN_HOST_V6).compressed_by(Compression::Zstd);
        let body = vec![b'a'; 5000];
        let came = message("%RETRY%g", body.clone());

        let draft = unchanged(came, flag, &config(), || "ID".to_owned()).unwrap();

        assert_eq!(draft.body, body);
        assert_eq!(draft.header.sys_flag, flag.packing().0);
        assert_eq!(flag.packing().compression(), Ok(Some(Compression::Zstd)));
    }

    #[test]
    fn attempts_of_a_retry_travel_as_fields() {
        let mut retry = message("%RETRY%g", "x");
        retry.properties.set(property::RECONSUME_TIME, "3");
        retry.properties.set(property::MAX_RECONSUME_TIMES, "5");

        let draft = draft(retry).unwrap();

        assert_eq!(draft.header.reconsume_times, Some(3));
        assert_eq!(draft.header.max_reconsume_times, Some(5));
        assert!(!draft.header.properties.unwrap().contains("RECONSUME"));
    }
}
