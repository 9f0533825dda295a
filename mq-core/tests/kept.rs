//! What stays in memory of what came over connections, once they are quiet: capacity, as the
//! allocator counts it, of server and client together.

#![expect(
    clippy::unwrap_used,
    unsafe_code,
    reason = "a test says what is wrong by failing, and only an allocator can count"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use mq_core::broker::config::BrokerConfig;
use mq_core::clock::Clock;
use mq_core::node::Node;
use mq_core::remoting::{RemotingClient, RemotingClientConfig, Router};
use mq_core::tasks::Tasks;
use mq_core::wire::header::{GetMaxOffset, SendMessage};

const KIB: usize = 1024;
const LONG: usize = 1024 * KIB;
const LIMIT: Duration = Duration::from_secs(20);

/// Bytes that are taken and not given back, by all threads.
static LIVE: AtomicUsize = AtomicUsize::new(0);

struct Counting;

// SAFETY: every call goes to the system's allocator unchanged; the counter needs no memory.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        LIVE.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the promises of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller keeps the promises of `dealloc`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A broker on a real disk, and a client of it over a socket.
struct Stage {
    node: Node,
    client: RemotingClient,
    address: String,
    tasks: Tasks,
}

impl Stage {
    async fn new(root: &Path) -> Self {
        let clock = Clock::system();
        let mut config = BrokerConfig::default();
        config.storage.root = root.to_owned();
        config.storage.segment_size = 64 * 1024 * 1024;
        config.network.bind = Ipv4Addr::LOCALHOST.into();
        config.network.port = 0;
        let node = Node::builder().broker(config).start().await.unwrap();
        let tasks = Tasks::new(clock.clone());
        Self {
            address: node.broker().unwrap().advertised().text.clone(),
            client: client(&clock, &tasks),
            node,
            tasks,
        }
    }

    async fn send(&self, topic: &str, body: Bytes) {
        let header = SendMessage {
            producer_group: "p".into(),
            topic: topic.into(),
            default_topic: "TBW102".into(),
            default_topic_queue_nums: 1,
            ..SendMessage::default()
        };
        let sent = self.client.call(&self.address, header, body, LIMIT).await;
        sent.unwrap();
    }

    /// Asks something that leaves nothing behind.
    async fn ask(&self, client: &RemotingClient, topic: &str) {
        let header = GetMaxOffset {
            topic: topic.into(),
            queue_id: 0,
            committed: None,
        };
        let asked = client.call(&self.address, header, Bytes::new(), LIMIT);
        asked.await.unwrap();
    }

    /// Asks so many times at once.
    async fn burst(&self, client: &RemotingClient) {
        join_all((0..4096).map(|_| self.ask(client, "first-0"))).await;
    }

    /// Sends a first message of `length` bytes to each of eight new topics.
    async fn make_topics(&self, prefix: &str, length: usize) {
        for number in 0..8 {
            let body = Bytes::from(vec![b'x'; length]);
            self.send(&format!("{prefix}-{number}"), body).await;
        }
    }
}

fn client(clock: &Clock, tasks: &Tasks) -> RemotingClient {
    let (config, nothing) = (RemotingClientConfig::default(), Arc::new(Router::default()));
    RemotingClient::new(config, nothing, clock.clone(), tasks.clone())
}

/// How many bytes more than before `work` stay, once those that go on their own have gone; below
/// `limit` it is not looked at more closely.
async fn kept(limit: usize, work: impl Future<Output = ()>) -> usize {
    let before = LIVE.load(Ordering::Relaxed);
    work.await;
    let clock = Clock::system();
    let begun = clock.moment();
    loop {
        let kept = LIVE.load(Ordering::Relaxed).saturating_sub(before);
        if kept < limit || clock.moment().since(begun) > Duration::from_secs(5) {
            return kept;
        }
        tokio::task::yield_now().await;
    }
}

/// The names of topics were parts of the frames that brought them: each new topic kept the whole
/// buffer of its first message for good.
#[tokio::test]
async fn quiet_connections_keep_a_few_kib_however_much_came_over_them() {
    let folder = tempfile::tempdir().unwrap();
    let stage = Stage::new(folder.path()).await;
    stage.make_topics("first", 10).await;
    let small = kept(1, stage.make_topics("short", 10)).await;

    let large = kept(small + 64 * KIB, stage.make_topics("long", LONG)).await;
    assert!(large < small + 64 * KIB, "{large} bytes, {small} are due");

    // The first burst also fills lists of the runtime, which are the same for the second.
    stage.burst(&stage.client).await;
    let other = client(&Clock::system(), &stage.tasks);
    let burst = kept(32 * KIB, stage.burst(&other)).await;
    assert!(burst < 32 * KIB, "{burst} bytes after a burst");

    let mut clients = Vec::new();
    let idle = kept(32 * 24 * KIB, async {
        for _ in 0..32 {
            let client = client(&Clock::system(), &stage.tasks);
            stage.ask(&client, "first-0").await;
            clients.push(client);
        }
    });
    let idle = idle.await / 32;
    assert!(
        idle < 24 * KIB,
        "{idle} bytes for the two ends of a connection"
    );

    stage.node.stop(LIMIT).await.unwrap();
    stage.tasks.stop(LIMIT).await.unwrap();
}
