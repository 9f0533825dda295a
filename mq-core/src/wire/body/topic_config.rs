//! Topics: part of the body of 103, the answers to 21 and 351 (`TopicConfig`,
//! `TopicConfigSerializeWrapper`).

use std::collections::BTreeMap;
use std::str::FromStr;

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use super::data_version::DataVersion;

/// The bits of a topic's permission (`PermName`).
pub mod permission {
    /// Consumers may read.
    pub const READ: i32 = 4;
    /// Producers may write.
    pub const WRITE: i32 = 2;
    /// New topics may be created with this one as their template.
    pub const INHERIT: i32 = 1;
}

/// A topic on a broker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TopicConfig {
    /// Its name.
    pub topic_name: ByteString,
    /// Queues that consumers see.
    pub read_queue_nums: i32,
    /// Queues that producers see.
    pub write_queue_nums: i32,
    /// Bits; see [`permission`].
    pub perm: i32,
    /// Whether its messages have one tag or several.
    pub topic_filter_type: TopicFilterType,
    /// Bits: 1 unit topic, 2 has unit subscriptions.
    pub topic_sys_flag: i32,
    /// Whether it is ordered over several brokers.
    pub order: bool,
    /// Further settings.
    pub attributes: BTreeMap<ByteString, ByteString>,
}

impl Default for TopicConfig {
    fn default() -> Self {
        Self {
            topic_name: ByteString::new(),
            read_queue_nums: 16,
            write_queue_nums: 16,
            perm: permission::READ | permission::WRITE,
            topic_filter_type: TopicFilterType::SingleTag,
            topic_sys_flag: 0,
            order: false,
            attributes: BTreeMap::new(),
        }
    }
}

/// Whether messages have one tag or several (`TopicFilterType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TopicFilterType {
    /// One.
    #[default]
    SingleTag,
    /// Several.
    MultiTag,
}

impl FromStr for TopicFilterType {
    type Err = UnknownFilterType;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "SINGLE_TAG" => Ok(Self::SingleTag),
            "MULTI_TAG" => Ok(Self::MultiTag),
            _ => Err(UnknownFilterType),
        }
    }
}

/// A text that is neither `SINGLE_TAG` nor `MULTI_TAG`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a topic's filter type is `SINGLE_TAG` or `MULTI_TAG`")]
pub struct UnknownFilterType;

/// All topics of a broker (`TopicConfigSerializeWrapper`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TopicConfigs {
    /// Topics by name.
    pub topic_config_table: BTreeMap<ByteString, TopicConfig>,
    /// The version of the table.
    #[serde(default)]
    pub data_version: DataVersion,
}
