//! Reads `.properties` files as Java does, with the line of every key.
//!
//! Invariant: a key's line is the one its logical line starts at, continuations included.

/// A key and its value in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The key without its escapes.
    pub key: String,
    /// The value without its escapes.
    pub value: String,
    /// The line, counted from 1.
    pub line: u64,
}

/// An escape sequence that is not a character.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct EscapeError {
    /// The line, counted from 1.
    pub line: u64,
    what: String,
}

/// All keys and values of `text`, in order.
///
/// # Errors
///
/// The first escape sequence that is not a character.
pub fn read(text: &str) -> Result<Vec<Pair>, EscapeError> {
    let mut pairs = Vec::new();
    let mut lines = (1_u64..).zip(text.lines());
    while let Some((line, first)) = lines.next() {
        let mut logical = first.trim_start().to_owned();
        if logical.is_empty() || logical.starts_with(['#', '!']) {
            continue;
        }
        while continues(&logical) {
            logical.pop();
            let Some((_, next)) = lines.next() else { break };
            logical.push_str(next.trim_start());
        }
        let (key, value) = split(&logical);
        let plain = |text| unescape(text).map_err(|what| EscapeError { line, what });
        pairs.push(Pair {
            key: plain(key)?,
            value: plain(value)?,
            line,
        });
    }
    Ok(pairs)
}

/// Whether the line ends in an odd number of backslashes.
fn continues(line: &str) -> bool {
    line.len() % 2 != line.trim_end_matches('\\').len() % 2
}

/// The key ends at the first `=`, `:` or white space that is not escaped by a backslash.
fn split(logical: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = logical
        .char_indices()
        .find(|&(_, c)| {
            let here = !escaped && (matches!(c, '=' | ':') || c.is_whitespace());
            escaped = c == '\\' && !escaped;
            here
        })
        .map_or(logical.len(), |(at, _)| at);
    let (key, rest) = logical.split_at(end);
    let rest = rest.trim_start();
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start();
    (key, value)
}

fn unescape(text: &str) -> Result<String, String> {
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => plain.push('\n'),
            Some('t') => plain.push('\t'),
            Some('r') => plain.push('\r'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => plain.push(unicode(&mut chars)?),
            Some(other) => plain.push(other),
            None => {}
        }
    }
    Ok(plain)
}

/// `\uXXXX`, or a surrogate pair of two.
fn unicode(chars: &mut std::str::Chars<'_>) -> Result<char, String> {
    let high = unit(chars)?;
    let mut units = vec![high];
    if (0xD800..0xDC00).contains(&high) && chars.as_str().starts_with("\\u") {
        chars.next();
        chars.next();
        units.push(unit(chars)?);
    }
    match char::decode_utf16(units).next() {
        Some(Ok(c)) => Ok(c),
        _ => Err(format!("\\u{high:04x} is half a character")),
    }
}

fn unit(chars: &mut std::str::Chars<'_>) -> Result<u16, String> {
    let digits: String = chars.by_ref().take(4).collect();
    match u16::from_str_radix(&digits, 16) {
        Ok(unit) if digits.len() == 4 => Ok(unit),
        _ => Err(format!(
            "\\u needs four hexadecimal digits, found `{digits}`"
        )),
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
    fn java_s_own_spellings_are_read_with_their_lines() {
        let cases = [
            ("a=b", "a", "b", 1),
            ("# note\n\n a : b c", "a", "b c", 3),
            ("a b", "a", "b", 1),
            ("a", "a", "", 1),
            ("a\\=b=c=d", "a=b", "c=d", 1),
            ("! note\na=one,\\\n   two", "a", "one,two", 2),
            ("a=c:\\\\temp", "a", "c:\\temp", 1),
            ("a=\\u8ba2\\u5355", "a", "订单", 1),
            ("a=\\uD83D\\uDE00", "a", "😀", 1),
            ("a=订单", "a", "订单", 1),
        ];
        for (text, key, value, line) in cases {
            assert_eq!(
                pairs(text),
                [(key.to_owned(), value.to_owned(), line)],
                "{text}"
            );
        }
    }

    #[test]
    fn a_broken_escape_names_its_line() {
        assert_eq!(read("a=b\nc=\\u12").unwrap_err().line, 2);
        assert!(read("c=\\uD83D").is_err());
    }
}
