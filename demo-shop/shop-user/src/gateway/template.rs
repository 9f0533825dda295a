//! The body of a provider's request: JSON with `{phone}` and `{text}` in its strings.
//!
//! Invariant: whatever a phone number or a text contains, the filled template is JSON.

use serde::Deserialize;

const PHONE: &str = "{phone}";
const TEXT: &str = "{text}";

/// A template that was checked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct BodyTemplate(String);

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TemplateError {
    #[error("lacks `{0}`")]
    Lacks(&'static str),
    #[error("is no JSON with `{{phone}}` and `{{text}}` inside strings: {0}")]
    NoJson(#[from] serde_json::Error),
}

impl TryFrom<String> for BodyTemplate {
    type Error = TemplateError;

    fn try_from(text: String) -> Result<Self, TemplateError> {
        for placeholder in [PHONE, TEXT] {
            if !text.contains(placeholder) {
                return Err(TemplateError::Lacks(placeholder));
            }
        }
        let template = Self(text);
        // No number and no word of JSON: it only fits into a string.
        serde_json::from_str::<serde::de::IgnoredAny>(&template.fill("+", "\""))?;
        Ok(template)
    }
}

impl BodyTemplate {
    /// The body for one text message.
    pub(crate) fn fill(&self, phone: &str, text: &str) -> String {
        let mut filled = String::with_capacity(self.0.len() + phone.len() + text.len());
        let mut rest = self.0.as_str();
        while let Some(at) = rest.find('{') {
            let (before, from) = rest.split_at(at);
            filled.push_str(before);
            let (value, after) = if let Some(after) = from.strip_prefix(PHONE) {
                (escaped(phone), after)
            } else if let Some(after) = from.strip_prefix(TEXT) {
                (escaped(text), after)
            } else {
                let (brace, after) = from.split_at(1);
                (brace.to_owned(), after)
            };
            filled.push_str(&value);
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

/// `value` as it stands between the quotes of a JSON string.
fn escaped(value: &str) -> String {
    let quoted = serde_json::Value::from(value).to_string();
    let inside = quoted.get(1..quoted.len().saturating_sub(1));
    inside.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template(text: &str) -> Result<BodyTemplate, String> {
        BodyTemplate::try_from(text.to_owned()).map_err(|error| error.to_string())
    }

    #[test]
    fn whatever_a_text_contains_the_body_stays_json() {
        let template = template(r#"{"to":{"phone":"{phone}"},"message":"Shop: {text}"}"#).unwrap();

        let body = template.fill("+86138", "a \"b\" \\ {phone}\n订单");

        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["to"]["phone"], "+86138");
        assert_eq!(body["message"], "Shop: a \"b\" \\ {phone}\n订单");
    }

    #[test]
    fn a_template_that_could_not_be_filled_is_refused_at_the_start() {
        for (text, reason) in [
            (r#"{"to":"{phone}"}"#, "lacks `{text}`"),
            (r#"{"message":"{text}"}"#, "lacks `{phone}`"),
            (r#"{"to":{phone},"message":"{text}"}"#, "is no JSON"),
            (r#"{"to":"{phone}","message":"{text}""#, "is no JSON"),
            ("to={phone}&message={text}", "is no JSON"),
        ] {
            let error = template(text).unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }
}
