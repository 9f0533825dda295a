//! A queue as it is typed.

use std::str::FromStr;

use mq_core::client::QueueChoice;

/// A queue: `3`, or `broker-a:3`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TypedQueue {
    pub(crate) broker: Option<String>,
    pub(crate) id: i32,
}

impl FromStr for TypedQueue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (broker, id) = match text.rsplit_once(':') {
            Some((broker, id)) if !broker.is_empty() => (Some(broker.to_owned()), id),
            Some(_) => (None, ""),
            None => (None, text),
        };
        match id.parse() {
            Ok(id @ 0..) => Ok(Self { broker, id }),
            _ => Err(format!("`{text}` is no queue: write `3`, or `broker-a:3`")),
        }
    }
}

impl From<TypedQueue> for QueueChoice {
    fn from(typed: TypedQueue) -> Self {
        Self {
            broker: typed.broker.map(Into::into),
            id: typed.id,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_typed_with_its_broker_or_without() {
        let queue = |text: &str| text.parse::<TypedQueue>();

        assert_eq!(queue("3").unwrap().broker, None);
        let named = queue("broker-a:3").unwrap();
        assert_eq!((named.broker.as_deref(), named.id), (Some("broker-a"), 3));
        for wrong in ["", ":3", "a:", "-1", "a:-1", "a"] {
            assert!(queue(wrong).is_err(), "{wrong}");
        }
    }
}
