//! All sources merged: one value for each key, and its origin.
//!
//! The `config` crate merges them, weakest first; its result is read here by canonical key.
//! Invariant: a value keeps the spelling and the origin that its source gave it.

use std::collections::{BTreeMap, HashMap};

use config::builder::DefaultState;
use config::{Config, ConfigBuilder};

use super::entries::{Overrides, SETTINGS_TABLE, SourceEntries, SourceEntry, leaves};
use super::environment::Environment;
use super::error::ConfigOrigin;
use super::key::ConfigKey;

/// The strongest value of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) value: &'a str,
    pub(super) written: &'a str,
    pub(super) origin: &'a ConfigOrigin,
}

#[derive(Debug, Default)]
pub(super) struct ConfigLayers {
    entries: BTreeMap<ConfigKey, SourceEntry>,
    environment: Environment,
}

impl ConfigLayers {
    /// `sources` weakest first; the environment stands between them and `overrides`.
    pub(super) fn new(
        sources: &[SourceEntries],
        environment: Environment,
        overrides: &Overrides,
    ) -> Self {
        // The crate keeps only a text as the origin of a value; that text leads back to the entry
        // with its typed origin and its spelling.
        let said = sources.iter().flat_map(|source| &source.0);
        let said = said.chain(&overrides.0).map(|entry| {
            let key = ConfigKey::new(&entry.written);
            ((key.as_str().to_owned(), entry.origin.to_string()), entry)
        });
        let said: HashMap<_, _> = said.collect();
        let sources = sources.iter().cloned();
        let builder = sources.fold(Config::builder(), ConfigBuilder::<DefaultState>::add_source);
        let merged = builder.add_source(overrides.clone()).build();
        let merged = merged.and_then(|merged| merged.get_table(SETTINGS_TABLE));
        let strongest = leaves(merged.expect("what was read before cannot fail here"));
        let entries = strongest.into_iter().filter_map(|(key, value)| {
            let SourceEntry {
                written, origin, ..
            } = said.get(&(key, value.origin()?.to_owned()))?;
            let entry = SourceEntry {
                written: written.clone(),
                origin: origin.clone(),
                value: value.into_string().ok()?,
            };
            Some((ConfigKey::new(written), entry))
        });
        Self {
            entries: entries.collect(),
            environment,
        }
    }

    /// The strongest value of `key`.
    pub(super) fn find(&self, key: &ConfigKey) -> Option<Found<'_>> {
        let entry = self.entries.get(key);
        let above = entry.filter(|entry| {
            matches!(
                entry.origin,
                ConfigOrigin::Argument(_) | ConfigOrigin::Program
            )
        });
        let variable = || self.environment.find(key);
        above.or_else(variable).or(entry).map(Found::from)
    }

    /// Values of a list, in order.
    pub(super) fn elements(&self, key: &ConfigKey) -> Vec<Found<'_>> {
        (0..)
            .map_while(|index| {
                self.entries
                    .get(&ConfigKey::new(&format!("{key}[{index}]")))
            })
            .map(Found::from)
            .collect()
    }

    /// Everything from files and arguments below `prefix`, by key.
    pub(super) fn below<'a>(
        &'a self,
        prefix: &ConfigKey,
    ) -> impl Iterator<Item = (&'a ConfigKey, Found<'a>)> {
        let prefix = prefix.clone();
        self.entries
            .iter()
            .filter(move |(key, _)| key.below(&prefix).is_some())
            .map(|(key, entry)| (key, Found::from(entry)))
    }

    /// Everything from files and arguments, by key.
    pub(super) fn all(&self) -> impl Iterator<Item = (&ConfigKey, Found<'_>)> {
        let entries = self.entries.iter();
        entries.map(|(key, entry)| (key, Found::from(entry)))
    }

    /// Environment variables whose name begins with `prefix`, which has letters and digits only.
    pub(super) fn variables(&self, prefix: &str) -> impl Iterator<Item = Found<'_>> {
        let named = self.environment.beginning_with(prefix).into_iter();
        named.map(Found::from)
    }
}

impl<'a> From<&'a SourceEntry> for Found<'a> {
    fn from(entry: &'a SourceEntry) -> Self {
        Self {
            value: &entry.value,
            written: &entry.written,
            origin: &entry.origin,
        }
    }
}
