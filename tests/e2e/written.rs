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

/// Whether a source file declares this function, type or constant.
fn declares(source: &str, name: &str) -> bool {
    let kinds = ["fn ", "struct ", "enum ", "trait ", "type ", "const "];
    kinds.iter().any(|kind| {
        let declared = format!("{kind}{name}");
        let mut behind = source.match_indices(&declared).map(|(at, _)| {
            let rest = source.get(at + declared.len()..).unwrap_or_default();
            rest.chars().next().unwrap_or(' ')
        });
        behind.any(|next| !(next.is_alphanumeric() || next == '_'))
    })
}

/// What the tables name right before the file that it is in: `` `Name` in `file` ``, `` `Name` (`file`) ``.
fn names_with_their_file(text: &str) -> Vec<(&str, &str)> {
    let mut names = Vec::new();
    for line in text.lines().filter(|line| line.starts_with('|')) {
        let parts: Vec<_> = line.split('`').collect();
        for at in (1..parts.len()).step_by(2) {
            if let Some([path, " in " | " (", file]) = parts.get(at..at + 3)
                && files_named_in(&format!("`{file}`")).next().is_some()
            {
                names.push((path.rsplit("::").next().unwrap(), *file));
            }
        }
    }
    names
}

#[test]
fn what_the_tables_name_is_declared_in_the_file_behind_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let names = names_with_their_file(&text);

    assert!(names.len() > 10, "{names:#?}");
    for (name, file) in names {
        let source = fs::read_to_string(root.join(file)).unwrap();
        assert!(declares(&source, name), "`{name}` is not in {file}");
    }
}

/// The steps of a journey: lines that begin with a number or `↩`, a file and its function.
fn steps<'a>(text: &'a str, begin: &str, end: &str) -> Vec<(&'a str, &'a str)> {
    let (_, rest) = text.split_once(begin).unwrap();
    let (journey, _) = rest.split_once(end).unwrap();
    let is_step = |line: &&str| {
        let begins_with_number = line.split_once(". ").is_some_and(|(number, _)| {
            !number.is_empty() && number.chars().all(|c| c.is_ascii_digit())
        });
        begins_with_number || line.trim_start().starts_with('↩')
    };
    let steps = journey.lines().filter(is_step).map(|line| {
        let mut quoted = line.split('`').skip(1).step_by(2);
        (quoted.next().unwrap(), quoted.next().unwrap())
    });
    steps.collect()
}

#[test]
fn the_journeys_lead_through_functions_that_are_there_and_seldom_turn_back() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    for (begin, end, most_files, most_steps_back) in [
        ("**A send**", "Within one process", 35, 3),
        (
            "**From an attribute to its handler**",
            "## Invariants",
            25,
            2,
        ),
    ] {
        let steps = steps(&text, begin, end);
        let mut entered = Vec::new();
        let mut steps_back = 0;
        for (file, function) in &steps {
            let source = fs::read_to_string(root.join(file)).unwrap();
            assert!(
                declares(&source, function),
                "{begin} names `{function}`, which {file} has not"
            );
            if entered.contains(file) {
                steps_back += 1;
            } else {
                entered.push(*file);
            }
        }
        assert!(entered.len() > most_files / 2, "{begin}: {entered:#?}");
        assert!(
            entered.len() <= most_files,
            "{begin}: {} files",
            entered.len()
        );
        assert!(
            steps_back <= most_steps_back,
            "{begin}: {steps_back} steps back"
        );
    }
}
