//! 41 and 42: members of a group lock queues to consume them in order
//! (`AdminBrokerProcessor.lockBatchMQ`).

use std::sync::Arc;

use crate::broker::parts::Parts;
use crate::broker::state::queue_locks::QueueLocks;
use crate::remoting::{Incoming, Processor};
use crate::wire::body::{LockBatchRequestBody, LockBatchResponseBody};
use crate::wire::header::{LockBatchMq, UnlockBatchMq};
use crate::wire::{NoFields, Refusal, Reply, fastjson};

/// Locks and unlocks queues.
#[derive(Clone, Debug)]
pub(in crate::broker) struct LockProcessor(Arc<QueueLocks>);

impl LockProcessor {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self(Arc::clone(&parts.locks))
    }
}

impl Processor<LockBatchMq> for LockProcessor {
    async fn process(&self, request: Incoming<LockBatchMq>) -> Result<Reply<NoFields>, Refusal> {
        let body: LockBatchRequestBody = fastjson::read(&request.body)?;
        let LockBatchRequestBody {
            consumer_group,
            client_id,
            mq_set,
            ..
        } = body;
        let lock_ok_mq_set = self
            .0
            .lock(&consumer_group, &client_id, &request.peer, mq_set);
        let answer = LockBatchResponseBody { lock_ok_mq_set };
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&answer)))
    }
}

impl Processor<UnlockBatchMq> for LockProcessor {
    async fn process(&self, request: Incoming<UnlockBatchMq>) -> Result<Reply<NoFields>, Refusal> {
        let body: LockBatchRequestBody = fastjson::read(&request.body)?;
        let (group, client) = (&body.consumer_group, &body.client_id);
        self.0.unlock(group, client, &request.peer, &body.mq_set);
        Ok(Reply::ok(NoFields))
    }
}
