//! Listeners that block their thread, and everything that goes on beside them.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ThreadId};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use mq_core::clock::Clock;
use mq_starter::Application;
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

/// How many messages block their listener at once.
const BLOCKED: usize = 8;

/// Nothing here takes so long unless it stands still.
const STANDSTILL: Duration = Duration::from_mins(1);

/// A door that handlers block at until it opens; it opens by itself when everything stands still.
#[derive(Clone, Default)]
struct Door(Arc<(Mutex<bool>, Condvar)>);

impl Door {
    fn new() -> Self {
        let door = Self::default();
        let late = door.clone();
        thread::spawn(move || {
            let (open, opened) = &*late.0;
            let shut = open.lock().unwrap();
            drop(opened.wait_timeout_while(shut, STANDSTILL, |open| !*open));
            late.open();
        });
        door
    }

    fn open(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
    }

    /// Blocks the thread.
    fn pass(&self) {
        let (open, opened) = &*self.0;
        drop(opened.wait_while(open.lock().unwrap(), |open| !*open));
    }
}

/// What listeners report, and a test reads.
#[derive(Clone)]
struct Seen {
    report: mpsc::UnboundedSender<String>,
    /// Handlers that came through the door.
    ended: Arc<AtomicUsize>,
}

#[rocketmq_message_listener(topic = "slow", consumer_group = "blocked")]
async fn block(body: String, State(door): State<Door>, State(seen): State<Seen>) -> ConsumeResult {
    seen.report.send(format!("slow {body}"))?;
    door.pass();
    seen.ended.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

/// More than there are processors: each gets a thread at once.
const PLAIN: usize = 40;

#[rocketmq_message_listener(topic = "plain", consumer_group = "plain", consume_thread_number = 40)]
fn wait(body: String, State(door): State<Door>, State(seen): State<Seen>) -> ConsumeResult {
    seen.report.send(body)?;
    door.pass();
    seen.ended.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

#[rocketmq_message_listener(topic = "fast", consumer_group = "free")]
async fn pass(body: String, State(seen): State<Seen>) -> ConsumeResult {
    seen.report.send(format!("fast {body}"))?;
    Ok(())
}

/// A connection and a thread of the runtime that the application is on.
#[derive(Clone)]
struct Runtime {
    thread: ThreadId,
    echo: Arc<tokio::sync::Mutex<TcpStream>>,
}

tokio::task_local! {
    static PLACE: &'static str;
}

#[rocketmq_message_listener(topic = "guests", consumer_group = "visitor")]
async fn visit(State(runtime): State<Runtime>, State(seen): State<Seen>) -> ConsumeResult {
    let here = thread::current().id();
    let work = async {
        Clock::system().sleep(Duration::from_millis(1)).await;
        let mut echo = runtime.echo.lock().await;
        echo.write_all(b"hello").await?;
        let mut answer = [0; 5];
        echo.read_exact(&mut answer).await?;
        let spawned = Handle::current()
            .spawn(async { thread::current().id() })
            .await?;
        let blocking = tokio::task::spawn_blocking(|| 1).await?;
        let facts = [
            here != runtime.thread,
            answer == *b"hello",
            spawned == runtime.thread,
            blocking == 1,
            PLACE.with(|place| *place == "inside"),
        ];
        seen.report.send(format!("{facts:?}"))?;
        ConsumeResult::Ok(())
    };
    PLACE.scope("inside", work).await
}

struct Fixture {
    app: Application,
    door: Door,
    ended: Arc<AtomicUsize>,
    reports: mpsc::UnboundedReceiver<String>,
    /// Where the store is while it is needed.
    _store: TempDir,
}

impl Fixture {
    async fn build() -> Self {
        let store = TempDir::new().unwrap();
        let path = store.path().display().to_string();
        let (report, reports) = mpsc::unbounded_channel();
        let (door, ended) = (Door::new(), Arc::<AtomicUsize>::default());
        let seen = Seen {
            report,
            ended: Arc::clone(&ended),
        };
        let runtime = Runtime {
            thread: thread::current().id(),
            echo: Arc::new(tokio::sync::Mutex::new(echo().await)),
        };
        let app = RocketMQApplication::new()
            .settings(SettingsOptions::default().set("rocketmq.embedded.store-path", path))
            .listeners(listeners![crate])
            .provide(door.clone())
            .provide(seen)
            .provide(runtime)
            .build()
            .await
            .unwrap();
        Self {
            app,
            door,
            ended,
            reports,
            _store: store,
        }
    }

    async fn send(&self, topic: &str, body: &str) {
        let sent = self.app.template().convert_and_send(topic, body).await;
        sent.unwrap();
    }

    async fn next(&mut self) -> String {
        self.reports.recv().await.unwrap()
    }

    /// Blocks as many handlers, and uses everything else meanwhile.
    async fn block_and_go_on(&mut self, web: SocketAddr) {
        for number in 0..BLOCKED {
            self.send("slow", &number.to_string()).await;
        }
        for _ in 0..BLOCKED {
            assert!(self.next().await.starts_with("slow"));
        }
        for number in 0..100 {
            assert!(health(web).await.ends_with("up"));
            self.send("fast", &number.to_string()).await;
        }
        for _ in 0..100 {
            assert!(self.next().await.starts_with("fast"));
        }
        assert_eq!(self.ended.load(Ordering::SeqCst), 0, "all stood still");
        self.door.open();
    }
}

/// A connection of this runtime to somebody who repeats what he hears.
async fn echo() -> TcpStream {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut heard, _) = listener.accept().unwrap();
        let mut said = heard.try_clone().unwrap();
        std::io::copy(&mut heard, &mut said)
    });
    TcpStream::connect(address).await.unwrap()
}

/// The answer to `GET /health`.
async fn health(web: SocketAddr) -> String {
    let mut visitor = TcpStream::connect(web).await.unwrap();
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    visitor.write_all(request).await.unwrap();
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Runs it all beside a web server.
async fn handlers_that_block() {
    let mut fixture = Fixture::build().await;
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let web = socket.local_addr().unwrap();
    let router = Router::new().route("/health", get(async || "up"));
    fixture.app.start().await.unwrap();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let server = axum::serve(socket, router).with_graceful_shutdown(async {
        drop(stopped.await);
    });
    let use_it = async {
        fixture.block_and_go_on(web).await;
        stop.send(()).unwrap();
    };

    let (ended, ()) = tokio::join!(server.into_future(), use_it);

    ended.unwrap();
    fixture.app.shutdown().await.unwrap();
    assert_eq!(fixture.ended.load(Ordering::SeqCst), BLOCKED);
}

#[tokio::test]
async fn handlers_that_block_hold_up_nothing_else_on_a_runtime_with_one_thread() {
    handlers_that_block().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn handlers_that_block_hold_up_nothing_else_on_a_runtime_with_two_threads() {
    handlers_that_block().await;
}

#[tokio::test]
async fn a_plain_function_blocks_as_many_threads_as_its_group_has_handlers() {
    let mut fixture = Fixture::build().await;
    fixture.app.start().await.unwrap();

    for number in 0..PLAIN {
        fixture.send("plain", &format!("plain {number}")).await;
    }
    for _ in 0..PLAIN {
        assert!(fixture.next().await.starts_with("plain"));
    }

    assert_eq!(fixture.ended.load(Ordering::SeqCst), 0, "all stood still");
    fixture.door.open();
    fixture.app.shutdown().await.unwrap();
    assert_eq!(fixture.ended.load(Ordering::SeqCst), PLAIN);
}

#[tokio::test]
async fn a_handler_uses_timers_connections_and_tasks_of_the_applications_runtime() {
    let mut fixture = Fixture::build().await;
    fixture.app.start().await.unwrap();

    fixture.send("guests", "x").await;

    assert_eq!(fixture.next().await, format!("{:?}", [true; 5]));
    fixture.app.shutdown().await.unwrap();
}
