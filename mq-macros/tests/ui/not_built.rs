use mq_starter::prelude::*;

#[rocketmq_message_listener(
    topic = "order-topic",
    consumer_group = "shop",
    enableMsgTrace = false,
    tlsEnable = "false",
    accessKey = "",
    secretKey = "s3cret",
    consumeThreadMax = 64,
    namespace = "${ns:}",
    nameServer,
    enable_msg_trace = false,
)]
async fn take(_order: String) -> ConsumeResult {
    Ok(())
}

fn main() {}
