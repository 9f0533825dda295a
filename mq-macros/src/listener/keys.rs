//! The known key that a misspelt one is most like, and the list of all keys for error messages.

use mq_rules::{AttributeKey, KEYS};

use crate::diagnostics;

/// The key that a misspelt `written` was probably meant to be.
pub(super) fn nearest(written: &str) -> Option<&'static AttributeKey> {
    let names = KEYS
        .iter()
        .flat_map(|key| std::iter::once(key.name).chain(key.aliases.iter().copied()));
    diagnostics::nearest(&mq_rules::snake_case(written), names).and_then(AttributeKey::named)
}

/// Every name.
pub(super) fn all() -> String {
    let names: Vec<_> = KEYS.iter().map(|key| format!("`{}`", key.name)).collect();
    names.join(", ")
}
