//! Delivers delayed messages when their delay is over (`ScheduleMessageService`).
//!
//! Invariant: a level's offset advances only past messages that are delivered, and a failed
//! delivery is retried: at-least-once delivery. A message that is not to be delivered yet but cannot
//! stay, because its topic takes no messages or its segment is to go, waits on among the timers.

use std::sync::Arc;
use std::time::Duration;

use super::schedule::Schedule;
use crate::broker::background::delivery::{Deliveries, Targets};
use crate::broker::background::timer;
use crate::broker::config::{DelayLevels, MAX_DELAY};
use crate::broker::room;
use crate::broker::state::delay_offsets::DelayOffsets;
use crate::clock::{Clock, Moment};
use crate::message::record::{RecordDraft, RecordView};
use crate::message::subscription::Filter;
use crate::message::{QueueOffset, property};
use crate::store::{
    Append, AppendError, Appended, MessageStore, ReadLimits, ReadOutcome, ReadStatus,
    SCHEDULE_TOPIC, StoreError,
};
use crate::tasks::Tasks;
use crate::troubles::Troubles;

/// Messages that are delivered together, so that they share one fdatasync.
const DELIVERY_BATCH: ReadLimits = ReadLimits {
    messages: 32,
    bytes: 1024 * 1024,
};
/// The delay before a failed delivery is retried.
const DELIVERY_RETRY_DELAY: Duration = Duration::from_millis(100);
/// The longest sleep before a due time is computed again, because the wall clock may have been set.
const CLOCK_STEP_RECHECK: Duration = Duration::from_secs(10);

/// Delivers delayed messages.
#[derive(Clone, Debug)]
pub(in crate::broker) struct DelayService {
    pub(in crate::broker) store: MessageStore,
    pub(in crate::broker) offsets: Arc<DelayOffsets>,
    pub(in crate::broker) schedule: Arc<Schedule>,
    /// The levels whose delivery fails.
    pub(in crate::broker) stuck: Arc<Troubles<i32>>,
    pub(in crate::broker) targets: Targets,
    pub(in crate::broker) clock: Clock,
}

/// The delivery state of a level.
#[derive(Debug)]
struct LevelState {
    number: i32,
    delay: Duration,
    /// Whether `delay` is to be found out first, because the table does not have the level any more.
    is_former: bool,
    /// Since when the first message has a store time in the future, which means that the clock was
    /// set back.
    misdated_since: Option<Moment>,
}

impl LevelState {
    /// The remaining delay of a message that was stored at `stored_ms`. With a store time in the
    /// future the time it has waited is unknown: it waits the full delay from now on, together with
    /// the following messages like it.
    fn left(&mut self, stored_ms: i64, clock: &Clock) -> Duration {
        let waited = if let Ok(waited) = u64::try_from(clock.now_ms().saturating_sub(stored_ms)) {
            self.misdated_since = None;
            Duration::from_millis(waited)
        } else {
            let now = clock.moment();
            let since = *self.misdated_since.get_or_insert_with(|| {
                let (level, delay) = (self.number, self.delay);
                tracing::warn!(
                    level,
                    ?delay,
                    "a delayed message was stored in the future: the clock of this machine was \
                     wrong then, or is now; the message waits its delay from now on"
                );
                now
            });
            now.since(since)
        };
        self.delay.saturating_sub(waited)
    }
}

/// The outcome of one read of a level's queue.
enum DeliveryRound {
    /// There may be more due messages.
    More,
    /// The next message is due after this.
    DueIn(Duration),
    /// The queue is empty.
    Nothing,
}

impl DelayService {
    /// Delivers until the owner of `tasks` stops, with one task per level.
    pub(in crate::broker) fn run(&self, levels: &DelayLevels, tasks: &Tasks) {
        for number in self.schedule.levels() {
            let (service, owner) = (self.clone(), tasks.clone());
            let delay = levels.delay(number).unwrap_or_default();
            let is_former = usize::try_from(number).is_ok_and(|number| number > levels.highest());
            tasks.spawn("delay level", async move {
                let level = LevelState {
                    number,
                    delay,
                    is_former,
                    misdated_since: None,
                };
                service.deliver_level(level, &owner).await;
            });
        }
    }

    /// Stops only between rounds, so that the offset covers all messages that a round has
    /// delivered.
    async fn deliver_level(&self, mut level: LevelState, owner: &Tasks) {
        let Some(news) = self.schedule.news_of(level.number) else {
            return;
        };
        while !owner.is_stopping() {
            let round = self.round(&mut level).await;
            self.log_outcome(level.number, &round);
            let pause = match round {
                Ok(DeliveryRound::More) => continue,
                Ok(DeliveryRound::Nothing) => None,
                Ok(DeliveryRound::DueIn(left)) => Some(left.min(CLOCK_STEP_RECHECK)),
                Err(_) => Some(DELIVERY_RETRY_DELAY),
            };
            tokio::select! {
                () = owner.stopping() => {}
                () = news.notified(), if pause.is_none() => {}
                () = self.clock.sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
    }

    fn log_outcome(&self, level: i32, round: &Result<DeliveryRound, DeliveryError>) {
        match round {
            Ok(_) if self.stuck.end(&level) => {
                tracing::info!(level, "delayed messages are delivered again");
            }
            Ok(_) => {}
            Err(error) => {
                if let Some(unlogged) = self.stuck.begin(level) {
                    tracing::warn!(level, %error, unlogged, "delayed messages are not delivered for now");
                }
            }
        }
    }

    async fn round(&self, level: &mut LevelState) -> Result<DeliveryRound, DeliveryError> {
        let from = QueueOffset::from_wire(self.offsets.of(level.number)).unwrap_or_default();
        let queue = level.number - 1;
        let read = self
            .store
            .run_blocking(move |store| {
                store.read(
                    SCHEDULE_TOPIC,
                    queue,
                    from,
                    DELIVERY_BATCH,
                    &Filter::default(),
                )
            })
            .await?;
        match read.status {
            ReadStatus::Found => self.deliver(level, from, &read).await,
            ReadStatus::NoQueue | ReadStatus::Empty | ReadStatus::AtEnd => {
                Ok(DeliveryRound::Nothing)
            }
            _ => {
                self.offsets.set(level.number, read.next.to_wire());
                Ok(DeliveryRound::More)
            }
        }
    }

    /// Delivers the messages that are due.
    async fn deliver(
        &self,
        level: &mut LevelState,
        from: QueueOffset,
        read: &ReadOutcome,
    ) -> Result<DeliveryRound, DeliveryError> {
        if level.is_former {
            level.delay = self.former_delay(level.number, from, read).await?;
            level.is_former = false;
        }
        let leaves_before = self.schedule.leaves_before(level.number);
        let mut in_flight = Vec::new();
        let mut drafts = Deliveries::default();
        let mut next = from;
        let mut outcome = DeliveryRound::More;
        let mut rest = read.records.clone();
        while !rest.is_empty() {
            let Ok(view) = RecordView::parse(&rest) else {
                break;
            };
            let size = view.size;
            let left = level.left(view.store_timestamp, &self.clock);
            let leaves = view.queue_offset < leaves_before;
            if !left.is_zero() && !leaves {
                outcome = DeliveryRound::DueIn(left);
                break;
            }
            next = view.queue_offset.plus(1);
            let message = view.to_message(&rest).ok();
            match message.and_then(|message| drafts.of(message)) {
                Some(draft) => in_flight.push((view.queue_offset, self.begin(draft, left))),
                None => {
                    tracing::error!(at = %view.physical_offset, "a delayed message is skipped: it has no valid topic and queue to go to");
                }
            }
            bytes::Buf::advance(&mut rest, size);
        }
        if rest.is_empty() {
            next = read.next;
        }
        for (offset, append) in in_flight {
            match append.await {
                // Retrying would fail forever, so the message is skipped.
                Err(error @ AppendError::Illegal(_)) => {
                    tracing::error!(%error, "a delayed message is skipped: the store refuses it");
                }
                Err(error) => {
                    self.offsets.set(level.number, offset.to_wire());
                    return Err(error.into());
                }
                Ok(_) => {}
            }
        }
        self.offsets.set(level.number, next.to_wire());
        Ok(outcome)
    }

    /// The delay of a level that the table does not have any more, as the queue entry of its first message
    /// says, which lies at `from`.
    async fn former_delay(
        &self,
        level: i32,
        from: QueueOffset,
        read: &ReadOutcome,
    ) -> Result<Duration, DeliveryError> {
        let first = RecordView::parse(&read.records).ok();
        let (offset, stored_ms) = first.map_or((from, 0), |first| {
            (first.queue_offset, first.store_timestamp)
        });
        let entries = self
            .store
            .run_blocking(move |store| store.tag_codes(SCHEDULE_TOPIC, level - 1, offset, 1));
        let due_ms = entries.await?.first().copied().unwrap_or(stored_ms);
        let delay_ms = u64::try_from(due_ms.saturating_sub(stored_ms)).unwrap_or(0);
        let delay = Duration::from_millis(delay_ms).min(MAX_DELAY);
        tracing::warn!(
            level,
            ?delay,
            "messages wait in a delay level that messageDelayLevel does not have any more: they are delivered \
             after the delay that it had"
        );
        Ok(delay)
    }

    /// Begins to store a message in its topic, or where it waits on: for its time, when its segment is to
    /// go before, or for its topic, so that those behind it need not wait for that too.
    fn begin(&self, mut draft: RecordDraft, left: Duration) -> Append<Appended> {
        let is_due = left.is_zero();
        if is_due && self.targets.admit(&mut draft).is_ok() {
            return self.store.append_moved(&draft);
        }
        let left_ms = i64::try_from(left.as_millis()).unwrap_or(i64::MAX);
        let properties = &mut draft.message.properties;
        // Among the timers it would cancel another message, and not be delivered.
        properties.remove(property::TIMER_DEL_UNIQKEY);
        timer::divert(&mut draft, self.clock.now_ms().saturating_add(left_ms));
        room::make(&mut draft.message.properties);
        if is_due {
            self.store.append_moved(&draft)
        } else {
            self.store.append_again(&draft)
        }
    }
}

/// Why the messages of a level could not be delivered.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("the queue could not be read: {0}")]
    Read(#[from] StoreError),
    #[error("a message could not be stored: {0}")]
    Store(#[from] AppendError),
}
