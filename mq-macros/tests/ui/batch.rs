use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b")]
async fn no_size(_rows: Batch<String>) -> BatchResult {
    Ok(BatchOutcomes::default())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", consume_message_batch_max_size = 32)]
async fn no_batch(_row: String) -> ConsumeResult {
    Ok(())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", consume_message_batch_max_size = 1025)]
async fn too_many(_rows: Batch<String>) -> BatchResult {
    Ok(BatchOutcomes::default())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", consumeMessageBatchMaxSize = 32)]
async fn two(_rows: Batch<String>, _texts: mq_starter::Batch<String>) -> BatchResult {
    Ok(BatchOutcomes::default())
}

#[rocketmq_reply_listener(topic = "a", consumer_group = "b", consume_message_batch_max_size = 32)]
async fn reply(_rows: Batch<String>) -> ReplyResult<String> {
    Ok(String::new())
}

fn main() {}
