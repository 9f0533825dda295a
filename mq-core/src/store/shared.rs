//! What all clones of a store share, and when work may be done on its files.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;

use super::arrivals::ArrivalNotices;
use super::checkpoint::Checkpoint;
use super::commit_log::CommitLog;
use super::config::StoreConfig;
use super::consume_queue::ConsumeQueues;
use super::derived::DerivedList;
use super::disk::{Disk, Lock};
use super::error::{StoreError, at, no_room};
use super::index::KeyIndex;
use super::needed::NeededList;
use super::open_group::OpenGroup;
use super::opened::Opened;
use super::paths::Paths;
use super::snapshot::Deletions;
use crate::clock::Clock;
use crate::saved_file::SavedFile;

/// The store. Clones are the same store.
#[derive(Clone, Debug)]
pub struct MessageStore(pub(super) Arc<StoreShared>);

#[derive(Debug)]
pub(super) struct StoreShared {
    pub(super) config: StoreConfig,
    pub(super) paths: Paths,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Clock,
    pub(super) log: CommitLog,
    pub(super) queues: Arc<ConsumeQueues>,
    pub(super) index: Arc<KeyIndex>,
    /// The queues, the index and whatever else is derived from the log.
    pub(super) derived: DerivedList,
    pub(super) arrivals: ArrivalNotices,
    pub(super) needed: NeededList,
    pub(super) open_group: OpenGroup,
    pub(super) checkpoint: Mutex<Checkpoint>,
    pub(super) snapshot: SavedFile,
    /// A permit for each read that may wait for the disk; see `cold.rs`.
    pub(super) cold_readers: Arc<Semaphore>,
    pub(super) opened: Opened,
    /// Where the messages of deleted topics end.
    pub(super) deletions: Deletions,
    /// Held while expired segments are removed: between the look at the first segment and its removal
    /// nobody else may remove it.
    pub(super) expiring: Mutex<()>,
    /// What is derived from the log is on disk for all messages before this physical offset.
    pub(super) derived_synced: AtomicU64,
    /// Until the store is closed. Whoever changes files, but for an append, holds this meanwhile, so
    /// that nothing is changed once the directory may belong to somebody else.
    pub(super) lock: RwLock<Option<Box<dyn Lock>>>,
}

impl StoreShared {
    /// Runs disk work away from the async threads; says whether it went well. `what` names it to
    /// people.
    pub(super) async fn in_background(
        self: &Arc<Self>,
        what: &'static str,
        work: impl FnOnce(&Self) -> Result<(), StoreError> + Send + 'static,
    ) -> bool {
        let store = Arc::clone(self);
        // Dropping this leaves the work going on: the store may be closed meanwhile.
        let done = tokio::task::spawn_blocking(move || store.while_open(work)).await;
        let troubles = &self.log.troubles;
        let went_well = matches!(done, Ok(Ok(())));
        match done {
            Ok(Ok(())) if troubles.end(what) => tracing::info!("{what} goes well again"),
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                if let Some(untold) = troubles.begin(what) {
                    tracing::error!(%error, untold, "{what} failed; it is tried again");
                }
            }
            Err(panic) => tracing::error!(%panic, "{what} panicked"),
        }
        went_well
    }

    /// Does something to the files, unless the store is closed; closing waits for it.
    pub(super) fn while_open(
        &self,
        work: impl FnOnce(&Self) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let lock = self.lock.read();
        match *lock {
            Some(_) => work(self),
            None => Ok(()),
        }
    }

    /// Notifies the listener of each message that has become visible since the last call.
    pub(super) fn announce(&self) {
        self.arrivals.announce(self.log.visible_end());
    }

    /// Writes the file `abort` with the machine's boot id. While it is there, the next start takes the
    /// store for one that was not closed; by the boot id it learns whether the machine went down too.
    pub(super) fn say_open(&self) -> Result<(), StoreError> {
        let abort = self.paths.abort();
        let boot = self.disk.boot_id().unwrap_or_default();
        let before = self.disk.read(&abort).map_err(at("read", &abort))?;
        if before.as_deref() == Some(boot.as_bytes()) {
            return Ok(());
        }
        match self.disk.replace(&abort, boot.as_bytes()) {
            // The file of an earlier run stays, with an older boot id: the next recovery then takes the
            // machine for one that went down, and damaged records for ones that never reached the disk.
            Err(error) if before.is_some() && no_room(&error) => {
                tracing::warn!(path = %abort.display(), %error, "not written anew");
                Ok(())
            }
            written => written.map_err(at("write", &abort)),
        }
    }
}
