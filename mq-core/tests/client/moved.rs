//! Groups that an administrator moves: to an end, beyond it, to a queue that is not there, and by a copy.

use std::sync::Arc;

use bytes::Bytes;
use mq_core::client::{Client, SeekTo};
use mq_core::message::{QueueOffset, TopicName};
use mq_core::wire::ResponseCode;
use mq_core::wire::header::GetAllConsumerOffset;
use tokio::sync::Semaphore;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, group, one_queue_of, send_all,
};
use crate::listeners::{Gate, Seen, consuming};

/// A topic of one queue with these messages, all consumed by a group that has left.
async fn consumed(cluster: &Cluster, client: &Client, name: &str, bodies: &[&str]) -> TopicName {
    let (topic, _) = one_queue_of(client, name, bodies.iter().copied()).await;
    consume_all(cluster, client, &topic, "historian", bodies.len()).await;
    topic
}

async fn consume_all(
    cluster: &Cluster,
    client: &Client,
    topic: &TopicName,
    name: &str,
    count: usize,
) {
    let seen = Seen::default();
    let consumer = consuming(client, name, topic, &seen).await;
    eventually("all are there", || seen.count() == count).await;
    consumer.shutdown(LIMIT).await.unwrap();
    let end = i64::try_from(count).unwrap();
    assert_eq!(cluster.committed(&group(name), topic).await, end);
}

/// It held them all already and pulled from the end, so that the reset seemed to be reached.
#[tokio::test]
async fn a_reset_to_the_end_drops_what_a_member_holds() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let (topic, producer) = one_queue_of(&client, "history", (0..20).map(|n| n.to_string())).await;
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let mut config = from_the_beginning("historian");
    config.consume_threads = 1;
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let listener = Gate(seen.clone(), Arc::clone(&gate));
    let consumer = consumer.start(listener).await.unwrap();
    eventually("the first is handled", || seen.count() == 1).await;
    eventually("the others are held", || {
        let queues = consumer.status().queues;
        queues.iter().any(|queue| queue.held == 20)
    })
    .await;
    eventually("a pull waits at the end", || cluster.waiting_pulls() == 1).await;

    cluster
        .reset(&topic, consumer.group(), 0, 20)
        .await
        .unwrap();

    eventually("the member knows", || {
        let queues = consumer.status().queues;
        queues
            .iter()
            .any(|queue| queue.position == QueueOffset(20) && queue.held == 0)
    })
    .await;
    gate.add_permits(100);
    send_all(&producer, &topic, ["new"]).await;
    eventually("the new one comes", || {
        seen.bodies().contains(&"new".to_owned())
    })
    .await;
    assert_eq!(seen.bodies(), ["0", "new"]);
    cluster.end([consumer], [client]).await;
}

#[tokio::test]
async fn one_beyond_the_end_is_the_end() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = consumed(&cluster, &client, "history", &["a", "b", "c"]).await;

    cluster
        .reset(&topic, &group("historian"), 0, 4)
        .await
        .unwrap();

    assert_eq!(cluster.committed(&group("historian"), &topic).await, 3);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn a_queue_that_is_not_there_has_no_offset_afterwards() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = consumed(&cluster, &client, "history", &["a"]).await;

    let refused = cluster
        .reset(&topic, &group("historian"), 2_000_000_000, 0)
        .await;

    let refused = refused.unwrap_err();
    assert_eq!(
        refused.refusal().unwrap().code,
        ResponseCode::INVALID_PARAMETER
    );
    let all = cluster
        .ask(GetAllConsumerOffset, Bytes::new())
        .await
        .unwrap();
    assert!(!String::from_utf8_lossy(&all.body).contains("2000000000"));
    cluster.end([], [client]).await;
}

/// A negative time means the end on the wire.
#[tokio::test]
async fn a_time_before_1970_is_the_beginning() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = consumed(&cluster, &client, "history", &["a", "b"]).await;

    let to = SeekTo::Time(-5);
    let moved = client
        .admin()
        .reset(&group("historian"), &topic, to, None)
        .await;

    assert_eq!(moved.unwrap().value[0].to, 0);
    assert_eq!(cluster.committed(&group("historian"), &topic).await, 0);
    cluster.end([], [client]).await;
}

/// Commits are ignored until a member knows of the reset, and a copy was one.
#[tokio::test]
async fn a_group_that_was_reset_takes_the_offsets_of_another() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = consumed(&cluster, &client, "history", &["a", "b", "c"]).await;
    consume_all(&cluster, &client, &topic, "copy", 3).await;
    let admin = client.admin();
    let (from, to) = (group("historian"), group("copy"));
    admin.reset(&to, &topic, SeekTo::Begin, None).await.unwrap();

    admin.clone_offsets(&from, &to, None).await.unwrap();

    assert_eq!(cluster.committed(&to, &topic).await, 3);
    cluster.end([], [client]).await;
}
