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
fn every_file_that_the_texts_name_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for (name, at_least) in [("ARCHITECTURE.md", 20), ("CONTRIBUTING.md", 2)] {
        let text = fs::read_to_string(root.join(name)).unwrap();
        // A file that is still to be written bears the name of an unknown.
        let files = files_named_in(&text).filter(|file| !file.ends_with("/x.rs"));

        let missing: Vec<_> = files.filter(|file| !root.join(file).is_file()).collect();

        assert!(
            files_named_in(&text).count() > at_least,
            "{name} names no files"
        );
        assert!(
            missing.is_empty(),
            "{name} names what is not there: {missing:#?}"
        );
    }
}
