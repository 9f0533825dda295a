use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "b",
    selector_type = SelectorType::Sql92,
    selector_expression = "total > 'ten'"
)]
async fn text(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "b",
    selector_type = "SQL92",
    selector_expression = "total > 10 AND"
)]
async fn unfinished(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "b",
    selector_type = Sql92,
    selector_expression = "total > 10 + 5"
)]
async fn arithmetic(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "b",
    selector_type = Sql92,
    selector_expression = "${shop.wanted:total BETWEEN 5 AND 1}"
)]
async fn default(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "b",
    selector_type = Sql92,
    selector_expression = "*"
)]
async fn star(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(
    topic = "a",
    consumer_group = "b",
    selector_type = Sql92,
    selector_expression = "total >= 10 AND region IN ('eu', 'us') OR note IS NOT NULL"
)]
async fn right(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
