//! The environment, which is asked at every look-up.
//!
//! It is no source like the others, because its keys cannot be listed: only the key that is looked up
//! tells which underscores of a variable's name are dots and which are between words.

use std::collections::HashMap;

use super::entries::SourceEntry;
use super::error::ConfigOrigin;
use super::key::{ConfigKey, squash};

#[derive(Debug, Default)]
pub(super) struct Environment {
    /// Variables by the letters and digits of their names; the shortest name first.
    variables: HashMap<String, Vec<SourceEntry>>,
}

impl Environment {
    pub(super) fn new(variables: &[(String, String)]) -> Self {
        let mut by_letters = HashMap::<String, Vec<SourceEntry>>::new();
        for (name, value) in variables {
            by_letters
                .entry(squash(name))
                .or_default()
                .push(SourceEntry {
                    written: name.clone(),
                    value: value.clone(),
                    origin: ConfigOrigin::Environment(name.clone()),
                });
        }
        for alike in by_letters.values_mut() {
            // As Spring, which asks for the name without the dashes first.
            alike.sort_by_key(|entry| entry.written.len());
        }
        Self {
            variables: by_letters,
        }
    }

    /// The variable that names `key`.
    pub(super) fn find(&self, key: &ConfigKey) -> Option<&SourceEntry> {
        let mut alike = self.variables.get(&key.squashed())?.iter();
        alike.find(|entry| key.is_named_by(&entry.written))
    }

    /// Variables whose name begins with `prefix`, which has letters and digits only; by name.
    pub(super) fn beginning_with(&self, prefix: &str) -> Vec<&SourceEntry> {
        let named = self.variables.iter();
        let named = named.filter(|(name, _)| name.starts_with(prefix));
        let mut found: Vec<_> = named.flat_map(|(_, alike)| alike).collect();
        found.sort_by_key(|entry| &entry.written);
        found
    }
}
