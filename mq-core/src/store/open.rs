//! Opening: takes the lock, looks at what is there, and brings the derived files up to the log.
//!
//! After a clean end nothing is walked: the checkpoint says that all is complete, and the snapshot
//! how long every queue must be. After anything else the log is walked from the mark of the consume
//! queues on; queues that are missing or too short are all built again.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::{Mutex, RwLock};

use super::append::has_queue_entry;
use super::checkpoint::{Checkpoint, Mark};
use super::commit_log::{CommitLog, Found, Scan, Segments, Unsynced};
use super::config::StoreConfig;
use super::consume_queue::{ConsumeQueues, Entry};
use super::disk::{Disk, Lock};
use super::dispatch::Dispatch;
use super::error::{StoreError, at};
use super::index::KeyIndex;
use super::inner::{Inner, MessageStore};
use super::opened::Opened;
use super::paths::Paths;
use super::snapshot::{Deletions, Snapshot};
use crate::clock::Clock;
use crate::message::record::{MIN_SIZE, RecordView};
use crate::message::{PhysicalOffset, TopicName};

/// What opening found out and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecoveryReport {
    /// Whether the store had been closed in order.
    pub clean: bool,
    /// Records walked.
    pub walked: u64,
    /// Damaged parts that were set aside, from and to.
    pub damaged: Vec<(PhysicalOffset, PhysicalOffset)>,
    /// The part behind the end that was cut off although it held valid records, from and to.
    pub cut: Option<(PhysicalOffset, PhysicalOffset)>,
    /// Whether all consume queues were built again.
    pub rebuilt: bool,
    /// Where the log ends.
    pub end: PhysicalOffset,
}

/// What the store's files say before anything is read of the log.
struct Files {
    /// The store was closed in order.
    clean: bool,
    /// What became of writes that no sync covered.
    unsynced: Unsynced,
    /// The last segment lacked bytes.
    shortened: bool,
    snapshot: Snapshot,
}

/// What a walk through the log came upon.
struct Walked {
    report: RecoveryReport,
    /// Where the walk began.
    from: u64,
    /// Where the log ends.
    end: u64,
    /// Bytes of damaged parts, or expired ones. What lay between the mark of the queues and the log's
    /// beginning has expired, and numbers with it.
    lost: u64,
    /// A record did not follow what its queue held.
    is_wrong: bool,
}

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
        let found = Files {
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
        let inner = Inner {
            queues: ConsumeQueues::new(paths.clone(), Arc::clone(&disk), entries),
            index: KeyIndex::open(paths.clone(), Arc::clone(&disk), config.index)?,
            dispatch: Dispatch::default(),
            checkpoint: Mutex::new(checkpoint),
            snapshot: snapshot_file,
            opened: Opened::now(&clock),
            deletions: Deletions::new(found.snapshot.deleted_before.clone()),
            derived: AtomicU64::new(0),
            lock: RwLock::new(Some(lock)),
            config,
            paths,
            disk,
            clock,
            log,
        };
        let report = inner.recover(&found)?;
        inner.correct_snapshot()?;
        // The next start must not take the machine for one that never went down before the mark says
        // what was found.
        inner.save_mark()?;
        inner.say_open()?;
        report.tell();
        Ok((Self(Arc::new(inner)), report))
    }
}

impl RecoveryReport {
    fn tell(&self) {
        if !self.clean {
            tracing::warn!(
                records = self.walked,
                end = %self.end,
                "the last run was not stopped in order, the store has been recovered"
            );
        }
        for (from, to) in &self.damaged {
            tracing::error!(%from, %to, "a damaged part of the log was set aside");
        }
        if let Some((from, to)) = self.cut {
            tracing::error!(
                %from,
                %to,
                "the machine went down while a record was being written, or the record is damaged: \
                 the log ends there, and valid records behind it were cut off"
            );
        }
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

impl Inner {
    fn recover(&self, found: &Files) -> Result<RecoveryReport, StoreError> {
        let Files {
            clean, snapshot, ..
        } = found;
        let clean = *clean;
        let begin = self.log.begin();
        let known = self.checkpoint.lock().mark();
        let mark = known.unwrap_or_default();
        // Apache's broker keeps no mark; after a clean end of its own everything is complete.
        let trusted = if known.is_some() {
            mark.queues.max(begin)
        } else {
            begin
        };
        let trusted = if clean { u64::MAX } else { trusted };
        self.index.trust_until(trusted);
        let limit = self.log.limit();
        let whole = self.queues.load(trusted, limit)?;
        // Without a mark the old files still tell the numbers of queues whose messages have expired.
        let numbers: Vec<_> = match known {
            Some(_) => Vec::new(),
            None => self.queues.all(),
        };
        if mark.log.max(mark.queues) > limit {
            tracing::warn!(known = mark.log, limit, "the log is shorter than it was");
        }
        // Queues that name places behind the log are of no use.
        let complete =
            whole && !found.shortened && self.queues_are_complete(clean, known, snapshot);
        let from = Some(self.walk_from(clean, known)).filter(|from| complete && *from <= limit);
        let mut walked = self.walk(found, known, from)?;
        if !walked.report.rebuilt && self.contradicts(&walked, snapshot) {
            tracing::warn!("the consume queues do not fit the log: they are built again from it");
            walked = self.walk(found, known, None)?;
        }
        let Walked {
            mut report,
            from,
            end,
            lost,
            ..
        } = walked;
        let numbers = numbers
            .into_iter()
            .map(|(topic, id, old)| (topic, id, old.next()));
        for (topic, id, next) in snapshot.numbers().chain(numbers) {
            if next <= most_records(end) {
                self.go_on_at(&topic, id, next, most_records(lost));
            }
        }
        if !clean || end != mark.log {
            report.cut = self.set_aside_tail(end)?;
            self.log.cut(end, mark.log)?;
        }
        self.log.set_end(end);
        self.log.tail.lock().set_last_timestamp(mark.time_ms);
        self.queues.drop_before(begin)?;
        self.derived.store(from.min(end), Ordering::Release);
        report.end = PhysicalOffset(end);
        Ok(report)
    }

    /// Removes queues and index. Should that be cut short, the next start does not take what is left
    /// for all there was.
    fn clear_derived(&self, known: Option<Mark>, clean: bool) -> Result<(), StoreError> {
        if clean {
            self.say_open()?;
        }
        if let Some(mark) = known {
            let queues = self.log.begin();
            self.checkpoint.lock().save(Mark { queues, ..mark })?;
        }
        self.queues.clear()?;
        self.index.clear()
    }

    /// Until this is taken back, the next start takes the store for one that was not closed, and
    /// learns from it whether the machine has gone on.
    fn say_open(&self) -> Result<(), StoreError> {
        let abort = self.paths.abort();
        let boot = self.disk.boot_id().unwrap_or_default();
        let written = self.disk.replace(&abort, boot.as_bytes());
        written.map_err(at("write", &abort))
    }

    /// Copies what lies behind the `end` if it holds records; gives the part. A copy that cannot be
    /// made stands in nobody's way.
    fn set_aside_tail(
        &self,
        end: u64,
    ) -> Result<Option<(PhysicalOffset, PhysicalOffset)>, StoreError> {
        let Some(to) = self.log.records_behind(end)? else {
            return Ok(None);
        };
        let path = self.paths.cut_off(end);
        match self.log.copy(end, to, &path) {
            Ok(()) => tracing::warn!(path = %path.display(), "what is cut off the log was copied"),
            Err(error) => tracing::error!(%error, "what is cut off the log could not be copied"),
        }
        Ok(Some((PhysicalOffset(end), PhysicalOffset(to))))
    }

    /// Whether what the queue files hold can be relied on up to the place from which the log is
    /// walked.
    fn queues_are_complete(&self, clean: bool, known: Option<Mark>, snapshot: &Snapshot) -> bool {
        let queues = self.queues.all();
        if queues.is_empty() {
            return self.log.segments().is_empty();
        }
        if !clean {
            return known.is_some();
        }
        // Of a store that Apache's broker closed, the snapshot may be older than the queues.
        snapshot.next_offsets.iter().all(|(topic, ids)| {
            ids.iter().all(|(id, next)| {
                self.queues
                    .find(topic, *id)
                    .map_or(*next == 0, |queue| queue.next() >= *next)
                    || self.has_expired(topic, *id)
            })
        })
    }

    /// Whether nothing of a queue is left in the log.
    fn has_expired(&self, topic: &str, id: i32) -> bool {
        let begin = self.log.begin();
        begin > 0
            && self
                .queues
                .find(topic, id)
                .is_none_or(|queue| queue.next() == 0)
    }

    /// Lets a queue whose newest messages have expired, or are damaged, go on with the number it had.
    /// Where messages are simply gone, their numbers are given again: a gap between whole records
    /// would make the next walk set aside what lies behind it.
    fn go_on_at(&self, topic: &TopicName, id: i32, next: u64, lost: u64) {
        let begin = self.log.begin();
        let queue = self.queues.find_or_create(topic, id);
        if next.saturating_sub(queue.next()) <= lost || !queue.reaches(begin) {
            self.queues.advance_to(&queue, next, begin);
        }
    }

    fn walk_from(&self, clean: bool, known: Option<Mark>) -> u64 {
        let ends = self.queues.all().into_iter().filter_map(|(_, _, queue)| {
            let last = queue.next().checked_sub(1)?;
            let entry = queue.read(&*self.disk, last, 1).ok()?.first().copied()?;
            let is_gone = entry.end() <= self.log.begin();
            let fits = is_gone || self.fits(&queue, last, &entry).ok()?;
            // A damaged end may be anywhere, and so may that of the log be: behind every limit.
            Some(if fits { entry.end() } else { u64::MAX })
        });
        match (clean, known) {
            (true, _) => ends.max().unwrap_or_else(|| self.log.begin()),
            (false, Some(mark)) => mark.queues,
            (false, None) => self.log.begin(),
        }
    }

    /// Walks the log to its end and dispatches every record, `from` a place on, or all of them into
    /// queues that are built again.
    fn walk(
        &self,
        found: &Files,
        known: Option<Mark>,
        from: Option<u64>,
    ) -> Result<Walked, StoreError> {
        let begin = self.log.begin();
        if from.is_none() {
            self.clear_derived(known, found.clean)?;
        }
        let rebuilt = from.is_none();
        let from = from.unwrap_or(begin);
        let mut walked = Walked {
            report: RecoveryReport {
                clean: found.clean,
                rebuilt,
                ..RecoveryReport::default()
            },
            from,
            end: begin,
            lost: begin.saturating_sub(from),
            is_wrong: false,
        };
        let mark = known.unwrap_or_default();
        let mut scan = Scan::new(&self.log, from.max(begin), mark.log, found.unsynced);
        loop {
            match scan.next()? {
                Found::Record(bytes) => {
                    walked.report.walked += 1;
                    if let Ok(record) = RecordView::parse(&bytes) {
                        self.walk_past(&record, &found.snapshot, &mut walked);
                    }
                }
                Found::Damaged { from, to } => {
                    walked.lost += to - from;
                    let damaged = &mut walked.report.damaged;
                    damaged.push((PhysicalOffset(from), PhysicalOffset(to)));
                }
                Found::End(end) => {
                    walked.end = end;
                    return Ok(walked);
                }
            }
        }
    }

    fn walk_past(&self, record: &RecordView<'_>, snapshot: &Snapshot, walked: &mut Walked) {
        let size = record.size as u64;
        match self.dispatch_record(record, snapshot, most_records(walked.lost)) {
            Dispatched::Fitting => {}
            Dispatched::Doubtful => walked.lost += size,
            Dispatched::Wrong => {
                let from = record.physical_offset;
                walked.lost += size;
                walked.is_wrong = true;
                walked.report.damaged.push((from, from.plus(size)));
            }
        }
    }

    /// Whether what was walked does not fit what the queue files hold, or they hold less than the
    /// snapshot knows of.
    fn contradicts(&self, walked: &Walked, snapshot: &Snapshot) -> bool {
        let begin = self.log.begin();
        let lacks = |(topic, id, next): (TopicName, i32, u64)| {
            let queue = self.queues.find(topic.as_str(), id);
            next <= most_records(walked.end)
                && queue.is_some_and(|queue| {
                    let missing = next.saturating_sub(queue.next());
                    queue.reaches(begin) && missing > most_records(walked.lost)
                })
        };
        walked.is_wrong || snapshot.numbers().any(lacks)
    }

    /// Puts a record into its queue and the index, unless its number does not fit between its
    /// neighbors'. At most `lost` numbers in front of it may be missing.
    fn dispatch_record(
        &self,
        record: &RecordView<'_>,
        snapshot: &Snapshot,
        lost: u64,
    ) -> Dispatched {
        let offset = record.physical_offset.0;
        if snapshot.is_deleted(record.topic, offset) {
            return Dispatched::Fitting;
        }
        self.log
            .tail
            .lock()
            .set_last_timestamp(record.store_timestamp);
        let Ok(topic) = TopicName::new(record.topic.to_owned()) else {
            return Dispatched::Wrong;
        };
        let mut dispatched = Dispatched::Fitting;
        if has_queue_entry(record.sys_flag) {
            let queue = self.queues.find_or_create(&topic, record.queue_id);
            let (number, next) = (record.queue_offset.0, queue.next());
            if number < next {
                let known = queue.read(&*self.disk, number, 1);
                let same = |entry: &Entry| entry.offset == offset;
                return match known {
                    Ok(known) if known.first().is_some_and(same) => Dispatched::Fitting,
                    _ => Dispatched::Wrong,
                };
            }
            let gap = number - next;
            // The number of a queue whose messages have all expired may be in no file.
            let begin = self.log.begin();
            if number > most_records(offset) || gap > lost && queue.reaches(begin) {
                return Dispatched::Wrong;
            }
            if gap > lost {
                dispatched = Dispatched::Doubtful;
            }
            self.queues.advance_to(&queue, number, begin);
            let size = u32::try_from(record.size).unwrap_or(u32::MAX);
            let entry = Entry {
                offset,
                size,
                tag: self.tag_of_record(record),
            };
            self.queues.put(&queue, number, entry);
        } else {
            dispatched = Dispatched::Doubtful;
        }
        self.index.add_record(record);
        dispatched
    }
}

/// What became of a record that was read again.
enum Dispatched {
    /// It follows its neighbors.
    Fitting,
    /// It may belong into another queue, where its number is missing then: no checksum covers
    /// topic, queue and flags.
    Doubtful,
    /// Its number cannot be.
    Wrong,
}

/// No more records than this fit into so many bytes: what bounds the numbers that a damaged file may
/// tell.
fn most_records(bytes: u64) -> u64 {
    bytes / MIN_SIZE as u64
}
