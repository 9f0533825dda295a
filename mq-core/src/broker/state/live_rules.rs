//! The rules that administrators may change while the broker runs (25), until it stops.
//!
//! Invariant: a change with an error in it changes nothing.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering};

use crate::broker::config::Rules;
use crate::clock::Clock;
use crate::excerpt::excerpt;
use crate::settings::properties;
use crate::wire::body::DataVersion;

/// The keys that can be changed.
const KEYS: [&str; 3] = [
    "autoCreateSubscriptionGroup",
    "autoCreateTopicEnable",
    "brokerPermission",
];

/// The rules as they are now.
#[derive(Debug)]
pub(in crate::broker) struct LiveRules {
    permission: AtomicU32,
    auto_create_topic: AtomicBool,
    auto_create_group: AtomicBool,
    changes: AtomicI64,
    changed_ms: AtomicI64,
    clock: Clock,
}

/// One key with its new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::broker) enum RuleChange {
    AutoCreateGroup(bool),
    AutoCreateTopic(bool),
    Permission(u32),
}

/// Why nothing is changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(in crate::broker) enum RuleError {
    /// The text is no Java properties.
    #[error("string2Properties error: line {line}: {what}")]
    Unreadable { line: u64, what: String },
    /// A key that is known, or not, but cannot be changed.
    #[error(
        "`{0}` cannot be changed while the broker runs: {keys} can; write it to the broker's properties \
         and start it again",
        keys = KEYS.join(", ")
    )]
    NotChangeable(String),
    /// A value that the key does not have.
    #[error("`{key}` is `{value}`, expected {expected}")]
    Value {
        key: &'static str,
        value: String,
        expected: &'static str,
    },
}

impl LiveRules {
    pub(in crate::broker) fn new(rules: &Rules, clock: Clock) -> Self {
        Self {
            permission: AtomicU32::new(rules.permission),
            auto_create_topic: AtomicBool::new(rules.auto_create_topic),
            auto_create_group: AtomicBool::new(rules.auto_create_group),
            changes: AtomicI64::new(0),
            changed_ms: AtomicI64::new(0),
            clock,
        }
    }

    /// Bits of Apache's `PermName`: 4 readable, 2 writable.
    pub(in crate::broker) fn permission(&self) -> u32 {
        self.permission.load(Ordering::Relaxed)
    }

    /// Whether a send may create its topic.
    pub(in crate::broker) fn auto_create_topic(&self) -> bool {
        self.auto_create_topic.load(Ordering::Relaxed)
    }

    /// Whether a consumer may create its group.
    pub(in crate::broker) fn auto_create_group(&self) -> bool {
        self.auto_create_group.load(Ordering::Relaxed)
    }

    /// How often the rules were changed, and when last.
    pub(in crate::broker) fn version(&self) -> DataVersion {
        DataVersion {
            counter: self.changes.load(Ordering::Relaxed),
            state_version: 0,
            timestamp: self.changed_ms.load(Ordering::Relaxed),
        }
    }

    pub(in crate::broker) fn apply(&self, changes: &[RuleChange]) {
        for change in changes {
            match change {
                RuleChange::AutoCreateGroup(on) => {
                    self.auto_create_group.store(*on, Ordering::Relaxed);
                }
                RuleChange::AutoCreateTopic(on) => {
                    self.auto_create_topic.store(*on, Ordering::Relaxed);
                }
                RuleChange::Permission(bits) => self.permission.store(*bits, Ordering::Relaxed),
            }
        }
        self.changed_ms
            .store(self.clock.now_ms(), Ordering::Relaxed);
        self.changes.fetch_add(1, Ordering::Relaxed);
    }
}

/// The changes of a text of Java properties, of which later ones override earlier ones.
pub(in crate::broker) fn parsed(text: &str) -> Result<Vec<RuleChange>, RuleError> {
    let pairs = properties::read(text).map_err(|error| RuleError::Unreadable {
        line: error.line,
        what: error.to_string(),
    })?;
    let changes = pairs
        .iter()
        .map(|pair| change(&pair.key, pair.value.trim()));
    changes.collect()
}

fn change(key: &str, value: &str) -> Result<RuleChange, RuleError> {
    let truth = |key| match value.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(wrong(key, value, "true or false")),
    };
    match key {
        "autoCreateSubscriptionGroup" => {
            truth("autoCreateSubscriptionGroup").map(RuleChange::AutoCreateGroup)
        }
        "autoCreateTopicEnable" => truth("autoCreateTopicEnable").map(RuleChange::AutoCreateTopic),
        "brokerPermission" => match value.parse() {
            Ok(bits @ (2 | 4 | 6)) => Ok(RuleChange::Permission(bits)),
            _ => Err(wrong("brokerPermission", value, "2, 4 or 6")),
        },
        _ => Err(RuleError::NotChangeable(excerpt(key).into_owned())),
    }
}

fn wrong(key: &'static str, value: &str, expected: &'static str) -> RuleError {
    RuleError::Value {
        key,
        value: excerpt(value).into_owned(),
        expected,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rules_of_the_list_are_read_and_no_others() {
        assert_eq!(
            parsed("brokerPermission=4\nautoCreateTopicEnable = FALSE\n"),
            Ok(vec![
                RuleChange::Permission(4),
                RuleChange::AutoCreateTopic(false)
            ])
        );
        assert_eq!(parsed(""), Ok(Vec::new()));
        for refused in [
            "storePathRootDir=/tmp/other",
            "brokerConfigPath=/etc/passwd",
            "flushDiskType=ASYNC_FLUSH",
            "nobodyKnows=1",
        ] {
            let text = format!("brokerPermission=6\n{refused}");
            assert!(
                matches!(parsed(&text), Err(RuleError::NotChangeable(_))),
                "{refused}"
            );
        }
        for wrong in [
            "brokerPermission=0",
            "brokerPermission=7",
            "autoCreateTopicEnable=yes",
            "autoCreateSubscriptionGroup=",
        ] {
            assert!(
                matches!(parsed(wrong), Err(RuleError::Value { .. })),
                "{wrong}"
            );
        }
        assert!(matches!(
            parsed("brokerPermission=\\u00"),
            Err(RuleError::Unreadable { line: 1, .. })
        ));
    }
}
