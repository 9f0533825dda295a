//! What comes from the other application: a topic and a group for each kind.

use std::io;
use std::sync::Arc;

use mq_starter::prelude::*;
use serde_json::json;

use crate::order::{Order, Receipt};
use crate::report::Report;

const ATTEMPTS: i32 = 3;
const NOT_YET: &str = "not yet";

/// Reports a delivery with everything that came along.
fn came(report: &Report, kind: &str, order: &Order, message: &MessageExt) -> io::Result<()> {
    report.line(&json!({
        "came": kind,
        "order": order,
        "id": message.message_id(),
        "queue": message.queue_id,
        "offset": message.queue_offset.0,
        "key": message.keys().next(),
        "tag": message.tag(),
        "attempt": message.reconsume_times,
        "stored": message.store_timestamp,
        "color": message.header("color"),
        "contentType": message.header("contentType"),
        "stamped": message.header("id").is_some() && message.header("timestamp").is_some(),
    }))
}

/// The payload and nothing else.
#[derive(Component)]
#[rocketmq_message_listener(
    topic = "${interop.theirs}-typed",
    consumer_group = "${interop.theirs}-typed"
)]
struct Typed {
    report: Inject<Report>,
}

impl RocketMQListener for Typed {
    type Message = Order;

    async fn on_message(&self, order: Order) -> ConsumeResult {
        self.report
            .line(&json!({ "came": "typed", "order": order }))?;
        Ok(())
    }
}

#[rocketmq_message_listener(
    topic = "${interop.theirs}-text",
    consumer_group = "${interop.theirs}-text"
)]
async fn text(text: String, State(report): State<Arc<Report>>) -> ConsumeResult {
    report.line(&json!({ "came": "text", "text": text }))?;
    Ok(())
}

#[rocketmq_message_listener(
    topic = "${interop.theirs}-typed",
    consumer_group = "${interop.theirs}-tagged",
    selector_expression = "TagA || TagC"
)]
async fn tagged(
    Json(order): Json<Order>,
    message: MessageExt,
    State(report): State<Arc<Report>>,
) -> io::Result<()> {
    came(&report, "tagged", &order, &message)
}

#[rocketmq_message_listener(
    topic = "${interop.theirs}-batch",
    consumer_group = "${interop.theirs}-batch",
    consume_message_batch_max_size = 32
)]
async fn batch(orders: Batch<Order>, State(report): State<Arc<Report>>) -> io::Result<()> {
    for order in &orders {
        came(&report, "batch", order, order.message())?;
    }
    Ok(())
}

#[rocketmq_message_listener(
    topic = "${interop.theirs}-orderly",
    consumer_group = "${interop.theirs}-orderly",
    consume_mode = ConsumeMode::Orderly
)]
async fn orderly(
    Json(order): Json<Order>,
    message: MessageExt,
    State(report): State<Arc<Report>>,
) -> io::Result<()> {
    came(&report, "orderly", &order, &message)
}

#[rocketmq_message_listener(
    topic = "${interop.theirs}-levels",
    consumer_group = "${interop.theirs}-levels"
)]
async fn levels(
    Json(order): Json<Order>,
    message: MessageExt,
    State(report): State<Arc<Report>>,
) -> io::Result<()> {
    came(&report, "levels", &order, &message)
}

#[rocketmq_message_listener(
    topic = "${interop.theirs}-times",
    consumer_group = "${interop.theirs}-times"
)]
async fn times(
    Json(order): Json<Order>,
    message: MessageExt,
    State(report): State<Arc<Report>>,
) -> io::Result<()> {
    came(&report, "times", &order, &message)
}

#[rocketmq_message_listener(
    topic = "${interop.theirs}-transaction",
    consumer_group = "${interop.theirs}-transaction"
)]
async fn transactions(
    Json(order): Json<Order>,
    message: MessageExt,
    State(report): State<Arc<Report>>,
) -> io::Result<()> {
    came(&report, "transaction", &order, &message)
}

/// Every other order only in its third attempt.
#[rocketmq_message_listener(
    topic = "${interop.theirs}-retry",
    consumer_group = "${interop.theirs}-retry"
)]
async fn retry(
    Json(order): Json<Order>,
    message: MessageExt,
    State(report): State<Arc<Report>>,
) -> ConsumeResult {
    came(&report, "retry", &order, &message)?;
    if order.id % 2 == 0 && message.reconsume_times < ATTEMPTS - 1 {
        return Err(ConsumeError::later(NOT_YET));
    }
    Ok(())
}

/// Nothing that was not a dead letter before; there is one more attempt.
#[rocketmq_message_listener(
    topic = "${interop.theirs}-dead",
    consumer_group = "${interop.theirs}-dead",
    max_reconsume_times = 1
)]
async fn dead(
    Json(order): Json<Order>,
    message: MessageExt,
    State(report): State<Arc<Report>>,
) -> ConsumeResult {
    came(&report, "dead", &order, &message)?;
    match message.header("RESENT_DEAD_LETTERS") {
        Some(_) => Ok(()),
        None => Err(ConsumeError::later(NOT_YET)),
    }
}

#[derive(Component)]
#[rocketmq_reply_listener(
    topic = "${interop.theirs}-request",
    consumer_group = "${interop.theirs}-request"
)]
struct Requests;

impl RocketMQReplyListener for Requests {
    type Message = Order;
    type Reply = Receipt;

    async fn on_message(&self, order: Order) -> ReplyResult<Receipt> {
        Ok(order.receipt())
    }
}

#[rocketmq_reply_listener(
    topic = "${interop.theirs}-greeting",
    consumer_group = "${interop.theirs}-greeting"
)]
async fn greetings(name: String) -> ReplyResult<String> {
    Ok(format!("hello {name}"))
}
