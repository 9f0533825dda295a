//! The bodies of 18 and 225 (`CreateTopicListRequestBody`, `SubscriptionGroupList`).

use serde::{Deserialize, Serialize};

use super::subscription_group::SubscriptionGroupConfig;
use super::topic_config::TopicConfig;

/// Topics to create or change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TopicConfigList {
    /// The topics.
    pub topic_config_list: Vec<TopicConfig>,
}

/// Groups to create or change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SubscriptionGroupList {
    /// The groups.
    pub group_config_list: Vec<SubscriptionGroupConfig>,
}
