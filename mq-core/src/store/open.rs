//! Opening: takes the lock, looks at what is there, and brings what is derived up to the log.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use parking_lot::{Mutex, RwLock};
use tokio::sync::Semaphore;

use super::arrivals::ArrivalNotices;
use super::checkpoint::Checkpoint;
use super::commit_log::{CommitLog, Segments, Unsynced};
use super::config::StoreConfig;
use super::consume_queue::ConsumeQueues;
use super::derived::DerivedList;
use super::disk::{Disk, Lock};
use super::error::{StoreError, at};
use super::index::KeyIndex;
use super::needed::NeededList;
use super::open_group::OpenGroup;
use super::opened::Opened;
use super::paths::Paths;
use super::recovery::{FoundFiles, Recovery, RecoveryReport};
use super::shared::{MessageStore, StoreShared};
use super::snapshot::{Deletions, Snapshot};
use crate::clock::Clock;

/// Reads that may wait for the disk run so many at a time; more would only keep writes and syncs
/// waiting.
const MAX_COLD_READERS: usize = 4;

impl MessageStore {
    /// Opens the store, creating what is missing.
    ///
    /// # Errors
    ///
    /// [`StoreError`]: in use, not a store, a hole in the log, or the disk refuses.
    pub fn open(
        config: StoreConfig,
        disk: Arc<dyn Disk>,
        clock: Clock,
    ) -> Result<(Self, RecoveryReport), StoreError> {
        let paths = Paths {
            root: config.root.clone(),
            commit_log: config.commit_log.clone(),
        };
        let lock = take_lock(&disk, &paths)?;
        let directory = &paths.commit_log;
        disk.create_directories(directory)
            .map_err(at("create", directory))?;
        let abort = paths.abort();
        let open_since = disk.read(&abort).map_err(at("read", &abort))?;
        let boot = disk.boot_id();
        let unsynced = match (&open_since, boot) {
            (Some(then), Some(now)) if *then != now.as_bytes() => Unsynced::MayBeLost,
            (Some(_), None) => Unsynced::MayBeLost,
            (Some(_), Some(_)) | (None, _) => Unsynced::Kept,
        };
        let checkpoint = Checkpoint::open(&disk, &paths)?;
        let (snapshot_file, snapshot) = Snapshot::open(&disk, &paths)?;
        let segments = Segments::find(&*disk, &paths, config.segment_size)?;
        let found = FoundFiles {
            clean: open_since.is_none(),
            unsynced,
            shortened: segments.shortened,
            snapshot,
        };
        let log = CommitLog::new(
            paths.clone(),
            Arc::clone(&disk),
            config.segment_size,
            config.flush,
            segments.all,
            clock.clone(),
        );
        let entries = config.queue_file_entries;
        let queues = ConsumeQueues::new(paths.clone(), Arc::clone(&disk), entries);
        let queues = Arc::new(queues);
        let index = KeyIndex::new(
            paths.clone(),
            Arc::clone(&disk),
            config.index,
            config.index_sizes,
            clock.clone(),
        );
        let index = Arc::new(index);
        let shared = StoreShared {
            derived: DerivedList::new(vec![
                Arc::<ConsumeQueues>::clone(&queues),
                Arc::<KeyIndex>::clone(&index),
            ]),
            queues,
            index,
            arrivals: ArrivalNotices::default(),
            needed: NeededList::default(),
            open_group: OpenGroup::default(),
            checkpoint: Mutex::new(checkpoint),
            snapshot: snapshot_file,
            cold_readers: Arc::new(Semaphore::new(MAX_COLD_READERS)),
            opened: Opened::now(&clock),
            deletions: Deletions::new(found.snapshot.deleted_before.clone()),
            expiring: Mutex::new(()),
            derived_synced: AtomicU64::new(0),
            lock: RwLock::new(Some(lock)),
            config,
            paths,
            disk,
            clock,
            log,
        };
        let report = Recovery::new(&shared, &found).run()?;
        shared.correct_snapshot()?;
        // The next start must not take the machine for one that never went down before the mark says
        // what was found.
        shared.save_mark()?;
        shared.say_open()?;
        report.tell();
        Ok((Self(Arc::new(shared)), report))
    }
}

fn take_lock(disk: &Arc<dyn Disk>, paths: &Paths) -> Result<Box<dyn Lock>, StoreError> {
    disk.create_directories(&paths.root)
        .map_err(at("create", &paths.root))?;
    let path = paths.lock();
    let lock = disk.lock(&path).map_err(at("lock", &path))?;
    lock.ok_or_else(|| StoreError::InUse {
        path: paths.root.clone(),
    })
}
