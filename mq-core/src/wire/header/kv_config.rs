//! 100, 101, 102 and 219: keys and values that the name server keeps.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 100: set a key (`PutKVConfigRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct PutKvConfig {
    /// The namespace; `ORDER_TOPIC_CONFIG` is the one that clients read.
    pub namespace: ByteString,
    /// The key.
    pub key: ByteString,
    /// The value.
    pub value: ByteString,
}

impl Request for PutKvConfig {
    const CODE: RequestCode = RequestCode::PUT_KV_CONFIG;
    type Reply = NoFields;
}

/// 101: read a key (`GetKVConfigRequestHeader`); refused with `QUERY_NOT_FOUND` when it is not set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetKvConfig {
    /// The namespace.
    pub namespace: ByteString,
    /// The key.
    pub key: ByteString,
}

impl Request for GetKvConfig {
    const CODE: RequestCode = RequestCode::GET_KV_CONFIG;
    type Reply = GetKvConfigReply;
}

/// The answer to 101 (`GetKVConfigResponseHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetKvConfigReply {
    /// The value.
    pub value: Option<ByteString>,
}

/// 102: delete a key (`DeleteKVConfigRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct DeleteKvConfig {
    /// The namespace.
    pub namespace: ByteString,
    /// The key.
    pub key: ByteString,
}

impl Request for DeleteKvConfig {
    const CODE: RequestCode = RequestCode::DELETE_KV_CONFIG;
    type Reply = NoFields;
}

/// 219: all keys of a namespace (`GetKVListByNamespaceRequestHeader`). The body of the answer is a
/// [`KvTable`](crate::wire::body::KvTable); refused with `QUERY_NOT_FOUND` when there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetKvListByNamespace {
    /// The namespace.
    pub namespace: ByteString,
}

impl Request for GetKvListByNamespace {
    const CODE: RequestCode = RequestCode::GET_KVLIST_BY_NAMESPACE;
    type Reply = NoFields;
}
