//! Further attributes of Java's `@RocketMQMessageListener`, each with the reason why it is refused.

use super::spelling::snake_case;

/// An attribute that is not built. It may still be given the value that leaves its feature off.
#[derive(Debug)]
pub struct NotBuilt {
    /// In snake case.
    pub name: &'static str,
    /// Why it is refused.
    pub reason: Reason,
    /// The value that may be written, when one makes sense.
    pub neutral: Option<&'static str>,
}

/// Why something is refused.
#[derive(Clone, Copy, Debug)]
pub struct Reason {
    /// In an attribute: what is wrong with it, and what applies instead.
    pub attribute: &'static str,
    /// In the settings: the whole message.
    pub settings: &'static str,
}

const fn reason(attribute: &'static str, settings: &'static str) -> Reason {
    Reason {
        attribute,
        settings,
    }
}

const fn not(name: &'static str, neutral: Option<&'static str>, reason: Reason) -> NotBuilt {
    NotBuilt {
        name,
        reason,
        neutral,
    }
}

/// Requests carry no signature.
pub const SIGNING: Reason = reason(
    "is not built yet: requests are not signed",
    "signing requests is not built yet, leave it out or empty",
);
/// Names have no namespace.
pub const NAMESPACES: Reason = reason(
    "is not built yet: write the namespace as a prefix into topics and groups",
    "namespaces are not built yet, write the prefix into the names",
);
/// Connections are not encrypted.
pub const TLS: Reason = reason(
    "is not built yet: connections are not encrypted",
    "TLS is not built yet, leave it out or set it to false",
);
/// A program has one cluster.
pub const CLUSTERS: Reason = reason(
    "is not built yet: all listeners use `rocketmq.name-server`",
    "a second cluster in one program is not built yet",
);

const EMPTY_TEXT: Option<&str> = Some("\"\"");
const FALSE: Option<&str> = Some("false");

/// Every attribute that is refused: what is not built, and what has no effect in Java either.
pub const NOT_BUILT: &[NotBuilt] = &[
    not(
        "access_channel",
        EMPTY_TEXT,
        reason(
            "is not built yet: there is LOCAL alone",
            "there is LOCAL alone, leave it out",
        ),
    ),
    not("access_key", EMPTY_TEXT, SIGNING),
    not(
        "consume_thread_max",
        None,
        reason(
            "has no effect, nor has it in Java: `consume_thread_number` is the maximum",
            "has no effect, nor has it in Java: `consume-thread-number` is the maximum, leave it out",
        ),
    ),
    not("name_server", EMPTY_TEXT, CLUSTERS),
    not("namespace", EMPTY_TEXT, NAMESPACES),
    not("namespace_v2", EMPTY_TEXT, NAMESPACES),
    not("secret_key", EMPTY_TEXT, SIGNING),
    not("tls_enable", FALSE, TLS),
];

impl NotBuilt {
    /// The attribute of this name, in any spelling.
    pub fn named(written: &str) -> Option<&'static Self> {
        let name = snake_case(written);
        NOT_BUILT.iter().find(|known| known.name == name)
    }
}
