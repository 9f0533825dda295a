//! Pulls from a queue that has lost its first messages, by brokers that know the code of lite pulls and
//! by older ones.

use std::sync::Arc;

use parking_lot::Mutex;

use super::stage::{Broker, SECOND, Server, client, eventually, name_server, topic};
use crate::client::{LitePullConfig, PullStatus};
use crate::message::{GroupName, MessageQueue, QueueOffset};
use crate::remoting::{Incoming, Processor, Router};
use crate::wire::header::{
    HeartBeat, HeartBeatReply, LitePullMessage, OffsetReply, PullMessage, PullMessageReply,
    QueryConsumerOffset, UpdateConsumerOffset,
};
use crate::wire::{NoFields, Refusal, Reply, ResponseCode};

/// Where the queue begins, and ends.
const BEGIN: i64 = 100;

/// A broker with a queue that has lost all its messages, in which the group has committed offset 7.
#[derive(Clone, Default)]
struct Trimmed {
    pulls: Arc<Mutex<Vec<PullMessage>>>,
    /// The codes by which it was pulled from.
    lite: Arc<Mutex<Vec<bool>>>,
}

impl Trimmed {
    async fn start(&self, knows_lite: bool) -> Broker {
        let router = Router::default()
            .on::<HeartBeat>(self.clone())
            .on::<QueryConsumerOffset>(self.clone())
            .on::<UpdateConsumerOffset>(self.clone())
            .on::<PullMessage>(self.clone());
        let router = if knows_lite {
            router.on::<LitePullMessage>(self.clone())
        } else {
            router
        };
        Broker {
            server: Server::start(router).await,
            taken: Arc::default(),
            heartbeats: Arc::default(),
            asked: Arc::default(),
        }
    }

    async fn pull(&self, header: PullMessage, lite: bool) -> Reply<PullMessageReply> {
        let from = header.queue_offset;
        self.pulls.lock().push(header);
        self.lite.lock().push(lite);
        if from >= BEGIN {
            std::future::pending::<()>().await;
        }
        let moved = PullMessageReply {
            next_begin_offset: BEGIN,
            min_offset: BEGIN,
            max_offset: BEGIN,
            ..PullMessageReply::default()
        };
        Reply::ok(moved).with_code(ResponseCode::PULL_OFFSET_MOVED)
    }

    fn offsets(&self) -> Vec<i64> {
        let pulls = self.pulls.lock();
        pulls.iter().map(|pull| pull.queue_offset).collect()
    }
}

impl Processor<HeartBeat> for Trimmed {
    async fn process(&self, _: Incoming<HeartBeat>) -> Result<Reply<HeartBeatReply>, Refusal> {
        Ok(Reply::ok(HeartBeatReply::default()))
    }
}

impl Processor<QueryConsumerOffset> for Trimmed {
    async fn process(
        &self,
        _: Incoming<QueryConsumerOffset>,
    ) -> Result<Reply<OffsetReply>, Refusal> {
        Ok(Reply::ok(OffsetReply { offset: 7 }))
    }
}

impl Processor<UpdateConsumerOffset> for Trimmed {
    async fn process(&self, _: Incoming<UpdateConsumerOffset>) -> Result<Reply<NoFields>, Refusal> {
        Ok(Reply::ok(NoFields))
    }
}

impl Processor<PullMessage> for Trimmed {
    async fn process(
        &self,
        request: Incoming<PullMessage>,
    ) -> Result<Reply<PullMessageReply>, Refusal> {
        Ok(self.pull(request.header, false).await)
    }
}

impl Processor<LitePullMessage> for Trimmed {
    async fn process(
        &self,
        request: Incoming<LitePullMessage>,
    ) -> Result<Reply<PullMessageReply>, Refusal> {
        Ok(self.pull(request.header.0, true).await)
    }
}

fn queue() -> MessageQueue {
    MessageQueue::new(topic(), "broker-0", 0)
}

#[tokio::test]
async fn a_pull_below_the_first_message_says_where_the_queue_begins() {
    let trimmed = Trimmed::default();
    let broker = trimmed.start(false).await;
    let names = name_server(&[&broker]).await;
    let client = client(&[&names]);
    let consumer = client
        .pull_consumer(GroupName::new("shop").unwrap())
        .unwrap();

    let below = consumer.pull(&queue(), QueueOffset(3)).await.unwrap();

    assert_eq!(below.status, PullStatus::OffsetIllegal);
    let begin = QueueOffset(100);
    assert_eq!((below.next, below.min, below.max), (begin, begin, begin));
    consumer.shutdown().await;
    client.shutdown(SECOND).await.unwrap();
    names.stop().await;
}

/// Brokers of RocketMQ 4 answer the code of lite pulls with 3, and take the ordinary one.
#[tokio::test]
async fn a_lite_pull_goes_on_at_the_first_message_whatever_code_the_broker_knows() {
    for knows_lite in [true, false] {
        let trimmed = Trimmed::default();
        let broker = trimmed.start(knows_lite).await;
        let names = name_server(&[&broker]).await;
        let client = client(&[&names]);
        let config = LitePullConfig::new(GroupName::new("shop").unwrap());
        let consumer = client.lite_pull_consumer(config);
        let consumer = consumer.start_with([queue()]).await.unwrap();

        eventually("it pulls where the queue begins", || {
            trimmed.offsets() == [7, BEGIN]
        })
        .await;

        assert_eq!(*trimmed.lite.lock(), [knows_lite; 2]);
        let of_a_lite_pull = PullMessage::SUSPEND | PullMessage::SUBSCRIPTION | PullMessage::LITE;
        let last = trimmed.pulls.lock().pop().unwrap();
        assert_eq!(last.sys_flag, of_a_lite_pull);
        assert_eq!(last.subscription.as_deref(), Some("*"));
        assert_eq!(last.max_msg_nums, 10);
        assert_eq!(consumer.position(&queue()), Some(QueueOffset(100)));
        consumer.shutdown(SECOND).await.unwrap();
        client.shutdown(SECOND).await.unwrap();
        names.stop().await;
    }
}
