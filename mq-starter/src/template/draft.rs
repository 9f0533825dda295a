//! A message being written: what the caller said so far, checked piece by piece.
//!
//! The builder keeps the first mistake and returns it when the message is to be sent.

use std::time::Duration;

use bytes::Bytes;
use mq_core::message::{Later, Message, Properties, TopicName, property};
use serde::Serialize;

use super::destination::Destination;
use super::error::SendError;
use super::publish::{PreparedSend, SendOptions};
use crate::payload::{self, Encoded};
use crate::transaction::LISTENER_PROPERTY;

pub(super) const CONTENT_TYPE: &str = "contentType";
pub(super) const APPLICATION_JSON: &str = "application/json";

/// What the caller said so far.
#[derive(Clone, Debug)]
pub(super) struct MessageDraft {
    destination: Destination,
    body: Option<Bytes>,
    keys: Vec<String>,
    properties: Properties,
    later: Option<Later>,
    check_after: Option<Duration>,
    pub(super) options: SendOptions,
}

impl MessageDraft {
    pub(super) fn to(destination: &str) -> Result<Self, SendError> {
        let parsed = Destination::parse(destination);
        let parsed = parsed.map_err(|source| SendError::Destination {
            destination: destination.to_owned(),
            source,
        })?;
        Ok(Self {
            destination: parsed,
            body: None,
            keys: Vec::new(),
            properties: Properties::default(),
            later: None,
            check_after: None,
            options: SendOptions::default(),
        })
    }

    pub(super) fn topic(&self) -> &TopicName {
        &self.destination.topic
    }

    pub(super) fn payload<T: Serialize + ?Sized>(&mut self, payload: &T) -> Result<(), SendError> {
        let Encoded { body, is_json } = payload::encode_as(payload).map_err(SendError::Payload)?;
        self.body = Some(body);
        if is_json && self.properties.get(CONTENT_TYPE).is_none() {
            self.properties.set(CONTENT_TYPE, APPLICATION_JSON);
        }
        Ok(())
    }

    pub(super) fn body(&mut self, body: Bytes) {
        self.body = Some(body);
    }

    /// Adds a key; a blank inside would make it two.
    pub(super) fn key(&mut self, key: String) -> Result<(), SendError> {
        let separator = |c: char| c.is_whitespace() || c == '\u{1}' || c == '\u{2}';
        if key.is_empty() || key.contains(separator) {
            return Err(SendError::Key(key));
        }
        self.keys.push(key);
        Ok(())
    }

    pub(super) fn header(&mut self, name: &str, value: &str) -> Result<(), SendError> {
        let set = self.properties.set_user(name, value);
        set.map_err(SendError::Header)
    }

    /// Has it delivered later.
    pub(super) fn later(&mut self, later: Later) -> Result<(), SendError> {
        let topic = || self.destination.topic.clone();
        let is_none = match later {
            Later::Level(level) => level == 0,
            Later::After(delay) => delay.is_zero(),
            _ => false,
        };
        if is_none {
            return Err(SendError::NoDelay(topic()));
        }
        if self.later.is_some() {
            return Err(SendError::TwoTimes(topic()));
        }
        self.later = Some(later);
        Ok(())
    }

    /// The transaction listener of this name is asked how the message's transaction ended.
    pub(super) fn in_transaction_of(&mut self, listener: &str) -> Result<(), SendError> {
        if self.later.is_some() {
            return Err(SendError::DelayedTransaction(
                self.destination.topic.clone(),
            ));
        }
        self.properties.set(LISTENER_PROPERTY, listener);
        if let Some(time) = self.check_after.take() {
            let begun = u64::from(time.subsec_nanos() > 0);
            let seconds = time.as_secs().saturating_add(begun);
            let name = property::CHECK_IMMUNITY_TIME_IN_SECONDS;
            self.properties.set(name, &seconds.to_string());
        }
        Ok(())
    }

    /// The broker asks how the message's transaction ended after so many seconds, begun ones included.
    pub(super) fn check_after(&mut self, time: Duration) {
        self.check_after = Some(time);
    }

    /// The message as it will travel.
    pub(super) fn finish(mut self) -> Result<PreparedSend, SendError> {
        let topic = self.destination.topic;
        let Some(body) = self.body else {
            return Err(SendError::NoPayload(topic));
        };
        if self.check_after.is_some() {
            return Err(SendError::NoTransaction(topic));
        }
        if !self.keys.is_empty() {
            self.properties.set(property::KEYS, &self.keys.join(" "));
        }
        if let Some(tag) = &self.destination.tag {
            self.properties.set(property::TAGS, tag.as_str());
        }
        let mut message = Message::new(topic, body);
        message.properties = self.properties;
        if let Some(later) = self.later {
            message.deliver(later);
        }
        let options = self.options;
        Ok(PreparedSend { message, options })
    }
}

#[cfg(test)]
mod tests {
    use mq_core::client::Target;

    use super::*;

    #[derive(Serialize)]
    struct Order {
        id: i64,
    }

    #[test]
    fn keys_tag_and_headers_become_properties() {
        let mut draft = MessageDraft::to("order-topic:created").unwrap();
        draft.payload(&Order { id: 5 }).unwrap();
        draft.key("5".to_owned()).unwrap();
        draft.key("phone-1".to_owned()).unwrap();
        draft.header("locale", "en").unwrap();

        let PreparedSend { message, options } = draft.finish().unwrap();

        assert_eq!(message.body, "{\"id\":5}");
        assert_eq!(message.tag(), Some("created"));
        assert_eq!(message.keys().collect::<Vec<_>>(), ["5", "phone-1"]);
        assert_eq!(message.properties.get("locale"), Some("en"));
        assert_eq!(
            message.properties.get("contentType"),
            Some("application/json")
        );
        assert!(matches!(options.target, Target::Any));
    }

    #[test]
    fn a_text_is_not_called_json() {
        let mut draft = MessageDraft::to("log-topic").unwrap();
        draft.payload("a line").unwrap();

        let PreparedSend { message, .. } = draft.finish().unwrap();

        assert!(message.properties.is_empty());
    }

    #[test]
    fn names_of_rocketmq_cannot_be_headers() {
        let mut draft = MessageDraft::to("order-topic").unwrap();

        for name in ["TAGS", "KEYS", "DELAY", "UNIQ_KEY", "TRAN_MSG"] {
            let refused = draft.header(name, "x").unwrap_err();
            assert!(matches!(refused, SendError::Header(_)), "{name}");
        }
    }

    #[test]
    fn a_key_with_a_blank_would_be_two_keys() {
        let mut draft = MessageDraft::to("order-topic").unwrap();

        assert!(draft.key("T 001".to_owned()).is_err());
        assert!(draft.key(String::new()).is_err());
    }

    /// Brokers would lose the delay, or the transaction.
    #[test]
    fn a_message_in_a_transaction_has_no_time() {
        let mut timed = MessageDraft::to("order-topic").unwrap();
        timed.later(Later::Level(1)).unwrap();

        let refused = timed.in_transaction_of("orders").unwrap_err();

        let said = "the message to `order-topic` cannot have a delay in a transaction: send a delayed \
                    message of its own once the transaction is committed";
        assert_eq!(refused.to_string(), said);
    }

    #[test]
    fn a_message_has_one_time_at_most_and_none_of_0() {
        let draft = || MessageDraft::to("order-topic").unwrap();
        let second = Later::After(Duration::from_secs(1));

        let mut timed = draft();
        timed.body(Bytes::from_static(b"x"));
        timed.later(second).unwrap();
        let twice = timed.later(Later::Level(1)).unwrap_err();
        assert!(matches!(twice, SendError::TwoTimes(_)));
        let PreparedSend { message, .. } = timed.finish().unwrap();
        assert_eq!(message.properties.get("TIMER_DELAY_MS"), Some("1000"));

        for none in [Later::Level(0), Later::After(Duration::ZERO)] {
            let refused = draft().later(none).unwrap_err();
            assert!(matches!(refused, SendError::NoDelay(_)), "{none:?}");
        }
    }

    /// It was sent at once, with a property that nobody reads.
    #[test]
    fn only_a_message_in_a_transaction_is_asked_about() {
        let asked_about = || {
            let mut draft = MessageDraft::to("order-topic").unwrap();
            draft.body(Bytes::from_static(b"x"));
            draft.check_after(Duration::from_millis(1500));
            draft
        };

        let refused = asked_about().finish().unwrap_err();
        assert!(matches!(refused, SendError::NoTransaction(_)), "{refused}");
        let mut draft = asked_about();
        draft.in_transaction_of("orders").unwrap();
        let PreparedSend { message, .. } = draft.finish().unwrap();
        let seconds = message.properties.get("CHECK_IMMUNITY_TIME_IN_SECONDS");
        assert_eq!(seconds, Some("2"));
    }

    #[test]
    fn a_message_without_payload_is_a_mistake() {
        let draft = MessageDraft::to("order-topic").unwrap();

        assert!(matches!(draft.finish(), Err(SendError::NoPayload(_))));
    }
}
