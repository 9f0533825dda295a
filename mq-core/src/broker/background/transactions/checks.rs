//! Asks producers how their transactions ended, and sets aside those that nobody could tell of
//! (`TransactionalMessageServiceImpl.check`, `AbstractTransactionalMessageCheckListener`).
//!
//! Before a producer is asked the half message is stored again with one check more, so that the number
//! of checks survives a restart.

use std::future::pending;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use bytestring::ByteString;
use futures_util::future::join_all;

use super::half::HALF_TOPIC;
use super::open_halves::{Asked, NextCheck, OpenHalf};
use super::reading::Saving;
use super::records::{ASIDE_TOPIC, HalfPosition, destination};
use super::service::TransactionParts;
use crate::excerpt::excerpt;
use crate::message::record::{RecordDraft, RecordPosition};
use crate::message::{MessageExt, OffsetMessageId, PhysicalOffset, QueueOffset, property};
use crate::remoting::Peer;
use crate::store::{AppendError, Appended, StoreError};
use crate::tasks::Tasks;
use crate::wire::header::CheckTransactionState;

/// How often due half messages are looked for, at least.
const LONGEST_STEP: Duration = Duration::from_secs(1);
/// How often at most.
const SHORTEST_STEP: Duration = Duration::from_millis(10);
/// Half messages that are checked together, so that they share one fdatasync.
const CHECK_BATCH: usize = 64;
/// Between two batches, so that the queues of requests to producers, with room for 256, are sent out
/// meanwhile.
const BATCH_PAUSE: Duration = Duration::from_millis(10);

/// Why half messages could not be checked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CheckError {
    #[error("half messages could not be read: {0}")]
    Read(#[from] StoreError),
    #[error("a half message could not be stored again: {0}")]
    Store(#[from] AppendError),
}

impl TransactionParts {
    /// Stops only between rounds, so that what was stored again is in the table.
    pub(super) async fn check_until_stop(&self, owner: &Tasks) {
        let rules = &self.rules;
        let step = rules.check_after.min(rules.check_interval);
        let step = step.clamp(SHORTEST_STEP, LONGEST_STEP);
        while !owner.is_stopping() {
            match self.round(owner).await {
                Ok(()) if self.stuck.end(&()) => {
                    tracing::info!("half messages are checked again");
                }
                Ok(()) => {}
                Err(error) => {
                    if let Some(unlogged) = self.stuck.begin(()) {
                        tracing::warn!(%error, unlogged, "half messages are not checked for now");
                    }
                }
            }
            let progress = self.save_progress();
            let next = self.halves.lock().next_due(self.clock.moment());
            let pause = match progress {
                Saving::Done => next.map(|due| due.max(step)),
                Saving::Pending => Some(step),
            };
            let until_due = async {
                match pause {
                    Some(pause) => self.clock.sleep(pause).await,
                    None => pending().await,
                }
            };
            let news = async {
                self.news.notified().await;
                // What ends within a step need not be looked at.
                self.clock.sleep(step).await;
            };
            tokio::select! {
                () = owner.stopping() => {}
                () = news => {}
                () = until_due => {}
            }
        }
    }

    async fn round(&self, owner: &Tasks) -> Result<(), CheckError> {
        self.catch_up().await?;
        let left = self.leave_segments().await;
        loop {
            let now = self.clock.moment();
            let due = self.halves.lock().due(now, CHECK_BATCH);
            if due.is_empty() || owner.is_stopping() {
                return left;
            }
            let is_full = due.len() == CHECK_BATCH;
            let checks = due.into_iter().map(|at| self.check(at));
            let checked = join_all(checks).await.into_iter();
            checked.collect::<Result<(), _>>()?;
            if is_full {
                self.clock.sleep(BATCH_PAUSE).await;
            }
        }
    }

    /// Stores again what lies in segments that are to go. A half message that the store refuses keeps
    /// its segment, and none of the others waiting.
    async fn leave_segments(&self) -> Result<(), CheckError> {
        let end = PhysicalOffset(self.expiring.load(Ordering::Acquire));
        let (mut from, mut outcome) = (QueueOffset(0), Ok(()));
        loop {
            let leaving = self.halves.lock().lying_before(end, from, CHECK_BATCH);
            let Some(last) = leaving.last() else {
                return outcome;
            };
            from = last.plus(1);
            for renewed in join_all(leaving.into_iter().map(|at| self.renew(at))).await {
                match renewed {
                    Err(error @ CheckError::Store(AppendError::Illegal(_))) => outcome = Err(error),
                    renewed => renewed?,
                }
            }
        }
    }

    async fn check(&self, at: QueueOffset) -> Result<(), CheckError> {
        let Some((claimed, half)) = self.claim_with_record(at).await? else {
            return Ok(());
        };
        if claimed.checks >= self.rules.most_checks {
            let why = "no producer could say how the transaction ended";
            return self.set_aside(&half, &claimed, why).await;
        }
        self.ask_again(&half, &claimed).await
    }

    /// Takes a half message that is to be moved; `None` when it has ended.
    async fn claim_with_record(
        &self,
        at: QueueOffset,
    ) -> Result<Option<(OpenHalf, MessageExt)>, StoreError> {
        let Some(claimed) = self.claim(at).await? else {
            return Ok(None);
        };
        match self.record_at(claimed.position.physical_offset).await {
            Ok(Some(half)) => Ok(Some((claimed, half))),
            Ok(None) => {
                let physical = claimed.position.physical_offset;
                tracing::error!(%at, %physical, "a half message is given up: its record is gone");
                self.give_back(&claimed, true);
                Ok(None)
            }
            Err(error) => {
                self.give_back(&claimed, false);
                Err(error)
            }
        }
    }

    /// Stores the half message again and asks a producer of its group.
    async fn ask_again(&self, half: &MessageExt, claimed: &OpenHalf) -> Result<(), CheckError> {
        let checks = claimed.checks + 1;
        let copy = self.records.again(half, claimed.first, checks);
        let drafts = [copy, self.ended(claimed)];
        let stored = match self.append(&drafts, claimed).await {
            Ok(stored) => stored,
            Err(AppendError::Illegal(why)) => {
                return self.set_aside(half, claimed, &why).await;
            }
            Err(error) => return Err(error.into()),
        };
        let group = half.message.properties.get_text(property::PGROUP);
        let group = group.unwrap_or_default();
        let producer = self.producer(&group, &claimed.asked);
        let due = self.clock.moment().plus(self.rules.check_interval);
        let asked = producer.as_ref().map_or_else(
            || Asked::NobodyOf(ByteString::from(&*group)),
            |producer| Asked::Producer(producer.id()),
        );
        let next = NextCheck { checks, due, asked };
        self.halves
            .lock()
            .moved(claimed, position_of(&stored), next);
        self.released.notify_waiters();
        let [copy, _ended] = drafts;
        if let Some(producer) = producer {
            ask(&producer, half, copy, stored);
            return Ok(());
        }
        if !self.peers.producers(&group).is_empty() {
            // It came between the look for one and the note that there was none.
            self.producer_came(&group);
        } else if let Some(unlogged) = self.unasked.begin(()) {
            let (id, group, most) = (half.message_id(), excerpt(&group), self.rules.most_checks);
            let id = excerpt(&id);
            tracing::warn!(
                %group, %id, checks, most, unlogged,
                "nobody can be asked how a transaction ended: no producer of its group is connected"
            );
        }
        Ok(())
    }

    /// Appends records in place of a claimed half message, all or none; gives where the first is. After
    /// an error the claim is over.
    async fn append(
        &self,
        drafts: &[RecordDraft],
        claimed: &OpenHalf,
    ) -> Result<Appended, AppendError> {
        // On a nearly full disk too: the segment goes only once nothing in it is open.
        let appended = self.store.append_batch_again(drafts);
        let appended = appended.await.and_then(|stored| {
            let first = stored.first().copied();
            first.ok_or(AppendError::Closed)
        });
        appended.inspect_err(|_| self.give_back(claimed, false))
    }

    /// The producer to be asked: the one behind who was asked last, so that all are asked in turn about a
    /// transaction that some of them do not know.
    fn producer(&self, group: &str, last: &Asked) -> Option<Peer> {
        let producers = self.peers.producers(group);
        let next = if let Asked::Producer(last) = last {
            let behind = producers.iter().find(|peer| peer.id() > *last);
            behind.or_else(|| producers.first())
        } else {
            let turn = self.turn.fetch_add(1, Ordering::Relaxed);
            producers.get(turn.checked_rem(producers.len())?)
        };
        next.cloned()
    }

    /// Has half messages asked about at once that no producer of the group was there to be asked about.
    pub(super) fn producer_came(&self, group: &str) {
        let now = self.clock.moment();
        if self.halves.lock().producer_came(group, now) {
            self.news.notify_one();
        }
    }

    /// Moves a half message that is not asked about any more.
    async fn set_aside(
        &self,
        half: &MessageExt,
        claimed: &OpenHalf,
        why: &str,
    ) -> Result<(), CheckError> {
        let drafts = [self.records.set_aside(half), self.ended(claimed)];
        let (id, checks) = (half.message_id(), claimed.checks);
        let stored = match self.append(&drafts, claimed).await {
            Ok(stored) => stored,
            Err(AppendError::Illegal(refused)) => {
                let due = self.clock.moment().plus(self.rules.check_interval);
                let at = claimed.position.queue_offset;
                self.halves.lock().postpone(at, due);
                tracing::error!(
                    id = %excerpt(&id), %at,
                    "a half message can neither be stored again nor be set aside: {refused}"
                );
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let topic = destination(half).map(|(topic, _)| topic.to_string());
        tracing::error!(
            id = %excerpt(&id), topic, checks, aside = %stored.queue_offset,
            "the message of a transaction is set aside in {ASIDE_TOPIC} and will not be delivered: {why}"
        );
        self.give_back(claimed, true);
        Ok(())
    }

    /// Stores a half message again, at the end of the log, because the segment with its record is to go.
    /// Nobody is asked about it, and it is due when it was.
    async fn renew(&self, at: QueueOffset) -> Result<(), CheckError> {
        let Some((claimed, half)) = self.claim_with_record(at).await? else {
            return Ok(());
        };
        let next = claimed.next_check();
        let copy = self.records.again(&half, claimed.first, next.checks);
        let mut drafts = vec![copy];
        // Apache's broker takes a copy whose own time is not over for ended when its first offset is.
        if claimed.position.queue_offset != claimed.first {
            drafts.push(self.ended(&claimed));
        }
        let stored = self.append(&drafts, &claimed).await?;
        self.halves
            .lock()
            .moved(&claimed, position_of(&stored), next);
        self.released.notify_waiters();
        Ok(())
    }
}

fn position_of(stored: &Appended) -> HalfPosition {
    HalfPosition {
        queue_offset: stored.queue_offset,
        physical_offset: stored.physical_offset,
    }
}

/// Asks without waiting: the answer is an end like any other.
fn ask(producer: &Peer, half: &MessageExt, copy: RecordDraft, stored: Appended) {
    let Some((topic, queue_id)) = destination(half) else {
        return;
    };
    let id = half.message.properties.get_text(property::UNIQ_KEY);
    let offset_id = OffsetMessageId {
        host: copy.store_host,
        offset: stored.physical_offset,
    };
    let header = CheckTransactionState {
        topic: Some(ByteString::from_static(HALF_TOPIC)),
        tran_state_table_offset: stored.queue_offset.to_wire(),
        commit_log_offset: stored.physical_offset.to_wire(),
        msg_id: id.clone(),
        transaction_id: id,
        offset_msg_id: Some(offset_id.to_string().into()),
    };
    // Producers see the topic that the message is for.
    let mut shown = copy;
    shown.message.topic = topic;
    shown.queue_id = queue_id;
    let mut record = Vec::with_capacity(shown.size());
    shown.encode(&mut record);
    let position = RecordPosition {
        queue_offset: stored.queue_offset,
        physical_offset: stored.physical_offset,
        store_timestamp: stored.store_timestamp,
    };
    position.write(&mut record);
    if let Err(error) = producer.notify(&header, Bytes::from(record)) {
        tracing::debug!(%error, "a producer could not be asked how a transaction ended");
    }
}
