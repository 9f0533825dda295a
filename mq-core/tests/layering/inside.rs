//! Inside a module: its door, `mod.rs`, imports what lies behind it, and nothing behind it imports
//! the door; what several files share lies in a file of its own. Neighbours make no circle.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::paths::{Source, paths, sources};

/// Imports that stay, with the reason: file below the crate, what it names, why.
const EXCEPTIONS: [(&str, &str, &str); 4] = [
    (
        "mq-starter/src/extract/header.rs",
        "HeaderName",
        EXPORTED_MACRO,
    ),
    (
        "mq-starter/src/extract/header.rs",
        "header_name",
        EXPORTED_MACRO,
    ),
    (
        "mq-starter/src/listener/declaration.rs",
        "Selection::of",
        EXPORTED_MACRO,
    ),
    (
        "mq-starter/src/listener/declaration.rs",
        "__listeners_of",
        EXPORTED_MACRO,
    ),
];

/// A path of an exported macro is resolved in the user's crate, which sees the public names only.
const EXPORTED_MACRO: &str = "stands in a macro that expands in the user's crate";

const CRATES: &[&str] = &["mq-core", "mq-starter", "mq-macros", "mq-rules", "mq-bench"];

/// Where doors and floors are apart already.
const DONE: &[&str] = &[
    "mq-core/src/message",
    "mq-core/src/wire",
    "mq-core/src/remoting",
    "mq-core/src/namesrv",
    "mq-core/src/node",
    "mq-core/src/settings",
    "mq-core/src/store",
    "mq-core/src/saved_file",
    "mq-core/src/client",
    "mq-core/src/broker",
    "mq-macros",
    "mq-rules",
    "mq-starter/src",
    "mq-bench",
];

type Modules = BTreeSet<Vec<String>>;

/// Tests may use everything.
fn is_test(source: &Source) -> bool {
    source.modules.iter().any(|module| module == "tests")
}

/// Tests inside of a file stand at its end.
fn without_tests(text: &str) -> &str {
    let tests = text.match_indices("#[cfg(test)]\n").find(|(at, cfg)| {
        let next = text
            .get(at + cfg.len()..)
            .and_then(|rest| rest.lines().next());
        next.is_some_and(|line| line.ends_with("mod tests {"))
    });
    let end = tests.map_or(text.len(), |(at, _)| at);
    text.get(..end).unwrap_or_default()
}

/// The module that `path` leads to, and the item in it, if it names one.
fn resolve<'a>(path: &'a [String], modules: &Modules) -> (&'a [String], Option<&'a String>) {
    let lengths = (0..=path.len()).rev();
    let length = lengths
        .filter(|length| modules.contains(path.get(..*length).unwrap_or_default()))
        .max()
        .unwrap_or(0);
    (path.get(..length).unwrap_or_default(), path.get(length))
}

struct Findings {
    /// File and path for every use of a door from behind it.
    through_doors: BTreeSet<(String, String)>,
    /// For every folder, who uses whom among what lies in it.
    uses: BTreeMap<Vec<String>, BTreeSet<(String, String)>>,
}

fn read(name: &str) -> Findings {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let sources = sources(&root.join("..").join(name).join("src"));
    let modules: Modules = sources
        .iter()
        .map(|source| source.modules.clone())
        .collect();
    let mut findings = Findings {
        through_doors: BTreeSet::new(),
        uses: BTreeMap::new(),
    };
    for source in sources.iter().filter(|source| !is_test(source)) {
        let own = &source.modules;
        for path in paths(without_tests(&source.text), own) {
            let (target, item) = resolve(&path, &modules);
            if target.len() < own.len() && own.starts_with(target) {
                if item.is_some() {
                    let file = format!("{name}/src/{}", source.file.display());
                    findings.through_doors.insert((file, path.join("::")));
                }
                continue;
            }
            let common = own.iter().zip(target).take_while(|(a, b)| a == b).count();
            if let (Some(from), Some(to)) = (own.get(common), target.get(common)) {
                let folder = own.get(..common).unwrap_or_default().to_vec();
                let uses = findings.uses.entry(folder).or_default();
                uses.insert((from.clone(), to.clone()));
            }
        }
    }
    findings
}

/// Takes away, again and again, what uses nothing that is left; what remains goes in circles.
fn circles(uses: &BTreeSet<(String, String)>) -> BTreeSet<(String, String)> {
    let mut left = uses.clone();
    loop {
        let begins: BTreeSet<_> = left.iter().map(|(from, _)| from.clone()).collect();
        let ends: BTreeSet<_> = left.iter().map(|(_, to)| to.clone()).collect();
        let before = left.len();
        left.retain(|(from, to)| begins.contains(to) && ends.contains(from));
        if left.len() == before {
            return left;
        }
    }
}

#[test]
fn nothing_uses_the_door_it_lies_behind() {
    let found: BTreeSet<_> = CRATES
        .iter()
        .flat_map(|name| read(name).through_doors)
        .filter(|(file, _)| DONE.iter().any(|done| file.starts_with(done)))
        .collect();
    let allowed: BTreeSet<_> = EXCEPTIONS
        .iter()
        .map(|(file, path, _)| ((*file).to_owned(), (*path).to_owned()))
        .collect();

    let new: Vec<_> = found.difference(&allowed).collect();
    for (f, p) in &new {
        eprintln!("V {f} {p}");
    }
    assert!(new.is_empty(), "{} imports of a door: {new:#?}", new.len());
    let gone: Vec<_> = allowed.difference(&found).collect();
    assert!(gone.is_empty(), "no exceptions any more: {gone:#?}");
}

#[test]
fn neighbours_make_no_circle() {
    let mut complaints = Vec::new();
    for name in CRATES {
        for (folder, uses) in read(name).uses {
            let circles = circles(&uses);
            let place = format!("{name}/src/{}", folder.join("/"));
            if !circles.is_empty() && DONE.iter().any(|done| place.starts_with(done)) {
                complaints.push(format!("{name}/{}: {circles:?}", folder.join("/")));
            }
        }
    }

    assert!(complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn a_circle_is_found_and_a_way_down_is_none() {
    let uses = |pairs: &[(&str, &str)]| {
        let pair = |(a, b): &(&str, &str)| ((*a).to_owned(), (*b).to_owned());
        pairs.iter().map(pair).collect::<BTreeSet<_>>()
    };

    assert!(circles(&uses(&[("a", "b"), ("b", "c"), ("a", "c")])).is_empty());
    let circle = uses(&[("b", "c"), ("c", "d"), ("d", "b")]);
    let around = uses(&[("a", "b"), ("d", "e")]);
    assert_eq!(circles(&circle.union(&around).cloned().collect()), circle);
}
