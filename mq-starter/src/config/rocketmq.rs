//! The `rocketmq.*` settings, checked and typed.
//!
//! Defaults are rocketmq-spring's where it has one.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

#[cfg(feature = "embedded")]
use mq_core::broker::config::DelayLevels;
use mq_core::message::{GroupName, TopicName};
use mq_core::remoting::endpoint;
use mq_core::wire::frame;

use super::error::ConfigProblem;
use super::key::ConfigKey;
use super::known;
use super::layers::ConfigLayers;
use super::listener::{self, ListenerSettings};
use super::pull_consumer::{self, PullConsumerSettings};
use super::reader::SettingReader;
use super::trace::{self, MessageTrace};

/// The largest value of a setting that is an `int` in Java.
const JAVA_INT_MAX: u32 = i32::MAX.unsigned_abs();

/// Less than the 30 s that Kubernetes gives a program.
const DEFAULT_SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(25);

/// Everything that stands below `rocketmq.`, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RocketMQConfig {
    /// Whether anything is started at all.
    pub enabled: bool,
    /// Where topics are looked up.
    pub name_server: ClusterAddress,
    /// What to do when no cluster answers at start.
    pub startup: Startup,
    /// How long the application may take to end, everything together.
    pub shutdown_timeout: Duration,
    /// Where offsets of broadcasting are kept; `None`: `~/.rocketmq_offsets`
    /// (`rocketmq.client.localOffsetStoreDir`).
    pub offset_directory: Option<PathBuf>,
    /// How messages are sent.
    pub producer: ProducerSettings,
    /// Whether listeners are traced that do not say otherwise.
    pub consumer_trace: MessageTrace,
    /// What the template receives, if anything.
    pub pull_consumer: Option<PullConsumerSettings>,
    /// The broker inside this process; it matters when [`name_server`](Self::name_server) says so.
    pub embedded: EmbeddedSettings,
    /// Topics to create at start.
    pub topics: Vec<DeclaredTopic>,
    /// The settings of single listeners.
    pub listeners: Vec<ListenerSettings>,
}

/// Which cluster to speak to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClusterAddress {
    /// The one inside this process.
    Embedded,
    /// Addresses `HOST:PORT` of the name servers, at least one.
    At(Vec<String>),
}

/// What to do when no cluster answers at start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Startup {
    /// Start, say "not ready", and try again in the background.
    #[default]
    Retry,
    /// Stop with an error, as rocketmq-spring does.
    FailFast,
}

/// How messages are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProducerSettings {
    /// The producer group.
    pub group: Option<GroupName>,
    /// How long one send may take, all its attempts together.
    pub send_message_timeout: Duration,
    /// Bodies of at least this many bytes are compressed.
    pub compress_message_body_threshold: usize,
    /// Further attempts after a synchronous send failed.
    pub retry_times_when_send_failed: u32,
    /// Further attempts after an asynchronous send failed.
    pub retry_times_when_send_async_failed: u32,
    /// Whether a status other than "stored and flushed" is tried again at another broker.
    pub retry_next_server: bool,
    /// The longest body, in bytes.
    pub max_message_size: usize,
    /// The client's instance name; one is made up when it is absent.
    pub instance_name: Option<String>,
    /// Whether sends are traced.
    pub trace: MessageTrace,
}

impl Default for ProducerSettings {
    fn default() -> Self {
        Self {
            group: None,
            send_message_timeout: Duration::from_secs(3),
            compress_message_body_threshold: 4096,
            retry_times_when_send_failed: 2,
            retry_times_when_send_async_failed: 2,
            retry_next_server: false,
            max_message_size: 4 * 1024 * 1024,
            instance_name: None,
            trace: MessageTrace::default(),
        }
    }
}

/// The broker inside this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmbeddedSettings {
    /// The store's directory; relative to the working directory.
    pub store_path: PathBuf,
    /// When a message counts as stored.
    pub flush: EmbeddedFlush,
    /// `HOST:PORT` of the name server for other processes; `None` keeps the broker private.
    pub listen: Option<String>,
    /// The broker's port for other processes, on the host of [`listen`](Self::listen).
    pub broker_port: u16,
    /// The longest body in bytes that the broker takes. Read from settings it is 4 MiB, or
    /// `rocketmq.producer.max-message-size` where that is more.
    pub max_message_size: usize,
    /// How long each delay level is, as in `1s 5s 10s`, and with them the pauses before further
    /// attempts; `None`: Apache's eighteen levels, from 1 s to 2 h.
    pub message_delay_level: Option<String>,
}

impl Default for EmbeddedSettings {
    fn default() -> Self {
        Self {
            store_path: PathBuf::from("./data"),
            flush: EmbeddedFlush::Sync,
            listen: None,
            broker_port: 10911,
            max_message_size: ProducerSettings::default().max_message_size,
            message_delay_level: None,
        }
    }
}

/// When a message counts as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum EmbeddedFlush {
    /// When it is on the disk.
    #[default]
    Sync,
    /// When it is in memory; the disk follows within 200 ms or 4 MiB.
    Interval,
}

/// A topic to create at start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredTopic {
    /// Its name.
    pub name: TopicName,
    /// How many queues it has, for reading and for writing.
    pub queues: u16,
}

/// The longest body that fits into a frame with the message's properties and the header.
const MAX_BODY_BYTES: usize = frame::DEFAULT_LIMIT - 64 * 1024;

/// Reads and checks everything below `rocketmq.`; what is wrong is read as its default.
pub(super) fn read(layers: &ConfigLayers) -> (RocketMQConfig, Vec<ConfigProblem>) {
    let mut reader = SettingReader::new(layers);
    reader.problems = known::complaints(layers);
    reader.choice("rocketmq.access-channel", &[("LOCAL", ())]);
    let producer = producer(&mut reader);
    let config = RocketMQConfig {
        enabled: reader.truth("rocketmq.enabled").unwrap_or(true),
        name_server: name_server(&mut reader),
        startup: startup(&mut reader),
        shutdown_timeout: reader
            .checked("rocketmq.shutdown-timeout", duration)
            .unwrap_or(DEFAULT_SHUTDOWN_TIMEOUT),
        offset_directory: reader
            .text("rocketmq.client.local-offset-store-dir")
            .map(|value| value.text.into()),
        embedded: embedded(&mut reader, producer.max_message_size),
        producer,
        consumer_trace: trace::read(&mut reader, "rocketmq.consumer"),
        pull_consumer: pull_consumer::read(&mut reader),
        topics: topics(&mut reader),
        listeners: listener::read(&mut reader),
    };
    let mut problems = reader.problems;
    problems.sort_by_key(|problem| problem.origin.position());
    (config, problems)
}

fn startup(reader: &mut SettingReader<'_>) -> Startup {
    let choices = [("retry", Startup::Retry), ("fail-fast", Startup::FailFast)];
    let chosen = reader.choice("rocketmq.startup", &choices);
    chosen.unwrap_or_default()
}

fn name_server(reader: &mut SettingReader<'_>) -> ClusterAddress {
    const KEY: &str = "rocketmq.name-server";
    let listed = reader.layers.elements(&ConfigKey::new(KEY));
    if listed.is_empty() {
        let given = reader.checked(KEY, name_servers);
        return given.unwrap_or(ClusterAddress::Embedded);
    }
    let mut all = Vec::new();
    for index in 0..listed.len() {
        let given = reader.checked(&format!("{KEY}[{index}]"), name_servers);
        if let Some(ClusterAddress::At(addresses)) = given {
            all.extend(addresses);
        }
    }
    if all.is_empty() {
        ClusterAddress::Embedded
    } else {
        ClusterAddress::At(all)
    }
}

fn name_servers(text: &str) -> Result<ClusterAddress, String> {
    if text.eq_ignore_ascii_case("embedded") {
        return Ok(ClusterAddress::Embedded);
    }
    let parts = text.split([';', ',']).map(str::trim);
    let addresses: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    if addresses.is_empty() {
        return Err(format!("`{text}` names no name server, expected HOST:PORT"));
    }
    for address in &addresses {
        port_of(address, 1)?;
    }
    let addresses = addresses.into_iter().map(str::to_owned).collect();
    Ok(ClusterAddress::At(addresses))
}

/// The port of `HOST:PORT`, which must be at least `lowest`.
fn port_of(text: &str, lowest: u16) -> Result<u16, String> {
    match endpoint(text) {
        Some((_, port)) if port >= lowest => Ok(port),
        _ => Err(format!("`{text}` is no address, expected HOST:PORT")),
    }
}

fn producer(reader: &mut SettingReader<'_>) -> ProducerSettings {
    let default = ProducerSettings::default();
    let key = |name: &str| format!("rocketmq.producer.{name}");
    let mut int = |name: &str, noun: &str, lowest: u32| {
        reader.amount(&key(name), noun, lowest..=JAVA_INT_MAX)
    };

    let timeout = int("send-message-timeout", "number of milliseconds", 1);
    let compress = int("compress-message-body-threshold", "number of bytes", 0);
    let retries = int("retry-times-when-send-failed", "number", 0);
    let async_retries = int("retry-times-when-send-async-failed", "number", 0);
    let longest = key("max-message-size");
    let longest = reader.amount(&longest, "number of bytes", 1..=MAX_BODY_BYTES);
    let group = |text: &str| GroupName::new(text.to_owned());
    let instance_name = reader.text(&key("instance-name")).map(|value| value.text);
    ProducerSettings {
        group: reader.checked(&key("group"), group),
        send_message_timeout: timeout.map_or(default.send_message_timeout, |ms| {
            Duration::from_millis(u64::from(ms))
        }),
        compress_message_body_threshold: bytes(compress)
            .unwrap_or(default.compress_message_body_threshold),
        retry_times_when_send_failed: retries.unwrap_or(default.retry_times_when_send_failed),
        retry_times_when_send_async_failed: async_retries
            .unwrap_or(default.retry_times_when_send_async_failed),
        retry_next_server: reader
            .truth(&key("retry-next-server"))
            .unwrap_or(default.retry_next_server),
        max_message_size: longest.unwrap_or(default.max_message_size),
        // In Java, `DEFAULT` means that the client makes a name up.
        instance_name: instance_name.filter(|name| name != "DEFAULT"),
        trace: trace::read(reader, "rocketmq.producer"),
    }
}

/// A duration as Spring reads it: a bare number is milliseconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || {
        format!(
            "is `{text}`, expected milliseconds from 1 to {JAVA_INT_MAX}, or a number with ms, s, m or h"
        )
    };
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = text.strip_prefix(digits).map(str::to_ascii_lowercase);
    let factor = match unit.as_deref() {
        Some("" | "ms") => 1,
        Some("s") => 1_000,
        Some("m") => 60_000,
        Some("h") => 3_600_000,
        _ => return Err(wrong()),
    };
    let number = digits.trim_end().parse::<u32>();
    let milliseconds = number.map(|number| u64::from(number) * factor);
    match milliseconds {
        Ok(ms) if (1..=u64::from(JAVA_INT_MAX)).contains(&ms) => Ok(Duration::from_millis(ms)),
        _ => Err(wrong()),
    }
}

fn bytes(number: Option<u32>) -> Option<usize> {
    number.and_then(|number| usize::try_from(number).ok())
}

fn embedded(reader: &mut SettingReader<'_>, longest_sent: usize) -> EmbeddedSettings {
    let default = EmbeddedSettings::default();
    let flushes = [
        ("sync", EmbeddedFlush::Sync),
        ("interval", EmbeddedFlush::Interval),
    ];
    let store_path = reader.text("rocketmq.embedded.store-path");
    let broker_port = reader
        .number("rocketmq.embedded.broker-port", 0..=u16::MAX)
        .unwrap_or(default.broker_port);
    EmbeddedSettings {
        store_path: store_path.map_or(default.store_path, |value| value.text.into()),
        flush: reader
            .choice("rocketmq.embedded.flush", &flushes)
            .unwrap_or_default(),
        listen: reader.checked("rocketmq.embedded.listen", |text| {
            let port = port_of(text, 0)?;
            if broker_port != 0 && port == broker_port {
                return Err(format!(
                    "its port and `rocketmq.embedded.broker-port` are both {broker_port}: the name server and \
                     the broker need a port each"
                ));
            }
            Ok(text.to_owned())
        }),
        broker_port,
        max_message_size: default.max_message_size.max(longest_sent),
        message_delay_level: delay_levels(reader, "rocketmq.embedded.message-delay-level"),
    }
}

#[cfg(feature = "embedded")]
fn delay_levels(reader: &mut SettingReader<'_>, key: &str) -> Option<String> {
    let check = |text: &str| text.parse::<DelayLevels>().map(|_| text.to_owned());
    reader.checked(key, check)
}

/// Without a broker in the program nobody reads them.
#[cfg(not(feature = "embedded"))]
fn delay_levels(reader: &mut SettingReader<'_>, key: &str) -> Option<String> {
    reader.text(key).map(|value| value.text)
}

fn topics(reader: &mut SettingReader<'_>) -> Vec<DeclaredTopic> {
    let prefix = ConfigKey::new("rocketmq.topics");
    let names: BTreeSet<String> = reader
        .layers
        .below(&prefix)
        .filter_map(|(key, _)| key.below(&prefix)?.strip_suffix(".queues"))
        .map(str::to_owned)
        .collect();
    let mut topics = Vec::new();
    for name in names {
        let key = format!("rocketmq.topics.{name}.queues");
        let queues = reader.number(&key, 1..=u16::MAX);
        let checked = reader.checked(&key, |_| TopicName::new(name.clone()));
        if let (Some(name), Some(queues)) = (checked, queues) {
            topics.push(DeclaredTopic { name, queues });
        }
    }
    topics
}
