//! Many small messages in few requests, and a listener that takes many of them in one call.
//!
//! `cargo run -p mq-starter --example batch`; it ends when every row was stored.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use std::sync::Arc;

use mq_starter::prelude::*;
use tokio::sync::Semaphore;

const ROWS: u32 = 100;

#[derive(Debug, Serialize, Deserialize)]
struct AuditRow {
    user: u32,
    what: String,
}

/// One permit for each row that was stored.
#[derive(Clone)]
struct Stored(Arc<Semaphore>);

#[rocketmq_message_listener(
    topic = "audit-topic",
    consumer_group = "audit",
    consume_message_batch_max_size = 32
)]
async fn audit(rows: Batch<AuditRow>, State(stored): State<Stored>) -> BatchResult {
    let mut outcomes = BatchOutcomes::default();
    for row in &rows {
        let attempt = row.message().reconsume_times;
        if row.user == 7 && attempt == 0 {
            // This one comes again after a while, the others are done.
            outcomes.fail(row, format!("user {} is locked", row.user));
        } else {
            stored.0.add_permits(1);
        }
    }
    println!("{} rows in one call", rows.len());
    Ok(outcomes)
}

#[tokio::main]
async fn main() -> mq_starter::Result<()> {
    tracing_subscriber::fmt().log_internal_errors(false).init();
    let stored = Stored(Arc::new(Semaphore::new(0)));
    let app = RocketMQApplication::new()
        .provide(stored.clone())
        .build()
        .await?;
    let mut batch = app.template().batch("audit-topic:login");
    for user in 0..ROWS {
        let what = "logged in".to_owned();
        let row = AuditRow { user, what };
        batch = batch.push_with(&row, |entry| entry.key(user));
    }
    for part in batch.send().await? {
        let sent = part.outcome?;
        let (count, queue) = (part.messages.len(), sent.queue.id);
        println!(
            "{count} rows are in queue {queue}, from offset {}",
            sent.queue_offset.0
        );
    }
    let all = async {
        // The semaphore is never closed.
        drop(stored.0.acquire_many(ROWS).await);
    };
    app.run_until(all).await?;
    Ok(())
}
