//! The body of 34 (`HeartbeatData`).
//!
//! C++ clients send enums as Java's ordinals, so the variants stand in Java's order.

use bytestring::ByteString;
use serde::{Deserialize, Serialize};

use crate::message::TopicName;
use crate::message::subscription::{Filter, SelectorType, Subscription, TagExpression};

/// The producer and consumer groups of a client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct HeartbeatData {
    /// The client.
    #[serde(rename = "clientID")]
    pub client_id: ByteString,
    /// The groups it sends in.
    pub producer_data_set: Vec<ProducerData>,
    /// The groups it consumes in.
    pub consumer_data_set: Vec<ConsumerData>,
    /// A hash of the subscriptions; 0 in classic heartbeats.
    pub heartbeat_fingerprint: i32,
    /// Whether subscriptions were left out because they have not changed.
    pub without_sub: bool,
}

/// A group that a client sends in (`ProducerData`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ProducerData {
    /// The group.
    pub group_name: ByteString,
}

/// A group that a client consumes in (`ConsumerData`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct ConsumerData {
    /// The group.
    pub group_name: ByteString,
    /// Pull or push.
    pub consume_type: ConsumeType,
    /// Shared among the members, or everything to everybody.
    pub message_model: MessageModel,
    /// Where a group without offsets starts.
    pub consume_from_where: ConsumeFromWhere,
    /// Its subscriptions.
    pub subscription_data_set: Vec<SubscriptionData>,
    /// Unit mode.
    pub unit_mode: bool,
}

/// How a group gets messages (`ConsumeType`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsumeType {
    /// The application pulls.
    ConsumeActively,
    /// The client pulls and calls a listener.
    #[default]
    ConsumePassively,
    /// The client pops.
    ConsumePop,
}

/// Which members of a group get a message (`MessageModel`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum MessageModel {
    /// Every member.
    Broadcasting,
    /// One member.
    #[default]
    Clustering,
}

/// Where a group without offsets starts (`ConsumeFromWhere`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ConsumeFromWhere {
    /// At the end.
    #[default]
    ConsumeFromLastOffset,
    /// At the end; deprecated.
    ConsumeFromLastOffsetAndFromMinWhenBootFirst,
    /// At the beginning; deprecated.
    ConsumeFromMinOffset,
    /// At the end; deprecated.
    ConsumeFromMaxOffset,
    /// At the beginning.
    ConsumeFromFirstOffset,
    /// At a time.
    ConsumeFromTimestamp,
}

/// Which messages of a topic a group wants (`SubscriptionData`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SubscriptionData {
    /// The topic.
    pub topic: ByteString,
    /// The expression; `*` means everything.
    pub sub_string: ByteString,
    /// `TAG` or `SQL92`.
    pub expression_type: ByteString,
    /// The tags of a tag expression.
    pub tags_set: Vec<ByteString>,
    /// Hashes of the tags. C++ clients send zeros, so they are calculated again from `tags_set`.
    pub code_set: Vec<i32>,
    /// When it was made, ms since 1970; of two subscriptions the newer one applies.
    pub sub_version: i64,
    /// Whether a Java class filters; obsolete.
    pub class_filter_mode: bool,
}

impl Default for SubscriptionData {
    fn default() -> Self {
        Self {
            topic: ByteString::new(),
            sub_string: ByteString::new(),
            expression_type: ByteString::from_static("TAG"),
            tags_set: Vec::new(),
            code_set: Vec::new(),
            sub_version: 0,
            class_filter_mode: false,
        }
    }
}

impl SubscriptionData {
    /// The subscription; `None` when its language is unknown or names no tag. A condition that cannot
    /// be parsed becomes a [malformed](Filter::malformed) filter. Hashes are calculated from the tags,
    /// because the codes that C++ clients send are zeros.
    pub fn to_subscription(&self) -> Option<Subscription> {
        let topic = TopicName::new(self.topic.clone()).ok()?;
        let selector = SelectorType::from_wire(Some(&self.expression_type))?;
        let filter = match selector {
            SelectorType::Tag => self.by_tags()?,
            SelectorType::Sql92 => {
                Filter::by_sql(&self.sub_string).unwrap_or_else(Filter::malformed)
            }
        };
        Some(Subscription {
            topic,
            expression: self.sub_string.clone(),
            selector,
            filter,
            version: self.sub_version,
        })
    }

    fn by_tags(&self) -> Option<Filter> {
        if self.sub_string == "*" || self.sub_string.trim().is_empty() {
            Some(Filter::default())
        } else if self.tags_set.is_empty() {
            TagExpression::parse(&self.sub_string)
                .ok()
                .map(Filter::from)
        } else {
            Some(TagExpression::of(self.tags_set.clone()).into())
        }
    }
}

impl From<&Subscription> for SubscriptionData {
    fn from(subscription: &Subscription) -> Self {
        let tags = subscription.filter.tags();
        Self {
            topic: subscription.topic.to_text(),
            sub_string: subscription.expression.clone(),
            expression_type: ByteString::from_static(subscription.selector.as_str()),
            tags_set: tags.map_or_else(Vec::new, |tags| tags.tags().to_vec()),
            code_set: tags.map_or_else(Vec::new, |tags| tags.codes().to_vec()),
            sub_version: subscription.version,
            class_filter_mode: false,
        }
    }
}
