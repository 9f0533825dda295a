//! Offsets and times that a queue does not have: whoever asks for one is told, and nothing moves.

use bytes::Bytes;
use mq_core::client::{
    ConsumerConfig, ErrorKind, LitePullConfig, OrderlyOutcome, ProducerConfig, PullStatus,
    SeekError, SeekTo, each,
};
use mq_core::clock::Clock;
use mq_core::message::subscription::SelectorType;
use mq_core::message::{Message, MessageExt, MessageQueue, QueueOffset};
use mq_core::wire::header::DeleteExpiredCommitLog;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, message, producer, send_all, topic,
};
use crate::listeners::{InOrder, Seen, done};

#[tokio::test]
async fn a_listener_cannot_be_sent_nowhere_and_goes_on_where_it_was() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    client.create_topic(&topic, 1).await.unwrap();
    let sender = producer(&client);
    send_all(&sender, &topic, ["a", "b"]).await;
    let seen = Seen::default();
    let consumer = client.push_consumer(from_the_beginning("shop"));
    let consumer = consumer.subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("both are there", || seen.count() == 2).await;
    let queue = |id| MessageQueue::new(topic.clone(), "broker-a", id);

    let beyond = consumer.seek(&queue(0), QueueOffset(3)).await.unwrap_err();
    assert!(matches!(beyond, SeekError::OutOfRange { .. }), "{beyond}");
    let elsewhere = consumer.seek(&queue(7), SeekTo::Begin).await.unwrap_err();
    assert!(
        matches!(elsewhere, SeekError::NotAssigned(_)),
        "{elsewhere}"
    );
    send_all(&sender, &topic, ["c"]).await;
    eventually("the next one is there", || seen.count() == 3).await;
    assert_eq!(seen.bodies(), ["a", "b", "c"]);

    consumer.shutdown(LIMIT).await.unwrap();
    let late = consumer.seek(&queue(0), SeekTo::Begin).await.unwrap_err();
    assert_eq!(late.kind(), ErrorKind::ShutDown);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_reset_to_a_time_before_the_first_message_goes_to_the_first_one() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    client.create_topic(&topic, 1).await.unwrap();
    send_all(&producer(&client), &topic, ["a", "b"]).await;
    let audit = client.pull_consumer(group("shop")).unwrap();
    let queue = audit.queues(&topic).await.unwrap().remove(0);
    audit.pull(&queue, QueueOffset(0)).await.map(drop).unwrap();
    audit.commit(&queue, QueueOffset(2)).await.unwrap();
    audit.shutdown().await;

    for time_ms in [0, 1] {
        let (admin, to) = (client.admin(), SeekTo::Time(time_ms));
        let done = admin.reset(&group("shop"), &topic, to, None).await.unwrap();
        assert_eq!(done.value[0].to, 0, "at {time_ms}");
    }

    assert_eq!(cluster.committed(&group("shop"), &topic).await, 0);
    cluster.end([], [client]).await;
}

/// Whoever has a queue after the reset reads it from there: no member commits its offset over the reset.
#[tokio::test]
async fn a_reset_counts_although_members_change_meanwhile() {
    let cluster = Cluster::start().await;
    let (first, second) = (cluster.client(), cluster.client());
    let topic = topic("orders");
    first.create_topic(&topic, 2).await.unwrap();
    let sender = producer(&first);
    let bodies = ["a", "b", "c", "d"];
    send_all(&sender, &topic, bodies).await;
    let seen = Seen::default();
    let join = async |client: &mq_core::client::Client| {
        let seen = seen.clone();
        let config: ConsumerConfig = from_the_beginning("shop");
        let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
        let listener = each(move |order: MessageExt| {
            seen.add(vec![order]);
            async {}
        });
        consumer.start(listener).await.unwrap()
    };
    let one = join(&first).await;
    eventually("all are there", || seen.count() == 4).await;

    let (admin, shop) = (first.admin(), group("shop"));
    let reset = admin.reset(&shop, &topic, SeekTo::Begin, None);
    let (done, two) = tokio::join!(reset, join(&second));
    assert_eq!(done.unwrap().value.len(), 2);
    // A pull that waits learns of the reset when it is answered.
    for id in [0, 1] {
        let queue = MessageQueue::new(topic.clone(), "broker-a", id);
        sender
            .send_to(message(&topic, "e"), &queue)
            .await
            .map(drop)
            .unwrap();
    }

    eventually("each came again", || {
        let seen = seen.bodies();
        let times = |body: &&str| seen.iter().filter(|one| one == body).count();
        bodies.iter().all(|body| times(body) >= 2) && times(&"e") >= 2
    })
    .await;
    cluster.end([one, two], [first, second]).await;
}

#[tokio::test]
async fn a_pull_by_a_condition_that_cannot_be_read_is_not_sent() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let audit = client.pull_consumer(group("audit")).unwrap();
    // The topic is not there, which nobody finds out.
    let queue = MessageQueue::new(topic("nowhere"), "broker-a", 0);

    let pull = audit.pull(&queue, QueueOffset(0));
    let malformed = pull.filter(SelectorType::Sql92, "total > 'ten'").await;

    let malformed = malformed.unwrap_err();
    assert_eq!(malformed.kind(), ErrorKind::Message);
    assert_eq!(
        malformed.to_string(),
        "the condition of the pull cannot be read: `>` compares numbers and properties, not a text at byte 8"
    );
    audit.shutdown().await;
    cluster.end([], [client]).await;
}

/// The groups have committed an offset whose message has expired since.
#[tokio::test]
async fn each_kind_of_consumer_goes_on_at_the_first_message_that_has_not_expired() {
    const START: i64 = 1_800_000_000_000;
    let clock = Clock::manual(START);
    let mut cluster = Cluster::by(&clock).await;
    let client = cluster.client();
    let topic = topic("orders");
    client.create_topic(&topic, 1).await.unwrap();
    let mut config = ProducerConfig::new(group("archive"));
    config.compress_body_over = usize::MAX;
    let sender = client.producer(config).unwrap();
    // More than one segment.
    for _ in 0..5 {
        let large = Message::new(topic.clone(), vec![b'x'; 4_000_000]);
        sender.send(large).await.map(drop).unwrap();
    }
    let queue = MessageQueue::new(topic.clone(), "broker-a", 0);
    for reader in ["concurrent", "orderly", "lite"] {
        let reader = client.pull_consumer(group(reader)).unwrap();
        reader.pull(&queue, QueueOffset(0)).await.map(drop).unwrap();
        reader.commit(&queue, QueueOffset(1)).await.unwrap();
        reader.shutdown().await;
    }
    client.shutdown(LIMIT).await.unwrap();
    let port = cluster.stop_broker().await;
    clock.set_wall(START + 73 * 60 * 60 * 1_000);
    cluster.start_broker_again(port).await;
    let removed = cluster.ask(DeleteExpiredCommitLog, Bytes::new()).await;
    removed.map(drop).unwrap();
    let client = cluster.client();

    let by_hand = client.pull_consumer(group("hand")).unwrap();
    let gone = by_hand.pull(&queue, QueueOffset(1)).await.unwrap();
    assert_eq!(gone.status, PullStatus::OffsetIllegal);
    let first = gone.min;
    assert!(first > QueueOffset(1) && gone.next == first, "{gone:?}");
    let found = by_hand.pull(&queue, gone.next).await.unwrap();
    assert_eq!(found.messages[0].queue_offset, first);

    let seen = [Seen::default(), Seen::default()];
    let builder = |name: &str| {
        let consumer = client.push_consumer(ConsumerConfig::new(group(name)));
        consumer.subscribe(topic.clone(), "*")
    };
    let concurrent = builder("concurrent").start(done(&seen[0])).await.unwrap();
    let orderly = InOrder(seen[1].clone(), |_: &MessageExt| OrderlyOutcome::Done);
    let orderly = builder("orderly").start_orderly(orderly).await.unwrap();
    eventually("both begin", || seen.iter().all(|seen| seen.count() > 0)).await;
    for seen in &seen {
        assert_eq!(seen.all()[0].queue_offset, first);
    }

    let lite = client.lite_pull_consumer(LitePullConfig::new(group("lite")));
    let lite = lite.subscribe(topic.clone(), "*").start().await.unwrap();
    let polled = lite.poll(LIMIT).await.unwrap();
    assert_eq!(polled[0].queue_offset, first);

    by_hand.shutdown().await;
    lite.shutdown(LIMIT).await.unwrap();
    cluster.end([concurrent, orderly], [client]).await;
}
