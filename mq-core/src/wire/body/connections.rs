//! The answers to 203, 204 and 300 (`ConsumerConnection`, `ProducerConnection`, `GroupList`).

use std::collections::BTreeMap;
use std::fmt;

use bytestring::ByteString;
use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::heartbeat::{ConsumeFromWhere, ConsumeType, MessageModel, SubscriptionData};
use crate::wire::language::Language;

/// The connections and subscriptions of a consumer group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumerConnection {
    /// One for each connection, in no order.
    pub connection_set: Vec<Connection>,
    /// Where the group starts without offsets.
    pub consume_from_where: ConsumeFromWhere,
    /// Pull or push.
    pub consume_type: ConsumeType,
    /// Shared among the members, or everything to everybody.
    pub message_model: MessageModel,
    /// The group's subscriptions by topic.
    pub subscription_table: BTreeMap<ByteString, SubscriptionData>,
}

/// The connections of a producer group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProducerConnection {
    /// One for each connection, in no order.
    pub connection_set: Vec<Connection>,
}

/// A connection of a client (`Connection`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Connection {
    /// Where it comes from.
    pub client_addr: ByteString,
    /// The client.
    pub client_id: ByteString,
    /// What the client is written in.
    pub language: Language,
    /// The client's version.
    pub version: i32,
}

impl Default for Connection {
    fn default() -> Self {
        Self {
            client_addr: ByteString::new(),
            client_id: ByteString::new(),
            language: Language::Other,
            version: 0,
        }
    }
}

/// Groups by name (`GroupList`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct GroupList {
    /// The groups, in no order.
    pub group_list: Vec<ByteString>,
}

/// Written by its name, as Java writes enums in bodies.
impl Serialize for Language {
    fn serialize<S: Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        out.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Language {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_str(LanguageName)
    }
}

struct LanguageName;

impl Visitor<'_> for LanguageName {
    type Value = Language;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a language")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Language, E> {
        Ok(Language::from_name(name))
    }
}
