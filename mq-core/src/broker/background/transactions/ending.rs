//! Ends half messages: delivers what is committed and drops what is rolled back
//! (`EndTransactionProcessor`).
//!
//! Invariant: a half message ends once, whatever comes twice or late. An end is for the half message
//! with its group, both its offsets and its id, or for none.

use std::sync::Arc;

use bytestring::ByteString;
use tokio::sync::oneshot;

use super::half::HALF_TOPIC;
use super::open_halves::{Claim, OpenHalf};
use super::records::destination;
use super::service::{TransactionParts, Transactions};
use crate::message::record::{RecordDraft, RecordView};
use crate::message::{MessageExt, PhysicalOffset, QueueOffset, TopicName, property};
use crate::store::{AppendError, StoreError};

/// How a transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum Verdict {
    Commit,
    Rollback,
}

/// What a producer says of a half message.
#[derive(Clone, Debug)]
pub(in crate::broker) struct End {
    pub(in crate::broker) verdict: Verdict,
    pub(in crate::broker) group: ByteString,
    /// The queue offset of the half message.
    pub(in crate::broker) half: i64,
    /// The physical offset of the half message.
    pub(in crate::broker) physical: i64,
    /// The message's unique id, when the producer gives it.
    pub(in crate::broker) id: Option<ByteString>,
}

/// Why a half message was not ended. It is as it was before.
#[derive(Debug, thiserror::Error)]
pub(in crate::broker) enum EndError {
    /// It is none, or another one.
    #[error(
        "no transaction is ended: the half message with the queue offset {half} at the physical offset \
         {physical} {why}"
    )]
    NotThat {
        half: i64,
        physical: i64,
        why: &'static str,
    },
    /// It has ended before.
    #[error(
        "no transaction is ended: the half message with the queue offset {0} was committed, rolled \
         back or set aside before"
    )]
    Ended(QueueOffset),
    /// The topic that it is for does not exist any more.
    #[error(
        "the transaction is not committed: topic[{0}] was deleted; create it, and the message is \
         delivered when it is committed after the next check"
    )]
    NoTopic(TopicName),
    /// It could not be read.
    #[error("the half message could not be read: {0}")]
    Read(#[from] StoreError),
    /// The records that end it could not be stored.
    #[error(transparent)]
    Store(#[from] AppendError),
    /// The broker stops.
    #[error("the broker ends before the transaction")]
    Interrupted,
}

impl Transactions {
    /// Ends a half message. It does so to the end once it has begun, also when this is dropped.
    ///
    /// # Errors
    ///
    /// [`EndError`]; the half message is as it was.
    pub(in crate::broker) async fn end(&self, end: End) -> Result<(), EndError> {
        let (parts, (done, ended)) = (Arc::clone(&self.0), oneshot::channel());
        self.0.tasks.spawn("end of a transaction", async move {
            // Who asked may have gone.
            let _unwanted = done.send(parts.end(&end).await);
        });
        ended.await.unwrap_or(Err(EndError::Interrupted))
    }
}

impl TransactionParts {
    async fn end(&self, end: &End) -> Result<(), EndError> {
        let half = self.half_of(end).await?;
        let at = half.queue_offset;
        let claimed = self.claim(at).await?.ok_or(EndError::Ended(at))?;
        let ended = match self.claimed_half(end, half, &claimed).await {
            Ok(half) => self.append_end(end.verdict, &half, &claimed).await,
            Err(error) => Err(error),
        };
        self.give_back(&claimed, ended.is_ok());
        ended
    }

    /// The half message that was claimed, as it was stored last. `named` is what lies at the physical
    /// offset that was given: that of the half message or of an earlier copy, unless somebody has sent a
    /// message with such a record in its body.
    async fn claimed_half(
        &self,
        end: &End,
        named: MessageExt,
        claimed: &OpenHalf,
    ) -> Result<MessageExt, EndError> {
        let physical = claimed.position.physical_offset;
        if named.physical_offset == physical {
            return Ok(named);
        }
        let not_that = || EndError::NotThat {
            half: end.half,
            physical: end.physical,
            why: "is not there: another message is",
        };
        if named.queue_offset == claimed.position.queue_offset {
            return Err(not_that());
        }
        let stored = self.record_at(physical).await?.ok_or_else(not_that)?;
        let same = |name| {
            let (named, stored) = (&named.message.properties, &stored.message.properties);
            named.get(name) == stored.get(name)
        };
        if same(property::UNIQ_KEY) && same(property::PGROUP) {
            Ok(stored)
        } else {
            Err(not_that())
        }
    }

    /// The half message that is meant.
    async fn half_of(&self, end: &End) -> Result<MessageExt, EndError> {
        let not_that = |why| EndError::NotThat {
            half: end.half,
            physical: end.physical,
            why,
        };
        let missing = || not_that("is not there");
        let offset = PhysicalOffset::from_wire(end.physical).ok_or_else(missing)?;
        let half = self.record_at(offset).await?.ok_or_else(missing)?;
        let properties = &half.message.properties;
        if half.message.topic != HALF_TOPIC || half.queue_offset.to_wire() != end.half {
            return Err(not_that("is not there: another message is"));
        }
        if properties.get(property::PGROUP) != Some(&end.group) {
            return Err(not_that("is not of this producer group"));
        }
        let known = properties.get(property::UNIQ_KEY);
        if end.id.as_deref().is_some_and(|id| known != Some(id)) {
            return Err(not_that("has another message id"));
        }
        Ok(half)
    }

    /// The record that begins at `offset`, if one does.
    pub(super) async fn record_at(
        &self,
        offset: PhysicalOffset,
    ) -> Result<Option<MessageExt>, StoreError> {
        let record = self.store.record_at_async(offset).await?;
        let message = record.and_then(|record| {
            let view = RecordView::parse(&record).ok()?;
            view.to_message(&record).ok()
        });
        Ok(message)
    }

    /// Takes the half message with the queue offset `at`, once nobody else has it; `None` when it is not
    /// open. It must be given back.
    pub(super) async fn claim(&self, at: QueueOffset) -> Result<Option<OpenHalf>, StoreError> {
        let mut is_read = false;
        loop {
            // Made before the look, so that no notice is missed.
            let released = self.released.notified();
            let claim = self.halves.lock().claim(at);
            match claim {
                Claim::Taken(half) => return Ok(Some(half)),
                Claim::Busy => released.await,
                Claim::NotRead if !is_read => {
                    self.catch_up().await?;
                    is_read = true;
                }
                Claim::NotRead | Claim::NotOpen => return Ok(None),
            }
        }
    }

    /// The claim is over: the half message has ended, or is as it was.
    pub(super) fn give_back(&self, claimed: &OpenHalf, has_ended: bool) {
        let mut halves = self.halves.lock();
        if has_ended {
            halves.close(claimed.position.queue_offset);
        } else {
            halves.release(claimed);
        }
        drop(halves);
        self.released.notify_waiters();
    }

    /// Appends what is delivered, and then that the half message has ended.
    async fn append_end(
        &self,
        verdict: Verdict,
        half: &MessageExt,
        claimed: &OpenHalf,
    ) -> Result<(), EndError> {
        let ended = self.ended(claimed);
        let drafts = match verdict {
            Verdict::Rollback => vec![ended],
            Verdict::Commit => vec![self.committed(half)?, ended],
        };
        let appended = self.store.append_batch_moved(&drafts);
        appended.await?;
        Ok(())
    }

    pub(super) fn ended(&self, half: &OpenHalf) -> RecordDraft {
        let now_ms = self.clock.now_ms();
        self.records.ended(half.position.queue_offset, now_ms)
    }

    fn committed(&self, half: &MessageExt) -> Result<RecordDraft, EndError> {
        let (name, queue) = destination(half).ok_or(EndError::NotThat {
            half: half.queue_offset.to_wire(),
            physical: half.physical_offset.to_wire(),
            why: "does not say which topic and queue it is for",
        })?;
        let Some(topic) = self.topics.find(name.as_str()) else {
            return Err(EndError::NoTopic(name));
        };
        let queue = queue.min(topic.queues().saturating_sub(1)).max(0);
        Ok(self.records.committed(half, name, queue))
    }
}
