//! The log as a whole: its segments, how far it goes, and whether it takes records.
//!
//! `written` is behind the last record, `synced` behind the last one known to be on disk, `visible`
//! behind the last one that readers may see.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Buf as _;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::ahead::Ahead;
use super::segment::Segment;
use super::tail::Tail;
use super::waiters::Waiters;
use crate::clock::Clock;
use crate::message::record::{BLANK_SIZE, MAGIC_BLANK};
use crate::store::config::Flush;
use crate::store::disk::{Disk, DiskWait};
use crate::store::error::{AppendError, StoreError, at};
use crate::store::figures::Counters;
use crate::store::paths::Paths;
use crate::troubles::Troubles;

/// The trouble that a record found no room on the disk.
const NO_ROOM_TROUBLE: &str = "no room";
/// The trouble that no segment can be created, for another reason.
pub(super) const NO_SEGMENT_TROUBLE: &str = "no segment";

/// A record of so many bytes is read without asking first.
const SHORT_RECORD_BYTES: u32 = 64 * 1024;

#[derive(Debug)]
pub(in crate::store) struct CommitLog {
    pub(in crate::store) segment_size: u64,
    pub(in crate::store) flush: Flush,
    pub(super) paths: Paths,
    pub(super) disk: Arc<dyn Disk>,
    pub(super) clock: Clock,
    pub(super) segments: RwLock<Vec<Arc<Segment>>>,
    pub(in crate::store) tail: Mutex<Tail>,
    pub(super) written: AtomicU64,
    pub(super) synced: AtomicU64,
    /// Where the log ended when the store was opened.
    opened_end: AtomicU64,
    pub(in crate::store) ahead: Ahead,
    pub(in crate::store) waiters: Waiters,
    /// The last sync that somebody waited for took long.
    pub(in crate::store) slow_disk: AtomicBool,
    /// The background is to sync: something was written that no sender waits for, or as much as the
    /// interval allows.
    pub(in crate::store) sync_wanted: Notify,
    pub(super) state: Mutex<LogState>,
    /// Syncs do not overlap: the system reports an error to one of them only.
    pub(super) syncing: Mutex<()>,
    pub(in crate::store) figures: Counters,
    /// What goes wrong with the store.
    pub(in crate::store) troubles: Troubles<&'static str>,
}

/// Whether the log takes records.
#[derive(Clone, Debug)]
pub(super) enum LogState {
    Open,
    /// The disk is so full that appends are refused until there is room again.
    Full,
    /// A write or sync failed: never again until the store is opened anew.
    Failed(Arc<StoreError>),
    /// The store was closed.
    Closed,
}

impl CommitLog {
    pub(in crate::store) fn new(
        paths: Paths,
        disk: Arc<dyn Disk>,
        segment_size: u64,
        flush: Flush,
        segments: Vec<Arc<Segment>>,
        clock: Clock,
    ) -> Self {
        let end = segments.last().map_or(0, |segment| segment.base);
        Self {
            segment_size,
            flush,
            paths,
            disk,
            segments: RwLock::new(segments),
            tail: Mutex::new(Tail::at(end)),
            written: AtomicU64::new(end),
            synced: AtomicU64::new(end),
            opened_end: AtomicU64::new(end),
            ahead: Ahead::default(),
            waiters: Waiters::default(),
            slow_disk: AtomicBool::new(false),
            sync_wanted: Notify::new(),
            state: Mutex::new(LogState::Open),
            syncing: Mutex::default(),
            figures: Counters::default(),
            troubles: Troubles::new(clock.clone()),
            clock,
        }
    }

    /// Sets the end after recovery: everything before it is on disk.
    pub(in crate::store) fn set_end(&self, end: u64) {
        self.tail.lock().move_to(end);
        self.written.store(end, Ordering::Release);
        self.synced.store(end, Ordering::Release);
        self.opened_end.store(end, Ordering::Release);
    }

    /// Where the first segment begins.
    pub(in crate::store) fn begin(&self) -> u64 {
        let segments = self.segments.read();
        segments
            .first()
            .map_or_else(|| self.written_end(), |segment| segment.base)
    }

    pub(in crate::store) fn written_end(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    /// What lies before was written by an earlier process.
    pub(in crate::store) fn opened_end(&self) -> u64 {
        self.opened_end.load(Ordering::Acquire)
    }

    pub(in crate::store) fn synced_end(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// Readers see what is as durable as promised.
    pub(in crate::store) fn visible_end(&self) -> u64 {
        match self.flush {
            Flush::Sync => self.synced_end(),
            Flush::Interval { .. } => self.written_end(),
        }
    }

    pub(in crate::store) fn writable(&self) -> Result<(), AppendError> {
        match &*self.state.lock() {
            LogState::Open => Ok(()),
            LogState::Full => Err(AppendError::Full),
            LogState::Failed(error) => Err(AppendError::Failed(Arc::clone(error))),
            LogState::Closed => Err(AppendError::Closed),
        }
    }

    /// Whether what was written may still be synced: a full disk only refuses more.
    pub(in crate::store) fn syncable(&self) -> Result<(), AppendError> {
        match self.writable() {
            Err(AppendError::Full) => Ok(()),
            state => state,
        }
    }

    /// Refuses appends while the disk is too full.
    pub(in crate::store) fn refuse_for_space(&self, full: bool) {
        let before = {
            let mut state = self.state.lock();
            let before = state.clone();
            match (&before, full) {
                (LogState::Open, true) => *state = LogState::Full,
                (LogState::Full, false) => *state = LogState::Open,
                _ => {}
            }
            before
        };
        match before {
            LogState::Open | LogState::Full if full => self.report_full("the disk is nearly full"),
            LogState::Full => self.report_writable(),
            LogState::Open | LogState::Failed(_) | LogState::Closed => {}
        }
    }

    pub(super) fn report_full(&self, what: &str) {
        if let Some(untold) = self.troubles.begin(NO_ROOM_TROUBLE) {
            let directory = self.directory().display();
            tracing::warn!(%directory, untold, "{what}: sends are refused until there is space");
        }
    }

    /// Records are written, whatever stood in the way before.
    pub(super) fn report_writable(&self) {
        let had_no_room = self.troubles.end(NO_ROOM_TROUBLE);
        if self.troubles.end(NO_SEGMENT_TROUBLE) || had_no_room {
            let directory = self.directory().display();
            tracing::info!(%directory, "sends are taken again");
        }
    }

    /// From now on nothing is written any more, because the store is closed.
    pub(in crate::store) fn close(&self) {
        self.end_with(LogState::Closed);
    }

    /// From now on nothing is written any more, because a write or sync failed.
    pub(super) fn fail(&self, error: StoreError) -> AppendError {
        let failed = self.fail_unsaid(error);
        tracing::error!("{failed}");
        failed
    }

    /// The same because a write panicked: a record may be in the log and not in what is derived from it,
    /// and the next one would get its queue offset. Nothing is logged, for it may be the logger that
    /// panics; the hook for panics has told of it.
    pub(in crate::store) fn fail_for_panic(&self) -> AppendError {
        let panicked = std::io::Error::other("the write panicked");
        self.fail_unsaid(at("write", self.directory())(panicked))
    }

    fn fail_unsaid(&self, error: StoreError) -> AppendError {
        let error = Arc::new(error);
        self.end_with(LogState::Failed(Arc::clone(&error)));
        AppendError::Failed(error)
    }

    /// The first reason stays.
    fn end_with(&self, end: LogState) {
        let mut state = self.state.lock();
        if matches!(*state, LogState::Open | LogState::Full) {
            *state = end;
        }
        drop(state);
        self.waiters.wake_all();
    }

    /// The segment that holds `offset`.
    pub(in crate::store) fn segment_of(&self, offset: u64) -> Option<Arc<Segment>> {
        let segments = self.segments.read();
        let behind = segments.partition_point(|segment| segment.base <= offset);
        let segment = segments.get(behind.checked_sub(1)?)?;
        (offset - segment.base < self.segment_size).then(|| Arc::clone(segment))
    }

    /// Where the newest segment ends; 0 when there is none.
    pub(in crate::store) fn limit(&self) -> u64 {
        let segments = self.segments.read();
        let last = segments.last();
        last.map_or(0, |last| last.base + self.segment_size)
    }

    /// All segments, oldest first.
    pub(in crate::store) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments.read().clone()
    }

    /// Fills `buffer` with the bytes at `offset`, which must not cross a segment.
    pub(in crate::store) fn read(
        &self,
        offset: u64,
        buffer: &mut [u8],
    ) -> Result<bool, StoreError> {
        self.read_within(offset, buffer, DiskWait::Allowed)
    }

    /// The same; `false` also when the disk would have to be waited for and may not.
    pub(in crate::store) fn read_within(
        &self,
        offset: u64,
        buffer: &mut [u8],
        wait: DiskWait,
    ) -> Result<bool, StoreError> {
        let Some(segment) = self.segment_of(offset) else {
            return Ok(false);
        };
        let inside = offset - segment.base;
        if self.segment_size - inside < buffer.len() as u64 {
            return Ok(false);
        }
        let read = wait.read(&*segment.file, inside, buffer);
        read.map_err(|error| at("read", &self.paths.segment(segment.base))(error))
    }

    /// The next part, at `offset` or behind in its segment, of which it is known without reading it that
    /// zeros are there.
    pub(super) fn next_hole(&self, offset: u64) -> Range<u64> {
        let Some(segment) = self.segment_of(offset) else {
            return offset..offset;
        };
        let hole = segment.file.next_hole(offset - segment.base);
        let at = |inside: u64| segment.base + inside.min(self.segment_size);
        at(hole.start)..at(hole.end)
    }

    /// Whether a record of `size` bytes may begin at `offset`: there is room, and a long one says
    /// itself that it is so long and lies there. Asked before memory is taken for it, for the size
    /// comes from a file that may be damaged.
    pub(in crate::store) fn may_hold(&self, offset: u64, size: u32) -> Result<bool, StoreError> {
        /// Magic, checksum, queue id and flag, and the queue offset.
        const BETWEEN: usize = 24;
        let room = self.segment_size - offset % self.segment_size;
        if u64::from(size) > room || size <= SHORT_RECORD_BYTES {
            return Ok(u64::from(size) <= room);
        }
        let mut head = [0; 4 + BETWEEN + 8];
        if !self.read(offset, &mut head)? {
            return Ok(false);
        }
        let mut head = &head[..];
        let length = head.get_u32();
        head.advance(BETWEEN);
        Ok(length == size && head.get_u64() == offset)
    }

    /// Removes the oldest segment, never the newest; gives its base.
    pub(in crate::store) fn remove_first(&self) -> Result<Option<u64>, StoreError> {
        let first = match self.segments.read().as_slice() {
            [first, _, ..] => first.base,
            _ => return Ok(None),
        };
        // Whoever reads it has it open. If it cannot be removed, the log still begins there.
        let path = self.paths.segment(first);
        self.disk.remove(&path).map_err(at("remove", &path))?;
        self.segments
            .write()
            .retain(|segment| segment.base != first);
        Ok(Some(first))
    }

    /// The filler that closes a segment with `remaining` bytes left.
    pub(super) fn filler(remaining: u64) -> [u8; BLANK_SIZE] {
        let mut filler = [0; BLANK_SIZE];
        let (length, magic) = filler.split_at_mut(BLANK_SIZE / 2);
        length.copy_from_slice(&u32::try_from(remaining).unwrap_or(u32::MAX).to_be_bytes());
        magic.copy_from_slice(&MAGIC_BLANK.to_be_bytes());
        filler
    }

    pub(super) fn path_of(&self, segment: &Segment) -> std::path::PathBuf {
        self.paths.segment(segment.base)
    }

    /// Where the log lies.
    pub(in crate::store) fn directory(&self) -> &Path {
        &self.paths.commit_log
    }
}
