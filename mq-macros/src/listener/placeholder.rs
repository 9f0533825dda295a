//! Parses `${key:default}` inside a text: the syntax, the literal parts and the default, which are
//! known at compile time.

/// A text cut at its placeholders.
pub(super) struct Template<'a> {
    parts: Vec<TemplatePart<'a>>,
}

enum TemplatePart<'a> {
    Literal(&'a str),
    Placeholder { default: Option<&'a str> },
}

impl<'a> Template<'a> {
    /// Cuts `text`, or says which form of a placeholder is broken.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            if !before.is_empty() {
                parts.push(TemplatePart::Literal(before));
            }
            if before.ends_with('\\') {
                rest = behind;
                continue;
            }
            let Some((inside, after)) = find(behind, '}') else {
                return Err(format!(
                    "the placeholder `${{{behind}` is not closed by `}}`"
                ));
            };
            parts.push(placeholder(inside)?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(TemplatePart::Literal(rest));
        }
        Ok(Self { parts })
    }

    /// Whether the text has a placeholder.
    pub(super) fn has_placeholder(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.any(|part| matches!(part, TemplatePart::Placeholder { .. }))
    }

    /// The default of a text that is one placeholder and nothing else.
    pub(super) fn sole_default(&self) -> Option<&'a str> {
        match self.parts.as_slice() {
            [
                TemplatePart::Placeholder {
                    default: Some(default),
                },
            ] if !default.contains("${") => Some(default),
            _ => None,
        }
    }

    /// The parts between the placeholders.
    pub(super) fn literals(&self) -> impl Iterator<Item = &'a str> {
        self.parts.iter().filter_map(|part| match part {
            TemplatePart::Literal(text) => Some(*text),
            TemplatePart::Placeholder { .. } => None,
        })
    }
}

/// `key` or `key:default`; both may have placeholders of their own.
fn placeholder(inside: &str) -> Result<TemplatePart<'_>, String> {
    let (key, default) = match find(inside, ':') {
        Some((key, default)) => (key, Some(default)),
        None => (inside, None),
    };
    let legal = |c: char| c.is_ascii_alphanumeric() || "._-[]".contains(c);
    if key.trim().is_empty() {
        return Err(format!("the placeholder `${{{inside}}}` names no key"));
    }
    if key.contains("${") {
        Template::parse(key)?;
    } else if let Some(illegal) = key.chars().find(|c| !legal(*c)) {
        return Err(format!(
            "the key of the placeholder `${{{inside}}}` has the illegal character {illegal:?}"
        ));
    }
    if let Some(default) = default {
        Template::parse(default)?;
    }
    Ok(TemplatePart::Placeholder { default })
}

/// Splits at the first `wanted` that does not belong to a placeholder inside `text`.
fn find(text: &str, wanted: char) -> Option<(&str, &str)> {
    let mut open = 0_usize;
    let mut previous = ' ';
    for (at, c) in text.char_indices() {
        if open == 0 && c == wanted {
            return Some((text.get(..at)?, text.get(at + 1..)?));
        }
        match c {
            '{' if previous == '$' => open += 1,
            '}' => open = open.saturating_sub(1),
            _ => {}
        }
        previous = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_default_may_have_a_placeholder_of_its_own() {
        let template = Template::parse("${a:${b:c}}-x").unwrap();

        assert!(template.has_placeholder());
        assert_eq!(template.literals().collect::<Vec<_>>(), ["-x"]);
        assert_eq!(template.sole_default(), None);
    }

    #[test]
    fn only_a_lone_placeholder_has_a_default_that_can_be_checked() {
        assert_eq!(Template::parse("${a:5}").unwrap().sole_default(), Some("5"));
        assert_eq!(Template::parse("x${a:5}").unwrap().sole_default(), None);
        assert_eq!(Template::parse("${a}").unwrap().sole_default(), None);
        assert_eq!(
            Template::parse("${${a:b}:5}").unwrap().sole_default(),
            Some("5")
        );
    }

    #[test]
    fn broken_forms_are_refused() {
        for text in ["${a", "${}", "${:x}", "${a b}", "${a:${}}", "${${a}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
