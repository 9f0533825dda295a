//! What is written in the texts must be so in the tree.

use std::fs;
use std::path::Path;

/// Paths between backticks that look like a source file of this repository.
fn files_named_in(text: &str) -> impl Iterator<Item = &str> {
    let quoted = text.split('`').skip(1).step_by(2);
    let is_file = |word: &&str| {
        let source = Path::new(word).extension().is_some_and(|end| end == "rs");
        source && word.contains('/') && !word.contains(' ')
    };
    quoted.filter(is_file)
}

#[test]
fn every_file_that_the_architecture_names_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();

    let missing: Vec<_> = files_named_in(&text)
        .filter(|file| !root.join(file).is_file())
        .collect();

    assert!(
        files_named_in(&text).count() > 20,
        "the journeys name no files"
    );
    assert!(
        missing.is_empty(),
        "ARCHITECTURE.md names what is not there: {missing:#?}"
    );
}
