//! What a literal topic, group or tag expression must look like (`TopicValidator`, `Validators`,
//! `FilterAPI`). The program checks again at start what came from the settings.

/// Topics that brokers use for themselves.
const RESERVED_TOPICS: &[&str] = &[
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

/// Checks a whole topic name.
pub(super) fn topic(name: &str) -> Result<(), String> {
    let dead_letters = name.starts_with("%DLQ%");
    whole("topic", name, if dead_letters { 255 } else { 127 })?;
    if name.starts_with("%RETRY%") {
        return Err("a retry topic is read by its own group already".to_owned());
    }
    if RESERVED_TOPICS.contains(&name) || name.starts_with("rmq_sys_") {
        return Err(format!("the topic `{name}` is reserved for brokers"));
    }
    Ok(())
}

/// Checks a whole group name.
pub(super) fn group(name: &str) -> Result<(), String> {
    whole("group", name, 120)?;
    let system = ["CID_RMQ_SYS_", "%RETRY%", "%DLQ%"];
    if RESERVED_GROUPS.contains(&name) || system.iter().any(|prefix| name.starts_with(prefix)) {
        return Err(format!("the group `{name}` is reserved"));
    }
    Ok(())
}

/// Checks the characters of a part of a name.
pub(super) fn characters(kind: &str, part: &str) -> Result<(), String> {
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
pub(super) fn tag_expression(expression: &str) -> Result<(), String> {
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
