//! From tokens to what was written: `key = value, …`, judging nothing.
//!
//! One malformed entry leaves the others readable, so that all complaints come at once.

use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use syn::{LitInt, LitStr, Path};

/// The arguments of the attribute in their order.
pub(super) struct Written {
    pub(super) entries: Vec<Entry>,
    /// Parts that do not begin with a key.
    pub(super) stray: Vec<TokenStream>,
}

/// One `key = value`.
pub(super) struct Entry {
    pub(super) key: Ident,
    pub(super) value: Value,
}

/// What stands behind the `=`.
pub(super) enum Value {
    /// `"text"`.
    Text(LitStr),
    /// `5`, `-1`.
    Number(TokenStream, i128),
    /// `Orderly`, `ConsumeMode::Orderly`.
    Name(Path),
    /// Anything else, nothing included.
    Other(TokenStream),
}

impl Written {
    pub(super) fn of(arguments: TokenStream) -> Self {
        let mut written = Self {
            entries: Vec::new(),
            stray: Vec::new(),
        };
        for part in split(arguments) {
            let mut tokens = part.clone().into_iter();
            match (tokens.next(), tokens.next()) {
                (Some(TokenTree::Ident(key)), None) => written.entries.push(Entry {
                    key,
                    value: Value::Other(TokenStream::new()),
                }),
                (Some(TokenTree::Ident(key)), Some(TokenTree::Punct(equals)))
                    if equals.as_char() == '=' =>
                {
                    written.entries.push(Entry {
                        key,
                        value: Value::of(tokens.collect()),
                    });
                }
                _ => written.stray.push(part),
            }
        }
        written
    }
}

impl Value {
    fn of(tokens: TokenStream) -> Self {
        if let Ok(text) = syn::parse2::<LitStr>(tokens.clone()) {
            return Self::Text(text);
        }
        if let Some(number) = number(tokens.clone()) {
            return Self::Number(tokens, number);
        }
        match syn::parse2::<Path>(tokens.clone()) {
            Ok(path) => Self::Name(path),
            Err(_) => Self::Other(tokens),
        }
    }
}

fn number(tokens: TokenStream) -> Option<i128> {
    let mut tokens = tokens.into_iter().peekable();
    let negative = matches!(tokens.peek(), Some(TokenTree::Punct(minus)) if minus.as_char() == '-');
    if negative {
        tokens.next();
    }
    let Some(TokenTree::Literal(literal)) = tokens.next() else {
        return None;
    };
    let value = integer(&literal)?;
    tokens
        .next()
        .is_none()
        .then_some(if negative { -value } else { value })
}

fn integer(literal: &Literal) -> Option<i128> {
    syn::parse_str::<LitInt>(&literal.to_string())
        .ok()?
        .base10_parse()
        .ok()
}

/// Splits at the commas between entries.
fn split(arguments: TokenStream) -> Vec<TokenStream> {
    let mut parts = vec![TokenStream::new()];
    for token in arguments {
        match (&token, parts.last_mut()) {
            (TokenTree::Punct(comma), _) if comma.as_char() == ',' => {
                parts.push(TokenStream::new());
            }
            (_, Some(part)) => part.extend([token]),
            (_, None) => {}
        }
    }
    parts.retain(|part| !part.is_empty());
    parts
}
