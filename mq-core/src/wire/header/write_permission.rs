//! 205 and 327: make a broker read-only in all routes, and writable again.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::Request;

/// 205: withdraw the write permission of all topics of a broker (`WipeWritePermOfBrokerRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct WipeWritePermOfBroker {
    /// The broker's name.
    pub broker_name: ByteString,
}

impl Request for WipeWritePermOfBroker {
    const CODE: RequestCode = RequestCode::WIPE_WRITE_PERM_OF_BROKER;
    type Reply = WipeWritePermOfBrokerReply;
}

/// The answer to 205 (`WipeWritePermOfBrokerResponseHeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct WipeWritePermOfBrokerReply {
    /// How many topics were changed.
    pub wipe_topic_count: i32,
}

/// 327: restore the write permission of all topics of a broker (`AddWritePermOfBrokerRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct AddWritePermOfBroker {
    /// The broker's name.
    pub broker_name: ByteString,
}

impl Request for AddWritePermOfBroker {
    const CODE: RequestCode = RequestCode::ADD_WRITE_PERM_OF_BROKER;
    type Reply = AddWritePermOfBrokerReply;
}

/// The answer to 327 (`AddWritePermOfBrokerResponseHeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct AddWritePermOfBrokerReply {
    /// How many topics were changed.
    pub add_topic_count: i32,
}
