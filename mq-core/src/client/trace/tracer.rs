//! Collects the records of one producer or consumer and has them sent in the background
//! (`AsyncTraceDispatcher`).

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_util::sync::CancellationToken;

use super::batch::TraceMessage;
use super::record::TraceRecord;
use super::settings::TraceSettings;
use crate::client::cluster::ClusterClient;
use crate::client::error::SendError;
use crate::clock::Moment;
use crate::message::{GroupName, Message, TopicName};
use crate::tasks::Tasks;

/// Records that wait; when they are as many, another is dropped (`traceContextQueue`).
const CAPACITY: usize = 2048;
/// Bytes of the records that wait; one that is longer waits alone.
const MAX_BYTES: u32 = 16 * 1024 * 1024;
/// Records that are sent together (`traceMsgBatchNum`).
const BATCH: usize = 10;
/// Sends at a time (`traceExecutor`).
const SENDS: usize = 4;

/// The records of one producer or consumer. Clones share them.
#[derive(Clone)]
pub(in crate::client) struct Tracer {
    records: mpsc::Sender<WaitingRecord>,
    /// The bytes for which there is room.
    room: Arc<Semaphore>,
    shared: Arc<TracerShared>,
}

/// A record, and the room that it takes.
#[derive(Debug)]
struct WaitingRecord {
    record: TraceRecord,
    _room: OwnedSemaphorePermit,
}

/// The state that the tasks of a tracer share.
struct TracerShared {
    cluster: Arc<ClusterClient>,
    /// The group whose records these are.
    group: GroupName,
    topic: TopicName,
    /// Whether the last send failed.
    failing: AtomicBool,
    /// Records that were taken and are neither stored nor lost.
    unsent: AtomicU64,
    tasks: Tasks,
    /// Cancelled when the time of a shutdown is over: whatever the tasks are doing is dropped.
    cut_off: CancellationToken,
}

impl Tracer {
    /// A tracer of `group`, whose messages `send` sends.
    pub(in crate::client) fn start<F: Future<Output = Result<(), SendError>> + Send + 'static>(
        cluster: &Arc<ClusterClient>,
        settings: &TraceSettings,
        group: &GroupName,
        send: impl Fn(Message) -> F + Send + Sync + 'static,
    ) -> Self {
        let (records, received) = mpsc::channel(CAPACITY);
        let shared = Arc::new(TracerShared {
            cluster: Arc::clone(cluster),
            group: group.clone(),
            topic: settings.topic.clone(),
            failing: AtomicBool::new(false),
            unsent: AtomicU64::new(0),
            tasks: Tasks::new(cluster.clock.clone()),
            cut_off: CancellationToken::new(),
        });
        let collecting = collect(Arc::clone(&shared), received, send);
        shared.spawn("collecting traces", collecting);
        let room = Semaphore::new(usize::try_from(MAX_BYTES).unwrap_or(Semaphore::MAX_PERMITS));
        Self {
            records,
            room: Arc::new(room),
            shared,
        }
    }

    /// Whether messages of `topic` are traced: not the traces themselves, which would never end.
    pub(in crate::client) fn traces(&self, topic: &TopicName) -> bool {
        *topic != self.shared.topic && *topic != TraceSettings::default().topic
    }

    /// An id for a listener call.
    pub(in crate::client) fn unique_id(&self) -> String {
        self.shared.cluster.unique_id()
    }

    pub(in crate::client) fn moment(&self) -> Moment {
        self.shared.cluster.clock.moment()
    }

    /// ms since 1970.
    pub(in crate::client) fn now_ms(&self) -> i64 {
        self.shared.cluster.clock.now_ms()
    }

    /// Has `record` sent; drops it when too many wait.
    pub(in crate::client) fn record(&self, record: TraceRecord) {
        let shared = &self.shared;
        if shared.tasks.is_stopping() {
            // Of a call that the shutdown did not wait for: its messages come again, and are traced then.
            shared.cluster.lost_traces.count_late(1);
            return;
        }
        let bytes = u32::try_from(record.bytes()).unwrap_or(MAX_BYTES);
        let room = Arc::clone(&self.room).try_acquire_many_owned(bytes.min(MAX_BYTES));
        shared.unsent.fetch_add(1, Ordering::Relaxed);
        let is_taken = room.is_ok_and(|room| {
            let waiting = WaitingRecord {
                record,
                _room: room,
            };
            self.records.try_send(waiting).is_ok()
        });
        if !is_taken {
            shared.lost(1, "more happens than the trace topic takes");
        }
    }

    /// Sends what waits, until `deadline` and for as long as a request may take; from then on records are
    /// dropped, as is what has not been sent. After a send that fails nothing more is sent.
    pub(in crate::client) async fn shutdown(&self, deadline: Moment) {
        let shared = &self.shared;
        let left = deadline.since(self.moment());
        let limit = left.min(shared.cluster.timings.api_timeout);
        if shared.tasks.stop(limit).await.is_err() {
            shared.cut_off.cancel();
            // They end at once.
            let _ended = shared.tasks.stop(Duration::MAX).await;
            let unsent = shared.unsent.load(Ordering::Relaxed);
            if unsent > 0 {
                let reason = shared.shut_down();
                shared.lost(unsent, format_args!("{reason} before they were sent"));
            }
        }
    }
}

impl Borrow<TraceRecord> for &WaitingRecord {
    fn borrow(&self) -> &TraceRecord {
        &self.record
    }
}

impl TracerShared {
    /// Runs `task` until it ends or is cut off.
    fn spawn(&self, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let cut_off = self.cut_off.clone();
        self.tasks.spawn(name, async move {
            cut_off.run_until_cancelled(task).await;
        });
    }

    /// Records that were taken are dropped.
    fn lost(&self, records: u64, reason: impl fmt::Display) {
        self.unsent.fetch_sub(records, Ordering::Relaxed);
        self.cluster.lost_traces.add(&self.topic, records, reason);
    }

    fn shut_down(&self) -> String {
        format!(
            "the producer or consumer of the group `{}` is shut down",
            self.group
        )
    }

    fn note(&self, records: u64, sent: Result<(), SendError>) {
        self.failing.store(sent.is_err(), Ordering::Relaxed);
        match sent {
            Ok(()) => {
                self.unsent.fetch_sub(records, Ordering::Relaxed);
                self.cluster.lost_traces.end(&self.topic);
            }
            Err(error) => self.lost(records, error),
        }
    }

    /// The next records: as soon as there are enough, or after `wait`. None at the end.
    async fn next(
        &self,
        records: &mut mpsc::Receiver<WaitingRecord>,
        wait: Duration,
    ) -> Vec<WaitingRecord> {
        let first = tokio::select! {
            biased;
            first = records.recv() => first,
            () = self.tasks.stopping() => {
                records.close();
                records.recv().await
            }
        };
        let mut batch: Vec<_> = first.into_iter().collect();
        let full = async {
            while batch.len() < BATCH
                && let Some(record) = records.recv().await
            {
                batch.push(record);
            }
        };
        tokio::select! {
            biased;
            _ = self.cluster.clock.timeout(wait, full) => {}
            () = self.tasks.stopping() => {}
        }
        batch
    }
}

/// Has records sent until the tracer is shut down or dropped, and then what is left.
async fn collect<F: Future<Output = Result<(), SendError>> + Send + 'static>(
    shared: Arc<TracerShared>,
    mut records: mpsc::Receiver<WaitingRecord>,
    send: impl Fn(Message) -> F + Send + Sync + 'static,
) {
    let clock = &shared.cluster.clock;
    let interval = shared.cluster.timings.trace_flush;
    let turns = Arc::new(Semaphore::new(SENDS));
    let mut flushed = clock.moment();
    loop {
        let wait = flushed.plus(interval).since(clock.moment());
        let batch = shared.next(&mut records, wait).await;
        flushed = clock.moment();
        if batch.is_empty() {
            return;
        }
        for message in TraceMessage::of(&batch, shared.group.as_str()) {
            let Ok(turn) = Arc::clone(&turns).acquire_owned().await else {
                return;
            };
            let count = message.records;
            if shared.tasks.is_stopping() && shared.failing.load(Ordering::Relaxed) {
                let reason = shared.shut_down();
                shared.lost(
                    count,
                    format_args!("{reason}, and the last send of traces failed"),
                );
                continue;
            }
            let sending = send(message.into_message(&shared.topic));
            let own = Arc::clone(&shared);
            shared.spawn("sending traces", async move {
                let _turn = turn;
                own.note(count, sending.await);
            });
        }
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracer")
            .field("group", &self.shared.group)
            .field("topic", &self.shared.topic)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::super::record::tests::published;
    use super::*;
    use crate::client::{Client, ClientConfig};
    use crate::clock::Clock;

    fn tracer<F: Future<Output = Result<(), SendError>> + Send + 'static>(
        client: &Client,
        topic: &'static str,
        send: impl Fn(Message) -> F + Send + Sync + 'static,
    ) -> Tracer {
        let topic = TopicName::new(topic).unwrap();
        let group = GroupName::new("shop").unwrap();
        Tracer::start(&client.0, &TraceSettings { topic }, &group, send)
    }

    fn client() -> Client {
        Client::new(ClientConfig::new(["127.0.0.1:1"]), Clock::system()).unwrap()
    }

    #[tokio::test]
    async fn what_finds_no_room_is_dropped_and_counted_and_nobody_waits() {
        let client = client();
        let tracer = tracer(&client, "traces", |_| std::future::pending());

        for _ in 0..CAPACITY + 7 {
            tracer.record(published("ID", None));
        }

        assert_eq!(client.lost_traces(), 7);
    }

    #[tokio::test]
    async fn records_that_wait_are_bounded_by_bytes() {
        let client = client();
        let tracer = || tracer(&client, "traces", |_| std::future::pending());
        let (full, other) = (tracer(), tracer());
        let mebibyte = "x".repeat(1024 * 1024);

        for _ in 0..20 {
            full.record(published(&mebibyte, None));
        }
        assert_eq!(client.lost_traces(), 5, "a record is longer than its text");
        other.record(published(&mebibyte.repeat(17), None));
        assert_eq!(client.lost_traces(), 5, "one that is too long waits alone");
    }

    /// They were neither sent nor counted.
    #[tokio::test]
    async fn what_a_shutdown_has_no_time_for_is_counted_as_lost() {
        let client = client();
        let tracer = tracer(&client, "traces", |_| std::future::pending());
        for _ in 0..CAPACITY {
            tracer.record(published("ID", None));
        }
        let deadline = tracer.moment().plus(Duration::from_millis(20));

        tracer.shutdown(deadline).await;

        let lost = CAPACITY as u64;
        assert_eq!(client.lost_traces(), lost);
        tracer.record(published("ID", None));
        assert_eq!(client.lost_traces(), lost + 1, "it is shut down");
    }

    /// Each send of a topic that is away takes its time, and the end of a program has little.
    #[tokio::test]
    async fn at_the_end_nothing_more_is_sent_after_a_send_that_failed() {
        let client = client();
        let sends = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&sends);
        let tracer = tracer(&client, "traces", move |_| {
            counted.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Err(SendError::ShutDown))
        });
        for _ in 0..CAPACITY {
            tracer.record(published("ID", None));
        }

        tracer.shutdown(Moment::default().plus(Duration::MAX)).await;

        assert!(sends.load(Ordering::Relaxed) <= 2 * SENDS);
        assert_eq!(client.lost_traces(), CAPACITY as u64);
    }

    #[tokio::test]
    async fn traces_of_traces_would_never_end() {
        let topic = |name: &'static str| TopicName::new(name).unwrap();
        let tracer = tracer(&client(), "my-traces", |_| std::future::pending());

        assert!(!tracer.traces(&topic("my-traces")));
        assert!(!tracer.traces(&topic("RMQ_SYS_TRACE_TOPIC")));
        assert!(tracer.traces(&topic("my-traces-of-coffee")));
    }
}
