//! Transactions: committed, rolled back, left to the check; over sockets and within the process; and with
//! a producer that was started again meanwhile.

use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{
    ErrorKind, MessageError, OpenTransaction, Producer, SendError, TransactionChecker,
    TransactionState,
};
use mq_core::clock::Clock;
use mq_core::message::{MessageExt, MessageQueue, TopicName, property};
use parking_lot::Mutex;

use crate::cluster::{Cluster, LIMIT, eventually, in_time, message, producer, topic};

/// Says of each message what is set, and notes what it was asked about.
#[derive(Clone)]
pub(crate) struct Says {
    state: Arc<Mutex<TransactionState>>,
    asked: Arc<Mutex<Vec<MessageExt>>>,
}

impl Says {
    pub(crate) fn new(state: TransactionState) -> Self {
        Self {
            state: Arc::new(Mutex::new(state)),
            asked: Arc::default(),
        }
    }

    pub(crate) fn asked(&self) -> usize {
        self.asked.lock().len()
    }

    pub(crate) fn was_asked_about(&self, id: &str) -> bool {
        let asked = self.asked.lock();
        asked.iter().any(|message| message.message_id() == id)
    }
}

impl TransactionChecker for Says {
    async fn check(&self, message: MessageExt) -> TransactionState {
        self.asked.lock().push(message);
        *self.state.lock()
    }
}

/// Checks begin soon and follow each other soon, for long.
pub(crate) const SOON: [&str; 3] = [
    "transactionTimeOut=20",
    "transactionCheckInterval=50",
    "transactionCheckMax=1000",
];

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
    let clock = Clock::system();
    let begun = clock.moment();
    while cluster.everything(topic).await.len() < count {
        assert!(clock.moment().since(begun) < 4 * LIMIT, "not delivered");
        clock.sleep(Duration::from_millis(5)).await;
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

/// A check finds whoever is in the group now. The broker had a client that sent nothing in no table.
#[tokio::test]
async fn a_producer_that_was_started_again_and_has_sent_nothing_is_asked() {
    let cluster = Cluster::with(&SOON).await;
    let (before, topic) = (cluster.client(), topic("orders"));
    drop(begin(&producer(&before), &topic, "x").await);
    before.shutdown(LIMIT).await.unwrap();

    let after = cluster.client();
    let (producer, says) = (producer(&after), Says::new(TransactionState::Commit));
    producer.answer_checks(says.clone());

    until_delivered(&cluster, &topic, 1).await;
    assert_eq!(says.asked(), 1);
    cluster.end([], [after]).await;
}

/// It waited for the next check before, 30 s later, as Apache's broker does.
#[tokio::test]
async fn what_nobody_could_be_asked_about_is_asked_about_when_a_producer_comes() {
    let clock = Clock::manual(1_800_000_000_000);
    let cluster = Cluster::by(&clock).await;
    let (before, orders) = (cluster.client(), topic("orders"));
    drop(begin(&producer(&before), &orders, "x").await);
    before.shutdown(LIMIT).await.unwrap();
    let until = async |topic: &TopicName, count| {
        while cluster.everything(topic).await.len() < count {
            in_time(&clock, "a step", || true).await;
            clock.advance(Duration::from_secs(1)).await;
        }
    };
    // A check stores the half message again.
    until(&topic("RMQ_SYS_TRANS_HALF_TOPIC"), 2).await;
    let checked = clock.moment();

    let after = cluster.client();
    let (producer, says) = (producer(&after), Says::new(TransactionState::Commit));
    producer.answer_checks(says.clone());

    until(&orders, 1).await;
    assert_eq!(says.asked(), 1);
    let took = clock.moment().since(checked);
    assert!(took < Duration::from_secs(20), "{took:?}");
    cluster.end([], [after]).await;
}

#[tokio::test]
async fn a_member_of_the_group_that_cannot_say_is_passed_over() {
    let interval = "transactionCheckInterval=1000";
    let cluster = Cluster::with(&["transactionTimeOut=20", interval]).await;
    let topic = topic("orders");
    let clients = [0; 3].map(|_| cluster.client());
    let producers = clients.each_ref().map(producer);
    let says = Says::new(TransactionState::Commit);
    // All are in the group before anything is asked.
    for producer in &producers {
        let known = begin(producer, &topic, "known").await;
        known.commit().await.map(drop).unwrap();
    }
    producers[1].answer_checks(says.clone());

    for _ in 0..6 {
        drop(begin(&producers[0], &topic, "left").await);
    }
    until_delivered(&cluster, &topic, 9).await;

    assert_eq!(says.asked(), 6);
    for asked in &*says.asked.lock() {
        let checks = asked
            .message
            .properties
            .get(property::TRANSACTION_CHECK_TIMES);
        let checks: usize = checks.unwrap().parse().unwrap();
        assert!(checks <= clients.len(), "{checks}");
    }
    cluster.end([], clients).await;
}

/// Panics over one message, never comes to an end with another, and commits all others.
struct Moody(Arc<Mutex<Vec<String>>>);

impl TransactionChecker for Moody {
    async fn check(&self, message: MessageExt) -> TransactionState {
        let body = String::from_utf8_lossy(&message.message.body).into_owned();
        self.0.lock().push(body.clone());
        let times = self.0.lock().iter().filter(|asked| **asked == body).count();
        match body.as_str() {
            "panics" => {
                assert_ne!(times, 1, "over a message");
                TransactionState::Commit
            }
            "hangs" => std::future::pending().await,
            _ => TransactionState::Commit,
        }
    }
}

#[tokio::test]
async fn a_check_that_panics_or_hangs_keeps_no_other_from_its_answer() {
    let cluster = Cluster::with(&SOON).await;
    let (client, topic) = (cluster.client_within(), topic("orders"));
    let (producer, asked) = (producer(&client), Arc::<Mutex<Vec<String>>>::default());
    producer.answer_checks(Moody(Arc::clone(&asked)));

    for body in ["hangs", "panics", "fine"] {
        drop(begin(&producer, &topic, body).await);
    }
    until_delivered(&cluster, &topic, 2).await;

    let mut delivered = bodies(&cluster, &topic).await;
    delivered.sort();
    assert_eq!(delivered, ["fine", "panics"]);
    let asked_again = || {
        asked
            .lock()
            .iter()
            .filter(|asked| *asked == "hangs")
            .count()
            > 1
    };
    eventually("the other one is asked about again", asked_again).await;
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_delay_in_a_transaction_is_refused_before_anything_is_sent() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let producer = producer(&client);
    for name in [
        property::DELAY,
        property::TIMER_DELAY_SEC,
        property::TIMER_DELAY_MS,
        property::TIMER_DELIVER_MS,
    ] {
        let mut delayed = message(&topic("orders"), "x");
        delayed.properties.set(name, "3");

        let error = producer.begin(delayed).await.unwrap_err();

        assert!(error.to_string().contains(name), "{error}");
        let SendError::Message { source, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(source, MessageError::DelayInTransaction(name));
    }
    let half = topic("RMQ_SYS_TRANS_HALF_TOPIC");
    assert!(cluster.everything(&half).await.is_empty());
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn who_commits_while_the_broker_is_away_hears_it_and_is_asked_later() {
    let mut cluster = Cluster::with(&SOON).await;
    let (client, topic) = (cluster.client(), topic("orders"));
    let (producer, says) = (producer(&client), Says::new(TransactionState::Commit));
    let open = begin(&producer, &topic, "x").await;
    let id = open.half().message_id.clone();
    let port = cluster.stop_broker().await;

    let error = open.commit().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable, "{error}");
    let said = error.to_string();
    let expected =
        format!("could not commit the transaction of message `{id}` at broker `broker-a`");
    assert!(said.starts_with(&expected), "{said}");

    cluster.start_broker_again(port).await;
    producer.answer_checks(says.clone());
    until_delivered(&cluster, &topic, 1).await;
    assert_eq!(bodies(&cluster, &topic).await, ["x"]);
    cluster.end([], [client]).await;
}
