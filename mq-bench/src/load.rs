//! Senders in a closed loop: each sends the next message when the one before is done with.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use mq_core::client::{Client, ClientConfig, Producer, ProducerConfig, SendResult, SendStatus};
use mq_core::clock::Clock;
use mq_core::message::{GroupName, Message, TopicName};
use mq_core::tasks::Tasks;
use parking_lot::Mutex;

use crate::bench::Bench;
use crate::cpu::Process;
use crate::latencies::Latencies;
use crate::sample::Sample;
use crate::servers::Server;
use crate::window::Window;

/// The topic of all sends.
pub(crate) const TOPIC: &str = "bench";
pub(crate) const STOP_LIMIT: Duration = Duration::from_secs(30);
/// The first sends wait until the topic was created.
const SEND_LIMIT: Duration = Duration::from_secs(10);

/// About what a server takes of the page cache in the window, MiB.
const MEMORY_MIB: usize = 512;

/// How many send what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) connections: usize,
    /// Sends in flight on each connection.
    pub(crate) depth: usize,
    /// Messages in a request.
    pub(crate) batch: usize,
    /// Bytes of a body.
    pub(crate) body: usize,
}

impl Shape {
    pub(crate) fn text(self) -> String {
        let Self {
            connections,
            depth,
            batch,
            body,
        } = self;
        let plural = if connections == 1 { "" } else { "s" };
        let batches = match batch {
            1 => String::new(),
            _ => format!(", batches of {batch}"),
        };
        format!("{connections} connection{plural}, depth {depth}, {body} B{batches}")
    }
}

/// Senders at work.
#[derive(Debug)]
pub(crate) struct Load {
    clients: Vec<Client>,
    shared: Arc<Shared>,
    tasks: Tasks,
    clock: Clock,
}

#[derive(Debug)]
struct Shared {
    acknowledged: AtomicU64,
    stopping: AtomicBool,
    failure: Mutex<Option<String>>,
    /// One for each connection, since all threads recording into one would wait for each other.
    latencies: Vec<Mutex<Latencies>>,
    clock: Clock,
}

/// What each sender does again and again.
pub(crate) trait Work: Send + Sync + 'static {
    /// Called once with the producer of each connection.
    fn introduce(&self, _producer: &Producer) {}

    /// Does it once; gives how many messages were acknowledged.
    fn once(&self, producer: &Producer) -> impl Future<Output = Result<u64>> + Send;
}

/// Sends messages.
#[derive(Debug)]
struct Sends {
    topic: TopicName,
    batch: usize,
    body: Bytes,
}

impl Load {
    /// Starts senders; they go on until [`Load::stop`].
    pub(crate) fn start(shape: Shape, name_server: &str, clock: &Clock) -> Result<Self> {
        let sends = Sends {
            topic: TopicName::new(TOPIC)?,
            batch: shape.batch,
            body: vec![b'x'; shape.body].into(),
        };
        Self::of(sends, shape.connections, shape.depth, name_server, clock)
    }

    /// Starts `depth` senders on each of so many connections; they go on until [`Load::stop`].
    pub(crate) fn of(
        work: impl Work,
        connections: usize,
        depth: usize,
        name_server: &str,
        clock: &Clock,
    ) -> Result<Self> {
        let histograms = (0..connections).map(|_| Mutex::new(Latencies::new()));
        let shared = Arc::new(Shared {
            acknowledged: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
            failure: Mutex::new(None),
            latencies: histograms.collect(),
            clock: clock.clone(),
        });
        let work = Arc::new(work);
        let tasks = Tasks::new(clock.clone());
        let mut clients = Vec::with_capacity(connections);
        for connection in 0..connections {
            let (client, producer) = connect(name_server, &connection.to_string(), clock)?;
            clients.push(client);
            work.introduce(&producer);
            for _ in 0..depth {
                let (shared, work) = (Arc::clone(&shared), Arc::clone(&work));
                let producer = producer.clone();
                tasks.spawn("sender", async move {
                    if let Err(error) = shared.repeat(&*work, connection, &producer).await {
                        shared.failure.lock().get_or_insert(format!("{error:#}"));
                    }
                });
            }
        }
        Ok(Self {
            clients,
            shared,
            tasks,
            clock: clock.clone(),
        })
    }

    /// Messages that were acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.shared.acknowledged.load(Ordering::Relaxed)
    }

    /// Waits until `count` messages are acknowledged.
    pub(crate) async fn reach(&self, count: u64) -> Result<()> {
        while self.acknowledged() < count {
            self.shared.check()?;
            self.clock.sleep(Duration::from_millis(1)).await;
        }
        Ok(())
    }

    /// Forgets the latencies so far.
    pub(crate) fn clear_latencies(&self) {
        for latencies in &self.shared.latencies {
            latencies.lock().clear();
        }
    }

    pub(crate) fn latencies(&self) -> Latencies {
        let mut all = Latencies::new();
        for latencies in &self.shared.latencies {
            all.merge(&latencies.lock());
        }
        all
    }

    /// Lets what is in flight come back and closes the connections; gives all that was acknowledged.
    ///
    /// # Errors
    ///
    /// The first send that failed.
    pub(crate) async fn stop(self) -> Result<u64> {
        let shared = Arc::clone(&self.shared);
        self.abandon().await?;
        shared.check()?;
        Ok(shared.acknowledged.load(Ordering::Relaxed))
    }

    /// Ends it although its server is gone: what is in flight may fail.
    pub(crate) async fn abandon(self) -> Result<()> {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.tasks.stop(STOP_LIMIT).await?;
        for client in &self.clients {
            client.shutdown(STOP_LIMIT).await?;
        }
        Ok(())
    }
}

impl Shared {
    /// The first send that failed, as an error.
    fn check(&self) -> Result<()> {
        match &*self.failure.lock() {
            Some(failure) => bail!("a send failed: {failure}"),
            None => Ok(()),
        }
    }

    async fn repeat(&self, work: &impl Work, connection: usize, producer: &Producer) -> Result<()> {
        let latencies = self.latencies.get(connection).context("its histogram")?;
        while !self.stopping.load(Ordering::Relaxed) {
            let begun = self.clock.moment();
            let messages = work.once(producer).await?;
            let took = self.clock.moment().since(begun);
            latencies.lock().record(took);
            self.acknowledged.fetch_add(messages, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Work for Sends {
    async fn once(&self, producer: &Producer) -> Result<u64> {
        let message = || Message::new(self.topic.clone(), self.body.clone());
        let stored = if self.batch == 1 {
            producer.send(message()).await?
        } else {
            let messages = (0..self.batch).map(|_| message()).collect();
            producer.send_batch(messages).await?
        };
        check(&stored)?;
        Ok(self.batch as u64)
    }
}

/// Whether a message is stored as was promised.
pub(crate) fn check(stored: &SendResult) -> Result<()> {
    if stored.status != SendStatus::Ok {
        bail!(
            "a message was stored, but not as promised: {}",
            stored.status
        );
    }
    Ok(())
}

/// A client with a connection of its own, and its producer.
pub(crate) fn connect(
    name_server: &str,
    instance: &str,
    clock: &Clock,
) -> Result<(Client, Producer)> {
    let config = ClientConfig {
        instance_name: Some(format!("bench-{instance}")),
        ..ClientConfig::new([name_server])
    };
    let client = Client::new(config, clock.clone())?;
    let producer = client.producer(ProducerConfig {
        send_timeout: SEND_LIMIT,
        // Bodies travel as they are, also those of 4 KiB.
        compress_body_over: usize::MAX,
        ..ProducerConfig::new(GroupName::new("bench")?)
    })?;
    Ok((client, producer))
}

/// Runs a load against `server` and measures behind the warm-up.
pub(crate) async fn measure(bench: &Bench, shape: Shape, server: &Server) -> Result<Sample> {
    let load = Load::start(shape, &server.namesrv, &bench.clock)?;
    let times = (bench.effort.warm_up, bench.effort.window);
    measured(bench, load, server, times).await
}

/// Measures a load that was started against `server`: for so long, after a warm-up of so long.
pub(crate) async fn measured(
    bench: &Bench,
    load: Load,
    server: &Server,
    (warm_up, window_length): (Duration, Duration),
) -> Result<Sample> {
    let clock = &bench.clock;
    // The topic is created by the first send.
    load.reach(1).await?;
    clock.sleep(warm_up).await;
    bench.touch(MEMORY_MIB).await?;
    load.clear_latencies();
    let window = Window::begin(clock, load.acknowledged(), server.broker, Process::own())?;
    clock.sleep(window_length).await;
    let mut sample = window.end(clock, load.acknowledged())?;
    load.latencies().tell(&mut sample);
    load.stop().await?;
    Ok(sample)
}

/// How a backlog is made: as fast as it goes.
pub(crate) const BACKLOG: Shape = Shape {
    connections: 2,
    depth: 8,
    batch: 32,
    body: 1024,
};

/// Sends at least `count` messages; gives how many it became.
pub(crate) async fn fill(server: &Server, count: u64, clock: &Clock) -> Result<u64> {
    let load = Load::start(BACKLOG, &server.namesrv, clock)?;
    load.reach(count).await?;
    load.stop().await
}

/// The same, sent by `work` in as many connections.
pub(crate) async fn fill_by(
    work: impl Work,
    server: &Server,
    count: u64,
    clock: &Clock,
) -> Result<u64> {
    let Shape {
        connections, depth, ..
    } = BACKLOG;
    let load = Load::of(work, connections, depth, &server.namesrv, clock)?;
    load.reach(count).await?;
    load.stop().await
}
