//! A record that is about to be appended.
//!
//! It is encoded before the log lock is taken. Queue offset, physical offset and store time are
//! known only under that lock; [`RecordPosition::write`] patches them in.

use std::net::{IpAddr, SocketAddr};

use bytes::BufMut;

use super::layout::{MAGIC_V1, MAGIC_V2, MIN_RECORD_SIZE, checksum};
use crate::message::offset::{PhysicalOffset, QueueOffset};
use crate::message::sys_flag::SysFlag;
use crate::message::unsent::Message;

const QUEUE_OFFSET_AT: usize = 20;
const PHYSICAL_OFFSET_AT: usize = 28;
const STORE_TIMESTAMP_AT: usize = 56;
const BORN_HOST_V6_SHIFT: usize = 12;

/// Everything that a record holds except its offsets and its store time.
#[derive(Clone, Debug)]
pub struct RecordDraft {
    /// Topic, flag, properties, body (as stored: compressed if the sender compressed it).
    pub message: Message,
    /// The queue.
    pub queue_id: i32,
    /// How the record is to be read; the address bits are set by [`RecordDraft::encode`].
    pub sys_flag: SysFlag,
    /// When it was sent, ms since 1970.
    pub born_timestamp: i64,
    /// Who sent it.
    pub born_host: SocketAddr,
    /// The broker as it advertises itself.
    pub store_host: SocketAddr,
    /// Attempts so far.
    pub reconsume_times: i32,
    /// The physical offset of the half message, for a committed one; else 0.
    pub prepared_transaction_offset: i64,
}

impl RecordDraft {
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
        MIN_RECORD_SIZE
            + address(&self.born_host)
            + address(&self.store_host)
            + usize::from(self.wide_topic())
            + self.message.body.len()
            + self.message.topic.as_str().len()
            + self.message.properties.as_bytes().len()
    }

    /// Appends the record to `out`, with zeros for what [`RecordPosition`] holds.
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

/// The position of a record in its queue and in the commit log, and its store time: what is assigned
/// when it is appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordPosition {
    /// The message's queue offset.
    pub queue_offset: QueueOffset,
    /// The offset of the record's first byte in the commit log.
    pub physical_offset: PhysicalOffset,
    /// When it was stored, ms since 1970.
    pub store_timestamp: i64,
}

impl RecordPosition {
    /// Patches these values into an encoded record.
    ///
    /// Bytes that are too short to be a record are left unchanged.
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

fn put_host(out: &mut impl BufMut, host: SocketAddr) {
    match host.ip() {
        IpAddr::V4(ip) => out.put_u32(ip.into()),
        IpAddr::V6(ip) => out.put_u128(ip.into()),
    }
    out.put_u32(host.port().into());
}
