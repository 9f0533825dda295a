//! 26 and 28: settings and figures of a broker; the answer's body holds them.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Asks for the settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerConfig {}

impl Request for GetBrokerConfig {
    const CODE: RequestCode = RequestCode::GET_BROKER_CONFIG;
    type Reply = GetBrokerConfigReply;
}

/// Version of the settings (`GetBrokerConfigResponseHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerConfigReply {
    /// `DataVersion` as JSON.
    pub version: ByteString,
}

/// Asks for the figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetRuntimeInfo {}

impl Request for GetRuntimeInfo {
    const CODE: RequestCode = RequestCode::GET_BROKER_RUNTIME_INFO;
    type Reply = NoFields;
}
