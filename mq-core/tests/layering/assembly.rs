//! A name server and a broker are put together by `mq_core::node` and nowhere else: what every
//! connection has to pass is wired there once, and no program or test is without it.

use std::path::PathBuf;

use crate::paths::sources;

/// Folders whose sources start servers, or could.
const FOLDERS: [&str; 8] = [
    "mq-core/src",
    "mq-core/tests",
    "mq-server",
    "mq-starter",
    "mq-bench",
    "demo-shop",
    "tests",
    "mq-macros",
];

/// What only the named places say, each place being the beginning of a path.
const SAID_IN: [(&str, &[&str]); 3] = [
    // A broker starts over an open store; what an append costs by itself is measured without one.
    (
        "MessageStore::open(",
        &[
            "mq-core/src/node/",
            "mq-core/src/store/",
            // Its test needs a store and no broker.
            "mq-core/src/broker/background/timer/progress_file.rs",
            // Stores a message as this broker does not, before it starts.
            "mq-core/tests/broker/outlive.rs",
            "mq-bench/src/cases/append.rs",
        ],
    ),
    (
        "NameServer::start(",
        &["mq-core/src/node/", "mq-core/src/namesrv/tests.rs"],
    ),
    (
        "Advertised::of(",
        &["mq-core/src/node/", "mq-core/src/broker/advertised.rs"],
    ),
];

#[test]
fn servers_are_put_together_and_their_address_is_chosen_in_one_place() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut complaints = Vec::new();
    for (said, places) in SAID_IN {
        let mut found = 0;
        for folder in FOLDERS {
            for source in sources(&root.join(folder)) {
                let file = format!("{folder}/{}", source.file.display());
                if file.ends_with("layering/assembly.rs") || !source.text.contains(said) {
                    continue;
                }
                found += 1;
                if !places.iter().any(|place| file.starts_with(place)) {
                    complaints.push(format!("{file}: {said}"));
                }
            }
        }
        assert!(found > 0, "nobody says `{said}` any more");
    }

    assert!(complaints.is_empty(), "{complaints:#?}");
}
