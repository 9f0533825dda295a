//! The attributes of topics and how they are changed (`AttributeParser`, `AttributeUtil`,
//! `TopicAttributes`).
//!
//! Invariant: an attribute of a topic is one of [`ATTRIBUTES`] and has one of its values, unless it was
//! read from a file of Apache's broker.

use std::collections::{BTreeMap, BTreeSet};

use bytestring::ByteString;

/// Attributes by name.
pub(in crate::broker) type Attributes = BTreeMap<ByteString, ByteString>;

/// A change of one attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::broker) enum AttributeChange {
    /// `+key=value`.
    Set(ByteString, ByteString),
    /// `-key`.
    Remove(ByteString),
}

/// Why attributes are not changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::broker) enum AttributeError {
    #[error("`{0}` changes no attribute: write +key=value or -key")]
    Format(String),
    #[error("the attribute `{0}` is changed twice")]
    Twice(ByteString),
    #[error("only add attribute is supported while creating topic. key: {0}")]
    RemovedFromNewTopic(ByteString),
    #[error("attempt to delete a nonexistent key: {0}")]
    RemovedButAbsent(ByteString),
    #[error("unsupported key: {0}")]
    Unknown(ByteString),
    #[error("attempt to update an unchangeable attribute. key: {0}")]
    Unchangeable(ByteString),
    #[error("`{value}` is no value of the attribute `{key}`, which is {expected}")]
    Value {
        key: ByteString,
        value: ByteString,
        expected: &'static str,
    },
    #[error("`{value}` of the attribute `{key}` is not built")]
    NotBuilt { key: ByteString, value: ByteString },
}

/// What is known of an attribute.
#[derive(Debug)]
struct Attribute {
    name: &'static str,
    /// Whether it can be changed after the topic was created.
    changeable: bool,
    values: Values,
}

/// Which values an attribute has.
#[derive(Debug)]
enum Values {
    /// One of the first; the others are Apache's and not built.
    OneOf(&'static [&'static str], &'static [&'static str]),
    /// Milliseconds, or -1.
    Time,
}

const ATTRIBUTES: [Attribute; 4] = [
    Attribute {
        name: "queue.type",
        changeable: false,
        values: Values::OneOf(&["SimpleCQ"], &["BatchCQ"]),
    },
    Attribute {
        name: "cleanup.policy",
        changeable: false,
        values: Values::OneOf(&["DELETE"], &["COMPACTION"]),
    },
    Attribute {
        name: "message.type",
        changeable: true,
        values: Values::OneOf(
            &[
                "UNSPECIFIED",
                "NORMAL",
                "FIFO",
                "DELAY",
                "TRANSACTION",
                "MIXED",
            ],
            &[],
        ),
    },
    Attribute {
        name: "reserve.time",
        changeable: true,
        values: Values::Time,
    },
];

impl Attribute {
    fn named(name: &ByteString) -> Result<&'static Self, AttributeError> {
        let mut all = ATTRIBUTES.iter();
        all.find(|attribute| attribute.name == &**name)
            .ok_or_else(|| AttributeError::Unknown(name.clone()))
    }

    fn check(&self, value: &ByteString) -> Result<(), AttributeError> {
        let key = ByteString::from_static(self.name);
        let expected = match self.values {
            Values::OneOf(built, _) if built.contains(&&**value) => return Ok(()),
            Values::OneOf(_, others) if others.contains(&&**value) => {
                let value = value.clone();
                return Err(AttributeError::NotBuilt { key, value });
            }
            Values::OneOf([only], _) => *only,
            Values::OneOf(..) => "UNSPECIFIED, NORMAL, FIFO, DELAY, TRANSACTION or MIXED",
            Values::Time if value.parse::<i64>().is_ok_and(|ms| ms >= -1) => return Ok(()),
            Values::Time => "a number of milliseconds, or -1",
        };
        let value = value.clone();
        Err(AttributeError::Value {
            key,
            value,
            expected,
        })
    }
}

/// The changes of a text such as `+key=value,-key`.
pub(in crate::broker) fn parsed(text: &str) -> Result<Vec<AttributeChange>, AttributeError> {
    let parts = text.split(',').map(str::trim);
    parts
        .filter(|part| !part.is_empty())
        .map(|part| match part.split_once('=') {
            Some((key, value)) => change(key, value),
            None => change(part, ""),
        })
        .collect()
}

/// The changes of a table whose keys begin with `+` or `-`.
pub(in crate::broker) fn listed(
    attributes: &Attributes,
) -> Result<Vec<AttributeChange>, AttributeError> {
    let attributes = attributes.iter();
    attributes.map(|(key, value)| change(key, value)).collect()
}

fn change(key: &str, value: &str) -> Result<AttributeChange, AttributeError> {
    let plain = |name: &str| !name.is_empty() && !name.contains(['+', '-']);
    match (key.strip_prefix('+'), key.strip_prefix('-')) {
        (Some(name), _) if plain(name) => Ok(AttributeChange::Set(name.into(), value.into())),
        (_, Some(name)) if plain(name) => Ok(AttributeChange::Remove(name.into())),
        _ => Err(AttributeError::Format(key.to_owned())),
    }
}

/// The attributes after `changes`; `current` is `None` for a topic that is created.
pub(in crate::broker) fn changed(
    current: Option<&Attributes>,
    changes: &[AttributeChange],
) -> Result<Attributes, AttributeError> {
    let mut attributes = current.cloned().unwrap_or_default();
    let mut seen = BTreeSet::new();
    for change in changes {
        let (AttributeChange::Set(name, _) | AttributeChange::Remove(name)) = change;
        if !seen.insert(name) {
            return Err(AttributeError::Twice(name.clone()));
        }
        match (change, current) {
            (AttributeChange::Remove(name), None) => {
                return Err(AttributeError::RemovedFromNewTopic(name.clone()));
            }
            (AttributeChange::Remove(name), Some(current)) if !current.contains_key(name) => {
                return Err(AttributeError::RemovedButAbsent(name.clone()));
            }
            _ => {}
        }
        let attribute = Attribute::named(name)?;
        if current.is_some() && !attribute.changeable {
            return Err(AttributeError::Unchangeable(name.clone()));
        }
        match change {
            AttributeChange::Set(name, value) => {
                attribute.check(value)?;
                attributes.insert(name.clone(), value.clone());
            }
            AttributeChange::Remove(name) => {
                attributes.remove(name);
            }
        }
    }
    Ok(attributes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pairs: &[(&'static str, &'static str)]) -> Attributes {
        let pairs = pairs.iter();
        pairs
            .map(|(key, value)| (ByteString::from_static(key), ByteString::from_static(value)))
            .collect()
    }

    fn after(current: Option<&Attributes>, text: &str) -> Result<Attributes, AttributeError> {
        changed(current, &parsed(text)?)
    }

    #[test]
    fn attributes_come_change_and_go() {
        let new = after(None, "+message.type=FIFO, +queue.type=SimpleCQ").unwrap();
        assert_eq!(
            new,
            table(&[("message.type", "FIFO"), ("queue.type", "SimpleCQ")])
        );

        let old = after(Some(&new), "-message.type,+reserve.time=-1").unwrap();
        assert_eq!(
            old,
            table(&[("queue.type", "SimpleCQ"), ("reserve.time", "-1")])
        );
        assert_eq!(after(Some(&old), "").unwrap(), old);
        let listed = listed(&table(&[("+message.type", "DELAY")])).unwrap();
        assert_eq!(changed(Some(&old), &listed).unwrap().len(), 3);
    }

    #[test]
    fn what_apache_s_broker_refuses_is_refused() {
        let known = table(&[("message.type", "FIFO")]);
        for (current, text) in [
            (None, "message.type=FIFO"),
            (None, "+=x"),
            (None, "+a+b=x"),
            (None, "-message.type"),
            (None, "+unknown=1"),
            (None, "+message.type=FAST"),
            (None, "+message.type"),
            (None, "+reserve.time=-2"),
            (None, "+reserve.time=soon"),
            (None, "+message.type=FIFO,+message.type=DELAY"),
            (None, "+cleanup.policy=COMPACTION"),
            (Some(&known), "-reserve.time"),
            (Some(&known), "+queue.type=SimpleCQ"),
        ] {
            assert!(after(current, text).is_err(), "{text}");
        }
    }
}
