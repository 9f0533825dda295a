//! Apache's benchmark client against the null server, `mq` and Apache's brokers: sends one by one and
//! in batches, a backlog that is consumed, and the way from a producer to a consumer.

use std::time::Duration;

use anyhow::{Context, Result};
use mq_core::clock::{Clock, Moment};

use crate::bench::{Bench, Flush};
use crate::cpu::Process;
use crate::java::{Main, Program, Report};
use crate::load::{BACKLOG, Load, Shape, TOPIC, fill};
use crate::results::{Calls, Results};
use crate::rounds::in_turn;
use crate::sample::{Figure, Sample};
use crate::servers::{Contender, Server};
use crate::strace::Strace;
use crate::window::Window;

pub(crate) const SENDS: &str = "java sends";
pub(crate) const CONSUME: &str = "java consume";
pub(crate) const END_TO_END: &str = "java end to end";
pub(crate) const ONE_SENDER: &str = "one sender, 1024 B";

const BODY: usize = 1024;
/// Time for the JVM to compile what matters.
const WARM_UP: Duration = Duration::from_secs(4);
/// The same for a broker.
pub(super) const BROKER_WARM_UP: Duration = Duration::from_secs(10);
/// As many sends as keep both processors at work.
const WARMING: Shape = Shape {
    batch: 1,
    ..BACKLOG
};
/// Time for a consumer to receive what was sent before it started.
const CATCH_UP: Duration = Duration::from_secs(6);
/// A report is about the nine seconds before it, give or take when each is noticed.
const REPORTED: Duration = Duration::from_millis(8_800);
/// Where a round takes long: no more than these.
pub(super) const FEW_ROUNDS: usize = 3;
/// No drain takes so long, unless something hangs.
const DRAIN_LIMIT: Duration = Duration::from_mins(5);
/// How often a drain is looked at.
const LOOK: Duration = Duration::from_millis(20);
/// A drain is over when its consumer has read next to nothing for so long.
const DRAINED_AFTER: Duration = Duration::from_secs(2);
/// What heartbeats and empty answers bring between two looks.
const IDLE_BYTES: u64 = 16 * 1024;

/// Threads, and messages in a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JavaLoad {
    pub(crate) threads: usize,
    pub(crate) batch: usize,
}

/// One message in each request.
pub(crate) const SINGLE: [JavaLoad; 3] = [single(1), single(16), single(64)];
/// Batches.
pub(crate) const BATCH: JavaLoad = JavaLoad {
    threads: 16,
    batch: 32,
};

pub(crate) const fn single(threads: usize) -> JavaLoad {
    JavaLoad { threads, batch: 1 }
}

impl JavaLoad {
    pub(crate) fn text(self) -> String {
        let Self { threads, batch } = self;
        let plural = if threads == 1 { "" } else { "s" };
        match batch {
            1 => format!("{threads} thread{plural}, {BODY} B"),
            _ => format!("{threads} thread{plural}, {BODY} B, batches of {batch}"),
        }
    }

    /// More than a server takes of the page cache until the report comes, MiB.
    fn memory(self) -> usize {
        if self.batch == 1 { 1_024 } else { 5 * 1_024 }
    }

    async fn start(self, bench: &Bench, server: &Server) -> Result<Program> {
        let mut arguments = arguments(server);
        let threads = ["-w".to_owned(), self.threads.to_string()];
        arguments.extend(
            threads
                .into_iter()
                .chain(["-s".to_owned(), BODY.to_string()]),
        );
        let program = if self.batch == 1 {
            "Producer"
        } else {
            arguments.extend(["-b".to_owned(), self.batch.to_string()]);
            "BatchProducer"
        };
        start(bench, program, &arguments).await
    }

    /// Messages a second.
    fn rate(self, report: &Report) -> Result<f64> {
        report.figure(if self.batch == 1 {
            "Send TPS"
        } else {
            "Send MPS"
        })
    }

    fn failed(self, report: &Report) -> Result<f64> {
        report.figure(if self.batch == 1 {
            "Send Failed"
        } else {
            "Send Message Failed"
        })
    }
}

/// Starts a program that reports each second about the nine seconds before.
async fn start(bench: &Bench, program: &'static str, arguments: &[String]) -> Result<Program> {
    let arguments = [arguments, &["-ri", "1000"].map(str::to_owned)].concat();
    let (directory, clock) = (bench.scratch()?, &bench.clock);
    let mut program = bench
        .java()?
        .start(Main::Apache(program), &arguments, directory, clock)?;
    // It says what it is about to do.
    program.line().await?;
    Ok(program)
}

pub(super) fn arguments(server: &Server) -> Vec<String> {
    ["-n", &server.namesrv, "-t", TOPIC]
        .map(str::to_owned)
        .into()
}

/// Sends against everybody.
pub(crate) async fn sends(bench: &Bench, results: &mut Results) -> Result<()> {
    let mut contenders = vec![Contender::Null];
    contenders.extend(Contender::with_peers(Flush::Interval));
    contenders.extend(Contender::with_peers(Flush::Sync));
    let once = async |contender, server: &_| {
        warm_up(contender, server, &bench.clock).await?;
        let mut samples = Vec::new();
        for load in loads(contender) {
            samples.push((load.text(), send(bench, load, server).await?));
        }
        Ok(samples)
    };
    in_turn(
        bench,
        bench.effort.rounds,
        &contenders,
        SENDS,
        once,
        results,
    )
    .await
}

/// Has a JVM compile what a broker does with a send; it takes our client's sends for that.
async fn warm_up(contender: Contender, server: &Server, clock: &Clock) -> Result<()> {
    if let Contender::Apache(..) = contender {
        let load = Load::start(WARMING, &server.namesrv, clock)?;
        clock.sleep(BROKER_WARM_UP).await;
        load.stop().await?;
    }
    Ok(())
}

/// No batches in sync mode: one flush for 32 messages says little.
fn loads(contender: Contender) -> Vec<JavaLoad> {
    match contender {
        Contender::Mq(Flush::Sync) | Contender::Apache(_, Flush::Sync) => SINGLE.to_vec(),
        _ => [&SINGLE[..], &[BATCH]].concat(),
    }
}

async fn send(bench: &Bench, load: JavaLoad, server: &Server) -> Result<Sample> {
    let clock = &bench.clock;
    let mut program = load.start(bench, server).await?;
    clock.sleep(WARM_UP).await;
    bench.touch(load.memory()).await?;
    let window = Window::begin(clock, 0, server.broker, program.process)?;
    let report = report_of(&mut program, window.begun(), clock).await?;
    let rate = load.rate(&report)?;
    let failed = load.failed(&report)?;
    if failed > 0.0 {
        tracing::warn!(failed, load = load.text(), "sends failed");
    }
    let mut sample = Sample::from([
        (Figure::PerSecond, rate),
        (Figure::AverageUs, report.figure("Average RT(ms)")? * 1e3),
        (Figure::MaxUs, report.figure("Max RT(ms)")? * 1e3),
    ]);
    let seconds = clock.moment().since(window.begun()).as_secs_f64();
    window.add_cpu(rate * seconds, &mut sample)?;
    program.stop().await?;
    Ok(sample)
}

/// The first report about nothing before `begun`.
pub(super) async fn report_of(
    program: &mut Program,
    begun: Moment,
    clock: &Clock,
) -> Result<Report> {
    loop {
        let report = program.report().await?;
        if clock.moment().since(begun) > REPORTED {
            return Ok(report);
        }
    }
}

/// A backlog of 1 KiB messages that is still in the page cache.
pub(crate) async fn consume(bench: &Bench, results: &mut Results) -> Result<()> {
    let contenders = Contender::with_peers(Flush::Interval);
    let rounds = bench.effort.rounds.min(FEW_ROUNDS);
    let load = backlog(bench.effort.backlog);
    let once = async |_contender, server: &_| Ok(vec![(load.clone(), drain(bench, server).await?)]);
    in_turn(bench, rounds, &contenders, CONSUME, once, results).await
}

pub(crate) fn backlog(messages: u64) -> String {
    format!("{messages} × {} B, hot", BACKLOG.body)
}

/// How fast a backlog is drained, by the bytes that the consumer reads: its own reports are averages of
/// nine seconds, in which all is over.
async fn drain(bench: &Bench, server: &Server) -> Result<Sample> {
    let clock = &bench.clock;
    let count = fill(server, bench.effort.backlog, clock).await?;
    let program = start(bench, "Consumer", &consumer(server)).await?;
    let least = count * BACKLOG.body as u64;
    let watched = clock.timeout(DRAIN_LIMIT, Drained::watch(program.process, least, clock));
    let drained = watched.await.context("the backlog is not consumed")??;
    program.stop().await?;
    Ok(Sample::from([(Figure::PerSecond, drained.rate(count))]))
}

/// What a consumer had read at which time.
#[derive(Debug, Default)]
struct Drained(Vec<(Moment, u64)>);

impl Drained {
    /// Watches it until it has read `least` bytes and nothing comes any more.
    async fn watch(process: Process, least: u64, clock: &Clock) -> Result<Self> {
        let mut drained = Self::default();
        let mut grown = clock.moment();
        loop {
            let (now, bytes) = (clock.moment(), process.bytes_read()?);
            let before = drained.0.last().map_or(0, |(_, before)| *before);
            if bytes > before + IDLE_BYTES {
                grown = now;
                drained.0.push((now, bytes));
            }
            if bytes >= least && now.since(grown) > DRAINED_AFTER {
                return Ok(drained);
            }
            clock.sleep(LOOK).await;
        }
    }

    /// Messages a second, `count` being all of them. The first and the last tenth do not count: the
    /// consumer looks for its queues, or has only some left.
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn rate(&self, count: u64) -> f64 {
        let total = self.0.last().map_or(0, |(_, bytes)| *bytes);
        let at = |part: u64| self.0.iter().find(|(_, bytes)| *bytes >= part);
        let (Some(begin), Some(end)) = (at(total / 10), at(total - total / 10)) else {
            return 0.0;
        };
        let messages = (end.1 - begin.1) as f64 / total as f64 * count as f64;
        messages / end.0.since(begin.0).as_secs_f64()
    }
}

fn consumer(server: &Server) -> Vec<String> {
    let mut arguments = arguments(server);
    arguments.extend(["-g", "bench-java"].map(str::to_owned));
    arguments
}

/// The average from the birth of a message to its listener, one sender that waits for each answer.
pub(crate) async fn end_to_end(bench: &Bench, results: &mut Results) -> Result<()> {
    let contenders = Contender::with_peers(Flush::Interval);
    let once = async |contender, server: &_| {
        warm_up(contender, server, &bench.clock).await?;
        Ok(vec![(
            ONE_SENDER.to_owned(),
            to_consumer(bench, server).await?,
        )])
    };
    let rounds = bench.effort.rounds.min(FEW_ROUNDS);
    in_turn(bench, rounds, &contenders, END_TO_END, once, results).await
}

async fn to_consumer(bench: &Bench, server: &Server) -> Result<Sample> {
    let clock = &bench.clock;
    let producer = single(1).start(bench, server).await?;
    // The topic is there when the consumer looks for it, so it begins at once.
    clock.sleep(WARM_UP).await;
    let mut consumer = start(bench, "Consumer", &consumer(server)).await?;
    clock.sleep(CATCH_UP).await;
    let begun = clock.moment();
    // The first report is about everything before it.
    consumer.report().await?;
    let mut longest: f64 = 0.0;
    let report = loop {
        let report = consumer.report().await?;
        // That of the second before.
        longest = longest.max(report.figure("MAX(B2C) RT(ms)")?);
        if clock.moment().since(begun) > REPORTED {
            break report;
        }
    };
    let sample = Sample::from([
        (Figure::PerSecond, report.figure("Consume TPS")?),
        (Figure::AverageUs, report.figure("AVG(B2C) RT(ms)")? * 1e3),
        (Figure::MaxUs, longest * 1e3),
    ]);
    consumer.stop().await?;
    producer.stop().await?;
    Ok(sample)
}

/// System calls of `mq` and the null server at 64 threads.
pub(crate) async fn calls(bench: &Bench, results: &mut Results) -> Result<()> {
    let load = single(64);
    for contender in [
        Contender::Null,
        Contender::Mq(Flush::Interval),
        Contender::Mq(Flush::Sync),
    ] {
        let server = contender.start(bench).await?;
        let mut program = load.start(bench, &server).await?;
        bench.clock.sleep(WARM_UP).await;
        let strace = Strace::attach(server.broker, bench.scratch()?).await?;
        let begun = bench.clock.moment();
        let report = report_of(&mut program, begun, &bench.clock).await?;
        let seconds = bench.clock.moment().since(begun).as_secs_f64();
        let by_name = strace.detach().await?;
        program.stop().await?;
        server.stop().await?;
        results.calls.push(Calls {
            load: load.text(),
            subject: contender.to_string(),
            messages: rounded(load.rate(&report)? * seconds),
            by_name,
        });
    }
    Ok(())
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a count of messages"
)]
fn rounded(count: f64) -> u64 {
    count.round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_tenth_of_a_drain_do_not_count() {
        let begun = Clock::manual(0).moment();
        let at = |ms, bytes| (begun.plus(Duration::from_millis(ms)), bytes);
        let drained = Drained(vec![
            at(0, 10),
            at(5_000, 100),
            at(6_000, 500),
            at(7_000, 900),
            at(9_000, 1_000),
        ]);

        let rate = drained.rate(2_000);

        assert!((rate - 800.0).abs() < 1e-9, "{rate}");
        assert!(Drained::default().rate(1).abs() < 1e-9);
    }
}
