use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b", selector_expression = "created || ")]
async fn hole(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", selector_expression = "created || *")]
async fn star(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", selector_expression = "created | paid")]
async fn single(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", selector_type = Sql92)]
async fn sql(_order: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", selector_expression = "total > 5")]
async fn condition(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
