//! Requests from brokers to a client: how a transaction ended (39), changed members (40), reset offsets
//! (220), the offsets and the state of a consumer (221, 307), a message to consume at once (309) and
//! replies to its requests (326). Every other code is answered with code 3.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::groups::{ClientGroups, ConsumerCommand, DirectMessage, NotCommanded};
use super::replies::Replies;
use super::transaction_checks::TransactionChecks;
use crate::clock::Clock;
use crate::excerpt::excerpt;
use crate::message::compression::{self, MAX_UNPACKED_BODY};
use crate::message::{
    Message, MessageExt, PhysicalOffset, Properties, QueueOffset, SysFlag, TopicName, property,
    record,
};
use crate::remoting::{Incoming, Processor, Router};
use crate::wire::body::{ConsumerStatus, ResetOffsetBody};
use crate::wire::header::{
    CheckTransactionState, ConsumeMessageDirectly, GetConsumerRunningInfo,
    GetConsumerStatusFromClient, NotifyConsumerIdsChanged, PushReplyMessage,
    ResetConsumerClientOffset,
};
use crate::wire::{NoFields, Refusal, Reply, fastjson};

pub(super) fn routes(
    groups: &Arc<Mutex<ClientGroups>>,
    replies: &Arc<Replies>,
    checks: TransactionChecks,
    clock: &Clock,
) -> Router {
    let processor = || BrokerRequests(Arc::clone(groups));
    let pushed_replies = PushedReplies {
        replies: Arc::clone(replies),
        clock: clock.clone(),
    };
    Router::default()
        .on::<NotifyConsumerIdsChanged>(processor())
        .on::<ResetConsumerClientOffset>(processor())
        .on::<GetConsumerStatusFromClient>(processor())
        .on::<GetConsumerRunningInfo>(processor())
        .on::<ConsumeMessageDirectly>(processor())
        .on::<PushReplyMessage>(pushed_replies)
        .on::<CheckTransactionState>(checks)
}

struct BrokerRequests(Arc<Mutex<ClientGroups>>);

impl Processor<NotifyConsumerIdsChanged> for BrokerRequests {
    async fn process(
        &self,
        request: Incoming<NotifyConsumerIdsChanged>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let group = request.header.consumer_group;
        tracing::debug!(%group, "the members of the group have changed");
        // A consumer that was stopped meanwhile has no queues to share.
        let _stopped = self.0.lock().command(&group, ConsumerCommand::Rebalance);
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<ResetConsumerClientOffset> for BrokerRequests {
    async fn process(
        &self,
        request: Incoming<ResetConsumerClientOffset>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let ResetConsumerClientOffset { group, topic, .. } = request.header;
        let body: ResetOffsetBody = fastjson::read(&request.body)?;
        tracing::info!(group = %excerpt(&group), topic = %excerpt(&topic), queues = body.offset_table.len(), "offsets are reset");
        self.command(&group, ConsumerCommand::Reset(body))?;
        Ok(Reply::ok(NoFields))
    }
}

impl BrokerRequests {
    /// Sends a command to the consumer of `group`.
    fn command(&self, group: &str, command: ConsumerCommand) -> Result<(), Refusal> {
        let sent = self.0.lock().command(group, command);
        let group = excerpt(group);
        sent.map_err(|error| match error {
            NotCommanded::NoConsumer => Refusal::system(format!(
                "The Consumer Group <{group}> not exist in this consumer"
            )),
            NotCommanded::Full => Refusal::system(format!(
                "the consumer of the group `{group}` has too many commands to carry out, or is being shut down"
            )),
        })
    }

    /// Sends a command to the consumer of `group` and waits for what it says.
    async fn ask<T>(
        &self,
        group: &str,
        command: impl FnOnce(oneshot::Sender<T>) -> ConsumerCommand,
    ) -> Result<T, Refusal> {
        let (asker, answer) = oneshot::channel();
        self.command(group, command(asker))?;
        answer.await.map_err(|_dropped| {
            let group = excerpt(group);
            Refusal::system(format!(
                "the consumer of the group `{group}` has no listener, or is being shut down"
            ))
        })
    }
}

impl Processor<ConsumeMessageDirectly> for BrokerRequests {
    async fn process(
        &self,
        request: Incoming<ConsumeMessageDirectly>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let unreadable =
            |what: &str| Refusal::system(format!("the message cannot be read: {what}"));
        let records = record::decode_all(request.body);
        let records = records.map_err(|error| unreadable(&error.to_string()))?;
        let message = records.into_iter().next();
        let message = message.ok_or_else(|| unreadable("there is none"))?;
        let group = &request.header.consumer_group;
        let result = self.ask(group, |asker| {
            ConsumerCommand::Consume(Box::new(DirectMessage { message, asker }))
        });
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&result.await?)))
    }
}

impl Processor<GetConsumerRunningInfo> for BrokerRequests {
    /// There are no threads of its own whose stacks could be shown.
    async fn process(
        &self,
        request: Incoming<GetConsumerRunningInfo>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let group = &request.header.consumer_group;
        let info = self.ask(group, ConsumerCommand::Describe).await?;
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&info)))
    }
}

impl Processor<GetConsumerStatusFromClient> for BrokerRequests {
    /// The offsets of a push consumer; none of any other and of one that is not there, as Java's client
    /// answers (`MQClientInstance.getConsumerStatus`).
    async fn process(
        &self,
        request: Incoming<GetConsumerStatusFromClient>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let GetConsumerStatusFromClient { topic, group, .. } = request.header;
        let is_push = self.0.lock().is_push(&group);
        let mut body = ConsumerStatus::default();
        if is_push {
            let info = self.ask(&group, ConsumerCommand::Describe).await?;
            let queues = info.mq_table.into_iter();
            let of_topic = queues.filter(|(queue, _)| queue.topic == *topic);
            body.message_queue_table = of_topic
                .map(|(queue, info)| (queue, info.commit_offset))
                .collect();
        }
        Ok(Reply::ok(NoFields).with_body(fastjson::write(&body)))
    }
}

struct PushedReplies {
    replies: Arc<Replies>,
    clock: Clock,
}

impl Processor<PushReplyMessage> for PushedReplies {
    /// Answers 0 also for a reply that nobody waits for: it has arrived.
    async fn process(
        &self,
        request: Incoming<PushReplyMessage>,
    ) -> Result<Reply<NoFields>, Refusal> {
        let reply = message_of(request.header, &request.body, self.clock.now_ms())?;
        let properties = &reply.message.properties;
        let Some(id) = properties.get_text(property::CORRELATION_ID) else {
            let name = property::CORRELATION_ID;
            return Err(Refusal::system(format!("the reply has no property {name}")));
        };
        self.replies.arrived(&id, reply);
        Ok(Reply::ok(NoFields))
    }
}

/// The message that a reply is for its requester (`ClientRemotingProcessor.receiveReplyMessage`). It
/// has no place in a log.
fn message_of(pushed: PushReplyMessage, body: &Bytes, now_ms: i64) -> Result<MessageExt, Refusal> {
    let invalid = |error: &dyn std::error::Error| {
        Refusal::system(format!("the reply cannot be read: {error}"))
    };
    let topic = TopicName::new(pushed.topic).map_err(|error| invalid(&error))?;
    let sys_flag = SysFlag(pushed.sys_flag);
    let body = compression::unpack(body, sys_flag, MAX_UNPACKED_BODY);
    let body = body.map_err(|error| invalid(&error))?;
    let properties = pushed.properties.unwrap_or_default().into_bytes();
    let mut properties = Properties::from_bytes(properties);
    properties.set(property::ARRIVE_TIME, &now_ms.to_string());
    let message = Message {
        topic,
        flag: pushed.flag,
        properties,
        body,
    };
    Ok(MessageExt {
        message,
        queue_id: pushed.queue_id,
        queue_offset: QueueOffset(0),
        physical_offset: PhysicalOffset(0),
        sys_flag: sys_flag.without(SysFlag::COMPRESSED),
        born_timestamp: pushed.born_timestamp,
        born_host: host(&pushed.born_host),
        store_timestamp: pushed.store_timestamp,
        store_host: host(&pushed.store_host),
        reconsume_times: pushed.reconsume_times.unwrap_or(0),
        prepared_transaction_offset: 0,
        store_size: 0,
    })
}

/// `ip:port`, before which Java writes a `/` and perhaps a name; unspecified for anything else.
fn host(text: &str) -> SocketAddr {
    let address = text.rsplit('/').next().unwrap_or_default();
    let unspecified = SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), 0);
    address.parse().unwrap_or(unspecified)
}

#[cfg(test)]
mod tests {
    use tokio::sync::mpsc;

    use super::*;
    use crate::client::groups::RegisteredConsumer;
    use crate::message::GroupName;
    use crate::wire::body::ConsumerData;

    #[test]
    fn hosts_are_read_as_java_and_we_write_them() {
        for text in ["10.0.0.1:99", "/10.0.0.1:99", "db.lan/10.0.0.1:99"] {
            assert_eq!(host(text), "10.0.0.1:99".parse().unwrap());
        }
        assert_eq!(host("db.lan"), "0.0.0.0:0".parse().unwrap());
    }

    /// Each was answered as if the client had no consumer of the group.
    #[tokio::test]
    async fn a_refusal_says_why_a_consumer_gives_no_answer() {
        let requests = BrokerRequests(Arc::default());
        let refusal = async || {
            let refused = requests.ask("shop", ConsumerCommand::Describe).await;
            refused.unwrap_err().remark
        };
        let (commands, mut received) = mpsc::channel(1);
        let member = RegisteredConsumer {
            data: ConsumerData::default(),
            topics: Vec::new(),
            commands,
        };
        let shop = GroupName::new("shop").unwrap();

        assert!(refusal().await.contains("not exist"));
        requests.0.lock().add_consumer(&shop, member).unwrap();
        let (unheard, ()) = tokio::join!(refusal(), async { drop(received.recv().await) });
        assert!(unheard.contains("no listener"));
        let waiting = ConsumerCommand::Rebalance;
        requests.0.lock().command("shop", waiting).unwrap();
        assert!(refusal().await.contains("too many commands"));
    }

    #[test]
    fn a_reply_that_cannot_be_read_is_refused() {
        let pushed = |sys_flag| PushReplyMessage {
            topic: "C_REPLY_TOPIC".into(),
            sys_flag,
            ..PushReplyMessage::default()
        };
        let zlib = SysFlag::COMPRESSED;

        assert!(message_of(pushed(0), &Bytes::new(), 5).is_ok());
        assert!(message_of(pushed(zlib), &Bytes::from_static(b"torn"), 5).is_err());
        assert!(message_of(PushReplyMessage::default(), &Bytes::new(), 5).is_err());
    }
}
