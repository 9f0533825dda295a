//! Which module may use which: the table of `ARCHITECTURE.md`, held against the paths in the source.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Modules in the order in which a message travels, each with those it may use.
const MAY_USE: [(&str, &[&str]); 7] = [
    ("message", &[]),
    ("wire", &["message"]),
    ("remoting", &["message", "wire"]),
    ("store", &["message"]),
    ("namesrv", &["message", "wire", "remoting"]),
    ("broker", &["message", "wire", "remoting", "store"]),
    ("client", &["message", "wire", "remoting"]),
];

/// Open to all; they know none of the others but each other.
const OPEN: [&str; 10] = [
    "clock",
    "tasks",
    "stop",
    "settings",
    "reason",
    "saved_file",
    "troubles",
    "told",
    "excerpt",
    "lines",
];

fn is_known(module: &str) -> bool {
    OPEN.contains(&module) || MAY_USE.iter().any(|(name, _)| *name == module)
}

fn may_use(module: &str, other: &str) -> bool {
    let allowed = MAY_USE.iter().find(|(name, _)| *name == module);
    module == other
        || OPEN.contains(&other)
        || allowed.is_some_and(|(_, others)| others.contains(&other))
}

/// The modules of the crate that `source` names by path, from `depth` modules below its root.
fn used(source: &str, depth: usize) -> BTreeSet<String> {
    let source = without_comments(source);
    let supers = "super::".repeat(depth);
    let mut found = BTreeSet::new();
    for root in ["crate::", &supers] {
        for (at, _) in source.match_indices(root) {
            let before = source.get(..at).unwrap_or_default();
            let rest = source.get(at + root.len()..).unwrap_or_default();
            let whole = !before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':');
            if whole {
                // A module inside of a file has one more `super` to go.
                found.extend(heads(rest.trim_start_matches("super::")));
            }
        }
    }
    found
}

/// The first name of a path, or of every path of a group.
fn heads(path: &str) -> Vec<String> {
    let Some(group) = path.trim_start().strip_prefix('{') else {
        return name(path).into_iter().collect();
    };
    let mut depth = 0;
    let mut heads: Vec<_> = name(group).into_iter().collect();
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.extend(name(group.get(at + 1..).unwrap_or_default())),
            _ => {}
        }
    }
    heads
}

/// A module's name: in lower case, as types and functions of the root are not.
fn name(path: &str) -> Option<String> {
    let path = path.trim_start();
    let end = path.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    let name = path.get(..end.unwrap_or(path.len())).unwrap_or_default();
    let module = name.starts_with(|c: char| c.is_ascii_lowercase()) && name != "self";
    module.then(|| name.to_owned())
}

fn without_comments(source: &str) -> String {
    let code = |line: &str| match line.split_once("//") {
        Some((code, _)) => code.to_owned(),
        None => line.to_owned(),
    };
    source.lines().map(code).collect::<Vec<_>>().join("\n")
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

/// The names of the modules that lead to a file.
fn modules(file: &Path) -> Vec<&str> {
    let parts = file.iter().map(|part| part.to_str().unwrap());
    let names = parts.map(|part| part.strip_suffix(".rs").unwrap_or(part));
    names
        .filter(|name| !matches!(*name, "mod" | "lib"))
        .collect()
}

#[test]
fn no_module_uses_one_that_comes_after_it() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = BTreeSet::new();
    let mut complaints = Vec::new();
    for file in sources(&root) {
        let file = file.strip_prefix(&root).unwrap();
        let modules = modules(file);
        let Some(module) = modules.first() else {
            continue;
        };
        seen.insert((*module).to_owned());
        let source = fs::read_to_string(root.join(file)).unwrap();
        let others = used(&source, modules.len()).into_iter();
        let wrong = others.filter(|other| is_known(other) && !may_use(module, other));
        complaints.extend(wrong.map(|other| format!("{}: {other}", file.display())));
    }

    assert!(
        complaints.is_empty(),
        "against the direction:\n{}",
        complaints.join("\n")
    );
    let strange: Vec<_> = seen.iter().filter(|module| !is_known(module)).collect();
    assert!(
        strange.is_empty(),
        "modules without a place in the table: {strange:?}"
    );
    assert!(seen.len() >= 6, "only {seen:?} were read");
}

#[test]
fn every_way_to_write_a_path_is_seen() {
    for (source, depth, expected) in [
        ("use crate::store::Store;", 2, "store"),
        (
            "use crate::{message::{Tag, id}, broker};",
            2,
            "broker message",
        ),
        (
            "use crate::{\n    clock::Clock,\n    wire::{self, Header},\n};",
            2,
            "clock wire",
        ),
        ("let x = crate::client::Client::new();", 2, "client"),
        ("use super::super::store::Store;", 2, "store"),
        ("use super::store::Store;", 1, "store"),
        ("use super::store::Store;", 2, ""),
        ("use super::super::super::store::Store;", 2, "store"),
        ("// use crate::store::Store;\n//! [`crate::broker`]", 2, ""),
        (
            "use other_crate::store::Store; use ::my::crate::store;",
            2,
            "",
        ),
        ("use crate::Everything;", 2, ""),
    ] {
        let found: Vec<_> = used(source, depth).into_iter().collect();
        assert_eq!(found.join(" "), expected, "{source}");
    }
}

#[test]
fn the_table_has_no_arrow_back() {
    for (place, (module, others)) in MAY_USE.iter().enumerate() {
        for other in *others {
            let before = MAY_USE.iter().position(|(name, _)| name == other).unwrap();
            assert!(before < place, "{module} uses {other}");
        }
    }
    assert!(!may_use("wire", "remoting"));
    assert!(!may_use("store", "wire"));
    assert!(!may_use("client", "store"));
    assert!(!may_use("clock", "message"));
}
