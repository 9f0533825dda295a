//! Annotated listeners, the template and the application against a real broker in the process.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::routing::post;
use mq_core::clock::Clock;
use mq_starter::config::{EmbeddedSettings, SettingsOptions};
use mq_starter::prelude::*;
use mq_starter::{Application, ApplicationError, EmbeddedBroker, SendError};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::{Mutex, mpsc};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Order {
    id: i64,
    phone: String,
}

fn order(id: i64) -> Order {
    Order {
        id,
        phone: "13800000000".to_owned(),
    }
}

/// What listeners report, and a test reads.
#[derive(Clone)]
struct Seen(mpsc::UnboundedSender<String>);

impl Seen {
    fn report(&self, what: impl Into<String>) {
        // A test that has ended reads no more.
        drop(self.0.send(what.into()));
    }
}

trait Gateway: Send + Sync {
    fn send(&self, text: String);
}

impl Gateway for Seen {
    fn send(&self, text: String) {
        self.report(text);
    }
}

#[derive(Component)]
#[rocketmq_message_listener(
    topic = "${shop.order-topic:order-topic}",
    consumer_group = "shop",
    selector_expression = "created || paid"
)]
struct SmsService {
    gateway: Inject<dyn Gateway>,
}

impl RocketMQListener for SmsService {
    type Message = Order;

    async fn on_message(&self, order: Order) -> ConsumeResult {
        self.gateway.send(format!("sms {}", order.id));
        Ok(())
    }
}

header_name!(Locale = "locale");

#[rocketmq_message_listener(topic = "mail", group = "mailer")]
async fn send_mail(
    Json(order): Json<Order>,
    Header(locale): Header<Locale>,
    headers: Headers,
    message: MessageExt,
    body: Bytes,
    State(seen): State<Seen>,
) -> ConsumeResult {
    let keys: Vec<_> = message.keys().collect();
    let keys = keys.join(",");
    let length = headers.get("length").unwrap_or_default();
    seen.report(format!(
        "mail {} {} {keys} {length} {}",
        order.id,
        *locale,
        body.len()
    ));
    Ok(())
}

#[rocketmq_message_listener(topic = "numbers", consumer_group = "strict")]
async fn take_number(Json(number): Json<i64>, State(seen): State<Seen>) -> ConsumeResult {
    seen.report(format!("number {number}"));
    Ok(())
}

#[rocketmq_message_listener(topic = "%DLQ%strict", consumer_group = "undertaker")]
async fn bury(body: String, headers: Headers, State(seen): State<Seen>) -> ConsumeResult {
    let reason = headers.get("DLQ_REASON").unwrap_or_default();
    seen.report(format!("buried {body}: {reason}"));
    Ok(())
}

#[rocketmq_message_listener(topic = "steps", consumer_group = "timeline", consume_mode = "ORDERLY")]
async fn step(step: String, message: MessageExt, State(seen): State<Seen>) -> ConsumeResult {
    if step == "stumble" && message.reconsume_times == 0 {
        return Err("again".into());
    }
    seen.report(format!("step {step}"));
    Ok(())
}

#[rocketmq_message_listener(topic = "flaky", consumer_group = "patient")]
async fn patient(_: String, message: MessageExt, State(seen): State<Seen>) -> ConsumeResult {
    let times = message.reconsume_times;
    seen.report(format!("attempt {times}"));
    if times == 0 {
        return Err(ConsumeError::retry_after(Duration::from_secs(1), "not yet"));
    }
    Ok(())
}

/// An application on a store of its own, and what its listeners report.
struct Fixture {
    app: Application,
    seen: Mutex<mpsc::UnboundedReceiver<String>>,
}

/// The producers' group bears the name of a consumers' group, as in the tutorials.
fn options(store: &TempDir) -> SettingsOptions {
    let path = store.path().display().to_string();
    SettingsOptions::default()
        .set(
            "rocketmq.client.local-offset-store-dir",
            format!("{path}/offsets"),
        )
        .set("rocketmq.embedded.store-path", path)
        .set("rocketmq.producer.group", "shop")
}

async fn build(store: &TempDir) -> Fixture {
    let (sender, receiver) = mpsc::unbounded_channel();
    let seen = Seen(sender);
    let app = RocketMQApplication::new()
        .settings(options(store))
        .provide(seen.clone())
        .provide(Member("only"))
        .provide_as::<dyn Gateway>(Arc::new(seen))
        .listeners(listeners![crate])
        .build()
        .await
        .unwrap();
    Fixture {
        app,
        seen: Mutex::new(receiver),
    }
}

async fn start(store: &TempDir) -> Fixture {
    let fixture = build(store).await;
    fixture.app.start().await.unwrap();
    fixture
}

impl Fixture {
    async fn next(&self) -> String {
        let mut seen = self.seen.lock().await;
        let clock = Clock::system();
        let next = clock.timeout(Duration::from_secs(20), seen.recv()).await;
        next.expect("a listener reports in time").unwrap()
    }

    fn template(&self) -> &RocketMQTemplate {
        self.app.template()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_reaches_the_listener_that_wants_its_tag() {
    let store = TempDir::new().unwrap();
    let fixture = start(&store).await;
    let template = fixture.template();

    template
        .convert_and_send("order-topic:shipped", &order(1))
        .await
        .unwrap();
    template
        .convert_and_send("order-topic:created", &order(2))
        .await
        .unwrap();

    assert_eq!(fixture.next().await, "sms 2");
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_function_gets_the_parts_it_asks_for() {
    let store = TempDir::new().unwrap();
    let fixture = start(&store).await;

    let message = fixture.template().message("mail").payload(&order(7));
    let message = message
        .key(7)
        .key("phone")
        .header("locale", "en")
        .header("length", 3);
    let sent = message
        .timeout(Duration::from_secs(5))
        .send()
        .await
        .unwrap();

    assert!(!sent.message_id.is_empty());
    let length = serde_json::to_vec(&order(7)).unwrap().len();
    assert_eq!(
        fixture.next().await,
        format!("mail 7 en 7,phone 3 {length}")
    );
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_decoded_goes_to_the_dead_letters_at_once() {
    let store = TempDir::new().unwrap();
    let fixture = start(&store).await;

    fixture
        .template()
        .convert_and_send("numbers", "twelve")
        .await
        .unwrap();

    let buried = fixture.next().await;
    assert!(
        buried.starts_with("buried twelve: the body of 6 bytes is no `i64`"),
        "{buried}"
    );
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ordered_message_that_fails_holds_up_those_behind_it() {
    let store = TempDir::new().unwrap();
    let fixture = start(&store).await;

    for step in ["first", "stumble", "last"] {
        let sent = fixture
            .template()
            .sync_send_orderly("steps", step, "order-1")
            .await;
        sent.map(drop).unwrap();
    }

    for step in ["first", "stumble", "last"] {
        assert_eq!(fixture.next().await, format!("step {step}"));
    }
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_says_when_it_wants_the_message_again() {
    let store = TempDir::new().unwrap();
    let fixture = start(&store).await;

    fixture
        .template()
        .convert_and_send("flaky", "x")
        .await
        .unwrap();

    assert_eq!(fixture.next().await, "attempt 0");
    assert_eq!(fixture.next().await, "attempt 1");
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_group_that_starts_after_the_order_still_gets_it() {
    let store = TempDir::new().unwrap();
    let early = build(&store).await;
    early
        .template()
        .convert_and_send("order-topic:paid", &order(3))
        .await
        .unwrap();
    early.app.shutdown().await.unwrap();

    let late = start(&store).await;

    assert_eq!(late.next().await, "sms 3");
    late.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_can_be_sent_in_the_background_and_keep_the_order_of_the_calls() {
    let store = TempDir::new().unwrap();
    let fixture = start(&store).await;
    let template = fixture.template();
    let (report, mut reported) = mpsc::unbounded_channel();

    template.convert_and_send("steps", "0").await.unwrap();
    assert_eq!(fixture.next().await, "step 0");
    for number in 1..=3 {
        template
            .send_one_way_orderly("steps", &number.to_string(), "k")
            .unwrap();
    }
    template.async_send_orderly("steps", "4", "k", move |sent| {
        report.send(sent.map(|sent| sent.message_id)).unwrap();
    });
    let handle = template.message("steps").payload("5").hash_key("k").spawn();

    handle.await.map(drop).unwrap();
    assert!(reported.recv().await.unwrap().is_ok());
    for number in 1..=5 {
        assert_eq!(fixture.next().await, format!("step {number}"));
    }
    fixture.app.shutdown().await.unwrap();
}

/// A broker on ports that the system picks.
async fn reachable_broker(store: &TempDir) -> EmbeddedBroker {
    let settings = EmbeddedSettings {
        store_path: store.path().to_owned(),
        listen: Some("127.0.0.1:0".to_owned()),
        broker_port: 0,
        ..EmbeddedSettings::default()
    };
    EmbeddedBroker::start(&settings).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn sends_that_nobody_waits_for_have_retries_of_their_own() {
    let store = TempDir::new().unwrap();
    let broker = reachable_broker(&store).await;
    let options = SettingsOptions::default()
        .set("rocketmq.name-server", broker.name_server().unwrap())
        .set("rocketmq.producer.retry-times-when-send-failed", "1")
        .set("rocketmq.producer.retry-times-when-send-async-failed", "4");
    let app = sender(options, None).await;
    let template = app.template();
    template.convert_and_send("mail", "x").await.unwrap();
    broker.stop(Duration::from_secs(10)).await.unwrap();

    let waited_for = template.convert_and_send("mail", "x").await;
    let left_alone = template.message("mail").payload("x").spawn().await;

    for (outcome, expected) in [(waited_for, 2), (left_alone.map(drop), 5)] {
        let Err(SendError::Client(error)) = outcome else {
            unreachable!("the broker is gone");
        };
        assert!(
            matches!(*error, mq_core::client::SendError::Broker { attempts, .. } if attempts == expected),
            "{error:?}"
        );
    }
    app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_come_back_from_every_way_of_sending() {
    let store = TempDir::new().unwrap();
    let fixture = build(&store).await;
    let template = fixture.template();

    let wrong = template
        .convert_and_send("no topic", "x")
        .await
        .unwrap_err();
    assert!(matches!(wrong, SendError::Destination { .. }));
    let wrong = template.send_one_way("", "x").unwrap_err();
    assert!(matches!(wrong, SendError::Destination { .. }));
    let message = template.message("mail").payload("x").header("TAGS", "x");
    assert!(matches!(message.send().await, Err(SendError::Header(_))));
    let spawned = template.message("mail").spawn().await;
    assert!(matches!(spawned, Err(SendError::NoPayload(_))));
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_missing_is_reported_before_anything_starts() {
    let store = TempDir::new().unwrap();
    let (sender, _receiver) = mpsc::unbounded_channel();

    let built = RocketMQApplication::new()
        .settings(
            options(&store)
                .set("shop.order-topic", "order topic")
                .set("rocketmq.producer.gruop", "shop"),
        )
        .provide(Seen(sender.clone()))
        .provide(Member("only"))
        .provide(Seen(sender))
        .listeners(mq_starter::Selection::of(&[
            env!("CARGO_PKG_NAME"),
            "shop-user",
        ]))
        .build()
        .await;

    let Err(ApplicationError::Refused(problems)) = built else {
        unreachable!("it must not start");
    };
    let text = problems
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(problems.len(), 5, "{text}");
    assert!(
        text.contains("did you mean `rocketmq.producer.group`?"),
        "{text}"
    );
    assert!(
        text.contains("SmsService.gateway needs a `dyn app::Gateway`"),
        "{text}"
    );
    assert!(text.contains("`app::Seen` is provided twice"), "{text}");
    assert!(text.contains("`listeners!` names `shop-user`"), "{text}");
    assert!(text.contains("tests/app.rs:"), "{text}");
    assert!(
        text.contains("topic: the topic name `order topic`"),
        "{text}"
    );
    assert!(std::fs::read_dir(store.path()).unwrap().next().is_none());
}

async fn create(
    State(template): State<RocketMQTemplate>,
    Json(order): Json<Order>,
) -> Result<Json<Order>, String> {
    let sent = template
        .convert_and_send("order-topic:created", &order)
        .await;
    sent.map_err(|error| error.to_string())?;
    Ok(Json(order))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_server_beside_the_listeners_shares_their_state_and_their_end() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    let store = TempDir::new().unwrap();
    let fixture = build(&store).await;
    let router = Router::new()
        .route("/order", post(create))
        .with_state(fixture.app.state());
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let visit = async {
        let body = serde_json::to_string(&order(9)).unwrap();
        let mut visitor = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!(
            "POST /order HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        visitor.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        visitor.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert_eq!(fixture.next().await, "sms 9");
        stop.send(()).unwrap();
    };

    let serve = fixture.app.serve_until(socket, router, async {
        drop(stopped.await);
    });
    let (served, ()) = tokio::join!(serve, visit);

    served.unwrap();
    let refused = fixture.template().convert_and_send("mail", "x").await;
    assert!(refused.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_listeners_of_a_program_are_there() {
    let store = TempDir::new().unwrap();
    let fixture = build(&store).await;

    let mut names = fixture.app.listeners();
    names.sort_unstable();

    let expected = [
        "SmsService",
        "announce",
        "bury",
        "drop_once",
        "patient",
        "send_mail",
        "step",
        "take_number",
    ];
    assert_eq!(names, expected);
    fixture.app.shutdown().await.unwrap();
}

#[rocketmq_message_listener(topic = "clumsy", consumer_group = "juggler", consume_mode = Orderly)]
async fn drop_once(message: MessageExt, State(seen): State<Seen>) -> ConsumeResult {
    let times = message.reconsume_times;
    seen.report(format!("attempt {times}"));
    assert!(times > 0, "the listener drops everything");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_listener_panicked_comes_again() {
    let store = TempDir::new().unwrap();
    let fixture = start(&store).await;

    fixture
        .template()
        .convert_and_send("clumsy", "x")
        .await
        .unwrap();

    assert_eq!(fixture.next().await, "attempt 0");
    assert_eq!(fixture.next().await, "attempt 1");
    fixture.app.shutdown().await.unwrap();
}

/// An application beside others, with a producer only.
async fn sender(options: SettingsOptions, broker: Option<&EmbeddedBroker>) -> Application {
    let mut app = RocketMQApplication::new().settings(options);
    if let Some(broker) = broker {
        app = app.broker(broker);
    }
    app.listeners(mq_starter::Selection::of(&[]))
        .build()
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn applications_share_a_broker_and_other_processes_reach_it_by_its_port() {
    let store = TempDir::new().unwrap();
    let broker = reachable_broker(&store).await;
    let (report, mut seen) = mpsc::unbounded_channel();
    let offsets = store.path().join("offsets").display().to_string();
    let offsets = SettingsOptions::default().set("rocketmq.client.local-offset-store-dir", offsets);
    let shop_user = RocketMQApplication::new()
        .settings(offsets)
        .provide(Seen(report.clone()))
        .provide(Member("only"))
        .provide_as::<dyn Gateway>(Arc::new(Seen(report)))
        .listeners(listeners![crate])
        .broker(&broker)
        .build()
        .await
        .unwrap();
    shop_user.start().await.unwrap();
    let inside = sender(SettingsOptions::default(), Some(&broker)).await;
    let address = broker.name_server().unwrap();
    let options = SettingsOptions::default().set("rocketmq.name-server", address);
    let outside = sender(options, None).await;

    for (app, id) in [(&inside, 1), (&outside, 2)] {
        let sent = app
            .template()
            .convert_and_send("order-topic:paid", &order(id))
            .await;
        sent.unwrap();
        let clock = Clock::system();
        let next = clock.timeout(Duration::from_secs(20), seen.recv()).await;
        assert_eq!(next.unwrap().unwrap(), format!("sms {id}"));
    }

    for app in [&outside, &inside, &shop_user] {
        app.shutdown().await.unwrap();
    }
    broker.stop(Duration::from_secs(10)).await.unwrap();
    assert!(!store.path().join("abort").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn declared_topics_are_there_with_their_queues() {
    let store = TempDir::new().unwrap();
    let options = options(&store).set("rocketmq.topics.narrow.queues", "1");
    let app = sender(options, None).await;

    for key in 0..8 {
        let message = app.template().message("narrow").payload("x").hash_key(key);
        assert_eq!(message.send().await.unwrap().queue.id, 0);
    }

    app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_in_use_is_refused_with_the_key_to_change() {
    let store = TempDir::new().unwrap();
    let first = sender(options(&store), None).await;

    let second = RocketMQApplication::new()
        .settings(options(&store))
        .listeners(mq_starter::Selection::of(&[]))
        .build()
        .await;

    let text = format!("{:?}", mq_starter::Failure::from(second.unwrap_err()));
    assert!(text.contains("rocketmq.embedded.store-path"), "{text}");
    assert!(text.contains("is in use"), "{text}");
    first.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_port_is_refused_with_the_key_to_change() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    for (key, listen, broker_port) in [
        ("listen", format!("127.0.0.1:{port}"), 0),
        ("broker-port", "127.0.0.1:0".to_owned(), port),
    ] {
        let store = TempDir::new().unwrap();
        let settings = EmbeddedSettings {
            store_path: store.path().to_owned(),
            listen: Some(listen),
            broker_port,
            ..EmbeddedSettings::default()
        };

        let refused = EmbeddedBroker::start(&settings).await.unwrap_err();

        let text = format!("{:?}", mq_starter::Failure::from(refused));
        assert!(
            text.contains(&format!("`rocketmq.embedded.{key}`")),
            "{text}"
        );
        assert!(
            text.contains(&format!("127.0.0.1:{port} is taken")),
            "{text}"
        );
    }
    let store = TempDir::new().unwrap();
    let app = sender(options(&store), None).await;
    let served = app.serve(&format!("127.0.0.1:{port}"), Router::new()).await;
    let text = format!("{:?}", mq_starter::Failure::from(served.unwrap_err()));
    assert!(
        text.contains(&format!("127.0.0.1:{port} is taken")),
        "{text}"
    );
}

/// Which of several programs this is.
#[derive(Clone)]
struct Member(&'static str);

#[rocketmq_message_listener(
    topic = "notices",
    consumer_group = "boards",
    message_model = "BROADCASTING"
)]
async fn announce(
    notice: String,
    State(member): State<Member>,
    State(seen): State<Seen>,
) -> ConsumeResult {
    seen.report(format!("{} {notice}", member.0));
    Err("broadcast messages are not tried again".into())
}

#[tokio::test(flavor = "multi_thread")]
async fn every_member_of_a_broadcasting_group_gets_each_message_once() {
    let store = TempDir::new().unwrap();
    let settings = EmbeddedSettings {
        store_path: store.path().join("broker"),
        ..EmbeddedSettings::default()
    };
    let broker = EmbeddedBroker::start(&settings).await.unwrap();
    let (report, mut seen) = mpsc::unbounded_channel();
    let mut members = Vec::new();
    for name in ["east", "west"] {
        let offsets = store.path().join(name).display().to_string();
        let member = RocketMQApplication::new()
            .settings(
                SettingsOptions::default()
                    .set("rocketmq.client.local-offset-store-dir", offsets)
                    .set("rocketmq.topics.notices.queues", "2"),
            )
            .provide(Member(name))
            .provide(Seen(report.clone()))
            .provide_as::<dyn Gateway>(Arc::new(Seen(report.clone())))
            .listeners(listeners![crate])
            .broker(&broker)
            .build()
            .await
            .unwrap();
        member.start().await.unwrap();
        members.push(member);
    }

    for number in 0..4 {
        let notice = number.to_string();
        let sent = members[0].template().convert_and_send("notices", &notice);
        sent.await.unwrap();
    }

    let mut got = Vec::new();
    for _ in 0..8 {
        let clock = Clock::system();
        let next = clock.timeout(Duration::from_secs(20), seen.recv());
        got.push(next.await.unwrap().unwrap());
    }
    got.sort_unstable();
    let expected = ["east", "west"].map(|name| (0..4).map(move |n| format!("{name} {n}")));
    assert_eq!(got, expected.into_iter().flatten().collect::<Vec<_>>());
    for member in &members {
        member.shutdown().await.unwrap();
    }
    assert!(seen.try_recv().is_err(), "a message came twice");
    for name in ["east", "west"] {
        assert!(store.path().join(name).exists(), "{name} keeps its offsets");
    }
    broker.stop(Duration::from_secs(10)).await.unwrap();
}
