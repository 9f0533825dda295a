//! One message as bytes: the layout shared by commit log, pull answers and pushed messages.
//!
//! A record says its own length first, so that a reader can walk from one to the next. Three
//! numbers are only known at the moment of the append; [`Place::write`] patches them into a record
//! that was encoded beforehand. `RECORD.md` beside this file lists the fields.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{Buf, BufMut, Bytes};

use super::{
    Message, MessageExt, PhysicalOffset, Properties, QueueOffset, SysFlag, TopicName, java_hash,
    properties, property,
};

/// Marks a record whose topic length takes one byte.
pub const MAGIC_V1: u32 = 0xDAA3_20A7;
/// Marks a record whose topic length takes two bytes: a topic of more than 127 bytes.
pub const MAGIC_V2: u32 = 0xDAA3_20AB;
/// Marks the filler at the end of a file.
pub const MAGIC_BLANK: u32 = 0xCBD4_3194;
/// Bytes that the filler at the end of a file takes at least.
pub const BLANK_SIZE: usize = 8;
/// Bytes of the smallest record there can be: IPv4 hosts, no body, no topic, no properties.
pub const MIN_SIZE: usize = 91;

const QUEUE_OFFSET_AT: usize = 20;
const PHYSICAL_OFFSET_AT: usize = 28;
const STORE_TIMESTAMP_AT: usize = 56;
const BORN_HOST_V6_SHIFT: usize = 12;

/// Why bytes are no record.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The bytes end before the record does.
    #[error("the record ends early: {needed} bytes needed, {found} there")]
    Short {
        /// Bytes the record says it has.
        needed: usize,
        /// Bytes there.
        found: usize,
    },
    /// Neither of the two record marks.
    #[error("{0:#010x} is no mark of a record")]
    Magic(u32),
    /// The parts do not add up to the length that the record says it has.
    #[error("the parts of the record do not add up to its length of {total} bytes")]
    Length {
        /// The length the record says it has.
        total: usize,
    },
    /// The body's checksum differs.
    #[error("the body's checksum is {found:#010x}, expected {expected:#010x}")]
    Checksum {
        /// Computed.
        found: u32,
        /// Stored.
        expected: u32,
    },
    /// The topic is no name.
    #[error("the topic is no name")]
    Topic,
}

/// A message that is about to become a record: everything but its place.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Topic, flag, properties, body (as stored, so packed when the sender packed it).
    pub message: Message,
    /// The queue.
    pub queue_id: i32,
    /// How the record is to be read; the address bits are set by [`Draft::encode`].
    pub sys_flag: SysFlag,
    /// When it was sent, ms since 1970.
    pub born_timestamp: i64,
    /// Who sent it.
    pub born_host: SocketAddr,
    /// The broker as it advertises itself.
    pub store_host: SocketAddr,
    /// Attempts so far.
    pub reconsume_times: i32,
    /// Where the half message of a committed one lies; else 0.
    pub prepared_transaction_offset: i64,
}

impl Draft {
    /// Bytes of the record. Nothing is checked: topic ≤ 255, properties ≤ 32,767 bytes and the
    /// whole ≤ 2 GiB are the store's rules.
    pub fn size(&self) -> usize {
        let address = |host: &SocketAddr| {
            if host.is_ipv6() {
                BORN_HOST_V6_SHIFT
            } else {
                0
            }
        };
        MIN_SIZE
            + address(&self.born_host)
            + address(&self.store_host)
            + usize::from(self.wide_topic())
            + self.message.body.len()
            + self.message.topic.as_str().len()
            + self.message.properties.as_bytes().len()
    }

    /// Appends the record to `out`, its place still zero.
    pub fn encode(&self, out: &mut impl BufMut) {
        let message = &self.message;
        let topic = message.topic.as_str().as_bytes();
        let properties = message.properties.as_bytes();
        let flag_of = |host: &SocketAddr, bit| if host.is_ipv6() { bit } else { 0 };
        let sys_flag = self
            .sys_flag
            .without(SysFlag::BORN_HOST_V6 | SysFlag::STORE_HOST_V6)
            .with(flag_of(&self.born_host, SysFlag::BORN_HOST_V6))
            .with(flag_of(&self.store_host, SysFlag::STORE_HOST_V6));
        out.put_u32(u32::try_from(self.size()).unwrap_or(u32::MAX));
        out.put_u32(if self.wide_topic() {
            MAGIC_V2
        } else {
            MAGIC_V1
        });
        out.put_u32(checksum(&message.body));
        out.put_i32(self.queue_id);
        out.put_i32(message.flag);
        out.put_u64(0);
        out.put_u64(0);
        out.put_i32(sys_flag.0);
        out.put_i64(self.born_timestamp);
        put_host(out, self.born_host);
        out.put_i64(0);
        put_host(out, self.store_host);
        out.put_i32(self.reconsume_times);
        out.put_i64(self.prepared_transaction_offset);
        out.put_u32(u32::try_from(message.body.len()).unwrap_or(u32::MAX));
        out.put_slice(&message.body);
        let topic_length = u16::try_from(topic.len()).unwrap_or(u16::MAX);
        if self.wide_topic() {
            out.put_u16(topic_length);
        } else {
            out.put_u8(u8::try_from(topic_length).unwrap_or(u8::MAX));
        }
        out.put_slice(topic);
        out.put_u16(u16::try_from(properties.len()).unwrap_or(u16::MAX));
        out.put_slice(properties);
    }

    fn wide_topic(&self) -> bool {
        self.message.topic.as_str().len() > 127
    }
}

/// What only the append knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The message's number in its queue.
    pub queue_offset: QueueOffset,
    /// Where the record begins in the commit log.
    pub physical_offset: PhysicalOffset,
    /// When it was stored, ms since 1970.
    pub store_timestamp: i64,
}

impl Place {
    /// Patches the place into an encoded record.
    ///
    /// Bytes that are too short to be a record are left alone.
    pub fn write(&self, record: &mut [u8]) {
        let born_v6 = record.get(36..40).is_some_and(|flag| {
            SysFlag(i32::from_be_bytes(flag.try_into().unwrap_or_default()))
                .has(SysFlag::BORN_HOST_V6)
        });
        let time_at = STORE_TIMESTAMP_AT + if born_v6 { BORN_HOST_V6_SHIFT } else { 0 };
        let mut patch = |at: usize, value: [u8; 8]| {
            if let Some(slot) = record.get_mut(at..at + 8) {
                slot.copy_from_slice(&value);
            }
        };
        patch(QUEUE_OFFSET_AT, self.queue_offset.0.to_be_bytes());
        patch(PHYSICAL_OFFSET_AT, self.physical_offset.0.to_be_bytes());
        patch(time_at, self.store_timestamp.to_be_bytes());
    }
}

/// A record read in place: nothing is copied until it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    /// Bytes of the whole record.
    pub size: usize,
    /// The stored checksum of the body.
    pub body_crc: u32,
    /// The queue.
    pub queue_id: i32,
    /// The application's number.
    pub flag: i32,
    /// Its number in the queue.
    pub queue_offset: QueueOffset,
    /// Where it says it begins.
    pub physical_offset: PhysicalOffset,
    /// How it is to be read.
    pub sys_flag: SysFlag,
    /// When it was sent, ms since 1970.
    pub born_timestamp: i64,
    /// Who sent it.
    pub born_host: SocketAddr,
    /// When it was stored, ms since 1970.
    pub store_timestamp: i64,
    /// Where it was stored.
    pub store_host: SocketAddr,
    /// Attempts so far.
    pub reconsume_times: i32,
    /// Where the half message lies.
    pub prepared_transaction_offset: i64,
    /// The body as stored.
    pub body: &'a [u8],
    /// The topic.
    pub topic: &'a str,
    /// The properties as they came.
    pub properties: &'a [u8],
}

impl<'a> RecordView<'a> {
    /// Reads the record at the beginning of `bytes`; what follows it is left alone.
    ///
    /// # Errors
    ///
    /// [`RecordError`] when the bytes are no whole record. The checksum is not looked at; see
    /// [`RecordView::check_body`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, RecordError> {
        let mut head = bytes;
        let short = |needed| RecordError::Short {
            needed,
            found: bytes.len(),
        };
        if bytes.len() < 8 {
            return Err(short(8));
        }
        let size = head.get_u32() as usize;
        let magic = head.get_u32();
        if magic != MAGIC_V1 && magic != MAGIC_V2 {
            return Err(RecordError::Magic(magic));
        }
        let mut rest = bytes.get(8..size).ok_or_else(|| short(size))?;
        Self::parts(&mut rest, size, magic == MAGIC_V2).ok_or(RecordError::Length { total: size })
    }

    /// Reads the parts behind length and magic; `None` when they do not fill `rest` exactly.
    fn parts(rest: &mut &'a [u8], size: usize, wide_topic: bool) -> Option<Self> {
        let body_crc = rest.try_get_u32().ok()?;
        let queue_id = rest.try_get_i32().ok()?;
        let flag = rest.try_get_i32().ok()?;
        let queue_offset = QueueOffset(rest.try_get_u64().ok()?);
        let physical_offset = PhysicalOffset(rest.try_get_u64().ok()?);
        let sys_flag = SysFlag(rest.try_get_i32().ok()?);
        let born_timestamp = rest.try_get_i64().ok()?;
        let born_host = take_host(rest, sys_flag.has(SysFlag::BORN_HOST_V6))?;
        let store_timestamp = rest.try_get_i64().ok()?;
        let store_host = take_host(rest, sys_flag.has(SysFlag::STORE_HOST_V6))?;
        let reconsume_times = rest.try_get_i32().ok()?;
        let prepared_transaction_offset = rest.try_get_i64().ok()?;
        let body_length = rest.try_get_u32().ok()?;
        let body = take(rest, usize::try_from(body_length).ok()?)?;
        let topic_length = if wide_topic {
            usize::from(rest.try_get_u16().ok()?)
        } else {
            usize::from(rest.try_get_u8().ok()?)
        };
        let topic = std::str::from_utf8(take(rest, topic_length)?).ok()?;
        let properties_length = usize::from(rest.try_get_u16().ok()?);
        let properties = take(rest, properties_length)?;
        rest.is_empty().then_some(Self {
            size,
            body_crc,
            queue_id,
            flag,
            queue_offset,
            physical_offset,
            sys_flag,
            born_timestamp,
            born_host,
            store_timestamp,
            store_host,
            reconsume_times,
            prepared_transaction_offset,
            body,
            topic,
            properties,
        })
    }

    /// Compares the body with its checksum.
    ///
    /// # Errors
    ///
    /// [`RecordError::Checksum`] when they differ.
    pub fn check_body(&self) -> Result<(), RecordError> {
        let found = checksum(self.body);
        if found == self.body_crc {
            Ok(())
        } else {
            Err(RecordError::Checksum {
                found,
                expected: self.body_crc,
            })
        }
    }

    /// The value of a property.
    pub fn property(&self, name: &str) -> Option<&'a str> {
        properties::iter(self.properties)
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Names and values of the properties in their order.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        properties::iter(self.properties)
    }

    /// What the consume queue keeps of the tag: Java's hash of it, 0 without one.
    pub fn tag_code(&self) -> i64 {
        self.property(property::TAGS)
            .map_or(0, |tag| i64::from(java_hash(tag)))
    }

    /// The message with everything that was stored about it.
    ///
    /// Body and properties are slices of `bytes`, from whose beginning this view was taken.
    ///
    /// # Errors
    ///
    /// [`RecordError::Topic`] when the topic is no name.
    pub fn to_message(&self, bytes: &Bytes) -> Result<MessageExt, RecordError> {
        let topic = TopicName::new(self.topic).map_err(|_illegal| RecordError::Topic)?;
        Ok(MessageExt {
            message: Message {
                topic,
                flag: self.flag,
                properties: Properties::from_bytes(bytes.slice_ref(self.properties)),
                body: bytes.slice_ref(self.body),
            },
            queue_id: self.queue_id,
            queue_offset: self.queue_offset,
            physical_offset: self.physical_offset,
            sys_flag: self.sys_flag,
            born_timestamp: self.born_timestamp,
            born_host: self.born_host,
            store_timestamp: self.store_timestamp,
            store_host: self.store_host,
            reconsume_times: self.reconsume_times,
            prepared_transaction_offset: self.prepared_transaction_offset,
            store_size: u32::try_from(self.size).unwrap_or(u32::MAX),
        })
    }
}

/// Reads all records of a pull answer. Bodies stay packed when they were packed.
///
/// # Errors
///
/// [`RecordError`] of the first record that cannot be read.
pub fn decode_all(mut bytes: Bytes) -> Result<Vec<MessageExt>, RecordError> {
    let mut messages = Vec::new();
    while !bytes.is_empty() {
        let view = RecordView::parse(&bytes)?;
        messages.push(view.to_message(&bytes)?);
        let size = view.size;
        bytes.advance(size);
    }
    Ok(messages)
}

/// CRC-32 without its highest bit, as every checksum of RocketMQ is (`UtilAll.crc32`).
pub fn checksum(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes) & 0x7FFF_FFFF
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
}

fn put_host(out: &mut impl BufMut, host: SocketAddr) {
    match host.ip() {
        IpAddr::V4(ip) => out.put_u32(ip.into()),
        IpAddr::V6(ip) => out.put_u128(ip.into()),
    }
    out.put_u32(host.port().into());
}

fn take_host(rest: &mut &[u8], v6: bool) -> Option<SocketAddr> {
    let ip = if v6 {
        IpAddr::V6(Ipv6Addr::from(rest.try_get_u128().ok()?))
    } else {
        IpAddr::V4(Ipv4Addr::from(rest.try_get_u32().ok()?))
    };
    let port = u16::try_from(rest.try_get_u32().ok()?).ok()?;
    Some(SocketAddr::new(ip, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(topic: &str, host: &str) -> Draft {
        let mut message = Message::new(TopicName::new(topic.to_owned()).unwrap(), "hello");
        message.properties.set("TAGS", "created");
        message.flag = 7;
        Draft {
            message,
            queue_id: 3,
            sys_flag: SysFlag::default(),
            born_timestamp: 1,
            born_host: host.parse().unwrap(),
            store_host: "127.0.0.1:10911".parse().unwrap(),
            reconsume_times: 2,
            prepared_transaction_offset: 0,
        }
    }

    fn place() -> Place {
        Place {
            queue_offset: QueueOffset(5),
            physical_offset: PhysicalOffset(6),
            store_timestamp: 77,
        }
    }

    fn encoded(draft: &Draft) -> Bytes {
        let mut bytes = Vec::new();
        draft.encode(&mut bytes);
        place().write(&mut bytes);
        bytes.into()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let long = format!("%RETRY%{}", "g".repeat(200));
        for (topic, host) in [
            ("t", "1.2.3.4:5"),
            ("t", "[::1]:5"),
            (long.as_str(), "1.2.3.4:5"),
        ] {
            let draft = draft(topic, host);

            let bytes = encoded(&draft);
            let back = decode_all(bytes.clone()).unwrap().remove(0);

            assert_eq!(bytes.len(), draft.size());
            assert_eq!(back.message, draft.message);
            assert_eq!(back.born_host, draft.born_host);
            assert_eq!(back.store_host, draft.store_host);
            assert_eq!(
                (back.queue_offset, back.physical_offset),
                (QueueOffset(5), PhysicalOffset(6))
            );
            assert_eq!((back.queue_id, back.reconsume_times), (3, 2));
            assert_eq!(back.store_timestamp, 77);
        }
    }

    #[test]
    fn a_record_cut_anywhere_is_no_record() {
        let bytes = encoded(&draft("t", "1.2.3.4:5"));

        for end in 0..bytes.len() {
            assert!(RecordView::parse(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_damaged_body_is_seen() {
        let mut bytes = encoded(&draft("t", "1.2.3.4:5")).to_vec();
        bytes[88] ^= 1;

        let view = RecordView::parse(&bytes).unwrap();

        assert!(matches!(
            view.check_body(),
            Err(RecordError::Checksum { .. })
        ));
    }

    #[test]
    fn lengths_that_do_not_add_up_are_refused() {
        let good = encoded(&draft("t", "1.2.3.4:5"));
        for at in [3, 87, 93] {
            let mut bytes = good.to_vec();
            bytes[at] = bytes[at].wrapping_add(1);
            bytes.extend_from_slice(&[0; 8]);

            assert!(RecordView::parse(&bytes).is_err(), "byte {at}");
        }
    }
}
