//! The story, through real sockets, in temporary directories.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use mq_core::clock::Clock;
use mq_starter::EmbeddedBroker;
use mq_starter::config::{Settings, SettingsOptions};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use crate::story::ServiceAddresses;
use crate::{Arguments, together};

/// Settings that keep everything in `folder` and on free ports.
fn arguments(folder: &Path) -> Arguments {
    let folder = folder.display();
    Arguments {
        separate: false,
        name_server: None,
        part: None,
        settings: vec![
            "--server.port=0".to_owned(),
            format!("--shop.order.database={folder}/order.db"),
            format!("--shop.user.database={folder}/user.db"),
            format!("--rocketmq.embedded.store-path={folder}/broker"),
            "--rocketmq.embedded.listen=127.0.0.1:0".to_owned(),
            "--rocketmq.embedded.broker-port=0".to_owned(),
        ],
    }
}

/// The running story; `stop` it and wait.
struct Story {
    addresses: ServiceAddresses,
    stop: CancellationToken,
    ended: oneshot::Receiver<Result<(), String>>,
}

impl Story {
    async fn begin(folder: &Path) -> Self {
        let arguments = arguments(folder);
        let stop = CancellationToken::new();
        let (ready, is_ready) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let told = stop.clone();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Runtime::new().unwrap();
            let tell = |addresses: &ServiceAddresses| {
                ready.send(*addresses).unwrap();
                Ok(())
            };
            let outcome = runtime.block_on(together::start(&arguments, tell, told));
            end.send(outcome.map_err(|failure| format!("{failure:?}")))
        });
        let Ok(addresses) = is_ready.await else {
            panic!("{:?}", ended.await)
        };
        Self {
            addresses,
            stop,
            ended,
        }
    }

    async fn end(self) {
        self.stop.cancel();
        self.ended.await.unwrap().unwrap();
    }
}

/// Status and body of `GET path`.
async fn get(address: SocketAddr, path: &str) -> (u16, Value) {
    ask(address, &format!("GET {path}")).await
}

/// Status and body of a request, such as `GET /sms`.
async fn ask(address: SocketAddr, request: &str) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("{request} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

/// The text messages, as soon as there are `count` that were sent.
async fn sent(user: SocketAddr, count: usize) -> Vec<Value> {
    let clock = Clock::system();
    let looking = async {
        loop {
            let (_, all) = get(user, "/sms").await;
            let all = all.as_array().cloned().unwrap_or_default();
            if all.iter().filter(|sms| sms["state"] == "SENT").count() >= count {
                return all;
            }
            clock.sleep(Duration::from_millis(5)).await;
        }
    };
    clock
        .timeout(Duration::from_secs(20), looking)
        .await
        .unwrap()
}

#[tokio::test]
async fn an_order_becomes_one_text_message_within_a_second_and_both_outlive_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let story = Story::begin(folder.path()).await;
    let clock = Clock::system();

    let begun = clock.moment();
    let (status, order) = get(story.addresses.order, "/order?pid=1").await;
    let all = sent(story.addresses.user, 1).await;
    let took = clock.moment().since(begun);

    assert_eq!(status, 200);
    assert_eq!(
        (&order["id"], &order["product"], &order["status"]),
        (&1.into(), &"Green tea".into(), &"NEW".into())
    );
    assert_eq!(all.len(), 1);
    assert_eq!(
        (&all[0]["orderId"], &all[0]["attempts"]),
        (&1.into(), &1.into())
    );
    assert_eq!(all[0]["phone"], order["phone"]);
    let at = all[0]["at"].as_str().unwrap();
    assert_eq!(
        (at.len(), at.get(10..11)),
        ("2026-01-31T12:00:00.000Z".len(), Some("T"))
    );
    assert!(all[0]["text"].as_str().unwrap().contains("Green tea"));
    assert!(took < Duration::from_secs(1), "{took:?}");

    story.end().await;
    assert!(!folder.path().join("broker/abort").exists());
    let story = Story::begin(folder.path()).await;
    let (_, order) = get(story.addresses.order, "/order?pid=2").await;
    let orders: Vec<_> = sent(story.addresses.user, 2)
        .await
        .iter()
        .map(|sms| sms["orderId"].clone())
        .collect();
    assert_eq!(order["id"], 2);
    assert_eq!(orders, [2, 1]);
    story.end().await;
}

#[tokio::test]
async fn what_cannot_be_ordered_is_refused_in_json() {
    let folder = tempfile::tempdir().unwrap();
    let story = Story::begin(folder.path()).await;
    let order = story.addresses.order;

    let cases = [
        ("/order", 400, "`pid` is missing"),
        ("/order?pid=abc", 400, "`pid` is `abc`"),
        ("/order?pid=-1", 400, "`pid` is `-1`"),
        ("/order?pid=1&quantity=-5", 400, "`quantity` is `-5`"),
        (
            "/order?pid=1&quantity=99999999999999999999",
            400,
            "`quantity` is `9999",
        ),
        ("/order?pid=1&qty=5", 400, "no parameter `qty`"),
        ("/order?pid=99", 404, "no product 99"),
        ("/order?pid=1&uid=99", 404, "no customer 99"),
    ];
    for (path, expected, reason) in cases {
        let (status, body) = get(order, path).await;
        assert_eq!(status, expected, "{path}: {body}");
        assert!(
            body["error"].as_str().unwrap().contains(reason),
            "{path}: {body}"
        );
    }
    let user = story.addresses.user;
    for (address, request, expected, reason) in [
        (order, "GET /nowhere", 404, "nothing here, try /order?pid=1"),
        (user, "GET /nowhere", 404, "nothing here, try /sms"),
        (order, "PUT /orders", 405, "PUT is not possible here"),
        (order, "DELETE /faults", 405, "DELETE is not possible here"),
        (user, "POST /sms", 405, "POST is not possible here"),
        (user, "PUT /gateway", 405, "PUT is not possible here"),
        (user, "POST /dead-letters", 405, "POST is not possible here"),
    ] {
        let (status, body) = ask(address, request).await;
        let told = body["error"].as_str().unwrap_or_default();
        assert_eq!(
            (status, told.contains(reason)),
            (expected, true),
            "{request}: {body}"
        );
    }
    assert_eq!(get(order, "/order?pid=4").await.0, 200);
    let (status, body) = get(order, "/order?pid=4").await;
    assert_eq!(
        (status, body["error"].as_str().unwrap().contains("sold out")),
        (409, true)
    );

    assert_eq!(sent(story.addresses.user, 1).await.len(), 1);
    story.end().await;
}

#[tokio::test]
async fn shop_user_started_for_the_first_time_after_the_order_still_sends_the_text_message() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = arguments(folder.path());
    let options = |service: SettingsOptions| arguments.over(service);
    let config = Settings::load(&options(SettingsOptions::default()))
        .unwrap()
        .rocketmq()
        .unwrap();
    let broker = EmbeddedBroker::start(&config.embedded).await.unwrap();
    let order = shop_order::Service::start(options(shop_order::Service::settings()), Some(&broker))
        .await
        .unwrap();
    let order_address = order.address();
    let stop = CancellationToken::new();
    let until = || stop.clone().cancelled_owned();

    let story = async {
        let (status, _) = get(order_address, "/order?pid=1").await;
        assert_eq!(status, 200);
        let settings = options(shop_user::Service::settings());
        let user = shop_user::Service::start(settings, Some(&broker))
            .await
            .unwrap();
        let address = user.address();
        let looking = async {
            let all = sent(address, 1).await;
            stop.cancel();
            all
        };
        let (ended, all) = tokio::join!(user.run_until(until()), looking);
        ended.unwrap();
        all
    };
    let (ended, all) = tokio::join!(order.run_until(until()), story);

    ended.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0]["orderId"], 1);
    broker.stop(Duration::from_secs(10)).await.unwrap();
}

#[tokio::test]
async fn an_order_without_a_broker_is_refused_and_leaves_no_half_order() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = arguments(folder.path());
    let own = arguments.over(SettingsOptions::default());
    let config = Settings::load(&own).unwrap().rocketmq().unwrap();
    let broker = EmbeddedBroker::start(&config.embedded).await.unwrap();
    arguments.name_server = broker.name_server();
    let quick = "--rocketmq.producer.send-message-timeout=300";
    arguments.settings.push(quick.to_owned());
    let settings = arguments.over(shop_order::Service::settings());
    let order = shop_order::Service::start(settings, None).await.unwrap();
    let (address, database) = (order.address(), order.database().clone());
    let stop = CancellationToken::new();

    let story = async {
        let taken = get(address, "/order?pid=3").await.0;
        broker.stop(Duration::from_secs(10)).await.unwrap();
        let (refused, body) = get(address, "/order?pid=3").await;
        let (orders, stock) = (
            database.newest(10).await.unwrap().len(),
            database.products().await.unwrap()[2].stock,
        );
        stop.cancel();
        (taken, refused, body, orders, stock)
    };
    let until = stop.clone().cancelled_owned();
    let (_, (taken, refused, body, orders, stock)) = tokio::join!(order.run_until(until), story);

    assert_eq!((taken, refused), (200, 503), "{body}");
    let error = body["error"].as_str().unwrap();
    assert!(error.starts_with("order 2 was not taken: "), "{body}");
    assert_eq!((orders, stock), (1, 99));
}

#[test]
fn options_and_settings_mix_in_any_order_and_other_words_are_refused() {
    let of = |words: &[&str]| Arguments::of(words.iter().map(Into::into));

    let arguments = of(&["--server.port=0", "--separate", "--shop.user.database=a b"]).unwrap();
    assert!(arguments.separate);
    assert_eq!(
        arguments.settings,
        ["--server.port=0", "--shop.user.database=a b"]
    );

    let refused = of(&["--seperate"]).unwrap_err().to_string();
    assert!(refused.contains("'--separate'"), "{refused}");
    for word in ["server.port=0", "--server.port", "order"] {
        assert!(of(&[word]).is_err(), "{word}");
    }
}

/// Both services once tried to listen at it, and the second one failed after the first had started.
#[test]
fn one_port_for_both_services_is_refused_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let mut arguments = arguments(folder.path());
    arguments.settings.push("--server.port=8099".to_owned());

    let error = arguments.broker().unwrap_err().to_string();

    assert!(
        error.contains("--server.port=8099: is the port of shop-order and of shop-user"),
        "{error}"
    );
}
