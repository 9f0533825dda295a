//! Topic and group of a listener, once its placeholders are filled (`TopicValidator`,
//! `Validators`); the macro applies the same rules to literals.

use mq_core::message::{GroupName, TopicName};

const RESERVED_GROUPS: &[&str] = &[
    "DEFAULT_PRODUCER",
    "DEFAULT_CONSUMER",
    "CLIENT_INNER_PRODUCER",
    "TOOLS_CONSUMER",
    "SCHEDULE_CONSUMER",
    "FILTERSRV_CONSUMER",
    "__MONITOR_CONSUMER",
    "SELF_TEST_P_GROUP",
    "SELF_TEST_C_GROUP",
];

/// The longest group that Java's clients take.
const LONGEST_GROUP: usize = 120;

/// The topic a listener reads.
pub(super) fn topic(name: &str) -> Result<TopicName, String> {
    let topic = TopicName::new(name).map_err(|error| error.to_string())?;
    if topic.is_retry() {
        return Err("a retry topic is read by its own group already".to_owned());
    }
    if topic.is_closed() || name == "TBW102" || name.starts_with("rmq_sys_") {
        return Err(format!("the topic `{name}` is reserved for brokers"));
    }
    Ok(topic)
}

/// The group a listener is in.
pub(super) fn group(name: &str) -> Result<GroupName, String> {
    let group = GroupName::new(name).map_err(|error| error.to_string())?;
    if name.len() > LONGEST_GROUP {
        return Err(format!(
            "the group name has {} characters, at most {LONGEST_GROUP} are allowed",
            name.len()
        ));
    }
    let system = ["CID_RMQ_SYS_", "%RETRY%", "%DLQ%"];
    if RESERVED_GROUPS.contains(&name) || system.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(format!("the group `{name}` is reserved"));
    }
    Ok(group)
}
