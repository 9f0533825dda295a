//! 41 and 42: locks on queues, so that one member of a group consumes each in order.

use mq_macros::Header;

use crate::wire::code::RequestCode;
use crate::wire::request::{NoFields, Request};

/// 41: lock queues; the body is a [`LockBatchRequestBody`](crate::wire::body::LockBatchRequestBody),
/// that of the answer a [`LockBatchResponseBody`](crate::wire::body::LockBatchResponseBody).
///
/// A queue that somebody else holds is no error: it is just absent from the answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct LockBatchMq;

impl Request for LockBatchMq {
    const CODE: RequestCode = RequestCode::LOCK_BATCH_MQ;
    type Reply = NoFields;
}

/// 42: unlock queues; the body is a
/// [`LockBatchRequestBody`](crate::wire::body::LockBatchRequestBody).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Header)]
pub struct UnlockBatchMq;

impl Request for UnlockBatchMq {
    const CODE: RequestCode = RequestCode::UNLOCK_BATCH_MQ;
    type Reply = NoFields;
}
