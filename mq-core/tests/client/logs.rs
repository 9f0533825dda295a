//! What people find in the log while something is away: when it begins and when it is over.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mq_core::client::Client;
use mq_core::client::{ConcurrentListener, Outcome};
use mq_core::clock::Clock;
use mq_core::message::{MessageExt, TopicName, property};
use mq_core::wire::header::DeleteTopicInBroker;
use tokio::sync::Semaphore;
use tracing::Level;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, in_time, message, producer, send_all,
    topic,
};
use crate::lines::Lines;
use crate::listeners::{Each, Seen, done};

fn by_hand() -> Clock {
    Clock::manual(Clock::system().now_ms())
}

#[tokio::test]
async fn a_deleted_topic_is_one_warning_and_one_line_when_it_is_back() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let cluster = Cluster::start().await;
    let clock = by_hand();
    let (client, admin) = (cluster.client_by(&clock), cluster.client());
    let topic = topic("deleted");
    admin.create_topic(&topic, 4).await.unwrap();
    let seen = Seen::default();
    let consumer = client
        .push_consumer(from_the_beginning("bereft"))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    in_time(&clock, "all queues are ours", || {
        let of_topic = |queue: &mq_core::message::MessageQueue| queue.topic == topic;
        consumer
            .assignment()
            .iter()
            .filter(|queue| of_topic(queue))
            .count()
            == 4
    })
    .await;

    let request = DeleteTopicInBroker {
        topic: topic.to_text(),
    };
    let deleted = cluster.ask(request, Bytes::new()).await;
    deleted.map(drop).unwrap();
    let warned = || lines.count(Level::WARN, "deleted");
    in_time(&clock, "somebody says so", || warned() > 0).await;
    for _ in 0..20 {
        clock.advance(Duration::from_secs(1)).await;
        Clock::system().sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(warned(), 1);

    admin.create_topic(&topic, 4).await.unwrap();
    send_all(&producer(&admin), &topic, ["a", "b", "c", "d"]).await;
    let over = || lines.count(Level::INFO, "accepts pulls again");
    in_time(&clock, "it is back", || over() > 0).await;

    eventually("both are said once", || (warned(), over()) == (1, 1)).await;
    cluster.end([consumer], [client, admin]).await;
}

#[tokio::test]
async fn a_broker_that_is_away_is_one_warning_and_one_line_when_it_is_back() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let mut cluster = Cluster::start().await;
    let clock = by_hand();
    let (client, admin) = (cluster.client_by(&clock), cluster.client());
    let topic = topic("away");
    admin.create_topic(&topic, 4).await.unwrap();
    admin.shutdown(LIMIT).await.unwrap();
    let seen = Seen::default();
    let consumer = client
        .push_consumer(from_the_beginning("patient"))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    in_time(&clock, "all queues are ours", || {
        consumer.assignment().len() >= 4
    })
    .await;

    let port = cluster.stop_broker().await;
    let warned = || lines.count(Level::WARN, "");
    in_time(&clock, "somebody says so", || warned() > 0).await;
    for _ in 0..40 {
        clock.advance(Duration::from_secs(1)).await;
        Clock::system().sleep(Duration::from_millis(5)).await;
    }
    assert_eq!(warned(), 1, "{lines:?}");

    cluster.start_broker_again(port).await;
    let over = || lines.count(Level::INFO, "responds again");
    in_time(&clock, "it is back", || over() > 0).await;

    eventually("both are said once", || (warned(), over()) == (1, 1)).await;
    cluster.end([consumer], [client]).await;
}

/// A mistyped topic was waited for without a word.
#[tokio::test]
async fn a_topic_that_no_broker_has_is_one_line_and_another_when_it_is_there() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let cluster = Cluster::start().await;
    let clock = by_hand();
    let (client, admin) = (cluster.client_by(&clock), cluster.client());
    let (early, late) = (topic("early"), topic("late"));
    let told = "no broker has the topic";
    let (seen, said) = (Seen::default(), || lines.count(Level::INFO, told));
    let consumer = client
        .push_consumer(from_the_beginning("hopeful"))
        .subscribe(early.clone(), "*")
        .subscribe(late.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();

    // One that comes with the start is not worth a word.
    clock.advance(Duration::from_secs(1)).await;
    admin.create_topic(&early, 1).await.unwrap();
    in_time(&clock, "somebody says so", || said() > 0).await;
    for _ in 0..20 {
        clock.advance(Duration::from_secs(1)).await;
        Clock::system().sleep(Duration::from_millis(5)).await;
    }

    assert_eq!(said(), 1, "{lines:?}");
    let line = lines.first(Level::INFO, told).unwrap();
    for part in ["topic=late", "group=hopeful", "until it exists"] {
        assert!(line.contains(part), "no {part}: {line}");
    }
    admin.create_topic(&late, 1).await.unwrap();
    send_all(&producer(&admin), &late, ["x"]).await;
    in_time(&clock, "it is there", || seen.count() == 1).await;
    let there = || lines.count(Level::INFO, "the topic exists now");
    in_time(&clock, "somebody says so", || there() == 1).await;
    assert_eq!(said(), 1, "{lines:?}");
    cluster.end([consumer], [client, admin]).await;
}

/// It said that it went on with what was known, and nothing was.
#[tokio::test]
async fn a_name_server_that_never_answered_is_told_as_such() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let cluster = Cluster::start().await;
    let (known, nowhere) = (
        cluster.client(),
        Client::new(
            mq_core::client::ClientConfig::new(["127.0.0.1:1"]),
            Clock::system(),
        )
        .unwrap(),
    );
    known.check().await.unwrap();
    cluster.stop().await;

    for client in [&nowhere, &known] {
        client.check().await.unwrap_err();
    }

    let never = "no name server has responded yet; nothing can be sent or received";
    let no_more = "the cached routes stay in use";
    for told in [never, no_more] {
        assert_eq!(lines.count(Level::WARN, told), 1, "{told}: {lines:?}");
    }
    for client in [known, nowhere] {
        client.shutdown(LIMIT).await.unwrap();
    }
}

/// The last failure was logged like those before it, and nothing said that the message had died.
#[tokio::test]
async fn a_dead_letter_is_told_with_its_attempts_and_the_last_error() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("doomed");
    let sent = producer(&client).send(message(&topic, "x")).await.unwrap();
    let (seen, dead) = (Seen::default(), Seen::default());
    let mut config = from_the_beginning("unlucky");
    config.max_reconsume_times = Some(1);
    let listener = Each(seen.clone(), |message: &MessageExt| Outcome::Later {
        delay_level: 0,
        reason: Some(format!("the gateway is gone {}", message.reconsume_times)),
    });
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start(listener).await.unwrap();
    let undertaker = client
        .push_consumer(from_the_beginning("undertaker"))
        .subscribe(TopicName::dead_letters_of(&group("unlucky")), "*");
    let undertaker = undertaker.start(done(&dead)).await.unwrap();

    eventually("it is dead", || dead.count() == 1).await;

    assert_eq!(seen.count(), 2);
    assert_eq!(lines.count(Level::ERROR, "dead letter"), 1);
    let line = lines.first(Level::ERROR, "dead letter").unwrap();
    let id = format!("id={:?}", sent.message_id);
    for part in [
        "topic=doomed",
        "group=unlucky",
        &id,
        "attempts=2",
        "gone 1",
        "%DLQ%unlucky",
    ] {
        assert!(line.contains(part), "no {part}: {line}");
    }
    let kept = dead.all()[0]
        .message
        .properties
        .get(property::DLQ_REASON)
        .map(str::to_owned);
    assert_eq!(kept.as_deref(), Some("the gateway is gone 1"));
    cluster.end([consumer, undertaker], [client]).await;
}

/// Never ends its first call by itself.
struct Hangs(Seen, Arc<Semaphore>);

impl ConcurrentListener for Hangs {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let first = self.0.count() == 0;
        let done = vec![Outcome::Done; batch.len()];
        self.0.add(batch);
        if first {
            self.1.acquire().await.unwrap().forget();
        }
        done
    }

    fn name(&self, _topic: &TopicName) -> &'static str {
        "slow_listener"
    }
}

/// Whether a call took too long was looked at every fifteen minutes, so that calls of up to half an
/// hour went unnoticed, and the line named neither the listener nor the topic.
#[tokio::test]
async fn what_is_handed_over_again_is_told_as_soon_as_its_own_call_has_had_its_time() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let cluster = Cluster::start().await;
    let clock = by_hand();
    let (client, sender) = (cluster.client_by(&clock), cluster.client());
    let topic = topic("slow");
    sender.create_topic(&topic, 1).await.unwrap();
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let mut config = from_the_beginning("sluggish");
    config.consume_timeout = Duration::from_secs(30);
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let listener = Hangs(seen.clone(), Arc::clone(&gate));
    let consumer = consumer.start(listener).await.unwrap();
    in_time(&clock, "the queue is ours", || {
        !consumer.assignment().is_empty()
    })
    .await;
    clock.advance(Duration::from_secs(20)).await;
    let sent = producer(&sender).send(message(&topic, "x")).await.unwrap();
    eventually("a call hangs", || seen.count() == 1).await;

    in_time(&clock, "somebody says so", || {
        lines.count(Level::WARN, "consumeTimeout") > 0
    })
    .await;

    let line = lines.first(Level::WARN, "consumeTimeout").unwrap();
    let id = format!("id={:?}", sent.message_id);
    let parts = [
        "slow_listener",
        "topic=slow",
        "group=sluggish",
        &id,
        "age=30",
        "delivered again",
    ];
    for part in parts {
        assert!(line.contains(part), "no {part}: {line}");
    }
    in_time(&clock, "it comes again", || seen.count() == 2).await;
    gate.add_permits(1);
    cluster.end([consumer], [client, sender]).await;
}

/// Half of the messages of each were not delivered, and nobody was told.
#[tokio::test]
async fn two_programs_of_one_group_with_different_topics_are_told_once_of_each_other() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let cluster = Cluster::start().await;
    let clients = [cluster.client(), cluster.client()];
    let topics = ["orders", "stock"].map(topic);
    let seen = Seen::default();
    let start = async |client: &Client, topic: &TopicName| {
        let consumer = client
            .push_consumer(from_the_beginning("mixed"))
            .subscribe(topic.clone(), "*");
        consumer.start(done(&seen)).await.unwrap()
    };
    for topic in &topics {
        clients[0].create_topic(topic, 4).await.unwrap();
    }
    let falls_to = |topic: &str, client: &Client| {
        format!("queues of `{topic}` that are assigned to {} ", client.id())
    };
    let of_stock = || lines.count(Level::WARN, &falls_to("stock", &clients[0]));
    let of_orders = || lines.count(Level::WARN, &falls_to("orders", &clients[1]));

    let first = start(&clients[0], &topics[0]).await;
    let second = start(&clients[1], &topics[1]).await;
    eventually("both say so", || (of_stock(), of_orders()) == (1, 1)).await;

    let line = lines.first(Level::WARN, &falls_to("stock", &clients[0]));
    let line = line.unwrap();
    for part in [
        "group=mixed",
        "are read by no member, because it does not subscribe to `stock`",
        &format!("{} at 127.0.0.1:", clients[1].id()),
    ] {
        assert!(line.contains(part), "no {part}: {line}");
    }
    second.shutdown(LIMIT).await.unwrap();
    let third = start(&clients[1], &topics[1]).await;
    eventually("the new consumer says so, too", || of_orders() == 2).await;
    assert_eq!(of_stock(), 1);
    cluster.end([first, third], clients).await;
}

#[tokio::test]
async fn members_that_want_the_same_in_other_words_are_not_told_of_each_other() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let cluster = Cluster::start().await;
    let topic = topic("orders");
    let seen = Seen::default();
    let clients = [cluster.client(), cluster.client(), cluster.client()];
    clients[0].create_topic(&topic, 4).await.unwrap();
    let warned = |part| lines.count(Level::WARN, part);
    let mut consumers = Vec::new();
    for (client, tags) in clients.iter().zip(["A || B", "B||A", "*"]) {
        let consumer = client
            .push_consumer(from_the_beginning("alike"))
            .subscribe(topic.clone(), tags);
        consumers.push(consumer.start(done(&seen)).await.unwrap());
    }

    let told = "messages of `orders` are lost where the owner of their queue filters them out: \
                this client subscribes to `A || B`, the group to `*`";
    eventually("the first two are told of the third", || warned(told) == 2).await;
    assert_eq!(warned("members of the group"), 2);
    cluster.end(consumers, clients).await;
}
