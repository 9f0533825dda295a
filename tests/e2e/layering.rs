//! No arrow against the direction: which module of mq-core may use which.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module and those it may use. `clock`, `tasks` and `settings` are open to all.
const MAY_USE: &[(&str, &[&str])] = &[
    ("clock", &[]),
    ("tasks", &["clock"]),
    ("settings", &[]),
    ("message", &[]),
    ("wire", &["message"]),
    ("remoting", &["message", "wire"]),
    ("store", &["message"]),
    ("namesrv", &["message", "wire", "remoting"]),
    ("broker", &["message", "wire", "remoting", "store"]),
    ("client", &["message", "wire", "remoting"]),
];
const OPEN_TO_ALL: &[&str] = &["clock", "tasks", "settings"];
const ALONE: &[&str] = &["clock", "settings"];

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// Code without comments, and without what only tests use.
fn production_code(text: &str) -> String {
    let code = text
        .lines()
        .take_while(|line| line.trim() != "#[cfg(test)]");
    let code = code.filter(|line| !line.trim_start().starts_with("//"));
    code.collect::<Vec<_>>().join("\n")
}

/// The modules behind `crate::` and `mq_core::`, in braces too.
fn modules_used(code: &str) -> BTreeSet<String> {
    let mut used = BTreeSet::new();
    for marker in ["crate::", "::mq_core::", "use mq_core::"] {
        for (at, _) in code.match_indices(marker) {
            let rest = &code[at + marker.len()..];
            match rest.strip_prefix('{') {
                None => used.insert(first_word(rest)),
                Some(list) => {
                    used.extend(top_level(list).iter().map(|part| first_word(part)));
                    true
                }
            };
        }
    }
    used
}

/// The parts of a `{…}` list that stand directly in it.
fn top_level(list: &str) -> Vec<String> {
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            c if depth == 0 => parts.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    parts
}

fn first_word(text: &str) -> String {
    text.trim()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

#[test]
fn no_module_of_mq_core_uses_one_to_its_right() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .join("mq-core/src");
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut files = Vec::new();
    sources(&source, &mut files);
    let mut wrong = Vec::new();
    let mut arrows = 0;
    for file in files {
        let inside = file.strip_prefix(&source).unwrap();
        let own = inside
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap();
        let own = own.trim_end_matches(".rs");
        if own == "lib" || inside.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let may_use = allowed
            .get(own)
            .unwrap_or_else(|| panic!("`{own}` is not in the table"));
        for used in modules_used(&production_code(&fs::read_to_string(&file).unwrap())) {
            let open = OPEN_TO_ALL.contains(&&*used) && !ALONE.contains(&own);
            if !allowed.contains_key(&*used) || used == own {
                continue;
            }
            arrows += 1;
            if !open && !may_use.contains(&&*used) {
                wrong.push(format!("{}: {own} uses {used}", inside.display()));
            }
        }
    }

    assert!(arrows > 20, "the scan finds no arrows any more");
    assert!(wrong.is_empty(), "arrows against the direction: {wrong:#?}");
}

#[test]
fn the_scan_sees_every_way_to_write_a_path() {
    let code = "use crate::wire::Head;\nuse crate::{clock::Clock, message::{A, B}};\nfn f() { crate::store::x() }";

    let used = modules_used(code);

    assert_eq!(
        used.into_iter().collect::<Vec<_>>(),
        ["clock", "message", "store", "wire"]
    );
}
