//! 43, 45, 303, 308 and 314: the committed offsets of groups.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 43: the committed offsets of all groups. The body of the answer is what `consumerOffset.json` has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllConsumerOffset;

impl Request for GetAllConsumerOffset {
    const CODE: RequestCode = RequestCode::GET_ALL_CONSUMER_OFFSET;
    type Reply = NoFields;
}

/// 45: the offsets of the delay levels. The body of the answer is what `delayOffset.json` has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetAllDelayOffset;

impl Request for GetAllDelayOffset {
    const CODE: RequestCode = RequestCode::GET_ALL_DELAY_OFFSET;
    type Reply = NoFields;
}

/// 303: store times of a topic's queues, and of what a group consumed
/// (`QueryConsumeTimeSpanRequestHeader`). The body of the answer is a
/// [`ConsumeTimeSpans`](crate::wire::body::ConsumeTimeSpans).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryConsumeTimeSpan {
    /// The topic.
    pub topic: ByteString,
    /// The group.
    pub group: ByteString,
}

impl Request for QueryConsumeTimeSpan {
    const CODE: RequestCode = RequestCode::QUERY_CONSUME_TIME_SPAN;
    type Reply = NoFields;
}

/// 308: the smallest committed offset of each queue (`QueryCorrectionOffsetHeader`). The body of the
/// answer is a [`CorrectionOffsets`](crate::wire::body::CorrectionOffsets).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryCorrectionOffset {
    /// Groups that do not count, joined by `,`.
    pub filter_groups: Option<ByteString>,
    /// Queues in which this group is behind all others are answered with the greatest number.
    pub compare_group: ByteString,
    /// The topic.
    pub topic: ByteString,
}

impl Request for QueryCorrectionOffset {
    const CODE: RequestCode = RequestCode::QUERY_CORRECTION_OFFSET;
    type Reply = NoFields;
}

/// 314: copy the offsets of a group to another (`CloneGroupOffsetRequestHeader`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct CloneGroupOffset {
    /// The group whose offsets are copied.
    pub src_group: ByteString,
    /// The group that gets them.
    pub dest_group: ByteString,
    /// The topic; absent or empty means every topic in which the group has committed offsets.
    pub topic: Option<ByteString>,
    /// Whether topics count to which the group does not subscribe.
    #[header(default)]
    pub offline: bool,
}

impl Request for CloneGroupOffset {
    const CODE: RequestCode = RequestCode::CLONE_GROUP_OFFSET;
    type Reply = NoFields;
}
