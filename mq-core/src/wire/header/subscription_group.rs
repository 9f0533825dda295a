//! 200, 201, 207, 352: groups of a broker.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Creates or changes a group; the body is `SubscriptionGroupConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct CreateGroup {}

impl Request for CreateGroup {
    const CODE: RequestCode = RequestCode::UPDATE_AND_CREATE_SUBSCRIPTIONGROUP;
    type Reply = NoFields;
}

/// Asks for all groups; the body of the answer holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllGroups {
    /// The first of a page.
    pub group_seq: Option<i32>,
    /// Length of a page.
    pub max_group_num: Option<i32>,
    /// The version the page belongs to.
    pub data_version: Option<ByteString>,
}

impl Request for GetAllGroups {
    const CODE: RequestCode = RequestCode::GET_ALL_SUBSCRIPTIONGROUP_CONFIG;
    type Reply = GetAllGroupsReply;
}

/// How many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllGroupsReply {
    /// All groups.
    pub total_group_num: Option<i32>,
}

/// Deletes a group (`DeleteSubscriptionGroupRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct DeleteGroup {
    /// Its name.
    pub group_name: ByteString,
    /// Whether its offsets go too.
    pub clean_offset: Option<bool>,
}

impl Request for DeleteGroup {
    const CODE: RequestCode = RequestCode::DELETE_SUBSCRIPTIONGROUP;
    type Reply = NoFields;
}

/// Asks for one group (`GetSubscriptionGroupConfigRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct GetGroup {
    /// Its name.
    pub group: ByteString,
}

impl Request for GetGroup {
    const CODE: RequestCode = RequestCode::GET_SUBSCRIPTIONGROUP_CONFIG;
    type Reply = NoFields;
}
