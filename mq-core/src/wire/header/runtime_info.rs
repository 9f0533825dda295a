//! 28: figures of a running broker.

use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// 28: figures of a running broker. The body of the answer is a
/// [`KvTable`](crate::wire::body::KvTable).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetBrokerRuntimeInfo;

impl Request for GetBrokerRuntimeInfo {
    const CODE: RequestCode = RequestCode::GET_BROKER_RUNTIME_INFO;
    type Reply = NoFields;
}
