//! Queues that are read in the background: shared or chosen, in order, from where they are told, and
//! committed no further than what is finished.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use mq_core::client::{
    AssignError, Client, ErrorKind, LitePullConfig, LitePullConsumer, MessageModel, PollError,
    Producer, PullError, SeekError, SeekTo, StartError, StartFrom, Target,
};
use mq_core::clock::Clock;
use mq_core::message::{MessageExt, MessageQueue, QueueOffset, TopicName};
use parking_lot::Mutex;
use tracing::Level;

use crate::cluster::{Cluster, LIMIT, eventually, group, message, producer, send_all, topic};
use crate::lines::Lines;

const BRIEF: Duration = Duration::from_millis(50);

fn from_the_beginning(name: &str) -> LitePullConfig {
    let mut config = LitePullConfig::new(group(name));
    config.start_from = StartFrom::FirstOffset;
    config
}

async fn subscribed(
    client: &Client,
    config: LitePullConfig,
    topic: &TopicName,
) -> LitePullConsumer {
    let consumer = client.lite_pull_consumer(config);
    consumer
        .subscribe(topic.clone(), "*")
        .start()
        .await
        .unwrap()
}

fn body(message: &MessageExt) -> String {
    String::from_utf8_lossy(&message.message.body).into()
}

/// Polls until there are so many messages.
async fn polled(consumer: &LitePullConsumer, count: usize) -> Vec<String> {
    let mut bodies = Vec::new();
    let clock = Clock::system();
    let until = clock.moment().plus(LIMIT * 6);
    while bodies.len() < count {
        assert!(clock.moment() < until, "only {bodies:?}");
        let messages = consumer.poll(LIMIT).await.unwrap();
        bodies.extend(messages.iter().map(body));
    }
    bodies
}

async fn one_queue(client: &Client, topic: &TopicName) -> (Producer, MessageQueue) {
    client.create_topic(topic, 1).await.unwrap();
    let queue = MessageQueue::new(topic.clone(), "broker-a", 0);
    (producer(client), queue)
}

#[tokio::test]
async fn all_messages_come_and_each_queue_keeps_its_order_over_both_transports() {
    let cluster = Cluster::start().await;
    for (name, client) in [
        ("tcp", cluster.client()),
        ("within", cluster.client_within()),
    ] {
        let topic = topic(name);
        client.create_topic(&topic, 4).await.unwrap();
        let producer = producer(&client);
        for n in 0..40 {
            let target = Target::Hash((n % 4).to_string());
            let sent = producer.send_with(message(&topic, format!("{n:02}")), target, LIMIT);
            sent.await.map(drop).unwrap();
        }

        let consumer = subscribed(&client, from_the_beginning(name), &topic).await;
        let mut of_queues: BTreeMap<i32, Vec<String>> = BTreeMap::new();
        let mut count = 0;
        while count < 40 {
            let messages = consumer.poll(LIMIT).await.unwrap();
            assert!(messages.len() <= 10, "a poll gives a batch at most");
            count += messages.len();
            for message in messages {
                of_queues
                    .entry(message.queue_id)
                    .or_default()
                    .push(body(&message));
            }
        }

        assert_eq!(count, 40, "{name}");
        assert!(
            of_queues.values().all(|bodies| bodies.is_sorted()),
            "{of_queues:?}"
        );
        consumer.shutdown(LIMIT).await.unwrap();
        client.shutdown(LIMIT).await.unwrap();
    }
    cluster.stop().await;
}

#[tokio::test]
async fn what_polls_returned_is_committed_at_the_end_and_not_read_again() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let (producer, queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a", "b"]).await;
    let consumer = subscribed(&client, from_the_beginning("shop"), &topic).await;
    assert_eq!(polled(&consumer, 2).await, ["a", "b"]);
    assert_eq!(consumer.position(&queue), Some(QueueOffset(2)));

    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(cluster.committed(&group("shop"), &topic).await, 2);
    send_all(&producer, &topic, ["c"]).await;
    let again = subscribed(&client, from_the_beginning("shop"), &topic).await;

    assert_eq!(polled(&again, 1).await, ["c"]);
    again.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

/// As in Java, what the last poll returned may still be being worked on.
#[tokio::test]
async fn what_a_poll_returned_is_committed_after_the_next_one() {
    let cluster = Cluster::start().await;
    let (client, clock) = (cluster.client(), Clock::manual(0));
    let topic = topic("orders");
    let (producer, _queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a"]).await;
    let reading = cluster.client_by(&clock);
    let consumer = subscribed(&reading, from_the_beginning("shop"), &topic).await;
    assert_eq!(polled(&consumer, 1).await, ["a"]);
    let committed = async || {
        clock.advance(Duration::from_secs(6)).await;
        Clock::system().sleep(BRIEF).await;
        cluster.committed(consumer.group(), &topic).await
    };
    assert_eq!(committed().await, 0);

    assert!(consumer.poll(Duration::ZERO).await.unwrap().is_empty());

    let begun = Clock::system().moment();
    while committed().await != 1 {
        assert!(Clock::system().moment().since(begun) < LIMIT);
    }
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [reading, client]).await;
}

#[tokio::test]
async fn a_delivery_that_is_not_acknowledged_holds_the_position_and_comes_again() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let (producer, _queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a", "b", "c"]).await;
    let consumer = subscribed(&client, from_the_beginning("shop"), &topic).await;
    let mut deliveries = Vec::new();
    while deliveries.len() < 3 {
        deliveries.extend(consumer.receive(8, LIMIT).await.unwrap());
    }

    assert!(deliveries[0].ack());
    assert!(deliveries[2].ack());
    assert!(!deliveries[2].ack(), "once");
    consumer.commit().await.unwrap();
    assert_eq!(cluster.committed(consumer.group(), &topic).await, 1);
    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(cluster.committed(consumer.group(), &topic).await, 1);
    assert!(!deliveries[1].ack(), "it comes again already");

    let again = subscribed(&client, from_the_beginning("shop"), &topic).await;
    assert_eq!(polled(&again, 2).await, ["b", "c"]);
    again.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn without_auto_commit_only_a_commit_commits() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let (producer, queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a", "b"]).await;
    let by_hand = || {
        let mut config = from_the_beginning("shop");
        config.auto_commit = None;
        config
    };
    let consumer = subscribed(&client, by_hand(), &topic).await;
    assert_eq!(polled(&consumer, 2).await, ["a", "b"]);
    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(cluster.committed(&group("shop"), &topic).await, 0);

    let consumer = subscribed(&client, by_hand(), &topic).await;
    assert_eq!(polled(&consumer, 2).await, ["a", "b"]);
    consumer.commit().await.unwrap();
    assert_eq!(cluster.committed(&group("shop"), &topic).await, 2);
    consumer.commit_to(&queue, QueueOffset(1)).await.unwrap();
    assert_eq!(cluster.committed(&group("shop"), &topic).await, 1);
    let elsewhere = MessageQueue::new(topic.clone(), "broker-a", 7);
    let refused = consumer.commit_to(&elsewhere, QueueOffset(0)).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Refused);
    consumer.shutdown(LIMIT).await.unwrap();
    let late = consumer.commit_to(&queue, QueueOffset(2)).await;
    assert_eq!(late.unwrap_err().kind(), ErrorKind::ShutDown);
    assert_eq!(cluster.committed(&group("shop"), &topic).await, 1);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_seek_goes_to_an_offset_the_ends_and_a_time() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("history");
    let (producer, queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a", "b", "c"]).await;
    let consumer = subscribed(&client, from_the_beginning("shop"), &topic).await;
    assert_eq!(polled(&consumer, 3).await, ["a", "b", "c"]);
    eventually("it waits for more", || cluster.waiting_pulls() == 1).await;

    // The pull that waits at the broker ends at once, or this would take as long as it may wait.
    consumer.seek(&queue, QueueOffset(1)).await.unwrap();
    assert_eq!(polled(&consumer, 2).await, ["b", "c"]);
    consumer.seek(&queue, SeekTo::Begin).await.unwrap();
    assert_eq!(polled(&consumer, 3).await, ["a", "b", "c"]);
    consumer.seek(&queue, SeekTo::Time(0)).await.unwrap();
    assert_eq!(polled(&consumer, 3).await, ["a", "b", "c"]);
    for nothing_there in [SeekTo::Time(i64::MAX), SeekTo::End] {
        consumer.seek(&queue, SeekTo::Begin).await.unwrap();
        consumer.seek(&queue, nothing_there).await.unwrap();
        assert_eq!(consumer.position(&queue), Some(QueueOffset(3)));
        assert!(consumer.poll(BRIEF).await.unwrap().is_empty());
    }

    let beyond = consumer.seek(&queue, QueueOffset(4)).await.unwrap_err();
    assert_eq!(
        beyond.to_string(),
        format!("there is no offset 4 in {queue}: it has 0 to 3")
    );
    let elsewhere = MessageQueue::new(topic.clone(), "broker-a", 1);
    let nowhere = consumer.seek(&elsewhere, SeekTo::Begin).await.unwrap_err();
    assert!(matches!(nowhere, SeekError::NotAssigned(_)), "{nowhere}");
    assert_eq!(consumer.position(&elsewhere), None);
    send_all(&producer, &topic, ["d"]).await;
    assert_eq!(polled(&consumer, 1).await, ["d"]);
    consumer.shutdown(LIMIT).await.unwrap();
    let late = consumer.seek(&queue, SeekTo::Begin).await.unwrap_err();
    assert!(matches!(late, SeekError::ShutDown), "{late}");
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_delivery_from_before_a_seek_does_not_count() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("history");
    let (producer, queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a"]).await;
    let consumer = subscribed(&client, from_the_beginning("shop"), &topic).await;
    let delivery = consumer.receive(1, LIMIT).await.unwrap().pop().unwrap();
    assert_eq!(delivery.queue(), &queue);

    consumer.seek(&queue, SeekTo::Begin).await.unwrap();

    assert!(!delivery.ack());
    consumer.commit().await.unwrap();
    assert_eq!(cluster.committed(consumer.group(), &topic).await, 0);
    assert_eq!(polled(&consumer, 1).await, ["a"]);
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_paused_queue_hands_nothing_over_until_it_is_resumed() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let (producer, queue) = one_queue(&client, &topic).await;
    let mut config = from_the_beginning("shop");
    config.pull_batch_size = 1;
    let consumer = subscribed(&client, config, &topic).await;
    send_all(&producer, &topic, ["a", "b", "c"]).await;
    assert_eq!(polled(&consumer, 1).await, ["a"]);

    consumer.pause(std::slice::from_ref(&queue));
    assert!(consumer.poll(BRIEF).await.unwrap().is_empty());
    send_all(&producer, &topic, ["d"]).await;
    assert!(consumer.poll(BRIEF).await.unwrap().is_empty());

    consumer.resume(&[queue]);
    assert_eq!(polled(&consumer, 3).await, ["b", "c", "d"]);
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_poll_waits_as_long_as_it_may_and_fails_after_a_shutdown() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let (producer, _queue) = one_queue(&client, &topic).await;
    let consumer = subscribed(&client, from_the_beginning("shop"), &topic).await;
    let clock = Clock::system();

    let begun = clock.moment();
    assert!(consumer.poll(BRIEF).await.unwrap().is_empty());
    assert!(clock.moment().since(begun) >= BRIEF);
    let sending = send_all(&producer, &topic, ["a"]);
    let (polled, ()) = tokio::join!(consumer.poll(LIMIT * 6), sending);
    assert_eq!(polled.unwrap().len(), 1);

    let (polled, ended) = tokio::join!(consumer.poll(LIMIT * 6), consumer.shutdown(LIMIT));
    ended.unwrap();
    assert_eq!(polled, Err(PollError::ShutDown));
    assert_eq!(consumer.poll(LIMIT).await, Err(PollError::ShutDown));
    let received = consumer.receive(1, LIMIT).await;
    assert!(matches!(received, Err(PollError::ShutDown)));
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn streams_give_messages_one_by_one_and_end_with_the_consumer() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    let (producer, _queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a", "b", "c", "d"]).await;
    let consumer = subscribed(&client, from_the_beginning("shop"), &topic).await;

    let mut messages = consumer.messages();
    for expected in ["a", "b"] {
        assert_eq!(body(&messages.next().await.unwrap()), expected);
    }
    drop(messages);
    // `b` was not finished: nobody asked for the one behind it.
    consumer.commit().await.unwrap();
    assert_eq!(cluster.committed(consumer.group(), &topic).await, 1);
    let mut deliveries = consumer.deliveries();
    for expected in ["c", "d"] {
        let delivery = deliveries.next().await.unwrap();
        assert_eq!(body(&delivery.message), expected);
        assert!(delivery.ack());
    }
    consumer.shutdown(LIMIT).await.unwrap();

    assert!(deliveries.next().await.is_none());
    assert_eq!(cluster.committed(consumer.group(), &topic).await, 1);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn chosen_queues_are_read_whatever_other_members_do_and_can_be_changed() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    client.create_topic(&topic, 2).await.unwrap();
    let producer = producer(&client);
    let queue = |id| MessageQueue::new(topic.clone(), "broker-a", id);
    for id in [0, 1] {
        let sent = message(&topic, format!("to {id}"));
        let sent = producer.send_with(sent, Target::Queue(queue(id)), LIMIT);
        sent.await.map(drop).unwrap();
    }
    let other = cluster.client();
    let member = subscribed(&other, from_the_beginning("shop"), &topic).await;
    let reading = cluster.client();
    let consumer = reading.lite_pull_consumer(from_the_beginning("shop"));
    let consumer = consumer.start_with([queue(1)]).await.unwrap();

    assert_eq!(polled(&consumer, 1).await, ["to 1"]);
    assert_eq!(consumer.assignment(), [queue(1)]);
    consumer.assign([queue(0)]).await.unwrap();
    assert_eq!(consumer.assignment(), [queue(0)]);
    assert_eq!(polled(&consumer, 1).await, ["to 0"]);
    let refused = member.assign([queue(0)]).await;
    assert_eq!(refused, Err(AssignError::StillSubscribed));
    consumer.shutdown(LIMIT).await.unwrap();
    let late = consumer.assign([queue(0)]).await;
    assert_eq!(late, Err(AssignError::ShutDown));
    member.shutdown(LIMIT).await.unwrap();
    cluster.end([], [reading, other, client]).await;
}

/// They were given up and taken at the next round, and what had been fetched was still handed over.
#[tokio::test]
async fn queues_that_are_assigned_are_taken_and_the_others_given_up_at_once() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    client.create_topic(&topic, 2).await.unwrap();
    let producer = producer(&client);
    let queue = |id| MessageQueue::new(topic.clone(), "broker-a", id);
    for id in [0, 0, 0, 1] {
        let target = Target::Queue(queue(id));
        let sent = producer.send_with(message(&topic, format!("to {id}")), target, LIMIT);
        sent.await.map(drop).unwrap();
    }
    let reading = cluster.client();
    let consumer = reading.lite_pull_consumer(from_the_beginning("shop"));
    let consumer = consumer.start_with([queue(0)]).await.unwrap();
    let first = consumer.receive(1, LIMIT).await.unwrap();
    assert!(first[0].ack());

    consumer.assign([queue(1)]).await.unwrap();

    assert_eq!(consumer.assignment(), [queue(1)]);
    assert_eq!(consumer.position(&queue(0)), None);
    assert_eq!(consumer.position(&queue(1)), Some(QueueOffset(0)));
    assert_eq!(cluster.committed(consumer.group(), &topic).await, 1);
    assert_eq!(polled(&consumer, 1).await, ["to 1"]);
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [reading, client]).await;
}

/// `commit` said `Ok` and only the log knew.
#[tokio::test]
async fn a_commit_of_a_broadcasting_consumer_whose_file_cannot_be_written_is_an_error() {
    let (lines, _listening) = Lines::listen("mq_core::client");
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("news");
    let (producer, queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a"]).await;
    let home = tempfile::tempdir().unwrap();
    let mut config = from_the_beginning("readers");
    config.message_model = MessageModel::Broadcasting;
    config.offset_directory = Some(home.path().join("offsets"));
    let consumer = subscribed(&client, config, &topic).await;
    assert_eq!(polled(&consumer, 1).await, ["a"]);
    // A file where the directory has to be.
    let in_the_way = home.path().join("offsets");
    File::create(&in_the_way).unwrap();

    for refused in [
        consumer.commit().await.unwrap_err(),
        consumer
            .commit_to(&queue, QueueOffset(0))
            .await
            .unwrap_err(),
    ] {
        assert!(matches!(refused, PullError::Offsets(_)), "{refused}");
        assert_eq!(refused.kind(), ErrorKind::Disk);
        let said = "could not save the offsets of a broadcasting group: could not create `";
        assert!(refused.to_string().starts_with(said), "{refused}");
    }
    std::fs::remove_file(&in_the_way).unwrap();
    consumer.commit().await.unwrap();
    assert!(in_the_way.is_dir());
    std::fs::remove_dir_all(&in_the_way).unwrap();
    File::create(&in_the_way).unwrap();
    send_all(&producer, &topic, ["b"]).await;
    assert_eq!(polled(&consumer, 1).await, ["b"]);
    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(
        lines.count(
            Level::ERROR,
            "the offsets of the broadcasting group are not saved"
        ),
        1
    );
    cluster.end([], [client]).await;
}

/// Where to start was looked up first, and a seek meanwhile was refused.
#[tokio::test]
async fn a_chosen_queue_can_be_moved_before_it_is_read() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("history");
    let (producer, queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a", "b", "c"]).await;
    let reading = cluster.client();
    let consumer = reading.lite_pull_consumer(from_the_beginning("shop"));
    let consumer = consumer.start_with([queue.clone()]).await.unwrap();

    consumer.seek(&queue, QueueOffset(2)).await.unwrap();

    let after_the_seek = polled(&consumer, 1).await;
    assert_eq!(after_the_seek, ["c"]);
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [reading, client]).await;
}

#[tokio::test]
async fn members_share_the_queues_and_one_that_leaves_gives_them_back() {
    let cluster = Cluster::start().await;
    let (first, second) = (cluster.client(), cluster.client());
    let topic = topic("orders");
    first.create_topic(&topic, 4).await.unwrap();
    let producer = producer(&first);
    let one = subscribed(&first, from_the_beginning("shop"), &topic).await;
    eventually("it has all queues", || one.assignment().len() == 4).await;

    let two = subscribed(&second, from_the_beginning("shop"), &topic).await;
    eventually("each has two", || {
        one.assignment().len() == 2 && two.assignment().len() == 2
    })
    .await;
    let bodies: Vec<_> = (0..20).map(|n| format!("{n:02}")).collect();
    send_all(&producer, &topic, &bodies).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let read = async |consumer: &LitePullConsumer| {
        while seen.lock().len() < 20 {
            let messages = consumer.poll(BRIEF).await.unwrap();
            seen.lock().extend(messages.iter().map(body));
        }
    };
    tokio::join!(read(&one), read(&two));
    let mut all = seen.lock().clone();
    all.sort();
    assert_eq!(all, bodies);

    two.shutdown(LIMIT).await.unwrap();
    eventually("it has all queues again", || one.assignment().len() == 4).await;
    one.shutdown(LIMIT).await.unwrap();
    cluster.end([], [first, second]).await;
}

#[tokio::test]
async fn a_group_that_is_reset_at_the_broker_reads_again_from_there() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("history");
    let (producer, _queue) = one_queue(&client, &topic).await;
    send_all(&producer, &topic, ["a", "b", "c"]).await;
    let consumer = subscribed(&client, from_the_beginning("historian"), &topic).await;
    assert_eq!(polled(&consumer, 3).await, ["a", "b", "c"]);

    let reset = cluster.reset(&topic, consumer.group(), 0, 1);
    reset.await.unwrap();
    // The pull that waits is answered with it, and the next one learns of the reset.
    send_all(&producer, &topic, ["d"]).await;

    let after = polled(&consumer, 3).await;
    assert!(
        after.ends_with(&["b".into(), "c".into(), "d".into()]) || after[0] == "d",
        "{after:?}"
    );
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn what_cannot_start_says_why() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let builder = || client.lite_pull_consumer(from_the_beginning("shop"));

    let nothing = builder().start().await.unwrap_err();
    assert!(
        matches!(nothing, StartError::NoSubscription(_)),
        "{nothing}"
    );
    let no_tag = builder().subscribe(topic("orders"), "||").start().await;
    let no_tag = no_tag.unwrap_err();
    assert_eq!(
        no_tag.to_string(),
        "the subscription of topic `orders` is invalid: the tag expression `||` names no tag"
    );
    assert!(matches!(no_tag, StartError::Subscription(_)), "{no_tag}");
    let half = builder()
        .subscribe(topic("orders"), "paid ||")
        .start()
        .await;
    let half = half.unwrap_err().to_string();
    assert!(
        half.contains("`paid ||` is malformed: a tag is missing"),
        "{half}"
    );
    let running = subscribed(&client, from_the_beginning("shop"), &topic("orders")).await;
    let taken = builder().subscribe(topic("orders"), "*").start().await;
    let taken = taken.unwrap_err();
    assert!(matches!(taken, StartError::GroupTaken { .. }), "{taken}");
    running.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_queue_that_cannot_be_committed_keeps_no_other_from_it() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (gone, kept) = (topic("a-gone"), topic("b-kept"));
    let (producer, _) = one_queue(&client, &gone).await;
    client.create_topic(&kept, 1).await.unwrap();
    send_all(&producer, &gone, ["1"]).await;
    send_all(&producer, &kept, ["1", "2"]).await;
    let mut config = from_the_beginning("shop");
    config.auto_commit = None;
    let consumer = client
        .lite_pull_consumer(config)
        .subscribe(gone.clone(), "*");
    let consumer = consumer.subscribe(kept.clone(), "*").start().await.unwrap();
    polled(&consumer, 3).await;
    client.admin().delete_topic(&gone).await.unwrap();

    let error = consumer.commit().await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Refused);
    assert_eq!(cluster.committed(consumer.group(), &kept).await, 2);
    consumer.shutdown(LIMIT).await.unwrap();
    cluster.end([], [client]).await;
}
