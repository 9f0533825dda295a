//! Transactions: half messages and their ends, of which one in twenty is left to a check, by our client
//! and by Apache's, against `mq` and Apache's brokers.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use bytes::Bytes;
use mq_core::client::{Producer, TransactionChecker, TransactionState};
use mq_core::message::{Message, MessageExt, TopicName};

use super::java::{BROKER_WARM_UP, FEW_ROUNDS, arguments, report_of};
use crate::bench::Bench;
use crate::java::Main;
use crate::load::{Load, TOPIC, Work, check, measured};
use crate::results::Results;
use crate::rounds::in_turn;
use crate::sample::{Figure, Sample};
use crate::servers::{Contender, Server};
use crate::window::Window;

pub(crate) const CASE: &str = "transactions";
pub(crate) const JAVA_CASE: &str = "java transactions";
pub(crate) const JAVA_LOAD: &str = "32 threads, 1024 B, 5 % unknown";

const BODY: usize = 1024;
/// Of so many transactions one is left to the check.
const UNKNOWN_EVERY: u64 = 20;
const UNKNOWN_RATE: &str = "0.05";
/// How many are under way.
const SENDERS: usize = 32;
/// What is unknown is checked after two seconds (`servers/settings.rs`), so that checks are among what is
/// measured.
const WARM_UPS: u32 = 9;
const WINDOWS: u32 = 5;
/// The program reports every ten seconds about the nine before: its second report is about this window.
const JAVA_WARM_UP: Duration = Duration::from_millis(11_500);

/// Connections, and transactions under way on each.
pub(crate) const SHAPES: [(usize, usize); 2] = [(1, SENDERS), (SENDERS, 1)];

pub(crate) fn load((connections, depth): (usize, usize)) -> String {
    let plural = if connections == 1 { "" } else { "s" };
    format!("{connections} connection{plural}, depth {depth}, {BODY} B, 5 % unknown")
}

/// Begins transactions and ends them.
#[derive(Debug)]
struct Transactions {
    topic: TopicName,
    body: Bytes,
    begun: AtomicU64,
    /// Of so many one is left to the check.
    unknown_every: u64,
}

impl Transactions {
    fn new(unknown_every: u64) -> Result<Self> {
        Ok(Self {
            topic: TopicName::new(TOPIC)?,
            body: vec![b'x'; BODY].into(),
            begun: AtomicU64::new(0),
            unknown_every,
        })
    }
}

impl Work for Transactions {
    fn introduce(&self, producer: &Producer) {
        producer.answer_checks(Committed);
    }

    async fn once(&self, producer: &Producer) -> Result<u64> {
        let message = Message::new(self.topic.clone(), self.body.clone());
        let transaction = producer.begin(message).await?;
        check(transaction.half())?;
        let number = self.begun.fetch_add(1, Ordering::Relaxed);
        if number % self.unknown_every != self.unknown_every - 1 {
            let _half = transaction.commit().await?;
        }
        Ok(1)
    }
}

/// Says of every transaction that it was committed.
#[derive(Debug)]
struct Committed;

impl TransactionChecker for Committed {
    async fn check(&self, _message: MessageExt) -> TransactionState {
        TransactionState::Commit
    }
}

/// Our client.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    let once = async |contender, server: &_| {
        warm_up(contender, server, bench).await?;
        let mut samples = Vec::new();
        for shape in SHAPES {
            let (connections, depth) = shape;
            let work = Transactions::new(UNKNOWN_EVERY)?;
            let load_of = Load::of(work, connections, depth, &server.namesrv, &bench.clock)?;
            let effort = bench.effort;
            let times = (effort.warm_up * WARM_UPS, effort.window * WINDOWS);
            samples.push((load(shape), measured(bench, load_of, server, times).await?));
        }
        Ok(samples)
    };
    let contenders = Contender::in_both_modes(bench);
    let rounds = bench.effort.rounds.min(FEW_ROUNDS);
    in_turn(bench, rounds, &contenders, CASE, once, results).await
}

/// Has a JVM compile what a broker does with a transaction. None is left open, since nobody would answer
/// its check.
async fn warm_up(contender: Contender, server: &Server, bench: &Bench) -> Result<()> {
    if let Contender::Apache(..) = contender {
        let clock = &bench.clock;
        let load = Load::of(
            Transactions::new(u64::MAX)?,
            2,
            SENDERS,
            &server.namesrv,
            clock,
        )?;
        clock.sleep(BROKER_WARM_UP).await;
        load.stop().await?;
    }
    Ok(())
}

/// Apache's `TransactionProducer`.
pub(crate) async fn java(bench: &Bench, results: &mut Results) -> Result<()> {
    let once = async |contender, server: &_| {
        warm_up(contender, server, bench).await?;
        Ok(vec![(JAVA_LOAD.to_owned(), by_java(bench, server).await?)])
    };
    let contenders = Contender::in_both_modes(bench);
    let rounds = bench.effort.rounds.min(FEW_ROUNDS);
    in_turn(bench, rounds, &contenders, JAVA_CASE, once, results).await
}

async fn by_java(bench: &Bench, server: &Server) -> Result<Sample> {
    let clock = &bench.clock;
    let words = [
        "-w",
        &SENDERS.to_string(),
        "-s",
        &BODY.to_string(),
        "-su",
        UNKNOWN_RATE,
    ];
    let arguments = [arguments(server), words.map(str::to_owned).to_vec()].concat();
    let main = Main::Apache("TransactionProducer");
    let mut program = bench
        .java()?
        .start(main, &arguments, bench.scratch()?, clock)?;
    clock.sleep(JAVA_WARM_UP).await;
    let window = Window::begin(clock, 0, server.broker, program.process)?;
    let report = report_of(&mut program, window.begun(), clock).await?;
    let rate = report.figure("Send TPS")?;
    let failed = report.figure("Send Failed")?;
    if failed > 0.0 {
        tracing::warn!(failed, "transactions failed");
    }
    let mut sample = Sample::from([
        (Figure::PerSecond, rate),
        (Figure::AverageUs, report.figure("AVG RT(ms)")? * 1e3),
        (Figure::MaxUs, report.figure("Max RT(ms)")? * 1e3),
    ]);
    let seconds = clock.moment().since(window.begun()).as_secs_f64();
    window.add_cpu(rate * seconds, &mut sample)?;
    program.stop().await?;
    Ok(sample)
}
