//! Delivers messages when their time comes.
//!
//! One task takes what is due, reads it, stores it in its topic and only then lets the table forget it.
//! What cannot be stored comes back and is tried again; what its topic does not take is held until it
//! does, and keeps nothing else waiting.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::join;
use parking_lot::RwLock;

use super::cancelled::{Cancelled, SLACK_MS};
use super::load;
use super::progress::TimerProgress;
use super::progress_file::{ProgressFile, SaveError};
use super::second::Timer;
use super::stored::{self, StoredTimer};
use super::table::{Due, TimerTable};
use super::takeover;
use super::timercheck::{self, Timercheck};
use crate::broker::background::delivery::{Deliveries, Targets};
use crate::clock::Clock;
use crate::message::record::RecordDraft;
use crate::message::{MessageExt, TopicName};
use crate::saved_file::FileError;
use crate::stopping::StopProblem;
use crate::store::{AppendEach, AppendError, MessageStore, StoreError, TIMER_TOPIC};
use crate::tasks::Tasks;
use crate::troubles::Troubles;

/// Messages that are delivered together, so that they share one sync.
const BATCH: usize = 2_048;
/// Threads that read and encode when more is due than that.
const READERS: usize = 2;
/// Messages that a thread reads before it encodes them, so few that they are in its caches still.
const READ_AT_ONCE: usize = 128;
/// Bytes of bodies after which a thread leaves the rest of its messages to the next batch.
const READ_BYTES: usize = 16 * 1024 * 1024;
/// The pause after a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// The longest sleep before the clock is asked again, because somebody may have set it.
const CLOCK_STEP_RECHECK: Duration = Duration::from_secs(1);
/// The progress is saved so often (`timerFlushIntervalMs`), unless that would take too much of the time.
const SAVE_INTERVAL: Duration = Duration::from_secs(1);
/// After a save so many times as long as it took pass before the next: millions of messages that are late
/// make a long list. Meanwhile the older one stays right: it says of fewer messages that they are done with.
const PAUSE_PER_SAVE: u32 = 20;

/// Delivers messages when their time comes.
#[derive(Clone, Debug)]
pub(in crate::broker) struct TimerService {
    store: MessageStore,
    table: Arc<TimerTable>,
    targets: Targets,
    file: Arc<ProgressFile>,
    /// The progress of the last run, and where the queue ended then.
    before: Arc<(TimerProgress, u64)>,
    cancelled: Arc<RwLock<Cancelled>>,
    stuck: Arc<Troubles<&'static str>>,
    held: Arc<Troubles<TopicName>>,
    clock: Clock,
}

/// What the table was filled from.
enum Source {
    /// Both files, as this broker has left them.
    Saved,
    /// Apache's wheel, or files that are not of the same save.
    Unsaved,
}

/// Messages that are delivered together.
#[derive(Default)]
struct Batch {
    /// They are not to be stored.
    done: Vec<Timer>,
    /// Those that are being stored in their topics.
    deliveries: Vec<Timer>,
    /// In the order of these.
    appends: Vec<AppendEach>,
    /// Bytes of their bodies.
    bytes: usize,
}

/// In which order messages that are due are delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    ByTime,
    /// As they were taken and read: when more is due than is delivered at a time.
    ByPlace,
}

/// Why a message that is due is not stored in its topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Undelivered {
    /// The topic takes none now; the message waits until it does.
    Held,
    /// The message is not to be stored.
    Over,
}

impl TimerService {
    /// Reads how far the last run came. Must be called before new messages are stored.
    pub(in crate::broker) fn open(
        store: &MessageStore,
        targets: Targets,
        clock: &Clock,
    ) -> Result<Self, FileError> {
        let root = store.config().root.clone();
        let (file, progress) = ProgressFile::open(store, &root, clock)?;
        let end = store.max_offset(TIMER_TOPIC, 0).0;
        let table = Arc::new(TimerTable::default());
        table.begin(&progress, end);
        Ok(Self {
            store: store.clone(),
            table,
            targets,
            file: Arc::new(file),
            before: Arc::new((progress, end)),
            cancelled: Arc::default(),
            stuck: Arc::new(Troubles::new(clock.clone())),
            held: Arc::new(Troubles::new(clock.clone())),
            clock: clock.clone(),
        })
    }

    pub(in crate::broker) fn table(&self) -> &Arc<TimerTable> {
        &self.table
    }

    /// Delivers and saves until the owner of `tasks` stops.
    pub(in crate::broker) fn run(&self, tasks: &Tasks) {
        let (service, owner) = (self.clone(), tasks.clone());
        tasks.spawn("timers", async move {
            service.fill(&owner).await;
            service.deliver_all(&owner).await;
        });
        let (service, owner) = (self.clone(), tasks.clone());
        // A save that was dropped would leave one of its two files behind the other.
        tasks.spawn("saving timer progress", async move {
            let mut pause = SAVE_INTERVAL;
            loop {
                tokio::select! {
                    () = owner.stopping() => return,
                    () = service.clock.sleep(pause) => {}
                }
                let begun = service.clock.moment();
                let saved = service.file.save(&service.table).await;
                service.tell("saving the progress of timers", &saved);
                pause = SAVE_INTERVAL.max(service.clock.moment().since(begun) * PAUSE_PER_SAVE);
            }
        });
    }

    /// Saves what has become of all messages; nothing is delivered any more.
    pub(in crate::broker) async fn save(&self) -> Result<(), StopProblem> {
        self.file
            .save(&self.table)
            .await
            .map_err(|error| match error {
                SaveError::File(error) => StopProblem::Save(error),
                SaveError::Store(error) => StopProblem::Store(error.into()),
            })
    }

    /// Puts what waits into the table, before anything is delivered: what cancels a message may lie far
    /// behind it.
    async fn fill(&self, owner: &Tasks) {
        let mut left = 0..self.before.1;
        while !owner.is_stopping() {
            let (service, mut range) = (self.clone(), left.clone());
            let filled = self.store.run_blocking(move |_| {
                let filled = service.fill_now(&mut range);
                Ok((filled, range))
            });
            let filled = match filled.await {
                Ok((filled, range)) => {
                    left = range;
                    filled
                }
                Err(error) => Err(error),
            };
            self.tell("reading which timers wait", &filled);
            match filled {
                Ok(Source::Saved) => return self.table.say_loaded(),
                Ok(Source::Unsaved) => {
                    self.table.say_loaded();
                    return self.forget_wheel(owner).await;
                }
                Err(_) => self.pause(owner, CLOCK_STEP_RECHECK).await,
            }
        }
    }

    /// Saves what was taken over, and only then removes from where.
    async fn forget_wheel(&self, owner: &Tasks) {
        while !owner.is_stopping() {
            self.table.say_changed();
            let saved = self.file.save(&self.table).await;
            self.tell("saving which timers wait", &saved);
            if saved.is_ok() {
                let removed = self.store.run_blocking(timercheck::remove_wheel).await;
                self.tell("removing Apache's timer wheel", &removed);
                return;
            }
            self.pause(owner, CLOCK_STEP_RECHECK).await;
        }
    }

    fn fill_now(&self, left: &mut Range<u64>) -> Result<Source, StoreError> {
        let (progress, end) = &*self.before;
        let check = timercheck::read(&self.store)?;
        let numbers = check.as_ref().map(Timercheck::numbers);
        let is_ours = match numbers {
            Some(numbers) => {
                [&progress.timercheck, &progress.timercheck_before].contains(&&numbers.to_vec())
            }
            // Without either file nothing is known of what waits.
            None => !progress.timercheck.is_empty() || *end == 0,
        };
        if !is_ours {
            let check = check.unwrap_or_default().not_after(self.clock.now_ms());
            takeover::take_over(&self.store, &self.table, check, *end)?;
            return Ok(Source::Unsaved);
        }
        load::load(&self.store, &self.table, progress, left)?;
        Ok(match numbers {
            // The crash came before the wheel that was taken over was removed, or long after.
            Some(numbers) if numbers != progress.timercheck => Source::Unsaved,
            _ => Source::Saved,
        })
    }

    /// Stops only between rounds, so that the progress has all that was delivered.
    async fn deliver_all(&self, owner: &Tasks) {
        while !owner.is_stopping() {
            self.let_go();
            let round = self.round(owner).await;
            self.tell("delivering messages at their time", &round);
            let pause = match round {
                Ok(next_ms) => self.until(next_ms),
                Err(_) => RETRY_PAUSE,
            };
            self.pause(owner, pause).await;
        }
    }

    async fn pause(&self, owner: &Tasks, pause: Duration) {
        tokio::select! {
            () = owner.stopping() => {}
            () = self.table.news.notified() => {}
            () = self.clock.sleep(pause) => {}
        }
    }

    fn until(&self, next_ms: Option<i64>) -> Duration {
        let left = next_ms.map(|next_ms| next_ms.saturating_sub(self.clock.now_ms()));
        let left = left.map(|left| Duration::from_millis(u64::try_from(left).unwrap_or(0)));
        left.unwrap_or(CLOCK_STEP_RECHECK).min(CLOCK_STEP_RECHECK)
    }

    /// What was held for topics that take messages again is due.
    fn let_go(&self) {
        for topic in self.table.held_topics() {
            if self.targets.check(&topic).is_ok() {
                self.table.let_go(&topic);
                if self.held.end(&topic) {
                    tracing::info!(%topic, "messages that waited for the topic are delivered again");
                }
            }
        }
    }

    /// Delivers until nothing is due. What is to be delivered next is read and encoded while what was
    /// begun before is being stored.
    async fn round(&self, owner: &Tasks) -> Result<Option<i64>, DeliveryError> {
        let mut under_way = Batch::default();
        loop {
            let now_ms = self.clock.now_ms();
            let cancels = self.read_cancels(now_ms).await;
            let due = if cancels.is_ok() && !owner.is_stopping() {
                self.table.take(now_ms, BATCH)
            } else {
                Due::default()
            };
            let (stored, (begun, read)) =
                join!(self.finish(under_way), self.begin_all(&due.timers));
            under_way = begun;
            if let Err(error) = stored.and(read.map_err(DeliveryError::from)) {
                self.finish(under_way).await?;
                return Err(error);
            }
            if due.timers.is_empty() {
                cancels?;
                let over_ms = now_ms.saturating_sub(SLACK_MS);
                if due.next_ms.is_none_or(|next_ms| next_ms > now_ms)
                    && self.table.drop_cancels(over_ms)
                {
                    self.cancelled.write().drop_before(over_ms);
                }
                return Ok(due.next_ms);
            }
        }
    }

    /// Learns what was cancelled of all that may be due at `now_ms`.
    async fn read_cancels(&self, now_ms: i64) -> Result<(), DeliveryError> {
        let cancels = self.table.take_cancels(now_ms.saturating_add(SLACK_MS));
        if cancels.is_empty() {
            return Ok(());
        }
        let mut timers = cancels.clone();
        let read = self.store.run_blocking(move |store| {
            let mut all = Vec::with_capacity(timers.len());
            while !timers.is_empty() {
                all.extend(stored::read(store, &mut timers)?);
            }
            Ok(all)
        });
        let read = read.await;
        let read = read.inspect_err(|_error| self.table.put_cancels_back(&cancels))?;
        let mut cancelled = self.cancelled.write();
        for (timer, message) in read {
            if let Some(message) = message {
                cancelled.note(timer, &message);
            }
        }
        Ok(())
    }

    /// Reads messages and begins to store them in their topics, on threads that may wait for the disk. What
    /// could not be read is put back.
    async fn begin_all(&self, timers: &[Timer]) -> (Batch, Result<(), StoreError>) {
        let order = if timers.len() < BATCH {
            Order::ByTime
        } else {
            Order::ByPlace
        };
        let readers = if order == Order::ByTime { 1 } else { READERS };
        let share = timers.len().div_ceil(readers).max(1);
        let begun = timers.chunks(share).map(|timers| async move {
            let (service, wanted) = (self.clone(), timers.to_vec());
            let reader = move |_: &MessageStore| Ok(service.begin(wanted, order));
            let begun = self.store.run_blocking(reader).await;
            begun.unwrap_or_else(|error| {
                self.table.put_back(timers);
                (Batch::default(), Err(error))
            })
        });
        let (mut all, mut outcome) = (Batch::default(), Ok(()));
        for (batch, read) in join_all(begun).await {
            all.done.extend(batch.done);
            all.deliveries.extend(batch.deliveries);
            all.appends.extend(batch.appends);
            outcome = outcome.and(read);
        }
        (all, outcome)
    }

    fn begin(&self, mut timers: Vec<Timer>, order: Order) -> (Batch, Result<(), StoreError>) {
        let mut batch = Batch::default();
        while !timers.is_empty() {
            if batch.bytes >= READ_BYTES {
                self.table.give_back(&timers);
                break;
            }
            let at_once = READ_AT_ONCE.min(timers.len());
            let mut wanted: Vec<_> = timers.drain(..at_once).collect();
            match stored::read(&self.store, &mut wanted) {
                Ok(read) => self.begin_read(read, order, &mut batch),
                Err(error) => {
                    wanted.append(&mut timers);
                    self.table.put_back(&wanted);
                    return (batch, Err(error));
                }
            }
            timers.splice(0..0, wanted);
        }
        (batch, Ok(()))
    }

    /// Begins to store messages in their topics, except those that were cancelled.
    fn begin_read(&self, mut read: Vec<StoredTimer>, order: Order, batch: &mut Batch) {
        if order == Order::ByTime {
            read.sort_by_key(|(timer, _)| *timer);
        }
        let mut drafts = Vec::with_capacity(read.len());
        let mut deliveries = Deliveries::default();
        let cancelled = self.cancelled.read();
        for (timer, message) in read {
            match self.draft(timer, message, &cancelled, &mut deliveries) {
                Ok(draft) => {
                    batch.deliveries.push(timer);
                    batch.bytes += draft.message.body.len();
                    drafts.push(draft);
                }
                Err(Undelivered::Held) => {}
                Err(Undelivered::Over) => batch.done.push(timer),
            }
        }
        drop(cancelled);
        if !drafts.is_empty() {
            batch.appends.push(self.store.append_each(&drafts));
        }
    }

    /// What is stored in its topic for a message that was read.
    fn draft(
        &self,
        timer: Timer,
        message: Option<MessageExt>,
        cancelled: &Cancelled,
        deliveries: &mut Deliveries,
    ) -> Result<RecordDraft, Undelivered> {
        let offset = timer.offset;
        let Some(message) = message else {
            tracing::error!(
                offset,
                "a message that waited for its time cannot be read any more"
            );
            return Err(Undelivered::Over);
        };
        if cancelled.has(timer, &message) {
            return Err(Undelivered::Over);
        }
        let at = message.physical_offset;
        let Some(mut draft) = deliveries.of(message) else {
            tracing::error!(%at, "a message that waited for its time has no valid topic and queue to go to");
            return Err(Undelivered::Over);
        };
        let Err(why) = self.targets.admit(&mut draft) else {
            return Ok(draft);
        };
        let topic = &draft.message.topic;
        if let Some(unlogged) = self.held.begin(topic.clone().detached()) {
            tracing::warn!(%topic, %why, unlogged, "messages that are due wait until the topic takes them");
        }
        self.table.hold(topic, timer);
        Err(Undelivered::Held)
    }

    /// Waits until messages are stored; those that are not are put back.
    async fn finish(&self, batch: Batch) -> Result<(), DeliveryError> {
        let Batch {
            mut done,
            deliveries,
            appends,
            ..
        } = batch;
        let outcomes = join_all(appends).await.into_iter().flatten();
        let mut failed = Vec::new();
        let mut outcome = Ok(());
        for (timer, stored) in deliveries.into_iter().zip(outcomes) {
            match stored {
                Ok(_) => done.push(timer),
                // Trying again would fail for ever.
                Err(error @ AppendError::Illegal(_)) => {
                    tracing::error!(%error, "a message that waited for its time is passed over: the store refuses it");
                    done.push(timer);
                }
                Err(error) => {
                    failed.push(timer);
                    outcome = Err(error.into());
                }
            }
        }
        self.table.settle(&done);
        self.table.put_back(&failed);
        outcome
    }

    fn tell<T, E: std::fmt::Display>(&self, what: &'static str, outcome: &Result<T, E>) {
        match outcome {
            Ok(_) if self.stuck.end(what) => tracing::info!("{what} goes well again"),
            Ok(_) => {}
            Err(error) => {
                if let Some(unlogged) = self.stuck.begin(what) {
                    tracing::warn!(%error, unlogged, "{what} fails for now; it is tried again");
                }
            }
        }
    }
}

/// Why what is due could not be delivered.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("the messages could not be read: {0}")]
    Read(#[from] StoreError),
    #[error("a message could not be stored: {0}")]
    Store(#[from] AppendError),
}
