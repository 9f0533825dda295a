use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "a", consumer_group = "b", consume_message_batch_max_size = 32)]
async fn parts(_rows: Batch<String>, _message: MessageExt) -> BatchResult {
    Ok(BatchOutcomes::default())
}

#[rocketmq_message_listener(topic = "a", consumer_group = "b", consume_message_batch_max_size = 32)]
async fn result(_rows: Batch<String>) -> u8 {
    0
}

#[derive(Component)]
#[rocketmq_message_listener(topic = "a", consumer_group = "b", consume_message_batch_max_size = 32)]
struct Single;

impl RocketMQListener for Single {
    type Message = String;

    async fn on_message(&self, _row: String) -> ConsumeResult {
        Ok(())
    }
}

fn main() {}
