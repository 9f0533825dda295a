//! 41 and 42: queues for one member alone; the body names them.

use mq_macros::Header;

use crate::wire::{NoFields, Request, RequestCode};

/// Locks queues; the body is `LockBatchRequestBody`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct LockBatch {}

impl Request for LockBatch {
    const CODE: RequestCode = RequestCode::LOCK_BATCH_MQ;
    type Reply = NoFields;
}

/// Unlocks queues; the body is `UnlockBatchRequestBody`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Header)]
pub struct UnlockBatch {}

impl Request for UnlockBatch {
    const CODE: RequestCode = RequestCode::UNLOCK_BATCH_MQ;
    type Reply = NoFields;
}
