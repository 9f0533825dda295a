//! Sends a message back for redelivery, or to the dead-letter topic.
//!
//! The broker that stores it is asked to do so; when that fails, the consumer itself sends the
//! message to the retry topic (`DefaultMQPushConsumerImpl.sendMessageBack`).

use bytes::Bytes;

use super::core::Core;
use crate::client::error::{ErrorKind, SendError};
use crate::client::producer::Target;
use crate::message::{Message, MessageExt, MessageQueue, TopicName, property};
use crate::reason::line;
use crate::wire::header::ConsumerSendMsgBack;

/// The delay level of the first retry; each further retry is one level higher.
const FIRST_RETRY_DELAY_LEVEL: i32 = 3;

/// The delay level that makes a message a dead letter.
const DEAD_LETTER_LEVEL: i32 = -1;

/// A message that the listener failed on.
#[derive(Clone, Copy, Debug)]
pub(super) struct FailedMessage<'a> {
    pub(super) message: &'a MessageExt,
    /// The delay level of its redelivery, as in [`ConsumerSendMsgBack`]; below 0: it becomes a dead
    /// letter.
    pub(super) level: i32,
    pub(super) reason: Option<&'a str>,
}

impl FailedMessage<'_> {
    /// Whether this was its last attempt.
    pub(super) fn is_last(self, core: &Core) -> bool {
        self.level < 0 || self.message.reconsume_times >= allowed(core)
    }
}

/// Sends a message of `queue` back. Returns whether it is finished here, so that its offset may be
/// committed.
pub(super) async fn send_back(
    core: &Core,
    queue: &MessageQueue,
    failed: FailedMessage<'_>,
) -> bool {
    let message = failed.message;
    if !core.is_clustering() {
        log_broadcast_failure(core, failed);
        return true;
    }
    let last = failed.is_last(core);
    let reason = failed.reason.filter(|_| last);
    let address = core.cluster.master(&queue.broker);
    let address = address.unwrap_or_else(|| message.store_host.to_string().into());
    if reason.is_some()
        && !core.reason_keepers.includes(&core.cluster, &address).await
        && send_as_dead_letter(core, failed).await
    {
        return true;
    }
    let request = ConsumerSendMsgBack {
        offset: message.physical_offset.to_wire(),
        group: core.config.group.to_text(),
        delay_level: if last {
            DEAD_LETTER_LEVEL
        } else {
            failed.level
        },
        origin_msg_id: Some(message.message_id().into()),
        origin_topic: Some(message.message.topic.to_text()),
        unit_mode: Some(core.cluster.unit_mode),
        max_reconsume_times: Some(allowed(core)),
        reason: reason.map(|reason| line(reason).into()),
    };
    let Err(error) = core.cluster.call(&address, request, Bytes::new()).await else {
        if last {
            log_dead_letter(core, failed);
        }
        return true;
    };
    let (topic, group) = (&message.message.topic, &core.config.group);
    let id = message.message_id();
    if error.is_transport() {
        tracing::debug!(id, %error, "the broker does not take the message back: sending it to the retry topic");
    } else {
        tracing::warn!(
            %topic, %group, id, %error,
            "the broker does not take the message back: sending it to the retry topic"
        );
    }
    send_to_retry_topic(core, failed).await
}

/// Sends a message whose attempts are used up to the retry topic, with the reason among its properties.
/// Returns whether a broker has made it a dead letter; otherwise the message is sent back without the
/// reason.
async fn send_as_dead_letter(core: &Core, failed: FailedMessage<'_>) -> bool {
    let (message, sys_flag) = (retry_message(core, failed), failed.message.sys_flag);
    match core
        .producer
        .send_unchanged(message, sys_flag, Target::Any)
        .await
    {
        Ok(_stored) => {
            log_dead_letter(core, failed);
            true
        }
        Err(error) => {
            let id = failed.message.message_id();
            tracing::debug!(id, %error, "the dead letter could not be sent with its reason");
            false
        }
    }
}

/// Sends a message to the retry topic, where the broker makes it a dead letter if its retries are
/// used up. Returns whether it is finished here.
pub(super) async fn send_to_retry_topic(core: &Core, failed: FailedMessage<'_>) -> bool {
    let message = failed.message;
    if !core.is_clustering() {
        log_broadcast_failure(core, failed);
        return true;
    }
    let last = failed.is_last(core);
    match core
        .producer
        .send_unchanged(retry_message(core, failed), message.sys_flag, Target::Any)
        .await
    {
        Ok(_stored) => {
            if last {
                log_dead_letter(core, failed);
            }
            true
        }
        Err(error) if last && is_about_the_message(&error) => {
            log_skipped(core, failed, &error);
            true
        }
        Err(error) => {
            log_kept_here(core, message, &error);
            false
        }
    }
}

fn retry_message(core: &Core, failed: FailedMessage<'_>) -> Message {
    let message = failed.message;
    let attempts = message.reconsume_times.saturating_add(1);
    let allowed = if failed.level < 0 { 0 } else { allowed(core) };
    let mut retry_message = Message::new(
        TopicName::retry_of(&core.config.group),
        message.message.body.clone(),
    );
    retry_message.flag = message.message.flag;
    retry_message.properties = message.message.properties.clone();
    let properties = &mut retry_message.properties;
    let first_id = properties
        .get(property::ORIGIN_MESSAGE_ID)
        .map(str::to_owned);
    let first_id = first_id.unwrap_or_else(|| message.message_id());
    properties.remove(property::TRAN_MSG);
    properties.set(property::RETRY_TOPIC, message.message.topic.as_str());
    properties.set(property::ORIGIN_MESSAGE_ID, &first_id);
    properties.set(property::RECONSUME_TIME, &attempts.to_string());
    properties.set(property::MAX_RECONSUME_TIMES, &allowed.to_string());
    if !failed.is_last(core) {
        let level = FIRST_RETRY_DELAY_LEVEL.saturating_add(message.reconsume_times);
        properties.set(property::DELAY, &level.to_string());
        return retry_message;
    }
    properties.remove(property::DELAY);
    if let Some(reason) = failed.reason {
        properties.set(property::DLQ_REASON, &line(reason));
    }
    retry_message
}

/// Logged as an error: the message is not handled unless somebody does it by hand.
fn log_dead_letter(core: &Core, failed: FailedMessage<'_>) {
    let FailedMessage {
        message, reason, ..
    } = failed;
    let (topic, group) = (&message.message.topic, &core.config.group);
    let dead_letters = TopicName::dead_letters_of(group);
    tracing::error!(
        %topic, %group, id = message.message_id(),
        attempts = message.reconsume_times.saturating_add(1),
        reason = reason.unwrap_or("the listener gave none"),
        "dead letter: the message lies in `{dead_letters}` and does not come again"
    );
}

/// Broadcast messages are not redelivered and have no dead letters.
fn log_broadcast_failure(core: &Core, failed: FailedMessage<'_>) {
    let FailedMessage {
        message, reason, ..
    } = failed;
    let (topic, group) = (&message.message.topic, &core.config.group);
    tracing::warn!(
        %topic, %group, id = message.message_id(),
        reason = reason.unwrap_or("the listener gave none"),
        "the message was not handled and does not come again: it was broadcast"
    );
}

/// Whether the error is about the message itself, so that no broker will ever accept it.
fn is_about_the_message(error: &SendError) -> bool {
    matches!(error.kind(), ErrorKind::Message | ErrorKind::Refused) && !error.is_retryable()
}

/// The message can be neither redelivered nor made a dead letter. It is skipped, because as an
/// unfinished message it would hold back its queue's offset forever, and all messages after it
/// would be delivered again after every restart.
fn log_skipped(core: &Core, failed: FailedMessage<'_>, error: &SendError) {
    let FailedMessage {
        message, reason, ..
    } = failed;
    let (topic, group) = (&message.message.topic, &core.config.group);
    tracing::error!(
        %topic, %group, id = message.message_id(),
        offset_message_id = %message.offset_message_id(),
        attempts = message.reconsume_times.saturating_add(1),
        reason = reason.unwrap_or("the listener gave none"), %error,
        "the message is passed over: it was not handled, and no broker takes it as a dead letter; it \
         stays where offset_message_id says until its broker deletes it"
    );
}

fn log_kept_here(core: &Core, message: &MessageExt, error: &SendError) {
    let (topic, group) = (&message.message.topic, &core.config.group);
    let id = message.message_id();
    let again = core.cluster.timings.local_retry;
    if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Timeout) {
        tracing::debug!(id, %error, "the message could not be sent back: the listener gets it again from here");
    } else {
        tracing::warn!(
            %topic, %group, id, ?again, %error,
            "the message could not be sent back: the listener gets it again from here"
        );
    }
}

/// The allowed retries (`maxReconsumeTimes`).
fn allowed(core: &Core) -> i32 {
    core.config.allowed_retries(core.is_orderly())
}
