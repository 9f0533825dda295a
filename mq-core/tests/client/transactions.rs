//! Transactions: committed, rolled back, left to the check; over sockets and within the process; and with
//! a broker or a producer that was started again meanwhile.

use std::sync::Arc;

use mq_core::client::{OpenTransaction, Producer, TransactionChecker, TransactionState};
use mq_core::message::{MessageExt, MessageQueue, TopicName, property};
use parking_lot::Mutex;

use crate::cluster::{Cluster, LIMIT, eventually, message, producer, topic};

/// Says of each message what is set, and notes what it was asked about.
#[derive(Clone)]
struct Says {
    state: Arc<Mutex<TransactionState>>,
    asked: Arc<Mutex<Vec<MessageExt>>>,
}

impl Says {
    fn new(state: TransactionState) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
            asked: Arc::default(),
        }
    }

    fn asked(&self) -> usize {
        self.asked.lock().len()
    }
}

impl TransactionChecker for Says {
    async fn check(&self, message: MessageExt) -> TransactionState {
        self.asked.lock().push(message);
        *self.state.lock()
    }
}

/// Checks begin soon and follow each other soon.
const SOON: [&str; 2] = ["transactionTimeOut=20", "transactionCheckInterval=50"];

async fn begin(producer: &Producer, topic: &TopicName, body: &str) -> OpenTransaction {
    let queue = MessageQueue::new(topic.clone(), "broker-a", 0);
    // The topic is created with its first message.
    let target = mq_core::client::Target::Queue(queue);
    let begun = producer.begin_with(message(topic, body), target, LIMIT);
    begun.await.unwrap()
}

async fn bodies(cluster: &Cluster, topic: &TopicName) -> Vec<String> {
    let messages = cluster.everything(topic).await.into_iter();
    let body = |message: MessageExt| String::from_utf8(message.message.body.to_vec()).unwrap();
    messages.map(body).collect()
}

async fn until_delivered(cluster: &Cluster, topic: &TopicName, count: usize) {
    let clock = mq_core::clock::Clock::system();
    let begun = clock.moment();
    while cluster.everything(topic).await.len() < count {
        assert!(clock.moment().since(begun) < 4 * LIMIT, "not delivered");
        clock.sleep(std::time::Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn what_is_committed_is_delivered_and_what_is_rolled_back_is_not() {
    let cluster = Cluster::start().await;
    for (name, client) in [
        ("over-sockets", cluster.client()),
        ("within", cluster.client_within()),
    ] {
        let topic = topic(name);
        let producer = producer(&client);

        let first = begin(&producer, &topic, "first").await;
        let second = begin(&producer, &topic, "second").await;
        let third = begin(&producer, &topic, "third").await;
        assert!(bodies(&cluster, &topic).await.is_empty(), "{name}");

        third.commit().await.map(drop).unwrap();
        second.rollback().await.unwrap();
        let sent = first.commit().await.unwrap();

        assert_eq!(bodies(&cluster, &topic).await, ["third", "first"], "{name}");
        let delivered = &cluster.everything(&topic).await[1];
        let properties = &delivered.message.properties;
        assert_eq!(properties.get(property::UNIQ_KEY), Some(&*sent.message_id));
        let half = delivered.prepared_transaction_offset;
        assert!(sent.offset_message_id.ends_with(&format!("{half:016X}")));
        client.shutdown(LIMIT).await.unwrap();
    }
    cluster.stop().await;
}

#[tokio::test]
async fn what_is_left_is_asked_about_and_ends_as_the_checker_says() {
    let cluster = Cluster::with(&SOON).await;
    for (name, client) in [
        ("over-sockets", cluster.client()),
        ("within", cluster.client_within()),
    ] {
        let topic = topic(name);
        let producer = producer(&client);
        let says = Says::new(TransactionState::Unknown);
        producer.answer_checks(says.clone());

        drop(begin(&producer, &topic, "left").await);
        eventually("it is asked about again", || says.asked() > 1).await;
        *says.state.lock() = TransactionState::Commit;
        until_delivered(&cluster, &topic, 1).await;

        *says.state.lock() = TransactionState::Rollback;
        drop(begin(&producer, &topic, "gone").await);
        let is_gone = || {
            let asked = says.asked.lock();
            asked.iter().any(|asked| asked.message.body == "gone")
        };
        eventually("the other one is asked about", is_gone).await;
        let last = begin(&producer, &topic, "last").await;
        last.commit().await.map(drop).unwrap();

        assert_eq!(bodies(&cluster, &topic).await, ["left", "last"], "{name}");
        let asked = says.asked.lock()[0].clone();
        assert_eq!(asked.message.topic, topic);
        client.shutdown(LIMIT).await.unwrap();
    }
    cluster.stop().await;
}
