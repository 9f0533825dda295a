//! Reads properties as they travel: `name U+0001 value U+0002 …`.

use memchr::{memchr, memchr2};

pub(super) const NAME_VALUE_SEPARATOR: u8 = 1;
pub(crate) const PROPERTY_SEPARATOR: u8 = 2;

/// One part of a property text between two separators.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PropertyPart<'a> {
    /// Its position in the text.
    pub(crate) at: usize,
    /// Name, separator and value.
    pub(crate) whole: &'a [u8],
    pub(crate) name: &'a [u8],
    /// Empty without a separator.
    pub(crate) value: &'a [u8],
    /// Whether it has a separator and a name before it; otherwise it is not a property and is
    /// skipped.
    pub(crate) has_value: bool,
}

/// The parts of a text, empty ones left out.
pub(crate) fn parts(text: &[u8]) -> impl Iterator<Item = PropertyPart<'_>> {
    let mut next = 0;
    std::iter::from_fn(move || {
        loop {
            let at = next;
            let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
            let end_of_name = memchr2(NAME_VALUE_SEPARATOR, PROPERTY_SEPARATOR, rest);
            let (name, behind) = rest.split_at(end_of_name.unwrap_or(rest.len()));
            let has_separator = behind.first() == Some(&NAME_VALUE_SEPARATOR);
            let value = if has_separator {
                let behind = behind.get(1..).unwrap_or_default();
                let length = memchr(PROPERTY_SEPARATOR, behind).unwrap_or(behind.len());
                behind.get(..length).unwrap_or_default()
            } else {
                &[]
            };
            let length = name.len() + usize::from(has_separator) + value.len();
            next = at + length + 1;
            if length > 0 {
                return Some(PropertyPart {
                    at,
                    whole: rest.get(..length).unwrap_or_default(),
                    name,
                    value,
                    has_value: has_separator && !name.is_empty(),
                });
            }
        }
    })
}

/// Names and values of properties that lie in a larger buffer.
pub(crate) fn iter(text: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    parts(text)
        .filter(|part| part.has_value)
        .filter_map(|part| {
            let name = std::str::from_utf8(part.name).ok()?;
            let value = std::str::from_utf8(part.value).ok()?;
            Some((name, value))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_its_separators() {
        let text = b"\x02a\x011\x02\x02b\x02\x01c\x02d\x01\x02e\x01\x01f";

        let found: Vec<_> = parts(text)
            .map(|part| (part.at, part.name, part.value, part.has_value))
            .collect();

        let expected: [(usize, &[u8], &[u8], bool); 5] = [
            (1, b"a", b"1", true),
            (6, b"b", b"", false),
            (8, b"", b"c", false),
            (11, b"d", b"", true),
            (14, b"e", b"\x01f", true),
        ];
        assert_eq!(found, expected);
        assert!(parts(text).all(|part| text[part.at..].starts_with(part.whole)));
    }
}
