//! All sources laid over each other: one value per key, and where it came from.
//!
//! Our own rather than the `config` crate's: there the first unreadable file hides what is wrong
//! with the others, spellings of one key are different keys, and a value knows no line.
//!
//! Invariant: files and arguments are merged when they are read; the environment is asked at every
//! look-up, because only the key that is looked for tells where a variable's dots and dashes were.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use mq_core::settings::properties::Pair;

use super::error::{ConfigProblem, Origin};
use super::key::{Key, squash};

/// One value of one source.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key as its writer spelled it.
    pub(super) written: String,
    pub(super) value: String,
    pub(super) origin: Origin,
}

/// The strongest value of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found<'a> {
    pub(super) value: &'a str,
    pub(super) written: &'a str,
    pub(super) origin: &'a Origin,
}

#[derive(Debug)]
pub(super) struct Layers {
    entries: BTreeMap<Key, Entry>,
    /// By name without anything but letters and digits; the shortest name first.
    environment: HashMap<String, Vec<Entry>>,
}

impl Layers {
    pub(super) fn new(variables: &[(String, String)]) -> Self {
        let mut environment = HashMap::<String, Vec<Entry>>::new();
        for (name, value) in variables {
            environment.entry(squash(name)).or_default().push(Entry {
                written: name.clone(),
                value: value.clone(),
                origin: Origin::Environment(name.clone()),
            });
        }
        for alike in environment.values_mut() {
            // As Spring, which asks for the name without the dashes first.
            alike.sort_by_key(|entry| entry.written.len());
        }
        Self {
            entries: BTreeMap::new(),
            environment,
        }
    }

    /// Lays one value over what is there.
    pub(super) fn put(&mut self, written: &str, value: &str, origin: Origin) {
        let entry = Entry {
            written: written.to_owned(),
            value: value.to_owned(),
            origin,
        };
        let key = Key::new(written);
        self.forget_list(&key);
        self.entries.insert(key, entry);
    }

    /// Lays a whole file over what is there. A list replaces a weaker list, it does not mix.
    pub(super) fn put_file(
        &mut self,
        path: &Path,
        written: Vec<Pair>,
        problems: &mut Vec<ConfigProblem>,
    ) {
        let mut own = BTreeMap::<Key, Entry>::new();
        for Pair { key, value, line } in written {
            let path = path.to_owned();
            let entry = Entry {
                written: key.clone(),
                value,
                origin: Origin::File { path, line },
            };
            if let Some(first) = own.insert(Key::new(&key), entry.clone()) {
                problems.push(ConfigProblem::new(
                    entry.origin,
                    key,
                    format!(
                        "is set twice, at {} already as `{}`",
                        first.origin, first.written
                    ),
                ));
            }
        }
        for key in own.keys() {
            let list = key
                .as_str()
                .split_once(".[")
                .map(|(list, _)| Key::new(list));
            self.forget_list(list.as_ref().unwrap_or(key));
            if let Some(list) = list {
                self.entries.remove(&list);
            }
        }
        self.entries.append(&mut own);
    }

    fn forget_list(&mut self, key: &Key) {
        self.entries
            .retain(|other, _| !other.below(key).is_some_and(|rest| rest.starts_with('[')));
    }

    /// The strongest value of `key`.
    pub(super) fn find(&self, key: &Key) -> Option<Found<'_>> {
        let entry = self.entries.get(key);
        let above =
            entry.filter(|entry| matches!(entry.origin, Origin::Argument(_) | Origin::Program));
        let variable = || {
            let mut alike = self.environment.get(&key.squashed())?.iter();
            alike.find(|entry| key.is_named_by(&entry.written))
        };
        above.or_else(variable).or(entry).map(Found::from)
    }

    /// Values of a list, in order.
    pub(super) fn elements(&self, key: &Key) -> Vec<Found<'_>> {
        (0..)
            .map_while(|index| self.entries.get(&Key::new(&format!("{key}[{index}]"))))
            .map(Found::from)
            .collect()
    }

    /// Everything from files and arguments below `prefix`, by key.
    pub(super) fn below<'a>(&'a self, prefix: &Key) -> impl Iterator<Item = (&'a Key, Found<'a>)> {
        let prefix = prefix.clone();
        self.entries
            .iter()
            .filter(move |(key, _)| key.below(&prefix).is_some())
            .map(|(key, entry)| (key, Found::from(entry)))
    }

    /// Everything from files and arguments, by key.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Key, Found<'_>)> {
        let entries = self.entries.iter();
        entries.map(|(key, entry)| (key, Found::from(entry)))
    }

    /// Environment variables whose name begins with `prefix`, which has letters and digits only.
    pub(super) fn variables(&self, prefix: &str) -> impl Iterator<Item = Found<'_>> {
        let named = self.environment.iter();
        let mut found: Vec<_> = named
            .filter(|(name, _)| name.starts_with(prefix))
            .flat_map(|(_, alike)| alike.iter().map(Found::from))
            .collect();
        found.sort_by_key(|found| found.written);
        found.into_iter()
    }
}

impl<'a> From<&'a Entry> for Found<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self {
            value: &entry.value,
            written: &entry.written,
            origin: &entry.origin,
        }
    }
}
