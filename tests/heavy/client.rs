//! A client that sends many messages at once, and a reader that follows the queues of a topic.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};
use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::message::{MessageExt, Properties};
use mq_core::remoting::{CallError, RemotingClient, RemotingClientConfig, Router};
use mq_core::tasks::Tasks;
use mq_core::wire::header::{SendMessage, SendMessageReply};
use mq_core::wire::{Reply, Request, ResponseCode};
use mq_tests::pull;

use crate::Outcome;

/// Queues of every topic.
const QUEUES: i32 = 4;
/// Requests in flight.
const AT_ONCE: usize = 512;
const LIMIT: Duration = Duration::from_secs(30);

/// A client with one connection to one broker.
pub(crate) struct Client {
    remoting: RemotingClient,
    broker: String,
    pub(crate) clock: Clock,
}

impl Client {
    /// A client that answers what the broker asks with `router`.
    pub(crate) fn new(broker: &str, router: Router) -> Self {
        let clock = Clock::system();
        let (config, tasks) = (RemotingClientConfig::default(), Tasks::new(clock.clone()));
        Self {
            remoting: RemotingClient::new(config, Arc::new(router), clock.clone(), tasks),
            broker: broker.to_owned(),
            clock,
        }
    }

    pub(crate) async fn call<R: Request>(
        &self,
        header: R,
        body: Bytes,
    ) -> Result<Reply<R::Reply>, CallError> {
        self.remoting.call(&self.broker, header, body, LIMIT).await
    }

    /// Sends one message.
    pub(crate) async fn send(&self, message: Outgoing<'_>) -> Result<SendMessageReply, CallError> {
        let properties: Properties = message.properties.iter().map(|(k, v)| (*k, &**v)).collect();
        let header = SendMessage {
            producer_group: GROUP.into(),
            topic: message.topic.into(),
            default_topic: "TBW102".into(),
            default_topic_queue_nums: QUEUES,
            queue_id: message.queue,
            sys_flag: message.sys_flag,
            born_timestamp: self.clock.now_ms(),
            properties: properties.as_bytes().clone().try_into().ok(),
            ..SendMessage::default()
        };
        Ok(self.call(header, message.body).await?.header)
    }

    /// Sends the messages that `message` makes of the numbers below `count`, many at once.
    pub(crate) async fn send_all<'a>(
        &self,
        count: u64,
        message: impl Fn(u64) -> Outgoing<'a>,
    ) -> Outcome<()> {
        let sends = stream::iter(0..count).map(|number| self.send(message(number)));
        let sends = sends.buffer_unordered(AT_ONCE);
        sends.try_for_each(|_stored| async { Ok(()) }).await?;
        Ok(())
    }
}

/// The queue of the message with this number.
pub(crate) fn queue_of(number: u64) -> i32 {
    i32::try_from(number % u64::from(QUEUES.unsigned_abs())).unwrap_or_default()
}

/// The group of all producers.
pub(crate) const GROUP: &str = "heavy";

/// A message to be sent.
pub(crate) struct Outgoing<'a> {
    pub(crate) topic: &'static str,
    pub(crate) queue: i32,
    pub(crate) sys_flag: i32,
    pub(crate) properties: Vec<(&'a str, String)>,
    pub(crate) body: Bytes,
}

/// Follows the queues of a topic. What it has read once it does not read again, also from a broker that
/// was started anew.
pub(crate) struct Reader {
    topic: &'static str,
    next: [i64; QUEUES as usize],
}

impl Reader {
    pub(crate) fn new(topic: &'static str) -> Self {
        let next = [0; QUEUES as usize];
        Self { topic, next }
    }

    /// Hands each message that has come since the last call to `seen`; says whether there was any.
    pub(crate) async fn news(
        &mut self,
        client: &Client,
        mut seen: impl FnMut(&MessageExt) -> Outcome<()>,
    ) -> Outcome<bool> {
        let mut any = false;
        for (queue, next) in (0..).zip(&mut self.next) {
            loop {
                let pull = pull(GROUP, self.topic, queue, *next);
                let reply = client.call(pull, Bytes::new()).await?;
                if reply.code != ResponseCode::SUCCESS {
                    break;
                }
                *next = reply.header.next_begin_offset;
                for message in decode_all(reply.body)? {
                    any = true;
                    seen(&message)?;
                }
            }
        }
        Ok(any)
    }
}
