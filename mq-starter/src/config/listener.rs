//! `rocketmq.consumer.listeners.<group>.<topic>`: the settings of one listener.
//!
//! Invariant: a value found here is stronger than the one in the listener's annotation.

use std::collections::BTreeMap;

use mq_rules::{AttributeKey, Choice, KEYS, Kind, times};

use super::error::ConfigOrigin;
use super::key::ConfigKey;
use super::reader::{Filled, SettingReader, none_of};

/// The settings of one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListenerSettings {
    /// The consumer group, as in the annotation.
    pub group: String,
    /// The topic, as in the annotation.
    pub topic: String,
    /// Whether it is started.
    pub enabled: bool,
    /// Attributes of the annotation (`consume_mode`) to be replaced, already checked.
    pub attributes: BTreeMap<&'static str, AttributeValue>,
    /// The first place that mentions it.
    pub origin: ConfigOrigin,
}

/// An attribute's value from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeValue {
    /// As text, placeholders filled; words and numbers as the annotation takes them.
    pub text: String,
    /// Where it was written.
    pub origin: ConfigOrigin,
}

const LISTENERS_KEY: &str = "rocketmq.consumer.listeners";

/// Every listener that files and arguments mention, by group and topic.
pub(super) fn read(reader: &mut SettingReader<'_>) -> Vec<ListenerSettings> {
    let prefix = ConfigKey::new(LISTENERS_KEY);
    let mut named = BTreeMap::<(String, String), ConfigOrigin>::new();
    for (key, found) in reader.layers.below(&prefix) {
        let mut segments = key.below(&prefix).unwrap_or_default().split('.');
        if let (Some(group), Some(topic)) = (segments.next(), segments.next()) {
            named
                .entry((group.to_owned(), topic.to_owned()))
                .or_insert_with(|| found.origin.clone());
        }
    }
    let named = named.into_iter();
    named
        .map(|((group, topic), origin)| one(reader, group, topic, origin))
        .collect()
}

fn one(
    reader: &mut SettingReader<'_>,
    group: String,
    topic: String,
    origin: ConfigOrigin,
) -> ListenerSettings {
    let key = |name: &str| format!("{LISTENERS_KEY}.{group}.{topic}.{name}");
    let mut attributes = BTreeMap::new();
    for attribute in KEYS.iter().filter(|key| !key.required) {
        let name = attribute.name;
        if let Some(Filled { text, origin, .. }) = value(reader, &key(name), attribute) {
            attributes.insert(name, AttributeValue { text, origin });
        }
    }
    ListenerSettings {
        enabled: reader.truth(&key("enabled")).unwrap_or(true),
        attributes,
        group,
        topic,
        origin,
    }
}

fn value(reader: &mut SettingReader<'_>, key: &str, attribute: &AttributeKey) -> Option<Filled> {
    let value = reader
        .layers
        .find(&ConfigKey::new(key))
        .and_then(|_| reader.filled(key))?;
    let text = match &attribute.kind {
        Kind::Topic | Kind::Group | Kind::Expression | Kind::Text => reader.text(key)?.text,
        Kind::Time => reader.checked(key, |text| {
            times::timestamp(text).map(|time| time.to_string())
        })?,
        Kind::Number(range) => {
            let number = reader.amount(key, &attribute.noun(), range.clone());
            number?.to_string()
        }
        Kind::Choice(choice) => reader.checked(key, |text| member(choice, text))?,
        Kind::Truth => reader.truth(key)?.to_string(),
    };
    Some(Filled { text, ..value })
}

/// The name in Java of the member that `text` names there or in the annotation.
fn member(choice: &Choice, text: &str) -> Result<String, String> {
    let member = choice.named(text).map(|variant| variant.java.to_owned());
    member.ok_or_else(|| {
        let names: Vec<_> = choice.variants.iter().map(|variant| variant.java).collect();
        none_of(text, &names)
    })
}
