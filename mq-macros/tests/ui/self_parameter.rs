use mq_starter::prelude::*;

struct Shop;

impl Shop {
    #[rocketmq_message_listener(topic = "a", consumer_group = "b")]
    async fn take(&self, _order: String) -> ConsumeResult {
        Ok(())
    }
}

fn main() {}
