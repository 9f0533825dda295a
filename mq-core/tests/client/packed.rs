//! Bodies that other clients have packed: unpacked before a listener gets them, or kept from it.

use bytes::Bytes;
use mq_core::client::{MessageModel, OrderlyOutcome};
use mq_core::clock::Clock;
use mq_core::message::{Compression, MessageExt, SysFlag, TopicName, compression, property};
use mq_core::wire::header::{SendBatchMessage, SendMessage};

use crate::cluster::{Cluster, LIMIT, eventually, from_the_beginning, group, topic};
use crate::listeners::{InOrder, Seen, done};

const ALL: [Compression; 3] = [Compression::Zlib, Compression::Lz4, Compression::Zstd];

fn packed_by(kind: Compression) -> SysFlag {
    SysFlag::default().compressed_by(kind)
}

fn header(topic: &TopicName, flag: SysFlag) -> SendMessage {
    SendMessage {
        producer_group: "others".into(),
        topic: topic.to_text(),
        default_topic: "TBW102".into(),
        default_topic_queue_nums: 1,
        queue_id: 0,
        sys_flag: flag.0,
        ..SendMessage::default()
    }
}

/// Sends a body as it is, said to be packed as `flag` says.
async fn send(cluster: &Cluster, topic: &TopicName, flag: SysFlag, body: impl Into<Bytes>) {
    let sent = cluster.ask(header(topic, flag), body.into()).await;
    sent.map(drop).unwrap();
}

/// Bodies that nobody can unpack.
fn unreadable() -> Vec<(SysFlag, Bytes)> {
    let garbage = |flag| (flag, Bytes::from_static(b"no such thing"));
    let mut all: Vec<_> = ALL.map(|kind| garbage(packed_by(kind))).into();
    all.push(garbage(SysFlag(0x701)));
    all
}

/// The dead letters of `name`, as soon as there are `count`.
async fn dead_letters(cluster: &Cluster, name: &str, count: usize) -> Vec<MessageExt> {
    let clock = Clock::system();
    let begun = clock.moment();
    let topic = TopicName::dead_letters_of(&group(name));
    loop {
        let found = cluster.everything(&topic).await;
        if found.len() >= count {
            return found;
        }
        let waited = clock.moment().since(begun);
        assert!(waited < LIMIT * 4, "{} of {count}", found.len());
        clock.sleep(std::time::Duration::from_millis(10)).await;
    }
}

/// A body packed by a kind that was not known came to the listener as it was.
#[tokio::test]
async fn bodies_of_every_kind_are_unpacked_single_and_in_a_batch() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("packed");
    let mut expected = Vec::new();
    for kind in ALL {
        let body = format!("{kind:?} ").repeat(2000);
        let packed = compression::pack(body.as_bytes(), kind, 5).unwrap();
        send(&cluster, &topic, packed_by(kind), packed).await;
        expected.push(body);
    }
    let mut batch = Vec::new();
    for body in ["one", "two"] {
        let packed = compression::pack(body.as_bytes(), Compression::Zstd, 5).unwrap();
        let length = u32::try_from(packed.len()).unwrap();
        batch.extend((22 + length).to_be_bytes());
        batch.extend([0; 12]);
        batch.extend(length.to_be_bytes());
        batch.extend(&packed);
        batch.extend([0; 2]);
        expected.push(body.to_owned());
    }
    let header = header(&topic, packed_by(Compression::Zstd));
    let sent = cluster.ask(SendBatchMessage(header), batch.into()).await;
    sent.map(drop).unwrap();

    let seen = Seen::default();
    let consumer = client
        .push_consumer(from_the_beginning("unpackers"))
        .subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("all are there", || seen.count() >= expected.len()).await;

    expected.sort();
    assert_eq!(seen.sorted_bodies(), expected);
    cluster.end([consumer], [client]).await;
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_a_dead_letter_and_never_handed_over() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("foreign");
    let bodies = unreadable();
    for (flag, body) in &bodies {
        send(&cluster, &topic, *flag, body.clone()).await;
    }
    send(&cluster, &topic, SysFlag::default(), "plain").await;

    let seen = Seen::default();
    let mut config = from_the_beginning("readers");
    config.consume_batch_size = 4;
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    let dead = dead_letters(&cluster, "readers", 4).await;
    eventually("the others are there", || seen.count() == 1).await;

    assert_eq!(seen.bodies(), ["plain"]);
    let mut kept: Vec<_> = dead
        .iter()
        .map(|message| (message.sys_flag.packing().0, message.message.body.clone()))
        .collect();
    let mut expected: Vec<_> = bodies
        .into_iter()
        .map(|(flag, body)| (flag.0, body))
        .collect();
    kept.sort();
    expected.sort();
    assert_eq!(kept, expected);
    for message in dead {
        let reason = message.message.properties.get(property::DLQ_REASON);
        let reason = reason.unwrap_or_default();
        let said = ["cannot be decompressed", "unknown compression type"];
        assert!(said.iter().any(|said| reason.contains(said)), "{reason}");
    }
    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(cluster.committed(&group("readers"), &topic).await, 5);
    cluster.end([], [client]).await;
}

#[tokio::test]
async fn in_order_too_the_queue_goes_on_behind_what_cannot_be_unpacked() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("sequence");
    send(&cluster, &topic, SysFlag::default(), "before").await;
    for _ in 0..2 {
        send(&cluster, &topic, packed_by(Compression::Zstd), "damaged").await;
    }
    send(&cluster, &topic, SysFlag::default(), "after").await;

    let seen = Seen::default();
    let listener = InOrder(seen.clone(), |_: &MessageExt| OrderlyOutcome::Done);
    let mut config = from_the_beginning("sequential");
    config.consume_batch_size = 4;
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();
    eventually("the queue goes on", || seen.count() >= 2).await;

    assert_eq!(seen.bodies(), ["before", "after"]);
    assert_eq!(dead_letters(&cluster, "sequential", 2).await.len(), 2);
    cluster.end([consumer], [client]).await;
}

#[tokio::test]
async fn a_broadcast_that_cannot_be_unpacked_is_passed_by() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("noise");
    send(&cluster, &topic, packed_by(Compression::Lz4), "damaged").await;
    send(&cluster, &topic, SysFlag::default(), "after").await;
    let home = tempfile::tempdir().unwrap();
    let mut config = from_the_beginning("all");
    config.message_model = MessageModel::Broadcasting;
    config.offset_directory = Some(home.path().to_owned());

    for body in ["after", "last"] {
        let seen = Seen::default();
        let consumer = client
            .push_consumer(config.clone())
            .subscribe(topic.clone(), "*");
        let consumer = consumer.start(done(&seen)).await.unwrap();
        eventually("one is there", || seen.count() == 1).await;
        assert_eq!(seen.bodies(), [body]);
        consumer.shutdown(LIMIT).await.unwrap();
        send(&cluster, &topic, SysFlag::default(), "last").await;
    }
    cluster.end([], [client]).await;
}
