//! A push consumer whose filter lets one message of a hundred through: how fast the broker gets past the
//! others, by their tags and by a condition.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Result;
use bytes::Bytes;
use mq_core::client::Producer;
use mq_core::message::subscription::SelectorType;
use mq_core::message::{Message, TopicName, property};

use super::drain::{self, Backlog, Way};
use super::java::FEW_ROUNDS;
use crate::bench::Bench;
use crate::load::{BACKLOG, Work, check, fill_by};
use crate::results::Results;
use crate::rounds::in_turn;
use crate::servers::Contender;

pub(crate) const CASE: &str = "filtered";

const TOPIC: &str = "bench-filtered";
const BODY: usize = 128;
/// One message of so many passes.
const ONE_OF: u64 = 100;
const TAG: &str = "wanted";

/// The filters, of which each lets the same messages through.
const FILTERS: [(SelectorType, &str); 2] = [
    (SelectorType::Tag, TAG),
    (SelectorType::Sql92, "total >= 100 AND region = 'eu'"),
];

pub(crate) fn load(selector: SelectorType) -> String {
    format!("1 of {ONE_OF} by {}, {BODY} B", selector.as_str())
}

/// Sends batches in which every hundredth message is wanted.
#[derive(Debug)]
struct Mixed {
    topic: TopicName,
    body: Bytes,
    made: AtomicU64,
}

impl Mixed {
    fn next(&self) -> Message {
        let is_wanted = self
            .made
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(ONE_OF);
        let (tag, total) = if is_wanted {
            (TAG, "120")
        } else {
            ("other", "80")
        };
        let mut message = Message::new(self.topic.clone(), self.body.clone());
        message.properties.set(property::TAGS, tag);
        message.properties.set("total", total);
        message.properties.set("region", "eu");
        message
    }
}

impl Work for Mixed {
    async fn once(&self, producer: &Producer) -> Result<u64> {
        let messages = (0..BACKLOG.batch).map(|_| self.next()).collect();
        check(&producer.send_batch(messages).await?)?;
        Ok(BACKLOG.batch as u64)
    }
}

/// Fills once and drains by each filter in every round.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    let once = async |_contender, server: &_| {
        let mixed = Mixed {
            topic: TopicName::new(TOPIC)?,
            body: vec![b'x'; BODY].into(),
            made: AtomicU64::new(0),
        };
        let count = fill_by(mixed, server, bench.effort.backlog, &bench.clock).await?;
        let mut samples = Vec::new();
        for filter in FILTERS {
            let backlog = Backlog {
                topic: TOPIC,
                filter,
                wanted: count.div_ceil(ONE_OF),
                each: ONE_OF,
            };
            let sample = drain::measure(bench, server, Way::Push, backlog).await?;
            samples.push((load(filter.0), sample));
        }
        Ok(samples)
    };
    let contenders = Contender::in_interval_mode(bench);
    let rounds = bench.effort.rounds.min(FEW_ROUNDS);
    in_turn(bench, rounds, &contenders, CASE, once, results).await
}
