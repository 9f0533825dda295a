//! A pull from its check to its answer.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use super::check::{Admitted, Denied, PullCheck};
use crate::broker::admit::{Admit, unreadable};
use crate::broker::parts::Parts;
use crate::broker::state::given::Given;
use crate::broker::state::offsets::{Offsets, Position};
use crate::broker::state::peers::Peers;
use crate::broker::state::waiting::Waiting;
use crate::clock::Clock;
use crate::message::QueueOffset;
use crate::remoting::{Incoming, Peer, Processor};
use crate::store::{MessageStore, ReadLimits, ReadOutcome, ReadStatus};
use crate::tasks::Tasks;
use crate::wire::header::{LitePullMessage, PullMessage, PullMessageReply};
use crate::wire::{Refusal, Reply, ResponseCode};

/// A message that was passed over lets a waiting pull go on after this (`PullRequestHoldService`).
const PASSED_OVER: Duration = Duration::from_secs(5);
/// Nobody waits longer, whatever it asks for.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// Answers pulls.
#[derive(Clone, Debug)]
pub(in crate::broker) struct PullProcessor {
    check: PullCheck,
    admit: Admit,
    peers: Arc<Peers>,
    offsets: Arc<Offsets>,
    store: MessageStore,
    waiting: Arc<Waiting>,
    given: Arc<Given>,
    /// Ends all waiting.
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
            given: Arc::clone(&parts.given),
            front: parts.front.clone(),
            clock: parts.clock.clone(),
        }
    }

    async fn pull(
        &self,
        header: PullMessage,
        asker: &Peer,
    ) -> Result<Reply<PullMessageReply>, Denied> {
        let admitted = self.check.admitted(&header, asker).await?;
        let at = Position {
            group: &header.consumer_group,
            topic: &header.topic,
            queue: header.queue_id,
        };
        // The pull with which a group comes to where it was sent still carries what it committed before.
        if header.has(PullMessage::COMMIT) && header.commit_offset >= 0 {
            let end = self.store.max_offset(at.topic, at.queue);
            self.offsets.commit_up_to(end, at, header.commit_offset);
        }
        if let Some(moved) = self.sent_elsewhere(&header, at, asker) {
            return Ok(moved);
        }
        let mut outcome = self.read(&header, &admitted).await?;
        let may_wait = header.has(PullMessage::SUSPEND) && header.suspend_timeout_millis > 0;
        self.given.record(at, outcome.count, outcome.next);
        if may_wait && code_of(&outcome, &header) == ResponseCode::PULL_NOT_FOUND {
            self.wait(&header, &admitted).await?;
            // Its member may have said meanwhile that it wants something else, and the topic may
            // have been deleted.
            let admitted = self.check.admitted(&header, asker).await?;
            if let Some(moved) = self.sent_elsewhere(&header, at, asker) {
                return Ok(moved);
            }
            outcome = self.read(&header, &admitted).await?;
            self.given.record(at, outcome.count, outcome.next);
        }
        Ok(reply(&header, outcome))
    }

    async fn read(
        &self,
        header: &PullMessage,
        admitted: &Admitted,
    ) -> Result<ReadOutcome, Refusal> {
        let wish = ReadLimits {
            messages: usize::try_from(header.max_msg_nums).unwrap_or(0),
            bytes: header
                .max_msg_bytes
                .map_or(usize::MAX, |bytes| usize::try_from(bytes).unwrap_or(0)),
        };
        let limits = self.admit.config.rules.transfer.at_most(wish);
        // Nothing lies before the first message, as little as before the queue.
        let offset = QueueOffset::from_wire(header.queue_offset).unwrap_or_default();
        let filter = admitted.filter.clone();
        let wanted = move |tag| filter.may_want(tag);
        let topic = &admitted.topic.name;
        let read = self
            .store
            .read_aside(topic, header.queue_id, offset, limits, wanted);
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

    /// Where a reader goes on that is beyond the end of a queue, as it was in an earlier life of the
    /// topic or before the log lost its tail: messages may have come since that nobody has read.
    /// Apache goes on at the end, and skips them.
    fn back_from_beyond(&self, header: &PullMessage, outcome: &ReadOutcome) -> QueueOffset {
        let committed = self.offsets.committed(Position {
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

    /// Waits until a message is there that is wanted, or the time is over.
    async fn wait(&self, header: &PullMessage, admitted: &Admitted) -> Result<(), Refusal> {
        let wish = u64::try_from(header.suspend_timeout_millis).unwrap_or(0);
        let limit = Duration::from_millis(wish).min(LONGEST_WAIT);
        let mut until = self.clock.moment().plus(limit);
        let from = QueueOffset::from_wire(header.queue_offset).unwrap_or_default();
        let place = self.waiting.enter(
            &admitted.topic.name,
            header.queue_id,
            from,
            &admitted.filter,
        );
        // What came before the pull was on the list has told nobody.
        let outcome = self.read(header, admitted).await?;
        if code_of(&outcome, header) != ResponseCode::PULL_NOT_FOUND {
            return Ok(());
        }
        loop {
            tokio::select! {
                matches = place.news() => {
                    if matches {
                        break;
                    }
                    until = until.min(self.clock.moment().plus(PASSED_OVER));
                }
                () = self.clock.sleep_until(until) => break,
                () = self.front.stopping() => break,
            }
        }
        Ok(())
    }

    /// The answer when the group was sent to another offset than where it is: by an administrator,
    /// or because the queue is not the one any more that it was.
    fn sent_elsewhere(
        &self,
        header: &PullMessage,
        at: Position<'_>,
        asker: &Peer,
    ) -> Option<Reply<PullMessageReply>> {
        if !self.offsets.has_resets() {
            return None;
        }
        let own = self.peers.reader(&header.consumer_group, asker.id());
        let mut readers = [&own, at.group].into_iter();
        let offset = readers.find_map(|group| {
            let at = Position { group, ..at };
            self.offsets.sent_elsewhere(at, header.queue_offset)
        })?;
        Some(self.moved(header, offset))
    }

    /// The group goes on at another offset.
    fn moved(&self, header: &PullMessage, offset: i64) -> Reply<PullMessageReply> {
        let topic = &header.topic;
        let bound = |offset: QueueOffset| offset.to_wire();
        Reply::ok(PullMessageReply {
            next_begin_offset: offset,
            min_offset: bound(self.store.min_offset(topic, header.queue_id)),
            max_offset: bound(self.store.max_offset(topic, header.queue_id)),
            ..PullMessageReply::default()
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
        answer.or_else(Denied::into_reply)
    }
}

impl Processor<LitePullMessage> for PullProcessor {
    async fn process(
        &self,
        request: Incoming<LitePullMessage>,
    ) -> Result<Reply<PullMessageReply>, Refusal> {
        let answer = self.pull(request.header.0, &request.peer).await;
        answer.or_else(Denied::into_reply)
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

/// `GetMessageStatus`, which people read in the remark.
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

fn reply(header: &PullMessage, outcome: ReadOutcome) -> Reply<PullMessageReply> {
    let code = code_of(&outcome, header);
    let fields = PullMessageReply {
        suggest_which_broker_id: 0,
        next_begin_offset: outcome.next.to_wire(),
        min_offset: outcome.min.to_wire(),
        max_offset: outcome.max.to_wire(),
        ..PullMessageReply::default()
    };
    Reply::ok(fields)
        .with_code(code)
        .with_remark(ByteString::from_static(name_of(outcome.status)))
        .with_body(outcome.records)
}
