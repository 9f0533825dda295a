//! Gives a message back so that it comes again, or never again.
//!
//! The broker that stores it is asked first; when it does not answer, the message is sent to the
//! retry topic like any other (`DefaultMQPushConsumerImpl.sendMessageBack`).

use bytes::Bytes;

use super::Core;
use crate::client::error::ErrorKind;
use crate::message::{Message, MessageExt, MessageQueue, TopicName, property};
use crate::wire::header::ConsumerSendMsgBack;

/// Attempts after the first one when nobody says otherwise.
const MAX_ATTEMPTS: u32 = 16;

/// The delay of the first attempt after the first; each further one is a level higher.
const FIRST_LEVEL: i32 = 3;

/// Gives `message` of `queue` back; whether somebody took it. The level is as in
/// [`ConsumerSendMsgBack`].
pub(super) async fn send_back(
    core: &Core,
    queue: &MessageQueue,
    message: &MessageExt,
    level: i32,
    reason: Option<&str>,
) -> bool {
    let request = ConsumerSendMsgBack {
        offset: message.physical_offset.to_wire(),
        group: core.config.group.to_text(),
        delay_level: level,
        origin_msg_id: Some(message.message_id().into()),
        origin_topic: Some(message.message.topic.to_text()),
        unit_mode: Some(false),
        max_reconsume_times: Some(allowed(core)),
        reason: reason.map(Into::into),
    };
    let address = core.cluster.master(&queue.broker);
    let address = address.unwrap_or_else(|| message.store_host.to_string().into());
    let Err(error) = core.cluster.call(&address, request, Bytes::new()).await else {
        return true;
    };
    let id = message.message_id();
    if error.is_transport() {
        tracing::debug!(id, %error, "the broker does not take the message back: sending it anew");
    } else {
        tracing::warn!(id, %error, "the broker does not take the message back: sending it anew");
    }
    let dead = level < 0;
    send_anew(core, message, if dead { 0 } else { allowed(core) }).await
}

/// Sends `message` to the retry topic; beyond `allowed` attempts the broker makes it a dead letter.
pub(super) async fn send_anew(core: &Core, message: &MessageExt, allowed: i32) -> bool {
    let attempts = message.reconsume_times.saturating_add(1);
    let mut anew = Message::new(
        TopicName::retry_of(&core.config.group),
        message.message.body.clone(),
    );
    anew.flag = message.message.flag;
    anew.properties = message.message.properties.clone();
    let properties = &mut anew.properties;
    let first_id = properties
        .get(property::ORIGIN_MESSAGE_ID)
        .map(str::to_owned);
    let first_id = first_id.unwrap_or_else(|| message.message_id());
    properties.remove(property::TRAN_MSG);
    properties.set(property::RETRY_TOPIC, message.message.topic.as_str());
    properties.set(property::ORIGIN_MESSAGE_ID, &first_id);
    properties.set(property::RECONSUME_TIME, &attempts.to_string());
    properties.set(property::MAX_RECONSUME_TIMES, &allowed.to_string());
    let level = FIRST_LEVEL.saturating_add(message.reconsume_times);
    properties.set(property::DELAY, &level.to_string());
    match core.producer.send(anew).await {
        Ok(_stored) => true,
        Err(error) => {
            let id = message.message_id();
            if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Timeout) {
                tracing::debug!(id, %error, "the message is kept here");
            } else {
                tracing::warn!(id, %error, "the message is kept here");
            }
            false
        }
    }
}

/// Attempts after the first one (`maxReconsumeTimes`).
pub(super) fn allowed(core: &Core) -> i32 {
    let unlimited = if core.is_orderly() {
        i32::MAX.unsigned_abs()
    } else {
        MAX_ATTEMPTS
    };
    let allowed = core.config.max_reconsume_times.unwrap_or(unlimited);
    i32::try_from(allowed).unwrap_or(i32::MAX)
}
