//! Parses `key = value, …` without checking keys or values.
//!
//! A malformed entry does not keep the others from being parsed, so that all errors are reported
//! together.

use proc_macro2::{Ident, Literal, TokenStream, TokenTree};
use syn::{LitInt, LitStr, Path};

/// The arguments of the attribute in their order.
pub(crate) struct WrittenArguments {
    pub(crate) entries: Vec<KeyValue>,
    /// Parts that do not begin with a key.
    pub(crate) stray: Vec<TokenStream>,
    /// Keys with no comma before them.
    pub(crate) run_on: Vec<Ident>,
}

/// One `key = value`.
pub(crate) struct KeyValue {
    pub(crate) key: Ident,
    pub(crate) value: WrittenValue,
}

/// What stands behind the `=`.
pub(crate) enum WrittenValue {
    /// `"text"`.
    Text(LitStr),
    /// `5`, `-1`.
    Number(TokenStream, i128),
    /// `Orderly`, `ConsumeMode::Orderly`.
    Name(Path),
    /// Anything else, nothing included.
    Other(TokenStream),
}

impl WrittenArguments {
    pub(crate) fn of(arguments: TokenStream) -> Self {
        let mut written = Self {
            entries: Vec::new(),
            stray: Vec::new(),
            run_on: Vec::new(),
        };
        for part in split(arguments, &mut written.run_on) {
            let mut tokens = part.clone().into_iter();
            match (tokens.next(), tokens.next()) {
                (Some(TokenTree::Ident(key)), None) => written.entries.push(KeyValue {
                    key,
                    value: WrittenValue::Other(TokenStream::new()),
                }),
                (Some(TokenTree::Ident(key)), Some(TokenTree::Punct(equals)))
                    if equals.as_char() == '=' =>
                {
                    written.entries.push(KeyValue {
                        key,
                        value: WrittenValue::of(tokens.collect()),
                    });
                }
                _ => written.stray.push(part),
            }
        }
        written
    }
}

impl WrittenValue {
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

/// Splits at the commas between entries, and before a key that has none.
fn split(arguments: TokenStream, run_on: &mut Vec<Ident>) -> Vec<TokenStream> {
    let is = |token: &TokenTree, sign: char| matches!(token, TokenTree::Punct(punct) if punct.as_char() == sign);
    let mut parts = Vec::new();
    let mut part = TokenStream::new();
    let mut tokens = arguments.into_iter().peekable();
    while let Some(token) = tokens.next() {
        if is(&token, ',') {
            parts.push(std::mem::take(&mut part));
            continue;
        }
        if let TokenTree::Ident(key) = &token
            && !part.is_empty()
            && tokens.peek().is_some_and(|next| is(next, '='))
        {
            run_on.push(key.clone());
            parts.push(std::mem::take(&mut part));
        }
        part.extend([token]);
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}
