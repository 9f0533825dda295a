//! What a literal topic, group or tag expression must look like (`TopicValidator`, `Validators`,
//! `FilterAPI`). The program checks again at start what came from the settings.

use mq_rules::names::{LONGEST_GROUP, refused_group, refused_topic};

/// Checks a whole topic name.
pub(super) fn topic(name: &str) -> Result<(), String> {
    let dead_letters = name.starts_with("%DLQ%");
    whole("topic", name, if dead_letters { 255 } else { 127 })?;
    refused_topic(name).map_or(Ok(()), Err)
}

/// Checks a whole group name.
pub(super) fn group(name: &str) -> Result<(), String> {
    whole("group", name, LONGEST_GROUP)?;
    refused_group(name).map_or(Ok(()), Err)
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
