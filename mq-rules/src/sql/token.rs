//! The words and signs of a condition (`SelectorParserTokenManager`).
//!
//! Invariant: tokens are read one at a time, because what follows a whole condition is never read
//! beyond its first token.

use super::error::{SqlError, quoted};

/// A word, a sign or a literal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    And,
    Or,
    Not,
    Between,
    In,
    True,
    False,
    Null,
    Is,
    Contains,
    StartsWith,
    EndsWith,
    Equal,
    NotEqual,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
    Open,
    Comma,
    Close,
    Plus,
    Minus,
    /// Digits, perhaps with an `L` behind them.
    Integer(&'a str),
    Float(&'a str),
    /// What stands between the quotes; a quote within is doubled.
    Text(&'a str),
    Name(&'a str),
    End,
}

const KEYWORDS: &[(&str, Token<'static>)] = &[
    ("NOT", Token::Not),
    ("AND", Token::And),
    ("OR", Token::Or),
    ("BETWEEN", Token::Between),
    ("IN", Token::In),
    ("TRUE", Token::True),
    ("FALSE", Token::False),
    ("NULL", Token::Null),
    ("IS", Token::Is),
    ("CONTAINS", Token::Contains),
    ("STARTSWITH", Token::StartsWith),
    ("ENDSWITH", Token::EndsWith),
];

/// Signs; of two that begin alike the longer one stands first.
const SIGNS: &[(&str, Token<'static>)] = &[
    ("<>", Token::NotEqual),
    ("<=", Token::LessOrEqual),
    (">=", Token::GreaterOrEqual),
    ("<", Token::Less),
    (">", Token::Greater),
    ("=", Token::Equal),
    ("(", Token::Open),
    (")", Token::Close),
    (",", Token::Comma),
    ("+", Token::Plus),
    ("-", Token::Minus),
];

/// A token and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct PlacedToken<'a> {
    pub(super) token: Token<'a>,
    pub(super) begin: usize,
    pub(super) end: usize,
}

/// Reads tokens off a text.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// The last line end of the text: a line comment without one behind it is none.
    last_line_end: Option<usize>,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            last_line_end: text.rfind(['\n', '\r']),
        }
    }

    /// The next token; [`Token::End`] again and again at the end.
    pub(super) fn next(&mut self) -> Result<PlacedToken<'a>, SqlError> {
        self.skip_blanks_and_comments()?;
        let begin = self.at;
        let rest = self.rest();
        let (token, length) = match rest.as_bytes().first() {
            None => (Token::End, 0),
            Some(b'\'') => self.text_literal()?,
            Some(b'0'..=b'9' | b'.') => number(rest).ok_or_else(|| self.illegal())?,
            Some(first) if is_name(*first) => word(rest),
            Some(_) => {
                let sign = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign));
                let (sign, token) = sign.ok_or_else(|| self.illegal())?;
                (*token, sign.len())
            }
        };
        self.at += length;
        Ok(PlacedToken {
            token,
            begin,
            end: self.at,
        })
    }

    /// What `placed` looks like in the text, for messages.
    pub(super) fn show(&self, placed: &PlacedToken<'_>) -> String {
        match self.text.get(placed.begin..placed.end) {
            None | Some("") => "the end".to_owned(),
            Some(text) => quoted(text),
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn skip_blanks_and_comments(&mut self) -> Result<(), SqlError> {
        loop {
            let rest = self.rest();
            let bytes = rest.as_bytes();
            if matches!(bytes.first(), Some(b' ' | b'\t' | b'\n' | b'\r' | 0x0c)) {
                self.at += 1;
            } else if rest.starts_with("--") && self.last_line_end > Some(self.at) {
                let comment = rest.find(['\n', '\r']).unwrap_or(rest.len());
                self.at += comment + 1;
            } else if rest.starts_with("/*") {
                let body = rest.get(2..).unwrap_or_default();
                let Some(length) = body.find("*/") else {
                    return Err(SqlError::new(self.at, "a comment is not closed by `*/`"));
                };
                self.at += length + 4;
            } else {
                return Ok(());
            }
        }
    }

    /// A text in single quotes. One that is not closed ends at the last quote that is doubled in it, as
    /// the longest text that there is; what then follows is not closed.
    fn text_literal(&self) -> Result<(Token<'a>, usize), SqlError> {
        let rest = self.rest();
        let mut from = 1;
        let mut longest = None;
        let end = loop {
            let behind = rest.get(from..).unwrap_or_default();
            let Some(quote) = behind.find('\'').map(|found| from + found) else {
                break longest;
            };
            if rest.as_bytes().get(quote + 1) != Some(&b'\'') {
                break Some(quote);
            }
            longest = Some(quote);
            from = quote + 2;
        };
        let end = end.ok_or_else(|| SqlError::new(self.at, "a text is not closed by `'`"))?;
        let body = rest.get(1..end).unwrap_or_default();
        Ok((Token::Text(body), end + 1))
    }

    fn illegal(&self) -> SqlError {
        let reason = match self.rest().chars().next() {
            Some(c) => format!("{c:?} cannot stand in a condition"),
            None => "the condition ends too early".to_owned(),
        };
        SqlError::new(self.at, reason)
    }
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b'$'
}

fn word(rest: &str) -> (Token<'_>, usize) {
    let part_of_name = |byte: &u8| is_name(*byte) || byte.is_ascii_digit();
    let length = rest.bytes().take_while(part_of_name).count();
    let word = rest.get(..length).unwrap_or_default();
    let keyword = KEYWORDS
        .iter()
        .find(|(keyword, _)| keyword.eq_ignore_ascii_case(word));
    let token = keyword.map_or(Token::Name(word), |(_, token)| *token);
    (token, length)
}

/// The longest number that `rest` begins with; `None` for a lone point.
///
/// A whole number has no leading zero, so that `007` is `0` and what follows it.
fn number(rest: &str) -> Option<(Token<'_>, usize)> {
    let bytes = rest.as_bytes();
    let digits = |from: usize| {
        let behind = bytes.get(from..).unwrap_or_default();
        behind
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count()
    };
    let whole = digits(0);
    let mut length = whole;
    if bytes.get(whole) == Some(&b'.') {
        let fraction = digits(whole + 1);
        if whole + fraction == 0 {
            return None;
        }
        length += 1 + fraction;
    }
    if matches!(bytes.get(length), Some(b'e' | b'E')) {
        let sign = matches!(bytes.get(length + 1), Some(b'+' | b'-'));
        let begin = length + 1 + usize::from(sign);
        let exponent = digits(begin);
        if exponent > 0 {
            length = begin + exponent;
        }
    }
    if length > whole {
        return Some((Token::Float(rest.get(..length)?), length));
    }
    if bytes.first() == Some(&b'0') {
        return Some((Token::Integer("0"), 1));
    }
    let suffix = matches!(bytes.get(whole), Some(b'l' | b'L'));
    Some((
        Token::Integer(rest.get(..whole)?),
        whole + usize::from(suffix),
    ))
}
