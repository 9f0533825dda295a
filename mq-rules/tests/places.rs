//! What has to be touched for a key of the attribute is what `CONTRIBUTING.md` says.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mq_rules::{KEYS, NOT_BUILT};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| {
        if path.is_dir() {
            sources(&path)
        } else {
            vec![path]
        }
    });
    files
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .collect()
}

/// Letters and digits of every word, so that the spellings of a key are one.
fn words(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let words = text.split(|c| !is_part(c));
    words
        .map(|word| word.replace(['_', '-'], "").to_ascii_lowercase())
        .collect()
}

/// Files of the macro and the starter, tests apart, that name every key: lists of keys.
fn lists() -> BTreeSet<String> {
    let crates = ["mq-rules", "mq-macros", "mq-starter"];
    let files = crates
        .iter()
        .flat_map(|name| sources(&root().join(name).join("src")));
    let is_list = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let words = words(text);
        let is_test = path
            .iter()
            .any(|part| part == "tests" || part == "tests.rs");
        let mut keys = KEYS.iter().map(|key| key.name.replace('_', ""));
        !is_test && keys.all(|key| words.contains(&key))
    };
    let name = |path: PathBuf| {
        let below = path.strip_prefix(root()).unwrap();
        below.to_str().unwrap().to_owned()
    };
    files.filter(is_list).map(name).collect()
}

/// It named one file, when six had a list of the keys.
#[test]
fn the_files_that_contributing_names_for_a_key_are_those_that_list_the_keys() {
    let text = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let mut rows = text.lines();
    let row = rows
        .find(|row| row.starts_with("| a key of an attribute |"))
        .unwrap();
    let quoted = row.split('`').skip(1).step_by(2);
    let named = quoted
        .filter(|word| word.contains("/src/"))
        .map(str::to_owned);

    assert_eq!(named.collect::<BTreeSet<_>>(), lists());
}

#[test]
fn no_name_is_a_key_and_not_built_or_stands_twice() {
    let keys = KEYS
        .iter()
        .flat_map(|key| std::iter::once(&key.name).chain(key.aliases));
    let all: Vec<_> = keys
        .chain(NOT_BUILT.iter().map(|known| &known.name))
        .collect();

    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}
