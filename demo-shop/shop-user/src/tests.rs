//! shop-user as a whole, with a broker of its own, asked over HTTP.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use mq_core::clock::Clock;
use mq_starter::RocketMQTemplate;
use mq_starter::config::SettingsOptions;
use serde_json::{Value, json};
use shop_contracts::{ORDER_TOPIC, Order, OrderStatus};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

use crate::Service;

/// Starts the service with everything in `folder`, lets `story` use it, and ends it.
async fn with_service<F: Future<Output = ()>>(
    folder: &Path,
    settings: &[&str],
    story: impl FnOnce(SocketAddr, RocketMQTemplate) -> F,
) {
    let at = folder.display();
    let own = [
        "--server.port=0".to_owned(),
        format!("--shop.user.database={at}/user.db"),
        format!("--rocketmq.embedded.store-path={at}/broker"),
    ];
    let settings = settings.iter().map(|word| (*word).to_owned());
    let options = SettingsOptions::default().directory(folder);
    let options = options.arguments(own.into_iter().chain(settings));
    let service = Box::pin(Service::start(options, None)).await.unwrap();
    let (address, template) = (service.address(), service.template().clone());
    let (end, ended) = oneshot::channel::<()>();
    let story = Box::pin(story(address, template));
    let story = async {
        story.await;
        drop(end);
    };
    let until = async {
        drop(ended.await);
    };
    let (outcome, ()) = tokio::join!(Box::pin(service.run_until(until)), story);
    outcome.unwrap();
}

/// Status and body of the answer.
async fn ask(address: SocketAddr, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let length = body.len();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nHost: shop\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, serde_json::from_str(body).unwrap_or(Value::Null))
}

async fn get(address: SocketAddr, path: &str) -> Value {
    let (status, body) = ask(address, "GET", path, &Value::Null).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

async fn post(address: SocketAddr, path: &str, body: Value) -> Value {
    let (status, body) = ask(address, "POST", path, &body).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

/// The answer to `GET path`, as soon as it is `wanted`.
async fn eventually(address: SocketAddr, path: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let clock = Clock::system();
    let looking = async {
        loop {
            let (_, body) = ask(address, "GET", path, &Value::Null).await;
            if wanted(&body) {
                return body;
            }
            clock.sleep(Duration::from_millis(10)).await;
        }
    };
    let limit = Duration::from_secs(30);
    clock.timeout(limit, looking).await.unwrap()
}

fn order(id: i64, status: OrderStatus) -> Order {
    Order {
        id,
        product_id: 1,
        product: "Green tea".to_owned(),
        quantity: 2,
        price_cents: 900,
        phone: "138".to_owned(),
        status,
    }
}

const AT_ONCE_DEAD: &str = "--rocketmq.consumer.listeners.shop.order-topic.max-reconsume-times=0";

#[tokio::test]
async fn a_dead_letter_is_sent_again_once_and_shown_as_such() {
    let folder = tempfile::tempdir().unwrap();

    with_service(folder.path(), &[AT_ONCE_DEAD], async |address, template| {
        post(address, "/gateway", json!({"mode": "down"})).await;
        let announced = order(7, OrderStatus::New);
        template
            .convert_and_send(ORDER_TOPIC, &announced)
            .await
            .unwrap();
        let one = |letters: &Value| letters.as_array().is_some_and(|all| all.len() == 1);
        let letters = eventually(address, "/dead-letters", one).await;
        let letter = &letters[0];
        assert_eq!(
            (&letter["order"]["id"], &letter["sentAgain"]),
            (&json!(7), &Value::Null)
        );
        let reason = letter["reason"].as_str().unwrap();
        assert!(reason.contains("its mode is down"), "{reason}");
        let state = get(address, "/sms").await[0]["state"].clone();
        assert_eq!(state, "FAILED");

        post(address, "/gateway", json!({"mode": "ok"})).await;
        let resend = format!("/dead-letters/{}/resend", letter["id"].as_str().unwrap());
        let first = post(address, &resend, Value::Null).await;
        let second = post(address, &resend, Value::Null).await;
        let all = post(address, "/dead-letters/resend", Value::Null).await;

        assert_eq!(
            (&first["outcome"], &second["outcome"]),
            (&json!("sent"), &json!("sentBefore"))
        );
        assert_eq!(all, json!([]));
        let is_sent = |rows: &Value| rows[0]["state"] == "SENT";
        let rows = eventually(address, "/sms", is_sent).await;
        assert_eq!(
            (&rows[0]["attempts"], &rows[0]["duplicates"]),
            (&json!(2), &json!(0))
        );
        assert_eq!(
            get(address, "/gateway").await,
            json!({"mode": "ok", "sent": 1})
        );
        let letters = get(address, "/dead-letters").await;
        assert_eq!(letters.as_array().unwrap().len(), 1);
        assert_eq!(letters[0]["sentAgain"], second["sentAgain"]);
        assert_ne!(letters[0]["sentAgain"], Value::Null);
    })
    .await;
}

#[tokio::test]
async fn dead_letters_are_listed_newest_first_and_sent_again_together() {
    let folder = tempfile::tempdir().unwrap();

    with_service(folder.path(), &[AT_ONCE_DEAD], async |address, template| {
        post(address, "/gateway", json!({"mode": "fail", "times": 3})).await;
        for id in 1..=3 {
            let announced = order(id, OrderStatus::New);
            template
                .convert_and_send(ORDER_TOPIC, &announced)
                .await
                .unwrap();
            let newest = |letters: &Value| letters[0]["order"]["id"] == id;
            eventually(address, "/dead-letters", newest).await;
        }

        let all = post(address, "/dead-letters/resend", Value::Null).await;

        let all = all.as_array().unwrap();
        assert_eq!(all.len(), 3);
        assert!(
            all.iter().all(|letter| letter["outcome"] == "sent"),
            "{all:?}"
        );
        let sent = |state: &Value| state["sent"] == 3;
        eventually(address, "/gateway", sent).await;
    })
    .await;
}

#[tokio::test]
async fn one_message_reaches_both_groups_and_its_cancellation_too() {
    let folder = tempfile::tempdir().unwrap();

    with_service(folder.path(), &[], async |address, template| {
        for status in [OrderStatus::New, OrderStatus::Cancelled] {
            template
                .convert_and_send(ORDER_TOPIC, &order(7, status))
                .await
                .unwrap();
            let sms = |rows: &Value| {
                rows.as_array().is_some_and(|rows| {
                    let of_status =
                        |row: &Value| row["kind"] == kind(status) && row["state"] == "SENT";
                    rows.iter().any(of_status)
                })
            };
            eventually(address, "/sms", sms).await;
            let (points, orders) = if status == OrderStatus::New {
                (9, 1)
            } else {
                (0, 0)
            };
            let wanted = json!([{"phone": "138", "points": points, "orders": orders}]);
            eventually(address, "/points", |found| *found == wanted).await;
        }
    })
    .await;
}

fn kind(status: OrderStatus) -> &'static str {
    if status == OrderStatus::New {
        "placed"
    } else {
        "cancelled"
    }
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_in_json() {
    let folder = tempfile::tempdir().unwrap();

    with_service(folder.path(), &[], async |address, _| {
        for (path, body, status, reason) in [
            ("/gateway", json!({"mode": "up"}), 400, "`mode` is `up`"),
            ("/dead-letters/none/resend", Value::Null, 404, "`none`"),
        ] {
            let (found, answer) = ask(address, "POST", path, &body).await;
            let error = answer["error"].as_str().unwrap();
            assert_eq!(found, status, "{path}: {error}");
            assert!(error.contains(reason), "{path}: {error}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_provider_has_no_modes() {
    let folder = tempfile::tempdir().unwrap();
    let provider = [
        "--shop.user.gateway.url=http://localhost:1/sms",
        r#"--shop.user.gateway.body={"to":"{phone}","message":"{text}"}"#,
    ];

    with_service(folder.path(), &provider, async |address, _| {
        for method in ["GET", "POST"] {
            let (status, answer) = ask(address, method, "/gateway", &Value::Null).await;
            let error = answer["error"].as_str().unwrap();
            assert_eq!(status, 404);
            assert!(error.contains("http://localhost:1/sms"), "{error}");
        }
    })
    .await;
}

#[test]
fn a_wrong_provider_is_told_together_with_everything_else_that_is_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let options = SettingsOptions::default().directory(folder.path());
    let options = options.arguments([
        "--server.port=x".to_owned(),
        "--shop.user.gateway.url=ftp://localhost".to_owned(),
        "--shop.user.gateway.body={\"to\":\"{phone}\"}".to_owned(),
    ]);

    let errors = Service::check(&options).unwrap_err().to_string();

    assert!(errors.contains("server.port"), "{errors}");
    assert!(errors.contains("expected http://"), "{errors}");
}
