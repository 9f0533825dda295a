//! 200, 201, 207 and 352: the groups of a broker.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 200: create a group or change it; the body is a
/// [`SubscriptionGroupConfig`](crate::wire::body::SubscriptionGroupConfig).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct UpdateAndCreateSubscriptionGroup;

impl Request for UpdateAndCreateSubscriptionGroup {
    const CODE: RequestCode = RequestCode::UPDATE_AND_CREATE_SUBSCRIPTIONGROUP;
    type Reply = NoFields;
}

/// 201: all groups of a broker (`GetAllSubscriptionGroupRequestHeader`). The body of the answer is
/// a [`SubscriptionGroups`](crate::wire::body::SubscriptionGroups).
///
/// 4.x sends no field and gets everything; 5.x may ask page by page.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllSubscriptionGroupConfig {
    /// The first group wanted.
    pub group_seq: Option<i32>,
    /// At most so many groups.
    pub max_group_num: Option<i32>,
    /// The version, as JSON, that the pages before this one had.
    pub data_version: Option<ByteString>,
}

impl Request for GetAllSubscriptionGroupConfig {
    const CODE: RequestCode = RequestCode::GET_ALL_SUBSCRIPTIONGROUP_CONFIG;
    type Reply = GetAllSubscriptionGroupConfigReply;
}

/// The answer to 201 (`GetAllSubscriptionGroupResponseHeader`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllSubscriptionGroupConfigReply {
    /// How many groups there are; absent means that the body holds them all.
    pub total_group_num: Option<i32>,
}

/// 207: delete a group (`DeleteSubscriptionGroupRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct DeleteSubscriptionGroup {
    /// The group.
    pub group_name: ByteString,
    /// Whether its offsets go too; 4.9 calls it `removeOffset`.
    #[header(default, alias = "removeOffset")]
    pub clean_offset: bool,
}

impl Request for DeleteSubscriptionGroup {
    const CODE: RequestCode = RequestCode::DELETE_SUBSCRIPTIONGROUP;
    type Reply = NoFields;
}

/// 352: one group (`GetSubscriptionGroupConfigRequestHeader`). The body of the answer is a
/// [`SubscriptionGroupConfig`](crate::wire::body::SubscriptionGroupConfig).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetSubscriptionGroupConfig {
    /// The group.
    pub group: ByteString,
}

impl Request for GetSubscriptionGroupConfig {
    const CODE: RequestCode = RequestCode::GET_SUBSCRIPTIONGROUP_CONFIG;
    type Reply = NoFields;
}
