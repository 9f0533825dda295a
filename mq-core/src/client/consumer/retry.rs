//! Gives a message back so that it comes again, or never again.
//!
//! The broker that stores it is asked first; when it does not answer, the message is sent to the
//! retry topic like any other (`DefaultMQPushConsumerImpl.sendMessageBack`).

use bytes::Bytes;

use super::core::Core;
use crate::client::error::{ErrorKind, SendError};
use crate::message::{Message, MessageExt, MessageQueue, TopicName, property};
use crate::reason::line;
use crate::wire::header::ConsumerSendMsgBack;

/// The delay of the first attempt after the first; each further one is a level higher.
const FIRST_LEVEL: i32 = 3;

/// The level that asks for a dead letter.
const DEAD: i32 = -1;

/// A message that a listener has not handled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Failed<'a> {
    pub(super) message: &'a MessageExt,
    /// When it is wanted again, as in [`ConsumerSendMsgBack`]; below 0: never.
    pub(super) level: i32,
    pub(super) reason: Option<&'a str>,
}

impl Failed<'_> {
    /// Whether it has had its last attempt.
    pub(super) fn is_last(self, core: &Core) -> bool {
        self.level < 0 || self.message.reconsume_times >= allowed(core)
    }
}

/// Gives a message of `queue` back; whether it is finished with here.
pub(super) async fn send_back(core: &Core, queue: &MessageQueue, failed: Failed<'_>) -> bool {
    let message = failed.message;
    if !core.is_clustering() {
        pass_by(core, failed);
        return true;
    }
    let last = failed.is_last(core);
    let reason = failed.reason.filter(|_| last);
    let request = ConsumerSendMsgBack {
        offset: message.physical_offset.to_wire(),
        group: core.config.group.to_text(),
        delay_level: if last { DEAD } else { failed.level },
        origin_msg_id: Some(message.message_id().into()),
        origin_topic: Some(message.message.topic.to_text()),
        unit_mode: Some(false),
        max_reconsume_times: Some(allowed(core)),
        reason: reason.map(|reason| line(reason).into()),
    };
    let address = core.cluster.master(&queue.broker);
    let address = address.unwrap_or_else(|| message.store_host.to_string().into());
    let Err(error) = core.cluster.call(&address, request, Bytes::new()).await else {
        if last {
            buried(core, failed);
        }
        return true;
    };
    let (topic, group) = (&message.message.topic, &core.config.group);
    let id = message.message_id();
    if error.is_transport() {
        tracing::debug!(id, %error, "the broker does not take the message back: sending it anew");
    } else {
        tracing::warn!(
            %topic, %group, id, %error,
            "the broker does not take the message back: sending it anew"
        );
    }
    send_anew(core, failed).await
}

/// Sends a message to the retry topic; beyond the attempts that are allowed the broker
/// makes it a dead letter. Whether it is finished with here.
pub(super) async fn send_anew(core: &Core, failed: Failed<'_>) -> bool {
    let message = failed.message;
    if !core.is_clustering() {
        pass_by(core, failed);
        return true;
    }
    let last = failed.is_last(core);
    match core
        .producer
        .send_as_it_came(anew(core, failed), message.sys_flag)
        .await
    {
        Ok(_stored) => {
            if last {
                buried(core, failed);
            }
            true
        }
        Err(error) if last && speaks_of_the_message(&error) => {
            pass_over(core, failed, &error);
            true
        }
        Err(error) => {
            kept_here(core, message, &error);
            false
        }
    }
}

fn anew(core: &Core, failed: Failed<'_>) -> Message {
    let message = failed.message;
    let attempts = message.reconsume_times.saturating_add(1);
    let allowed = if failed.level < 0 { 0 } else { allowed(core) };
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
    if let Some(reason) = failed.reason.filter(|_| failed.is_last(core)) {
        properties.set(property::DLQ_REASON, &line(reason));
    }
    anew
}

/// Nobody will handle the message any more unless a person sees to it.
fn buried(core: &Core, failed: Failed<'_>) {
    let Failed {
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

/// Broadcast messages do not come again, and have no dead letters.
fn pass_by(core: &Core, failed: Failed<'_>) {
    let Failed {
        message, reason, ..
    } = failed;
    let (topic, group) = (&message.message.topic, &core.config.group);
    tracing::warn!(
        %topic, %group, id = message.message_id(),
        reason = reason.unwrap_or("the listener gave none"),
        "the message was not handled and does not come again: it was broadcast"
    );
}

/// Whether no broker will ever take this message, however long one waits.
fn speaks_of_the_message(error: &SendError) -> bool {
    matches!(error.kind(), ErrorKind::Message | ErrorKind::Refused) && !error.is_retryable()
}

/// It cannot come again, nor be a dead letter. Kept here, it would hold back the offset of its queue
/// for ever, and everything behind it would come again after every start.
fn pass_over(core: &Core, failed: Failed<'_>, error: &SendError) {
    let Failed {
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

fn kept_here(core: &Core, message: &MessageExt, error: &SendError) {
    let (topic, group) = (&message.message.topic, &core.config.group);
    let id = message.message_id();
    let again = core.cluster.timings.local_retry;
    if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Timeout) {
        tracing::debug!(id, %error, "the message is kept here");
    } else {
        tracing::warn!(
            %topic, %group, id, ?again, %error,
            "the message is kept here, and handed over again from here"
        );
    }
}

/// Attempts after the first one (`maxReconsumeTimes`).
fn allowed(core: &Core) -> i32 {
    core.config.allowed_retries(core.is_orderly())
}
