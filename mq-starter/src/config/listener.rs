//! `rocketmq.consumer.listeners.<group>.<topic>`: what the files say about one listener.
//!
//! Invariant: a value found here is stronger than the one in the listener's annotation.

use std::collections::BTreeMap;

use super::error::Origin;
use super::key::Key;
use super::reader::{Filled, Reader};

/// What the files say about one listener.
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
    pub origin: Origin,
}

/// An attribute's value from a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttributeValue {
    /// As text, placeholders filled; words and numbers as the annotation takes them.
    pub text: String,
    /// Where it was written.
    pub origin: Origin,
}

/// How the text of an attribute is checked.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Text,
    Number { from: i32, to: i32 },
    Words(&'static [(&'static str, &'static str)]),
    Truth,
}

const PREFIX: &str = "rocketmq.consumer.listeners";

const ATTRIBUTES: &[(&str, Kind)] = &[
    (
        "selector_type",
        Kind::Words(&[("TAG", "TAG"), ("SQL92", "SQL92")]),
    ),
    ("selector_expression", Kind::Text),
    (
        "consume_mode",
        Kind::Words(&[("CONCURRENTLY", "CONCURRENTLY"), ("ORDERLY", "ORDERLY")]),
    ),
    (
        "message_model",
        Kind::Words(&[
            ("CLUSTERING", "CLUSTERING"),
            ("BROADCASTING", "BROADCASTING"),
        ]),
    ),
    ("consume_thread_number", Kind::Number { from: 1, to: 1000 }),
    (
        "max_reconsume_times",
        Kind::Number {
            from: -1,
            to: i32::MAX,
        },
    ),
    ("blocking", Kind::Truth),
];

/// Every listener that files and arguments mention, by group and topic.
pub(super) fn read(reader: &mut Reader<'_>) -> Vec<ListenerSettings> {
    let prefix = Key::new(PREFIX);
    let mut named = BTreeMap::<(String, String), Origin>::new();
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

fn one(reader: &mut Reader<'_>, group: String, topic: String, origin: Origin) -> ListenerSettings {
    let key = |name: &str| format!("{PREFIX}.{group}.{topic}.{name}");
    let mut attributes = BTreeMap::new();
    for (name, kind) in ATTRIBUTES {
        if let Some(Filled { text, origin, .. }) = attribute(reader, &key(name), *kind) {
            attributes.insert(*name, AttributeValue { text, origin });
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

fn attribute(reader: &mut Reader<'_>, key: &str, kind: Kind) -> Option<Filled> {
    let value = reader
        .layers
        .find(&Key::new(key))
        .and_then(|_| reader.filled(key))?;
    let text = match kind {
        Kind::Text => reader.text(key)?.text,
        Kind::Number { from, to } => reader.number(key, from..=to)?.to_string(),
        Kind::Words(words) => reader.choice(key, words)?.to_owned(),
        Kind::Truth => reader.truth(key)?.to_string(),
    };
    Some(Filled { text, ..value })
}
