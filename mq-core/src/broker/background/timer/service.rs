//! Delivers messages when their time comes.
//!
//! One task takes what is due, reads it, stores it in its topic and only then lets the table forget it.
//! What cannot be stored comes back and is tried again; what its topic does not take is held until it
//! does, and keeps nothing else waiting.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use futures_util::join;

use super::cancelled::{Cancelled, SLACK_MS};
use super::load;
use super::progress::TimerProgress;
use super::progress_file::{ProgressFile, SaveError};
use super::stored::{self, StoredTimer};
use super::table::{Due, Timer, TimerTable};
use super::takeover;
use super::timercheck::{self, Timercheck};
use crate::broker::background::delivery::{Targets, delivery};
use crate::clock::Clock;
use crate::message::{MessageExt, TopicName};
use crate::saved_file::FileError;
use crate::stopping::StopProblem;
use crate::store::{
    Append, AppendError, Appended, Durability, MessageStore, StoreError, TIMER_TOPIC,
};
use crate::tasks::Tasks;
use crate::troubles::Troubles;

/// Messages that are delivered together, so that they share one sync.
const BATCH: usize = 1_024;
/// The pause after a failure.
const RETRY_PAUSE: Duration = Duration::from_millis(100);
/// The longest sleep before the clock is asked again, because somebody may have set it.
const CLOCK_STEP_RECHECK: Duration = Duration::from_secs(1);
/// The progress is saved so often (`timerFlushIntervalMs`).
const SAVE_INTERVAL: Duration = Duration::from_secs(1);

/// Delivers messages when their time comes.
#[derive(Clone, Debug)]
pub(in crate::broker) struct TimerService {
    store: MessageStore,
    table: Arc<TimerTable>,
    targets: Targets,
    file: Arc<ProgressFile>,
    /// The progress of the last run, and where the queue ended then.
    before: Arc<(TimerProgress, u64)>,
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
    deliveries: Vec<Delivery>,
}

/// A message that is being stored in its topic.
struct Delivery {
    timer: Timer,
    append: Append<Appended>,
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
            loop {
                tokio::select! {
                    () = owner.stopping() => return,
                    () = service.clock.sleep(SAVE_INTERVAL) => {}
                }
                let saved = service.file.save_while_running(&service.table).await;
                service.tell("saving the progress of timers", &saved);
            }
        });
    }

    /// Saves what has become of all messages; nothing is delivered any more.
    pub(in crate::broker) async fn save(&self) -> Result<(), StopProblem> {
        self.file
            .save_all(&self.table)
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
            let saved = self.file.save_all(&self.table).await;
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
            let check = check.unwrap_or_default();
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
        let mut cancelled = Cancelled::default();
        while !owner.is_stopping() {
            self.let_go();
            let round = self.round(owner, &mut cancelled).await;
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

    /// Delivers until nothing is due. What is to be delivered next is read while what was read before is
    /// being stored.
    async fn round(
        &self,
        owner: &Tasks,
        cancelled: &mut Cancelled,
    ) -> Result<Option<i64>, DeliveryError> {
        let mut under_way = Batch::default();
        loop {
            let now_ms = self.clock.now_ms();
            let cancels = self.read_cancels(cancelled, now_ms).await;
            let due = if cancels.is_ok() && !owner.is_stopping() {
                self.table.take(now_ms, BATCH)
            } else {
                Due::default()
            };
            let (stored, read) = join!(self.finish(under_way), self.read(due.timers.clone()));
            let read = stored.and_then(|()| Ok(read?));
            let read = read.inspect_err(|_error| self.table.put_back(&due.timers))?;
            if due.timers.is_empty() {
                cancels?;
                let over_ms = now_ms.saturating_sub(SLACK_MS);
                if due.next_ms.is_none_or(|next_ms| next_ms > now_ms)
                    && self.table.drop_cancels(over_ms)
                {
                    cancelled.drop_before(over_ms);
                }
                return Ok(due.next_ms);
            }
            under_way = self.begin_all(read, cancelled);
        }
    }

    /// Learns what was cancelled of all that may be due at `now_ms`.
    async fn read_cancels(
        &self,
        cancelled: &mut Cancelled,
        now_ms: i64,
    ) -> Result<(), DeliveryError> {
        let cancels = self.table.take_cancels(now_ms.saturating_add(SLACK_MS));
        if cancels.is_empty() {
            return Ok(());
        }
        let read = self.read(cancels.clone()).await;
        let read = read.inspect_err(|_error| self.table.put_cancels_back(&cancels))?;
        for (timer, message) in read {
            if let Some(message) = message {
                cancelled.note(timer, &message);
            }
        }
        Ok(())
    }

    async fn read(&self, timers: Vec<Timer>) -> Result<Vec<StoredTimer>, StoreError> {
        self.store
            .run_blocking(move |store| stored::read(store, timers))
            .await
    }

    /// Begins to store messages in their topics, except those that were cancelled.
    fn begin_all(&self, mut read: Vec<StoredTimer>, cancelled: &Cancelled) -> Batch {
        // They were read in the order in which they came.
        if read.len() < BATCH {
            read.sort_by_key(|(timer, _)| *timer);
        }
        let mut batch = Batch {
            done: Vec::with_capacity(read.len()),
            deliveries: Vec::with_capacity(read.len()),
        };
        for (timer, message) in read {
            match message {
                Some(message) if cancelled.has(timer, &message) => batch.done.push(timer),
                Some(message) => self.begin(timer, message, &mut batch),
                None => {
                    batch.done.push(timer);
                    let offset = timer.offset;
                    tracing::error!(
                        offset,
                        "a message that waited for its time cannot be read any more"
                    );
                }
            }
        }
        batch
    }

    /// Waits until messages are stored; those that are not are put back.
    async fn finish(&self, batch: Batch) -> Result<(), DeliveryError> {
        let Batch {
            mut done,
            deliveries,
        } = batch;
        let mut failed = Vec::new();
        let mut outcome = Ok(());
        for Delivery { timer, append } in deliveries {
            match append.await {
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

    /// Begins to store a message in its topic.
    fn begin(&self, timer: Timer, message: MessageExt, batch: &mut Batch) {
        let at = message.physical_offset;
        let Some(mut draft) = delivery(message) else {
            tracing::error!(%at, "a message that waited for its time has no valid topic and queue to go to");
            batch.done.push(timer);
            return;
        };
        if let Err(why) = self.targets.admit(&mut draft) {
            let topic = &draft.message.topic;
            if let Some(unlogged) = self.held.begin(topic.clone().detached()) {
                tracing::warn!(%topic, %why, unlogged, "messages that are due wait until the topic takes them");
            }
            self.table.hold(topic, timer);
            return;
        }
        let append = self.store.append(&draft, Durability::AsConfigured);
        batch.deliveries.push(Delivery { timer, append });
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
