//! How an application ends when something does not.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use mq_core::clock::Clock;
use mq_core::store::disk::{Fault, FaultyDisk};
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use mq_starter::{Application, ApplicationError, ShutdownProblem};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc};

/// What happens to handlers.
#[derive(Clone)]
struct Seen(mpsc::UnboundedSender<String>);

/// Says when it is dropped.
struct Dropped(Seen);

impl Drop for Dropped {
    fn drop(&mut self) {
        // Nobody may listen any more.
        drop(self.0.0.send("dropped".to_owned()));
    }
}

#[rocketmq_message_listener(topic = "endless", consumer_group = "sleeper")]
async fn sleep(State(seen): State<Seen>) -> ConsumeResult {
    let _dropped = Dropped(seen.clone());
    seen.0.send("begun".to_owned())?;
    std::future::pending().await
}

#[rocketmq_message_listener(topic = "blocked", consumer_group = "stone")]
async fn block(State(seen): State<Seen>) -> ConsumeResult {
    seen.0.send("begun".to_owned())?;
    loop {
        std::thread::park();
    }
}

/// An application whose shutdown has the time `timeout`, before it is built.
fn application(
    store: &TempDir,
    timeout: &str,
) -> (RocketMQApplication, mpsc::UnboundedReceiver<String>) {
    let path = store.path().display().to_string();
    let settings = SettingsOptions::default()
        .set("rocketmq.embedded.store-path", path)
        .set("rocketmq.topics.endless.queues", "1")
        .set("rocketmq.topics.blocked.queues", "1")
        .set("rocketmq.shutdown-timeout", timeout);
    let (seen, reports) = mpsc::unbounded_channel();
    let app = RocketMQApplication::new()
        .settings(settings)
        .listeners(listeners![crate])
        .provide(Seen(seen));
    (app, reports)
}

async fn build(store: &TempDir, timeout: &str) -> (Application, mpsc::UnboundedReceiver<String>) {
    let (app, reports) = application(store, timeout);
    (app.build().await.unwrap(), reports)
}

/// The problems of an application that did not end as it should, in words.
fn problems(stopped: ApplicationError) -> Vec<String> {
    let ApplicationError::Stop(problems) = stopped else {
        unreachable!("{stopped}");
    };
    problems.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn what_did_not_end_in_time_is_listed_with_listener_topic_message_and_age() {
    let store = TempDir::new().unwrap();
    let clock = Clock::manual(1_800_000_000_000);
    let (app, mut reports) = application(&store, "100s");
    let app = app.clock(clock.clone()).build().await.unwrap();
    app.start().await.unwrap();
    let mut ids = Vec::new();
    for topic in ["endless", "blocked"] {
        let sent = app.template().sync_send(topic, "x").await.unwrap();
        ids.push(sent.message_id);
        assert_eq!(reports.recv().await.unwrap(), "begun");
    }

    // Listeners have four fifths of the time.
    let time = clock.advance(Duration::from_secs(80));
    let (stopped, ()) = tokio::join!(app.shutdown(), time);

    let mut unfinished = problems(stopped.unwrap_err());
    unfinished.sort();
    let expected = [("block", "blocked", &ids[1]), ("sleep", "endless", &ids[0])];
    let expected = expected.map(|(listener, topic, id)| {
        format!(
            "the listener `{listener}` has had the message `{id}` of the topic `{topic}` for 80.0 s"
        )
    });
    assert_eq!(unfinished, expected);
    // A handler that awaits ends there; the store was closed in order.
    assert_eq!(reports.recv().await.unwrap(), "dropped");
    assert!(!store.path().join("abort").exists());
}

/// What is logged on the thread of a test.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn listen() -> (Self, tracing::subscriber::DefaultGuard) {
        // A line that another thread comes to first would be taken for one that nobody listens to.
        let others = tracing_subscriber::fmt().with_writer(io::sink).finish();
        drop(tracing::subscriber::set_global_default(others));
        let log = Self::default();
        let own = log.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false);
        let subscriber = subscriber.with_writer(move || own.clone());
        let guard = tracing::subscriber::set_default(subscriber.finish());
        (log, guard)
    }

    fn lines_with(&self, words: &str) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().filter(|line| line.contains(words));
        lines.map(str::to_owned).collect()
    }
}

impl io::Write for Log {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(text);
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn a_message_whose_listener_is_cut_off_is_told_in_one_line_with_what_becomes_of_it() {
    let (log, _listening) = Log::listen();
    let store = TempDir::new().unwrap();
    let clock = Clock::manual(1_800_000_000_000);
    let (app, mut reports) = application(&store, "100s");
    let app = app.clock(clock.clone()).build().await.unwrap();
    app.start().await.unwrap();
    let sent = app.template().sync_send("endless", "x").await.unwrap();
    assert_eq!(reports.recv().await.unwrap(), "begun");

    let time = clock.advance(Duration::from_secs(80));
    let (stopped, ()) = tokio::join!(app.shutdown(), time);
    stopped.unwrap_err();
    assert_eq!(reports.recv().await.unwrap(), "dropped");

    let lines = log.lines_with("a message was not handled");
    assert_eq!(lines.len(), 1, "{lines:?}");
    for part in [
        "WARN",
        "listener=\"sleep\" topic=endless group=sleeper",
        &sent.message_id,
        "attempt=\"1 of 17\"",
        "next=\"the same attempt, as soon as a member has its queue\"",
        "reason=\"the application stopped\"",
    ] {
        assert!(lines[0].contains(part), "{part} is not in {lines:?}");
    }
}

/// The list had the text of the first failure under "not everything ended in time".
#[tokio::test]
async fn what_a_full_disk_keeps_from_being_saved_is_listed_with_file_and_cause() {
    let store = TempDir::new().unwrap();
    let disk = FaultyDisk::default();
    let (app, mut reports) = application(&store, "100ms");
    let app = app.disk(Arc::new(disk.clone())).build().await.unwrap();
    app.start().await.unwrap();
    let sent = app.template().convert_and_send("endless", "x").await;
    sent.unwrap();
    assert_eq!(reports.recv().await.unwrap(), "begun");
    disk.set_fault(Some(Fault::Full));

    let stopped = app.shutdown().await.unwrap_err();

    let text = stopped.to_string();
    assert!(
        text.starts_with("not everything ended as it should\n"),
        "{text}"
    );
    let ApplicationError::Stop(problems) = stopped else {
        unreachable!("{text}");
    };
    let broker = problems
        .iter()
        .filter(|problem| matches!(problem, ShutdownProblem::Broker(_)));
    let causes: Vec<_> = broker.map(cause).collect();
    assert!(!causes.is_empty(), "{text}");
    assert!(
        causes
            .iter()
            .all(|cause| *cause == Some(ErrorKind::StorageFull)),
        "{causes:?}"
    );
}

/// What the system said about a problem.
fn cause(problem: &ShutdownProblem) -> Option<ErrorKind> {
    let mut cause = problem.source();
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            return Some(error.kind());
        }
        cause = error.source();
    }
    None
}

/// The list at the end had listeners alone, and the program ended as if everybody had been answered.
#[tokio::test]
async fn connections_of_requests_that_do_not_end_in_time_are_cut_and_listed() {
    let store = TempDir::new().unwrap();
    let (app, _reports) = build(&store, "100").await;
    let asked = Arc::new(Notify::new());
    let ask = Arc::clone(&asked);
    let router = Router::new().route(
        "/",
        get(async move || {
            ask.notify_one();
            std::future::pending::<&'static str>().await
        }),
    );
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut visitor = TcpStream::connect(socket.local_addr().unwrap())
        .await
        .unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";
    visitor.write_all(request).await.unwrap();

    let stopped = app.serve_until(socket, router, asked.notified()).await;

    assert_eq!(
        problems(stopped.unwrap_err()),
        ["the web server cut 1 of its connections: their requests were not answered within 80ms"]
    );
    let mut answer = Vec::new();
    // Closed in order or not: it is closed.
    let closed = visitor.read_to_end(&mut answer);
    let clock = Clock::system();
    drop(
        clock
            .timeout(Duration::from_secs(20), closed)
            .await
            .unwrap(),
    );
    assert!(answer.is_empty());
}

#[cfg(unix)]
mod signals {
    use std::io::{BufRead, BufReader, Lines};
    use std::process::{ChildStderr, Command, Stdio};

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    /// Reads until a line has `words`.
    fn wait_for(log: &mut Lines<BufReader<ChildStderr>>, words: &str) {
        assert!(
            log.any(|line| line.unwrap().contains(words)),
            "`{words}` was not said"
        );
    }

    #[test]
    fn a_second_signal_ends_the_program_at_once_with_a_status_of_its_own() {
        for (signal, status) in [(Signal::TERM, 143), (Signal::INT, 130)] {
            let mut child = Command::new(std::env::current_exe().unwrap())
                .args(["--ignored", "--exact", "--nocapture"])
                .arg("signals::a_program_with_a_listener_that_never_ends")
                .stdout(Stdio::null())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
            let id = Pid::from_child(&child);

            wait_for(&mut log, "the handler has begun");
            kill_process(id, Signal::TERM).unwrap();
            wait_for(&mut log, "stopping");
            // The first of these may still count as the same request.
            let ended = loop {
                kill_process(id, signal).unwrap();
                if let Some(ended) = child.try_wait().unwrap() {
                    break ended;
                }
                std::thread::sleep(Duration::from_millis(50));
            };

            assert_eq!(ended.code(), Some(status));
        }
    }

    #[tokio::test]
    #[ignore = "the program that the test above runs; it ends with a signal"]
    async fn a_program_with_a_listener_that_never_ends() {
        tracing_subscriber::fmt().with_writer(io::stderr).init();
        let store = TempDir::new().unwrap();
        let (app, mut reports) = build(&store, "1m").await;
        app.template()
            .convert_and_send("blocked", "x")
            .await
            .unwrap();
        let begun = async {
            reports.recv().await.unwrap();
            tracing::info!("the handler has begun");
        };

        let (ended, ()) = tokio::join!(app.run(), begun);

        ended.unwrap();
    }
}
