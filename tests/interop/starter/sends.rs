//! Sends the orders once for each kind, in the ways that the template has for it.

use std::fs;
use std::time::Duration;

use mq_core::clock::Clock;
use mq_starter::config::Settings;
use mq_starter::{MessageBuilder, RequestError, RocketMQTemplate, SendResult};
use serde_json::json;
use tokio::sync::oneshot;

use crate::endings::Endings;
use crate::order::{Order, Receipt};
use crate::report::Report;

type Failure = Box<dyn std::error::Error + Send + Sync>;

const TAGS: [&str; 3] = ["TagA", "TagB", "TagC"];
const ENDINGS: [&str; 4] = ["commit", "commit-later", "rollback", "rollback-later"];
/// The delays of the first two levels, in ms.
const LEVELS: [(u32, i64); 2] = [(1, 1_000), (2, 5_000)];
const LIMIT: Duration = Duration::from_secs(20);

/// What sending needs.
struct Sender<'a> {
    template: &'a RocketMQTemplate,
    report: &'a Report,
    to: String,
}

/// Sends what the settings say.
pub(crate) async fn everything(
    template: &RocketMQTemplate,
    settings: &Settings,
    report: &Report,
) -> Result<(), Failure> {
    let sender = Sender {
        template,
        report,
        to: settings.resolve("${interop.mine}")?,
    };
    let lines = fs::read_to_string(settings.resolve("${interop.orders}")?)?;
    let orders: Vec<Order> = lines
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    for kind in settings
        .resolve("${interop.kinds}")?
        .split(',')
        .filter(|kind| !kind.is_empty())
    {
        if kind == "batch" {
            sender.batch(&orders).await?;
            continue;
        }
        for (number, order) in orders.iter().enumerate() {
            sender.one(kind, number, order).await?;
        }
    }
    Ok(())
}

/// The element of `choices` for this number: each in its turn.
fn in_turn<T: Copy>(choices: &[T], number: usize) -> Result<T, Failure> {
    let choice = choices.get(number % choices.len());
    choice.copied().ok_or_else(|| "nothing to choose".into())
}

impl Sender<'_> {
    async fn one(&self, kind: &str, number: usize, order: &Order) -> Result<(), Failure> {
        let topic = format!("{}-{kind}", self.to);
        match kind {
            "typed" => self.typed(number, order).await?,
            "text" => {
                let product = &order.product;
                self.template.convert_and_send(&topic, product).await?;
            }
            "orderly" => {
                let message = self.message(&topic, order).hash_key(&order.shard);
                self.sent(kind, order, &message.send().await?, 0)?;
            }
            "levels" => {
                let (level, delay) = in_turn(&LEVELS, number)?;
                let due = now() + delay;
                let message = self.message(&topic, order).delay_level(level);
                self.sent(kind, order, &message.send().await?, due)?;
            }
            "times" => self.later(&topic, number, order).await?,
            "transaction" => {
                let ending = in_turn(&ENDINGS, number)?;
                let message = self.message(&topic, order).header("ending", ending);
                let message = message.header("order", order.id);
                let ended = message.send_in_transaction::<Endings>(ending).await?;
                self.sent(kind, order, &ended.sent, 0)?;
            }
            "request" => {
                let request = self.template.message(&topic).payload(order);
                let request = request.hash_key(&order.shard).timeout(LIMIT);
                let reply: Receipt = request.request().await?;
                self.replied(kind, order, &json!(reply))?;
            }
            "request-callback" => {
                let (answered, answer) = oneshot::channel();
                let tell = |reply: Result<Receipt, RequestError>| drop(answered.send(reply));
                let topic = format!("{}-request", self.to);
                self.template.async_send_and_receive(&topic, order, tell);
                self.replied(kind, order, &json!(answer.await??))?;
            }
            "greeting" => {
                let request = self.template.message(&topic).payload(&order.product);
                let reply: String = request.timeout(LIMIT).request().await?;
                self.replied(kind, order, &json!(reply))?;
            }
            _ => {
                let sent = self.template.sync_send(&topic, order).await?;
                self.sent(kind, order, &sent, 0)?;
            }
        }
        Ok(())
    }

    async fn batch(&self, orders: &[Order]) -> Result<(), Failure> {
        let batch = self.template.batch(&format!("{}-batch", self.to));
        let batch = orders.iter().fold(batch, |batch, order| {
            batch.push_with(order, |entry| {
                let entry = entry.key(format!("order-{}", order.id));
                entry.header("color", "绿色")
            })
        });
        for part in batch.send().await? {
            let sent = part.outcome?;
            for (nth, order) in (0..).zip(orders.get(part.messages).unwrap_or_default()) {
                let line = json!({
                    "sent": "batch",
                    "order": order.id,
                    "queue": sent.queue.id,
                    "offset": sent.queue_offset.plus(nth).0,
                });
                self.report.line(&line)?;
            }
        }
        Ok(())
    }

    fn message(&self, destination: &str, order: &Order) -> MessageBuilder<'_> {
        let message = self.template.message(destination).payload(order);
        message
            .key(format!("order-{}", order.id))
            .header("color", "绿色")
    }

    async fn typed(&self, number: usize, order: &Order) -> Result<(), Failure> {
        let destination = format!("{}-typed:{}", self.to, in_turn(&TAGS, number)?);
        let message = self.message(&destination, order);
        match number % 3 {
            0 => self.sent("typed", order, &message.send().await?, 0)?,
            1 => self.sent("typed", order, &message.spawn().await?, 0)?,
            _ => {
                message.send_one_way()?;
                let line = json!({ "sent": "typed", "order": order.id });
                self.report.line(&line)?;
            }
        }
        Ok(())
    }

    async fn later(&self, topic: &str, number: usize, order: &Order) -> Result<(), Failure> {
        let (template, now) = (self.template, now());
        let (sent, due) = match number % 3 {
            0 => {
                let sent = template.sync_send_delay_time_seconds(topic, order, 2);
                (sent.await?, now + 2_000)
            }
            1 => {
                let sent = template.sync_send_delay_time_mills(topic, order, 1_500);
                (sent.await?, now + 1_500)
            }
            _ => {
                let sent = template.sync_send_deliver_time_mills(topic, order, now + 2_500);
                (sent.await?, now + 2_500)
            }
        };
        self.sent("times", order, &sent, due)
    }

    fn replied(&self, kind: &str, order: &Order, reply: &serde_json::Value) -> Result<(), Failure> {
        let line = json!({ "replied": kind, "order": order.id, "reply": reply });
        Ok(self.report.line(&line)?)
    }

    fn sent(&self, kind: &str, order: &Order, sent: &SendResult, due: i64) -> Result<(), Failure> {
        let line = json!({
            "sent": kind,
            "order": order.id,
            "id": sent.message_id,
            "queue": sent.queue.id,
            "offset": sent.queue_offset.0,
            "due": due,
        });
        Ok(self.report.line(&line)?)
    }
}

fn now() -> i64 {
    Clock::system().now_ms()
}
