//! Offsets as they are known here.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use parking_lot::Mutex;

use super::commit::Commit;
use super::local::LocalFile;
use super::remote;
use crate::client::cluster::Cluster;
use crate::client::consumer::config::ConsumerConfig;
use crate::client::error::StartError;
use crate::message::{GroupName, MessageQueue, QueueOffset};
use crate::remoting::CallError;
use crate::wire::body::MessageModel;

/// Offsets as they are known here, and where they are kept (`OffsetStore`).
#[derive(Debug)]
pub(in crate::client::consumer) struct Offsets {
    cluster: Arc<Cluster>,
    group: GroupName,
    known: Mutex<HashMap<MessageQueue, QueueOffset>>,
    home: Home,
}

#[derive(Debug)]
enum Home {
    Broker,
    File(LocalFile),
}

/// The offset could not be asked for; that is not the same as "there is none".
#[derive(Debug, thiserror::Error)]
#[error("could not ask for an offset of {queue}: {source}")]
pub(in crate::client::consumer) struct Unknown {
    queue: MessageQueue,
    #[source]
    source: CallError,
}

impl Unknown {
    /// Whether the broker was not reached or fell silent.
    pub(in crate::client::consumer) fn is_transport(&self) -> bool {
        self.source.is_transport()
    }
}

impl Offsets {
    pub(in crate::client::consumer) fn open(
        cluster: &Arc<Cluster>,
        config: &ConsumerConfig,
    ) -> Result<Self, StartError> {
        let mut known = HashMap::new();
        let home = match config.message_model {
            MessageModel::Clustering => Home::Broker,
            MessageModel::Broadcasting => {
                let opened = LocalFile::open(config, &cluster.lasting_id);
                let (file, kept) = opened.map_err(StartError::Offsets)?;
                known = kept;
                Home::File(file)
            }
        };
        Ok(Self {
            cluster: Arc::clone(cluster),
            group: config.group.clone(),
            known: Mutex::new(known),
            home,
        })
    }

    /// Everything before `offset` is finished. Never goes back.
    pub(in crate::client::consumer) fn advance(&self, queue: &MessageQueue, offset: QueueOffset) {
        let mut known = self.known.lock();
        let entry = known.entry(queue.clone()).or_insert(offset);
        *entry = (*entry).max(offset);
    }

    /// Goes to `offset`, backwards too.
    pub(in crate::client::consumer) fn set(&self, queue: &MessageQueue, offset: QueueOffset) {
        self.known.lock().insert(queue.clone(), offset);
    }

    /// What is known here.
    pub(in crate::client::consumer) fn known(&self, queue: &MessageQueue) -> Option<QueueOffset> {
        self.known.lock().get(queue).copied()
    }

    /// What is kept; `None`: nothing.
    pub(in crate::client::consumer) async fn kept(
        &self,
        queue: &MessageQueue,
    ) -> Result<Option<QueueOffset>, Unknown> {
        match &self.home {
            Home::File(_) => Ok(self.known(queue)),
            Home::Broker => {
                let kept = remote::query(&self.cluster, &self.group, queue).await;
                kept.map_err(|source| unknown(queue, source))
            }
        }
    }

    /// The end of a queue.
    pub(in crate::client::consumer) async fn end(
        &self,
        queue: &MessageQueue,
    ) -> Result<QueueOffset, Unknown> {
        let end = remote::end(&self.cluster, queue).await;
        end.map_err(|source| unknown(queue, source))
    }

    /// Where the messages of a time begin, ms since 1970.
    pub(in crate::client::consumer) async fn at_time(
        &self,
        queue: &MessageQueue,
        timestamp: i64,
    ) -> Result<QueueOffset, Unknown> {
        let offset = remote::at_time(&self.cluster, queue, timestamp).await;
        offset.map_err(|source| unknown(queue, source))
    }

    /// Keeps what is known of `queues`; whether no broker has to be told again. A failure is
    /// logged: the next commit makes up for it.
    pub(in crate::client::consumer) async fn commit(
        &self,
        queues: &[MessageQueue],
        how: Commit,
    ) -> bool {
        let known: Vec<_> = {
            let known = self.known.lock();
            let offset = |queue: &MessageQueue| Some((queue.clone(), *known.get(queue)?));
            queues.iter().filter_map(offset).collect()
        };
        match &self.home {
            Home::File(file) => {
                file.keep(&self.known).await;
                true
            }
            Home::Broker => {
                // Side by side: at shutdown a broker that is gone must not hold up the others.
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

    /// Forgets a queue that is somebody else's now; broadcasting keeps it.
    pub(in crate::client::consumer) fn forget(&self, queue: &MessageQueue) {
        if matches!(self.home, Home::Broker) {
            self.known.lock().remove(queue);
        }
    }
}

fn unknown(queue: &MessageQueue, source: CallError) -> Unknown {
    Unknown {
        queue: queue.clone(),
        source,
    }
}
