//! The smallest program: one listener, one message, the broker in the process.
//!
//! `cargo run -p mq-starter --example hello`, Ctrl-C ends it. Messages are kept in `./data`;
//! `--rocketmq.name-server=127.0.0.1:9876` sends to a cluster instead.

#![expect(clippy::print_stdout, reason = "an example talks to its reader")]

use mq_starter::prelude::*;

#[rocketmq_message_listener(topic = "greetings", consumer_group = "greeter")]
async fn greet(name: String) -> ConsumeResult {
    println!("hello, {name}!");
    Ok(())
}

#[tokio::main]
async fn main() -> mq_starter::Result<()> {
    tracing_subscriber::fmt().log_internal_errors(false).init();
    let app = RocketMQApplication::new().build().await?;
    app.template()
        .convert_and_send("greetings", "world")
        .await?;
    app.run().await?;
    Ok(())
}
