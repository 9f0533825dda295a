//! Fills `${key:default}` from all sources.
//!
//! Invariant: filling ends. A key that needs itself is a cycle and is reported with all keys of it;
//! nesting deeper than [`MAX_NESTING`] is refused.

use super::key::ConfigKey;
use super::layers::ConfigLayers;

/// Values within values (and defaults within defaults) up to this depth are filled.
const MAX_NESTING: usize = 32;

/// Why a text with placeholders cannot be filled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlaceholderError {
    /// Nobody sets the key, and the placeholder has no default.
    #[error("`${{{key}}}` is set nowhere and has no default, set `{key}` or write `${{{key}:…}}`")]
    Unset {
        /// The key inside the braces.
        key: String,
    },
    /// The key is a list or a heading.
    #[error("`${{{key}}}` is no single value, there is `{below}`")]
    NotOneValue {
        /// The key inside the braces.
        key: String,
        /// A key below it, as it was written.
        below: String,
    },
    /// The key's value needs the key itself.
    #[error("`${{{}}}` needs itself: {}", way.last().map_or("", String::as_str), way.join(" → "))]
    Cycle {
        /// The keys on the way, the first and the last being the same.
        way: Vec<String>,
    },
    /// `${` without its `}`.
    #[error("`{text}` has a `${{` that is not closed")]
    Unclosed {
        /// The text as it was given.
        text: String,
    },
    /// Placeholders are nested too deep.
    #[error("placeholders are nested more than {MAX_NESTING} deep")]
    TooDeep,
}

/// `text` with every placeholder filled; `\${` stands for `${` itself.
pub(super) fn fill(layers: &ConfigLayers, text: &str) -> Result<String, PlaceholderError> {
    Filling {
        layers,
        way: Vec::new(),
        depth: 0,
    }
    .fill(text)
}

struct Filling<'a> {
    layers: &'a ConfigLayers,
    /// Keys whose values are being filled right now.
    way: Vec<ConfigKey>,
    depth: usize,
}

impl Filling<'_> {
    fn fill(&mut self, text: &str) -> Result<String, PlaceholderError> {
        if self.depth > MAX_NESTING {
            return Err(PlaceholderError::TooDeep);
        }
        self.depth = self.depth.saturating_add(1);
        let mut filled = String::with_capacity(text.len());
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${") {
            if let Some(before) = before.strip_suffix('\\') {
                filled.push_str(before);
                filled.push_str("${");
                rest = after;
                continue;
            }
            filled.push_str(before);
            let (inner, after) = close(after).ok_or_else(|| PlaceholderError::Unclosed {
                text: text.to_owned(),
            })?;
            filled.push_str(&self.one(inner)?);
            rest = after;
        }
        filled.push_str(rest);
        self.depth = self.depth.saturating_sub(1);
        Ok(filled)
    }

    /// What stands for `${inner}`.
    fn one(&mut self, inner: &str) -> Result<String, PlaceholderError> {
        let (name, default) = match split_default(inner) {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        let name = self.fill(name)?;
        let key = ConfigKey::new(&name);
        let Some(found) = self.layers.find(&key) else {
            if let Some((_, found)) = self.layers.below(&key).next() {
                let below = found.written.to_owned();
                return Err(PlaceholderError::NotOneValue { key: name, below });
            }
            return match default {
                Some(default) => self.fill(default),
                None => Err(PlaceholderError::Unset { key: name }),
            };
        };
        if self.way.contains(&key) {
            let way = self.way.iter().skip_while(|k| **k != key).chain([&key]);
            return Err(PlaceholderError::Cycle {
                way: way.map(ToString::to_string).collect(),
            });
        }
        self.way.push(key);
        let filled = self.fill(found.value)?;
        self.way.pop();
        Ok(filled)
    }
}

/// Splits what follows a `${` at the brace that closes it.
fn close(after: &str) -> Option<(&str, &str)> {
    let mut open = 1_usize;
    let mut previous = ' ';
    for (at, c) in after.char_indices() {
        match c {
            '{' if previous == '$' => open = open.saturating_add(1),
            '}' => open = open.saturating_sub(1),
            _ => {}
        }
        if open == 0 {
            let (inner, rest) = after.split_at(at);
            return Some((inner, rest.get(1..).unwrap_or_default()));
        }
        previous = c;
    }
    None
}

/// Splits at the first colon that belongs to this placeholder and not to one inside its name.
fn split_default(inner: &str) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    let mut previous = ' ';
    for (at, c) in inner.char_indices() {
        match c {
            '{' if previous == '$' => open = open.saturating_add(1),
            '}' => open = open.saturating_sub(1),
            ':' if open == 0 => {
                let (name, rest) = inner.split_at(at);
                return Some((name, rest.get(1..).unwrap_or_default()));
            }
            _ => {}
        }
        previous = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::entries::{Overrides, SourceEntry};
    use super::super::environment::Environment;
    use super::super::error::ConfigOrigin;
    use super::*;

    fn layers(pairs: &[(&str, &str)]) -> ConfigLayers {
        let variables = [("NAMESRV".to_owned(), "env:1".to_owned())];
        let entry = |(key, value): &(&str, &str)| SourceEntry {
            written: (*key).to_owned(),
            value: (*value).to_owned(),
            origin: ConfigOrigin::Program,
        };
        let entries = pairs.iter().map(entry).collect();
        ConfigLayers::new(&[], Environment::new(&variables), &Overrides(entries))
    }

    #[test]
    fn placeholders_are_filled_from_every_source_and_within_each_other() {
        let layers = layers(&[
            ("a", "1"),
            ("b", "<${a}>"),
            ("which", "a"),
            ("mail-threads", "8"),
            ("price", "5 $"),
        ]);
        let cases = [
            ("plain", "plain"),
            ("${a}", "1"),
            ("x${a}y${a}z", "x1y1z"),
            ("${b}", "<1>"),
            ("${none:${a}}", "1"),
            ("${none:${nothing:deep}}", "deep"),
            ("${none:}", ""),
            ("${${which}}", "1"),
            ("${mailThreads}", "8"),
            ("${NAMESRV:127.0.0.1:9876}", "env:1"),
            ("${OTHER:127.0.0.1:9876}", "127.0.0.1:9876"),
            ("\\${a}", "${a}"),
            ("${price}", "5 $"),
            ("a } b { c $", "a } b { c $"),
        ];
        for (text, expected) in cases {
            assert_eq!(fill(&layers, text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_filled_says_why() {
        let layers = layers(&[
            ("a", "${b}"),
            ("b", "x ${c:1} ${a}"),
            ("self", "${self:1}"),
            ("list[0]", "x"),
        ]);
        let cases = [
            (
                "${gone}",
                "`${gone}` is set nowhere and has no default, set `gone` or write `${gone:…}`",
            ),
            ("${a}", "`${a}` needs itself: a → b → a"),
            ("${self}", "`${self}` needs itself: self → self"),
            (
                "${list:1}",
                "`${list}` is no single value, there is `list[0]`",
            ),
            ("x ${a", "`x ${a` has a `${` that is not closed"),
        ];
        for (text, expected) in cases {
            assert_eq!(fill(&layers, text).unwrap_err().to_string(), expected);
        }
        let deep = format!("{}x{}", "${n:".repeat(200), "}".repeat(200));
        assert_eq!(fill(&layers, &deep), Err(PlaceholderError::TooDeep));
    }
}
