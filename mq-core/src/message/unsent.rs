//! A message before any broker has taken it.

use bytes::Bytes;
use bytestring::ByteString;

use super::names::{NameError, Tag, TopicName};
use super::properties::{Properties, PropertyError};
use super::property;

/// A message as its sender makes it.
///
/// ```
/// # use mq_core::message::Message;
/// let order = Message::new("orders".parse()?, "one coffee")
///     .with_tag("paid")?
///     .with_key("order-1")?
///     .with_property("total", "3.50")?;
///
/// assert_eq!(order.tag(), Some("paid"));
/// assert_eq!(order.keys().collect::<Vec<_>>(), ["order-1"]);
/// assert_eq!(order.property("total"), Some("3.50"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Where it goes.
    pub topic: TopicName,
    /// A number for the application's own use; the broker keeps it as it is.
    pub flag: i32,
    /// Keys, tag, user properties and everything else that travels as text.
    pub properties: Properties,
    /// The payload.
    pub body: Bytes,
}

impl Message {
    /// A message without properties.
    pub fn new(topic: TopicName, body: impl Into<Bytes>) -> Self {
        Self {
            topic,
            flag: 0,
            properties: Properties::default(),
            body: body.into(),
        }
    }

    /// With this tag, in place of the one before. A message has at most one.
    ///
    /// # Errors
    ///
    /// [`NameError`] when the text is blank or has a control character or `||`.
    pub fn with_tag(mut self, tag: impl Into<ByteString>) -> Result<Self, NameError> {
        let tag = Tag::new(tag)?;
        self.properties.set(property::TAGS, tag.as_str());
        Ok(self)
    }

    /// With one more key, under which brokers find the message.
    ///
    /// # Errors
    ///
    /// [`PropertyError::Key`] when the key is empty or has a blank or a separator.
    pub fn with_key(mut self, key: &str) -> Result<Self, PropertyError> {
        let separator = |c: char| c.is_whitespace() || c == '\u{1}' || c == '\u{2}';
        if key.is_empty() || key.contains(separator) {
            return Err(PropertyError::Key {
                key: key.to_owned(),
            });
        }
        let keys = match self.properties.get(property::KEYS) {
            Some(before) => format!("{before} {key}"),
            None => key.to_owned(),
        };
        self.properties.set(property::KEYS, &keys);
        Ok(self)
    }

    /// With a property of the application's own, which conditions can ask for.
    ///
    /// # Errors
    ///
    /// [`PropertyError`], as [`Properties::set_user`].
    pub fn with_property(mut self, name: &str, value: &str) -> Result<Self, PropertyError> {
        self.properties.set_user(name, value)?;
        Ok(self)
    }

    /// The first property of this name.
    pub fn property(&self, name: &str) -> Option<&str> {
        self.properties.get(name)
    }

    /// The body as text; `None` when it is not UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.body).ok()
    }

    /// The tag, when the message has one.
    pub fn tag(&self) -> Option<&str> {
        self.properties.get(property::TAGS)
    }

    /// The keys under which the message can be found, in the order in which they were given.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.properties
            .get(property::KEYS)
            .into_iter()
            .flat_map(str::split_whitespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message::new("orders".parse().unwrap(), "x")
    }

    #[test]
    fn keys_are_added_and_a_tag_is_replaced() {
        let message = message().with_key("a").unwrap().with_key("b").unwrap();
        let message = message.with_tag("sent").unwrap().with_tag("paid").unwrap();

        assert_eq!(message.keys().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(message.tag(), Some("paid"));
    }

    #[test]
    fn what_would_be_another_property_or_two_keys_is_refused() {
        assert!(message().with_tag("a||b").is_err());
        assert!(message().with_tag("a\u{2}KEYS\u{1}b").is_err());
        for key in ["", "a b", "a\u{1}b"] {
            let refused = message().with_key(key);
            assert_eq!(
                refused,
                Err(PropertyError::Key {
                    key: key.to_owned()
                })
            );
        }
        assert!(message().with_property("TAGS", "paid").is_err());
        assert!(message().with_property("total", "\u{2}").is_err());
    }

    #[test]
    fn a_body_that_is_not_text_has_none() {
        assert_eq!(message().text(), Some("x"));
        assert_eq!(Message::new("t".parse().unwrap(), vec![0xff]).text(), None);
    }
}
