//! Requests and their replies: from the call of the sender until it has the reply, by our client and by
//! Apache's, against `mq` and Apache's brokers. Sender and replier are in one process, each with a
//! connection of its own.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use bytes::Bytes;
use futures_util::future::join_all;
use mq_core::client::{
    Client, ConcurrentListener, ConsumerConfig, Outcome, Producer, PushConsumer, StartFrom, Target,
};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, MessageExt, TopicName};
use tokio::sync::Notify;

use super::java::{BROKER_WARM_UP, FEW_ROUNDS, report_of};
use crate::bench::{Bench, Flush};
use crate::java::Main;
use crate::load::{Load, STOP_LIMIT, Work, check, connect, measured};
use crate::results::Results;
use crate::rounds::in_turn;
use crate::sample::{Figure, Sample};
use crate::servers::{Contender, Server};
use crate::window::Window;

pub(crate) const CASE: &str = "requests";
pub(crate) const JAVA_CASE: &str = "java requests";

const TOPIC: &str = "bench-requests";
const BODY: usize = 128;
/// Requests under way.
const DEPTHS: [usize; 2] = [1, 32];
const LIMIT: Duration = Duration::from_secs(10);
/// For the replier to be given its queues.
const START_LIMIT: Duration = Duration::from_mins(1);
/// Of the effort's windows: a round trip is four times as long as a send.
const WINDOWS: u32 = 3;
/// The program reports every nine seconds about these: its second report is about what is measured.
const JAVA_WARM_UP: Duration = Duration::from_millis(9_100);

/// What is sent again and again.
#[derive(Debug)]
struct Requests {
    topic: TopicName,
    body: Bytes,
}

impl Requests {
    fn new() -> Result<Self> {
        Ok(Self {
            topic: TopicName::new(TOPIC)?,
            body: vec![b'x'; BODY].into(),
        })
    }
}

impl Work for Requests {
    async fn once(&self, producer: &Producer) -> Result<u64> {
        let message = Message::new(self.topic.clone(), self.body.clone());
        let _reply = producer.request(message, Target::Any, LIMIT).await?;
        Ok(1)
    }
}

/// Replies to all requests.
#[derive(Debug)]
struct Replier {
    client: Client,
    consumer: PushConsumer,
}

#[derive(Clone)]
struct Replies {
    producer: Producer,
    body: Bytes,
    /// A message came that is no request.
    first: Arc<Notify>,
}

impl ConcurrentListener for Replies {
    async fn consume(&self, batch: Vec<MessageExt>) -> Vec<Outcome> {
        let replies = batch.iter().map(async |request| {
            if !request.is_request() {
                self.first.notify_one();
                return;
            }
            if let Err(error) = self.producer.reply(request, self.body.clone()).await {
                tracing::warn!(%error, "a reply was not taken");
            }
        });
        join_all(replies).await;
        vec![Outcome::Done; batch.len()]
    }
}

impl Replier {
    /// Starts one that has its queues.
    async fn start(server: &Server, clock: &Clock) -> Result<Self> {
        let (client, producer) = connect(&server.namesrv, "replier", clock)?;
        let topic = TopicName::new(TOPIC)?;
        // Creates the topic, so that it is there when its queues are looked for.
        let sent = producer.send(Message::new(topic.clone(), "begin")).await?;
        check(&sent)?;
        let first = Arc::new(Notify::new());
        let replies = Replies {
            producer,
            body: vec![b'x'; BODY].into(),
            first: Arc::clone(&first),
        };
        let config = ConsumerConfig {
            start_from: StartFrom::FirstOffset,
            ..ConsumerConfig::new(GroupName::new("bench-replier")?)
        };
        let consumer = client.push_consumer(config).subscribe(topic, "*");
        let consumer = consumer.start(replies).await?;
        let begun = clock.timeout(START_LIMIT, first.notified()).await;
        begun.context("the replier gets no messages")?;
        Ok(Self { client, consumer })
    }

    async fn stop(self) -> Result<()> {
        self.consumer.shutdown(STOP_LIMIT).await?;
        self.client.shutdown(STOP_LIMIT).await?;
        Ok(())
    }
}

fn load(depth: usize) -> String {
    format!("{depth} at a time, {BODY} B")
}

/// All in the mode without syncs, and `mq` in the other: a round trip has two messages that are stored.
fn contenders(bench: &Bench) -> Vec<Contender> {
    let mut all = Contender::in_interval_mode(bench);
    all.push(Contender::Mq(Flush::Sync));
    all
}

/// Our client.
pub(crate) async fn run(bench: &Bench, results: &mut Results) -> Result<()> {
    let once = async |contender, server: &_| {
        let replier = Replier::start(server, &bench.clock).await?;
        warm_up(contender, server, &bench.clock).await?;
        let mut samples = Vec::new();
        for depth in DEPTHS {
            let load_of = requests(depth, server, &bench.clock)?;
            let effort = bench.effort;
            let times = (effort.warm_up, effort.window * WINDOWS);
            samples.push((load(depth), measured(bench, load_of, server, times).await?));
        }
        replier.stop().await?;
        Ok(samples)
    };
    let rounds = bench.effort.rounds.min(FEW_ROUNDS);
    in_turn(bench, rounds, &contenders(bench), CASE, once, results).await
}

fn requests(depth: usize, server: &Server, clock: &Clock) -> Result<Load> {
    Load::of(Requests::new()?, 1, depth, &server.namesrv, clock)
}

/// Has a JVM compile what a broker does with a request and its reply.
async fn warm_up(contender: Contender, server: &Server, clock: &Clock) -> Result<()> {
    if let Contender::Apache(..) = contender {
        let load = requests(32, server, clock)?;
        clock.sleep(BROKER_WARM_UP).await;
        load.stop().await?;
    }
    Ok(())
}

/// Apache's client, in a program of ours.
pub(crate) async fn java(bench: &Bench, results: &mut Results) -> Result<()> {
    let once = async |contender, server: &_| {
        if let Contender::Apache(..) = contender {
            let replier = Replier::start(server, &bench.clock).await?;
            warm_up(contender, server, &bench.clock).await?;
            replier.stop().await?;
        }
        let mut samples = Vec::new();
        for depth in DEPTHS {
            samples.push((load(depth), by_java(bench, depth, server).await?));
        }
        Ok(samples)
    };
    let rounds = bench.effort.rounds.min(FEW_ROUNDS);
    in_turn(bench, rounds, &contenders(bench), JAVA_CASE, once, results).await
}

async fn by_java(bench: &Bench, depth: usize, server: &Server) -> Result<Sample> {
    let clock = &bench.clock;
    let [depth, body] = [depth, BODY].map(|number| number.to_string());
    // A topic of its own, so that nobody replies to the requests of the load before.
    let words = [
        server.namesrv.clone(),
        format!("{TOPIC}-{depth}"),
        depth,
        body,
    ];
    let main = Main::Own("Requests.java");
    let mut program = bench.java()?.start(main, &words, bench.scratch()?, clock)?;
    // It says when its replier has its queues.
    program.line().await?;
    clock.sleep(JAVA_WARM_UP).await;
    let window = Window::begin(clock, 0, server.broker, program.process)?;
    let report = report_of(&mut program, window.begun(), clock).await?;
    let rate = report.figure("Round trips a second")?;
    let failed = report.figure("Failed")?;
    if failed > 0.0 {
        tracing::warn!(failed, "requests failed");
    }
    let mut sample = Sample::from([(Figure::PerSecond, rate)]);
    for (figure, name) in [
        (Figure::AverageUs, "Average us"),
        (Figure::P50Us, "P50 us"),
        (Figure::P99Us, "P99 us"),
        (Figure::MaxUs, "Max us"),
    ] {
        sample.insert(figure, report.figure(name)?);
    }
    let seconds = clock.moment().since(window.begun()).as_secs_f64();
    window.add_cpu(rate * seconds, &mut sample)?;
    program.stop().await?;
    Ok(sample)
}
