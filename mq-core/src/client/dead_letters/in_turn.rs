//! One client at a time sends the dead letters of a queue again, so that none is sent twice.
//!
//! It holds the queue's lock, as the members of a group that reads in order do; the group has the name of
//! the dead-letter topic, so that no consumer is held up. What a client that was killed has locked is free
//! again after a minute (`RebalanceLockManager`).

use std::future::Future;
use std::time::Duration;

use bytestring::ByteString;

use super::error::DeadLetterError;
use super::letter::DeadLetter;
use crate::client::browse::{self, BrowseError};
use crate::client::cluster::ClusterClient;
use crate::client::queue_locks;
use crate::message::{GroupName, MessageQueue, TopicName};
use crate::remoting::CallError;

const LOCK_POLL_INTERVAL: Duration = Duration::from_millis(20);

/// How long another client may have the lock. It sends one letter at a time.
const PATIENCE: Duration = Duration::from_secs(10);

/// Does `work` while no other client sends a letter of that queue again.
pub(super) async fn in_turn<T>(
    cluster: &ClusterClient,
    group: &GroupName,
    letter: &DeadLetter,
    work: impl Future<Output = Result<T, DeadLetterError>>,
) -> Result<T, DeadLetterError> {
    let lock = QueueLock::of(cluster, group, letter).await?;
    let taken = async {
        while !lock.take().await? {
            cluster.clock.sleep(LOCK_POLL_INTERVAL).await;
        }
        Ok::<(), DeadLetterError>(())
    };
    match cluster.clock.timeout(PATIENCE, taken).await {
        Ok(taken) => taken?,
        Err(_elapsed) => return Err(DeadLetterError::InUse(group.clone())),
    }
    let outcome = work.await;
    lock.give_back().await;
    outcome
}

struct QueueLock<'a> {
    cluster: &'a ClusterClient,
    address: ByteString,
    group: ByteString,
    queue: MessageQueue,
}

impl<'a> QueueLock<'a> {
    async fn of(
        cluster: &'a ClusterClient,
        group: &GroupName,
        letter: &DeadLetter,
    ) -> Result<Self, DeadLetterError> {
        let (topic, broker) = (TopicName::dead_letters_of(group), &letter.broker);
        let masters = browse::masters(cluster, &topic).await?.unwrap_or_default();
        let master = masters.into_iter().find(|master| master.name == *broker);
        let Some(master) = master else {
            return Err(failed(broker, CallError::unknown(broker)));
        };
        Ok(Self {
            cluster,
            address: master.address,
            group: topic.to_text(),
            queue: MessageQueue::new(topic, broker.clone(), letter.message.queue_id),
        })
    }

    /// Whether it is this client's now.
    async fn take(&self) -> Result<bool, DeadLetterError> {
        let queues = vec![self.queue.clone()];
        let taken = queue_locks::take(self.cluster, &self.address, &self.group, queues).await;
        let taken = taken.map_err(|source| failed(&self.queue.broker, source))?;
        // Whose answer cannot be read has locked nothing.
        Ok(taken.is_ok_and(|taken| taken.contains(&self.queue)))
    }

    async fn give_back(&self) {
        let queues = vec![self.queue.clone()];
        let given = queue_locks::give_back(self.cluster, &self.address, &self.group, queues);
        if let Err(error) = given.await {
            tracing::debug!(queue = %self.queue, %error, "the lock could not be given back; it expires by itself");
        }
    }
}

fn failed(broker: &ByteString, source: CallError) -> DeadLetterError {
    DeadLetterError::Browse(BrowseError::Broker {
        action: "lock dead letters",
        broker: broker.to_string(),
        source,
    })
}
