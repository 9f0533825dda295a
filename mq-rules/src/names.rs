//! Topics and groups that no listener may name (`TopicValidator`, `Validators`).

/// The longest group that Java's clients take.
pub const LONGEST_GROUP: usize = 120;

/// Topics that brokers use for themselves.
pub const RESERVED_TOPICS: &[&str] = &[
    "TBW102",
    "SCHEDULE_TOPIC_XXXX",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
    "OFFSET_MOVED_EVENT",
    "SELF_TEST_TOPIC",
];

/// Groups that clients and brokers use for themselves.
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

/// Why no listener may read the topic `name`, if so.
pub fn refused_topic(name: &str) -> Option<String> {
    if name.starts_with("%RETRY%") {
        return Some("a retry topic is read by its own group already".to_owned());
    }
    let reserved = RESERVED_TOPICS.contains(&name) || name.starts_with("rmq_sys_");
    reserved.then(|| format!("the topic `{name}` is reserved for brokers"))
}

/// Why no listener may be in the group `name`, if so.
pub fn refused_group(name: &str) -> Option<String> {
    let system = ["CID_RMQ_SYS_", "%RETRY%", "%DLQ%"];
    let reserved =
        RESERVED_GROUPS.contains(&name) || system.iter().any(|prefix| name.starts_with(prefix));
    reserved.then(|| format!("the group `{name}` is reserved"))
}
