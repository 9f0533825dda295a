//! Reports every delivery until standard input ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use mq_core::client::{
    Client, ClientConfig, ConcurrentListener, ConsumerConfig, MessageModel, OrderlyListener,
    OrderlyOutcome, Outcome, Producer, ProducerConfig, PushConsumer, StartFrom,
};
use mq_core::message::subscription::SelectorType;
use mq_core::message::{GroupName, MessageExt, TopicName, property};
use serde_json::json;
use tokio::io::AsyncReadExt as _;

use crate::Failure;
use crate::pulling::Pulling;
use crate::report::Report;

const ATTEMPTS: i32 = 3;
const BATCH_MESSAGES: u16 = 32;
/// Why a message is given up.
pub(crate) const REASON: &str = "the color is again";
const LIMIT: Duration = Duration::from_secs(20);

/// What is consumed, by whom, and how.
pub(crate) struct Subscription<'a> {
    pub(crate) topic: &'a str,
    pub(crate) group: &'a str,
    pub(crate) mode: &'a str,
    pub(crate) expression: &'a str,
}

/// Gives a client the name of this member of a group, and has it look at routes and groups often.
pub(crate) fn as_member(settings: &mut ClientConfig, member: &str) {
    settings.instance_name = Some(member.to_owned());
    settings.timings.route_refresh = Duration::from_secs(2);
    settings.timings.rebalance = Duration::from_secs(2);
}

/// Consumes until standard input ends.
pub(crate) async fn run(
    client: Client,
    subscription: Subscription<'_>,
    out: &Path,
) -> Result<(), Failure> {
    let consumer = start(&client, subscription, out).await?;
    tokio::io::stdin().read_to_end(&mut Vec::new()).await?;
    consumer.shutdown(LIMIT).await?;
    client.shutdown(LIMIT).await?;
    Ok(())
}

/// A running consumer.
pub(crate) enum Member {
    Push(PushConsumer),
    Pull(Pulling),
}

impl Member {
    pub(crate) async fn shutdown(&self, limit: Duration) -> Result<(), Failure> {
        match self {
            Self::Push(consumer) => Ok(consumer.shutdown(limit).await?),
            Self::Pull(consumer) => consumer.shutdown(limit).await,
        }
    }
}

/// Starts to consume; every delivery is a line of `out`.
pub(crate) async fn start(
    client: &Client,
    subscription: Subscription<'_>,
    out: &Path,
) -> Result<Member, Failure> {
    let Subscription { group, mode, .. } = subscription;
    let report = Arc::new(Report::create(out)?);
    if Pulling::has(mode) {
        let pulling = Pulling::start(client, &subscription, &report).await?;
        report.line(&json!({ "ready": true }))?;
        return Ok(Member::Pull(pulling));
    }
    let mut config = ConsumerConfig::new(GroupName::new(group)?);
    config.start_from = StartFrom::FirstOffset;
    config.suspend = Duration::from_millis(200);
    config.offset_directory = out.parent().map(|home| home.join("offsets"));
    if mode == "broadcast" {
        config.message_model = MessageModel::Broadcasting;
    }
    if mode.contains("batch") {
        config.consume_batch_size = BATCH_MESSAGES;
    }
    let listener = Listener {
        report: Arc::clone(&report),
        retry: mode.starts_with("retry"),
        delay_level: match mode {
            "retry-by-broker" => 0,
            "retry-choice" => 2,
            _ => 1,
        },
        gives_up: mode.starts_with("dead"),
        leaves_uncommitted: mode.starts_with("uncommitted"),
        replies: if mode == "reply" {
            let group = GroupName::new("interop-replies")?;
            Some(client.producer(ProducerConfig::new(group))?)
        } else {
            None
        },
    };
    let selector = if mode == "sql" {
        SelectorType::Sql92
    } else {
        SelectorType::Tag
    };
    let topic = TopicName::new(subscription.topic)?;
    let builder =
        client
            .push_consumer(config)
            .subscribe_by(topic, selector, subscription.expression);
    let consumer = if mode.ends_with("orderly") {
        builder.start_orderly(listener).await?
    } else {
        builder.start(listener).await?
    };
    report.line(&json!({ "ready": true }))?;
    Ok(Member::Push(consumer))
}

/// Reports a delivery.
pub(crate) fn tell(report: &Report, message: &MessageExt) {
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
    if let Err(error) = report.line(&line) {
        tracing::error!(%error, "a delivery could not be reported");
    }
}

/// Reports; in a mode of retries asks for some messages again until the third attempt, in that of dead
/// letters gives them up, in that of replies replies to each with what it asks.
struct Listener {
    report: Arc<Report>,
    retry: bool,
    /// The delay level before a message comes again; 0: the broker chooses.
    delay_level: u8,
    /// Whether messages that are wanted again are given up, until they were sent again.
    gives_up: bool,
    leaves_uncommitted: bool,
    replies: Option<Producer>,
}

impl Listener {
    /// Reports how many messages came in one call, when they are several.
    fn tell_together(&self, batch: &[MessageExt]) {
        if batch.len() > 1
            && let Err(error) = self.report.line(&json!({ "together": batch.len() }))
        {
            tracing::error!(%error, "a call could not be reported");
        }
    }

    /// Whether the message is wanted once more.
    fn take(&self, message: &MessageExt) -> bool {
        tell(&self.report, message);
        let color = message.message.properties.get("color");
        self.retry && color == Some("again") && message.reconsume_times < ATTEMPTS - 1
    }
}

/// Whether it is a message that is given up, and was not sent again yet.
fn is_new(message: &MessageExt) -> bool {
    let property = |name| message.message.properties.get(name);
    property("color") == Some("again") && property(property::RESENT_DEAD_LETTERS).is_none()
}

/// Whether it is a message that is left uncommitted until the next one is committed.
fn is_third(message: &MessageExt) -> bool {
    let index = message.message.properties.get("index");
    index.is_some_and(|index| {
        index
            .parse()
            .is_ok_and(|index: u32| index.is_multiple_of(3))
    })
}

impl ConcurrentListener for Listener {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        self.tell_together(&batch);
        let outcome = |message: &MessageExt| {
            if self.take(message) {
                Outcome::Later {
                    delay_level: self.delay_level,
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

/// Stops at the first message that is wanted again or given up: those behind it come with it once more.
impl OrderlyListener for Listener {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<OrderlyOutcome> {
        self.tell_together(&batch);
        let mut outcomes = Vec::with_capacity(batch.len());
        for message in &batch {
            let outcome = if self.take(message) {
                OrderlyOutcome::Suspend {
                    pause: None,
                    reason: None,
                }
            } else if self.gives_up && is_new(message) {
                OrderlyOutcome::DeadLetter {
                    reason: REASON.to_owned(),
                }
            } else if self.leaves_uncommitted && is_third(message) {
                OrderlyOutcome::Uncommitted
            } else {
                OrderlyOutcome::Done
            };
            let stops = matches!(
                outcome,
                OrderlyOutcome::Suspend { .. } | OrderlyOutcome::DeadLetter { .. }
            );
            outcomes.push(outcome);
            if stops {
                break;
            }
        }
        outcomes
    }
}
