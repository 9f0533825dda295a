//! Queues that are read by hand: the four outcomes, waiting, positions, and what is refused.

use std::time::Duration;

use bytes::Bytes;
use mq_core::client::{
    Client, ErrorKind, Producer, ProducerConfig, PullConsumer, PullError, PullStatus, StartError,
    Target,
};
use mq_core::clock::Clock;
use mq_core::message::{MessageQueue, QueueOffset, TopicName};
use mq_core::wire::body::ConsumerRunningInfo;
use mq_core::wire::fastjson;
use mq_core::wire::header::GetConsumerRunningInfo;

use crate::cluster::{Cluster, LIMIT, eventually, group, message, producer, send_all, topic};

fn offset(number: u64) -> QueueOffset {
    QueueOffset(number)
}

/// A topic with one queue that has these messages, and a consumer that reads it.
async fn one_queue(
    client: &Client,
    topic: &TopicName,
    bodies: &[&str],
) -> (PullConsumer, MessageQueue) {
    client.create_topic(topic, 1).await.unwrap();
    send_all(&producer(client), topic, bodies.iter().copied()).await;
    let consumer = client.pull_consumer(group(topic.as_str())).unwrap();
    let queues = consumer.queues(topic).await.unwrap();
    (consumer, queues.into_iter().next().unwrap())
}

async fn pulled(consumer: &PullConsumer, queue: &MessageQueue, from: u64) -> (PullStatus, u64) {
    let pulled = consumer.pull(queue, offset(from)).await.unwrap();
    (pulled.status, pulled.next.0)
}

#[tokio::test]
async fn a_pull_has_one_of_four_outcomes_over_both_transports() {
    let cluster = Cluster::start().await;
    for (name, client) in [
        ("tcp", cluster.client()),
        ("within", cluster.client_within()),
    ] {
        let (consumer, queue) = one_queue(&client, &topic(name), &["a", "b", "c"]).await;

        let found = consumer.pull(&queue, offset(1)).await.unwrap();
        assert_eq!(found.status, PullStatus::Found);
        let bodies: Vec<_> = found.messages.iter().map(|m| &m.message.body).collect();
        assert_eq!(bodies, ["b", "c"]);
        assert_eq!(
            (found.next, found.min, found.max),
            (offset(3), offset(0), offset(3))
        );
        let first = consumer.pull(&queue, offset(0)).max_messages(1).await;
        let first = first.unwrap();
        assert_eq!((first.messages.len(), first.next), (1, offset(1)));

        let no_new = (PullStatus::NoNewMessage, 3);
        assert_eq!(pulled(&consumer, &queue, 3).await, no_new);

        let unmatched = consumer.pull(&queue, offset(0)).tags("paid || sent").await;
        let unmatched = unmatched.unwrap();
        assert_eq!(unmatched.status, PullStatus::NoMatchedMessage);
        assert_eq!((unmatched.messages.len(), unmatched.next), (0, offset(3)));

        let beyond = consumer.pull(&queue, offset(9)).await.unwrap();
        assert_eq!(beyond.status, PullStatus::OffsetIllegal);
        assert!(beyond.messages.is_empty());
        assert!(beyond.next <= beyond.max, "{beyond:?}");
        consumer.shutdown().await;
        client.shutdown(LIMIT).await.unwrap();
    }
    cluster.stop().await;
}

#[tokio::test]
async fn a_pull_that_waits_is_answered_when_a_message_comes() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let (consumer, queue) = one_queue(&client, &topic, &["a"]).await;

    let waiting = consumer.pull(&queue, offset(1)).wait(LIMIT * 6);
    let sending = async {
        eventually("the pull waits", || cluster.waiting_pulls() == 1).await;
        send_all(&producer_of(&client), &topic, ["b"]).await;
    };
    let (found, ()) = tokio::join!(waiting.into_future(), sending);

    let found = found.unwrap();
    assert_eq!(found.status, PullStatus::Found);
    assert_eq!(found.messages[0].message.body, "b");
    let in_vain = consumer.pull(&queue, offset(2));
    let in_vain = in_vain.wait(Duration::from_millis(1)).await.unwrap();
    assert_eq!(in_vain.status, PullStatus::NoNewMessage);
    consumer.shutdown().await;
    cluster.end([], [client]).await;
}

/// A producer of a group of its own.
fn producer_of(client: &Client) -> Producer {
    let config = ProducerConfig::new(group("another-producer"));
    client.producer(config).unwrap()
}

#[tokio::test]
async fn positions_are_looked_up_and_committed() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let (consumer, queue) = one_queue(&client, &topic, &["a", "b", "c"]).await;

    assert_eq!(consumer.min_offset(&queue).await.unwrap(), offset(0));
    assert_eq!(consumer.max_offset(&queue).await.unwrap(), offset(3));
    assert_eq!(consumer.offset_at(&queue, 0).await.unwrap(), offset(0));
    let stored = consumer.pull(&queue, offset(0)).await.unwrap().messages;
    let last = stored[2].store_timestamp;
    let at_last = consumer.offset_at(&queue, last).await.unwrap();
    assert_eq!(
        stored[usize::try_from(at_last.0).unwrap()].store_timestamp,
        last
    );
    let later = consumer.offset_at(&queue, last + 1).await.unwrap();
    assert_eq!(later, offset(3));

    assert_eq!(consumer.committed(&queue).await.unwrap(), None);
    for committed in [2, 3, 1] {
        consumer.commit(&queue, offset(committed)).await.unwrap();
        let known = consumer.committed(&queue).await.unwrap();
        assert_eq!(known, Some(offset(committed)));
    }
    assert_eq!(cluster.committed(consumer.group(), &topic).await, 1);
    consumer.shutdown().await;
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn each_mistake_of_a_pull_is_told_apart() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let (consumer, queue) = one_queue(&client, &topic, &["a"]).await;
    let queue_of = |topic: &str, broker: &'static str, id| {
        MessageQueue::new(crate::cluster::topic(topic), broker, id)
    };
    let pull = |queue: MessageQueue| consumer.pull(&queue, offset(0));

    let no_queue = pull(queue_of("orders", "broker-a", 7)).await.unwrap_err();
    assert_eq!(no_queue.kind(), ErrorKind::Refused);
    assert!(
        no_queue.to_string().contains("queueId[7] is illegal"),
        "{no_queue}"
    );
    let negative = pull(queue_of("orders", "broker-a", -1)).await.unwrap_err();
    assert_eq!(negative.kind(), ErrorKind::Refused);
    let no_broker = pull(queue_of("orders", "broker-z", 0)).await.unwrap_err();
    assert!(matches!(no_broker, PullError::NoBroker(_)), "{no_broker}");
    let no_topic = pull(queue_of("absent", "broker-z", 0)).await.unwrap_err();
    assert!(matches!(no_topic, PullError::NoTopic(_)), "{no_topic}");
    assert_eq!(no_topic.kind(), ErrorKind::NoRoute);
    let absent = crate::cluster::topic("absent");
    let no_queues = consumer.queues(&absent).await.unwrap_err();
    assert!(matches!(no_queues, PullError::NoTopic(_)), "{no_queues}");
    let nothing = pull(queue.clone()).max_messages(0).await.unwrap_err();
    assert!(matches!(nothing, PullError::NoMessages), "{nothing}");
    let no_tag = pull(queue.clone()).tags("||").await.unwrap_err();
    assert!(matches!(no_tag, PullError::Tags(_)), "{no_tag}");

    let elsewhere = queue_of("orders", "broker-a", 7);
    let refused = consumer.commit(&elsewhere, offset(0)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Refused);
    // A position beyond the end would pass over messages that are still to come.
    consumer.commit(&queue, offset(9)).await.unwrap();
    assert_ne!(consumer.committed(&queue).await.unwrap(), Some(offset(9)));
    consumer.shutdown().await;
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn nothing_is_read_after_a_shutdown_and_what_waits_ends() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (consumer, queue) = one_queue(&client, &topic("orders"), &["a"]).await;
    let taken = client.pull_consumer(consumer.group().clone()).unwrap_err();
    assert!(matches!(taken, StartError::GroupTaken { .. }), "{taken}");
    let waiting = consumer.pull(&queue, offset(1)).wait(LIMIT * 6);
    let ending = async {
        eventually("the pull waits", || cluster.waiting_pulls() == 1).await;
        consumer.shutdown().await;
    };
    let (ended, ()) = tokio::join!(waiting.into_future(), ending);

    assert_eq!(ended.unwrap_err().kind(), ErrorKind::ShutDown);
    let late = consumer.pull(&queue, offset(0)).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::ShutDown);
    let late = consumer.committed(&queue).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::ShutDown);
    let again = client.pull_consumer(consumer.group().clone()).unwrap();
    assert_eq!(pulled(&again, &queue, 0).await, (PullStatus::Found, 1));
    again.shutdown().await;
    cluster.end([], [client]).await;
}

/// Whoever reads by hand may name any queue of a topic, also one that another client made.
#[tokio::test]
async fn a_client_that_has_never_heard_of_a_queue_reads_it() {
    let cluster = Cluster::start().await;
    let (sending, reading) = (cluster.client(), cluster.client());
    let topic = topic("orders");
    sending.create_topic(&topic, 4).await.unwrap();
    let producer = producer(&sending);
    let queue = MessageQueue::new(topic.clone(), "broker-a", 2);
    let target = Target::Queue(queue.clone());
    let sent = producer
        .send_with(message(&topic, "x"), target, LIMIT)
        .await;
    assert_eq!(sent.unwrap().queue, queue);

    let consumer = reading.pull_consumer(group("audit")).unwrap();

    assert_eq!(pulled(&consumer, &queue, 0).await, (PullStatus::Found, 1));
    consumer.shutdown().await;
    cluster.end([], [sending, reading]).await;
}

/// As `DefaultMQPullConsumer`, which has no queues of its own.
#[tokio::test]
async fn a_pull_consumer_says_what_it_is_when_a_broker_passes_the_question_on() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (consumer, queue) = one_queue(&client, &topic("orders"), &["a"]).await;
    let ask = async || {
        let running = GetConsumerRunningInfo {
            consumer_group: consumer.group().to_text(),
            client_id: client.id().into(),
            jstack_enable: false,
        };
        cluster.ask(running, Bytes::new()).await
    };
    assert_eq!(pulled(&consumer, &queue, 0).await, (PullStatus::Found, 1));
    // Before its heartbeat the broker does not know it.
    let (clock, begun) = (Clock::system(), Clock::system().moment());
    let running = loop {
        match ask().await {
            Ok(running) => break running,
            Err(error) => assert!(clock.moment().since(begun) < LIMIT, "{error}"),
        }
        clock.sleep(Duration::from_millis(5)).await;
    };

    let running: ConsumerRunningInfo = fastjson::read(&running.body).unwrap();
    let kind = &running.properties[ConsumerRunningInfo::CONSUME_TYPE];
    assert_eq!(kind, "CONSUME_ACTIVELY");
    assert!(running.mq_table.is_empty());
    consumer.shutdown().await;
    assert!(ask().await.is_err(), "it has left");
    cluster.end([], [client]).await;
}
