//! The configuration of a name server, validated from its settings.

use std::convert::Infallible;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::settings::{KeyEffect, Setting, SettingKey, SettingProblem, SettingProblems, Sheet};

use KeyEffect::{Harmless, Refused, Works};

const NO_THREAD_POOLS: KeyEffect = Harmless("connections are tasks, there are no thread pools");
const REMOTING_TIMINGS: KeyEffect = Harmless("the remoting has its own timings");
const NO_ACTING_MASTER: KeyEffect = Refused("slaves that act as masters are not built yet");

const fn key(name: &'static str, default: &'static str, effect: KeyEffect) -> SettingKey {
    SettingKey {
        name,
        default,
        effect,
        also: &[],
    }
}

/// Every key of Apache's `NamesrvConfig` and `NettyServerConfig`.
const KEYS: &[SettingKey] = &[
    key("listenPort", "9876", Works),
    SettingKey {
        also: &[(
            "listenIp",
            "is no key of Apache's, which ignores it; taken as `bindAddress`",
        )],
        ..key("bindAddress", "0.0.0.0", Works)
    },
    key("scanNotActiveBrokerInterval", "5000", Works),
    key(
        "rocketmqHome",
        "",
        Harmless("there is no installation directory"),
    ),
    key("kvConfigPath", "", Works),
    key(
        "configStorePath",
        "",
        Harmless("the file is the one given by `-c`"),
    ),
    key(
        "productEnvName",
        "center",
        Harmless("there is one environment"),
    ),
    key(
        "clusterTest",
        "false",
        Refused("the test cluster is not built"),
    ),
    key("orderMessageEnable", "false", Works),
    key("returnOrderTopicConfigToBroker", "true", Works),
    key("supportActingMaster", "false", NO_ACTING_MASTER),
    key("notifyMinBrokerIdChanged", "false", NO_ACTING_MASTER),
    key(
        "enableAllTopicList",
        "true",
        Harmless("the list of topics is always answered"),
    ),
    key(
        "enableTopicList",
        "true",
        Harmless("the list of topics is always answered"),
    ),
    key(
        "needWaitForService",
        "false",
        Harmless("requests are answered at once"),
    ),
    key(
        "waitSecondsForService",
        "45",
        Harmless("requests are answered at once"),
    ),
    key(
        "deleteTopicWithBrokerRegistration",
        "false",
        Harmless("a topic goes with its deletion"),
    ),
    key(
        "enableControllerInNamesrv",
        "false",
        Refused("the controller is not built"),
    ),
    key("unRegisterBrokerQueueCapacity", "3000", NO_THREAD_POOLS),
    key("clientRequestThreadPoolNums", "8", NO_THREAD_POOLS),
    key(
        "clientRequestThreadPoolQueueCapacity",
        "50000",
        NO_THREAD_POOLS,
    ),
    key("defaultThreadPoolNums", "16", NO_THREAD_POOLS),
    key("defaultThreadPoolQueueCapacity", "10000", NO_THREAD_POOLS),
    key(
        "configBlackList",
        "configBlackList;configStorePath;kvConfigPath",
        Harmless("only few keys change while it runs"),
    ),
    key("serverWorkerThreads", "8", NO_THREAD_POOLS),
    key("serverSelectorThreads", "3", NO_THREAD_POOLS),
    key("serverCallbackExecutorThreads", "0", NO_THREAD_POOLS),
    key("serverOnewaySemaphoreValue", "256", NO_THREAD_POOLS),
    key("serverAsyncSemaphoreValue", "64", NO_THREAD_POOLS),
    key("serverChannelMaxIdleTimeSeconds", "120", REMOTING_TIMINGS),
    key("serverSocketSndBufSize", "0", REMOTING_TIMINGS),
    key("serverSocketRcvBufSize", "0", REMOTING_TIMINGS),
    key("serverSocketBacklog", "1024", REMOTING_TIMINGS),
    key(
        "serverPooledByteBufAllocatorEnable",
        "true",
        REMOTING_TIMINGS,
    ),
    key("useEpollNativeSelector", "false", REMOTING_TIMINGS),
    key("tlsEnable", "false", Refused("TLS is not built yet")),
];

/// The configuration of a name server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamesrvConfig {
    /// The address to listen on; unspecified for all.
    pub bind: IpAddr,
    /// `listenPort`; 0 picks a free one.
    pub port: u16,
    /// The interval of looking for brokers that have stopped registering.
    pub scan_every: Duration,
    /// `kvConfigPath`: the file in which keys and values are kept; without one, in memory only.
    pub kv_path: Option<PathBuf>,
    /// `orderMessageEnable`: routes contain the queue order of ordered topics.
    pub tell_clients_order: bool,
    /// `returnOrderTopicConfigToBroker`: brokers are sent the ordered topics.
    pub tell_brokers_order: bool,
}

impl Default for NamesrvConfig {
    fn default() -> Self {
        read(&mut Sheet::new(KEYS, Vec::new()))
    }
}

impl NamesrvConfig {
    /// Reads `settings`, of which later ones override earlier ones; also returns warnings about
    /// them.
    ///
    /// # Errors
    ///
    /// Every setting that is unknown, out of range, of the wrong type or not supported yet.
    pub fn from_settings(
        settings: Vec<Setting>,
    ) -> Result<(Self, Vec<SettingProblem>), SettingProblems> {
        let mut sheet = Sheet::new(KEYS, settings);
        let config = read(&mut sheet);
        sheet.finish(config)
    }

    /// Whether a name server has a key of this name.
    pub fn has_key(name: &str) -> bool {
        SettingKey::is_among(KEYS, name)
    }

    /// The settings as Java properties, for administrators who ask.
    pub fn to_properties(&self) -> String {
        let kv_path = self.kv_path.as_deref().unwrap_or_else(|| "".as_ref());
        let lines = [
            format!("bindAddress={}", self.bind),
            format!("kvConfigPath={}", kv_path.display()),
            format!("listenPort={}", self.port),
            format!("orderMessageEnable={}", self.tell_clients_order),
            format!("returnOrderTopicConfigToBroker={}", self.tell_brokers_order),
            format!(
                "scanNotActiveBrokerInterval={}",
                self.scan_every.as_millis()
            ),
        ];
        lines.map(|line| line + "\n").concat()
    }
}

fn read(sheet: &mut Sheet) -> NamesrvConfig {
    let scan = sheet.number("scanNotActiveBrokerInterval", &(10..=3_600_000));
    NamesrvConfig {
        bind: sheet.address("bindAddress"),
        port: sheet.number("listenPort", &(0..=u16::MAX)),
        scan_every: Duration::from_millis(scan),
        kv_path: sheet.checked("kvConfigPath", |path| {
            Ok::<_, Infallible>((!path.is_empty()).then(|| PathBuf::from(path)))
        }),
        tell_clients_order: sheet.truth("orderMessageEnable"),
        tell_brokers_order: sheet.truth("returnOrderTopicConfigToBroker"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tutorials_file_is_understood_with_a_hint() {
        let settings = ["listenPort=9876", "listenIp=127.0.0.1"]
            .map(|word| Setting::from_word(word).unwrap())
            .to_vec();

        let (config, warnings) = NamesrvConfig::from_settings(settings).unwrap();

        assert_eq!(config.port, 9876);
        assert!(config.bind.is_loopback());
        assert!(
            warnings[0].to_string().contains("taken as `bindAddress`"),
            "{warnings:?}"
        );
    }

    #[test]
    fn nothing_written_means_apache_s_defaults() {
        let config = NamesrvConfig::default();

        assert_eq!(config.port, 9876);
        assert!(config.bind.is_unspecified());
        assert_eq!(config.scan_every, Duration::from_secs(5));
    }

    #[test]
    fn what_is_not_built_stops_the_start() {
        let settings = vec![Setting::from_word("enableControllerInNamesrv=true").unwrap()];
        let error = NamesrvConfig::from_settings(settings)
            .unwrap_err()
            .to_string();
        assert!(error.contains("the controller is not built"), "{error}");
    }
}
