//! Handles a pull: check, read, wait, respond.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use super::check::{AdmittedPull, PullCheck, RefusedPull};
use crate::broker::admit::{Admit, may_move_offsets, unreadable};
use crate::broker::parts::Parts;
use crate::broker::state::delivery_statistics::DeliveryStatistics;
use crate::broker::state::offsets::{GroupQueue, Offsets};
use crate::broker::state::peers::Peers;
use crate::broker::state::waiting::WaitingPulls;
use crate::clock::Clock;
use crate::message::QueueOffset;
use crate::remoting::{Incoming, Peer, Processor};
use crate::store::{MessageStore, ReadLimits, ReadOutcome, ReadStatus};
use crate::tasks::Tasks;
use crate::wire::header::{LitePullMessage, PullMessage, PullMessageReply};
use crate::wire::{Refusal, Reply, ResponseCode};

/// How long a waiting pull goes on waiting after messages have arrived that its filter rejects
/// (`PullRequestHoldService`).
const UNMATCHED_WAIT: Duration = Duration::from_secs(5);
/// After so many messages that a condition rejects, a waiting pull is answered, so that its group's
/// offset moves on and they are not read again.
const MAX_PASSED_OVER: u64 = 800;
/// The longest wait, whatever the pull asks for.
const MAX_WAIT: Duration = Duration::from_mins(1);

/// Answers pulls.
#[derive(Clone, Debug)]
pub(in crate::broker) struct PullProcessor {
    check: PullCheck,
    admit: Admit,
    peers: Arc<Peers>,
    offsets: Arc<Offsets>,
    store: MessageStore,
    waiting: Arc<WaitingPulls>,
    deliveries: Arc<DeliveryStatistics>,
    /// When it stops, no pull waits any longer.
    front: Tasks,
    clock: Clock,
}

impl PullProcessor {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self {
            check: PullCheck::new(parts),
            admit: parts.admit.clone(),
            peers: Arc::clone(&parts.peers),
            offsets: Arc::clone(&parts.offsets),
            store: parts.store.clone(),
            waiting: Arc::clone(&parts.waiting),
            deliveries: Arc::clone(&parts.deliveries),
            front: parts.front.clone(),
            clock: parts.clock.clone(),
        }
    }

    async fn pull(
        &self,
        header: PullMessage,
        asker: &Peer,
    ) -> Result<Reply<PullMessageReply>, RefusedPull> {
        let mut admitted = self.check.admitted(&header, asker).await?;
        let at = GroupQueue {
            group: &header.consumer_group,
            topic: &header.topic,
            queue: header.queue_id,
        };
        // Commit before looking for a reset: the pull that follows a reset still carries the offset
        // from before.
        if header.has(PullMessage::COMMIT) && header.commit_offset >= 0 {
            may_move_offsets(at.group)?;
            let end = self.store.max_offset(at.topic, at.queue);
            self.offsets.commit_up_to(end, at, header.commit_offset);
        }
        if let Some(moved) = self.pending_reset(&header, &admitted, asker) {
            return Ok(moved);
        }
        let mut outcome = self.read(&header, &admitted).await?;
        let may_wait = header.has(PullMessage::SUSPEND) && header.suspend_timeout_millis > 0;
        self.deliveries.record(at, outcome.count, outcome.next);
        if may_wait && code_of(&outcome, &header) == ResponseCode::PULL_NOT_FOUND {
            self.wait(&header, &admitted).await?;
            // Check again: the subscription may have changed during the wait, and the topic may
            // have been deleted.
            admitted = self.check.admitted(&header, asker).await?;
            if let Some(moved) = self.pending_reset(&header, &admitted, asker) {
                return Ok(moved);
            }
            outcome = self.read(&header, &admitted).await?;
            self.deliveries.record(at, outcome.count, outcome.next);
        }
        Ok(reply(&header, &admitted, outcome))
    }

    async fn read(
        &self,
        header: &PullMessage,
        admitted: &AdmittedPull,
    ) -> Result<ReadOutcome, Refusal> {
        let wish = ReadLimits {
            messages: usize::try_from(header.max_msg_nums).unwrap_or(0),
            bytes: header
                .max_msg_bytes
                .map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(0)),
        };
        let limits = self.admit.config.rules.transfer.at_most(wish);
        // A negative offset is before the queue's begin; see below.
        let offset = QueueOffset::from_wire(header.queue_offset).unwrap_or_default();
        let AdmittedPull { topic, filter, .. } = admitted;
        let read = self
            .store
            .read_async(&topic.name, header.queue_id, offset, limits, filter);
        let mut outcome = read.await.map_err(|error| unreadable(&error))?;
        if header.queue_offset < 0 && outcome.status != ReadStatus::NoQueue {
            outcome = ReadOutcome {
                status: ReadStatus::TooSmall,
                next: outcome.min,
                records: bytes::Bytes::new(),
                count: 0,
                ..outcome
            };
        }
        if outcome.status == ReadStatus::BeyondEnd {
            outcome.next = self.back_from_beyond(header, &outcome);
        }
        Ok(outcome)
    }

    /// Where a pull beyond the end of a queue continues. Its offset is from an earlier topic of the
    /// same name, or from before the log lost its tail, so there may be unread messages: continue
    /// at the committed offset, or at the beginning. Apache's broker continues at the end and skips
    /// them.
    fn back_from_beyond(&self, header: &PullMessage, outcome: &ReadOutcome) -> QueueOffset {
        let committed = self.offsets.committed(GroupQueue {
            group: &header.consumer_group,
            topic: &header.topic,
            queue: header.queue_id,
        });
        let committed = committed.and_then(QueueOffset::from_wire);
        let (min, max) = (outcome.min, outcome.max);
        match committed.filter(|offset| *offset <= max) {
            Some(offset) => offset.max(min),
            None if min == QueueOffset(0) => min,
            None => max,
        }
    }

    /// Waits until a message arrives that may pass the filter, or the time is over.
    async fn wait(&self, header: &PullMessage, admitted: &AdmittedPull) -> Result<(), Refusal> {
        let wish = u64::try_from(header.suspend_timeout_millis).unwrap_or(0);
        let limit = Duration::from_millis(wish).min(MAX_WAIT);
        let mut until = self.clock.moment().plus(limit);
        let from = QueueOffset::from_wire(header.queue_offset).unwrap_or_default();
        let guard = self.waiting.enter(
            &admitted.topic.name,
            header.queue_id,
            from,
            &admitted.filter,
        );
        // Read again: a message that arrived before the pull was on the list did not wake it.
        let outcome = self.read(header, admitted).await?;
        if code_of(&outcome, header) != ResponseCode::PULL_NOT_FOUND {
            return Ok(());
        }
        let mut examined = from;
        loop {
            tokio::select! {
                may_match = guard.news() => {
                    if may_match && admitted.filter.is_by_condition() {
                        guard.again();
                        match self.unmatched_to(header, admitted, examined).await? {
                            Some(next) if next.0 < from.0 + MAX_PASSED_OVER => examined = next,
                            _ => break,
                        }
                    } else if may_match {
                        break;
                    }
                    until = until.min(self.clock.moment().plus(UNMATCHED_WAIT));
                }
                () = self.clock.sleep_until(until) => break,
                () = self.front.stopping() => break,
            }
        }
        Ok(())
    }

    /// How far the messages from `examined` on fail the condition; `None` when one passes or the pull
    /// must be answered for another reason. The tag codes of what has arrived do not say it.
    async fn unmatched_to(
        &self,
        header: &PullMessage,
        admitted: &AdmittedPull,
        examined: QueueOffset,
    ) -> Result<Option<QueueOffset>, Refusal> {
        let limits = self.admit.config.rules.transfer;
        let AdmittedPull { topic, filter, .. } = admitted;
        let read = self
            .store
            .read_async(&topic.name, header.queue_id, examined, limits, filter);
        let outcome = read.await.map_err(|error| unreadable(&error))?;
        let none = matches!(outcome.status, ReadStatus::NoneMatched | ReadStatus::AtEnd);
        Ok(none.then_some(outcome.next))
    }

    /// The response for a pending reset of the group, by an administrator or because the queue was
    /// created again.
    fn pending_reset(
        &self,
        header: &PullMessage,
        admitted: &AdmittedPull,
        asker: &Peer,
    ) -> Option<Reply<PullMessageReply>> {
        if !self.offsets.has_resets() {
            return None;
        }
        let own = self.peers.reader(&header.consumer_group, asker.id());
        let mut readers = [&*own, &*header.consumer_group].into_iter();
        let offset = readers.find_map(|group| {
            let at = GroupQueue {
                group,
                topic: &header.topic,
                queue: header.queue_id,
            };
            self.offsets.pending_reset(at, header.queue_offset)
        })?;
        Some(self.moved(header, admitted, offset))
    }

    /// The response that makes the group continue at another offset.
    fn moved(
        &self,
        header: &PullMessage,
        admitted: &AdmittedPull,
        offset: i64,
    ) -> Reply<PullMessageReply> {
        let topic = &header.topic;
        let bound = |offset: QueueOffset| offset.to_wire();
        Reply::ok(PullMessageReply {
            next_begin_offset: offset,
            min_offset: bound(self.store.min_offset(topic, header.queue_id)),
            max_offset: bound(self.store.max_offset(topic, header.queue_id)),
            ..admitted.reply()
        })
        .with_code(ResponseCode::PULL_OFFSET_MOVED)
        .with_remark("OFFSET_RESET")
    }
}

impl Processor<PullMessage> for PullProcessor {
    async fn process(
        &self,
        request: Incoming<PullMessage>,
    ) -> Result<Reply<PullMessageReply>, Refusal> {
        let answer = self.pull(request.header, &request.peer).await;
        answer.or_else(RefusedPull::into_reply)
    }
}

impl Processor<LitePullMessage> for PullProcessor {
    async fn process(
        &self,
        request: Incoming<LitePullMessage>,
    ) -> Result<Reply<PullMessageReply>, Refusal> {
        let answer = self.pull(request.header.0, &request.peer).await;
        answer.or_else(RefusedPull::into_reply)
    }
}

fn code_of(outcome: &ReadOutcome, header: &PullMessage) -> ResponseCode {
    match outcome.status {
        ReadStatus::Found => ResponseCode::SUCCESS,
        ReadStatus::NoneMatched | ReadStatus::Removed => ResponseCode::PULL_RETRY_IMMEDIATELY,
        ReadStatus::NoQueue | ReadStatus::Empty if header.queue_offset == 0 => {
            ResponseCode::PULL_NOT_FOUND
        }
        ReadStatus::AtEnd => ResponseCode::PULL_NOT_FOUND,
        _ => ResponseCode::PULL_OFFSET_MOVED,
    }
}

/// The names of `GetMessageStatus`, which the remark shows.
fn name_of(status: ReadStatus) -> &'static str {
    match status {
        ReadStatus::Found => "FOUND",
        ReadStatus::NoneMatched => "NO_MATCHED_MESSAGE",
        ReadStatus::Removed => "MESSAGE_WAS_REMOVING",
        ReadStatus::NoQueue => "NO_MATCHED_LOGIC_QUEUE",
        ReadStatus::Empty => "NO_MESSAGE_IN_QUEUE",
        ReadStatus::TooSmall => "OFFSET_TOO_SMALL",
        ReadStatus::AtEnd => "OFFSET_OVERFLOW_ONE",
        ReadStatus::BeyondEnd => "OFFSET_OVERFLOW_BADLY",
    }
}

fn reply(
    header: &PullMessage,
    admitted: &AdmittedPull,
    outcome: ReadOutcome,
) -> Reply<PullMessageReply> {
    let code = code_of(&outcome, header);
    let fields = PullMessageReply {
        suggest_which_broker_id: 0,
        next_begin_offset: outcome.next.to_wire(),
        min_offset: outcome.min.to_wire(),
        max_offset: outcome.max.to_wire(),
        ..admitted.reply()
    };
    Reply::ok(fields)
        .with_code(code)
        .with_remark(ByteString::from_static(name_of(outcome.status)))
        .with_body(outcome.records)
}
