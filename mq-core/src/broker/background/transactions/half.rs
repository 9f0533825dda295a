//! Half messages are stored in the half topic instead of their own
//! (`TransactionalMessageBridge.parseHalfMessageInner`).

use crate::broker::background::{delay, timer};
use crate::message::record::RecordDraft;
use crate::message::{Properties, SysFlag, TopicName, property};
use crate::wire::{Refusal, ResponseCode};

/// The topic in which half messages wait, in queue 0.
pub(in crate::broker) const HALF_TOPIC: &str = "RMQ_SYS_TRANS_HALF_TOPIC";

/// Whether a message that is sent with these properties is a half message. A retry is none: its
/// properties are those of the message that was committed.
pub(in crate::broker) fn is_half(
    properties: &Properties,
    reconsume_times: i32,
) -> Result<bool, Refusal> {
    let marked = properties
        .get(property::TRAN_MSG)
        .is_some_and(|value| value.eq_ignore_ascii_case("true"));
    Ok(marked && !(reconsume_times > 0 && delay::is_delayed(properties)?))
}

/// Makes the half message of a message that is sent in a transaction.
///
/// A half message with a delay is refused: Apache's broker delivers it into the topic of the delay,
/// and from there nowhere.
pub(in crate::broker) fn divert(draft: &mut RecordDraft) -> Result<(), Refusal> {
    let properties = &mut draft.message.properties;
    if delay::is_delayed(properties)? || timer::has_time(properties) {
        return Err(Refusal::new(
            ResponseCode::MESSAGE_ILLEGAL,
            "a message in a transaction cannot be delayed: remove its delay level or timer",
        ));
    }
    // What only a broker may say of a half message that it stores again.
    properties.remove(property::TRANSACTION_CHECK_TIMES);
    properties.remove(property::TRAN_PREPARED_QUEUE_OFFSET);
    if let Some(id) = properties.get_text(property::UNIQ_KEY) {
        properties.set(property::TRANSACTION_ID, &id);
    }
    properties.set(property::REAL_TOPIC, draft.message.topic.as_str());
    properties.set(property::REAL_QID, &draft.queue_id.to_string());
    draft.sys_flag = draft.sys_flag.without(SysFlag::TRANSACTION_MASK);
    draft.message.topic = topic(HALF_TOPIC);
    draft.queue_id = 0;
    Ok(())
}

/// One of the broker's own topics.
pub(super) fn topic(name: &'static str) -> TopicName {
    TopicName::new(name).expect("its letters are legal")
}
