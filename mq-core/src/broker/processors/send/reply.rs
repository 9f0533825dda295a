//! 324 and 325: a reply is pushed to the client whose request it answers (`ReplyMessageProcessor`).
//!
//! Invariant: success is answered only when that client has taken the reply. Unless
//! `storeReplyMessageEnable` is off the reply is stored too, for people to look at: nobody consumes it,
//! so a reply that cannot be stored is pushed all the same.

use std::sync::Arc;
use std::time::Duration;

use bytestring::ByteString;

use super::processor::SendProcessor;
use crate::broker::parts::Parts;
use crate::broker::state::peers::Peers;
use crate::clock::Clock;
use crate::excerpt::excerpt;
use crate::message::{Properties, property};
use crate::remoting::{Incoming, Processor};
use crate::wire::header::{
    PushReplyMessage, SendMessage, SendMessageReply, SendReplyMessage, SendReplyMessageV1,
};
use crate::wire::{Refusal, Reply};

/// The client has so long to take a reply (`Broker2Client.callClient`).
const PUSH_LIMIT: Duration = Duration::from_secs(10);
/// The message id of a reply that is not stored.
const NOT_STORED: &str = "0";

/// Pushes replies.
#[derive(Clone, Debug)]
pub(in crate::broker) struct ReplyProcessor {
    send: SendProcessor,
    peers: Arc<Peers>,
    stores: bool,
    /// The broker as it advertises itself.
    store_host: ByteString,
    clock: Clock,
}

impl ReplyProcessor {
    pub(in crate::broker) fn new(parts: &Parts, send: &SendProcessor) -> Self {
        Self {
            send: send.clone(),
            peers: Arc::clone(&parts.peers),
            stores: parts.admit.config.rules.store_replies,
            store_host: parts.advertised.socket.to_string().into(),
            clock: parts.clock.clone(),
        }
    }

    async fn reply(
        &self,
        request: &Incoming<SendMessage>,
    ) -> Result<Reply<SendMessageReply>, Refusal> {
        let header = &request.header;
        let topic = self.send.topic(&request.peer, header).await?;
        let queue_id = self.send.queue(&topic, header.queue_id)?;
        let pushed = self.push(request).await;
        let stored = if self.stores {
            self.send.one(request).await
        } else {
            Ok(not_stored(queue_id))
        };
        pushed?;
        Ok(stored.unwrap_or_else(|refusal| {
            let topic = &topic.name;
            tracing::warn!(%topic, %refusal, "a reply was pushed but cannot be stored");
            not_stored(queue_id)
        }))
    }

    /// Hands the reply to the client that its properties name.
    async fn push(&self, request: &Incoming<SendMessage>) -> Result<(), Refusal> {
        let header = &request.header;
        let sent = header.properties.clone().unwrap_or_default();
        let mut properties = Properties::from_bytes(sent.into_bytes());
        let Some(client_id) = properties.get_text(property::REPLY_TO_CLIENT) else {
            let name = property::REPLY_TO_CLIENT;
            return Err(Refusal::system(format!(
                "reply message properties[{name}] is null"
            )));
        };
        let Some(client) = self.peers.producer_of(&client_id) else {
            let client_id = excerpt(&client_id);
            return Err(Refusal::system(format!(
                "push reply message fail, channel of <{client_id}> not found."
            )));
        };
        let now_ms = self.clock.now_ms();
        properties.set(property::PUSH_REPLY_TIME, &now_ms.to_string());
        let push = PushReplyMessage {
            producer_group: header.producer_group.clone(),
            topic: header.topic.clone(),
            default_topic: header.default_topic.clone(),
            default_topic_queue_nums: header.default_topic_queue_nums,
            queue_id: header.queue_id,
            sys_flag: header.sys_flag,
            born_timestamp: header.born_timestamp,
            flag: header.flag,
            properties: ByteString::try_from(properties.as_bytes().clone()).ok(),
            reconsume_times: header.reconsume_times,
            unit_mode: header.unit_mode,
            born_host: request.peer.address().to_string().into(),
            store_host: self.store_host.clone(),
            store_timestamp: now_ms,
        };
        let taken = client.call(&push, request.body.clone(), PUSH_LIMIT).await;
        taken.map(drop).map_err(|error| {
            let client_id = excerpt(&client_id);
            tracing::warn!(%client_id, %error, "a reply could not be pushed");
            Refusal::system(format!("push reply message to {client_id} fail."))
        })
    }
}

/// Java's clients take an answer without these fields for a broken one.
fn not_stored(queue_id: i32) -> Reply<SendMessageReply> {
    Reply::ok(SendMessageReply {
        msg_id: ByteString::from_static(NOT_STORED),
        queue_id,
        ..SendMessageReply::default()
    })
}

impl Processor<SendReplyMessage> for ReplyProcessor {
    async fn process(
        &self,
        request: Incoming<SendReplyMessage>,
    ) -> Result<Reply<SendMessageReply>, Refusal> {
        self.reply(&request.map(|reply| reply.0)).await
    }
}

impl Processor<SendReplyMessageV1> for ReplyProcessor {
    async fn process(
        &self,
        request: Incoming<SendReplyMessageV1>,
    ) -> Result<Reply<SendMessageReply>, Refusal> {
        let request = request.map(|reply| SendMessage::from(reply.0));
        self.reply(&request).await
    }
}
