use std::time::Duration;

use super::*;
use crate::store::ReadLimits;

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
    assert!(config.rules.filters.conditions);
    assert_eq!(config.storage.flush, FlushMode::Sync);
    assert_eq!(config.storage.segment_size, 1 << 30);
    assert_eq!(config.storage.queue_file_size, 6_000_000);
    assert_eq!(config.storage.retention.reserved, Duration::from_hours(72));
    assert_eq!(config.network.advertised, None);
    assert!(config.network.name_servers.is_empty());
}

#[test]
fn the_limits_of_an_answer_are_read_and_never_exceed_a_frame() {
    let of = |messages, bytes| ReadLimits { messages, bytes };
    let usual = BrokerConfig::default().rules.transfer;
    assert_eq!(usual.in_memory, of(32, 262_144));
    assert_eq!(usual.on_disk, of(8, 65_536));
    assert_eq!(BrokerConfig::default().storage.in_memory_percent, 40);

    let lines = "\
maxTransferCountOnMessageInMemory=100
maxTransferBytesOnMessageInMemory=1000000
maxTransferCountOnMessageInDisk=20
maxTransferBytesOnMessageInDisk=200000
accessMessageInMemoryMaxRatio=25
";
    let (config, told) = BrokerConfig::from_settings(settings(lines)).unwrap();
    assert_eq!(config.rules.transfer.in_memory, of(100, 1_000_000));
    assert_eq!(config.rules.transfer.on_disk, of(20, 200_000));
    assert_eq!(config.storage.in_memory_percent, 25);
    assert!(told.is_empty(), "{told:?}");

    let all_on_disk = settings("accessMessageInMemoryMaxRatio=0");
    let (config, _) = BrokerConfig::from_settings(all_on_disk).unwrap();
    assert_eq!(config.storage.in_memory_percent, 0);

    let too_long = problems("maxTransferBytesOnMessageInMemory=16777216");
    assert!(too_long.contains("from 1 to 16711680"), "{too_long}");
    let nothing = problems("maxTransferCountOnMessageInDisk=0");
    assert!(nothing.contains("from 1 to 65536"), "{nothing}");
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
        (
            "defaultMessageRequestMode=POP",
            "pop consumption is not built",
        ),
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
        ("bindAddress=here", "is not an address"),
        ("namesrvAddr=localhost", "`localhost` is not an address"),
        ("namesrvAddr=a:x;b:1;c", "`a:x`, `c` are not addresses"),
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
        ("messageDelayLevel=1s 5x", "`5x` is not a delay"),
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

#[test]
fn the_store_is_told_what_was_set() {
    let text = "storePathRootDir=/a b/数据\nmappedFileSizeCommitLog=1048576\n\
                mappedFileSizeConsumeQueue=40000\nflushDiskType=ASYNC_FLUSH\nfileReservedTime=2\n\
                cleanFileForciblyEnable=false\nmessageIndexEnable=false\nmessageDelayLevel=1s 2s";
    let (config, _) = BrokerConfig::from_settings(settings(text)).unwrap();

    let store = config.store();

    assert_eq!(
        store.commit_log,
        std::path::Path::new("/a b/数据/commitlog")
    );
    assert_eq!(
        (store.segment_size, store.queue_file_entries),
        (1 << 20, 2000)
    );
    assert_eq!(store.flush, crate::store::Flush::INTERVAL);
    assert_eq!(store.retention.keep, Duration::from_hours(2));
    assert!(store.retention.force_used > 1.0);
    assert!(!store.index);
    assert_eq!(
        store.delays,
        [Duration::from_secs(1), Duration::from_secs(2)]
    );
}
