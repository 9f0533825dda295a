//! A message that waits is stored again before its segment goes.
//!
//! Retention asks; what lies in the segment is then copied behind all others, the oldest first, and the
//! next time it asks, the segment may go. The copies differ in how often that was done, as those of
//! Apache's broker (`TIMER_ROLL_TIMES`). The smaller queue offset is always done with first, so that the
//! progress need only say from which one on messages wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

use super::second::Timer;
use super::stored;
use super::table::TimerTable;
use crate::broker::background::delivery::copy;
use crate::clock::Clock;
use crate::message::record::RecordDraft;
use crate::message::{MessageExt, PhysicalOffset, property};
use crate::store::{AppendError, MessageStore, Needed, StoreError, TIMER_TOPIC};
use crate::tasks::Tasks;
use crate::troubles::Troubles;

/// Messages that are stored again together.
const BATCH: usize = 4_096;
/// Bytes of properties to which the count of copies can still be added.
const MAX_COUNTED_PROPERTIES: usize = 32_700;
/// The pause before what could not be done is tried again.
const RETRY_PAUSE: Duration = Duration::from_secs(1);

/// Stores again what waits.
#[derive(Debug)]
pub(in crate::broker) struct Renewal {
    store: MessageStore,
    table: Arc<TimerTable>,
    /// What waits with a smaller queue offset is to be stored again.
    wanted: AtomicU64,
    asked: Notify,
    stuck: Troubles<()>,
    clock: Clock,
}

impl Renewal {
    pub(in crate::broker) fn new(
        store: &MessageStore,
        table: &Arc<TimerTable>,
        clock: &Clock,
    ) -> Self {
        Self {
            store: store.clone(),
            table: Arc::clone(table),
            wanted: AtomicU64::new(0),
            asked: Notify::new(),
            stuck: Troubles::new(clock.clone()),
            clock: clock.clone(),
        }
    }

    /// Stores again what retention asks for, until the owner of `tasks` stops.
    pub(in crate::broker) fn run(self: &Arc<Self>, tasks: &Tasks) {
        let (renewal, owner) = (Arc::clone(self), tasks.clone());
        tasks.spawn("timers: storing again", async move {
            while !owner.is_stopping() {
                tokio::select! {
                    () = owner.stopping() => return,
                    () = renewal.asked.notified() => {}
                }
                renewal.renew_all(&owner).await;
            }
        });
    }

    async fn renew_all(&self, owner: &Tasks) {
        while !owner.is_stopping() && self.table.has_before(self.wanted.load(Ordering::Acquire)) {
            match self.renew_some().await {
                Ok(0) => {}
                Ok(messages) => {
                    tracing::debug!(messages, "messages that wait were stored again");
                    if self.stuck.end(&()) {
                        tracing::info!(
                            "messages that wait are stored again before their segment goes"
                        );
                    }
                    continue;
                }
                Err(error) => {
                    if let Some(unlogged) = self.stuck.begin(()) {
                        tracing::warn!(
                            %error,
                            unlogged,
                            "messages that wait cannot be stored again, so the log keeps their segment"
                        );
                    }
                }
            }
            // What is on its way ends soon.
            tokio::select! {
                () = owner.stopping() => {}
                () = self.clock.sleep(RETRY_PAUSE) => {}
            }
        }
    }

    /// Stores some messages again; gives how many.
    async fn renew_some(&self) -> Result<usize, RenewalError> {
        let wanted = self.wanted.load(Ordering::Acquire);
        let timers = self.table.take_oldest(wanted, BATCH);
        let found = {
            let mut timers = timers.clone();
            let read = move |store: &MessageStore| {
                let found = stored::read(store, &mut timers)?;
                Ok((found, timers))
            };
            self.store.run_blocking(read).await
        };
        let (found, unread) = found.inspect_err(|_error| self.table.put_back(&timers))?;
        self.table.put_back(&unread);
        let mut appends = Vec::with_capacity(found.len());
        let mut done = Vec::with_capacity(found.len());
        for (timer, message) in found {
            match message {
                Some(message) => appends.push((timer, self.store.append_again(&again(message)))),
                None => done.push(timer),
            }
        }
        let mut failed: Vec<Timer> = Vec::new();
        let mut copies_end = 0;
        let mut outcome = Ok(());
        for (timer, append) in appends {
            match append.await {
                Ok(copy) => {
                    copies_end = copies_end.max(copy.queue_offset.0 + 1);
                    done.push(timer);
                }
                Err(error) => {
                    failed.push(timer);
                    outcome = Err(error.into());
                }
            }
        }
        self.table.forget(&done, copies_end);
        self.table.put_back(&failed);
        outcome.map(|()| done.len())
    }
}

/// The copy of a message that waits.
fn again(stored: MessageExt) -> RecordDraft {
    let mut draft = copy(stored);
    let properties = &mut draft.message.properties;
    let times = properties.get(property::TIMER_ROLL_TIMES);
    let times: u64 = times.and_then(|text| text.parse().ok()).unwrap_or(0);
    // The number is of use to people only; a message for which it leaves no room does without.
    if properties.as_bytes().len() < MAX_COUNTED_PROPERTIES {
        properties.set(property::TIMER_ROLL_TIMES, &(times + 1).to_string());
    }
    draft
}

impl Needed for Renewal {
    fn releases(&self, end: PhysicalOffset) -> bool {
        let first_behind = self.store.first_offset_from(TIMER_TOPIC, 0, end);
        // A queue that cannot be read may have something that waits.
        let Ok(first_behind) = first_behind else {
            return false;
        };
        if !self.table.has_before(first_behind.0) {
            return self.table.is_saved_from(first_behind.0);
        }
        self.wanted.fetch_max(first_behind.0, Ordering::AcqRel);
        self.asked.notify_one();
        false
    }
}

/// Why messages could not be stored again.
#[derive(Debug, thiserror::Error)]
enum RenewalError {
    #[error("they could not be read: {0}")]
    Read(#[from] StoreError),
    #[error("one could not be stored: {0}")]
    Store(#[from] AppendError),
}
