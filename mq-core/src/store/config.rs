//! What the store is told: where, how large, how durable, how long.

use std::path::PathBuf;
use std::time::Duration;

use super::zone::Zone;

/// What the store is told.
#[derive(Clone, Debug)]
pub struct StoreConfig {
    /// The directory of the store (`storePathRootDir`).
    pub root: PathBuf,
    /// The directory of the log (`storePathCommitLog`), as a rule `commitlog` below the root.
    pub commit_log: PathBuf,
    /// Bytes of a segment of the log (`mappedFileSizeCommitLog`).
    pub segment_size: u64,
    /// Entries in a file of a consume queue (`mappedFileSizeConsumeQueue` / 20).
    pub queue_file_entries: u64,
    /// When a message counts as stored.
    pub flush: Flush,
    /// How long messages are kept.
    pub retention: Retention,
    /// The longest body of a new message (`maxMessageSize`).
    pub max_message_size: usize,
    /// Whether keys are indexed (`messageIndexEnable`).
    pub index: bool,
    /// How large the index is on disk and in memory.
    pub index_sizes: IndexSizes,
    /// How long a message of each delay level waits, level 1 first (`messageDelayLevel`).
    pub delays: Vec<Duration>,
    /// Messages within so many bytes behind the end of the log count as being in memory
    /// (`accessMessageInMemoryMaxRatio` of [`total_memory`](super::total_memory)).
    pub in_memory: u64,
}

impl StoreConfig {
    /// Apache's defaults below `root`, but for `flush = sync`.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self {
            commit_log: root.join("commitlog"),
            root,
            segment_size: 1024 * 1024 * 1024,
            queue_file_entries: 300_000,
            flush: Flush::Sync,
            retention: Retention::default(),
            max_message_size: 4 * 1024 * 1024,
            index: true,
            index_sizes: IndexSizes::default(),
            delays: Vec::new(),
            in_memory: 8 * 1024 * 1024 * 1024,
        }
    }
}

/// How large the key index is. A file has room for `slots` and `items`; one of another length is removed
/// when the store is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IndexSizes {
    /// Hash slots of a file (`maxHashSlotNum`).
    pub slots: u32,
    /// Items of a file, an item for each key of a message (`maxIndexNum`); the first is not used.
    pub items: u32,
    /// Items that wait in memory for their file, of 32 bytes each. An eighth of them is written at
    /// once; more are in memory only while the disk is too slow or full.
    pub in_memory: usize,
}

impl Default for IndexSizes {
    /// Apache's files, and at most 32 MiB in memory.
    fn default() -> Self {
        Self {
            slots: 5_000_000,
            items: 20_000_000,
            in_memory: 1024 * 1024,
        }
    }
}

/// When a message counts as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flush {
    /// When it is on disk. Messages that are written while a sync runs share the next one.
    Sync,
    /// When it is copied into the log. A loss of power may take what came in the last `every`, at most
    /// about `bytes`; when only the process is killed nothing is lost.
    Interval {
        /// The longest time between two syncs.
        every: Duration,
        /// So many bytes cause a sync earlier.
        bytes: u64,
    },
}

impl Flush {
    /// `interval` as it is set by default: a sync every 200 ms, or after 4 MiB.
    pub const INTERVAL: Self = Self::Interval {
        every: Duration::from_millis(200),
        bytes: 4 * 1024 * 1024,
    };
}

/// How long messages are kept. Whole segments are deleted, oldest first, never the newest.
#[derive(Clone, Debug, PartialEq)]
pub struct Retention {
    /// A segment may go when its last message is older (`fileReservedTime`).
    pub keep: Duration,
    /// Hours of the day in which old segments go (`deleteWhen`).
    pub hours: Vec<u8>,
    /// Where those hours are meant.
    pub zone: Zone,
    /// Old segments go at any hour when the disk is fuller than this (`diskMaxUsedSpaceRatio`).
    pub max_used: f64,
    /// Segments of any age go when the disk is fuller than this (`diskSpaceCleanForciblyRatio`).
    pub force_used: f64,
    /// Appends are refused when the disk is fuller than this (`diskSpaceWarningLevelRatio`).
    pub refuse_used: f64,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            keep: Duration::from_hours(72),
            hours: vec![4],
            zone: Zone::local(),
            max_used: 0.75,
            force_used: 0.85,
            refuse_used: 0.90,
        }
    }
}
