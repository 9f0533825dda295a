//! Conversions between texts, numbers, booleans and enums, as fastjson makes them.

use std::str::FromStr;

use super::error::{BodyError, Result};

pub(super) fn parse<T: FromStr>(text: &str, expected: &str) -> Result<T> {
    let wrong = || {
        let found: String = text.chars().take(64).collect();
        BodyError::new(format!("`{found}` is not {expected}"))
    };
    text.trim().parse().ok().ok_or_else(wrong)
}

/// As fastjson's `castToBoolean`.
pub(super) fn boolean(text: &str) -> bool {
    matches!(text, "true" | "TRUE" | "True" | "1" | "Y" | "T")
}

/// The variant called `text`, or the one whose Java ordinal it is.
pub(super) fn variant<'a>(text: &'a str, variants: &'static [&'static str]) -> &'a str {
    let by_place = text.trim().parse().ok();
    let by_place = by_place.and_then(|place: usize| variants.get(place));
    by_place.copied().unwrap_or(text)
}
