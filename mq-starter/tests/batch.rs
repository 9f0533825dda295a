//! Batches, sent and listened to, against a real broker in the process.

#![expect(clippy::unwrap_used, reason = "a test")]

use std::time::Duration;

use mq_core::clock::Clock;
use mq_core::store::disk::MemoryDisk;
use mq_starter::config::SettingsOptions;
use mq_starter::prelude::*;
use mq_starter::{Application, ApplicationError, BatchError, SendError, Target};
use tempfile::TempDir;
use tokio::sync::mpsc;

#[derive(Debug, Serialize, Deserialize)]
struct Row {
    id: u32,
}

fn rows(ids: impl IntoIterator<Item = u32>) -> Vec<Row> {
    ids.into_iter().map(|id| Row { id }).collect()
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

/// A function: a row of 7 fails once, one of 13 for good.
#[rocketmq_message_listener(
    topic = "audit",
    consumer_group = "audit",
    consume_message_batch_max_size = "${audit.batch:32}"
)]
async fn audit(rows: Batch<Row>, State(seen): State<Seen>) -> BatchResult {
    let ids: Vec<_> = rows.payloads().map(|row| row.id).collect();
    seen.report(format!("audit {ids:?}"));
    let mut outcomes = BatchOutcomes::default();
    for row in &rows {
        if row.id == 7 && row.message().reconsume_times == 0 {
            outcomes.fail(row, "not yet");
        } else if row.id == 13 {
            outcomes.fail(row, ConsumeError::dead_letter("an unlucky row"));
        }
    }
    Ok(outcomes)
}

#[rocketmq_message_listener(topic = "%DLQ%audit", consumer_group = "undertaker")]
async fn bury(body: String, headers: Headers, State(seen): State<Seen>) -> ConsumeResult {
    let reason = headers.get("DLQ_REASON").unwrap_or_default();
    seen.report(format!("buried {body}: {reason}"));
    Ok(())
}

/// A struct, in order: a row of 3 fails in its first attempt.
#[derive(Component)]
#[rocketmq_message_listener(
    topic = "ledger",
    consumer_group = "ledger",
    consume_mode = Orderly,
    consumeMessageBatchMaxSize = 32,
    suspend_current_queue_time_millis = 10
)]
struct Ledger {
    seen: Inject<Seen>,
}

impl RocketMQBatchListener for Ledger {
    type Message = Row;

    async fn on_messages(&self, rows: Batch<Row>) -> BatchResult {
        let each = rows.each(|row| async move {
            self.seen.report(format!("ledger {}", row.id));
            if row.id == 3 && row.message().reconsume_times == 0 {
                return Err("not yet".into());
            }
            Ok(())
        });
        Ok(each.await)
    }
}

/// A plain function that fails as a whole, once.
#[rocketmq_message_listener(
    topic = "whole",
    consumer_group = "whole",
    consume_message_batch_max_size = 1024,
    delay_level_when_next_consume = 1
)]
fn whole(State(seen): State<Seen>, texts: Batch<String>) -> Result<(), std::num::ParseIntError> {
    for text in texts {
        let attempt = text.message().reconsume_times;
        seen.report(format!("whole {} {attempt}", *text));
        if attempt == 0 && *text == "2" {
            "no number".parse::<u32>()?;
        }
    }
    Ok(())
}

struct Fixture {
    app: Application,
    seen: mpsc::UnboundedReceiver<String>,
    _store: TempDir,
}

fn built(
    settings: &[(&str, &str)],
) -> (
    RocketMQApplication,
    mpsc::UnboundedReceiver<String>,
    TempDir,
) {
    let (sender, seen) = mpsc::unbounded_channel();
    let store = TempDir::new().unwrap();
    let path = store.path().display().to_string();
    let mut options = SettingsOptions::default()
        .set("rocketmq.embedded.store-path", path)
        .set("rocketmq.embedded.message-delay-level", "1s 1s 1s");
    for (key, value) in settings {
        options = options.set(*key, *value);
    }
    let app = RocketMQApplication::new()
        .settings(options)
        .disk(std::sync::Arc::new(MemoryDisk::default()))
        .provide(Seen(sender));
    (app, seen, store)
}

impl Fixture {
    async fn start() -> Self {
        let one_queue = [
            ("rocketmq.topics.ledger.queues", "1"),
            ("rocketmq.topics.audit.queues", "1"),
            ("rocketmq.producer.max-message-size", "1000"),
        ];
        let (app, seen, store) = built(&one_queue);
        let app = app.build().await.unwrap();
        Self {
            app,
            seen,
            _store: store,
        }
    }

    async fn next(&mut self) -> String {
        let clock = Clock::system();
        let next = clock.timeout(Duration::from_secs(20), self.seen.recv());
        next.await.expect("a listener reports in time").unwrap()
    }

    /// The next reports, sorted.
    async fn reports(&mut self, count: usize) -> Vec<String> {
        let mut reports = Vec::new();
        for _ in 0..count {
            reports.push(self.next().await);
        }
        reports.sort();
        reports
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_message_goes_its_own_way_and_the_good_ones_are_done() {
    let mut fixture = Fixture::start().await;
    let template = fixture.app.template();
    let batch = template.batch("audit").push(&Row { id: 1 });
    let batch = batch.push("no row").push(&Row { id: 7 });
    batch
        .push(&Row { id: 13 })
        .push(&Row { id: 2 })
        .send()
        .await
        .unwrap();

    fixture.app.start().await.unwrap();

    let reports = fixture.reports(4).await;
    assert_eq!(reports[..2], ["audit [1, 7, 13, 2]", "audit [7]"]);
    assert!(reports[2].starts_with("buried no row: the body of 6 bytes"));
    assert_eq!(reports[3], "buried {\"id\":13}: an unlucky row");
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn in_order_a_batch_stops_at_the_first_failure_and_what_lies_before_is_done() {
    let mut fixture = Fixture::start().await;
    let template = fixture.app.template();
    template
        .sync_send_batch("ledger", &rows(1..=5))
        .await
        .unwrap();

    fixture.app.start().await.unwrap();

    for id in [1, 2, 3, 3, 4, 5] {
        assert_eq!(fixture.next().await, format!("ledger {id}"));
    }
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_of_the_whole_is_for_all_of_its_messages() {
    let mut fixture = Fixture::start().await;
    let template = fixture.app.template();
    template
        .sync_send_batch("whole", &["1", "2", "3"])
        .await
        .unwrap();

    fixture.app.start().await.unwrap();

    let first = fixture.reports(2).await;
    assert_eq!(first, ["whole 1 0", "whole 2 0"]);
    let again = fixture.reports(3).await;
    assert_eq!(again, ["whole 1 1", "whole 2 1", "whole 3 1"]);
    fixture.app.shutdown().await.unwrap();
}

/// With at most 1000 bytes, a request takes less than twenty rows.
#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_split_by_size_and_each_part_is_reported() {
    let fixture = Fixture::start().await;
    let template = fixture.app.template();
    let all = rows(0..50);

    let batch = all.iter().fold(template.batch("split:paid"), |batch, row| {
        batch.push_with(row, |entry| entry.key(row.id).header("locale", "en"))
    });
    let parts = batch.hash_key("one queue").send().await.unwrap();

    assert!(parts.len() > 2, "{parts:?}");
    let (mut next, mut offset) = (0, 0);
    for part in &parts {
        let sent = part.outcome.as_ref().unwrap();
        assert_eq!((part.messages.start, sent.queue_offset.0), (next, offset));
        assert_eq!(sent.message_id.split(',').count(), part.messages.len());
        next = part.messages.end;
        offset += u64::try_from(part.messages.len()).unwrap();
    }
    assert_eq!(next, 50);
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_a_rule_is_refused_before_anything_is_sent() {
    let fixture = Fixture::start().await;
    let template = fixture.app.template();
    let refused = |sent: Result<_, BatchError>| match sent {
        Err(BatchError::Refused(error)) => error.to_string(),
        other => panic!("{other:?}"),
    };

    let empty = refused(template.batch("rules").send().await);
    assert_eq!(empty, "the batch is empty");
    let retry = template.batch("%RETRY%audit").push("x").send().await;
    assert!(refused(retry).contains("a batch cannot hold messages of a retry topic"));
    let long = template
        .batch("rules")
        .push("x")
        .push(&"x".repeat(1001))
        .send()
        .await;
    assert!(
        refused(long)
            .contains("message 2 of the batch: the body has 1001 bytes, at most 1000 are allowed")
    );
    let key = template.batch("rules").push("x");
    let key = key.push_with("y", |entry| entry.key("a b")).send().await;
    let key = key.unwrap_err();
    assert!(matches!(
        key,
        BatchError::Message {
            position: 1,
            source: SendError::Key(_)
        }
    ));
    assert!(
        key.to_string()
            .starts_with("message 2 of the batch: `a b` is no key"),
        "{key}"
    );

    let none = template
        .batch("rules")
        .push("x")
        .target(Target::chosen(|_| None));
    let Err(BatchError::Parts(parts)) = none.send().await else {
        panic!("it was sent")
    };
    assert_eq!(parts.len(), 1);
    fixture.app.shutdown().await.unwrap();
}

/// `sync_send` of a slice is what it is in Java: one message.
#[tokio::test(flavor = "multi_thread")]
async fn a_slice_that_is_sent_as_a_payload_is_one_message() {
    let fixture = Fixture::start().await;

    let sent = fixture
        .app
        .template()
        .sync_send("array", &rows(1..=3))
        .await
        .unwrap();

    assert!(!sent.message_id.contains(','));
    fixture.app.shutdown().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_size_is_for_batch_listeners_and_within_its_range() {
    let settings = [
        (
            "rocketmq.consumer.listeners.undertaker.%DLQ%audit.consume-message-batch-max-size",
            "2",
        ),
        ("audit.batch", "1025"),
    ];
    let (app, _seen, _store) = built(&settings);

    let Err(error) = app.build().await else {
        panic!("it was built")
    };

    let ApplicationError::Refused(problems) = &error else {
        panic!("{error}")
    };
    let told: Vec<_> = problems.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .any(|one| one.contains("`1025` is no number from 1 to 1024")),
        "{told:?}"
    );
    assert!(
        told.iter()
            .any(|one| one.contains("takes one message at a time")),
        "{told:?}"
    );
}
