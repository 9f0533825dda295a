//! Reads YAML files, and remembers the line of every value.
//!
//! Invariant: a scalar keeps the text it was written with (`04` stays `04`, `1.10` stays `1.10`). The
//! type that it is read as decides what it means, not YAML.

use std::fmt;

use mq_core::settings::properties::Pair;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_saphyr::Spanned;

/// Keys (dotted) and values of `text`, or the line and reason that make it unreadable.
pub(super) fn read(text: &str) -> Result<Vec<Pair>, (u64, String)> {
    let options = serde_saphyr::options! { with_snippet: false };
    let root: Option<Spanned<YamlNode>> =
        serde_saphyr::from_str_with_options(text, options).map_err(|e| complaint(&e))?;
    let mut written = Vec::new();
    if let Some(root) = root {
        match root.value {
            YamlNode::Table(_) | YamlNode::Nothing => flatten(text, "", &root, &mut written),
            _ => return Err((root.referenced.line(), "expected `key: value`".to_owned())),
        }
    }
    Ok(written)
}

fn complaint(error: &serde_saphyr::Error) -> (u64, String) {
    let line = error.location().map_or(1, |location| location.line());
    let what = match error.without_snippet() {
        serde_saphyr::Error::MultipleDocuments { .. } => {
            "has a second document: write a file of its own for each profile, such as \
             application-dev.yml"
                .to_owned()
        }
        serde_saphyr::Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("`{key}` stands here for the second time: put what is below it together")
        }
        error => format!("not readable as YAML: {error}"),
    };
    (line, what)
}

fn flatten(text: &str, key: &str, node: &Spanned<YamlNode>, written: &mut Vec<Pair>) {
    match &node.value {
        YamlNode::Table(entries) => {
            for (name, value) in entries {
                flatten(text, &child(key, name), value, written);
            }
        }
        YamlNode::List(elements) => {
            for (index, element) in elements.iter().enumerate() {
                flatten(text, &format!("{key}[{index}]"), element, written);
            }
        }
        YamlNode::Nothing if key.is_empty() => {}
        YamlNode::Nothing => written.push(leaf(key, String::new(), node)),
        YamlNode::Text(value) => written.push(leaf(key, value.clone(), node)),
        YamlNode::Plain(meant) => {
            let as_written = source(text, node).unwrap_or(meant);
            written.push(leaf(key, as_written.to_owned(), node));
        }
    }
}

fn child(key: &str, name: &str) -> String {
    if key.is_empty() {
        name.to_owned()
    } else {
        format!("{key}.{name}")
    }
}

fn leaf(key: &str, value: String, node: &Spanned<YamlNode>) -> Pair {
    Pair {
        key: key.to_owned(),
        value,
        line: node.referenced.line(),
    }
}

/// The characters a scalar was written with.
fn source<'a>(text: &'a str, node: &Spanned<YamlNode>) -> Option<&'a str> {
    let span = node.defined.span();
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    let slice = text.get(start..start.checked_add(length)?)?.trim();
    (!slice.is_empty()).then_some(slice)
}

/// A YAML node with its scalars as text.
enum YamlNode {
    Nothing,
    /// Quoted, or not readable as anything but text.
    Text(String),
    /// A number or a truth value; its own text is in the file.
    Plain(String),
    List(Vec<Spanned<Self>>),
    Table(Vec<(String, Spanned<Self>)>),
}

impl<'de> Deserialize<'de> for YamlNode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = YamlNode;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value, a list or a table")
    }

    fn visit_unit<E: Error>(self) -> Result<YamlNode, E> {
        Ok(YamlNode::Nothing)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<YamlNode, E> {
        Ok(YamlNode::Plain(value.to_string()))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<YamlNode, E> {
        Ok(YamlNode::Plain(value.to_string()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<YamlNode, E> {
        Ok(YamlNode::Plain(value.to_string()))
    }

    fn visit_i128<E: Error>(self, value: i128) -> Result<YamlNode, E> {
        Ok(YamlNode::Plain(value.to_string()))
    }

    fn visit_u128<E: Error>(self, value: u128) -> Result<YamlNode, E> {
        Ok(YamlNode::Plain(value.to_string()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<YamlNode, E> {
        Ok(YamlNode::Plain(value.to_string()))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<YamlNode, E> {
        Ok(YamlNode::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<YamlNode, A::Error> {
        let mut list = Vec::new();
        while let Some(element) = elements.next_element()? {
            list.push(element);
        }
        Ok(YamlNode::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<YamlNode, A::Error> {
        let mut table = Vec::new();
        while let Some(entry) = entries.next_entry()? {
            table.push(entry);
        }
        Ok(YamlNode::Table(table))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Vec<(String, String, u64)> {
        let written = read(text).unwrap();
        written
            .into_iter()
            .map(|w| (w.key, w.value, w.line))
            .collect()
    }

    #[test]
    fn values_keep_their_text_and_their_line() {
        let cases = [
            ("a: 04", "a", "04", 1),
            ("# note\na:\n  b: 1.10 # why", "a.b", "1.10", 3),
            ("a.b: yes", "a.b", "yes", 1),
            ("a: \"007\"", "a", "007", 1),
            ("a: '订单'", "a", "订单", 1),
            ("a: 'é'\nb: 3", "b", "3", 2),
            ("a: localhost:9876", "a", "localhost:9876", 1),
            ("a: ${N:127.0.0.1:9876}", "a", "${N:127.0.0.1:9876}", 1),
            ("a: 0x10", "a", "0x10", 1),
            ("a: { b: 7, c: 8 }", "a.b", "7", 1),
            ("8011: on", "8011", "on", 1),
            (
                "a: 12345678901234567890123",
                "a",
                "12345678901234567890123",
                1,
            ),
            ("a:\n  - x\n  - 02", "a[1]", "02", 3),
            ("a: &x 05\nb: *x", "b", "05", 2),
        ];
        for (text, key, value, line) in cases {
            let found = pairs(text);
            let expected = (key.to_owned(), value.to_owned(), line);
            assert!(found.contains(&expected), "{text}: {found:?}");
        }
    }

    #[test]
    fn an_empty_file_and_an_empty_value_are_no_errors() {
        assert_eq!(pairs(""), []);
        assert_eq!(pairs("# only a note\n"), []);
        assert_eq!(pairs("a:\n"), [("a".to_owned(), String::new(), 1)]);
    }

    #[test]
    fn broken_yaml_names_its_line() {
        let cases = [
            ("a: 1\nb: [1, 2\n", 2..=4),
            ("a: 1\n\tb: 2", 1..=2),
            ("a: 1\na: 2", 2..=2),
            ("- a\n- b", 1..=1),
            ("a: 1\n---\nb: 2", 3..=3),
        ];
        for (text, lines) in cases {
            let (line, what) = read(text).err().unwrap_or_default();
            assert!(lines.contains(&line), "{text}: {line} {what}");
        }
    }
}
