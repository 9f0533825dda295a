//! Messages for a later time, to brokers that know times and to those that do not.

use std::sync::atomic::Ordering;
use std::time::Duration;

use super::stage::{Answer, Broker, SECOND, client, message, name_server, producer};
use crate::client::{ErrorKind, MessageError, SendError, Target};
use crate::message::{Later, Message, Properties};
use crate::wire::ResponseCode;

/// What a broker of RocketMQ 4 says of itself.
const FOUR: &str = "brokerName=broker-0\nmessageDelayLevel=1s 5s 30s\n";

fn timed(later: Later) -> Message {
    let mut message = message();
    message.deliver(later);
    message
}

fn sent(broker: &Broker) -> Vec<Vec<(String, String)>> {
    let taken = broker.taken.lock();
    let times = |(name, _): &(String, String)| name.starts_with("TIMER") || name == "DELAY";
    let properties = taken.iter().map(|header| {
        let text = header.properties.clone().unwrap().into_bytes();
        let properties = Properties::from_bytes(text);
        let all = properties.iter();
        let all = all.map(|(name, value)| (name.to_owned(), value.to_owned()));
        all.filter(times).collect()
    });
    properties.collect()
}

fn only(name: &str, value: &str) -> Vec<(String, String)> {
    vec![(name.to_owned(), value.to_owned())]
}

#[tokio::test]
async fn a_broker_that_knows_times_is_asked_once_and_gets_them_as_they_are() {
    let broker = Broker::start(&[]).await;
    let names = name_server(&[&broker]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});

    for _ in 0..3 {
        let later = Later::After(Duration::from_millis(1_234));
        let _sent = producer.send(timed(later)).await.unwrap();
    }
    let _sent = producer.send(message()).await.unwrap();

    let wanted = only("TIMER_DELAY_MS", "1234");
    let as_they_are = [wanted.clone(), wanted.clone(), wanted, Vec::new()];
    assert_eq!(sent(&broker), as_they_are);
    assert_eq!(broker.asked.load(Ordering::Relaxed), 1);
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_message_without_a_time_asks_nobody() {
    let broker = Broker::with_settings(&[], FOUR).await;
    let names = name_server(&[&broker]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});

    let _sent = producer.send(message()).await.unwrap();
    let _sent = producer.send(timed(Later::Level(9))).await.unwrap();

    assert_eq!(sent(&broker), [Vec::new(), only("DELAY", "9")]);
    assert_eq!(broker.asked.load(Ordering::Relaxed), 0);
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn a_broker_without_times_gets_the_level_that_fits_exactly_or_nothing() {
    let broker = Broker::with_settings(&[], FOUR).await;
    let names = name_server(&[&broker]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});

    let fits = timed(Later::After(Duration::from_secs(30)));
    let _sent = producer.send(fits.clone()).await.unwrap();
    producer.send_one_way(fits, Target::Any).await.unwrap();
    let over = Later::At(1_000);
    let _sent = producer.send(timed(over)).await.unwrap();

    for wanted in [Duration::from_secs(31), Duration::from_millis(29_999)] {
        let refused = producer
            .send(timed(Later::After(wanted)))
            .await
            .unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Message);
        let said = format!(
            "the message to `orders` cannot be sent: the broker `broker-0` knows delay levels only \
             (`1s 5s 30s`), and none is {wanted:?}: choose one of them, or a broker of RocketMQ 5 or mq"
        );
        assert_eq!(refused.to_string(), said);
    }
    let tomorrow = Later::At(4_000_000_000_000);
    let refused = producer.send(timed(tomorrow)).await.unwrap_err();
    assert!(matches!(
        refused,
        SendError::Message {
            source: MessageError::NoTimes { .. },
            ..
        }
    ));
    let one_way = producer.send_one_way(timed(tomorrow), Target::Any).await;
    assert!(one_way.is_err());

    super::stage::eventually("the one-way message came", || {
        broker.taken.lock().len() == 3
    })
    .await;
    let mut sent = sent(&broker);
    sent.sort();
    assert_eq!(sent, [Vec::new(), only("DELAY", "3"), only("DELAY", "3")]);
    client.shutdown(SECOND).await.unwrap();
}

/// The level is that of the broker which takes the message, not of the one that was tried first.
#[tokio::test]
async fn each_broker_is_judged_by_its_own_levels() {
    const BUSY: Answer = Answer::Code(ResponseCode::SYSTEM_BUSY);

    let busy = Broker::with_settings(&[BUSY; 9], FOUR).await;
    let free = Broker::with_settings(&[], "messageDelayLevel=5s").await;
    let names = name_server(&[&busy, &free]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});

    for _ in 0..4 {
        let five = timed(Later::After(Duration::from_secs(5)));
        let _sent = producer.send(five).await.unwrap();
    }

    assert!(sent(&busy).iter().all(|times| *times == only("DELAY", "2")));
    assert_eq!(sent(&free), vec![only("DELAY", "1"); 4]);
    assert!(!sent(&busy).is_empty());
    client.shutdown(SECOND).await.unwrap();
}

#[tokio::test]
async fn what_is_no_handle_is_told_at_once() {
    let broker = Broker::start(&[]).await;
    let names = name_server(&[&broker]).await;
    let client = client(&[&names]);
    let producer = producer(&client, |_| {});

    let refused = producer.recall("no handle").await.unwrap_err();

    assert!(matches!(refused, SendError::Handle(_)));
    assert_eq!(
        refused.to_string(),
        "cannot call the message back: recall handle is invalid"
    );
    client.shutdown(SECOND).await.unwrap();
}
