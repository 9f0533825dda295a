//! Delivers delayed messages when their time has come (`ScheduleMessageService`).
//!
//! Invariant: a level's offset moves on only behind messages that are delivered; a delivery that
//! failed is tried again, so that a message may come twice and never not at all.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::broker::config::DelayLevels;
use crate::broker::state::delay_offsets::DelayOffsets;
use crate::clock::{Clock, Moment};
use crate::message::record::{Draft, RecordView};
use crate::message::{MessageExt, QueueOffset, TopicName, property};
use crate::store::{
    AppendError, Durability, MessageStore, ReadLimits, ReadOutcome, ReadStatus, SCHEDULE_TOPIC,
    StoreError,
};
use crate::tasks::Tasks;
use crate::troubles::Troubles;

/// Messages delivered together, so that they share a sync.
const TOGETHER: ReadLimits = ReadLimits {
    messages: 32,
    bytes: 1024 * 1024,
};
/// What went wrong is tried again after this.
const AGAIN: Duration = Duration::from_millis(100);
/// The wall clock is looked at so often, in case somebody moved it.
const LOOK: Duration = Duration::from_secs(10);

/// Wakes the level whose queue a message has come into.
#[derive(Debug)]
pub(in crate::broker) struct Schedule {
    levels: Vec<Notify>,
}

impl Schedule {
    pub(in crate::broker) fn new(levels: &DelayLevels) -> Self {
        Self {
            levels: levels.iter().map(|_| Notify::new()).collect(),
        }
    }

    /// A message has come into the queue `queue` of the schedule topic.
    pub(in crate::broker) fn arrived(&self, queue: i32) {
        let level = usize::try_from(queue)
            .ok()
            .and_then(|queue| self.levels.get(queue));
        if let Some(level) = level {
            level.notify_one();
        }
    }
}

/// Delivers delayed messages.
#[derive(Clone, Debug)]
pub(in crate::broker) struct DelayService {
    pub(in crate::broker) store: MessageStore,
    pub(in crate::broker) offsets: Arc<DelayOffsets>,
    pub(in crate::broker) schedule: Arc<Schedule>,
    /// Levels of which no message can be delivered at present.
    pub(in crate::broker) stuck: Arc<Troubles<i32>>,
    pub(in crate::broker) clock: Clock,
}

/// A level of the table.
#[derive(Debug)]
struct Level {
    number: i32,
    delay: Duration,
    /// Since when the first message is one that was stored in the future, that is, before the clock
    /// was set back.
    misdated_since: Option<Moment>,
}

impl Level {
    /// How long a message that was stored at `stored_ms` still waits. When that lies in the future,
    /// nobody knows how long it has waited: it waits the whole delay once more, and those behind it
    /// that were stored in the future wait no longer than it does.
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

/// What a round came to.
enum Round {
    /// There may be more at once.
    More,
    /// The next message is due after this.
    DueIn(Duration),
    /// Nothing waits.
    Nothing,
}

impl DelayService {
    /// Delivers until the owner of `tasks` stops; a task for each level.
    pub(in crate::broker) fn run(&self, levels: &DelayLevels, tasks: &Tasks) {
        for (number, delay) in levels.iter() {
            let (service, owner) = (self.clone(), tasks.clone());
            tasks.spawn("delay level", async move {
                let level = Level {
                    number,
                    delay,
                    misdated_since: None,
                };
                service.deliver_level(level, &owner).await;
            });
        }
    }

    /// Stops between rounds only: what a round has delivered, its offset covers.
    async fn deliver_level(&self, mut level: Level, owner: &Tasks) {
        let index = usize::try_from(level.number - 1).unwrap_or(0);
        let Some(news) = self.schedule.levels.get(index) else {
            return;
        };
        while !owner.is_stopping() {
            let round = self.round(&mut level).await;
            self.tell(level.number, &round);
            let pause = match round {
                Ok(Round::More) => continue,
                Ok(Round::Nothing) => None,
                Ok(Round::DueIn(left)) => Some(left.min(LOOK)),
                Err(_) => Some(AGAIN),
            };
            tokio::select! {
                () = owner.stopping() => {}
                () = news.notified(), if pause.is_none() => {}
                () = self.clock.sleep(pause.unwrap_or_default()), if pause.is_some() => {}
            }
        }
    }

    fn tell(&self, level: i32, round: &Result<Round, DeliveryError>) {
        match round {
            Ok(_) if self.stuck.end(&level) => {
                tracing::info!(level, "delayed messages are delivered again");
            }
            Ok(_) => {}
            Err(error) => {
                if let Some(untold) = self.stuck.begin(level) {
                    tracing::warn!(level, %error, untold, "delayed messages are not delivered for now");
                }
            }
        }
    }

    async fn round(&self, level: &mut Level) -> Result<Round, DeliveryError> {
        let from = QueueOffset::from_wire(self.offsets.of(level.number)).unwrap_or_default();
        let queue = level.number - 1;
        let read = self
            .store
            .aside(move |store| store.read(SCHEDULE_TOPIC, queue, from, TOGETHER, &|_| true))
            .await?;
        match read.status {
            ReadStatus::Found => self.deliver(level, from, &read).await,
            ReadStatus::NoQueue | ReadStatus::Empty | ReadStatus::AtEnd => Ok(Round::Nothing),
            _ => {
                self.offsets.set(level.number, read.next.to_wire());
                Ok(Round::More)
            }
        }
    }

    /// Delivers those of the messages that are due.
    async fn deliver(
        &self,
        level: &mut Level,
        from: QueueOffset,
        read: &ReadOutcome,
    ) -> Result<Round, DeliveryError> {
        let mut under_way = Vec::new();
        let mut next = from;
        let mut outcome = Round::More;
        let mut rest = read.records.clone();
        while !rest.is_empty() {
            let Ok(view) = RecordView::parse(&rest) else {
                break;
            };
            let size = view.size;
            let left = level.left(view.store_timestamp, &self.clock);
            if !left.is_zero() {
                outcome = Round::DueIn(left);
                break;
            }
            next = view.queue_offset.plus(1);
            match view.to_message(&rest).ok().and_then(delivery) {
                Some(draft) => under_way.push(self.store.append(&draft, Durability::AsConfigured)),
                None => {
                    tracing::error!(at = %view.physical_offset, "a delayed message is for nobody");
                }
            }
            bytes::Buf::advance(&mut rest, size);
        }
        if rest.is_empty() {
            next = read.next;
        }
        for append in under_way {
            match append.await {
                // It would be refused for ever.
                Err(error @ AppendError::Illegal(_)) => {
                    tracing::error!(%error, "a delayed message cannot be delivered");
                }
                Err(error) => return Err(error.into()),
                Ok(_) => {}
            }
        }
        self.offsets.set(level.number, next.to_wire());
        Ok(outcome)
    }
}

/// The message as it goes to its topic; its properties still say that it waited.
fn delivery(stored: MessageExt) -> Option<Draft> {
    let properties = &stored.message.properties;
    let topic = TopicName::new(properties.get(property::REAL_TOPIC)?.to_owned()).ok()?;
    if topic == SCHEDULE_TOPIC || topic == "RMQ_SYS_TRANS_HALF_TOPIC" {
        return None;
    }
    let queue_id = properties.get(property::REAL_QID)?.parse().ok()?;
    let mut message = stored.message;
    message.topic = topic;
    Some(Draft {
        message,
        queue_id,
        sys_flag: stored.sys_flag,
        born_timestamp: stored.born_timestamp,
        born_host: stored.born_host,
        store_host: stored.store_host,
        reconsume_times: stored.reconsume_times,
        prepared_transaction_offset: stored.prepared_transaction_offset,
    })
}

/// Why a level stands still.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("the queue could not be read: {0}")]
    Read(#[from] StoreError),
    #[error("a message could not be stored: {0}")]
    Store(#[from] AppendError),
}
