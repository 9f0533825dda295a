//! A backlog that is still in the page cache is drained by our client: pushed, and pulled ahead by a lite
//! pull consumer.

use anyhow::Result;
use mq_core::message::subscription::SelectorType;

use super::drain::{self, Backlog, Way};
use super::java::FEW_ROUNDS;
use crate::bench::Bench;
use crate::load::{BACKLOG, TOPIC, fill};
use crate::results::Results;
use crate::rounds::in_turn;
use crate::servers::Contender;

pub(crate) const CASE: &str = "consume";

fn load(messages: u64, way: Way) -> String {
    let how = match way {
        Way::Push => "",
        Way::LitePull => ", lite pull",
    };
    format!("{messages} × {} B, hot{how}", BACKLOG.body)
}

/// Fills once and drains in each way in every round.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    let contenders = Contender::in_interval_mode(bench);
    let once = async |_contender, server: &_| {
        let backlog = Backlog {
            topic: TOPIC,
            filter: (SelectorType::Tag, "*"),
            wanted: fill(server, bench.effort.backlog, &bench.clock).await?,
            each: 1,
        };
        let mut samples = Vec::new();
        for way in [Way::Push, Way::LitePull] {
            let sample = drain::measure(bench, server, way, backlog).await?;
            samples.push((load(bench.effort.backlog, way), sample));
        }
        Ok(samples)
    };
    let rounds = match bench.java {
        Some(_) => bench.effort.rounds.min(FEW_ROUNDS),
        None => bench.effort.rounds,
    };
    in_turn(bench, rounds, &contenders, CASE, once, results).await
}
