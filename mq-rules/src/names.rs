//! What a topic, a group and the expression of a listener must look like (`TopicValidator`,
//! `Validators`, `FilterAPI`).

use super::sql::Condition;

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

/// Checks the tags that a program asks for: `*` or nothing for all, or tags joined by `||`. Stricter than
/// brokers, which pass over what is missing between two `||` and take `*` among tags for a tag.
///
/// # Errors
///
/// Which rule it breaks.
pub fn tag_expression(expression: &str) -> Result<(), String> {
    if matches!(expression.trim(), "" | "*") {
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

/// As [`tag_expression`], where the language is chosen beside the expression: a condition is taken for one
/// whose language was forgotten, not for a tag that no message has.
///
/// # Errors
///
/// Which rule it breaks.
pub fn selected_tags(expression: &str) -> Result<(), String> {
    if looks_like_a_condition(expression) {
        return Err(format!(
            "`{expression}` looks like a condition, not like tags: write `selector_type = Sql92`"
        ));
    }
    tag_expression(expression)
}

/// An operator or a quotation mark, or words that are a whole condition, such as `total IS NULL`.
fn looks_like_a_condition(expression: &str) -> bool {
    let several_words = expression.split_whitespace().nth(1).is_some();
    expression.contains(['=', '<', '>', '\'', '"'])
        || several_words && condition(expression).is_ok()
}

/// Checks a condition over properties. Stricter than brokers: nothing may stand behind it.
///
/// # Errors
///
/// Where it is wrong, and why.
pub fn condition(text: &str) -> Result<(), String> {
    if matches!(text.trim(), "" | "*") {
        return Err("a condition is missing, as in `total > 100`".to_owned());
    }
    let condition = Condition::parse(text);
    let condition = condition.map_err(|error| format!("the condition cannot be read: {error}"))?;
    let ignored = condition
        .ignored()
        .and_then(|from| Some((from, text.get(from..)?)));
    match ignored {
        Some((from, rest)) if !rest.starts_with("--") => Err(format!(
            "the condition ends before byte {from}: brokers ignore `{rest}`, join conditions by AND or OR"
        )),
        _ => Ok(()),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_is_no_tag() {
        for condition in [
            "total > 5",
            "a = 'b'",
            "a='b' AND c",
            "total IS NULL",
            "x BETWEEN 1 AND 2",
        ] {
            let refused = selected_tags(condition).unwrap_err();
            assert!(
                refused.contains("write `selector_type = Sql92`"),
                "{refused}"
            );
        }
        for tags in ["*", "", "paid", "created || paid", "in stock || sold out"] {
            assert_eq!(selected_tags(tags), Ok(()), "{tags}");
        }
    }
}
