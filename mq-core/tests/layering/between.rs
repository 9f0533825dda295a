//! Between modules: the table of `ARCHITECTURE.md`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use crate::paths::{paths, sources};

/// Modules in the order in which a message travels, each with those it may use.
const MAY_USE: [(&str, &[&str]); 8] = [
    ("message", &[]),
    ("wire", &["message"]),
    ("remoting", &["message", "wire"]),
    ("store", &["message"]),
    ("namesrv", &["message", "wire", "remoting"]),
    ("broker", &["message", "wire", "remoting", "store"]),
    ("client", &["message", "wire", "remoting"]),
    ("node", &["remoting", "store", "namesrv", "broker"]),
];

/// Open to all; they know none of the others but each other.
const OPEN: [&str; 11] = [
    "clock",
    "tasks",
    "stop",
    "stopping",
    "settings",
    "reason",
    "saved_file",
    "troubles",
    "log_once",
    "excerpt",
    "keyed_fifo",
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

#[test]
fn no_module_uses_one_that_comes_after_it() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = BTreeSet::new();
    let mut complaints = BTreeSet::new();
    for source in sources(&root) {
        let Some(module) = source.modules.first() else {
            continue;
        };
        seen.insert(module.clone());
        for path in paths(&source.text, &source.modules) {
            let other = path.first().map_or("", String::as_str);
            if is_known(other) && !may_use(module, other) {
                complaints.insert(format!("{}: {other}", source.file.display()));
            }
        }
    }

    assert!(
        complaints.is_empty(),
        "against the direction: {complaints:#?}"
    );
    let strange: Vec<_> = seen.iter().filter(|module| !is_known(module)).collect();
    assert!(
        strange.is_empty(),
        "modules without a place in the table: {strange:?}"
    );
    assert!(seen.len() >= 6, "only {seen:?} were read");
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
