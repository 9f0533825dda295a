//! The enums that a key may take: `Orderly` and `ORDERLY` are one value.

/// An enum and its members.
#[derive(Debug)]
pub struct Choice {
    /// Its name in Rust.
    pub type_name: &'static str,
    /// Its members.
    pub variants: &'static [Variant],
}

/// A member under its name in Rust and in Java.
#[derive(Debug)]
pub struct Variant {
    /// In Rust, as in `Orderly`.
    pub rust: &'static str,
    /// In Java and in the settings, as in `ORDERLY`.
    pub java: &'static str,
}

impl Choice {
    /// The member called `name` in Rust or in Java, whatever the case, dashes and underscores.
    pub fn named(&self, name: &str) -> Option<&Variant> {
        let plain = plain(name.trim());
        let is_called = |called: &str| self::plain(called) == plain;
        let mut variants = self.variants.iter();
        variants.find(|variant| is_called(variant.rust) || is_called(variant.java))
    }
}

/// `name` without what its spellings differ in.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|c| !matches!(c, '-' | '_'));
    letters.map(|c| c.to_ascii_lowercase()).collect()
}

const fn named(rust: &'static str, java: &'static str) -> Variant {
    Variant { rust, java }
}

pub(crate) const SELECTOR_TYPE: Choice = Choice {
    type_name: "SelectorType",
    variants: &[named("Tag", "TAG"), named("Sql92", "SQL92")],
};

pub(crate) const CONSUME_MODE: Choice = Choice {
    type_name: "ConsumeMode",
    variants: &[
        named("Concurrently", "CONCURRENTLY"),
        named("Orderly", "ORDERLY"),
    ],
};

pub(crate) const CONSUME_FROM_WHERE: Choice = Choice {
    type_name: "ConsumeFromWhere",
    variants: &[
        named("LastOffset", "CONSUME_FROM_LAST_OFFSET"),
        named("FirstOffset", "CONSUME_FROM_FIRST_OFFSET"),
        named("Timestamp", "CONSUME_FROM_TIMESTAMP"),
    ],
};

pub(crate) const ON_DECODE_ERROR: Choice = Choice {
    type_name: "OnDecodeError",
    variants: &[
        named("DeadLetter", "DEAD_LETTER"),
        named("Retry", "RETRY"),
        named("Drop", "DROP"),
    ],
};

pub(crate) const MESSAGE_MODEL: Choice = Choice {
    type_name: "MessageModel",
    variants: &[
        named("Clustering", "CLUSTERING"),
        named("Broadcasting", "BROADCASTING"),
    ],
};
