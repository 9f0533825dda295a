//! The memory that outstanding timers take, and how soon sends are taken again after `kill -9` with them.

use std::time::Duration;

use bytes::Bytes;
use mq_core::remoting::Router;
use mq_tests::{Server, Setup};

use crate::Outcome;
use crate::client::Client;
use crate::timer::{plain, timer};

/// Sent before the memory is measured for the first time, so that what every run needs is there.
const WARM_UP: u64 = 20_000;
/// When they are due: in two days.
const AHEAD_MS: i64 = 2 * 24 * 3_600 * 1_000;
/// Bytes for each timer, at most.
const MOST_BYTES: u64 = 64;
/// Sends are taken again within so much after a start.
const MOST_DOWN: Duration = Duration::from_secs(2);

pub(crate) async fn run(setup: Setup, count: u64) -> Outcome<()> {
    let mut server = Server::start(&setup).await?;
    let client = Client::new(&server.broker, Router::default());
    client.send(plain()).await?;
    let due_ms = client.clock.now_ms() + AHEAD_MS;
    let wait = |number: u64| timer(number, due_ms + (number % 3_600_000).cast_signed());
    client.send_all(WARM_UP, wait).await?;
    let before = Memory::of(&server)?;
    let begun = client.clock.moment();
    client.send_all(count, wait).await?;
    let took = client.clock.moment().since(begun);
    let after = Memory::of(&server)?;
    let each = |before: u64, after: u64| after.saturating_sub(before) / count;
    let total = each(before.total, after.total);
    println!(
        "memory: {count} timers sent in {:.0} s; resident {} MiB before, {} MiB after: {total} bytes \
         each, of which {} anonymous and {} of files",
        took.as_secs_f64(),
        before.total >> 20,
        after.total >> 20,
        each(before.anonymous, after.anonymous),
        each(before.files, after.files),
    );

    server.kill().await?;
    let killed = client.clock.moment();
    server = Server::start(&setup).await?;
    let ready = server.ready_in;
    let again = Client::new(&server.broker, Router::default());
    again.send(plain()).await?;
    let taken = again.clock.moment();
    let down = client.clock.moment().since(killed);
    let ready_ms = ready.as_millis();
    println!(
        "memory: after kill -9 ready in {ready_ms} ms, the first send is acknowledged after {} ms",
        down.as_millis()
    );
    let timed = again.send(timer(0, due_ms)).await?;
    println!(
        "memory: the first message for a time of its own {} ms later, with{} a recall handle",
        again.clock.moment().since(taken).as_millis(),
        if timed.recall_handle.is_some() {
            ""
        } else {
            "out"
        }
    );
    server.kill().await?;
    if total > MOST_BYTES {
        return Err(format!("{total} bytes for each timer, {MOST_BYTES} at most").into());
    }
    if down > MOST_DOWN {
        return Err(format!("sends are taken after {down:?}, {MOST_DOWN:?} at most").into());
    }
    Ok(())
}

/// The resident memory of a process, in bytes (`/proc/…/status`).
struct Memory {
    total: u64,
    anonymous: u64,
    files: u64,
}

impl Memory {
    fn of(server: &Server) -> Outcome<Self> {
        let id = server.id().ok_or("the server has ended")?;
        let path = format!("/proc/{id}/status");
        let status = Bytes::from(std::fs::read(path)?);
        let status = String::from_utf8_lossy(&status);
        let of = |name: &str| -> Outcome<u64> {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let line = line.ok_or_else(|| format!("no {name} in the status of the server"))?;
            let kib = line.trim().trim_end_matches(" kB");
            Ok(kib.parse::<u64>()? * 1_024)
        };
        Ok(Self {
            total: of("VmRSS:")?,
            anonymous: of("RssAnon:")?,
            files: of("RssFile:")?,
        })
    }
}
