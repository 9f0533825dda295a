//! Turns the bytes of a pull response into messages for the listener (`PullAPIWrapper`).

use bytes::Bytes;

use crate::message::compression::{self, CompressionError, MAX_UNPACKED_BODY};
use crate::message::record::{self, RecordError};
use crate::message::subscription::{Filter, Subscription};
use crate::message::{GroupName, MessageExt, SysFlag, TopicName, property};

pub(super) fn read(body: &Bytes) -> Result<Vec<MessageExt>, RecordError> {
    record::decode_all(body.clone())
}

/// The messages that the subscription's filter lets through, with the topics they were first sent
/// to.
pub(super) fn wanted(
    subscription: Option<&Subscription>,
    group: &GroupName,
    messages: Vec<MessageExt>,
) -> Vec<MessageExt> {
    let everything = Filter::default();
    let filter = subscription.map_or(&everything, |subscription| &subscription.filter);
    filtered(filter, group, messages)
}

fn filtered(filter: &Filter, group: &GroupName, messages: Vec<MessageExt>) -> Vec<MessageExt> {
    let retry_topic = TopicName::retry_of(group);
    let wanted = messages
        .into_iter()
        .filter(|message| filter.wants(|name| message.message.properties.get(name)));
    wanted
        .map(|mut message| {
            restore_topic(&mut message, &retry_topic);
            message
        })
        .collect()
}

/// The message with its body decompressed. This is done just before the listener is called, so that
/// waiting messages take only the memory that flow control counts.
///
/// After an error the message must not reach the listener, which would take the compressed bytes
/// for the body.
pub(in crate::client) fn unpacked(mut message: MessageExt) -> Result<MessageExt, CompressionError> {
    let packed = &message.message.body;
    message.message.body = compression::unpack(packed, message.sys_flag, MAX_UNPACKED_BODY)?;
    message.sys_flag = message.sys_flag.without(SysFlag::COMPRESSED);
    Ok(message)
}

/// Gives a message from the retry topic the topic it was first sent to.
fn restore_topic(message: &mut MessageExt, retry_topic: &TopicName) {
    if message.message.topic != *retry_topic {
        return;
    }
    let first = message.message.properties.get(property::RETRY_TOPIC);
    if let Some(Ok(first)) = first.map(|first| TopicName::new(first.to_owned())) {
        message.message.topic = first;
    }
}

#[cfg(test)]
mod tests {
    use super::super::process_queue::tests::message;
    use super::*;
    use crate::message::Compression;

    fn tagged(tag: &str) -> MessageExt {
        let mut message = message(1, "x");
        message.message.properties.set(property::TAGS, tag);
        message
    }

    fn group() -> GroupName {
        GroupName::new("g").unwrap()
    }

    #[test]
    fn two_tags_with_one_hash_code_are_told_apart() {
        let filter = Filter::by_tags("Aa || c").unwrap();

        let wanted = filtered(
            &filter,
            &group(),
            vec![tagged("Aa"), tagged("BB"), message(2, "x")],
        );

        assert_eq!(wanted, [tagged("Aa")]);
    }

    #[test]
    fn a_packed_body_is_unpacked() {
        let mut packed = message(1, "");
        packed.message.body = compression::pack(b"hello", Compression::Zlib, 5).unwrap();
        packed.sys_flag = packed.sys_flag.compressed_by(Compression::Zlib);

        let message = unpacked(packed).unwrap();

        assert_eq!(message.message.body, "hello");
        assert!(!message.sys_flag.has(SysFlag::COMPRESSED));
    }

    #[test]
    fn a_message_that_comes_again_has_its_own_topic() {
        let mut again = message(1, "x");
        again.message.topic = TopicName::retry_of(&group());
        again
            .message
            .properties
            .set(property::RETRY_TOPIC, "orders");
        let mut of_others = again.clone();
        of_others.message.topic = TopicName::new("%RETRY%other").unwrap();

        let all = filtered(&Filter::default(), &group(), vec![again, of_others]);

        assert_eq!(all[0].message.topic, "orders");
        assert_eq!(all[1].message.topic, "%RETRY%other");
    }
}
