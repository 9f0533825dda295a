//! Names of the broker's own: topics and groups that are there from the start and that nobody
//! changes (`TopicValidator`, `TopicConfigManager`, `MixAll`).

use crate::broker::config::{Identity, Rules};
use crate::message::TopicName;
use crate::wire::body::{SubscriptionGroupConfig, TopicConfig, permission};

/// New topics are made after this one.
pub(in crate::broker) const TEMPLATE: &str = "TBW102";

const READ_WRITE: i32 = permission::READ | permission::WRITE;
const TEMPLATE_PERM: i32 = READ_WRITE | permission::INHERIT;

/// Whether `topic` is the broker's own, so that nobody changes or deletes it.
pub(in crate::broker) fn is_own_topic(identity: &Identity, name: &TopicName) -> bool {
    let topic = name.as_str();
    name.is_closed()
        || matches!(topic, TEMPLATE | "BenchmarkTest" | "RMQ_SYS_TRACE_TOPIC")
        || topic.starts_with("rmq_sys_")
        || topic == identity.cluster
        || topic == identity.name
        || topic.strip_suffix("_REPLY_TOPIC") == Some(&identity.cluster)
}

/// The topics that every broker has.
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
        plain(&format!("{cluster}_REPLY_TOPIC"), 1),
        plain(&format!("rmq_sys_REVIVE_LOG_{cluster}"), 8),
        topic(
            &format!("rmq_sys_SYNC_BROKER_MEMBER_{name}"),
            1,
            permission::INHERIT,
        ),
        plain("RMQ_SYS_TRANS_HALF_TOPIC", 1),
        plain("RMQ_SYS_TRANS_OP_HALF_TOPIC", 1),
    ];
    if rules.auto_create_topic {
        topics.push(template(rules));
    }
    topics
}

/// The template as the settings want it.
pub(in crate::broker) fn template(rules: &Rules) -> TopicConfig {
    topic(
        TEMPLATE,
        i32::try_from(rules.default_queues).unwrap_or(i32::MAX),
        TEMPLATE_PERM,
    )
}

/// A topic with as many queues for readers as for writers.
pub(in crate::broker) fn topic(name: &str, queues: i32, perm: i32) -> TopicConfig {
    TopicConfig {
        topic_name: name.into(),
        read_queue_nums: queues,
        write_queue_nums: queues,
        perm,
        ..TopicConfig::default()
    }
}

/// The groups that every broker has (`SubscriptionGroupManager.init`).
pub(in crate::broker) fn groups() -> impl Iterator<Item = SubscriptionGroupConfig> {
    const NAMES: [&str; 8] = [
        "TOOLS_CONSUMER",
        "FILTERSRV_CONSUMER",
        "SELF_TEST_C_GROUP",
        "CID_ONS-HTTP-PROXY",
        "CID_ONSAPI_PULL",
        "CID_ONSAPI_PERMISSION",
        "CID_ONSAPI_OWNER",
        "CID_RMQ_SYS_TRANS",
    ];
    NAMES.into_iter().map(group)
}

/// Whether `group` is the broker's or a tool's own: it need not be created by anybody.
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
