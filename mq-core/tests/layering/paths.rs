//! The source files of a crate, and the paths that a file names.

use std::fs;
use std::path::{Path, PathBuf};

/// One source file of a crate.
pub(crate) struct Source {
    /// Its path below `src`.
    pub(crate) file: PathBuf,
    /// The names of the modules that lead to it; none for the root.
    pub(crate) modules: Vec<String>,
    pub(crate) text: String,
}

/// All source files below `root`, sorted by path.
pub(crate) fn sources(root: &Path) -> Vec<Source> {
    let mut files = files(root);
    files.sort();
    let source = |path: PathBuf| {
        let file = path.strip_prefix(root).unwrap().to_owned();
        Source {
            modules: modules(&file),
            text: fs::read_to_string(&path).unwrap(),
            file,
        }
    };
    files.into_iter().map(source).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files = entries.flat_map(|path| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    });
    files
        .filter(|path| path.extension().is_some_and(|kind| kind == "rs"))
        .collect()
}

fn modules(file: &Path) -> Vec<String> {
    let parts = file.iter().map(|part| part.to_str().unwrap());
    let names = parts.map(|part| part.strip_suffix(".rs").unwrap_or(part));
    names
        .filter(|name| !matches!(*name, "mod" | "lib"))
        .map(str::to_owned)
        .collect()
}

/// Every path of the crate that `text` names, from the crate's root; `modules` lead to the text.
pub(crate) fn paths(text: &str, modules: &[String]) -> Vec<Vec<String>> {
    let text = without_comments(text);
    let mut found = Vec::new();
    for root in ["crate::", "super::"] {
        for (at, _) in text.match_indices(root) {
            let before = text.get(..at).unwrap_or_default();
            if before.ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut rest = text.get(at + root.len()..).unwrap_or_default();
            let mut base = match root {
                "crate::" => Vec::new(),
                _ => parent(modules),
            };
            while let Some(further) = rest.strip_prefix("super::") {
                base = parent(&base);
                rest = further;
            }
            if rest.starts_with("super)") {
                // `pub(in super::super)` names a module.
                base = parent(&base);
                rest = "";
            }
            read_tree(rest, &base, &mut found);
        }
    }
    found
}

fn parent(modules: &[String]) -> Vec<String> {
    let length = modules.len().saturating_sub(1);
    modules.get(..length).unwrap_or_default().to_vec()
}

/// Adds the paths of a tree as in `use`, and gives back what comes behind it.
fn read_tree<'a>(text: &'a str, base: &[String], found: &mut Vec<Vec<String>>) -> &'a str {
    let text = text.trim_start();
    if let Some(mut rest) = text.strip_prefix('{') {
        while !rest.trim_start().starts_with('}') {
            rest = read_tree(rest, base, found).trim_start();
            match rest.strip_prefix(',') {
                Some(further) => rest = further,
                None => break,
            }
        }
        let rest = rest.trim_start();
        return rest.strip_prefix('}').unwrap_or(rest);
    }
    let length = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '*'))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(length);
    let mut path = base.to_vec();
    if !matches!(name, "self" | "*" | "") {
        path.push(name.to_owned());
    }
    if let Some(further) = rest.strip_prefix("::") {
        return read_tree(further, &path, found);
    }
    found.push(path);
    let renamed = rest.trim_start().strip_prefix("as ");
    renamed.map_or(rest, |name| {
        name.trim_start_matches(|c: char| c.is_alphanumeric() || c == '_')
    })
}

fn without_comments(text: &str) -> String {
    let code = |line: &str| match line.split_once("//") {
        Some((code, _)) => code.to_owned(),
        None => line.to_owned(),
    };
    text.lines().map(code).collect::<Vec<_>>().join("\n")
}

#[test]
fn every_way_to_write_a_path_is_seen() {
    for (text, modules, expected) in [
        ("use crate::store::Store;", "a b", "store::Store"),
        (
            "use crate::{message::{Tag, id as other}, broker};",
            "a b",
            "message::Tag message::id broker",
        ),
        (
            "use crate::{\n    clock::Clock,\n    wire::{self, Header},\n};",
            "a b",
            "clock::Clock wire wire::Header",
        ),
        (
            "let x = crate::client::Client::new();",
            "a",
            "client::Client::new",
        ),
        ("use super::super::store::Store;", "a b", "store::Store"),
        ("use super::store::Store;", "a", "store::Store"),
        (
            "use super::store::{Store, of::*};",
            "a b",
            "a::store::Store a::store::of",
        ),
        ("pub(super) fn x(); pub(in crate::a) y", "a b", "a"),
        ("pub(in super::super) fn x()", "a b c", "a"),
        (
            "// use crate::store::Store;\n//! [`crate::broker`]",
            "a",
            "",
        ),
        (
            "use other_crate::store::Store; use ::my::crate::store;",
            "a",
            "",
        ),
        ("use crate::Everything;", "a", "Everything"),
    ] {
        let modules: Vec<_> = modules.split(' ').map(str::to_owned).collect();
        let found = paths(text, &modules);
        let found: Vec<_> = found.iter().map(|path| path.join("::")).collect();
        assert_eq!(found.join(" "), expected, "{text}");
    }
}
