//! Apache's filter and ours say the same of 2,000 generated conditions, each for 24 messages.
//!
//! `tests/interop/conditions/generate --record` writes the files, `tests/interop/run conditions` asks Apache's
//! filter anew.

#![expect(clippy::unwrap_used, reason = "a test says what is wrong by failing")]

use std::fs;
use std::path::Path;

use mq_rules::sql::{Condition, Verdict};

fn lines(name: &str) -> Vec<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apache");
    let text = fs::read_to_string(directory.join(name)).unwrap();
    let whole = text.strip_suffix('\n').unwrap();
    whole.split('\n').map(str::to_owned).collect()
}

fn plain(line: &str) -> String {
    let mut text = String::new();
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        text.push(match c {
            '\\' => match chars.next().unwrap() {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'f' => '\x0c',
                '0' => '\0',
                other => other,
            },
            other => other,
        });
    }
    text
}

fn properties(line: &str) -> Vec<(String, String)> {
    let pairs = line.split('\t').filter_map(|pair| pair.split_once('='));
    pairs
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}

fn verdicts(condition: &str, messages: &[Vec<(String, String)>]) -> String {
    let Ok(condition) = Condition::parse(condition) else {
        return "refused".to_owned();
    };
    let letter = |message: &Vec<(String, String)>| {
        let property = |wanted: &str| {
            let mut properties = message.iter();
            let found = properties.find(|(name, _)| name == wanted);
            found.map(|(_, value)| value.as_str())
        };
        match condition.verdict(property) {
            Verdict::True => 'T',
            Verdict::False => 'F',
            Verdict::Unknown => 'U',
            Verdict::Failed => 'X',
        }
    };
    messages.iter().map(letter).collect()
}

#[test]
fn our_filter_says_what_apache_s_says() {
    let messages: Vec<_> = lines("messages")
        .iter()
        .map(|line| properties(line))
        .collect();
    let (conditions, expected) = (lines("conditions"), lines("verdicts"));
    assert_eq!((conditions.len(), expected.len()), (2_000, 2_000));

    let judged = conditions
        .iter()
        .zip(&expected)
        .filter_map(|(line, expected)| {
            let found = verdicts(&plain(line), &messages);
            (found != *expected)
                .then(|| format!("{line}\n  Apache's {expected}\n  ours     {found}"))
        });
    let different: Vec<_> = judged.collect();

    assert!(
        different.is_empty(),
        "{} differ:\n{}",
        different.len(),
        different.join("\n")
    );
}

/// A set in which everything is refused, or nothing is ever true, would show nothing.
#[test]
fn the_set_has_many_of_every_verdict() {
    let verdicts = lines("verdicts");
    let refused = verdicts.iter().filter(|line| *line == "refused").count();
    assert!((200..1_200).contains(&refused), "{refused} refused");
    for letter in ['T', 'F', 'U', 'X'] {
        let having = verdicts.iter().filter(|line| line.contains(letter));
        assert!(having.count() > 150, "{letter}");
    }
}
