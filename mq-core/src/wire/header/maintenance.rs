//! 305, 306, 316, 321 and 329: what administrators do to the store.

use bytestring::ByteString;
use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 305: the system topics. The body of the answer is a [`TopicList`](crate::wire::body::TopicList).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct GetSystemTopicListFromBroker;

impl Request for GetSystemTopicListFromBroker {
    const CODE: RequestCode = RequestCode::GET_SYSTEM_TOPIC_LIST_FROM_BROKER;
    type Reply = NoFields;
}

/// 306: remove files of consume queues whose messages have expired.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct CleanExpiredConsumeQueue;

impl Request for CleanExpiredConsumeQueue {
    const CODE: RequestCode = RequestCode::CLEAN_EXPIRED_CONSUMEQUEUE;
    type Reply = NoFields;
}

/// 316: remove consume queues whose topic does not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct CleanUnusedTopic;

impl Request for CleanUnusedTopic {
    const CODE: RequestCode = RequestCode::CLEAN_UNUSED_TOPIC;
    type Reply = NoFields;
}

/// 321: entries of a consume queue (`QueryConsumeQueueRequestHeader`). The body of the answer is a
/// [`ConsumeQueueEntries`](crate::wire::body::ConsumeQueueEntries).
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct QueryConsumeQueue {
    /// The topic.
    pub topic: Option<ByteString>,
    /// The queue.
    #[header(default)]
    pub queue_id: i32,
    /// The queue offset of the first entry.
    #[header(default)]
    pub index: i64,
    /// At most so many entries.
    #[header(default)]
    pub count: i32,
    /// The group whose subscription is shown.
    pub consumer_group: Option<ByteString>,
}

impl Request for QueryConsumeQueue {
    const CODE: RequestCode = RequestCode::QUERY_CONSUME_QUEUE;
    type Reply = NoFields;
}

/// 329: remove expired segments of the commit log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct DeleteExpiredCommitLog;

impl Request for DeleteExpiredCommitLog {
    const CODE: RequestCode = RequestCode::DELETE_EXPIRED_COMMITLOG;
    type Reply = NoFields;
}
