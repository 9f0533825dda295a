//! Rules with a time in them, by a clock that the test moves on: the broker's stands for itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use mq_core::client::{
    Admin, Client, ClientConfig, ConcurrentListener, OrderlyListener, OrderlyOutcome, Outcome,
};
use mq_core::clock::Clock;
use mq_core::message::MessageExt;
use mq_core::wire::body::{LockBatchRequestBody, LockBatchResponseBody};
use mq_core::wire::fastjson;
use mq_core::wire::header::{LockBatchMq, UnlockBatchMq};
use tokio::sync::Semaphore;

use crate::cluster::{
    Cluster, LIMIT, eventually, from_the_beginning, in_time, message, producer, send_all, topic,
};
use crate::listeners::{InOrder, Seen, done};

/// Holds the first attempt of each message until the test lets it go; then it fails.
struct HangsOnce(Seen, Arc<Semaphore>);

impl ConcurrentListener for HangsOnce {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let again = batch.iter().all(|message| message.reconsume_times > 0);
        let count = batch.len();
        self.0.add(batch);
        if again {
            return vec![Outcome::Done; count];
        }
        self.1.acquire().await.unwrap().forget();
        let again = Outcome::Later {
            delay_level: 0,
            reason: None,
        };
        vec![again; count]
    }
}

/// Holds each call until the test lets it go, and writes down whether the broker was there.
struct Held {
    seen: Seen,
    gate: Arc<Semaphore>,
    without_broker: Arc<AtomicBool>,
    broker: Arc<AtomicBool>,
}

impl OrderlyListener for Held {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<OrderlyOutcome> {
        let done = vec![OrderlyOutcome::Done; batch.len()];
        let broker = self.broker.load(Ordering::SeqCst);
        self.without_broker.fetch_or(!broker, Ordering::SeqCst);
        self.seen.add(batch);
        self.gate.acquire().await.unwrap().forget();
        done
    }
}

fn by_hand() -> Clock {
    Clock::manual(Clock::system().now_ms())
}

#[tokio::test]
async fn a_message_whose_listener_hangs_is_sent_back_and_its_queue_goes_on() {
    let cluster = Cluster::start().await;
    let clock = by_hand();
    let client = cluster.client_by(&clock);
    let topic = topic("hung");
    let sender = cluster.client();
    sender.create_topic(&topic, 1).await.unwrap();
    send_all(&producer(&sender), &topic, ["stuck"]).await;
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let mut config = from_the_beginning("hangs");
    config.consume_timeout = Duration::from_secs(2);
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let listener = HangsOnce(seen.clone(), Arc::clone(&gate));
    let consumer = consumer.start(listener).await.unwrap();
    eventually("a call hangs", || seen.count() == 1).await;

    in_time(&clock, "it comes again", || seen.count() == 2).await;
    assert!(clock.moment().since(mq_core::clock::Moment::default()) > Duration::from_secs(2));
    clock.advance(Duration::from_secs(5)).await;

    let mut committed = 0;
    for _ in 0..100 {
        committed = cluster.committed(consumer.group(), &topic).await;
        if committed == 1 {
            break;
        }
        clock.advance(Duration::from_secs(1)).await;
    }
    assert_eq!(committed, 1, "the queue goes on while the call hangs");

    gate.add_permits(1);
    consumer.shutdown(LIMIT).await.unwrap();
    assert_eq!(seen.bodies(), ["stuck", "stuck"]);
    cluster.end([], [client, sender]).await;
}

#[tokio::test]
async fn a_pull_brings_as_many_as_it_may_and_the_next_follows_after_the_interval() {
    let cluster = Cluster::start().await;
    let clock = by_hand();
    let client = cluster.client_by(&clock);
    let topic = topic("slow");
    let sender = cluster.client();
    sender.create_topic(&topic, 1).await.unwrap();
    send_all(&producer(&sender), &topic, ["one", "two", "three"]).await;
    let seen = Seen::default();
    let mut config = from_the_beginning("slow");
    config.pull_batch_size = 2;
    config.pull_interval = Duration::from_mins(1);

    let consumer = client.push_consumer(config).subscribe(topic, "*");
    let consumer = consumer.start(done(&seen)).await.unwrap();
    eventually("the first pull came", || seen.count() >= 2).await;
    let first = clock.moment();
    in_time(&clock, "so did the second", || seen.count() == 3).await;

    let between = clock.moment().since(first);
    assert!(between >= Duration::from_mins(1), "{between:?}");
    cluster.end([consumer], [client, sender]).await;
}

#[tokio::test]
async fn what_nobody_takes_back_is_tried_again_here_after_five_seconds() {
    let mut cluster = Cluster::start().await;
    let clock = by_hand();
    let client = cluster.client_by(&clock);
    let sender = cluster.client();
    let topic = topic("kept");
    sender.create_topic(&topic, 1).await.unwrap();
    send_all(&producer(&sender), &topic, ["kept"]).await;
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let config = from_the_beginning("keeps");
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let listener = HangsOnce(seen.clone(), Arc::clone(&gate));
    let consumer = consumer.start(listener).await.unwrap();
    eventually("it is there", || seen.count() == 1).await;

    cluster.stop_broker().await;
    let failed_at = clock.moment();
    gate.add_permits(1);
    in_time(&clock, "it is tried again", || seen.count() == 2).await;

    assert!(clock.moment().since(failed_at) >= Duration::from_secs(5));
    assert_eq!(seen.all()[1].reconsume_times, 1);
    consumer.shutdown(LIMIT).await.unwrap();
    for client in [client, sender] {
        client.shutdown(LIMIT).await.unwrap();
    }
    cluster.stop_names().await;
}

#[tokio::test]
async fn a_lock_counts_for_thirty_seconds_while_nobody_confirms_it() {
    let mut cluster = Cluster::start().await;
    let clock = by_hand();
    let client = cluster.client_by(&clock);
    let sender = cluster.client();
    let topic = topic("counted");
    sender.create_topic(&topic, 1).await.unwrap();
    let bodies = ["one", "two", "three"].map(|body| message(&topic, body));
    let sent = producer(&sender).send_batch(bodies.to_vec()).await;
    sent.map(drop).unwrap();
    let (seen, gate, broker, without_broker) = parts();
    let listener = Held {
        seen: seen.clone(),
        gate: Arc::clone(&gate),
        broker: Arc::clone(&broker),
        without_broker,
    };
    let config = from_the_beginning("counts");
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();
    eventually("one is under way", || seen.count() == 1).await;

    let port = cluster.stop_broker().await;
    clock.advance(Duration::from_secs(25)).await;
    gate.add_permits(1);
    eventually("two follows: the lock counts", || seen.count() == 2).await;
    clock.advance(Duration::from_secs(10)).await;
    gate.add_permits(1);
    clock.advance(Duration::from_secs(10)).await;
    assert_eq!(seen.bodies(), ["one", "two"], "its time is over");

    cluster.start_broker_again(port).await;
    in_time(&clock, "three follows", || seen.count() == 3).await;
    gate.add_permits(9);
    cluster.end([consumer], [client, sender]).await;
}

#[tokio::test]
async fn a_lock_that_ran_out_while_other_queues_had_the_calls_does_not_count() {
    let mut cluster = Cluster::start().await;
    let clock = by_hand();
    let client = cluster.client_by(&clock);
    let sender = cluster.client();
    let topic = topic("waiting");
    sender.create_topic(&topic, 2).await.unwrap();
    let sending = producer(&sender);
    for queue in sending.queues(&topic).await.unwrap() {
        let sent = sending.send_to(message(&topic, "x"), &queue).await;
        sent.map(drop).unwrap();
    }
    let (seen, gate, broker, without_broker) = parts();
    let listener = Held {
        seen: seen.clone(),
        gate: Arc::clone(&gate),
        broker: Arc::clone(&broker),
        without_broker: Arc::clone(&without_broker),
    };
    let mut config = from_the_beginning("waits");
    config.consume_threads = 1;
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();
    eventually("one queue has the call", || seen.count() == 1).await;
    eventually("both are ours", || consumer.assignment().len() == 2).await;
    // So that the other queue's message is here, and waits for the call.
    Clock::system().sleep(Duration::from_millis(100)).await;

    broker.store(false, Ordering::SeqCst);
    let port = cluster.stop_broker().await;
    clock.advance(Duration::from_secs(40)).await;
    gate.add_permits(1);
    clock.advance(Duration::from_secs(1)).await;
    broker.store(true, Ordering::SeqCst);
    cluster.start_broker_again(port).await;
    in_time(&clock, "the other queue follows", || seen.count() == 2).await;

    assert!(!without_broker.load(Ordering::SeqCst));
    gate.add_permits(9);
    cluster.end([consumer], [client, sender]).await;
}

/// The lock of a queue that was given up was not renewed any more, so that after a minute another
/// member had the message that the first one was still busy with.
#[tokio::test]
async fn a_queue_that_is_given_up_stays_locked_for_as_long_as_a_call_is_under_way() {
    let clock = by_hand();
    let cluster = Cluster::by(&clock).await;
    let topic = topic("handed");
    let sender = cluster.client();
    sender.create_topic(&topic, 1).await.unwrap();
    let bodies = ["one", "two"].map(|body| message(&topic, body));
    let sent = producer(&sender).send_batch(bodies.to_vec()).await;
    sent.map(drop).unwrap();
    let start = async |name: &str, gate: &Arc<Semaphore>| {
        let mut config = ClientConfig::new([cluster.names_at()]);
        config.instance_name = Some(name.to_owned());
        let client = Client::new(config, clock.clone()).unwrap();
        let (seen, _, broker, without_broker) = parts();
        let listener = Held {
            seen: seen.clone(),
            gate: Arc::clone(gate),
            broker,
            without_broker,
        };
        let config = from_the_beginning("hands");
        let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
        (
            client,
            consumer.start_orderly(listener).await.unwrap(),
            seen,
        )
    };
    let (closed, open) = (Semaphore::new(0), Semaphore::new(9));
    let (closed, open) = (Arc::new(closed), Arc::new(open));
    let (first, busy, seen_by_first) = start("2", &closed).await;
    eventually("one is under way", || seen_by_first.count() == 1).await;

    let (second, next, seen_by_second) = start("1", &open).await;
    for _ in 0..100 {
        clock.advance(Duration::from_secs(1)).await;
        Clock::system().sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(seen_by_second.count(), 0);

    closed.add_permits(9);
    in_time(&clock, "two is for the other", || {
        seen_by_second.bodies().contains(&"two".to_owned())
    })
    .await;
    assert_eq!(seen_by_first.bodies(), ["one"]);
    cluster.end([busy, next], [first, second, sender]).await;
}

type Parts = (Seen, Arc<Semaphore>, Arc<AtomicBool>, Arc<AtomicBool>);

/// What was seen, the gate, whether the broker is there, whether a call came without it.
fn parts() -> Parts {
    (
        Seen::default(),
        Arc::new(Semaphore::new(0)),
        Arc::new(AtomicBool::new(true)),
        Arc::default(),
    )
}

#[tokio::test]
async fn in_order_a_panic_and_a_suspension_come_again_after_the_usual_pause() {
    let cluster = Cluster::start().await;
    let clock = by_hand();
    let client = cluster.client_by(&clock);
    let sender = cluster.client();
    let topic = topic("shaky");
    sender.create_topic(&topic, 1).await.unwrap();
    send_all(&producer(&sender), &topic, ["shaky"]).await;
    let (seen, attempts) = (Seen::default(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&attempts);
    let listener = InOrder(seen.clone(), move |_: &MessageExt| {
        match counted.fetch_add(1, Ordering::SeqCst) {
            0 => panic!("as told"),
            1 => OrderlyOutcome::Suspend {
                pause: None,
                reason: None,
            },
            _ => OrderlyOutcome::Done,
        }
    });
    let mut config = from_the_beginning("shakes");
    config.suspend = Duration::from_secs(5);
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();

    for attempt in 1..=3 {
        let before = clock.moment();
        in_time(&clock, "it comes again", || {
            attempts.load(Ordering::SeqCst) == attempt
        })
        .await;
        let waited = clock.moment().since(before);
        assert!(
            attempt == 1 || waited >= Duration::from_secs(4),
            "{waited:?}"
        );
    }

    eventually("it is done", || seen.count() == 2).await;
    assert_eq!(seen.all()[1].reconsume_times, 2);
    cluster.end([consumer], [client, sender]).await;
}

#[tokio::test]
async fn a_lock_is_renewed_while_a_call_goes_on() {
    let mut cluster = Cluster::start().await;
    let clock = by_hand();
    let client = cluster.client_by(&clock);
    let sender = cluster.client();
    let topic = topic("renewed");
    sender.create_topic(&topic, 1).await.unwrap();
    send_all(&producer(&sender), &topic, ["x"]).await;
    let (seen, gate, broker, without_broker) = parts();
    let listener = Held {
        seen: seen.clone(),
        gate: Arc::clone(&gate),
        broker,
        without_broker,
    };
    let config = from_the_beginning("renews");
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();
    eventually("a call is under way", || seen.count() == 1).await;

    // The broker keeps locks in memory only.
    let port = cluster.stop_broker().await;
    cluster.start_broker_again(port).await;
    let body = fastjson::write(&LockBatchRequestBody {
        consumer_group: consumer.group().to_text(),
        client_id: "stranger".into(),
        mq_set: consumer
            .assignment()
            .into_iter()
            .filter(|queue| queue.topic == topic)
            .collect(),
        only_this_broker: false,
    });
    let mut refused = false;
    for _ in 0..100 {
        let locked = cluster.ask(LockBatchMq, body.clone()).await.unwrap().body;
        let locked: LockBatchResponseBody = fastjson::read(&locked).unwrap();
        refused = locked.lock_ok_mq_set.is_empty();
        if refused {
            break;
        }
        let unlocked = cluster.ask(UnlockBatchMq, body.clone()).await;
        unlocked.map(drop).unwrap();
        clock.advance(Duration::from_secs(1)).await;
    }
    assert!(refused, "nobody renewed the lock");

    gate.add_permits(1);
    cluster.end([consumer], [client, sender]).await;
}

#[tokio::test]
async fn what_is_done_is_reported_after_five_seconds_though_no_pull_goes_out() {
    let cluster = Cluster::start().await;
    let clock = by_hand();
    let client = cluster.client_by(&clock);
    let sender = cluster.client();
    let topic = topic("reported");
    sender.create_topic(&topic, 1).await.unwrap();
    send_all(&producer(&sender), &topic, ["x"]).await;
    let (seen, gate) = (Seen::default(), Arc::new(Semaphore::new(0)));
    let listener = Held {
        seen: seen.clone(),
        gate: Arc::clone(&gate),
        broker: Arc::default(),
        without_broker: Arc::default(),
    };
    let config = from_the_beginning("reports");
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start_orderly(listener).await.unwrap();
    eventually("a call is under way", || seen.count() == 1).await;
    eventually("its queue waits for more", || cluster.waiting_pulls() == 1).await;

    gate.add_permits(1);
    let mut committed = 0;
    // The pulls that wait come back after fifteen seconds.
    for _ in 0..12 {
        clock.advance(Duration::from_secs(1)).await;
        committed = cluster.committed(consumer.group(), &topic).await;
    }
    assert_eq!(committed, 1);

    cluster.end([consumer], [client, sender]).await;
}

#[tokio::test]
async fn queues_that_are_added_are_shared_as_soon_as_the_route_names_them() {
    let cluster = Cluster::start().await;
    let clock = by_hand();
    let client = cluster.client_by(&clock);
    let sender = cluster.client();
    let topic = topic("widened");
    sender.create_topic(&topic, 1).await.unwrap();
    let config = from_the_beginning("widens");
    let consumer = client.push_consumer(config).subscribe(topic.clone(), "*");
    let consumer = consumer.start(done(&Seen::default())).await.unwrap();
    let queues = || {
        let assignment = consumer.assignment();
        assignment
            .iter()
            .filter(|queue| queue.topic == topic)
            .count()
    };
    eventually("it has the queue", || queues() == 1).await;
    sender.create_topic(&topic, 2).await.unwrap();

    // Between two rounds of sharing, at 20 and 40 seconds, the route is asked for.
    clock.advance(Duration::from_secs(32)).await;

    eventually("it has both", || queues() == 2).await;
    cluster.end([consumer], [client, sender]).await;
}

/// A broker gives the newest messages of a key: those of another time must not take their place.
#[tokio::test]
async fn a_key_is_looked_up_at_the_times_that_are_asked_for() {
    let clock = by_hand();
    let cluster = Cluster::by(&clock).await;
    let topic = topic("found");
    let client = cluster.client();
    client.create_topic(&topic, 1).await.unwrap();
    let producer = producer(&client);
    let send = async |body: &'static str| {
        let message = message(&topic, body).with_key("k").unwrap();
        producer.send(message).await.unwrap();
    };
    send("old").await;
    let then = clock.now_ms();
    clock.advance(Duration::from_secs(5)).await;
    for _ in 0..Admin::MOST_BY_KEY {
        send("new").await;
    }

    let found = client.admin().messages_by_key(&topic, "k", 0..=then).await;

    let found = found.unwrap().value;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].1.message.body, "old");
    cluster.end([], [client]).await;
}
