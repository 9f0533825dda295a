//! The handle with which a message that waits for a time is called back
//! (`RecallMessageHandle.HandleV1`): `v1 topic broker time unique-key`, separated by spaces, in Base64
//! with the letters of URLs.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::names::TopicName;

const VERSION: &str = "v1";

/// Written with padding, as Java does; read with and without.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Which message is called back. The text of it is what a broker answers to the send.
///
/// ```
/// # use mq_core::message::{RecallHandle, TopicName};
/// let handle = RecallHandle {
///     topic: TopicName::new("orders").unwrap(),
///     broker: "broker-a".to_owned(),
///     due_ms: 1_800_000_000_000,
///     unique_key: "7F000001".to_owned(),
/// };
/// let text = handle.to_string();
/// assert_eq!(text.parse(), Ok(handle));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecallHandle {
    /// The topic that it will be delivered to.
    pub topic: TopicName,
    /// The broker where it waits.
    pub broker: String,
    /// When it will be delivered, ms since 1970.
    pub due_ms: i64,
    /// Its unique id.
    pub unique_key: String,
}

/// A text is no handle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("recall handle is invalid")]
pub struct RecallHandleError;

impl fmt::Display for RecallHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            topic,
            broker,
            due_ms,
            unique_key,
        } = self;
        let text = format!("{VERSION} {topic} {broker} {due_ms} {unique_key}");
        f.write_str(&BASE64.encode(text))
    }
}

impl FromStr for RecallHandle {
    type Err = RecallHandleError;

    fn from_str(text: &str) -> Result<Self, RecallHandleError> {
        let bytes = BASE64.decode(text).map_err(|_error| RecallHandleError)?;
        let text = String::from_utf8(bytes).map_err(|_error| RecallHandleError)?;
        // The key comes last and may have spaces of its own: cut at the first, it would call back
        // another message or none.
        let mut parts = text.splitn(5, ' ');
        let mut next = || parts.next().ok_or(RecallHandleError);
        if next()? != VERSION {
            return Err(RecallHandleError);
        }
        let handle = Self {
            topic: TopicName::new(next()?.to_owned()).map_err(|_error| RecallHandleError)?,
            broker: next()?.to_owned(),
            due_ms: next()?.parse().map_err(|_error| RecallHandleError)?,
            unique_key: next()?.to_owned(),
        };
        // No message has such a key, and the cancelling one could not hold it as a property.
        let is_id = !handle.unique_key.is_empty() && !handle.unique_key.contains(|c| c <= '\u{2}');
        is_id.then_some(handle).ok_or(RecallHandleError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Regression: the broker confirmed that it had called back a message, and delivered it, because
    /// it had called back the one with the first word of the key.
    #[test]
    fn a_key_with_spaces_is_kept_whole() {
        let handle = RecallHandle {
            topic: TopicName::new("t").unwrap(),
            broker: "b".to_owned(),
            due_ms: 5,
            unique_key: "order 7 of today".to_owned(),
        };

        assert_eq!(handle.to_string().parse(), Ok(handle));
    }

    #[test]
    fn what_is_no_handle_is_refused() {
        let encoded = |text: &str| BASE64.encode(text);
        let right = encoded("v1 t b 5 K");
        assert_eq!(right, "djEgdCBiIDUgSw==");
        assert!(right.parse::<RecallHandle>().is_ok());
        assert!(right.trim_end_matches('=').parse::<RecallHandle>().is_ok());

        let wrong = ["v2 t b 5 K", "v1 t b 5", "v1 t b soon K", "v1 t! b 5 K", ""];
        let no_keys = [
            "v1 t b 5 ",
            "v1 t b 5 K\u{1}x",
            "v1 t b 5 K\u{2}",
            "v1 t b 5 \0",
        ];
        for text in wrong.into_iter().chain(no_keys).map(encoded) {
            assert_eq!(text.parse::<RecallHandle>(), Err(RecallHandleError));
        }
        assert!("no base64!".parse::<RecallHandle>().is_err());
        assert!("/w==".parse::<RecallHandle>().is_err());
    }
}
