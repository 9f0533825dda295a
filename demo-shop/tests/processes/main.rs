//! `demo-shop` as a person runs it: processes, Ctrl-C, crashes, and what is left.
#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod program;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use mq_core::clock::Clock;
use program::{Program, answer, get, is_running, request, settings};
use rustix::process::Signal;
use serde_json::{Value, json};

/// The signal that ends a process that aborts itself.
const ABORTED: i32 = Signal::ABORT.as_raw();

/// The whole demo with one of its ways to start.
struct Demo {
    program: Program,
    order: String,
    user: String,
}

impl Demo {
    fn start(folder: &Path, options: &[&str]) -> Self {
        let mut words = settings(folder);
        words.extend(options.iter().map(|&option| option.to_owned()));
        let program = Program::start(&words);
        let (order, user) = (program.address("order"), program.address("user"));
        Self {
            program,
            order,
            user,
        }
    }

    /// Ctrl-C, and its end; nothing answers any more.
    fn interrupt(self) {
        self.program.interrupt();
        for address in [&self.order, &self.user] {
            assert!(TcpStream::connect(address).is_err(), "{address} answers");
        }
    }
}

/// A browser that listens to server-sent events.
struct Browser(BufReader<TcpStream>);

impl Browser {
    /// Asks with these headers, and waits until it is answered.
    fn listen(order: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(order).unwrap();
        let request = format!("GET /events HTTP/1.1\r\nHost: shop\r\n{headers}\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        let mut browser = Self(BufReader::new(stream));
        while browser.line() != "\r\n" {}
        browser
    }

    /// The id and the status of the next event.
    fn event(&mut self) -> (String, String) {
        let (mut id, mut status) = (None, None);
        loop {
            let line = self.line();
            if let Some(text) = line.strip_prefix("id:") {
                id = Some(text.trim().to_owned());
            } else if let Some(json) = line.strip_prefix("data:") {
                let entry: Value = serde_json::from_str(json).unwrap();
                let found = entry.get("status").and_then(Value::as_str);
                status = found.map(str::to_owned);
            }
            if let (Some(id), Some(status)) = (&id, &status) {
                return (id.clone(), status.clone());
            }
        }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        assert_ne!(self.0.read_line(&mut line).unwrap(), 0, "no more events");
        line
    }
}

/// The text messages at `user`, as soon as there are `count` that were sent.
async fn sent(user: &str, count: usize) -> Vec<Value> {
    let sent = |all: &Value| {
        let all = all.as_array()?;
        let sent = all.iter().filter(|sms| sms["state"] == "SENT");
        (sent.count() >= count).then(|| all.clone())
    };
    seen(user, "/sms", sent).await
}

/// What `look` finds in the answer to `GET path`, as soon as it finds something.
async fn seen<T>(address: &str, path: &str, look: impl Fn(&Value) -> Option<T>) -> T {
    let clock = Clock::system();
    let looking = async {
        loop {
            if let Some(found) = look(&get(address, path)) {
                return found;
            }
            clock.sleep(Duration::from_millis(5)).await;
        }
    };
    let limit = Duration::from_secs(20);
    let found = clock.timeout(limit, looking).await;
    found.unwrap_or_else(|_elapsed| panic!("{path}: {}", get(address, path)))
}

/// The statuses that were announced of an order.
fn statuses(order: &Value) -> Vec<&str> {
    let timeline = order["timeline"].as_array().unwrap();
    let statuses = timeline.iter().map(|entry| entry["status"].as_str());
    statuses.map(Option::unwrap).collect()
}

/// Waits until the timeline of an order has these statuses.
async fn announced(order: &str, id: i64, wanted: &[&str]) {
    let path = format!("/orders/{id}");
    let reached = |order: &Value| (statuses(order) == wanted).then_some(());
    seen(order, &path, reached).await;
}

/// How much is left of a product.
fn stock(order: &str, product: i64) -> i64 {
    let products = get(order, "/products");
    let mut products = products.as_array().unwrap().iter();
    let found = products.find(|found| found["id"] == product).unwrap();
    found["stock"].as_i64().unwrap()
}

/// What SQLite leaves beside a database that was not closed.
fn left_open(folder: &Path) -> Vec<String> {
    let files = std::fs::read_dir(folder).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.contains(".db-")).collect()
}

/// Orders that are neither paid nor cancelled, and text messages, by the databases.
async fn rows(folder: &Path) -> (i64, usize) {
    let orders = shop_order::Database::open(&folder.join("order.db")).await;
    let orders = orders.unwrap();
    let count = orders.count(shop_contracts::OrderStatus::New).await;
    orders.close().await;
    let messages = shop_user::Database::open(&folder.join("user.db")).await;
    let messages = messages.unwrap();
    let newest = messages.newest(100).await;
    messages.close().await;
    (count.unwrap(), newest.unwrap().len())
}

#[tokio::test]
async fn processes_of_their_own_do_the_same_and_ctrl_c_leaves_nothing_but_the_data() {
    let folder = tempfile::tempdir().unwrap();
    let abort = folder.path().join("broker/abort");

    let demo = Demo::start(folder.path(), &["--separate"]);
    let processes = demo.program.processes();
    assert_eq!(processes.len(), 3, "{processes:?}");
    assert_eq!(get(&demo.order, "/order?pid=1")["id"], 1);
    let all = sent(&demo.user, 1).await;
    assert_eq!(
        (&all[0]["orderId"], &all[0]["attempts"]),
        (&1.into(), &1.into())
    );
    assert!(abort.exists());
    demo.interrupt();

    for id in &processes {
        assert!(!is_running(id), "process {id} is left");
    }
    assert!(!abort.exists());
    assert_eq!(left_open(folder.path()), [""; 0]);
    assert_eq!(rows(folder.path()).await, (1, 1));

    // The store's lock is free and its messages are there: the same story goes on in one process.
    let demo = Demo::start(folder.path(), &[]);
    assert_eq!(demo.program.processes(), [""; 0]);
    assert_eq!(get(&demo.order, "/order?pid=2")["id"], 2);
    assert_eq!(sent(&demo.user, 2).await.len(), 2);
    demo.interrupt();

    assert!(!abort.exists());
    assert_eq!(rows(folder.path()).await, (2, 2));
}

#[tokio::test]
async fn an_unpaid_order_is_cancelled_in_time_and_a_paid_one_is_shipped() {
    let folder = tempfile::tempdir().unwrap();
    // Long enough for a busy machine to pay in time.
    let demo = Demo::start(folder.path(), &["--shop.order.pay-timeout=5s"]);
    let (order, clock) = (demo.order.as_str(), Clock::system());
    assert_eq!(get(order, "/order?pid=3&quantity=2")["id"], 1);
    let (status, paid) = answer(order, "POST /order/1/pay", "");
    assert_eq!((status, &paid["status"]), (200, &"PAID".into()), "{paid}");
    assert_eq!(answer(order, "POST /order/1/pay", ""), (200, paid));

    let begun = clock.moment();
    assert_eq!(get(order, "/order?pid=3&quantity=3")["id"], 2);
    assert_eq!(stock(order, 3), 95);
    announced(order, 2, &["NEW", "CANCELLED"]).await;
    let took = clock.moment().since(begun);
    assert_eq!(answer(order, "POST /order/1/ship", "").0, 200);
    announced(order, 1, &["NEW", "PAID", "SHIPPED"]).await;

    let fitting = Duration::from_secs(5)..Duration::from_secs(10);
    assert!(fitting.contains(&took), "{took:?}");
    assert_eq!(stock(order, 3), 98);
    let (status, refused) = answer(order, "POST /order/2/pay", "");
    let error = json!({ "error": "order 2 is CANCELLED and cannot become PAID" });
    assert_eq!((status, refused), (409, error));
    demo.interrupt();
}

#[tokio::test]
async fn an_order_that_is_delivered_twice_is_one_text_message() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path(), &[]);
    let twice = answer(&demo.order, "POST /faults", r#"{"deliverTwice":true}"#);
    assert_eq!(twice.0, 200);

    assert_eq!(get(&demo.order, "/order?pid=1")["id"], 1);
    let both = |all: &Value| (all[0]["duplicates"] == 1).then(|| all.clone());
    let all = seen(&demo.user, "/sms", both).await;

    assert_eq!(all.as_array().unwrap().len(), 1);
    assert_eq!(all[0]["attempts"], 1);
    let faults = json!({ "crashAfterCommit": false, "deliverTwice": false });
    assert_eq!(get(&demo.order, "/faults"), faults);
    demo.interrupt();
}

#[tokio::test]
async fn a_sold_out_order_is_refused_and_never_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path(), &[]);
    assert_eq!(get(&demo.order, "/order?pid=4")["id"], 1);

    let (status, refused) = answer(&demo.order, "GET /order?pid=4", "");
    assert_eq!(get(&demo.order, "/order?pid=1")["id"], 3);

    let error = json!({ "error": "product 4 is sold out: 0 left" });
    assert_eq!((status, refused), (409, error));
    let all = sent(&demo.user, 2).await;
    let mut orders: Vec<_> = all.iter().map(|sms| sms["orderId"].as_i64()).collect();
    orders.sort_unstable();
    assert_eq!(orders, [Some(1), Some(3)]);
    demo.interrupt();
}

#[tokio::test]
async fn bad_requests_get_a_reason_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path(), &[]);
    let order = demo.order.as_str();

    for (head, body, expected, reason) in [
        ("GET /order", "", 400, "`pid` is missing"),
        ("GET /order?pid=abc", "", 400, "`pid` is `abc`"),
        (
            "GET /order?pid=3&quantity=-1",
            "",
            400,
            "`quantity` is `-1`",
        ),
        ("GET /order?pid=3&quantity=1001", "", 400, "from 1 to 1000"),
        ("GET /order?pid=3&quantity=1000", "", 409, "100 left"),
        ("GET /order?pid=99", "", 404, "no product 99"),
        ("GET /order?pid=3&uid=99", "", 404, "no customer 99"),
        ("GET /orders/abc", "", 400, "`id` is `abc`"),
        ("GET /orders/77", "", 404, "no order 77"),
        ("POST /order/77/pay", "", 404, "no order 77"),
        ("POST /order/77/ship", "", 404, "no order 77"),
        (
            "POST /faults",
            "{\"deliverTwize\":true}",
            400,
            "`deliverTwice`",
        ),
        ("POST /faults", "", 400, "the body cannot be read"),
        ("GET /nothing", "", 404, "nothing here"),
    ] {
        let (status, body) = answer(order, head, body);
        let error = body["error"].as_str().unwrap_or_default();
        assert_eq!(status, expected, "{head}: {body}");
        assert!(error.contains(reason), "{head}: {body}");
    }

    assert_eq!(get(order, "/orders"), json!([]));
    assert_eq!(stock(order, 3), 100);
    demo.interrupt();
}

#[tokio::test]
async fn a_browser_that_listens_gets_each_status_and_does_not_hold_up_the_end() {
    let folder = tempfile::tempdir().unwrap();
    let demo = Demo::start(folder.path(), &["--shop.faults=false"]);
    assert_eq!(answer(&demo.order, "GET /faults", "").0, 404);
    assert_eq!(get(&demo.order, "/order?pid=1")["id"], 1);
    announced(&demo.order, 1, &["NEW"]).await;

    let (mut browser, mut returning) = (
        Browser::listen(&demo.order, ""),
        Browser::listen(&demo.order, "Last-Event-ID: 0\r\n"),
    );
    assert_eq!(answer(&demo.order, "POST /order/1/pay", "").0, 200);

    assert_eq!(browser.event(), ("2".to_owned(), "PAID".to_owned()));
    assert_eq!(returning.event(), ("1".to_owned(), "NEW".to_owned()));
    assert_eq!(returning.event(), ("2".to_owned(), "PAID".to_owned()));
    demo.interrupt();
}

#[tokio::test]
async fn an_order_whose_service_died_before_the_commit_is_delivered_after_a_check() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("broker").display().to_string();
    let broker = Program::start(&[
        "mq",
        "standalone",
        "--store",
        store.as_str(),
        "--namesrv-port=0",
        "--broker-port=0",
        "--set=transactionTimeOut=500",
        "--set=transactionCheckInterval=200",
    ]);
    let part = |part: &str| {
        let mut words = settings(folder.path());
        let cluster = broker.address("namesrv");
        words.extend(["--part", part, "--name-server", &cluster].map(str::to_owned));
        Program::start(&words)
    };
    let (user, mut order) = (part("user"), part("order"));
    let (at_user, at_order) = (user.address("user"), order.address("order"));

    let crash = answer(&at_order, "POST /faults", r#"{"crashAfterCommit":true}"#);
    let faults = json!({ "crashAfterCommit": true, "deliverTwice": false });
    assert_eq!(crash, (200, faults));
    let mut answered = Vec::new();
    let mut stream = request(&at_order, "GET /order?pid=3", "");
    // The end of the connection, or its being cut: either way there is no answer.
    drop(stream.read_to_end(&mut answered));
    assert_eq!(answered, b"");
    assert_eq!(order.end().signal(), Some(ABORTED));
    assert_eq!(rows(folder.path()).await, (1, 0));

    let order = part("order");
    let at_order = order.address("order");
    assert_eq!(sent(&at_user, 1).await[0]["orderId"], 1);
    announced(&at_order, 1, &["NEW"]).await;
    assert_eq!(stock(&at_order, 3), 99);
    order.interrupt();
    user.interrupt();
    broker.interrupt();
    assert_eq!(rows(folder.path()).await, (1, 1));
}

#[test]
fn words_that_are_no_settings_are_refused_before_anything_starts() {
    let refused = |words: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_demo-shop"))
            .args(words)
            .output();
        let output = output.unwrap();
        assert!(!output.status.success(), "{words:?}");
        assert_eq!(output.stdout, b"", "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    };

    let error = refused(&["--seperate"]);
    assert!(error.contains("'--separate'"), "{error}");
    let error = refused(&[
        "--rocketmq.embeded.listen=x",
        "--server.prot=1",
        "--server.port=many",
        "--shop.order.databse=x",
        "--shop.order.pay-timeout=soon",
        "--sever.port=1",
    ]);
    for expected in [
        "--rocketmq.embeded.listen=x: unknown, did you mean",
        "--server.prot=1: unknown, did you mean `server.port`?",
        "--shop.order.databse=x: unknown, did you mean `shop.order.database`?",
        "--shop.order.pay-timeout=soon: is `soon`, expected milliseconds from 1",
        "--sever.port=1: unknown, did you mean `server`?",
        "--server.port=many: is `many`, expected a number from 0 to 65535",
    ] {
        assert!(error.contains(expected), "{expected}\nnot in\n{error}");
    }
}
