//! The enums of the attribute: `Orderly`, `ConsumeMode::Orderly` and `"ORDERLY"` are one value.

use syn::Path;

use crate::diagnostics::nearest;

/// An enum and its members.
pub(super) struct Choice {
    pub(super) type_name: &'static str,
    variants: &'static [Variant],
}

/// A member under its name in Rust and in Java.
struct Variant {
    rust: &'static str,
    java: &'static str,
}

pub(super) const SELECTOR_TYPE: Choice = Choice {
    type_name: "SelectorType",
    variants: &[
        Variant {
            rust: "Tag",
            java: "TAG",
        },
        Variant {
            rust: "Sql92",
            java: "SQL92",
        },
    ],
};

pub(super) const CONSUME_MODE: Choice = Choice {
    type_name: "ConsumeMode",
    variants: &[
        Variant {
            rust: "Concurrently",
            java: "CONCURRENTLY",
        },
        Variant {
            rust: "Orderly",
            java: "ORDERLY",
        },
    ],
};

pub(super) const MESSAGE_MODEL: Choice = Choice {
    type_name: "MessageModel",
    variants: &[
        Variant {
            rust: "Clustering",
            java: "CLUSTERING",
        },
        Variant {
            rust: "Broadcasting",
            java: "BROADCASTING",
        },
    ],
};

impl Choice {
    /// The member that a path names, or why it names none.
    pub(super) fn by_path(&self, path: &Path) -> Result<&'static str, String> {
        let segments: Vec<String> = path.segments.iter().map(|s| s.ident.to_string()).collect();
        if let [.., type_name, _] = segments.as_slice()
            && type_name != self.type_name
        {
            let Self {
                type_name: wanted, ..
            } = self;
            return Err(format!("expected a `{wanted}`, found a `{type_name}`"));
        }
        self.by_name(segments.last().map_or("", String::as_str))
    }

    /// The member called `name` in Rust or in Java, whatever the case, or why there is none.
    pub(super) fn by_name(&self, name: &str) -> Result<&'static str, String> {
        let found = self.variants.iter().find(|variant| {
            variant.rust.eq_ignore_ascii_case(name) || variant.java.eq_ignore_ascii_case(name)
        });
        if let Some(variant) = found {
            return Ok(variant.rust);
        }
        let type_name = self.type_name;
        let names = self.variants.iter().map(|variant| variant.rust);
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
}
