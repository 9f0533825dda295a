//! What a topic, a group and a tag expression of a listener must look like (`TopicValidator`,
//! `Validators`, `FilterAPI`).

/// The longest group that Java's clients take.
pub const MAX_GROUP_LENGTH: usize = 120;

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

/// Checks a whole topic name.
///
/// # Errors
///
/// Which rule it breaks.
pub fn topic(name: &str) -> Result<(), String> {
    let dead_letters = name.starts_with("%DLQ%");
    whole("topic", name, if dead_letters { 255 } else { 127 })?;
    refused_topic(name).map_or(Ok(()), Err)
}

/// Checks a whole group name.
///
/// # Errors
///
/// Which rule it breaks.
pub fn group(name: &str) -> Result<(), String> {
    whole("group", name, MAX_GROUP_LENGTH)?;
    refused_group(name).map_or(Ok(()), Err)
}

/// Checks the characters of a part of a name.
///
/// # Errors
///
/// The first character that is none of a name.
pub fn characters(kind: &str, part: &str) -> Result<(), String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "%|-_".contains(c);
    match part.chars().find(|c| !legal(*c)) {
        None => Ok(()),
        Some(':') if kind == "topic" => {
            Err("a topic cannot have ':': tags stand in `selector_expression`".to_owned())
        }
        Some(illegal) => Err(format!(
            "a {kind} cannot have {illegal:?}: only letters, digits, `%`, `|`, `-` and `_`"
        )),
    }
}

/// Checks `*`, or tags joined by `||`.
///
/// # Errors
///
/// Which rule it breaks.
pub fn tag_expression(expression: &str) -> Result<(), String> {
    if expression.trim() == "*" {
        return Ok(());
    }
    let tags: Vec<&str> = expression.split("||").map(str::trim).collect();
    if tags.iter().any(|tag| tag.is_empty()) {
        return Err("a tag is missing: write `*` for all, or tags as in `created || paid`".into());
    }
    if tags.contains(&"*") {
        return Err("`*` means every tag and stands alone".to_owned());
    }
    if let Some(tag) = tags.iter().find(|tag| tag.contains('|')) {
        return Err(format!("tags are joined by `||`, `{tag}` has a single `|`"));
    }
    Ok(())
}

fn whole(kind: &str, name: &str, limit: usize) -> Result<(), String> {
    if name.trim().is_empty() {
        return Err(format!("a {kind} cannot be empty"));
    }
    characters(kind, name)?;
    if name.len() > limit {
        return Err(format!(
            "a {kind} has at most {limit} characters, this one has {}",
            name.len()
        ));
    }
    Ok(())
}
