//! What handlers that block their thread cost everything beside them in one process.
//!
//! Eight handlers of one listener sleep for 10 s. Meanwhile `/health` of the web server is asked, and
//! messages are sent that another listener takes. All of it must be over before the first handler is.

#![expect(clippy::print_stdout, reason = "a program that reports to a person")]

use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use mq_core::clock::Clock;
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};

/// Handlers that sleep.
const BLOCKED: usize = 8;
/// How long they do.
const SLEEP: Duration = Duration::from_secs(10);
/// Requests, and sends.
const COUNT: usize = 100;

/// The limits of the p99 of requests and of sends.
const REQUESTS: Duration = Duration::from_millis(50);
const SENDS: Duration = Duration::from_millis(100);

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// What listeners report.
#[derive(Clone)]
struct Seen(mpsc::UnboundedSender<&'static str>);

#[rocketmq_message_listener(topic = "slow", consumer_group = "blocked")]
async fn block(State(seen): State<Seen>) -> ConsumeResult {
    seen.0.send("begun")?;
    std::thread::sleep(SLEEP);
    seen.0.send("ended")?;
    Ok(())
}

#[rocketmq_message_listener(topic = "fast", consumer_group = "free")]
async fn pass(State(seen): State<Seen>) -> ConsumeResult {
    seen.0.send("passed")?;
    Ok(())
}

#[tokio::main]
async fn main() -> mq_starter::Result<()> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().display().to_string();
    let (seen, mut reports) = mpsc::unbounded_channel();
    let app = RocketMQApplication::new()
        .settings(SettingsOptions::default().set("rocketmq.embedded.store-path", path))
        .listeners(listeners![crate])
        .provide(Seen(seen))
        .build()
        .await?;
    let socket = TcpListener::bind("127.0.0.1:0").await?;
    let web = socket.local_addr()?;
    let router = Router::new().route("/health", get(async || "up"));
    let (stop, stopped) = oneshot::channel::<()>();
    let template = app.template().clone();
    let measured = async {
        let measured = measure(web, &template, &mut reports).await;
        drop(stop);
        measured
    };

    let serve = app.serve_until(socket, router, async { drop(stopped.await) });
    let (served, measured) = tokio::join!(serve, measured);
    let within = measured?;
    served?;
    if !within && std::env::var_os("CHECK").is_some_and(|check| check == "1") {
        return Err("a limit was missed".into());
    }
    Ok(())
}

/// Blocks handlers and measures beside them; whether all limits were kept.
async fn measure(
    web: SocketAddr,
    template: &RocketMQTemplate,
    reports: &mut mpsc::UnboundedReceiver<&'static str>,
) -> Outcome<bool> {
    let clock = Clock::system();
    for _ in 0..BLOCKED {
        template.convert_and_send("slow", "x").await?;
    }
    for _ in 0..BLOCKED {
        expect(reports, "begun").await?;
    }
    let (mut requests, mut sends) = (Vec::new(), Vec::new());
    for _ in 0..COUNT {
        let begun = clock.moment();
        health(web).await?;
        requests.push(clock.moment().since(begun));
        let begun = clock.moment();
        template.convert_and_send("fast", "x").await?;
        sends.push(clock.moment().since(begun));
    }
    for _ in 0..COUNT {
        expect(reports, "passed").await?;
    }
    let requests = report("requests to /health", requests, REQUESTS);
    let sends = report("sends", sends, SENDS);
    Ok(requests && sends)
}

/// The next report; an error when a handler that sleeps has ended before.
async fn expect(
    reports: &mut mpsc::UnboundedReceiver<&'static str>,
    expected: &str,
) -> Outcome<()> {
    match reports.recv().await {
        Some(report) if report == expected => Ok(()),
        report => Err(format!("expected `{expected}`, a listener said {report:?}").into()),
    }
}

async fn health(web: SocketAddr) -> Outcome<()> {
    let mut visitor = TcpStream::connect(web).await?;
    let request = b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    visitor.write_all(request).await?;
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).await?;
    if answer.ends_with("up") {
        Ok(())
    } else {
        Err(format!("`/health` answered {answer:?}").into())
    }
}

/// Prints p50 and p99; whether the latter is within `limit`.
fn report(what: &str, mut times: Vec<Duration>, limit: Duration) -> bool {
    times.sort_unstable();
    let at = |percent: usize| times.get(times.len() * percent / 100).copied();
    let (p50, p99) = (at(50).unwrap_or_default(), at(99).unwrap_or_default());
    println!(
        "{COUNT} {what} beside {BLOCKED} handlers that sleep for {} s: p50 {:.1} ms, p99 {:.1} ms \
         (limit {} ms)",
        SLEEP.as_secs(),
        p50.as_secs_f64() * 1000.0,
        p99.as_secs_f64() * 1000.0,
        limit.as_millis()
    );
    p99 <= limit
}
