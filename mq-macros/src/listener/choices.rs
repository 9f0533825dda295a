//! The enums of the attribute: `Orderly`, `ConsumeMode::Orderly` and `"ORDERLY"` are one value.

use mq_rules::Choice;
use syn::Path;

use crate::diagnostics::nearest;

/// The member that a path names, or why it names none.
pub(super) fn by_path(choice: &Choice, path: &Path) -> Result<&'static str, String> {
    let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
    if let [.., type_name, _] = segments.as_slice()
        && type_name != choice.type_name
    {
        let wanted = choice.type_name;
        return Err(format!("expected a `{wanted}`, found a `{type_name}`"));
    }
    by_name(choice, segments.last().map_or("", String::as_str))
}

/// The member called `name` in Rust or in Java, whatever the case, or why there is none.
pub(super) fn by_name(choice: &Choice, name: &str) -> Result<&'static str, String> {
    if let Some(variant) = choice.named(name) {
        return Ok(variant.rust);
    }
    let type_name = choice.type_name;
    let names = choice.variants.iter().map(|variant| variant.rust);
    if let Some(near) = nearest(name, names.clone()) {
        return Err(format!(
            "`{type_name}` has no `{name}`; did you mean `{type_name}::{near}`?"
        ));
    }
    let names: Vec<_> = names.map(|name| format!("`{type_name}::{name}`")).collect();
    Err(format!(
        "`{type_name}` has no `{name}`; it is {}",
        names.join(" or ")
    ))
}
