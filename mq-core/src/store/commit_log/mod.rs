//! The commit log: all messages of a broker in the order of arrival, in segments of one size.
//!
//! Only [`writer`] assigns physical offsets. `written` is behind the last record, `synced` behind
//! the last one known to be on disk, `visible` behind the last one that readers may see.

mod cut;
mod flush;
mod recover;
mod segment;
mod torn;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Buf as _;
use parking_lot::{Mutex, RwLock};
use tokio::sync::Notify;

use super::disk::Disk;
use super::paths::Paths;
use super::{AppendError, Counters, Flush, StoreError, at};
use crate::clock::Clock;
use crate::message::record::{BLANK_SIZE, MAGIC_BLANK};
use crate::troubles::Troubles;
pub(super) use flush::{Flusher, SyncWait};
pub(super) use recover::{Found, Scan, Unsynced};
pub(super) use segment::{Segment, Segments};
pub(super) use writer::Tail;

/// The trouble that a record found no room on the disk.
const NO_ROOM: &str = "no room";
/// The trouble that no segment can be created, for another reason.
const NO_SEGMENT: &str = "no segment";

/// A record of so many bytes is read without asking first.
const SHORT: u32 = 64 * 1024;

#[derive(Debug)]
pub(super) struct CommitLog {
    pub(super) segment_size: u64,
    pub(super) flush: Flush,
    paths: Paths,
    disk: Arc<dyn Disk>,
    clock: Clock,
    segments: RwLock<Vec<Arc<Segment>>>,
    pub(super) tail: Mutex<Tail>,
    written: AtomicU64,
    synced: AtomicU64,
    pub(super) flusher: Flusher,
    /// Something was written that nobody waits for, or very much.
    pub(super) sync_wanted: Notify,
    state: Mutex<State>,
    /// Syncs do not overlap: the system reports an error to one of them only.
    syncing: Mutex<()>,
    pub(super) figures: Counters,
    /// What goes wrong with the store.
    pub(super) troubles: Troubles<&'static str>,
}

/// Whether the log takes records.
#[derive(Clone, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// The disk is so full that nothing more is taken until there is room again.
    Full,
    /// Never again until the store is opened anew.
    Closed(String),
}

impl CommitLog {
    pub(super) fn new(
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
            flusher: Flusher::default(),
            sync_wanted: Notify::new(),
            state: Mutex::new(State::Open),
            syncing: Mutex::default(),
            figures: Counters::default(),
            troubles: Troubles::new(clock.clone()),
            clock,
        }
    }

    /// Sets the end after recovery: everything before it is on disk.
    pub(super) fn set_end(&self, end: u64) {
        self.tail.lock().move_to(end);
        self.written.store(end, Ordering::Release);
        self.synced.store(end, Ordering::Release);
    }

    /// Where the first segment begins.
    pub(super) fn begin(&self) -> u64 {
        let segments = self.segments.read();
        segments
            .first()
            .map_or_else(|| self.written_end(), |segment| segment.base)
    }

    pub(super) fn written_end(&self) -> u64 {
        self.written.load(Ordering::Acquire)
    }

    pub(super) fn synced_end(&self) -> u64 {
        self.synced.load(Ordering::Acquire)
    }

    /// Readers see what is as durable as promised.
    pub(super) fn visible_end(&self) -> u64 {
        match self.flush {
            Flush::Sync => self.synced_end(),
            Flush::Interval { .. } => self.written_end(),
        }
    }

    pub(super) fn writable(&self) -> Result<(), AppendError> {
        match &*self.state.lock() {
            State::Open => Ok(()),
            State::Full => Err(AppendError::Full),
            State::Closed(reason) => Err(AppendError::Closed(reason.clone())),
        }
    }

    /// Refuses appends while the disk is too full.
    pub(super) fn refuse_for_space(&self, full: bool) {
        let before = {
            let mut state = self.state.lock();
            let before = state.clone();
            match (&before, full) {
                (State::Open, true) => *state = State::Full,
                (State::Full, false) => *state = State::Open,
                _ => {}
            }
            before
        };
        match before {
            State::Open | State::Full if full => self.tell_no_room("the disk is nearly full"),
            State::Full => self.tell_of_writing(),
            State::Open | State::Closed(_) => {}
        }
    }

    fn tell_no_room(&self, what: &str) {
        if let Some(untold) = self.troubles.begin(NO_ROOM) {
            let directory = self.directory().display();
            tracing::warn!(%directory, untold, "{what}: sends are refused until there is space");
        }
    }

    /// Records are written, whatever stood in the way before.
    fn tell_of_writing(&self) {
        let had_no_room = self.troubles.end(NO_ROOM);
        if self.troubles.end(NO_SEGMENT) || had_no_room {
            let directory = self.directory().display();
            tracing::info!(%directory, "sends are taken again");
        }
    }

    /// From now on nothing is written any more.
    pub(super) fn close(&self, reason: &str) {
        let mut state = self.state.lock();
        if !matches!(*state, State::Closed(_)) {
            *state = State::Closed(reason.to_owned());
        }
        drop(state);
        self.flusher.wake_all();
    }

    /// The segment that holds `offset`.
    pub(super) fn segment_of(&self, offset: u64) -> Option<Arc<Segment>> {
        let segments = self.segments.read();
        let behind = segments.partition_point(|segment| segment.base <= offset);
        let segment = segments.get(behind.checked_sub(1)?)?;
        (offset - segment.base < self.segment_size).then(|| Arc::clone(segment))
    }

    /// Where the newest segment ends; 0 when there is none.
    pub(super) fn limit(&self) -> u64 {
        let segments = self.segments.read();
        let last = segments.last();
        last.map_or(0, |last| last.base + self.segment_size)
    }

    /// All segments, oldest first.
    pub(super) fn segments(&self) -> Vec<Arc<Segment>> {
        self.segments.read().clone()
    }

    /// Fills `buffer` with the bytes at `offset`, which must not cross a segment.
    pub(super) fn read(&self, offset: u64, buffer: &mut [u8]) -> Result<bool, StoreError> {
        let Some(segment) = self.segment_of(offset) else {
            return Ok(false);
        };
        let inside = offset - segment.base;
        if self.segment_size - inside < buffer.len() as u64 {
            return Ok(false);
        }
        let path = self.paths.segment(segment.base);
        segment
            .file
            .read_at(inside, buffer)
            .map_err(at("read", &path))?;
        Ok(true)
    }

    /// Whether a record of `size` bytes may begin at `offset`: there is room, and a long one says
    /// itself that it is so long and lies there. Asked before memory is taken for it, for the size
    /// comes from a file that may be damaged.
    pub(super) fn may_hold(&self, offset: u64, size: u32) -> Result<bool, StoreError> {
        /// Magic, checksum, queue and flag, and the number in the queue.
        const BETWEEN: usize = 24;
        let room = self.segment_size - offset % self.segment_size;
        if u64::from(size) > room || size <= SHORT {
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

    /// Adds the segment at `base` behind the others.
    fn add_segment(&self, base: u64) -> Result<Arc<Segment>, StoreError> {
        let path = self.paths.segment(base);
        let file = self
            .disk
            .create(&path, self.segment_size)
            .map_err(at("create", &path))?;
        let segment = Arc::new(Segment {
            base,
            file,
            begun: Some(self.clock.moment()),
        });
        self.segments.write().push(Arc::clone(&segment));
        Ok(segment)
    }

    /// Removes the oldest segment, never the newest; gives its base.
    pub(super) fn remove_first(&self) -> Result<Option<u64>, StoreError> {
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
    fn filler(remaining: u64) -> [u8; BLANK_SIZE] {
        let mut filler = [0; BLANK_SIZE];
        let (length, magic) = filler.split_at_mut(BLANK_SIZE / 2);
        length.copy_from_slice(&u32::try_from(remaining).unwrap_or(u32::MAX).to_be_bytes());
        magic.copy_from_slice(&MAGIC_BLANK.to_be_bytes());
        filler
    }

    fn path_of(&self, segment: &Segment) -> std::path::PathBuf {
        self.paths.segment(segment.base)
    }

    /// Where the log lies.
    pub(super) fn directory(&self) -> &Path {
        &self.paths.commit_log
    }
}
