//! Sources that the program adds: whatever implements the `config` crate's `Source`.
//!
//! Invariant: what they say is read once, when the settings are loaded, and obeys the rules that
//! files obey.

use config::{Map, Source, Value, ValueKind};

use super::entries::{SourceEntries, SourceEntry};
use super::error::{ConfigOrigin, ConfigProblem};

/// A source and the name that messages give it.
#[derive(Clone, Debug)]
pub(super) struct AddedSource {
    pub(super) name: String,
    pub(super) source: Box<dyn Source + Send + Sync>,
}

impl AddedSource {
    pub(super) fn read(&self, problems: &mut Vec<ConfigProblem>) -> SourceEntries {
        let mut said = Value::from(Map::<String, Value>::new());
        if let Err(error) = self.source.collect_to(&mut said) {
            let origin = ConfigOrigin::Source(self.name.clone());
            problems.push(ConfigProblem::new(
                origin,
                "",
                format!("not readable: {error}"),
            ));
        }
        let mut entries = Vec::new();
        self.flatten(String::new(), said, &mut entries);
        SourceEntries::new(entries, problems)
    }

    /// Every value as the text that a file would have for it.
    fn flatten(&self, key: String, value: Value, entries: &mut Vec<SourceEntry>) {
        let origin = ConfigOrigin::Source(value.origin().unwrap_or(&self.name).to_owned());
        let value = match value.kind {
            ValueKind::Table(table) => {
                let mut below: Vec<_> = table.into_iter().collect();
                below.sort_by(|(a, _), (b, _)| a.cmp(b));
                for (name, value) in below {
                    let dot = if key.is_empty() { "" } else { "." };
                    self.flatten(format!("{key}{dot}{name}"), value, entries);
                }
                return;
            }
            ValueKind::Array(elements) => {
                for (index, element) in elements.into_iter().enumerate() {
                    self.flatten(format!("{key}[{index}]"), element, entries);
                }
                return;
            }
            ValueKind::Nil => String::new(),
            one => one.to_string(),
        };
        entries.push(SourceEntry {
            written: key,
            value,
            origin,
        });
    }
}
