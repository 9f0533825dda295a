//! The value of one key: what the settings say of it, else what the annotation says with its
//! placeholders filled.

use std::fmt::Display;

use mq_rules::AttributeKey;

use super::annotation::Reading;
use crate::config::truth;
use crate::listener::attributes::LiteralOrPlaceholder;
use crate::listener::declaration::Declaration;
use crate::problem::Problem;

/// A text and the place it comes from.
pub(super) struct Text {
    pub(super) text: String,
    pub(super) place: String,
}

impl Reading<'_> {
    /// A number or a member of an enum; `None` when nobody says or when it is wrong.
    pub(super) fn value<T: Copy, E: Display>(
        &mut self,
        key: &'static str,
        written: Option<LiteralOrPlaceholder<T>>,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = match (self.overriding(key), written) {
            (Some(text), _) => text,
            (None, Some(LiteralOrPlaceholder::Literal(value))) => return Some(value),
            (None, Some(LiteralOrPlaceholder::Placeholder(text))) => self.filled(key, text)?,
            (None, None) => return None,
        };
        self.checked(key, &text, |text| {
            read(text).map_err(|error| error.to_string())
        })
    }

    /// True or false.
    pub(super) fn truth(
        &mut self,
        key: &'static str,
        written: Option<LiteralOrPlaceholder<bool>>,
    ) -> Option<bool> {
        self.value(key, written, |text| {
            truth(text).ok_or_else(|| format!("`{text}` is neither true nor false"))
        })
    }

    /// A text that `check` accepts; `None` when nobody says, when it is blank or when it is wrong.
    pub(super) fn text<T>(
        &mut self,
        key: &'static str,
        written: Option<&'static str>,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = match self.overriding(key) {
            Some(text) => text,
            None => self.filled(key, written?)?,
        };
        if text.text.trim().is_empty() {
            return None;
        }
        self.checked(key, &text, check)
    }

    /// A number within the range of its key.
    pub(super) fn number(
        &mut self,
        key: &'static str,
        written: Option<LiteralOrPlaceholder<i32>>,
    ) -> Option<i32> {
        let attribute = AttributeKey::named(key)?;
        let range = attribute.range()?;
        self.value(key, written, |text| {
            let number = text.trim().parse().ok();
            let number = number.filter(|number| range.contains(&i64::from(*number)));
            let (from, to) = (range.start(), range.end());
            number.ok_or_else(|| {
                let noun = attribute.noun();
                format!("`{text}` is no {noun} from {from} to {to}")
            })
        })
    }

    pub(super) fn overriding(&self, key: &str) -> Option<Text> {
        let value = self.laid_over?.attributes.get(key)?;
        Some(Text {
            text: value.text.clone(),
            place: value.origin.to_string(),
        })
    }

    pub(super) fn filled(&mut self, key: &str, text: &str) -> Option<Text> {
        let place = self.declaration.origin.to_string();
        match self.settings.resolve(text) {
            Ok(text) => Some(Text { text, place }),
            Err(error) => {
                self.problems
                    .push(Problem::new(place, format!("{key}: {error}")));
                None
            }
        }
    }

    pub(super) fn checked<T>(
        &mut self,
        key: &str,
        text: &Text,
        check: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match check(&text.text) {
            Ok(value) => Some(value),
            Err(error) => {
                self.problems
                    .push(Problem::new(text.place.clone(), format!("{key}: {error}")));
                None
            }
        }
    }

    pub(super) fn complain(&mut self, what: impl Display) {
        let Declaration { name, origin, .. } = self.declaration;
        self.problems.push(Problem::new(
            origin.to_string(),
            format!("`{name}`: {what}"),
        ));
    }
}
