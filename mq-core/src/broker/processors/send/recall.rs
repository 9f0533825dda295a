//! 370: a message that waits for its time is called back (`RecallMessageProcessor`).
//!
//! What is stored is a message that waits for the same time and cancels the other; whether that one is
//! still there is not looked up. Called back in time, it is not delivered.

use std::net::SocketAddr;

use super::refusals::refusal;
use crate::broker::admit::{Admit, WRITE};
use crate::broker::background::timer;
use crate::broker::parts::Parts;
use crate::clock::Clock;
use crate::message::record::RecordDraft;
use crate::message::{Message, Properties, RecallHandle, SysFlag, property};
use crate::remoting::{Incoming, Processor};
use crate::store::{Durability, MessageStore};
use crate::wire::header::{RecallMessage, RecallMessageReply};
use crate::wire::{Refusal, Reply, ResponseCode};

/// The tag of a message that calls another back.
const RECALL_TAG: &str = "_RECALL_TAG_";

/// Calls messages back.
#[derive(Clone, Debug)]
pub(in crate::broker) struct RecallProcessor {
    admit: Admit,
    store: MessageStore,
    store_host: SocketAddr,
    clock: Clock,
}

impl RecallProcessor {
    pub(in crate::broker) fn new(parts: &Parts) -> Self {
        Self {
            admit: parts.admit.clone(),
            store: parts.store.clone(),
            store_host: parts.advertised.socket,
            clock: parts.clock.clone(),
        }
    }

    /// The message that a request means, if it can still be called back here.
    fn handle(&self, request: &Incoming<RecallMessage>) -> Result<RecallHandle, Refusal> {
        let rules = self.admit.config.rules.timers;
        let Some(rules) = rules.filter(|rules| rules.recall) else {
            let remark = "recall failed, operation is forbidden";
            return Err(Refusal::new(ResponseCode::NO_PERMISSION, remark));
        };
        let header = &request.header;
        if !self.admit.permits(WRITE) {
            let remark = "recall failed, broker service not available";
            return Err(Refusal::new(ResponseCode::SERVICE_NOT_AVAILABLE, remark));
        }
        let admission = self.admit.admission_for(&request.peer);
        admission.existing(&header.topic)?;
        let Ok(handle) = header.recall_handle.parse::<RecallHandle>() else {
            return impossible("the recall handle is invalid");
        };
        if handle.topic != *header.topic {
            return impossible("topic not match");
        }
        let name = &self.admit.identity().name;
        if handle.broker != *name {
            return impossible(&format!(
                "the message waits at another broker than this one, which is {name}"
            ));
        }
        let left_ms = handle.due_ms.saturating_sub(self.clock.now_ms());
        if left_ms <= 0 {
            return impossible("timestamp invalid: the time of the message is over");
        }
        if u128::from(left_ms.unsigned_abs()) > rules.longest.as_millis() {
            return impossible("timestamp invalid: no message can be for such a late time");
        }
        Ok(handle)
    }

    /// The message that cancels the one of `handle`.
    fn cancel(&self, handle: &RecallHandle, request: &Incoming<RecallMessage>) -> RecordDraft {
        let RecallHandle {
            topic,
            due_ms,
            unique_key,
            ..
        } = handle;
        let cancelled = format!("{topic}+{unique_key}");
        let due_text = due_ms.to_string();
        let mut properties = Properties::from_iter([
            (property::TAGS, RECALL_TAG),
            (property::UNIQ_KEY, unique_key),
            (property::TIMER_DEL_UNIQKEY, &*cancelled),
            (property::TIMER_DELIVER_MS, &*due_text),
        ]);
        if let Some(group) = &request.header.producer_group {
            properties.set(property::PGROUP, group);
        }
        let mut message = Message::new(topic.clone(), "0");
        message.properties = properties;
        let mut draft = RecordDraft {
            message,
            queue_id: 0,
            sys_flag: SysFlag::default(),
            born_timestamp: self.clock.now_ms(),
            born_host: request.peer.address(),
            store_host: self.store_host,
            reconsume_times: 0,
            prepared_transaction_offset: 0,
        };
        timer::divert(&mut draft, *due_ms);
        draft
    }
}

impl Processor<RecallMessage> for RecallProcessor {
    async fn process(
        &self,
        request: Incoming<RecallMessage>,
    ) -> Result<Reply<RecallMessageReply>, Refusal> {
        let handle = self.handle(&request)?;
        let cancel = self.cancel(&handle, &request);
        let stored = self.store.append(&cancel, Durability::AsConfigured).await;
        stored.map_err(|error| refusal(&error))?;
        if handle.due_ms <= self.clock.now_ms() {
            return impossible(
                "the time of the message came before the recall was stored: it may have been delivered",
            );
        }
        Ok(Reply::ok(RecallMessageReply {
            msg_id: handle.unique_key.into(),
        }))
    }
}

fn impossible<T>(remark: &str) -> Result<T, Refusal> {
    let remark = format!("recall failed, {remark}");
    Err(Refusal::new(ResponseCode::ILLEGAL_OPERATION, remark))
}
