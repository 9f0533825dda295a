//! 100, 101, 102, 219: keys and values kept by a name server.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Sets a key (`PutKVConfigRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct PutKvConfig {
    /// The namespace.
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

/// Reads a key (`GetKVConfigRequestHeader`).
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

/// Its value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetKvConfigReply {
    /// The value.
    pub value: Option<ByteString>,
}

/// Deletes a key (`DeleteKVConfigRequestHeader`).
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

/// Asks for all keys of a namespace (`GetKVListByNamespaceRequestHeader`); the answer's body is `KVTable`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetKvList {
    /// The namespace.
    pub namespace: ByteString,
}

impl Request for GetKvList {
    const CODE: RequestCode = RequestCode::GET_KVLIST_BY_NAMESPACE;
    type Reply = NoFields;
}
