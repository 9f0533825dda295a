//! A disk that takes its time to read.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::store::disk::FaultyDisk;
use mq_core::wire::Request;
use mq_core::wire::header::{
    BoundaryType, ConsumerSendMsgBack, GetBrokerRuntimeInfo, GetConsumeStats,
    GetEarliestMsgStoreTime, GetMaxOffset, GetTopicStatsInfo, InvokeBrokerToResetOffset,
    QueryConsumerOffset, QueryMessage, SearchOffsetByTimestamp, ViewMessageById,
};

use crate::stage::{Client, Stage, eventually, message, pull, with};

/// Reads that wait until they are let go, on every thread but the one that made this.
#[derive(Debug, Default)]
struct SlowReads {
    waiting: AtomicUsize,
    may_go: AtomicBool,
    on_async_thread: AtomicBool,
}

impl SlowReads {
    /// Called on the only thread of the runtime.
    fn of(disk: &FaultyDisk) -> ReadGate {
        let reads = Arc::new(Self::default());
        let (slow, runtime) = (Arc::clone(&reads), thread::current().id());
        disk.set_slow_read(move || {
            if thread::current().id() == runtime {
                // Waiting here would keep the test from failing.
                slow.on_async_thread.store(true, Ordering::SeqCst);
                return;
            }
            slow.waiting.fetch_add(1, Ordering::SeqCst);
            while !slow.may_go.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            slow.waiting.fetch_sub(1, Ordering::SeqCst);
        });
        ReadGate(reads)
    }

    fn were_on_async_thread(&self) -> bool {
        self.on_async_thread.swap(false, Ordering::SeqCst)
    }
}

/// A test that fails must not leave a thread that waits.
struct ReadGate(Arc<SlowReads>);

impl ReadGate {
    fn open(&self) {
        self.0.may_go.store(true, Ordering::SeqCst);
    }

    async fn close(&self) {
        let reads = &self.0;
        eventually("nobody reads", || reads.waiting.load(Ordering::SeqCst) == 0).await;
        reads.may_go.store(false, Ordering::SeqCst);
    }

    async fn until_somebody_reads(&self, who: &str) {
        let reads = &self.0;
        let is_read = || {
            let on_async_thread = reads.on_async_thread.load(Ordering::SeqCst);
            reads.waiting.load(Ordering::SeqCst) > 0 || on_async_thread
        };
        eventually(who, is_read).await;
    }
}

impl Drop for ReadGate {
    fn drop(&mut self) {
        self.open();
    }
}

type Asking<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

fn ask<R: Request + 'static>(client: &Client, header: R) -> Asking<'_> {
    Box::pin(async { drop(client.call(header).await.unwrap()) })
}

/// What reads messages, by what it is called in the test's failure.
fn requests(client: &Client) -> [(&'static str, Asking<'_>); 7] {
    [
        ("pull", ask(client, pull("orders", 0, 0))),
        (
            "where a new group begins",
            ask(
                client,
                QueryConsumerOffset {
                    consumer_group: "new".into(),
                    topic: "orders".into(),
                    queue_id: 0,
                    set_zero_if_not_found: None,
                },
            ),
        ),
        (
            "offset by time",
            ask(
                client,
                SearchOffsetByTimestamp {
                    topic: "orders".into(),
                    queue_id: 0,
                    timestamp: 1_000,
                    boundary_type: BoundaryType::Lower,
                },
            ),
        ),
        (
            "earliest time",
            ask(
                client,
                GetEarliestMsgStoreTime {
                    topic: "orders".into(),
                    queue_id: 0,
                },
            ),
        ),
        (
            "message by key",
            ask(
                client,
                QueryMessage {
                    topic: "orders".into(),
                    key: "k".into(),
                    max_num: 10,
                    begin_timestamp: 0,
                    end_timestamp: i64::MAX,
                    unique_key: None,
                },
            ),
        ),
        (
            "message by offset",
            ask(
                client,
                ViewMessageById {
                    offset: 0,
                    topic: None,
                },
            ),
        ),
        (
            "sent back",
            ask(
                client,
                ConsumerSendMsgBack {
                    group: "g".into(),
                    offset: 0,
                    delay_level: 1,
                    ..ConsumerSendMsgBack::default()
                },
            ),
        ),
    ]
}

/// The same of those that an administrator asks.
fn administration(client: &Client) -> [(&'static str, Asking<'_>); 4] {
    [
        (
            "topic statistics",
            ask(
                client,
                GetTopicStatsInfo {
                    topic: "orders".into(),
                },
            ),
        ),
        (
            "group statistics",
            ask(
                client,
                GetConsumeStats {
                    consumer_group: "g".into(),
                    ..GetConsumeStats::default()
                },
            ),
        ),
        (
            "reset",
            ask(
                client,
                InvokeBrokerToResetOffset {
                    topic: "orders".into(),
                    group: "g".into(),
                    timestamp: 1_000,
                    is_force: true,
                    ..InvokeBrokerToResetOffset::default()
                },
            ),
        ),
        ("runtime figures", ask(client, GetBrokerRuntimeInfo)),
    ]
}

/// A request whose messages lay on the disk only once stopped every task of its thread.
#[tokio::test]
async fn while_requests_wait_for_the_disk_other_tasks_of_their_thread_go_on() {
    let disk = FaultyDisk::default();
    let clock = Clock::manual(1_800_000_000_000);
    let stage = Stage::on(Arc::new(disk.clone()), Stage::config(|_| {}), clock.clone()).await;
    let client = stage.client("a");
    client.heartbeat("g", &[("orders", "*")]).await;
    for _message in 0..3 {
        let keyed = with(message("orders", 0), &[("KEYS", "k")]);
        client.send(keyed, "x").await;
    }
    client.commit("orders", 0, 2).await;
    // What was just written is read in place, because it is in memory.
    let stage = stage.restarted().await;
    let (client, other) = (stage.client("a"), stage.client("b"));
    client.heartbeat("g", &[("orders", "*")]).await;
    let gate = SlowReads::of(&disk);

    let mut on_async_thread = Vec::new();
    let requests = requests(&client).into_iter();
    for (what, request) in requests.chain(administration(&client)) {
        gate.close().await;
        let beside = async {
            gate.until_somebody_reads(what).await;
            let end = GetMaxOffset {
                topic: "orders".into(),
                queue_id: 0,
                committed: None,
            };
            let end = other.call(end).await.unwrap().header.offset;
            gate.open();
            end
        };

        let ((), end) = tokio::join!(request, beside);

        assert_eq!(end, 3);
        if gate.0.were_on_async_thread() {
            on_async_thread.push(what);
        }
    }
    assert!(on_async_thread.is_empty(), "{on_async_thread:?}");
    drop(gate);
    stage.stop().await;
}
