//! 26 and 28: settings and statistics of a running broker.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 28: statistics of a running broker. The body of the answer is a
/// [`KvTable`](crate::wire::body::KvTable).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerRuntimeInfo;

impl Request for GetBrokerRuntimeInfo {
    const CODE: RequestCode = RequestCode::GET_BROKER_RUNTIME_INFO;
    type Reply = NoFields;
}

/// 26: settings of a running broker. The body of the answer is text in Java's properties format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerConfig;

impl Request for GetBrokerConfig {
    const CODE: RequestCode = RequestCode::GET_BROKER_CONFIG;
    type Reply = GetBrokerConfigReply;
}

/// The answer to 26 (`GetBrokerConfigResponseHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerConfigReply {
    /// The version of the settings, a [`DataVersion`](crate::wire::body::DataVersion) as JSON.
    pub version: Option<ByteString>,
}
