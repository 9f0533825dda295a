//! What a producer does when brokers and name servers fail.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::stage::{
    Answer, Broker, SECOND, client, eventually, message, name_server, producer, topic,
};
use crate::client::{Client, ClientConfig, ErrorKind, SendError, SendStatus, StartError, Target};
use crate::clock::Clock;
use crate::message::{MessageQueue, TopicName};
use crate::wire::ResponseCode;

const BUSY: Answer = Answer::Code(ResponseCode::SYSTEM_BUSY);
const ILLEGAL: Answer = Answer::Code(ResponseCode::MESSAGE_ILLEGAL);

#[tokio::test]
async fn a_busy_broker_is_left_for_another() {
    let busy = Broker::start(&[BUSY; 9]).await;
    let free = Broker::start(&[]).await;
    let names = name_server(&[&busy, &free]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});

    for _ in 0..4 {
        let sent = producer.send(message()).await.unwrap();
        assert_eq!(sent.queue.broker, "broker-1");
    }

    assert!(!busy.taken.lock().is_empty(), "it has its turn first");
    let free = free.taken.lock().clone();
    assert_eq!(free.len(), 4);
    assert_eq!(free[0].broker_name.as_deref(), Some("broker-1"));
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_code_that_speaks_of_the_message_is_final() {
    let strict = Broker::start(&[ILLEGAL]).await;
    let names = name_server(&[&strict]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});

    let error = producer.send(message()).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Refused);
    assert!(!error.is_retryable());
    assert_eq!(strict.taken.lock().len(), 1);
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn attempts_are_counted_and_a_fixed_queue_has_one() {
    let busy = Broker::start(&[BUSY; 9]).await;
    let names = name_server(&[&busy]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |config| config.retry_times_when_send_failed = 4);

    let error = producer.send(message()).await.unwrap_err();
    assert!(
        matches!(error, SendError::Broker { attempts: 5, .. }),
        "{error:?}"
    );

    let queue = producer.queues(&topic()).await.unwrap().remove(0);
    let error = producer.send_to(message(), &queue).await.unwrap_err();
    assert!(
        matches!(error, SendError::Broker { attempts: 1, .. }),
        "{error:?}"
    );

    let handle = producer.send_async(message(), Target::Any, SECOND);
    let error = handle.await.unwrap_err();
    assert!(
        matches!(error, SendError::Broker { attempts: 1, .. }),
        "{error:?}"
    );

    let nowhere = MessageQueue::new(topic(), "nowhere", 0);
    let error = producer.send_to(message(), &nowhere).await.unwrap_err();
    let said = "could not send to broker `nowhere` in 1 attempt: no address of `nowhere` is known";
    assert_eq!(error.to_string(), said);
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn in_the_background_a_broker_that_is_gone_is_left_for_another() {
    let gone = Broker::start(&[]).await;
    let there = Broker::start(&[]).await;
    let names = name_server(&[&gone, &there]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});
    gone.server.stop().await;

    for _ in 0..4 {
        let handle = producer.send_async(message(), Target::Any, SECOND);
        assert_eq!(handle.await.unwrap().queue.broker, "broker-1");
    }

    producer.shutdown(SECOND).await.unwrap();
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn sends_in_the_background_are_limited_in_number() {
    let silent = Broker::start(&[Answer::Silence; 2]).await;
    let names = name_server(&[&silent]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |config| config.max_background_sends = 2);
    let limit = Duration::from_millis(50);
    let send = || producer.send_async(message(), Target::Any, limit);

    let (first, second) = (send(), send());
    let error = send().await.unwrap_err();
    assert!(
        matches!(error, SendError::TooMany { limit: 2 }),
        "{error:?}"
    );
    let of_the_callers_own = producer.send_in_background(message(), Target::Any, limit);
    let error = of_the_callers_own.await.unwrap_err();
    assert!(
        matches!(error, SendError::TooMany { limit: 2 }),
        "{error:?}"
    );
    assert!(error.is_retryable());

    first.await.unwrap_err();
    second.await.unwrap_err();
    send().await.map(drop).unwrap();
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_silent_broker_costs_no_more_than_the_time_allowed() {
    let silent = Broker::start(&[Answer::Silence; 9]).await;
    let names = name_server(&[&silent]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |config| {
        config.send_timeout = Duration::from_millis(50);
    });

    let error = producer.send(message()).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.is_retryable());
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_message_that_is_not_flushed_may_be_sent_to_another_broker() {
    let unflushed = Answer::Code(ResponseCode::FLUSH_DISK_TIMEOUT);
    let slow = Broker::start(&[unflushed; 9]).await;
    let fast = Broker::start(&[]).await;
    let names = name_server(&[&slow, &fast]).await;
    let client = client(&[&names]);
    let queue_of = |broker: &str| {
        let broker = broker.to_owned();
        move |queues: &[MessageQueue]| queues.iter().position(|queue| queue.broker == broker)
    };

    let plain = producer(&client, |_| {});
    let sent = plain
        .send_by(message(), queue_of("broker-0"))
        .await
        .unwrap();
    assert_eq!(sent.status, SendStatus::FlushDiskTimeout);
    plain.shutdown(SECOND).await.unwrap();

    let careful = producer(&client, |config| {
        config.retry_another_broker_when_not_store_ok = true;
    });
    for _ in 0..2 {
        let sent = careful.send(message()).await.unwrap();
        assert_eq!(sent.status, SendStatus::Ok);
    }
    assert!(slow.taken.lock().len() > 1, "it has its turn");
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_dead_name_server_is_left_for_the_next() {
    let broker = Broker::start(&[]).await;
    let (dead, alive) = (name_server(&[]).await, name_server(&[&broker]).await);
    let client = client(&[&dead, &alive]);
    let producer = producer(&client, |_| {});
    dead.stop().await;

    producer.send(message()).await.map(drop).unwrap();

    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn without_any_name_server_what_is_known_goes_on() {
    let broker = Broker::start(&[]).await;
    let names = name_server(&[&broker]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});
    producer.send(message()).await.map(drop).unwrap();

    names.stop().await;

    assert!(client.check().await.is_err());
    producer.send(message()).await.map(drop).unwrap();
    let unknown = crate::message::Message::new(TopicName::new("unknown").unwrap(), "x");
    let error = producer.send(unknown).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unreachable);
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_topic_that_nobody_has_and_nobody_makes_has_no_route() {
    let names = name_server(&[]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});
    let unknown = crate::message::Message::new(TopicName::new("unknown").unwrap(), "x");

    let error = producer.send(unknown).await.unwrap_err();

    assert_eq!(error.kind(), ErrorKind::NoRoute);
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_group_has_one_producer_and_nobody_has_a_reserved_one() {
    let names = name_server(&[]).await;
    let client = client(&[&names]);
    let first = producer(&client, |_| {});

    let again = client.producer(first.config().clone());
    assert!(matches!(again, Err(StartError::GroupTaken { .. })));
    let mut reserved = first.config().clone();
    reserved.group = crate::message::GroupName::new("DEFAULT_PRODUCER").unwrap();
    let reserved = client.producer(reserved);
    assert!(matches!(reserved, Err(StartError::ReservedGroup(_))));

    first.shutdown(SECOND).await.unwrap();
    assert!(matches!(
        first.send(message()).await,
        Err(SendError::ShutDown)
    ));
    client.producer(first.config().clone()).map(drop).unwrap();
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn brokers_hear_from_a_client_every_thirty_seconds() {
    let broker = Broker::start(&[]).await;
    let names = name_server(&[&broker]).await;
    let clock = Clock::manual(0);
    let config = ClientConfig::new([names.address.clone()]);
    let client = Client::new(config, clock.clone()).unwrap();
    let producer = producer(&client, |_| {});
    producer.send(message()).await.map(drop).unwrap();
    let heard = || broker.heartbeats.load(Ordering::Relaxed);
    eventually("the broker learns of the producer", || heard() == 1).await;

    let begun = clock.moment();
    while heard() < 4 {
        let waited = clock.moment().since(begun);
        assert!(waited < Duration::from_mins(30), "{} heartbeats", heard());
        clock.advance(SECOND).await;
        Clock::system().sleep(Duration::from_millis(5)).await;
    }
    let waited = clock.moment().since(begun);
    assert!(waited > SECOND * 80, "three came within {waited:?}");
    client.shutdown(SECOND).await.unwrap();
}

/// `unitMode` of Java's clients, which brokers note in the topics that they create.
#[tokio::test]
async fn a_client_of_a_deployment_in_units_says_so_with_each_message() {
    let broker = Broker::start(&[]).await;
    let names = name_server(&[&broker]).await;
    for unit_mode in [false, true] {
        let mut config = ClientConfig::new([names.address.clone()]);
        config.unit_mode = unit_mode;
        let client = Client::new(config, Clock::system()).unwrap();

        let sent = producer(&client, |_| ()).send(message()).await;

        sent.map(drop).unwrap();
        let taken = broker.taken.lock().pop().unwrap();
        assert_eq!(taken.unit_mode, Some(unit_mode));
        client.shutdown(SECOND).await.unwrap();
    }
    names.stop().await;
    broker.server.stop().await;
}
