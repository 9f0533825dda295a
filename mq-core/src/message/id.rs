//! The two ids of a message: the offset id names its place in a commit log, the unique id is made
//! by the sender.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use super::date::month_start;
use super::offset::PhysicalOffset;

/// Why a text is not an offset id.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// Neither 32 nor 56 characters.
    #[error("message id `{id}` has {length} characters, expected 32 or 56")]
    Length {
        /// The text.
        id: String,
        /// Its characters.
        length: usize,
    },
    /// Not hexadecimal.
    #[error("message id `{id}` is not hexadecimal")]
    NotHex {
        /// The text.
        id: String,
    },
}

/// The broker's address and the physical offset of the record (`MessageDecoder.createMessageId`).
/// Written as 32 upper-case hex digits, 56 with IPv6.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OffsetMessageId {
    /// The broker as it advertises itself.
    pub host: SocketAddr,
    /// The physical offset of the record.
    pub offset: PhysicalOffset,
}

impl OffsetMessageId {
    /// How many characters an id with this broker's address has.
    pub fn length(host: SocketAddr) -> usize {
        if host.is_ipv4() { 32 } else { 56 }
    }
}

impl fmt::Display for OffsetMessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = u32::from(self.host.port()).to_be_bytes();
        let offset = self.offset.0.to_be_bytes();
        let mut text = [0; 56];
        let length = match self.host.ip() {
            IpAddr::V4(ip) => put_hex(&mut text, &[&ip.octets(), &port, &offset]),
            IpAddr::V6(ip) => put_hex(&mut text, &[&ip.octets(), &port, &offset]),
        };
        let text = text.get(..length).unwrap_or_default();
        f.write_str(std::str::from_utf8(text).unwrap_or_default())
    }
}

/// Writes upper-case hex digits; returns how many. Every send is answered with an id, and `{:X}` for
/// each part costs several times as much.
fn put_hex(text: &mut [u8], parts: &[&[u8]]) -> usize {
    let digit = |half: u8| half + if half < 10 { b'0' } else { b'A' - 10 };
    let (pairs, _) = text.as_chunks_mut();
    let mut length = 0;
    for part in parts {
        let pairs = pairs.get_mut(length / 2..).unwrap_or_default();
        for (pair, byte) in pairs.iter_mut().zip(*part) {
            *pair = [digit(byte >> 4), digit(byte & 15)];
        }
        length += 2 * part.len();
    }
    length
}

impl FromStr for OffsetMessageId {
    type Err = IdError;

    fn from_str(id: &str) -> Result<Self, IdError> {
        let not_hex = || IdError::NotHex { id: id.to_owned() };
        if !id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(not_hex());
        }
        let hex = |range| id.get(range).unwrap_or_default();
        let (ip, rest) = match id.len() {
            32 => {
                let ip = u32::from_str_radix(hex(0..8), 16).map(Ipv4Addr::from);
                (ip.map(IpAddr::V4), 8)
            }
            56 => {
                let ip = u128::from_str_radix(hex(0..32), 16).map(Ipv6Addr::from);
                (ip.map(IpAddr::V6), 32)
            }
            length => {
                return Err(IdError::Length {
                    id: id.to_owned(),
                    length,
                });
            }
        };
        let port = u32::from_str_radix(hex(rest..rest + 8), 16).map(u16::try_from);
        let offset = u64::from_str_radix(hex(rest + 8..rest + 24), 16);
        match (ip, port, offset) {
            (Ok(ip), Ok(Ok(port)), Ok(offset)) => Ok(Self {
                host: SocketAddr::new(ip, port),
                offset: PhysicalOffset(offset),
            }),
            _ => Err(not_hex()),
        }
    }
}

/// Makes the unique ids of one client (`MessageClientIDSetter`): address, process, instance,
/// milliseconds since the first of the month, counter.
#[derive(Debug)]
pub struct UniqueIds {
    prefix: String,
    month_start_ms: i64,
    counter: AtomicU32,
}

impl UniqueIds {
    /// For a client at `address` in process `pid`; `instance` tells several clients of one process
    /// apart.
    ///
    /// The ids count from the beginning of the month that `now_ms` lies in, ms since 1970.
    pub fn new(address: IpAddr, pid: u32, instance: u32, now_ms: i64) -> Self {
        let address = match address {
            IpAddr::V4(ip) => format!("{:08X}", u32::from(ip)),
            IpAddr::V6(ip) => format!("{:032X}", u128::from(ip)),
        };
        let prefix = format!("{address}{:04X}{instance:08X}", pid & 0xFFFF);
        Self {
            prefix,
            month_start_ms: month_start(now_ms),
            counter: AtomicU32::new(0),
        }
    }

    /// The next id at the time `now_ms`, ms since 1970.
    pub fn next(&self, now_ms: i64) -> String {
        let elapsed = u32::try_from((now_ms - self.month_start_ms) & 0xFFFF_FFFF).unwrap_or(0);
        let count = self.counter.fetch_add(1, Ordering::Relaxed) & 0xFFFF;
        format!("{}{elapsed:08X}{count:04X}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offset_id_is_read_back_from_its_text() {
        for host in ["127.0.0.1:10911", "[::1]:10911"] {
            let id = OffsetMessageId {
                host: host.parse().unwrap(),
                offset: PhysicalOffset(4711),
            };

            let text = id.to_string();
            assert_eq!(text.len(), OffsetMessageId::length(id.host));
            assert_eq!(text.parse::<OffsetMessageId>().unwrap(), id);
        }
        let id: OffsetMessageId = "7F00000100002A9F0000000000001267".parse().unwrap();
        assert_eq!(id.host, "127.0.0.1:10911".parse().unwrap());
        assert_eq!(id.offset, PhysicalOffset(0x1267));
    }

    #[test]
    fn a_malformed_offset_id_is_refused() {
        let port_too_large = "7F000001000FFFFF0000000000001267";
        for id in ["", "7F", &"G".repeat(32), &"é".repeat(16), port_too_large] {
            assert!(id.parse::<OffsetMessageId>().is_err(), "{id}");
        }
    }

    #[test]
    fn unique_ids_differ_and_have_javas_length() {
        let ids = UniqueIds::new("127.0.0.1".parse().unwrap(), 4711, 7, 0);

        assert_eq!(ids.next(1).len(), 32);
        assert_ne!(ids.next(1), ids.next(1));
    }
}
