//! Producers that send until enough is acknowledged and the broker is killed under them.

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use mq_core::clock::Clock;
use mq_core::message::{OffsetMessageId, Properties, property};
use mq_core::remoting::{RemotingClient, RemotingClientConfig, Router};
use mq_core::tasks::Tasks;
use mq_core::wire::header::SendMessage;
use mq_tests::Server;
use tokio::sync::mpsc;

use crate::ledger::{Entry, Ledger};
use crate::{ROLL_WINDOW, SEGMENT};

const QUEUES: i32 = 4;

/// One round of load.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) topic: String,
    pub(crate) producers: usize,
    pub(crate) acknowledgements: usize,
    /// Kill only when the log is about to roll to a new segment.
    pub(crate) end_at_roll: bool,
}

/// Sends until the plan is fulfilled, kills the server, and returns the highest acknowledged
/// physical offset.
pub(crate) async fn run(
    plan: &Plan,
    server: &mut Server,
    ledger: &mut Ledger,
    clock: &Clock,
) -> Result<u64, Box<dyn Error>> {
    let tasks = Tasks::new(clock.clone());
    let (sender, mut acknowledged) = mpsc::unbounded_channel();
    let highest = Arc::new(AtomicU64::new(0));
    for number in 0..plan.producers {
        let producer = Producer {
            number,
            topic: plan.topic.clone(),
            broker: server.broker.clone(),
            client: RemotingClient::new(
                RemotingClientConfig::default(),
                Arc::new(Router::default()),
                clock.clone(),
                tasks.clone(),
            ),
            acknowledged: sender.clone(),
            highest: Arc::clone(&highest),
            clock: clock.clone(),
        };
        tasks.spawn("producer", producer.run());
    }
    drop(sender);
    let mut count = 0;
    while let Some(entry) = acknowledged.recv().await {
        ledger.add(entry)?;
        count += 1;
        let end = highest.load(Ordering::Relaxed) % SEGMENT;
        let at_roll = SEGMENT - end <= ROLL_WINDOW;
        if count >= plan.acknowledgements && (at_roll || !plan.end_at_roll) {
            break;
        }
    }
    if count < plan.acknowledgements {
        return Err(format!("the producers stopped after {count} messages").into());
    }
    server.kill().await?;
    while let Some(entry) = acknowledged.recv().await {
        ledger.add(entry)?;
    }
    tasks.stop(Duration::from_secs(10)).await?;
    Ok(highest.load(Ordering::Relaxed))
}

struct Producer {
    number: usize,
    topic: String,
    broker: String,
    client: RemotingClient,
    acknowledged: mpsc::UnboundedSender<Entry>,
    highest: Arc<AtomicU64>,
    clock: Clock,
}

impl Producer {
    /// Sends one message after the other until one is not acknowledged.
    async fn run(self) {
        for sequence in 0_u64.. {
            let id = format!("{:04X}{sequence:012X}", self.number);
            let size = 100 + usize::try_from(sequence * 37 % 900).unwrap_or_default();
            let queue = i32::try_from(self.number).unwrap_or_default() % QUEUES;
            let header = SendMessage {
                producer_group: "crash".into(),
                topic: self.topic.as_str().into(),
                default_topic: "TBW102".into(),
                default_topic_queue_nums: QUEUES,
                queue_id: queue,
                born_timestamp: self.clock.now_ms(),
                properties: {
                    let properties = Properties::from_iter([(property::UNIQ_KEY, id.as_str())]);
                    properties.as_bytes().clone().try_into().ok()
                },
                ..SendMessage::default()
            };
            let body = Bytes::from(vec![b'x'; size]);
            let limit = Duration::from_secs(10);
            let Ok(reply) = self.client.call(&self.broker, header, body, limit).await else {
                return;
            };
            let stored = reply.header;
            let Ok(place) = stored.msg_id.parse::<OffsetMessageId>() else {
                return;
            };
            self.highest.fetch_max(place.offset.0, Ordering::Relaxed);
            let entry = Entry {
                topic: self.topic.clone(),
                queue: stored.queue_id,
                offset: stored.queue_offset,
                id,
            };
            if self.acknowledged.send(entry).is_err() {
                return;
            }
        }
    }
}
