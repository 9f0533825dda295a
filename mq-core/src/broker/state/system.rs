//! System topics and groups: they exist from the start and cannot be changed (`TopicValidator`,
//! `TopicConfigManager`, `MixAll`).

use crate::broker::config::{BrokerConfig, Identity, Rules};
use crate::message::TopicName;
use crate::wire::body::{SubscriptionGroupConfig, TopicConfig, permission};

/// The template topic for new topics.
pub(in crate::broker) const TEMPLATE_TOPIC: &str = "TBW102";
/// The topic of message traces.
const TRACE_TOPIC: &str = "RMQ_SYS_TRACE_TOPIC";
/// System topics that need not exist.
pub(in crate::broker) const RESERVED_TOPICS: [&str; 2] = [TEMPLATE_TOPIC, TRACE_TOPIC];
/// The group whose offsets are the broker's own progress with transactions
/// (`MixAll.CID_RMQ_SYS_PREFIX`).
pub(in crate::broker) const TRANSACTIONS_GROUP: &str = "CID_RMQ_SYS_TRANS";

const READ_WRITE: i32 = permission::READ | permission::WRITE;
const TEMPLATE_PERM: i32 = READ_WRITE | permission::INHERIT;

/// Whether `topic` is a system topic, which cannot be changed or deleted.
pub(in crate::broker) fn is_own_topic(config: &BrokerConfig, name: &TopicName) -> bool {
    let (identity, traces) = (&config.identity, &config.rules.traces);
    let topic = name.as_str();
    name.is_closed()
        || topic == "BenchmarkTest"
        || RESERVED_TOPICS.contains(&topic)
        || traces.topic.as_ref() == Some(name)
        || topic.starts_with("rmq_sys_")
        || topic == identity.cluster
        || topic == identity.name
        || topic.strip_suffix("_REPLY_TOPIC") == Some(&identity.cluster)
}

/// The system topics of every broker.
pub(in crate::broker) fn topics(identity: &Identity, rules: &Rules) -> Vec<TopicConfig> {
    let Identity { cluster, name } = identity;
    let plain = |name: &str, queues| topic(name, queues, READ_WRITE);
    let mut topics = vec![
        plain("SELF_TEST_TOPIC", 1),
        plain("BenchmarkTest", 1024),
        topic(cluster, 16, TEMPLATE_PERM),
        topic(name, 1, TEMPLATE_PERM),
        plain("OFFSET_MOVED_EVENT", 1),
        plain("SCHEDULE_TOPIC_XXXX", 18),
        plain("rmq_sys_wheel_timer", 1),
        plain(&format!("{cluster}_REPLY_TOPIC"), 1),
        plain(&format!("rmq_sys_REVIVE_LOG_{cluster}"), 8),
        topic(
            &format!("rmq_sys_SYNC_BROKER_MEMBER_{name}"),
            1,
            permission::INHERIT,
        ),
        plain("RMQ_SYS_TRANS_HALF_TOPIC", 1),
        plain("RMQ_SYS_TRANS_OP_HALF_TOPIC", 1),
        plain("TRANS_CHECK_MAX_TIME_TOPIC", 1),
    ];
    if let Some(traces) = &rules.traces.topic {
        topics.push(plain(traces.as_str(), 1));
    }
    if rules.auto_create_topic {
        topics.push(template(rules));
    }
    topics
}

/// The template topic, as configured.
pub(in crate::broker) fn template(rules: &Rules) -> TopicConfig {
    topic(
        TEMPLATE_TOPIC,
        i32::try_from(rules.default_queues).unwrap_or(i32::MAX),
        TEMPLATE_PERM,
    )
}

/// A topic with as many read queues as write queues.
pub(in crate::broker) fn topic(name: &str, queues: i32, perm: i32) -> TopicConfig {
    TopicConfig {
        topic_name: name.into(),
        read_queue_nums: queues,
        write_queue_nums: queues,
        perm,
        ..TopicConfig::default()
    }
}

/// The system groups of every broker (`SubscriptionGroupManager.init`).
pub(in crate::broker) fn groups() -> impl Iterator<Item = SubscriptionGroupConfig> {
    const NAMES: [&str; 8] = [
        "TOOLS_CONSUMER",
        "FILTERSRV_CONSUMER",
        "SELF_TEST_C_GROUP",
        "CID_ONS-HTTP-PROXY",
        "CID_ONSAPI_PULL",
        "CID_ONSAPI_PERMISSION",
        "CID_ONSAPI_OWNER",
        TRANSACTIONS_GROUP,
    ];
    NAMES.into_iter().map(group)
}

/// Whether `group` is a system group, which need not be created.
pub(in crate::broker) fn is_own_group(group: &str) -> bool {
    group.starts_with("CID_RMQ_SYS_") || groups().any(|own| own.group_name == group)
}

/// A group with Apache's defaults.
pub(in crate::broker) fn group(name: &str) -> SubscriptionGroupConfig {
    SubscriptionGroupConfig {
        group_name: name.into(),
        ..SubscriptionGroupConfig::default()
    }
}
