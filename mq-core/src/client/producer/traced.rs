//! What a producer leaves in the message trace: sends that a broker answered, and ends of transactions
//! (`SendMessageTraceHookImpl`, `EndTransactionTraceHookImpl`). One-way messages leave nothing, as in
//! Java.

use std::time::Duration;

use bytestring::ByteString;

use super::outcome::SendStatus;
use super::prepare::SendDraft;
use crate::client::checker::{TransactionChecker, TransactionState};
use crate::client::trace::{Event, MessageKind, TraceRecord, TracedMessage, Tracer};
use crate::message::{MessageExt, Properties, property};
use crate::wire::Reply;
use crate::wire::header::SendMessageReply;

/// The region of a broker that names none (`MixAll.DEFAULT_TRACE_REGION_ID`).
pub(super) const DEFAULT_REGION: &str = "DefaultRegion";

/// Records that the broker at `address` answered a send that began at `at_ms` and took `cost`, unless
/// that broker wants no traces.
pub(super) fn published(
    tracer: &Tracer,
    draft: &SendDraft,
    address: &ByteString,
    (at_ms, cost): (i64, Duration),
    reply: &Reply<SendMessageReply>,
) {
    let stored = &reply.header;
    if !tracer.traces(&draft.topic) || stored.trace_on.as_deref() == Some("false") {
        return;
    }
    let properties = draft.header.properties.clone().unwrap_or_default();
    let properties = Properties::from_bytes(properties.into_bytes());
    tracer.record(TraceRecord {
        at_ms,
        region: stored
            .region
            .as_deref()
            .unwrap_or(DEFAULT_REGION)
            .to_owned(),
        message: TracedMessage::new(&draft.topic, draft.id.clone(), &properties),
        event: Event::Published {
            broker: address.to_string(),
            body_length: draft.body.len(),
            cost_ms: cost.as_millis(),
            kind: MessageKind::of(&properties),
            offset_message_id: stored.msg_id.to_string(),
            success: SendStatus::from_code(reply.code) == SendStatus::Ok,
        },
    });
}

/// Records that a transaction ends, because its producer says so; its end goes to the broker at `address`.
pub(super) fn ended(
    tracer: &Tracer,
    message: TracedMessage,
    address: &ByteString,
    state: TransactionState,
) {
    let transaction = End {
        region: DEFAULT_REGION.to_owned(),
        broker: address.to_string(),
        from_check: false,
    };
    transaction.record(tracer, message, state);
}

/// What a record has of the end of a transaction, beside how it ended.
struct End {
    region: String,
    broker: String,
    from_check: bool,
}

impl End {
    fn record(self, tracer: &Tracer, message: TracedMessage, state: TransactionState) {
        if !tracer.traces(&message.topic) {
            return;
        }
        tracer.record(TraceRecord {
            at_ms: tracer.now_ms(),
            region: self.region,
            event: Event::Ended {
                broker: self.broker,
                transaction_id: message.id.clone(),
                state: java_name(state),
                from_check: self.from_check,
            },
            message,
        });
    }
}

/// A checker whose answers are recorded.
pub(super) struct TracedChecker<C> {
    pub(super) checker: C,
    pub(super) tracer: Tracer,
}

impl<C: TransactionChecker> TransactionChecker for TracedChecker<C> {
    async fn check(&self, half: MessageExt) -> TransactionState {
        let message = TracedMessage::from(&half);
        let region = half.message.properties.get(property::MSG_REGION);
        let end = End {
            region: region.unwrap_or(DEFAULT_REGION).to_owned(),
            broker: half.store_host.to_string(),
            from_check: true,
        };
        let state = self.checker.check(half).await;
        end.record(&self.tracer, message, state);
        state
    }
}

fn java_name(state: TransactionState) -> &'static str {
    match state {
        TransactionState::Commit => "COMMIT_MESSAGE",
        TransactionState::Rollback => "ROLLBACK_MESSAGE",
        TransactionState::Unknown => "UNKNOW",
    }
}
