//! A broker's settings: from what is written to what is meant.
//!
//! Invariant: whoever holds a [`BrokerConfig`] need not check it again, and nothing that was
//! written was dropped in silence.

mod delay_levels;
mod keys;

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::settings::{Problem, Problems, Setting, Sheet};

pub use delay_levels::{DelayError, DelayLevels};

/// Everything a broker is told before it starts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BrokerConfig {
    /// Who it is.
    pub identity: Identity,
    /// Where it is reached, and whom it tells.
    pub network: Network,
    /// What it takes.
    pub rules: Rules,
    /// Where messages rest, and how long.
    pub storage: Storage,
}

/// Who the broker is. It is always the master, number 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `brokerClusterName`.
    pub cluster: String,
    /// `brokerName`.
    pub name: String,
}

/// Where the broker is reached, and whom it tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// The address it listens at; unspecified for all.
    pub bind: IpAddr,
    /// `listenPort`; 0 picks a free one.
    pub port: u16,
    /// `brokerIP1`: the host it tells others; absent: the one it can be reached at.
    pub advertised: Option<String>,
    /// `HOST:PORT` of the name servers to register with.
    pub name_servers: Vec<String>,
    /// How often it registers.
    pub register_every: Duration,
}

/// What the broker takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Whether a send may create its topic.
    pub auto_create_topic: bool,
    /// Queues of the template TBW102, from which topics are created.
    pub default_queues: u32,
    /// Whether a consumer may create its group.
    pub auto_create_group: bool,
    /// Bits of Apache's `PermName`: 4 readable, 2 writable.
    pub permission: u32,
    /// The longest message, in bytes.
    pub max_message_size: u32,
    /// How long a message is held back on its way to another attempt.
    pub delay_levels: DelayLevels,
    /// How often consumer offsets are written to disk.
    pub save_offsets_every: Duration,
}

/// Where messages rest, and how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Storage {
    /// The store's directory.
    pub root: PathBuf,
    /// The commit log's directory, when it is not `commitlog` below the root.
    pub commit_log: Option<PathBuf>,
    /// When a message counts as stored.
    pub flush: FlushMode,
    /// Bytes of a commit log file.
    pub segment_size: u64,
    /// Bytes of a consume queue file.
    pub queue_file_size: u64,
    /// Whether messages can be found by key.
    pub index: bool,
    /// How long messages are kept.
    pub retention: Retention,
}

/// When a message counts as stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FlushMode {
    /// When it is on the disk.
    #[default]
    Sync,
    /// When it is in the log; the disk follows within 200 ms or 4 MiB.
    Interval,
}

/// How long messages are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Files whose last message is older are deleted.
    pub reserved: Duration,
    /// Hours of the day at which that is done.
    pub hours: Vec<u8>,
    /// Above this share of the disk, in percent, expired files go at any hour.
    pub disk_full_percent: u8,
    /// Above this share, in percent, the oldest files go although they have not expired; `None`
    /// when that is not wanted.
    pub disk_forced_percent: Option<u8>,
    /// Above this share, in percent, no more is written.
    pub disk_closed_percent: u8,
}

impl Default for BrokerConfig {
    fn default() -> Self {
        read(&mut Sheet::new(keys::KEYS, Vec::new()))
    }
}

impl BrokerConfig {
    /// What `settings`, weakest first, mean, and what a person should be told about them.
    ///
    /// # Errors
    ///
    /// All that is unknown, misspelt, out of range, of the wrong type or not built yet.
    pub fn from_settings(settings: Vec<Setting>) -> Result<(Self, Vec<Problem>), Problems> {
        let mut sheet = Sheet::new(keys::KEYS, settings);
        let config = read(&mut sheet);
        sheet.finish(config)
    }
}

fn read(sheet: &mut Sheet) -> BrokerConfig {
    BrokerConfig {
        identity: Identity {
            cluster: sheet.checked("brokerClusterName", name),
            name: sheet.checked("brokerName", name),
        },
        network: network(sheet),
        rules: rules(sheet),
        storage: storage(sheet),
    }
}

fn network(sheet: &mut Sheet) -> Network {
    let advertised = sheet.checked("brokerIP1", |text| host(text).map(str::to_owned));
    Network {
        bind: sheet.address("bindAddress"),
        port: sheet.number("listenPort", &(0..=u16::MAX)),
        advertised: Some(advertised).filter(|host| !host.is_empty()),
        name_servers: sheet.checked("namesrvAddr", name_servers),
        register_every: milliseconds(sheet, "registerNameServerPeriod", 10_000, 60_000),
    }
}

fn rules(sheet: &mut Sheet) -> Rules {
    /// Apache's commit log cannot take more.
    const LONGEST: u32 = 512 * 1024 * 1024;

    Rules {
        auto_create_topic: sheet.truth("autoCreateTopicEnable"),
        default_queues: sheet.number("defaultTopicQueueNums", &(1..=65_536)),
        auto_create_group: sheet.truth("autoCreateSubscriptionGroup"),
        permission: sheet.checked("brokerPermission", |text| match text.parse() {
            Ok(bits @ (2 | 4 | 6)) => Ok(bits),
            _ => Err(format!(
                "is `{text}`, expected 6 (read and write), 4 (read) or 2 (write)"
            )),
        }),
        max_message_size: sheet.number("maxMessageSize", &(1..=LONGEST)),
        delay_levels: sheet.checked("messageDelayLevel", str::parse),
        save_offsets_every: milliseconds(sheet, "flushConsumerOffsetInterval", 100, 3_600_000),
    }
}

fn storage(sheet: &mut Sheet) -> Storage {
    const LEAST_SEGMENT: u64 = 64 * 1024;
    const MOST: u64 = i32::MAX.unsigned_abs() as u64;

    let commit_log = sheet.checked("storePathCommitLog", |text| {
        Ok::<_, String>(PathBuf::from(text))
    });
    Storage {
        root: PathBuf::from(sheet.text("storePathRootDir")),
        commit_log: Some(commit_log).filter(|path| !path.as_os_str().is_empty()),
        flush: sheet.checked("flushDiskType", |text| match text {
            "SYNC_FLUSH" | "sync" => Ok(FlushMode::Sync),
            "ASYNC_FLUSH" | "interval" => Ok(FlushMode::Interval),
            _ => Err(format!("is `{text}`, expected SYNC_FLUSH or ASYNC_FLUSH")),
        }),
        segment_size: sheet.number("mappedFileSizeCommitLog", &(LEAST_SEGMENT..=MOST)),
        queue_file_size: queue_file_size(sheet),
        index: sheet.truth("messageIndexEnable"),
        retention: retention(sheet),
    }
}

/// The tutorials write `mapedFileSizeConsumeQueue=300000` and mean entries; Apache's program takes
/// it as bytes and makes files of 15,000 entries.
fn queue_file_size(sheet: &mut Sheet) -> u64 {
    const KEY: &str = "mappedFileSizeConsumeQueue";
    const ENTRY: u64 = 20;
    const ENTRIES: u64 = 300_000;
    const MOST: u64 = ENTRIES * ENTRY * 100;

    let is_entries = sheet.setting(KEY).is_some_and(|setting| {
        setting.key == "mapedFileSizeConsumeQueue" && setting.value == ENTRIES.to_string()
    });
    let size = sheet.checked(KEY, |text| match text.parse::<u64>() {
        Ok(size) if size % ENTRY == 0 && (ENTRY..=MOST).contains(&size) => Ok(size),
        _ => Err(format!(
            "is `{text}`, expected bytes: a multiple of {ENTRY} up to {MOST}"
        )),
    });
    if !is_entries {
        return size;
    }
    let bytes = size.saturating_mul(ENTRY);
    sheet.warn(
        KEY,
        format!("taken as {size} entries; the key means bytes, write `{KEY}={bytes}`"),
    );
    bytes
}

fn retention(sheet: &mut Sheet) -> Retention {
    let hours: u64 = sheet.number("fileReservedTime", &(1..=24 * 365 * 100));
    let mut percent = |key| sheet.number(key, &(1..=100_u8));
    let full = percent("diskMaxUsedSpaceRatio");
    let forced = percent("diskSpaceCleanForciblyRatio");
    let closed = percent("diskSpaceWarningLevelRatio");
    Retention {
        reserved: Duration::from_secs(hours.saturating_mul(3600)),
        hours: sheet.checked("deleteWhen", hours_of_day),
        disk_full_percent: full,
        disk_forced_percent: sheet.truth("cleanFileForciblyEnable").then_some(forced),
        disk_closed_percent: closed,
    }
}

fn milliseconds(sheet: &mut Sheet, key: &'static str, from: u64, to: u64) -> Duration {
    Duration::from_millis(sheet.number(key, &(from..=to)))
}

/// Names of brokers and clusters become topics and stand in addresses of the protocol.
fn name(text: &str) -> Result<String, String> {
    let legal = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | '%' | '|');
    if text.is_empty() || text.len() > 127 {
        return Err(format!("has {} bytes, expected 1 to 127", text.len()));
    }
    match text.chars().find(|c| !legal(*c)) {
        Some(c) => Err(format!("`{text}` has the illegal character {c:?}")),
        None => Ok(text.to_owned()),
    }
}

/// A host name or an address, or nothing.
fn host(text: &str) -> Result<&str, String> {
    let v6 = text.parse::<std::net::Ipv6Addr>().is_ok();
    if !v6 && text.contains([':', '/', ' ', ';', ',']) {
        return Err(format!(
            "`{text}` is no host: write a name or an address, without a port"
        ));
    }
    Ok(text)
}

/// `h:p;h:p`, as Apache separates them.
fn name_servers(text: &str) -> Result<Vec<String>, String> {
    let addresses = text
        .split(';')
        .map(str::trim)
        .filter(|address| !address.is_empty());
    addresses
        .map(|address| match address.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|p| p > 0) => {
                Ok(address.to_owned())
            }
            _ => Err(format!(
                "`{address}` is no address, expected HOST:PORT;HOST:PORT"
            )),
        })
        .collect()
}

fn hours_of_day(text: &str) -> Result<Vec<u8>, String> {
    let hours = text
        .split(';')
        .map(str::trim)
        .filter(|hour| !hour.is_empty());
    let hours: Vec<u8> = hours
        .map(|hour| match hour.parse() {
            Ok(hour @ 0..=23) => Ok(hour),
            _ => Err(format!(
                "is `{text}`, expected hours from 00 to 23, several as 04;16"
            )),
        })
        .collect::<Result<_, _>>()?;
    if hours.is_empty() {
        return Err("names no hour, expected 00 to 23".to_owned());
    }
    Ok(hours)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TUTORIAL: &str = "\
brokerClusterName=rocketmq-cluster
brokerName=broker-a
brokerId=0
namesrvAddr=127.0.0.1:9876
listenPort=10911
brokerIP1=127.0.0.1
defaultTopicQueueNums=4
autoCreateTopicEnable=true
autoCreateSubscriptionGroup=true
deleteWhen=04
fileReservedTime=120
mapedFileSizeCommitLog=1073741824
mapedFileSizeConsumeQueue=300000
";

    fn settings(lines: &str) -> Vec<Setting> {
        lines
            .lines()
            .map(|line| Setting::from_word(line).unwrap())
            .collect()
    }

    fn problems(line: &str) -> String {
        let error = BrokerConfig::from_settings(settings(line)).unwrap_err();
        error
            .list()
            .iter()
            .map(|problem| problem.what.clone())
            .collect::<Vec<_>>()
            .join("; ")
    }

    #[test]
    fn every_default_of_the_table_is_right() {
        let config = BrokerConfig::default();

        assert_eq!(config.identity.cluster, "DefaultCluster");
        assert_eq!(config.rules.default_queues, 8);
        assert_eq!(config.rules.delay_levels.highest(), 18);
        assert_eq!(config.storage.flush, FlushMode::Sync);
        assert_eq!(config.storage.segment_size, 1 << 30);
        assert_eq!(config.storage.queue_file_size, 6_000_000);
        assert_eq!(config.storage.retention.reserved, Duration::from_hours(72));
        assert_eq!(config.network.advertised, None);
        assert!(config.network.name_servers.is_empty());
    }

    #[test]
    fn no_key_stands_in_the_table_twice() {
        let spellings = keys::KEYS
            .iter()
            .flat_map(|key| key.also.iter().map(|(name, _)| *name).chain([key.name]));
        let mut seen = std::collections::BTreeSet::new();
        for spelling in spellings {
            assert!(seen.insert(spelling), "{spelling}");
        }
    }

    #[test]
    fn the_tutorials_thirteen_keys_are_understood_and_the_wrong_one_is_explained() {
        let (config, warnings) = BrokerConfig::from_settings(settings(TUTORIAL)).unwrap();

        assert_eq!(config.identity.cluster, "rocketmq-cluster");
        assert_eq!(config.identity.name, "broker-a");
        assert_eq!(config.network.advertised.as_deref(), Some("127.0.0.1"));
        assert_eq!(config.network.name_servers, ["127.0.0.1:9876"]);
        assert_eq!(config.rules.default_queues, 4);
        assert_eq!(config.storage.segment_size, 1 << 30);
        assert_eq!(config.storage.queue_file_size, 6_000_000);
        assert_eq!(config.storage.retention.reserved, Duration::from_hours(120));
        assert_eq!(config.storage.retention.hours, [4]);
        let [warning] = warnings.as_slice() else {
            panic!("{warnings:?}")
        };
        assert!(warning.what.contains("300000 entries"), "{warning}");
    }

    #[test]
    fn old_spellings_and_apache_s_flush_words_mean_what_they_meant() {
        let text = "transactionTimeout=6000\nmapedFileSizeCommitLog=1048576\n\
                    mapedFileSizeConsumeQueue=40000\nflushDiskType=ASYNC_FLUSH\nlistenIp=127.0.0.1";
        let (config, warnings) = BrokerConfig::from_settings(settings(text)).unwrap();

        assert_eq!(config.storage.segment_size, 1 << 20);
        assert_eq!(config.storage.queue_file_size, 40_000);
        assert_eq!(config.storage.flush, FlushMode::Interval);
        assert!(config.network.bind.is_loopback());
        assert!(warnings[0].what.contains("`bindAddress`"), "{warnings:?}");
    }

    #[test]
    fn what_is_not_built_or_not_right_stops_the_start_with_a_reason() {
        let cases = [
            ("brokerRole=SLAVE", "replication is not built"),
            ("brokerRole=SYNC_MASTER", "replication is not built"),
            ("brokerId=1", "slaves are not built"),
            ("enableDLegerCommitLog=true", "replication is not built"),
            ("aclEnable=true", "access control is not built"),
            ("brokerNmae=a", "did you mean `brokerName`"),
            (
                "mapedFileSizeCommitlog=1",
                "did you mean `mappedFileSizeCommitLog`",
            ),
            ("broker-name=a", "did you mean `brokerName`"),
            ("somethingElse=1", "unknown"),
            ("listenPort=70000", "from 0 to 65535"),
            ("brokerName=a/b", "illegal character '/'"),
            ("brokerIP1=10.0.0.1:10911", "without a port"),
            ("bindAddress=here", "is no address"),
            ("namesrvAddr=localhost", "expected HOST:PORT"),
            ("defaultTopicQueueNums=0", "from 1 to"),
            ("autoCreateTopicEnable=yes", "expected true or false"),
            ("deleteWhen=25", "from 00 to 23"),
            ("fileReservedTime=0", "from 1 to"),
            ("mappedFileSizeCommitLog=5000000000", "to 2147483647"),
            ("mappedFileSizeConsumeQueue=30", "a multiple of 20"),
            (
                "flushDiskType=SOMETIMES",
                "expected SYNC_FLUSH or ASYNC_FLUSH",
            ),
            ("messageDelayLevel=1s 5x", "`5x` is no delay"),
            ("brokerPermission=7", "expected 6"),
        ];
        for (line, expected) in cases {
            let found = problems(line);
            assert!(found.contains(expected), "{line}: {found}");
        }
    }

    #[test]
    fn what_has_no_effect_is_said_and_the_default_is_not() {
        let (_, warnings) = BrokerConfig::from_settings(settings(
            "sendMessageThreadPoolNums=16\nbrokerRole=ASYNC_MASTER",
        ))
        .unwrap();

        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].what.contains("no thread pools"));
    }
}
