//! Reports every delivery until standard input ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{
    Client, ClientConfig, ConcurrentListener, ConsumerConfig, MessageModel, OrderlyListener,
    OrderlyOutcome, Outcome, Producer, ProducerConfig, StartFrom,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, MessageExt, TopicName, property};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use crate::report::Report;
use crate::{Failure, name_servers};

const ATTEMPTS: i32 = 3;
/// Why a message is given up.
const REASON: &str = "the color is again";
const LIMIT: Duration = Duration::from_secs(20);

/// Where a consumer belongs.
pub(crate) struct Who<'a> {
    pub(crate) namesrv: &'a str,
    pub(crate) group: &'a str,
    pub(crate) member: &'a str,
}

/// Consumes `topic` in the way that `mode` names.
pub(crate) async fn run(
    who: Who<'_>,
    topic: &str,
    mode: &str,
    expression: &str,
    out: &str,
) -> Result<(), Failure> {
    let report = Arc::new(Report::create(Path::new(out))?);
    let mut settings = ClientConfig::new(name_servers(who.namesrv));
    settings.instance_name = Some(who.member.to_owned());
    settings.timings.route_refresh = Duration::from_secs(2);
    settings.timings.rebalance = Duration::from_secs(2);
    let client = Client::new(settings, Clock::system())?;

    let mut config = ConsumerConfig::new(GroupName::new(who.group)?);
    config.start_from = StartFrom::FirstOffset;
    config.suspend = Duration::from_millis(200);
    config.offset_directory = Path::new(out).parent().map(|home| home.join("offsets"));
    if mode == "broadcast" {
        config.message_model = MessageModel::Broadcasting;
    }
    let listener = Listener {
        report: Arc::clone(&report),
        retry: mode.starts_with("retry"),
        gives_up: mode.starts_with("dead"),
        replies: if mode == "reply" {
            let group = GroupName::new("interop-replies")?;
            Some(client.producer(ProducerConfig::new(group))?)
        } else {
            None
        },
    };
    let builder = client
        .push_consumer(config)
        .subscribe(TopicName::new(topic)?, expression);
    let consumer = if mode.ends_with("orderly") {
        builder.start_orderly(listener).await?
    } else {
        builder.start(listener).await?
    };
    report.line(&json!({ "ready": true }))?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    consumer.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    Ok(())
}

/// Reports; in a mode of retries asks for some messages again until the third attempt, in that of dead
/// letters gives them up, in that of replies replies to each with what it asks.
struct Listener {
    report: Arc<Report>,
    retry: bool,
    /// Whether messages that are wanted again are given up, until they were sent again.
    gives_up: bool,
    replies: Option<Producer>,
}

impl Listener {
    /// Whether the message is wanted once more.
    fn take(&self, message: &MessageExt) -> bool {
        let MessageExt { message: sent, .. } = message;
        let property = |name| sent.properties.get(name);
        let line = json!({
            "id": message.message_id(),
            "queue": message.queue_id,
            "offset": message.queue_offset.0,
            "topic": sent.topic.as_str(),
            "key": property(property::KEYS),
            "tag": property(property::TAGS),
            "index": property("index"),
            "color": property("color"),
            "attempt": message.reconsume_times,
            "stored": message.store_timestamp,
            "size": sent.body.len(),
            "crc": crc32fast::hash(&sent.body),
        });
        if let Err(error) = self.report.line(&line) {
            tracing::error!(%error, "a delivery could not be reported");
        }
        self.retry && property("color") == Some("again") && message.reconsume_times < ATTEMPTS - 1
    }
}

/// Whether it is a message that is given up, and was not sent again yet.
fn is_new(message: &MessageExt) -> bool {
    let property = |name| message.message.properties.get(name);
    property("color") == Some("again") && property(property::RESENT_DEAD_LETTERS).is_none()
}

impl ConcurrentListener for Listener {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let outcome = |message: &MessageExt| {
            if self.take(message) {
                Outcome::Later {
                    delay_level: 1,
                    reason: None,
                }
            } else if self.gives_up && is_new(message) {
                Outcome::DeadLetter {
                    reason: REASON.to_owned(),
                }
            } else {
                Outcome::Done
            }
        };
        let outcomes = batch.iter().map(outcome).collect();
        if let Some(replies) = &self.replies {
            for message in &batch {
                let body = message.message.body.clone();
                if let Err(error) = replies.reply(message, body).await {
                    tracing::error!(%error, "a reply was not taken");
                }
            }
        }
        outcomes
    }
}

impl OrderlyListener for Listener {
    async fn consume(&self, batch: Vec<MessageExt>) -> OrderlyOutcome {
        let dead = self.gives_up && batch.iter().any(is_new);
        match batch.iter().filter(|message| self.take(message)).count() {
            0 if dead => OrderlyOutcome::DeadLetter {
                reason: REASON.to_owned(),
            },
            0 => OrderlyOutcome::Done,
            _ => OrderlyOutcome::Suspend {
                pause: None,
                reason: None,
            },
        }
    }
}
