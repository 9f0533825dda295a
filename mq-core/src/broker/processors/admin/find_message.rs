//! 12 and 33: messages by key or unique id, and the message at a physical offset
//! (`QueryMessageProcessor`).
//!
//! Invariant: every message returned has the key itself, because the index knows only its hash; and
//! the response fits into a frame.

use bytes::{Bytes, BytesMut};

use crate::broker::admit::unreadable;
use crate::broker::parts::Parts;
use crate::message::record::RecordView;
use crate::message::{PhysicalOffset, property};
use crate::remoting::{Incoming, Processor};
use crate::store::MessageStore;
use crate::wire::header::{QueryMessage, QueryMessageReply, ViewMessageById};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode, frame};

/// `defaultQueryMaxNum`: the most messages for a unique id.
const MAX_WITH_UNIQUE_ID: usize = 32;
/// `maxMsgsNumBatch`.
const MAX_MESSAGES: i32 = 64;
/// The bytes of messages that fit into a frame besides its header.
const MAX_BYTES: usize = frame::DEFAULT_LIMIT - 64 * 1024;

/// Finds messages.
#[derive(Clone, Debug)]
pub(super) struct FindMessage(MessageStore);

impl FindMessage {
    pub(super) fn new(parts: &Parts) -> Self {
        Self(parts.store.clone())
    }
}

impl Processor<QueryMessage> for FindMessage {
    async fn process(
        &self,
        request: Incoming<QueryMessage>,
    ) -> Result<Reply<QueryMessageReply>, Refusal> {
        let query = request.header;
        let unique = query.unique_key == Some(true);
        let most = if unique {
            MAX_WITH_UNIQUE_ID
        } else {
            usize::try_from(query.max_num.clamp(1, MAX_MESSAGES)).unwrap_or(1)
        };
        let times = query.begin_timestamp..=query.end_timestamp;
        let (topic, key) = (query.topic.clone(), query.key.clone());
        let found = self
            .0
            .run_blocking(move |store| store.query_by_key(&topic, &key, most, times));
        let found = found.await.map_err(|error| unreadable(&error))?;
        let mut body = BytesMut::new();
        for record in found
            .iter()
            .filter(|record| has_key(record, &query, unique))
        {
            if body.len() + record.len() > MAX_BYTES {
                break;
            }
            body.extend_from_slice(record);
        }
        let (time, offset) = self.0.indexed();
        let header = QueryMessageReply {
            index_last_update_timestamp: time,
            index_last_update_phyoffset: offset.to_wire(),
        };
        let reply = Reply::ok(header);
        if body.is_empty() {
            let remark = "can not find message, maybe time range not correct";
            let code = ResponseCode::QUERY_NOT_FOUND;
            return Ok(reply.with_code(code).with_remark(remark));
        }
        Ok(reply.with_body(body))
    }
}

fn has_key(record: &Bytes, query: &QueryMessage, unique: bool) -> bool {
    let Ok(view) = RecordView::parse(record) else {
        return false;
    };
    let key = &*query.key;
    let is_id = view.property(property::UNIQ_KEY) == Some(key);
    let is_key = || {
        let keys = view.property(property::KEYS).unwrap_or_default();
        keys.split_whitespace().any(|own| own == key)
    };
    view.topic == &*query.topic && (is_id || (!unique && is_key()))
}

impl Processor<ViewMessageById> for FindMessage {
    async fn process(
        &self,
        request: Incoming<ViewMessageById>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let offset = request.header.offset;
        let missing = || Refusal::system(format!("can not find message by the offset, {offset}"));
        let at = PhysicalOffset::from_wire(offset).ok_or_else(missing)?;
        let record = self.0.record_at_async(at).await;
        let record = record.map_err(|error| unreadable(&error))?;
        Ok(Reply::ok(NoFields).with_body(record.ok_or_else(missing)?))
    }
}
