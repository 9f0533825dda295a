//! The offsets of this consumer.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use parking_lot::Mutex;

use super::commit::{COMMITTING_OFFSETS, Commit};
use super::local::LocalFile;
use super::remote::{self, Uncommitted};
use crate::client::cluster::ClusterClient;
use crate::client::consumer::config::ConsumerConfig;
use crate::client::error::StartError;
use crate::clock::Moment;
use crate::message::{GroupName, MessageQueue, QueueOffset};
use crate::remoting::CallError;
use crate::saved_file::FileError;
use crate::tasks::Unfinished;
use crate::troubles::Troubles;
use crate::wire::body::MessageModel;

/// The offsets of this consumer, in memory and where they are stored (`OffsetStore`).
#[derive(Debug)]
pub(in crate::client) struct OffsetStore {
    cluster: Arc<ClusterClient>,
    group: GroupName,
    known: Mutex<HashMap<MessageQueue, QueueOffset>>,
    home: OffsetStorage,
    /// The file cannot be written.
    unsaved: Troubles<()>,
}

#[derive(Debug)]
enum OffsetStorage {
    Broker,
    File(LocalFile),
}

/// An offset could not be looked up, which is not the same as "there is none".
#[derive(Debug, thiserror::Error)]
#[error("could not look up the offset of {queue}: {source}")]
pub(in crate::client) struct OffsetQueryError {
    queue: MessageQueue,
    #[source]
    source: CallError,
}

/// An offset was not committed.
#[derive(Debug, thiserror::Error)]
pub(in crate::client) enum CommitError {
    #[error(transparent)]
    Broker(#[from] CallError),
    #[error(transparent)]
    File(#[from] FileError),
}

impl OffsetQueryError {
    /// Whether the broker was not reached or did not respond.
    pub(in crate::client) fn is_transport(&self) -> bool {
        self.source.is_transport()
    }
}

impl OffsetStore {
    pub(in crate::client) fn open(
        cluster: &Arc<ClusterClient>,
        config: &ConsumerConfig,
    ) -> Result<Self, StartError> {
        let mut known = HashMap::new();
        let home = match config.message_model {
            MessageModel::Clustering => OffsetStorage::Broker,
            MessageModel::Broadcasting => {
                let opened = LocalFile::open(config, &cluster.stable_id);
                let (file, committed) = opened.map_err(StartError::Offsets)?;
                known = committed;
                OffsetStorage::File(file)
            }
        };
        Ok(Self {
            cluster: Arc::clone(cluster),
            group: config.group.clone(),
            known: Mutex::new(known),
            home,
            unsaved: Troubles::new(cluster.clock.clone()),
        })
    }

    /// All messages before `offset` are finished. Never moves an offset back.
    pub(in crate::client) fn advance(&self, queue: &MessageQueue, offset: QueueOffset) {
        let mut known = self.known.lock();
        let entry = known.entry(queue.clone()).or_insert(offset);
        *entry = (*entry).max(offset);
    }

    /// Sets the offset, which may move it back.
    pub(in crate::client) fn set(&self, queue: &MessageQueue, offset: QueueOffset) {
        self.known.lock().insert(queue.clone(), offset);
    }

    /// The offset in memory.
    pub(in crate::client) fn known(&self, queue: &MessageQueue) -> Option<QueueOffset> {
        self.known.lock().get(queue).copied()
    }

    /// The committed offset; `None` when there is none.
    pub(in crate::client) async fn committed(
        &self,
        queue: &MessageQueue,
    ) -> Result<Option<QueueOffset>, OffsetQueryError> {
        match &self.home {
            OffsetStorage::File(_) => Ok(self.known(queue)),
            OffsetStorage::Broker => {
                let committed =
                    remote::query(&self.cluster, &self.group, queue, Uncommitted::MayBeZero).await;
                committed.map_err(|source| unknown(queue, source))
            }
        }
    }

    /// The offset after the last message of a queue.
    pub(in crate::client) async fn end(
        &self,
        queue: &MessageQueue,
    ) -> Result<QueueOffset, OffsetQueryError> {
        let end = remote::end(&self.cluster, queue).await;
        end.map_err(|source| unknown(queue, source))
    }

    /// The offset of the first message stored at `timestamp` or later, ms since 1970.
    pub(in crate::client) async fn at_time(
        &self,
        queue: &MessageQueue,
        timestamp: i64,
    ) -> Result<QueueOffset, OffsetQueryError> {
        let offset = remote::at_time(&self.cluster, queue, timestamp).await;
        offset.map_err(|source| unknown(queue, source))
    }

    /// Commits the offsets of `queues`. Returns false when a broker could not be reached, so that
    /// the commit should be repeated. Failures are logged; the next commit covers this one.
    pub(in crate::client) async fn commit(&self, queues: &[MessageQueue], how: Commit) -> bool {
        let known: Vec<_> = {
            let known = self.known.lock();
            let offset = |queue: &MessageQueue| Some((queue.clone(), *known.get(queue)?));
            queues.iter().filter_map(offset).collect()
        };
        match &self.home {
            OffsetStorage::File(file) => {
                match file.save_changes(&self.known).await {
                    Ok(()) if self.unsaved.end(&()) => {
                        tracing::info!(group = %self.group, "the offsets of the broadcasting group are saved again");
                    }
                    Ok(()) => {}
                    Err(error) if self.unsaved.begin(()).is_some() => {
                        tracing::error!(group = %self.group, %error, "the offsets of the broadcasting group are not saved: after a restart its messages since the last save come again");
                    }
                    Err(_told_before) => {}
                }
                true
            }
            OffsetStorage::Broker => {
                // Concurrently, so that at shutdown an unreachable broker does not delay the
                // others.
                let commits = known.iter().map(|(queue, offset)| async move {
                    let sent = remote::update(&self.cluster, &self.group, queue, *offset, how);
                    match sent.await {
                        Err(error) if error.is_transport() => {
                            tracing::debug!(%queue, %offset, %error, "the offset is not committed");
                            false
                        }
                        Err(error) => {
                            tracing::warn!(%queue, %offset, %error, "the offset is not committed");
                            true
                        }
                        Ok(()) => true,
                    }
                });
                join_all(commits).await.into_iter().all(|told| told)
            }
        }
    }

    /// Commits the offsets of `queues` for the last time, before `deadline`. A commit that is not
    /// confirmed by then is added to what has not ended, which `outcome` says.
    pub(in crate::client) async fn last_commit(
        &self,
        queues: &[MessageQueue],
        deadline: Moment,
        outcome: Result<(), Unfinished>,
    ) -> Result<(), Unfinished> {
        let committing = self.commit(queues, Commit::Confirmed);
        if self
            .cluster
            .clock
            .timeout_at(deadline, committing)
            .await
            .is_ok()
        {
            return outcome;
        }
        tracing::warn!(group = %self.group, "not all offsets could be committed in time: messages that are finished may come again");
        let mut unfinished = outcome.err().unwrap_or(Unfinished(Vec::new()));
        unfinished.0.push(COMMITTING_OFFSETS);
        Err(unfinished)
    }

    /// Sets the offset of a queue and commits it, and says whether that succeeded.
    pub(in crate::client) async fn commit_at(
        &self,
        queue: &MessageQueue,
        offset: QueueOffset,
    ) -> Result<(), CommitError> {
        self.set(queue, offset);
        match &self.home {
            OffsetStorage::File(file) => Ok(file.save_changes(&self.known).await?),
            OffsetStorage::Broker => {
                let (cluster, group) = (&self.cluster, &self.group);
                let committed = remote::update(cluster, group, queue, offset, Commit::Confirmed);
                Ok(committed.await?)
            }
        }
    }

    /// Removes the offset of a queue that is no longer assigned; in broadcasting it stays.
    pub(in crate::client) fn forget(&self, queue: &MessageQueue) {
        if matches!(self.home, OffsetStorage::Broker) {
            self.known.lock().remove(queue);
        }
    }
}

fn unknown(queue: &MessageQueue, source: CallError) -> OffsetQueryError {
    OffsetQueryError {
        queue: queue.clone(),
        source,
    }
}
