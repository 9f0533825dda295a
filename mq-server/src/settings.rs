//! Collects the settings of a server, weakest first: defaults, the environment, the file,
//! `key=value` words, options.

use std::net::IpAddr;
use std::path::Path;

use mq_core::broker::config::BrokerConfig;
use mq_core::namesrv::config::NamesrvConfig;
use mq_core::settings::{Setting, SettingOrigin, SettingProblem, SettingProblems};

use crate::cli::{BrokerArgs, CommonArgs, FlushArg, NamesrvArgs, StandaloneArgs};

const NAME_SERVERS_VARIABLE: &str = "NAMESRV_ADDR";

/// A configuration, and the warnings about it.
pub(crate) type WithWarnings<T> = (T, Vec<SettingProblem>);

/// Settings of `mq namesrv`.
pub(crate) fn namesrv(args: &NamesrvArgs) -> Result<WithWarnings<NamesrvConfig>, SettingProblems> {
    let mut sources = ServerSettings::default();
    sources.file(args.file.as_deref());
    sources.words(&args.set);
    sources.words(&args.words);
    sources.option("bindAddress", "--bind", args.bind);
    sources.option("listenPort", "--port", args.port);
    sources.refuse("broker.conf: it is a key of the broker's", |key| {
        BrokerConfig::has_key(key) && !NamesrvConfig::has_key(key)
    });
    sources.finish(NamesrvConfig::from_settings)
}

/// Settings of `mq broker`.
pub(crate) fn broker(args: &BrokerArgs) -> Result<WithWarnings<BrokerConfig>, SettingProblems> {
    let mut sources = ServerSettings::with_host_name();
    if let Ok(addresses) = std::env::var(NAME_SERVERS_VARIABLE) {
        sources.add(
            "namesrvAddr",
            addresses,
            SettingOrigin::Environment(NAME_SERVERS_VARIABLE),
        );
    }
    sources.common(&args.common, &args.words);
    sources.option("namesrvAddr", "-n", args.namesrv.as_ref());
    sources.option("bindAddress", "--bind", args.bind);
    sources.option("listenPort", "--port", args.port);
    sources.finish_broker()
}

/// Settings of the broker in `mq standalone`.
pub(crate) fn standalone(
    args: &StandaloneArgs,
) -> Result<WithWarnings<BrokerConfig>, SettingProblems> {
    let mut sources = ServerSettings::with_host_name();
    let here = IpAddr::from([127, 0, 0, 1]);
    sources.add("bindAddress", here.to_string(), SettingOrigin::Default);
    sources.common(&args.common, &[]);
    sources.option("bindAddress", "--bind", args.bind);
    sources.option("listenPort", "--broker-port", args.broker_port);
    sources.finish_broker()
}

/// The settings so far, and what is wrong with their sources.
#[derive(Debug, Default)]
struct ServerSettings {
    settings: Vec<Setting>,
    problems: Vec<SettingProblem>,
}

impl ServerSettings {
    /// Settings in which the broker has the name of its host, as Apache's has.
    fn with_host_name() -> Self {
        let mut sources = Self::default();
        let host = hostname::get()
            .ok()
            .and_then(|name| name.into_string().ok());
        if let Some(host) = host {
            sources.add("brokerName", host, SettingOrigin::Default);
        }
        sources
    }

    fn common(&mut self, args: &CommonArgs, words: &[String]) {
        self.file(args.file.as_deref());
        self.words(&args.set);
        self.words(words);
        let store = args.store.as_deref().map(Path::display);
        self.option("storePathRootDir", "--store", store);
        let flush = args.flush.map(|flush| match flush {
            FlushArg::Sync => "SYNC_FLUSH",
            FlushArg::Interval => "ASYNC_FLUSH",
        });
        self.option("flushDiskType", "--flush", flush);
    }

    fn add(&mut self, key: &str, value: String, origin: SettingOrigin) {
        let key = key.to_owned();
        self.settings.push(Setting { key, value, origin });
    }

    fn option(&mut self, key: &str, name: &str, value: Option<impl ToString>) {
        if let Some(value) = value {
            let value = value.to_string();
            let origin = SettingOrigin::CommandLine(format!("{name} {value}"));
            self.add(key, value, origin);
        }
    }

    fn file(&mut self, path: Option<&Path>) {
        match path.map_or_else(|| Ok(Vec::new()), Setting::from_file) {
            Ok(settings) => self.settings.extend(settings),
            Err(problem) => self.problems.push(problem),
        }
    }

    fn words(&mut self, words: &[String]) {
        for word in words {
            match Setting::from_word(word) {
                Ok(setting) => self.settings.push(setting),
                Err(problem) => self.problems.push(problem),
            }
        }
    }

    /// Keys that are another server's.
    fn refuse(&mut self, whose: &str, is_foreign: fn(&str) -> bool) {
        let foreign = |setting: &mut Setting| is_foreign(&setting.key);
        for setting in self.settings.extract_if(.., foreign) {
            let what = format!("belongs to {whose}");
            self.problems
                .push(SettingProblem::new(setting.origin, setting.key, what));
        }
    }

    fn finish_broker(mut self) -> Result<WithWarnings<BrokerConfig>, SettingProblems> {
        self.refuse("namesrv.conf: it is a key of the name server's", |key| {
            NamesrvConfig::has_key(key) && !BrokerConfig::has_key(key)
        });
        self.finish(BrokerConfig::from_settings)
    }

    /// What the settings mean, or all that is wrong with them.
    fn finish<T>(
        self,
        read: fn(Vec<Setting>) -> Result<T, SettingProblems>,
    ) -> Result<T, SettingProblems> {
        match read(self.settings) {
            Ok(value) => SettingProblems::unless_empty(self.problems, value),
            Err(found) => Err(found.and(self.problems)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use mq_core::broker::config::FlushMode;

    use super::*;
    use crate::cli::{Cli, Command};

    const BROKER_CONF: &str = "\
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

    fn file(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("server.conf");
        std::io::Write::write_all(&mut std::fs::File::create(&path).unwrap(), text.as_bytes())
            .unwrap();
        let path = path.into_os_string().into_string().unwrap();
        (folder, path)
    }

    /// What the broker is told by this command line.
    fn broker_of(line: &[&str]) -> BrokerConfig {
        let checked = match Cli::try_parse_from(line).unwrap().command {
            Command::Broker(args) => broker(&args),
            Command::Standalone(args) => standalone(&args),
            other => panic!("{other:?}"),
        };
        checked.unwrap().0
    }

    #[test]
    fn the_tutorials_way_to_start_a_broker_works() {
        let (_folder, path) = file(BROKER_CONF);

        let config = broker_of(&["mq", "broker", "-c", &path]);
        assert_eq!(config.identity.name, "broker-a");
        assert_eq!(config.network.name_servers, ["127.0.0.1:9876"]);
        assert_eq!(config.network.port, 10911);

        let config = broker_of(&[
            "mq",
            "broker",
            "-n",
            "10.0.0.1:9876;10.0.0.2:9876",
            "autoCreateTopicEnable=false",
        ]);
        assert_eq!(
            config.network.name_servers,
            ["10.0.0.1:9876", "10.0.0.2:9876"]
        );
        assert!(!config.rules.auto_create_topic);
        assert!(config.network.bind.is_unspecified());
    }

    #[test]
    fn options_beat_words_and_words_beat_the_file() {
        let (_folder, path) =
            file("flushDiskType=ASYNC_FLUSH\nlistenPort=1\nmaxMessageSize=1\nbrokerName=a");
        let line = [
            "mq",
            "broker",
            "-c",
            &path,
            "--flush",
            "sync",
            "--store",
            "a b/数据",
            "--set",
            "listenPort=2",
            "maxMessageSize=3",
            "--port",
            "4",
        ];

        let config = broker_of(&line);

        assert_eq!(config.storage.flush, FlushMode::Sync);
        assert_eq!(config.network.port, 4);
        assert_eq!(config.rules.max_message_size, 3);
        assert_eq!(config.identity.name, "a");
        assert_eq!(config.storage.root, Path::new("a b/数据"));
    }

    #[test]
    fn a_standalone_broker_is_for_this_machine_unless_told_otherwise() {
        let config = broker_of(&["mq", "standalone"]);
        assert!(config.network.bind.is_loopback());
        assert_eq!(config.network.port, 10911);
        assert_eq!(config.storage.root, Path::new("./data"));
        assert_eq!(config.storage.flush, FlushMode::Sync);

        let config = broker_of(&[
            "mq",
            "standalone",
            "--bind",
            "0.0.0.0",
            "--broker-port",
            "0",
            "--flush",
            "interval",
        ]);
        assert!(config.network.bind.is_unspecified());
        assert_eq!(config.network.port, 0);
        assert_eq!(config.storage.flush, FlushMode::Interval);
    }

    #[test]
    fn the_tutorials_name_server_file_works() {
        let (_folder, path) = file("listenPort=9876\nlistenIp=127.0.0.1\n");
        let Command::Namesrv(args) = Cli::try_parse_from(["mq", "namesrv", "-c", &path])
            .unwrap()
            .command
        else {
            panic!("another command")
        };

        let (config, warnings) = namesrv(&args).unwrap();

        assert_eq!(config.port, 9876);
        assert!(config.bind.is_loopback());
        let warning = warnings[0].to_string();
        assert!(warning.contains("server.conf:2: listenIp"), "{warning}");
    }

    #[test]
    fn a_key_of_the_other_server_is_told_to_be_there() {
        let (_folder, path) = file("listenPort=9876\nautoCreateTopicEnable=true\n");
        let args = NamesrvArgs {
            file: Some(path.into()),
            ..NamesrvArgs::default()
        };
        let error = namesrv(&args).unwrap_err().to_string();
        assert!(
            error.ends_with(
                ":2: autoCreateTopicEnable: belongs to broker.conf: it is a key of the broker's"
            ),
            "{error}"
        );

        let args = BrokerArgs {
            words: vec!["kvConfigPath=/kv".to_owned()],
            ..BrokerArgs::default()
        };
        let error = broker(&args).unwrap_err().to_string();
        assert!(
            error.contains("kvConfigPath: belongs to namesrv.conf"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_file_and_words_that_are_wrong_in_different_ways_are_all_reported() {
        let args = BrokerArgs {
            common: CommonArgs {
                file: Some("no-such.conf".into()),
                ..CommonArgs::default()
            },
            words: ["autoCreateTopicEnable", "listenPort=abc"]
                .map(str::to_owned)
                .into(),
            ..BrokerArgs::default()
        };

        let error = broker(&args).unwrap_err().to_string();

        assert!(
            error.contains("no-such.conf: could not read the file"),
            "{error}"
        );
        assert!(error.contains("expected key=value"), "{error}");
        assert!(error.contains("`listenPort=abc`"), "{error}");
    }
}
