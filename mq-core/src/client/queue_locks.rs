//! Locks of queues at a broker, each for one client of a group (`RebalanceLockManager`). One that is not
//! taken again for a minute is free.

use bytes::Bytes;
use bytestring::ByteString;

use super::cluster::ClusterClient;
use crate::message::MessageQueue;
use crate::remoting::CallError;
use crate::wire::body::{LockBatchRequestBody, LockBatchResponseBody};
use crate::wire::fastjson::{self, BodyError};
use crate::wire::header::{LockBatchMq, UnlockBatchMq};

/// Takes locks, or renews them, for this client and `group`; gives the queues that it has. The inner error
/// is an answer that cannot be read.
pub(super) async fn take(
    cluster: &ClusterClient,
    address: &ByteString,
    group: &ByteString,
    queues: Vec<MessageQueue>,
) -> Result<Result<Vec<MessageQueue>, BodyError>, CallError> {
    let body = body(cluster, group, queues);
    let reply = cluster.call(address, LockBatchMq, body).await?;
    let answer = fastjson::read::<LockBatchResponseBody>(&reply.body);
    Ok(answer.map(|answer| answer.lock_ok_mq_set))
}

/// Gives locks back.
pub(super) async fn give_back(
    cluster: &ClusterClient,
    address: &ByteString,
    group: &ByteString,
    queues: Vec<MessageQueue>,
) -> Result<(), CallError> {
    let body = body(cluster, group, queues);
    cluster.call(address, UnlockBatchMq, body).await.map(drop)
}

fn body(cluster: &ClusterClient, group: &ByteString, queues: Vec<MessageQueue>) -> Bytes {
    let body = LockBatchRequestBody {
        consumer_group: group.clone(),
        client_id: cluster.client_id.clone(),
        mq_set: queues,
        only_this_broker: false,
    };
    fastjson::write(&body)
}
