//! The settings of one source, as a `Source` of the `config` crate.
//!
//! Invariant: keys are canonical and all in one flat table. The crate merges tables key by key, so
//! all spellings of a key count as one, and a key may have a value as well as keys below it. A list
//! is one array, which the crate replaces as a whole.

use std::collections::BTreeMap;

use config::{ConfigError, Map, Source, Value, ValueKind};

use super::error::{ConfigOrigin, ConfigProblem};
use super::key::ConfigKey;

/// The name of the table that holds all settings. The crate parses top-level keys as paths with dots
/// and brackets, and refuses those that are none, such as a topic `%RETRY%shop`; it takes the keys of
/// a table as they are.
pub(super) const SETTINGS_TABLE: &str = "settings";

/// One value of one source.
#[derive(Clone, Debug)]
pub(super) struct SourceEntry {
    /// The key as its writer spelled it.
    pub(super) written: String,
    pub(super) value: String,
    pub(super) origin: ConfigOrigin,
}

/// The settings of a file or of a source that the program adds; a list replaces a weaker list.
#[derive(Clone, Debug)]
pub(super) struct SourceEntries(pub(super) Vec<SourceEntry>);

/// Arguments and what the program sets: each is one value, and may replace one element of a weaker
/// list.
#[derive(Clone, Debug)]
pub(super) struct Overrides(pub(super) Vec<SourceEntry>);

impl SourceEntries {
    /// Complains of keys that are set twice, in whatever spelling.
    pub(super) fn new(entries: Vec<SourceEntry>, problems: &mut Vec<ConfigProblem>) -> Self {
        let mut first = BTreeMap::<ConfigKey, &SourceEntry>::new();
        for entry in &entries {
            if let Some(first) = first.insert(ConfigKey::new(&entry.written), entry) {
                problems.push(ConfigProblem::new(
                    entry.origin.clone(),
                    &entry.written,
                    format!(
                        "is set twice, at {} already as `{}`",
                        first.origin, first.written
                    ),
                ));
            }
        }
        Self(entries)
    }
}

impl Source for SourceEntries {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let mut table = Map::new();
        // Values first, because a source may have both a value and list elements under one key.
        let is_element = |entry: &&SourceEntry| ConfigKey::new(&entry.written).list().is_some();
        let (elements, values): (Vec<_>, Vec<_>) = self.0.iter().partition(is_element);
        for entry in values.into_iter().chain(elements) {
            put(&mut table, entry);
        }
        Ok(Map::from([(SETTINGS_TABLE.to_owned(), table.into())]))
    }
}

impl Source for Overrides {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        SourceEntries(self.0.clone()).collect()
    }

    fn collect_to(&self, weaker: &mut Value) -> Result<(), ConfigError> {
        if let ValueKind::Table(all) = &mut weaker.kind {
            let settings = all
                .entry(SETTINGS_TABLE.to_owned())
                .or_insert_with(|| Map::<_, Value>::new().into());
            if let ValueKind::Table(table) = &mut settings.kind {
                for entry in &self.0 {
                    put(table, entry);
                }
            }
        }
        Ok(())
    }
}

/// A value replaces what its key had; an element is added to it.
fn put(table: &mut Map<String, Value>, entry: &SourceEntry) {
    let key = ConfigKey::new(&entry.written);
    let value = Value::new(Some(&entry.origin.to_string()), entry.value.as_str());
    let Some((list, element)) = key.list() else {
        table.insert(key.as_str().to_owned(), value);
        return;
    };
    let at = |element: &str, value| Value::from(Map::from([(element.to_owned(), value)]));
    let element = at(element, value);
    let list = table.entry(list.to_owned()).or_default();
    match &mut list.kind {
        ValueKind::Array(elements) => elements.push(element),
        ValueKind::Nil => list.kind = ValueKind::Array(vec![element]),
        _ => {
            let value = std::mem::take(list);
            list.kind = ValueKind::Array(vec![at("", value), element]);
        }
    }
}

/// Canonical keys and values of the table that [`put`] filled.
pub(super) fn leaves(table: Map<String, Value>) -> Vec<(String, Value)> {
    let mut leaves = Vec::with_capacity(table.len());
    for (key, value) in table {
        match value.kind {
            ValueKind::Array(elements) => {
                let elements = elements.into_iter().flat_map(Value::into_table).flatten();
                leaves.extend(elements.map(|(element, value)| {
                    let dot = if element.is_empty() { "" } else { "." };
                    (format!("{key}{dot}{element}"), value)
                }));
            }
            _ => leaves.push((key, value)),
        }
    }
    leaves
}
