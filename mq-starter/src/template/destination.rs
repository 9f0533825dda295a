//! Where a message goes: `topic` or `topic:tag`.

use mq_core::message::{NameError, Tag, TopicName};

/// A topic and perhaps a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Destination {
    pub(super) topic: TopicName,
    pub(super) tag: Option<Tag>,
}

impl Destination {
    /// Splits at the first colon: what follows is the tag, further colons included.
    pub(super) fn parse(text: &str) -> Result<Self, NameError> {
        let (topic, tag) = match text.split_once(':') {
            Some((topic, tag)) => (topic, Some(Tag::new(tag)?)),
            None => (text, None),
        };
        let topic = TopicName::new(topic)?;
        Ok(Self { topic, tag })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_colon_separates_topic_and_tag() {
        let destination = Destination::parse("order-topic:created:late").unwrap();

        assert_eq!(destination.topic, "order-topic");
        assert_eq!(destination.tag.unwrap().as_str(), "created:late");
        assert_eq!(Destination::parse("order-topic").unwrap().tag, None);
    }

    #[test]
    fn neither_part_may_be_empty() {
        for text in ["", ":created", "order-topic:", "order topic"] {
            assert!(Destination::parse(text).is_err(), "{text:?}");
        }
    }
}
