//! The order of a queue, while its owner changes, dies or fails, and while the broker restarts.

use std::collections::{BTreeMap, BTreeSet};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mq_core::client::{Client, ClientConfig, OrderlyOutcome, PushConsumer};
use mq_core::clock::Clock;
use mq_core::message::{MessageExt, TopicName};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Semaphore;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, in_time, message, producer, send_all, topic,
};
use crate::listeners::{Gate, InOrder, Seen};

/// A program with one member of the group.
#[derive(Clone)]
struct Program {
    names_at: String,
    clock: Clock,
    topic: TopicName,
    seen: Seen,
}

impl Program {
    async fn start(&self, name: &str) -> (Client, PushConsumer) {
        let mut config = ClientConfig::new([self.names_at.clone()]);
        config.instance_name = Some(name.to_owned());
        let client = Client::new(config, self.clock.clone()).unwrap();
        let consumer = client.push_consumer(from_the_beginning("keeps-order"));
        let consumer = consumer.subscribe(self.topic.clone(), "*");
        let listener = InOrder(self.seen.clone(), |_: &MessageExt| OrderlyOutcome::Done);
        let consumer = consumer.start_orderly(listener).await.unwrap();
        (client, consumer)
    }

    /// The same in a runtime of its own: whoever shuts that down kills the member, which gives up no lock
    /// and commits nothing.
    fn start_to_be_killed(&self, name: &'static str) -> Runtime {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build().unwrap();
        let program = self.clone();
        runtime.spawn(async move {
            let _running = program.start(name).await;
            pending::<()>().await;
        });
        runtime
    }
}

/// How many different messages have come.
fn different(seen: &Seen) -> usize {
    let places = seen.all();
    let places = places.iter().map(|one| (one.queue_id, one.queue_offset));
    places.collect::<BTreeSet<_>>().len()
}

/// A message may come again, with all behind it; none may come before the one before it.
fn assert_in_order(seen: &Seen) {
    let mut next: BTreeMap<i32, u64> = BTreeMap::new();
    for message in seen.all() {
        let (queue, offset) = (message.queue_id, message.queue_offset.0);
        let expected = next.entry(queue).or_default();
        assert!(
            offset <= *expected,
            "queue {queue}: {offset} before {expected}"
        );
        *expected = offset + 1;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn order_is_kept_while_members_come_and_die_and_the_broker_restarts() {
    let clock = Clock::manual(Clock::system().now_ms());
    let mut cluster = Cluster::by(&clock).await;
    let sender = cluster.client();
    let topic = topic("kept-in-order");
    sender.create_topic(&topic, 4).await.unwrap();
    let producer = producer(&sender);
    let send_forty = async || {
        for step in 0..40 {
            let key = format!("key-{}", step % 8);
            let sent = producer.send_by_hash(message(&topic, "x"), &key).await;
            sent.map(drop).unwrap();
        }
    };
    let program = Program {
        names_at: cluster.names_at().to_owned(),
        clock: clock.clone(),
        topic: topic.clone(),
        seen: Seen::default(),
    };
    let seen = &program.seen;

    let (client, first) = program.start("1").await;
    send_forty().await;
    in_time(&clock, "one member has all", || different(seen) == 40).await;

    let second = program.start_to_be_killed("2");
    let share = || {
        first
            .assignment()
            .iter()
            .filter(|queue| queue.topic == topic)
            .count()
    };
    in_time(&clock, "two share the queues", || share() == 2).await;
    send_forty().await;
    in_time(&clock, "both go on", || different(seen) == 80).await;

    second.shutdown_background();
    send_forty().await;
    in_time(&clock, "the other one takes over", || {
        different(seen) == 120
    })
    .await;

    let port = cluster.stop_broker().await;
    cluster.start_broker_again(port).await;
    send_forty().await;
    in_time(&clock, "the broker has locks again", || {
        different(seen) == 160
    })
    .await;

    assert_in_order(seen);
    cluster.end([first], [client, sender]).await;
}

#[tokio::test]
async fn a_message_that_fails_blocks_its_queue_and_no_other() {
    let cluster = Cluster::start().await;
    let client = cluster.client();
    let topic = topic("blocked");
    client.create_topic(&topic, 2).await.unwrap();
    let producer = producer(&client);
    for (queue, bodies) in producer
        .queues(&topic)
        .await
        .unwrap()
        .iter()
        .zip([["bad", "behind it"], ["elsewhere", "and on"]])
    {
        for body in bodies {
            let sent = producer.send_to(message(&topic, body), queue).await;
            sent.map(drop).unwrap();
        }
    }
    let (seen, good) = (Seen::default(), Arc::new(AtomicBool::default()));
    let is_good = Arc::clone(&good);
    let listener = InOrder(seen.clone(), move |message: &MessageExt| {
        if message.message.body == "bad" && !is_good.load(Ordering::SeqCst) {
            OrderlyOutcome::Suspend {
                pause: Some(Duration::from_millis(10)),
                reason: None,
            }
        } else {
            OrderlyOutcome::Done
        }
    });
    let consumer = client.push_consumer(from_the_beginning("blocks"));
    let consumer = consumer.subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();

    let has = |body: &str| seen.bodies().iter().any(|seen| seen == body);
    eventually("the other queue is done", || has("and on")).await;
    // Without a limit: more attempts than a concurrent listener has.
    let attempts = || seen.bodies().iter().filter(|body| *body == "bad").count();
    eventually("it is tried again and again", || attempts() > 20).await;
    assert!(!has("behind it"));

    good.store(true, Ordering::SeqCst);
    eventually("its queue goes on", || has("behind it")).await;
    cluster.end([consumer], [client]).await;
}

/// Brokers give a lock away after a minute without renewal, and a stop may wait for longer.
#[tokio::test]
async fn a_member_that_stops_keeps_the_locks_of_its_calls() {
    let clock = Clock::manual(Clock::system().now_ms());
    let cluster = Cluster::by(&clock).await;
    let (leaving, staying) = (cluster.client_by(&clock), cluster.client_by(&clock));
    let topic = topic("kept-in-order");
    leaving.create_topic(&topic, 1).await.unwrap();
    send_all(&producer(&leaving), &topic, ["1", "2"]).await;
    let (first, second) = (Seen::default(), Seen::default());
    let gate = Arc::new(Semaphore::new(0));
    let member = async |client: &Client, seen: &Seen| {
        let consumer = client.push_consumer(from_the_beginning("keeps-order"));
        let consumer = consumer.subscribe(topic.clone(), "*");
        let listener = Gate(seen.clone(), Arc::clone(&gate));
        consumer.start_orderly(listener).await.unwrap()
    };
    let stopping = member(&leaving, &first).await;
    in_time(&clock, "a call has begun", || first.count() == 1).await;

    let stop = stopping.shutdown(LIMIT * 100);
    let watch = async {
        let next = member(&staying, &second).await;
        for _ in 0..120 {
            clock.advance(Duration::from_secs(1)).await;
            assert_eq!(second.count(), 0, "two members have a call of one queue");
        }
        gate.add_permits(10);
        next
    };
    let (stopped, _next) = tokio::join!(stop, watch);

    stopped.unwrap();
    in_time(&clock, "the other goes on", || second.bodies() == ["2"]).await;
}
