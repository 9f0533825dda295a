//! How much one answer to a pull carries.

use mq_core::broker::config::BrokerConfig;
use mq_core::clock::Clock;
use mq_core::message::record::decode_all;
use mq_core::store::StoreConfig;
use mq_core::wire::ResponseCode;
use mq_core::wire::header::PullMessage;

use crate::stage::{Client, Stage, message, pull};

/// Stores `count` messages of `size` bytes in a queue.
async fn fill(client: &Client, count: usize, size: usize) {
    for _message in 0..count {
        let body = vec![b'x'; size];
        client.call_with(message("orders", 0), body).await.unwrap();
    }
}

/// Messages and bytes of the answers to pulls for `most` messages, until the queue ends.
async fn answers(client: &Client, most: i32) -> Vec<(usize, usize)> {
    let (mut answers, mut from) = (Vec::new(), 0);
    loop {
        let wish = PullMessage {
            max_msg_nums: most,
            ..pull("orders", 0, from)
        };
        let reply = client.pull(wish).await;
        if reply.code != ResponseCode::SUCCESS {
            return answers;
        }
        from = reply.header.next_begin_offset;
        let bytes = reply.body.len();
        answers.push((decode_all(reply.body).unwrap().len(), bytes));
    }
}

fn counts(answers: &[(usize, usize)]) -> Vec<usize> {
    answers.iter().map(|(count, _)| *count).collect()
}

#[tokio::test]
async fn an_answer_has_no_more_messages_than_asked_for_and_than_the_broker_gives() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    fill(&client, 50, 1).await;

    assert_eq!(counts(&answers(&client, 50).await), [32, 18]);
    assert_eq!(counts(&answers(&client, 20).await), [20, 20, 10]);
    // Whoever asks for none would otherwise ask for ever.
    assert_eq!(counts(&answers(&client, 0).await), [1; 50]);
    stage.stop().await;
}

#[tokio::test]
async fn an_answer_ends_before_256_kib_but_a_single_message_may_have_more() {
    let stage = Stage::new().await;
    let client = stage.client("a");
    fill(&client, 20, 20_000).await;
    fill(&client, 1, 300_000).await;

    let answers = answers(&client, 32).await;

    assert_eq!(counts(&answers), [12, 8, 1]);
    assert!(answers[0].1 <= 262_144, "{answers:?}");
    stage.stop().await;
}

#[tokio::test]
async fn the_limits_of_an_answer_are_settings() {
    let stage = Stage::with(Clock::system(), |config| {
        config.rules.transfer.in_memory.messages = 40;
        config.rules.transfer.in_memory.bytes = 15_000;
    })
    .await;
    let client = stage.client("a");
    fill(&client, 50, 1).await;
    fill(&client, 3, 10_000).await;

    assert_eq!(counts(&answers(&client, 50).await), [40, 11, 1, 1]);
    stage.stop().await;
}

#[tokio::test]
async fn what_lies_far_behind_the_end_of_the_log_comes_in_smaller_answers() {
    let nothing_in_memory = |config: &BrokerConfig| StoreConfig {
        in_memory: 0,
        ..config.store()
    };
    let stage = Stage::with_store(|_| {}, nothing_in_memory).await;
    let client = stage.client("a");
    fill(&client, 20, 1).await;
    fill(&client, 8, 20_000).await;

    let answers = answers(&client, 32).await;

    assert_eq!(counts(&answers), [8, 8, 7, 3, 2]);
    assert!(
        answers.iter().all(|(_, bytes)| *bytes <= 65_536),
        "{answers:?}"
    );
    stage.stop().await;
}
