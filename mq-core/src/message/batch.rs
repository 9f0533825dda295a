//! Several messages in one body: what a producer sends with 320 (`MessageDecoder.encodeMessages`).
//!
//! Each message is a length-prefixed record, much shorter than the stored one: the topic is that of
//! the request, and there are no offsets yet.

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::properties::Properties;
use super::unsent::Message;

/// Bytes of a message without body and properties.
const MIN_ENTRY_BYTES: usize = 22;
const MAX_PROPERTIES_BYTES: usize = 32_767;

/// The body is not a batch: the lengths inside one of its messages contradict each other or reach
/// beyond the body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("message {} of the batch is damaged", position.saturating_add(1))]
pub struct BatchError {
    /// Its position in the batch, from 0; in the text, messages count from 1.
    pub position: usize,
}

/// The properties of a message are longer than their 16-bit length field allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message of the batch has {length} bytes of properties, at most {limit} are allowed")]
pub struct PropertiesTooLong {
    /// Bytes found.
    pub length: usize,
    /// Bytes allowed.
    pub limit: usize,
}

/// One message of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Child {
    /// The application's flag, which the broker does not interpret.
    pub flag: i32,
    /// Its properties; those of the request come on top.
    pub properties: Properties,
    /// Its payload.
    pub body: Bytes,
}

/// The body of a batch of `messages`. How long it may be is for the caller to check.
///
/// # Errors
///
/// [`PropertiesTooLong`] when the properties of one message exceed 32,767 bytes.
pub fn encode(messages: &[Message]) -> Result<Bytes, PropertiesTooLong> {
    let mut out = BytesMut::new();
    for message in messages {
        put(&mut out, message)?;
    }
    Ok(out.freeze())
}

/// The bytes that `message` takes in the body of a batch.
pub fn encoded_length(message: &Message) -> usize {
    MIN_ENTRY_BYTES + message.body.len() + message.properties.as_bytes().len()
}

fn put(out: &mut BytesMut, message: &Message) -> Result<(), PropertiesTooLong> {
    let properties = message.properties.as_bytes();
    let too_long = PropertiesTooLong {
        length: properties.len(),
        limit: MAX_PROPERTIES_BYTES,
    };
    let properties_length = i16::try_from(properties.len()).map_err(|_long| too_long)?;
    let size = MIN_ENTRY_BYTES + message.body.len() + properties.len();
    out.put_u32(u32::try_from(size).unwrap_or(u32::MAX));
    out.put_u32(0);
    out.put_u32(0);
    out.put_i32(message.flag);
    out.put_u32(u32::try_from(message.body.len()).unwrap_or(u32::MAX));
    out.put_slice(&message.body);
    out.put_i16(properties_length);
    out.put_slice(properties);
    Ok(())
}

/// The messages of a batch, as slices of its body. The iterator ends after the first error.
pub fn decode(body: Bytes) -> impl Iterator<Item = Result<Child, BatchError>> {
    let mut rest = body;
    let mut position = 0;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let child = take(&mut rest).ok_or(BatchError { position });
        position = position.saturating_add(1);
        if child.is_err() {
            rest.clear();
        }
        Some(child)
    })
}

/// Takes a message off the front; only its body and its properties become slices that share the memory.
fn take(rest: &mut Bytes) -> Option<Child> {
    let mut unread: &[u8] = rest;
    let size = usize::try_from(unread.try_get_i32().ok()?)
        .ok()?
        .checked_sub(4)?;
    let (mut record, behind) = unread.split_at_checked(size)?;
    let _magic = record.try_get_i32().ok()?;
    let _checksum = record.try_get_i32().ok()?;
    let flag = record.try_get_i32().ok()?;
    let body_length = usize::try_from(record.try_get_i32().ok()?).ok()?;
    let (body, mut record) = record.split_at_checked(body_length)?;
    let properties_length = usize::try_from(record.try_get_i16().ok()?).ok()?;
    if record.len() != properties_length {
        return None;
    }
    let child = Child {
        flag,
        properties: Properties::from_bytes(rest.slice_ref(record)),
        body: rest.slice_ref(body),
    };
    let taken = rest.len() - behind.len();
    rest.advance(taken);
    Some(child)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::TopicName;

    fn messages() -> [Message; 3] {
        ["first", "", "third"].map(|body| {
            let mut message = Message::new(TopicName::new("orders").unwrap(), body);
            message.flag = 7;
            message.properties.set("KEYS", body);
            message
        })
    }

    #[test]
    fn what_was_put_into_a_batch_comes_out_of_it() {
        let body = encode(&messages()).unwrap();

        let children: Vec<_> = decode(body).map(Result::unwrap).collect();

        assert_eq!(children.len(), 3);
        for (child, message) in children.iter().zip(messages()) {
            assert_eq!(child.flag, 7);
            assert_eq!(child.body, message.body);
            assert_eq!(child.properties, message.properties);
        }
    }

    #[test]
    fn a_torn_batch_is_refused_at_the_torn_message() {
        let whole = encode(&messages()).unwrap();
        let bounds: Vec<_> = (1..=3)
            .map(|n| encode(&messages()[..n]).unwrap().len())
            .collect();
        for end in 1..whole.len() {
            let last = decode(whole.slice(..end)).last().unwrap();

            assert_eq!(last.is_ok(), bounds.contains(&end), "{end} bytes");
        }
    }

    #[test]
    fn lengths_that_contradict_each_other_are_refused() {
        let whole = encode(&messages()[..1]).unwrap();
        for (at, value) in [
            (0, -1),
            (0, 3),
            (0, i32::MAX),
            (16, -1),
            (16, i32::MAX),
            (16, 4),
        ] {
            let mut broken = whole.to_vec();
            broken[at..at + 4].copy_from_slice(&i32::to_be_bytes(value));
            let mut children = decode(broken.into());

            assert_eq!(children.next(), Some(Err(BatchError { position: 0 })));
            assert_eq!(children.next(), None);
        }
    }

    #[test]
    fn properties_longer_than_their_length_field_are_refused() {
        let [mut message, ..] = messages();
        message
            .properties
            .set("long", &"x".repeat(MAX_PROPERTIES_BYTES));

        assert!(encode(&[message]).is_err());
    }
}
