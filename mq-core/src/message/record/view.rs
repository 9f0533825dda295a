//! A record read in place: nothing is copied until it is asked for.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::{Buf, Bytes};

use super::error::RecordError;
use super::layout::{MAGIC_V1, MAGIC_V2, checksum};
use crate::message::hash::java_hash;
use crate::message::names::TopicName;
use crate::message::offset::{PhysicalOffset, QueueOffset};
use crate::message::properties::Properties;
use crate::message::stored::MessageExt;
use crate::message::sys_flag::SysFlag;
use crate::message::unsent::Message;
use crate::message::{property, property_text};

/// A record read in place: nothing is copied until it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct RecordView<'a> {
    /// Bytes of the whole record.
    pub size: usize,
    /// The stored checksum of the body.
    pub body_crc: u32,
    /// The queue.
    pub queue_id: i32,
    /// The application's flag.
    pub flag: i32,
    /// Its queue offset.
    pub queue_offset: QueueOffset,
    /// Its physical offset, as the record itself states it.
    pub physical_offset: PhysicalOffset,
    /// How it is to be read.
    pub sys_flag: SysFlag,
    /// When it was sent, ms since 1970.
    pub born_timestamp: i64,
    /// Who sent it.
    pub born_host: SocketAddr,
    /// When it was stored, ms since 1970.
    pub store_timestamp: i64,
    /// The broker that stored it.
    pub store_host: SocketAddr,
    /// Attempts so far.
    pub reconsume_times: i32,
    /// The physical offset of the half message, for a committed one; else 0.
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
    /// [`RecordError`] when the bytes are not a whole record. The checksum is not verified; see
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

    /// Reads the fields behind length and magic number; `None` when they do not fill `rest`
    /// exactly.
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
        property_text::iter(self.properties)
            .find_map(|(found, value)| (found == name).then_some(value))
    }

    /// Names and values of the properties in their order.
    pub fn properties(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        property_text::iter(self.properties)
    }

    /// The tag code that the consume queue stores: Java's hash of the tag, 0 without a tag.
    pub fn tag_code(&self) -> i64 {
        self.property(property::TAGS)
            .map_or(0, |tag| i64::from(java_hash(tag)))
    }

    /// The message with everything that was stored about it.
    ///
    /// Body and properties are slices of `bytes`, which must be the bytes that this view was parsed
    /// from.
    ///
    /// # Errors
    ///
    /// [`RecordError::Topic`] when the topic is not a valid topic name.
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

fn take<'a>(rest: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, left) = rest.split_at_checked(length)?;
    *rest = left;
    Some(taken)
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

/// Reads all records of a pull response. Compressed bodies stay compressed.
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
