//! Reads every queue of a topic and compares it with the ledger.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mq_core::clock::Clock;
use mq_core::message::record;
use mq_core::remoting::{RemotingClient, RemotingClientConfig, Router};
use mq_core::tasks::Tasks;
use mq_core::wire::ResponseCode;
use mq_tests::{Server, pull};

use crate::ledger::Ledger;

const QUEUES: i32 = 4;

/// Checks that every acknowledged message of `topic` lies where it was acknowledged and that no
/// offset comes twice; returns how many messages the queues hold.
pub(crate) async fn topic(
    server: &Server,
    topic: &str,
    ledger: &Ledger,
    clock: &Clock,
) -> Result<usize, Box<dyn Error>> {
    let tasks = Tasks::new(clock.clone());
    let nobody_asks = Arc::new(Router::default());
    let client = RemotingClient::new(
        RemotingClientConfig::default(),
        nobody_asks,
        clock.clone(),
        tasks.clone(),
    );
    let mut found = HashMap::new();
    for queue in 0..QUEUES {
        let mut next = 0;
        loop {
            let reply = client.call(
                &server.broker,
                pull("crash", topic, queue, next),
                Bytes::new(),
                LIMIT,
            );
            let reply = reply.await?;
            if reply.code != ResponseCode::SUCCESS {
                break;
            }
            for message in record::decode_all(reply.body)? {
                let offset = message.queue_offset.to_wire();
                if offset != next {
                    return Err(
                        format!("{topic}/{queue}: offset {offset} instead of {next}").into(),
                    );
                }
                next += 1;
                if found
                    .insert((queue, offset), message.message_id())
                    .is_some()
                {
                    return Err(format!("{topic}/{queue}: offset {offset} comes twice").into());
                }
            }
        }
    }
    for entry in ledger.of(topic) {
        match found.get(&(entry.queue, entry.offset)) {
            Some(id) if *id == entry.id => {}
            other => {
                let place = format!("{topic}/{} at {}", entry.queue, entry.offset);
                return Err(format!("{place}: acknowledged {}, found {other:?}", entry.id).into());
            }
        }
    }
    tasks.stop(Duration::from_secs(10)).await?;
    Ok(found.len())
}

const LIMIT: Duration = Duration::from_secs(30);
