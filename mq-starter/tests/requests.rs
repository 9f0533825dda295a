//! Requests through the template and listeners that reply, on a broker in the process without a port.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::store::disk::MemoryDisk;
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use mq_starter::{Application, RequestError, SendError};
use tempfile::TempDir;
use tokio::sync::{mpsc, oneshot};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Query {
    product: String,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Price {
    product: String,
    cents: u32,
}

/// What everything costs.
#[derive(Clone)]
struct Cents(u32);

#[derive(Component)]
#[rocketmq_reply_listener(topic = "price", consumer_group = "prices")]
struct Prices {
    cents: Inject<Cents>,
}

impl RocketMQReplyListener for Prices {
    type Message = Query;
    type Reply = Price;

    async fn on_message(&self, query: Query) -> ReplyResult<Price> {
        Ok(Price {
            product: query.product,
            cents: self.cents.0,
        })
    }
}

/// Who was greeted.
#[derive(Clone)]
struct Greeted(mpsc::UnboundedSender<String>);

#[rocketmq_reply_listener(topic = "greetings", consumer_group = "greeters")]
async fn greet(name: String, State(greeted): State<Greeted>) -> ReplyResult<String> {
    greeted.0.send(name.clone())?;
    if name == "nobody" {
        return Err(ConsumeError::dead_letter("nobody is greeted"));
    }
    Ok(format!("hello {name}"))
}

#[rocketmq_reply_listener(topic = "lengths", consumer_group = "counters")]
fn length(text: String) -> Result<u32, std::num::TryFromIntError> {
    u32::try_from(text.into_bytes().len())
}

async fn application(store: &TempDir) -> (Application, mpsc::UnboundedReceiver<String>) {
    let (sender, greeted) = mpsc::unbounded_channel();
    let path = store.path().display().to_string();
    let options = SettingsOptions::default().set("rocketmq.embedded.store-path", path);
    let app = RocketMQApplication::new()
        .settings(options)
        .disk(std::sync::Arc::new(MemoryDisk::default()))
        .provide(Cents(350))
        .provide(Greeted(sender));
    let app = app.build().await.unwrap();
    app.start().await.unwrap();
    (app, greeted)
}

#[tokio::test]
async fn structs_and_functions_reply_to_requests() {
    let store = TempDir::new().unwrap();
    let (app, _greeted) = application(&store).await;
    let template = app.template();
    let coffee = Query {
        product: "coffee".to_owned(),
    };
    let limit = Duration::from_secs(20);

    let request = template.message("price:v1").payload(&coffee).timeout(limit);
    let price: Price = request.hash_key(1).request().await.unwrap();
    let expected = Price {
        product: "coffee".to_owned(),
        cents: 350,
    };
    assert_eq!(price, expected);

    let request = template
        .message("greetings")
        .payload("world")
        .timeout(limit);
    assert_eq!(request.request::<String>().await.unwrap(), "hello world");

    let request = template.message("lengths").payload("four").timeout(limit);
    let reply: MessageExt = request.request().await.unwrap();
    assert_eq!(reply.body(), "4");
    assert_eq!(reply.header("contentType"), Some("application/json"));

    // All listeners have their queues now.
    let price: Price = template.send_and_receive("price", &coffee).await.unwrap();
    assert_eq!(price, expected);
    let (answered, answer) = oneshot::channel();
    template.async_send_and_receive("price", &coffee, |price: Result<Price, _>| {
        drop(answered.send(price));
    });
    assert_eq!(answer.await.unwrap().unwrap(), expected);
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn a_request_with_a_delay_level_is_handled_after_the_delay_and_gets_its_reply() {
    let store = TempDir::new().unwrap();
    let (app, _greeted) = application(&store).await;
    let (clock, limit) = (Clock::system(), Duration::from_secs(20));

    let message = app.template().message("greetings").payload("later");
    let begun = clock.moment();
    let reply = message.delay_level(1).timeout(limit).request::<String>();

    assert_eq!(reply.await.unwrap(), "hello later");
    let took = clock.moment().since(begun);
    assert!(took >= Duration::from_secs(1), "{took:?}");
    app.shutdown().await.unwrap();
}

#[tokio::test]
async fn what_went_wrong_with_a_request_is_told() {
    let store = TempDir::new().unwrap();
    let (app, _greeted) = application(&store).await;
    let template = app.template();
    let limit = Duration::from_secs(20);

    let request = template
        .message("greetings")
        .payload("world")
        .timeout(limit);
    let error = request.request::<u32>().await.unwrap_err();
    assert!(matches!(error, RequestError::Reply(_)), "{error}");
    assert!(error.to_string().contains("is no `u32`"), "{error}");

    let short = Duration::from_millis(100);
    for (topic, name) in [("greetings", "nobody"), ("nobody-listens", "x")] {
        let request = template.message(topic).payload(name).timeout(short);
        let error = request.request::<String>().await.unwrap_err();
        assert!(matches!(error, RequestError::NoReply { .. }), "{error}");
    }

    let error = template
        .send_and_receive::<_, String>("no topic", "x")
        .await;
    let error = error.unwrap_err();
    assert!(
        matches!(error, RequestError::Send(SendError::Destination { .. })),
        "{error}"
    );
    app.shutdown().await.unwrap();
    let after = template
        .send_and_receive::<_, String>("greetings", "x")
        .await;
    assert!(matches!(
        after,
        Err(RequestError::Send(SendError::ShutDown))
    ));
}

/// What is sent as any other message is handled, and the reply goes nowhere.
#[tokio::test]
async fn a_listener_that_replies_takes_messages_that_are_no_requests() {
    let store = TempDir::new().unwrap();
    let (app, mut greeted) = application(&store).await;

    let sent = app.template().sync_send("greetings", "no request").await;

    sent.map(drop).unwrap();
    assert_eq!(greeted.recv().await.unwrap(), "no request");
    app.shutdown().await.unwrap();
}
