//! What can be done with a push consumer while it runs: pause it, resume it, move it, look at it.

use std::time::Duration;

use mq_core::client::{
    ConsumerStatus, OrderlyOutcome, PushConsumer, QueueStatus, SeekError, SeekTo, StartError,
};
use mq_core::clock::Clock;
use mq_core::message::{MessageExt, MessageQueue, QueueOffset};

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, one_queue_of, producer, send_all, topic,
};
use crate::listeners::{InOrder, Seen, consuming, done};

async fn nothing_more_comes(seen: &Seen) {
    let before = seen.count();
    Clock::system().sleep(Duration::from_millis(100)).await;
    assert_eq!(seen.count(), before);
}

#[tokio::test]
async fn a_paused_consumer_keeps_its_queues_and_gets_nothing_until_it_is_resumed() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let producer = producer(&client);
    for in_order in [false, true] {
        let topic = topic(if in_order { "in-order" } else { "in-no-order" });
        client.create_topic(&topic, 1).await.unwrap();
        send_all(&producer, &topic, ["a"]).await;
        let seen = Seen::default();
        let consumer = client
            .push_consumer(from_the_beginning(topic.as_str()))
            .subscribe(topic.clone(), "*");
        let consumer = if in_order {
            let done = |_: &MessageExt| OrderlyOutcome::Done;
            consumer.start_orderly(InOrder(seen.clone(), done)).await
        } else {
            consumer.start(done(&seen)).await
        };
        let consumer = consumer.unwrap();
        eventually("the first is there", || seen.count() == 1).await;

        consumer.pause();
        assert!(consumer.status().is_paused);
        send_all(&producer, &topic, ["b", "c"]).await;
        nothing_more_comes(&seen).await;
        assert!(
            consumer
                .assignment()
                .iter()
                .any(|queue| queue.topic == topic)
        );

        consumer.resume();
        assert!(!consumer.status().is_paused);
        eventually("the others are there", || seen.count() == 3).await;
        assert_eq!(seen.bodies(), ["a", "b", "c"]);
        consumer.pause();
        consumer.shutdown(LIMIT).await.unwrap();
    }
    cluster.end([], [client]).await;
}

fn status_of(consumer: &PushConsumer, queue: &MessageQueue) -> Option<QueueStatus> {
    let ConsumerStatus { queues, .. } = consumer.status();
    queues.into_iter().find(|status| status.queue == *queue)
}

#[tokio::test]
async fn a_running_consumer_is_moved_and_says_how_far_it_is() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (topic, producer) = one_queue_of(&client, "history", ["a", "b", "c"]).await;
    let queue = MessageQueue::new(topic.clone(), "broker-a", 0);
    let seen = Seen::default();
    let consumer = consuming(&client, "historian", &topic, &seen).await;
    let is_at = |offset| {
        let status = status_of(&consumer, &queue);
        status.is_some_and(|status| status.position == QueueOffset(offset) && status.held == 0)
    };
    eventually("all are done", || is_at(3)).await;
    assert_eq!(status_of(&consumer, &queue).unwrap().is_locked, None);

    consumer.seek(&queue, QueueOffset(1)).await.unwrap();
    eventually("the later ones come again", || seen.count() == 5).await;
    consumer.seek(&queue, SeekTo::Begin).await.unwrap();
    eventually("all come again", || seen.count() == 8).await;
    assert_eq!(seen.bodies()[3..5], ["b", "c"]);
    consumer.pause();
    send_all(&producer, &topic, ["passed over"]).await;
    consumer.seek(&queue, SeekTo::End).await.unwrap();
    eventually("it is at the end", || is_at(4)).await;
    consumer.resume();
    send_all(&producer, &topic, ["d"]).await;
    eventually("the next one comes", || seen.bodies().contains(&"d".into())).await;
    assert!(!seen.bodies().contains(&"passed over".into()));

    let beyond = consumer.seek(&queue, QueueOffset(9)).await.unwrap_err();
    assert!(matches!(beyond, SeekError::OutOfRange { .. }), "{beyond}");
    let elsewhere = MessageQueue::new(topic.clone(), "broker-a", 7);
    let nowhere = consumer.seek(&elsewhere, SeekTo::Begin).await.unwrap_err();
    assert!(matches!(nowhere, SeekError::NotAssigned(_)), "{nowhere}");
    consumer.shutdown(LIMIT).await.unwrap();
    let late = consumer.seek(&queue, SeekTo::Begin).await.unwrap_err();
    assert!(matches!(late, SeekError::ShutDown), "{late}");
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn what_a_paused_consumer_holds_is_left_for_the_next() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (topic, producer) = one_queue_of(&client, "orders", [""; 0]).await;
    let (first, second) = (Seen::default(), Seen::default());
    let consumer = consuming(&client, "shop", &topic, &first).await;
    eventually("it pulls", || cluster.waiting_pulls() > 0).await;
    consumer.pause();
    send_all(&producer, &topic, ["a"]).await;
    nothing_more_comes(&first).await;
    consumer.shutdown(LIMIT).await.unwrap();

    let consumer = consuming(&client, "shop", &topic, &second).await;

    eventually("the next one has it", || second.count() == 1).await;
    assert_eq!(first.count(), 0);
    cluster.end([consumer], [client]).await;
}

/// It took the consumer out of the client that had been started for the group since.
#[tokio::test]
async fn a_second_shutdown_leaves_a_later_consumer_of_the_group_alone() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("orders");
    client.create_topic(&topic, 1).await.unwrap();
    let start = async || {
        let consumer = client.push_consumer(from_the_beginning("shop"));
        let consumer = consumer.subscribe(topic.clone(), "*");
        consumer.start(done(&Seen::default())).await
    };
    let first = start().await.unwrap();
    first.shutdown(LIMIT).await.unwrap();
    let second = start().await.unwrap();

    first.shutdown(LIMIT).await.unwrap();

    let third = start().await.unwrap_err();
    assert!(matches!(third, StartError::GroupTaken { .. }), "{third}");
    cluster.end([second], [client]).await;
}
