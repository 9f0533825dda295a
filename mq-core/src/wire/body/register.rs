//! The body of 103 (`RegisterBrokerBody`), in its three forms: JSON, compressed, and that of
//! brokers before 3.0.11.

use std::collections::BTreeMap;

use bytes::{Buf, Bytes};
use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::data_version::DataVersion;
use super::topic_config::{TopicConfig, TopicConfigs};
use crate::message::compression;
use crate::wire::fastjson::{self, BodyError};
use crate::wire::header::RegisterBroker;

/// The first broker version (3.0.11) that sends topics and filter servers; older ones send only topics.
const FULL_BODY_SINCE: i32 = 37;

/// The largest body after decompression: more than all topics that fit into a frame need.
const MAX_DECOMPRESSED_BODY: usize = 64 * 1024 * 1024;

/// A broker's topics and filter servers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RegisterBrokerBody {
    /// The topics.
    pub topic_config_serialize_wrapper: TopicConfigs,
    /// The filter servers.
    pub filter_server_list: Vec<ByteString>,
}

/// The checksum that goes into [`RegisterBroker::body_crc32`]: CRC-32 without its highest bit.
pub fn body_checksum(body: &[u8]) -> i32 {
    i32::try_from(crc32fast::hash(body) & 0x7FFF_FFFF).unwrap_or(0)
}

impl RegisterBrokerBody {
    /// Reads the body of a registration in whatever form the broker sent it; none at all means
    /// no topics.
    ///
    /// # Errors
    ///
    /// [`BodyError`] when the checksum differs or the body cannot be read.
    pub fn decode(header: &RegisterBroker, version: i32, body: &[u8]) -> Result<Self, BodyError> {
        let (expected, found) = (header.body_crc32, body_checksum(body));
        if expected != 0 && expected != found {
            let reason = format!("crc32 not match: {found}, expected {expected}");
            return Err(BodyError::new(reason));
        }
        if body.is_empty() {
            return Ok(Self::default());
        }
        if version < FULL_BODY_SINCE {
            return Ok(Self {
                topic_config_serialize_wrapper: fastjson::read(body)?,
                filter_server_list: Vec::new(),
            });
        }
        if header.compressed {
            return unpack(body);
        }
        fastjson::read(body)
    }

    /// The body as JSON.
    pub fn encode(&self) -> Bytes {
        fastjson::write(self)
    }
}

/// Reads the compressed form: a zlib stream of parts, each behind its length. What 5.x brokers append
/// about static topics is ignored.
fn unpack(body: &[u8]) -> Result<RegisterBrokerBody, BodyError> {
    let unpacked = compression::unzip(body, MAX_DECOMPRESSED_BODY);
    let unpacked = unpacked.map_err(|error| BodyError::new(error.to_string()))?;
    let mut rest = unpacked.as_ref();
    let data_version: DataVersion = fastjson::read(part(&mut rest)?)?;
    let count = rest.try_get_i32().map_err(|_short| cut())?;
    let mut topics = TopicConfigs {
        data_version,
        ..TopicConfigs::default()
    };
    for _ in 0..count {
        let topic = std::str::from_utf8(part(&mut rest)?).ok();
        let topic = topic.and_then(topic_of).ok_or_else(cut)?;
        topics
            .topic_config_table
            .insert(topic.topic_name.clone(), topic);
    }
    Ok(RegisterBrokerBody {
        topic_config_serialize_wrapper: topics,
        filter_server_list: fastjson::read(part(&mut rest)?)?,
    })
}

fn part<'a>(rest: &mut &'a [u8]) -> Result<&'a [u8], BodyError> {
    let length = rest.try_get_i32().map_err(|_short| cut())?;
    let length = usize::try_from(length).map_err(|_negative| cut())?;
    let (part, left) = rest.split_at_checked(length).ok_or_else(cut)?;
    *rest = left;
    Ok(part)
}

fn cut() -> BodyError {
    BodyError::new("the packed registration is damaged")
}

/// `name readQueues writeQueues perm filterType [attributes]` (`TopicConfig.decode`).
fn topic_of(text: &str) -> Option<TopicConfig> {
    let mut parts = text.splitn(6, ' ');
    Some(TopicConfig {
        topic_name: parts.next()?.into(),
        read_queue_nums: parts.next()?.parse().ok()?,
        write_queue_nums: parts.next()?.parse().ok()?,
        perm: parts.next()?.parse().ok()?,
        topic_filter_type: parts.next()?.parse().ok()?,
        attributes: match parts.next() {
            Some(attributes) => fastjson::read(attributes.as_bytes()).ok()?,
            None => BTreeMap::new(),
        },
        ..TopicConfig::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(parts: &[&[u8]]) -> Bytes {
        compression::zip(&parts.concat(), 9).unwrap()
    }

    fn text(text: &str) -> Vec<u8> {
        let length = u32::try_from(text.len()).unwrap();
        [&length.to_be_bytes(), text.as_bytes()].concat()
    }

    #[test]
    fn a_packed_registration_is_read() {
        let body = packed(&[
            &text(r#"{"counter":3,"timestamp":5}"#),
            &2_i32.to_be_bytes(),
            &text("orders 8 4 6 SINGLE_TAG"),
            &text(r#"bills 1 1 4 MULTI_TAG {"queue.type":"SimpleCQ"}"#),
            &text("[]"),
            &0_i32.to_be_bytes(),
        ]);
        let header = RegisterBroker {
            compressed: true,
            body_crc32: body_checksum(&body),
            ..RegisterBroker::default()
        };

        let read = RegisterBrokerBody::decode(&header, 479, &body).unwrap();

        let topics = read.topic_config_serialize_wrapper;
        assert_eq!(topics.data_version.counter, 3);
        assert_eq!(topics.topic_config_table["orders"].read_queue_nums, 8);
        assert_eq!(
            topics.topic_config_table["bills"].attributes["queue.type"],
            "SimpleCQ"
        );
    }

    #[test]
    fn a_count_beyond_the_body_is_refused() {
        let body = packed(&[&text("{}"), &i32::MAX.to_be_bytes()]);
        let header = RegisterBroker {
            compressed: true,
            ..RegisterBroker::default()
        };

        assert!(RegisterBrokerBody::decode(&header, 479, &body).is_err());
    }

    #[test]
    fn a_body_that_was_changed_on_the_way_is_refused() {
        let body = RegisterBrokerBody::default().encode();
        let header = |body_crc32| RegisterBroker {
            body_crc32,
            ..RegisterBroker::default()
        };
        let right = body_checksum(&body);

        assert!(RegisterBrokerBody::decode(&header(right), 479, &body).is_ok());
        assert!(RegisterBrokerBody::decode(&header(0), 479, &body).is_ok());
        assert!(RegisterBrokerBody::decode(&header(right ^ 1), 479, &body).is_err());
    }

    #[test]
    fn brokers_before_3_0_11_send_the_topics_alone() {
        let body = br#"{"topicConfigTable":{"t":{"topicName":"t","perm":6}}}"#;

        let read = RegisterBrokerBody::decode(&RegisterBroker::default(), 36, body).unwrap();

        assert_eq!(
            read.topic_config_serialize_wrapper.topic_config_table["t"].perm,
            6
        );
    }
}
